"""The documents of a new sprint: its plan, its backlog with what is still open, its review."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ai_program import documents
from ai_program.escaping import yaml_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ai_program.regeneration.rendering import Rendering

_PLAN = "sprints/{}/plan.yaml"
_BACKLOG = "sprints/{}/backlog.yaml"
_REVIEW = "sprints/{}/review.md"
_FIRST = "sprint-01"  # the sprint that every rendering has
_ID = re.compile(r"\b(?:OBJ|KPI|GATE|MON|RISK)-[A-Za-z0-9][A-Za-z0-9_-]*")
_OPEN = ("planned", "in_progress")
_STATUS = re.compile(r"(?m)^(status:[ \t]*)(planned|active)\b")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a backlog."""

    title: str
    serves: tuple[str, ...]
    owner: str
    status: str
    done_when: str
    came_from: str = ""


def plan_path(sprint: str) -> str:
    """Return where the plan of a sprint stands."""
    return _PLAN.format(sprint)


def documents_of(
    name: str, team: Mapping[str, bytes], old: Rendering, new: Rendering
) -> dict[str, bytes]:
    """Return the files of a new sprint, and the plan of the previous one, closed.

    ``team`` are the files below ``sprints/`` as the team has them.
    """
    made = {path: product.content for path, product in new.files.items()}
    if plan_path(_FIRST) not in made or plan_path(name) in team:
        return {}
    plan = _read(plan_path(_FIRST), made)
    before = _previous(team)
    start, end = _time(plan, before, changed=_first_sprint(old) != _first_sprint(new))
    result = {
        plan_path(name): _plan(name, plan, start, end),
        _BACKLOG.format(name): _backlog(name, before, team, made, _gone(old, new)),
    }
    review = _REVIEW.format(_FIRST)
    if review in made:
        result[_REVIEW.format(name)] = _review(name, made[review].decode(), end)
    if before is not None:
        path = plan_path(str(before["id"]))
        result[path] = _STATUS.sub(r"\1closed", team[path].decode("utf-8", "surrogateescape"),
                                   count=1).encode("utf-8", "surrogateescape")  # fmt: skip
    return {path: content for path, content in result.items() if team.get(path) != content}


def _first_sprint(rendering: Rendering) -> object:
    return rendering.answers.get("first_sprint")


