"""Review: the decisions that a person looks at, and what they make of them.

`policies/oversight.yaml` says for each kind of decision whether nobody reviews single outputs
(none, monitor), a share of them is reviewed (sample), or each (before_effect, before_execution).
The log of decisions names the role that reviews a record, so what the service answers is in the
queue by itself. Whatever else needs a person is handed in:

    review.submit(settings, decision_type, trace_id, value, reason)

for instance an order above a cap, or an alert; ``trace_id`` is the record of the decision, if there
is one. Nothing may act on a decision that waits here: `review.state(settings, trace_id)` says what
became of it. People answer by `nox -s review`.

Whoever sees what the system says tends to agree. So for a share of the queue the value is hidden,
and the reviewer decides without it; how often both agree is the check against automation bias.
Which ones they are follows from their ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ai_program import digests, evidence

from . import decisions, files, journal, oversight, people
from .errors import RefusedError
from .journal import Journal
from .settings import Settings, read

# Costs nothing but the convenience of an answer to agree with.
BLIND_SHARE = 0.25

APPROVED, OVERRIDDEN, WAITING = "approved", "overridden", "waiting"


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision that is to be reviewed, and the review, if there was one."""

    trace_id: str
    decision_type: str
    value: Any
    reason: str
    since: str
    role: str
    hours: float
    done: dict[str, Any] | None

    @property
    def is_blind(self) -> bool:
        """Tell whether the reviewer does not see the value."""
        return oversight.share(self.trace_id, "blind") < BLIND_SHARE

    @property
    def due(self) -> datetime:
        """Return until when somebody answers."""
        return _moment(self.since) + timedelta(hours=self.hours)


def folder(settings: Settings) -> Path:
    """Return where submissions and reviews stand."""
    return settings.root / "var" / "reviews"


def submit(settings: Settings, decision_type: str, trace_id: str, value: Any, reason: str) -> None:
    """Ask for the review of a decision; whoever asks again asks for the same review."""
    kind = oversight.kind(settings, decision_type)
    _write(
        settings,
        event="submitted",
        trace_id=trace_id,
        decision_type=decision_type,
        role=kind["reviewer_role"],
        value=value,
        reason=reason,
    )


def entries(settings: Settings) -> list[Entry]:
    """Return everything that is or was to be reviewed, the earliest first."""
    events = sorted(journal.read(folder(settings)), key=lambda each: each["time"])
    done: dict[str, dict[str, Any]] = {}
    for event in events:
        if event["event"] == "reviewed":
            done.setdefault(event["trace_id"], event)  # two at once: the first counts
    hours = {
        each["id"]: float(each["respond_within_hours"])
        for each in settings.oversight["decision_types"]
    }
    found: dict[str, Entry] = {}
    for asked in (*_recorded(settings), *(one for one in events if one["event"] == "submitted")):
        name, kind = asked["trace_id"], asked["decision_type"]
        found.setdefault(
            name,
            Entry(
                name, kind, asked["value"], asked["reason"], asked["time"], asked["role"],
                hours.get(kind, min(hours.values())), done.get(name),
            ),
        )  # fmt: skip
    return sorted(found.values(), key=lambda each: (each.since, each.trace_id))


def waiting(settings: Settings) -> list[Entry]:
    """Return what nobody has reviewed yet, the earliest first."""
    return [entry for entry in entries(settings) if entry.done is None]


def state(settings: Settings, trace_id: str) -> tuple[str, Any]:
    """Return what became of a decision, and the value that holds if it was decided."""
    entry = _entry(settings, trace_id)
    if entry.done is None:
        return WAITING, None
    return str(entry.done["outcome"]), entry.done["value"]


def approve(settings: Settings, trace_id: str, *, by: str, reason: str) -> None:
    """Let a decision stand as it is."""
    entry = _open(settings, trace_id, by)
    if entry.is_blind:
        raise RefusedError(
            f"{trace_id} is decided without seeing what the system says: "
            f'`nox -s review -- decide {trace_id} --value … --reason "…"`'
        )
    _close(settings, entry, by=by, outcome=APPROVED, value=entry.value, reason=reason)


def override(settings: Settings, trace_id: str, *, by: str, value: Any, reason: str) -> bool:
    """Decide with a value of one's own, having seen the system's or not.

    Return whether both agree; if they do not, this value holds.
    """
    entry = _open(settings, trace_id, by)
    agree = entry.is_blind and same(settings, entry.value, value)
    outcome = APPROVED if agree else OVERRIDDEN
    _close(settings, entry, by=by, outcome=outcome, value=value, reason=reason)
    return agree


def same(settings: Settings, one: Any, other: Any) -> bool:
    """Tell whether two values are the same decision: numbers as near as golden rows have to be."""
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    if not numbers or isinstance(one, bool) or isinstance(other, bool):
        return bool(one == other)
    tolerance = settings.evaluation["golden"]["tolerance"] or 0
    return abs(one - other) <= tolerance * abs(one)


