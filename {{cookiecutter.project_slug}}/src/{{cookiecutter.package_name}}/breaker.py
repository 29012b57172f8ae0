"""Breaker: takes a version out at once; from then on the fallback rule answers in its place.

It opens for the version in force, by a person or by a monitor whose action is ``trip``. Another
version that comes into force, by a rollback or a promotion, answers again; the one that was taken
out does not, until somebody else than who asks approves that it may (`policies/monitoring.yaml`).

The state is one file outside git, replaced whole. A file that cannot be read keeps every version
out: nobody knows any more what was taken out, and a rule is safe.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import files, journal, people, releases
from .errors import RefusedError
from .journal import Journal
from .settings import Settings

STATE = "var/breaker/state.json"


def path(settings: Settings) -> Path:
    """Return where the state stands."""
    return settings.root / STATE


def opened(settings: Settings, version: str) -> str | None:
    """Return why a version may not answer, None if it may."""
    try:
        taken_out = _state(settings)
    except _BrokenError as error:
        return str(error)
    entry = taken_out.get(version)
    return f"{entry['by']}, {entry['at']}: {entry['reason']}" if entry else None


def trip(settings: Settings, *, by: str, reason: str) -> str:
    """Take out the version in force and return its name; ``by`` is a person or a monitor."""
    if by.startswith("MON-"):
        if by not in settings.monitoring["breaker"]["trips_on"]:
            raise RefusedError(f"the breaker does not trip on {by} (policies/monitoring.yaml)")
    else:
        person = people.find(settings, by)
        people.require_role(person, settings.monitoring["breaker"]["may_trip"], "trip the breaker")
        by = person["handle"]
    current = releases.in_force(settings)
    if current is None:
        raise RefusedError("nothing was released yet: the fallback answers already")
    version = current["version"]
    try:
        taken_out = _state(settings)
    except _BrokenError:
        # It stays broken, which keeps everything out; only a reset may begin a new one.
        _note(settings, "trip", version, by, reason)
        return version
    if version not in taken_out:
        _write(settings, {**taken_out, version: {"by": by, "at": journal.now(), "reason": reason}})
    _note(settings, "trip", version, by, reason)
    return version


def reset(
    settings: Settings, *, author: str, approver: str, reason: str, version: str | None = None
) -> str:
    """Let a version answer again, by default the one in force, and return its name."""
    asker, person = people.find(settings, author), people.find(settings, approver)
    role = settings.monitoring["breaker"]["reset_requires"]
    people.require_role(person, [role], "approve the reset of the breaker")
    if person is asker:
        raise RefusedError(f"{asker['handle']} asks, so somebody else has to approve")
    if version is None:
        current = releases.in_force(settings)
        version = current["version"] if current else ""
    try:
        taken_out = _state(settings)
        if version not in taken_out:
            others = f"; taken out: {', '.join(taken_out)}" if taken_out else ""
            raise RefusedError(f"the breaker is closed for {version or 'the fallback'}{others}")
        left = {name: each for name, each in taken_out.items() if name != version}
    except _BrokenError:
        left = {}
    _write(settings, left)
    _note(settings, "reset", version, f"{asker['handle']}, approved by {person['handle']}", reason)
    return version


def history(settings: Settings) -> list[dict[str, Any]]:
    """Return what happened to the breaker, the earliest first."""
    return sorted(journal.read(path(settings).parent), key=lambda each: each["time"])


class _BrokenError(RefusedError):
    """Nobody can tell from the state what was taken out."""


def _state(settings: Settings) -> dict[str, dict[str, str]]:
    """Return what was taken out, by version: who did it, when, and why."""
    try:
        taken_out = json.loads(path(settings).read_bytes())["taken_out"]
        for entry in taken_out.values():
            if not all(isinstance(entry[key], str) for key in ("by", "at", "reason")):
                raise TypeError
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _BrokenError(f"{STATE} cannot be read, which keeps every version out") from None
    return taken_out


def _write(settings: Settings, taken_out: dict[str, dict[str, str]]) -> None:
    data = json.dumps({"taken_out": taken_out}, indent=2, ensure_ascii=False).encode() + b"\n"
    files.write(settings.root, {STATE: data})


def _note(settings: Settings, what: str, version: str, by: str, reason: str) -> None:
    """Note for later what happened; it is the history, and the state is what counts."""
    writer = Journal(path(settings).parent)
    entry = {"time": journal.now(), "event": what, "version": version, "by": by, "reason": reason}
    writer.append([entry])
    writer.close()