def _read(path: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return a document as a map; an empty one where it can't be read."""
    try:
        value = documents.parse(files[path], path).value
    except (KeyError, documents.DocumentError):
        return {}
    return value if isinstance(value, dict) else {}


def _previous(team: Mapping[str, bytes]) -> dict[str, Any] | None:
    """Return the plan of the sprint that ends last."""
    plans = [
        plan
        for path in team
        if re.fullmatch(r"sprints/[^/]+/plan\.yaml", path)
        and (plan := _read(path, team))
        and plan_path(str(plan.get("id"))) == path
        and _day(plan.get("end"))
    ]
    return max(plans, key=lambda plan: str(plan["end"]), default=None)


def _day(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        return None


def _time(
    plan: Mapping[str, Any], before: Mapping[str, Any] | None, *, changed: bool
) -> tuple[dt.date, dt.date]:
    """Return the first and the last day: as answered, or right after the previous sprint."""
    start, end = dt.date.fromisoformat(plan["start"]), dt.date.fromisoformat(plan["end"])
    last = _day(before["end"]) if before else None
    if changed or last is None:
        return start, end
    return last + dt.timedelta(1), last + dt.timedelta(1) + (end - start)


def _plan(name: str, plan: Mapping[str, Any], start: dt.date, end: dt.date) -> bytes:
    goals = "".join(f"  - {yaml_value(goal)}\n" for goal in plan["goals"])
    return f"""\
# yaml-language-server: $schema=../../.ai-program/schemas/plan.schema.json
#
# Made from the answers of the workshop. Scope that is added after its middle needs a decision.
schema_version: 1
id: {name}
team: {yaml_value(plan["team"])}
objective: {plan["objective"]}
start: "{start}"
end: "{end}"
status: planned
goals:
{goals}""".encode()


def _backlog(
    name: str,
    before: Mapping[str, Any] | None,
    team: Mapping[str, bytes],
    made: Mapping[str, bytes],
    gone: set[str],
) -> bytes:
    previous = str(before["id"]) if before else ""
    held = list(_items(_read(_BACKLOG.format(previous), team), previous))
    fresh = list(_items(_read(_BACKLOG.format(_FIRST), made), ""))
    wanted = [*_carried(held, fresh, gone), *_added(held, fresh)]
    if not wanted:  # a backlog has at least one item
        wanted = fresh[:1]
    lines = [
        "# yaml-language-server: $schema=../../.ai-program/schemas/backlog.schema.json\n#\n",
        "# Each item says which objective, KPI, gate, monitor or risk it serves.\n",
        *_lessons(previous, team),
        f"schema_version: 1\nsprint: {name}\nitems:\n",
    ]
    for number, item in enumerate(wanted, start=1):
        if item.came_from:
            lines.append(f"  # carried over from {item.came_from}\n")
        lines.append(
            f"  - id: ITEM-{number:02d}\n"
            f"    title: {yaml_value(item.title)}\n"
            f"    serves: [{', '.join(item.serves)}]\n"
            f"    owner: {yaml_value(item.owner)}\n"
            f"    status: {item.status}\n"
            f"    done_when: {yaml_value(item.done_when)}\n"
        )
    return "".join(lines).encode()


def _items(backlog: Mapping[str, Any], sprint: str) -> Iterator[Item]:
    entries = backlog.get("items")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield Item(
                str(entry.get("title")),
                tuple(map(str, entry.get("serves") or ())),
                str(entry.get("owner")),
                str(entry.get("status")),
                str(entry.get("done_when")),
                f"{sprint}, {entry.get('id')}" if sprint else "",
            )


def _carried(held: list[Item], fresh: list[Item], gone: set[str]) -> Iterator[Item]:
    """Yield what is still open; it serves what it served, as far as that still exists."""
    now = {item.title: item for item in fresh}
    for item in held:
        if item.status in _OPEN:
            also = now[item.title].serves if item.title in now else ()
            serves = tuple(dict.fromkeys(s for s in (*item.serves, *also) if s not in gone))
            if serves:
                yield Item(item.title, serves, item.owner, item.status, item.done_when,
                           item.came_from)  # fmt: skip


def _added(held: list[Item], fresh: list[Item]) -> Iterator[Item]:
    """Yield what the answers ask for now and did not before."""
    was = {item.title: item for item in held}
    for item in fresh:
        old = was.get(item.title)
        missing = tuple(s for s in item.serves if old is None or s not in old.serves)
        if old is None or (missing and old.status not in _OPEN):
            yield Item(item.title, missing, item.owner, item.status, item.done_when)


def _lessons(sprint: str, team: Mapping[str, bytes]) -> Iterator[str]:
    lessons = _read("sprints/playbook.md", team).get("lessons")
    told = [
        entry
        for entry in (lessons if isinstance(lessons, list) else ())
        if isinstance(entry, dict) and entry.get("sprint") == sprint
    ]
    if told:
        yield f"#\n# Lessons of {sprint}, from the playbook:\n"
    for entry in told:
        yield f"# - {' '.join(str(entry.get('lesson')).split())}\n"


def _gone(old: Rendering, new: Rendering) -> set[str]:
    """Return the names of goals and guardrails that the new answers no longer have."""
    return _declared(old) - _declared(new)


def _declared(rendering: Rendering) -> set[str]:
    return {
        name
        for path, product in rendering.files.items()
        if path.startswith(("policies/", "governance/"))
        for name in _ID.findall(product.content.decode("utf-8", "replace"))
    }


def _review(name: str, text: str, end: dt.date) -> bytes:
    due = end + dt.timedelta(3)
    found = re.search(r'(?m)^due: "([0-9-]+)"$', text)
    if found:
        text = text.replace(found[1], due.isoformat())
    text = text.replace(f"sprint: {_FIRST}\n", f"sprint: {name}\n")
    return text.replace("# Review of sprint 01\n", f"# Review of {name}\n").encode()