def rates(settings: Settings) -> tuple[int, int]:
    """Return how many decisions were reviewed, and how many of them decided otherwise."""
    first: dict[str, str] = {}
    for event in sorted(journal.read(folder(settings)), key=lambda each: each["time"]):
        if event["event"] == "reviewed":
            first.setdefault(event["trace_id"], event["outcome"])
    return len(first), sum(outcome == OVERRIDDEN for outcome in first.values())


# The summary of a period, which is evidence.


def summarise(settings: Settings, *, until: str | None = None) -> str:
    """Write what people made of the decisions since the last summary; return its path."""
    last = until or (date.fromisoformat(journal.now()[:10]) - timedelta(days=1)).isoformat()
    found = [each for each in entries(settings) if each.since[:10] <= last]
    made = [each for each in _decided(settings) if each["time"][:10] <= last]
    begin = _begin(settings, [*(each.since for each in found), *(each["time"] for each in made)])
    if begin is None or begin > last:
        raise RefusedError(f"there is nothing to summarise up to {last}, the last whole day")
    end = min(_moment(f"{last}T23:59:59.999Z"), _moment(journal.now()))
    queued = [each for each in found if each.since[:10] >= begin]
    reviewed = [each for each in queued if each.done is not None]
    blind = [each for each in reviewed if each.is_blind]
    still = [each for each in found if each.done is None or _moment(each.done["time"]) > end]
    names = {each["record_id"] for each in made if each["time"][:10] >= begin}
    summary = evidence.review_summary(
        period=(begin, last),
        decisions=len(names | {each.trace_id for each in queued}),
        queued=len(queued),
        reviewed=len(reviewed),
        overridden=sum(_outcome(each) == OVERRIDDEN for each in reviewed),
        blind=len(blind),
        agreed=sum(_outcome(each) == APPROVED for each in blind),
        oldest_open_hours=max(
            (round((end - _moment(each.since)).total_seconds() / 3600, 2) for each in still),
            default=None,
        ),
    )
    path = f"{evidence.REVIEWS}/{last}.json"
    if (settings.root / path).exists():
        raise RefusedError(f"{path} is there already, and evidence is never overwritten")
    files.write(settings.root, {path: digests.pretty(summary)})
    return path


def _begin(settings: Settings, moments: list[str]) -> str | None:
    """Return the day after the last summary, or that of the first decision."""
    paths = sorted((settings.root / evidence.REVIEWS).glob("*.json"))
    if paths:
        path = paths[-1].relative_to(settings.root).as_posix()
        before = date.fromisoformat(read(settings.root, path)["period"]["to"])
        return (before + timedelta(days=1)).isoformat()
    return min(moments)[:10] if moments else None


def _outcome(entry: Entry) -> str:
    return str(entry.done["outcome"]) if entry.done else WAITING


# The records behind it.


def _decided(settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the records from which something follows."""
    return (each for each in decisions.read(settings) if each["decision_type"] is not None)


def _recorded(settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the records that have to be reviewed, as submissions."""
    for record in _decided(settings):
        if record["reviewer"] is not None:
            yield {
                "trace_id": record["record_id"],
                "decision_type": record["decision_type"],
                "value": record["outcome"],
                "reason": record.get("held_because") or "policies/oversight.yaml asks for it",
                "time": record["time"],
                "role": record["reviewer"],
            }


def _entry(settings: Settings, trace_id: str) -> Entry:
    """Return an entry by its id, or by a beginning of it that no other has."""
    found = [each for each in entries(settings) if each.trace_id.startswith(trace_id)]
    exact = [each for each in found if each.trace_id == trace_id] or found
    if len(exact) != 1 or not trace_id:
        what = "several decisions begin" if exact else "no decision that is to be reviewed begins"
        raise RefusedError(f"{what} with {trace_id!r}: `nox -s review -- list` has the ids")
    return exact[0]


def _open(settings: Settings, trace_id: str, by: str) -> Entry:
    """Return an entry that waits, if this person may answer it."""
    entry = _entry(settings, trace_id)
    people.require_role(people.find(settings, by), [entry.role], "review this decision")
    if entry.done is not None:
        raise RefusedError(f"{entry.done['by']} reviewed {trace_id} already: {_outcome(entry)}")
    return entry


def _close(
    settings: Settings, entry: Entry, *, by: str, outcome: str, value: Any, reason: str
) -> None:
    if not reason.strip():
        raise RefusedError("a review says why: --reason")
    _write(
        settings,
        event="reviewed",
        trace_id=entry.trace_id,
        by=people.find(settings, by)["handle"],
        outcome=outcome,
        value=value,
        blind=entry.is_blind,
        reason=reason,
    )


def _write(settings: Settings, **event: Any) -> None:
    writer = Journal(folder(settings))
    try:
        json.dumps(event, allow_nan=False)
        writer.append([{"time": journal.now(), **event}])
    except (TypeError, ValueError) as error:
        raise RefusedError(f"this value cannot be written down: {error}") from None
    finally:
        writer.close()


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone(UTC)
