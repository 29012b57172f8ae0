"""Exceptions: dated permissions to leave a finding open for a while.

A waiver counts only as it stands in the base, so that no change can excuse itself. It has to be
well-formed, within its time, and approved by somebody else than whoever wrote it; what is wrong
with it is said in one sentence (``Waiver.problem``), and a waiver with a problem waives nothing.
"""

from __future__ import annotations

from ai_program.snapshot import matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Baseline, Program, State


class Waiver:
    """One file of ``decisions/exceptions/``."""

    __slots__ = ("doc", "expires", "id", "keys", "path", "problem", "rule")

    def __init__(self, doc: Document) -> None:
        self.doc = doc
        self.id = _text(doc.get("id")) or doc.path.rpartition("/")[2].partition(".")[0]
        self.rule = _text(doc.get("rule"))
        self.path = _text(doc.get("path"))
        self.expires = _text(doc.get("expires"))
        self.problem: str | None = None
        self.keys: tuple[str, ...] = ()  # where the problem stands

    def __repr__(self) -> str:
        return f"Waiver({self.id}: {self.problem or 'in force'})"

    def waives(self, finding: Finding) -> bool:
        """Whether it is in force and means this finding."""
        return (
            self.problem is None
            and self.rule == finding.code
            and matcher(self.path)(finding.location.path)
        )


def of_base(program: Program) -> list[Waiver]:
    """Return the waivers that count: those of the base."""
    return _of(program, program.base)


def of_head(program: Program) -> list[Waiver]:
    """Return the waivers of the head, which count once they are merged."""
    return _of(program, program.head)


def read(
    state: State,
    baseline: Baseline,
    today: str,
    *,
    tier: str | None = None,
    authors: Callable[[Document], Iterable[str]] | None = None,
) -> list[Waiver]:
    """Return the waivers of a state, each with its problem or none.

    ``tier`` is the state's own unless given; ``authors`` returns the e-mail addresses of those who
    wrote a file.
    """
    tier = tier or state.tier or "high"
    longest = baseline.tiers["cadence"]["exception_max_days"][tier]
    waivers = [Waiver(doc) for doc in state.exceptions]
    for waiver in waivers:
        found = (
            _form(waiver, baseline)
            or _time(waiver, today, longest, tier)
            or _approval(waiver, state, authors)
        )
        if found:
            waiver.keys, waiver.problem = found
    return waivers


def apply(findings: Iterable[Finding], waivers: Iterable[Waiver]) -> None:
    """Note on each finding which waiver in force, if any, waives it."""
    in_force = [waiver for waiver in waivers if waiver.problem is None]
    for finding in findings:
        for waiver in in_force:
            if waiver.waives(finding):
                finding.waived_by = waiver.id
                break


def _of(program: Program, state: State) -> list[Waiver]:
    if not state.exceptions:
        return []
    snapshot = program.snapshot

    def authors(doc: Document) -> set[str]:
        found = {commit.author for commit in snapshot.history.commits(doc.path)}
        if doc.path in snapshot.changed and state is program.head:
            found |= snapshot.authors
        return found

    return read(state, program.baseline, snapshot.today, tier=program.tier, authors=authors)


def _form(waiver: Waiver, baseline: Baseline) -> tuple[tuple[str, ...], str] | None:
    from ai_program import schemas

    doc = waiver.doc
    wrong = schemas.validate("exception", doc.value, root=baseline.root)
    if wrong:
        keys, message = wrong[0]
        return tuple(map(str, keys)), f"is malformed: {message}"
    if doc.path.rpartition("/")[2] != f"{waiver.id}.yaml":
        return ("id",), f"is malformed: the file of {waiver.id} is called {waiver.id}.yaml"
    rule = baseline.rules.get(waiver.rule)
    if rule is None:
        return ("rule",), f"names {waiver.rule}, which is no rule of this baseline"
    if not rule.waivable:
        return ("rule",), f"names {waiver.rule}, which cannot be waived"
    return None


def _time(
    waiver: Waiver, today: str, longest: int, tier: str
) -> tuple[tuple[str, ...], str] | None:
    from datetime import date

    days = {}
    for key in ("created", "expires"):
        text = _text(waiver.doc.get(key))
        try:
            days[key] = date.fromisoformat(text)
        except ValueError:
            return (key,), f"is malformed: {text} is no day of the calendar"
    created, expires = days["created"], days["expires"]
    if created > date.fromisoformat(today):
        return ("created",), f"is dated {created}, which is not yet"
    if expires < created:
        return ("expires",), f"expires on {expires}, before it was created"
    if (expires - created).days > longest:
        return (
            ("expires",),
            f"lasts {(expires - created).days} days; {longest} are allowed at tier {tier}",
        )
    if date.fromisoformat(today) > expires:
        return ("expires",), f"expired on {expires}"
    return None


def _approval(
    waiver: Waiver, state: State, authors: Callable[[Document], Iterable[str]] | None
) -> tuple[tuple[str, ...], str] | None:
    name = _text(waiver.doc.get("approver"))
    person = state.person(name)
    if person is None:
        return ("approver",), f"is approved by {name}, who is not declared"
    if not person.active:
        return ("approver",), f"is approved by {name}, who is not active"
    if authors is not None:
        own = {email.lower() for email in authors(waiver.doc)}
        if own.intersection(person.emails):
            return ("approver",), f"is approved by {name}, who wrote it"
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
