"""Where the programme stands: tier, sprint, release, gates, exceptions, what is due soon."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from ai_program import exceptions
from ai_program.owed import owed
from ai_program.reporters.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_program.program import Program

SOON = 30  # days


def lines(program: Program) -> list[str]:
    """Return a line for each, as the staged files and the day of the snapshot say it."""
    said = {
        "tier": program.head.tier or "unknown: policies/program.yaml does not say it",
        "sprint": _sprint(program),
        "release": _release(program),
        "gates": _gates(program),
        "waivers": _waivers(program),
        "due": _due(program),
    }
    return [f"{name:9} {clean(text)}" for name, text in said.items()]


def _sprint(program: Program) -> str:
    today = _day(program.snapshot.today)
    found = []
    for plan in program.head.plans:
        start, end = _day(plan.get("start")), _day(plan.get("end"))
        if start and end:
            found.append((start, end, f"{plan.get('id')} ({plan.get('status')})"))
    if not found or today is None:
        return "none"
    # The one that runs, or else the next, or else the last.
    running = [each for each in found if each[0] <= today <= each[1]]
    coming = [each for each in found if each[0] > today]
    start, end, name = max(running) if running else min(coming) if coming else max(found)
    days = (end - start).days + 1
    if running:
        return f"{name}, day {(today - start).days + 1} of {days}, ends {end}"
    return f"{name}, starts {start}" if coming else f"{name}, over since {end}"


def _release(program: Program) -> str:
    active = program.head.active
    path = active.get("release") if active else None
    record = next((doc for doc in program.head.releases if doc.path == path), None)
    if record is None:
        return f"unknown: {path} is not there" if path else "none in force"
    since = str(record.get("predicate", "created_at"))[:10]
    return f"{record.get('subject', 0, 'name')} since {since} ({path})"


def _gates(program: Program) -> str:
    head = program.head
    gates = head.evaluation.get("gates") if head.evaluation else None
    count = len(gates) if isinstance(gates, list) else 0
    version = head.active.get("version") if head.active else None
    verdicts = {
        report.get("model", "version"): str(report.get("verdict")) for report in head.reports
    }
    if version is not None:
        verdict = verdicts.get(version, "missing") if isinstance(version, str) else "missing"
        return f"{count}; the report of the release in force: {verdict}"
    passed = sum(verdict == "pass" for verdict in verdicts.values())
    return f"{count}; {passed} of {len(verdicts)} evaluated models pass"


def _waivers(program: Program) -> str:
    found = exceptions.of_base(program)
    good = [waiver for waiver in found if waiver.problem is None]
    text = f"{len(good)} in force"
    if good:
        first = min(good, key=lambda waiver: (waiver.expires, waiver.id))
        text += f", {first.id} ends first, on {first.expires}"
    return text + (f"; {len(found) - len(good)} waive nothing" if len(found) > len(good) else "")


def _due(program: Program) -> str:
    today = _day(program.snapshot.today)
    if today is None:
        return "unknown"
    dated = sorted((day, name) for due, name in _dated(program) if (day := _day(due)))
    late = [each for each in dated if each[0] < today]
    soon = [each for each in dated if today <= each[0] <= today + dt.timedelta(SOON)]
    text = f"{len(soon)} within {SOON} days, {len(late)} late"
    for day, name in (late + soon)[:1]:
        text += f"; first {name}, {day}"
    return text


def _dated(program: Program) -> Iterator[tuple[object, str]]:
    """Yield what has a day: what is owed, waivers in force, results that were promised."""
    for item in owed(program.head, program.baseline):
        yield item.due, f"{item.name} ({item.owner})"
    for waiver in exceptions.of_base(program):
        if waiver.problem is None:
            yield waiver.expires, f"the end of {waiver.id}"
    objectives = program.head.program.get("objectives") if program.head.program else None
    for objective in objectives if isinstance(objectives, list) else ():
        results = objective.get("key_results") if isinstance(objective, dict) else None
        for result in results if isinstance(results, list) else ():
            if isinstance(result, dict):
                yield result.get("due"), f"{result.get('id')} ({result.get('owner')})"


def _day(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
