"""Readiness: what three teams show before a release, worked out from what the repository holds.

An item is shown when its file is named and there, and when what the item is about says so itself:
nothing open where KPIs, people or alerts are declared, a drill that passed and is about what is
deployed now. ``ai-program readiness`` prints it; promotion reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_program import bindings, owed, values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ai_program.documents import Document
    from ai_program.program import Program

TEAMS = ("strategy", "engineering", "operations")


class Answer:
    """One item or signature: whose it is, what it asks, what shows it, and what is missing."""

    __slots__ = ("evidence", "missing", "name", "question", "team", "who")

    def __init__(self, entry: dict[str, object], missing: list[str]) -> None:
        self.team = values.text(entry.get("team"))
        self.name = values.text(entry.get("id")) or "sign-off"
        self.question = values.text(entry.get("question")) or f"{self.team} can run this"
        self.evidence = values.text(entry.get("evidence")) or values.text(entry.get("signed_on"))
        due = values.text(entry.get("due"))
        self.who = values.text(entry.get("owner")) + (f", due {due}" if due else "")
        self.missing = missing


def review(program: Program) -> list[Answer]:
    """Return each item of sprints/readiness.yaml, and then the three signatures."""
    doc = program.head.readiness
    answers = [_item(program, entry) for _, entry in values.entries(doc, "items")]
    return answers + [Answer(entry, _unfinished(entry, "not signed")) for entry in _signatures(doc)]


def missing(program: Program) -> list[str]:
    """Return what speaks against being ready, a line each; nothing where no review is asked for."""
    if program.head.readiness is None:
        return []
    return [f"{each.name}: {reason}" for each in review(program) for reason in each.missing]


def _signatures(doc: Document | None) -> Iterator[dict[str, object]]:
    """Yield one signature for each team, an empty one where nobody is named."""
    found = {values.text(entry.get("team")): entry for _, entry in values.entries(doc, "sign_off")}
    for team in TEAMS:
        yield found.get(team) or {"team": team, "owner": "nobody"}


def _item(program: Program, entry: dict[str, object]) -> Answer:
    missing = _unfinished(entry, "nothing shows it yet")
    path = entry.get("evidence")
    if isinstance(path, str) and path not in program.head.tree:
        missing.append(f"{path} is not there")
    check = _CHECKS.get(values.text(entry.get("covers")))
    if check is not None:
        missing += check(program)
    return Answer(entry, missing)


def _unfinished(entry: dict[str, object], why: str) -> list[str]:
    if entry.get("status") == "done":
        return []
    note = values.text(entry.get("note"))
    return [f"{why}: {note}" if note else why]


# What an item is about says for itself.


def _nothing_open(*paths: str) -> Callable[[Program], list[str]]:
    def check(program: Program) -> list[str]:
        found = [
            each
            for each in owed.owed(program.head, program.baseline)
            if each.location.path in paths
        ]
        return [f"{each.location.path}: {each.name} is open ({each.owner})" for each in found]

    return check


def _drilled(program: Program) -> list[str]:
    passed = [each for each in program.head.drills if each.get("outcome") == "passed"]
    if not passed:
        return ["evidence/drills/ has no drill that passed: `nox -s drill`"]
    if passed[-1].get("topology") != bindings.topology(program.head, program.baseline):
        return [f"deploy/ or policies/release.yaml changed since {passed[-1].path}: `nox -s drill`"]
    return []


# The values of `covers` in policies/schemas/readiness.schema.json. A run of the whole chain shows
# itself by its file alone, which AIP603 asks to be evidence.
_CHECKS: dict[str, Callable[[Program], list[str]]] = {
    "kpis": _nothing_open("policies/program.yaml"),
    "people": _nothing_open("governance/impact-assessment.md", "governance/risk-register.yaml"),
    "drill": _drilled,
    "alerts": _nothing_open("policies/monitoring.yaml"),
}


def as_text(answers: list[Answer]) -> Iterator[str]:
    """Yield the review as lines, by team."""
    for team in TEAMS:
        yield f"{team}"
        for each in answers:
            if each.team != team:
                continue
            mark = "missing" if each.missing else "shown"
            yield f"  {mark:<8} {each.name}: {each.question} ({each.who})"
            for reason in each.missing or [each.evidence]:
                yield f"           {reason}"
    count = sum(bool(each.missing) for each in answers)
    yield f"{count} of {len(answers)} missing" if count else "ready: everything is shown and signed"
