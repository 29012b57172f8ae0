"""Closing a sprint: its review is written, and what it taught goes where it is found again.

The review of a sprint says what was delivered, what the KPIs are now, what was learned and what
changes. A lesson is a line of its section, `- what was learned -> what changed because of it`; what
changed is a file, a rule or an id of this programme. Closing carries the lessons to the playbook
and to the backlog of the next sprint (or `regenerate` does, as it makes that), and closes the plan.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ai_program import documents
from ai_program.escaping import yaml_value
from ai_program.snapshot import Misuse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PLAYBOOK = "sprints/playbook.md"
_LESSON = re.compile(r"(?m)^- (?P<lesson>.+?) -> (?P<changed>\S.*?)\s*$")
_NONE_YET = "None yet: no sprint has been closed.\n"


def close(root: Path, sprint: str, today: str) -> list[str]:
    """Close a sprint; return the files that were written.

    Raises:
        Misuse: if the sprint does not exist or is closed, or its review says too little; nothing
            is written then.

    """
    plan, review = f"sprints/{sprint}/plan.yaml", f"sprints/{sprint}/review.md"
    said = _read(root, plan).value
    if said.get("status") == "closed":
        raise Misuse(f"{sprint} is closed already ({plan})")
    sections = {name: text for name, (_, text) in _read(root, review).sections().items()}
    missing = list(_missing(sections))
    if missing:
        raise Misuse(f"{review} says too little to close {sprint}:\n  " + "\n  ".join(missing))
    lessons = [found.groupdict() for found in _LESSON.finditer(sections["Lessons"])]
    contents = {
        PLAYBOOK: _taught(_text(root, PLAYBOOK), sprint, lessons, today),
        review: _held(_text(root, review), today),
    }
    following = _next(root, said)
    if following:
        contents[following] = _told(_text(root, following), sprint, lessons)
    contents[plan] = re.sub(r"(?m)^(status:[ \t]*)\w+", r"\1closed", _text(root, plan), count=1)
    for path, text in contents.items():
        (root / path).write_text(text, encoding="utf-8", newline="\n")
    return list(contents)


def _missing(sections: Mapping[str, str]) -> list[str]:
    """Return what the review does not say yet."""
    found = [
        f"{name}: no line begins with `- `"
        for name in ("What was delivered", "Changes for the next sprint")
        if not re.search(r"(?m)^- \S", sections.get(name, ""))
    ]
    rows = re.findall(r"(?m)^\|(?!---)(.+)\|\s*$", sections.get("What the KPIs say", ""))
    empty = [row.split("|")[0].strip() for row in rows[1:] if not row.split("|")[-1].strip()]
    if empty or not rows[1:]:
        found.append(f"What the KPIs say: no value now of {', '.join(empty) or 'any KPI'}")
    if not _LESSON.search(sections.get("Lessons", "")):
        found.append("Lessons: no line `- what was learned -> the file, rule or id that changed`")
    return found


def _taught(text: str, sprint: str, lessons: list[dict[str, str]], today: str) -> str:
    """Return the playbook with the lessons in its front matter and in its section."""
    entries = "".join(
        f'  - date: "{today}"\n    sprint: {sprint}\n'
        f"    lesson: {yaml_value(each['lesson'])}\n    changed: {yaml_value(each['changed'])}\n"
        for each in lessons
    )
    head, line, body = text.partition("\n---\n")
    if re.search(r"(?m)^lessons: \[\]$", head):
        head = re.sub(r"(?m)^lessons: \[\]$", lambda _: f"lessons:\n{entries}".rstrip(), head)
    else:
        # The block ends where the next key begins, or with the front matter.
        block = re.search(r"(?m)^lessons:\n(?:[ #].*(?:\n|\Z)|- .*(?:\n|\Z))*", f"{head}\n")
        if block is None:
            raise Misuse(f"{PLAYBOOK} has no list of lessons in its front matter")
        head = (f"{head}\n"[: block.end()] + entries + f"{head}\n"[block.end() :]).rstrip("\n")
    told = "".join(f"- {today}, {sprint}: {e['lesson']} ({e['changed']})\n" for e in lessons)
    body = body.replace(_NONE_YET, told) if _NONE_YET in body else f"{body.rstrip()}\n{told}"
    return head + line + body


def _held(text: str, today: str) -> str:
    text = re.sub(r"(?m)^status: planned$", "status: held", text, count=1)
    return re.sub(r"(?m)^held_on: null$", f'held_on: "{today}"', text, count=1)


def _next(root: Path, plan: Mapping[str, Any]) -> str | None:
    """Return the backlog of the sprint that begins next, if it is there."""
    coming = sorted(
        (str(other["start"]), file.parent.name)
        for file in (root / "sprints").glob("*/plan.yaml")
        if (other := _read(root, f"sprints/{file.parent.name}/plan.yaml").value)
        and str(other.get("start")) > str(plan.get("start"))
    )
    path = f"sprints/{coming[0][1]}/backlog.yaml" if coming else ""
    return path if path and (root / path).is_file() else None


def _told(text: str, sprint: str, lessons: list[dict[str, str]]) -> str:
    """Return the backlog with the lessons above its items."""
    told = "".join(f"# - {each['lesson']}\n" for each in lessons)
    heading = f"# Lessons of {sprint}, from the playbook:\n"
    return re.sub(r"(?m)^schema_version:", lambda at: heading + told + at[0], text, count=1)


def _read(root: Path, path: str) -> documents.Document:
    try:
        found = documents.parse((root / path).read_bytes(), path)
    except OSError:
        raise Misuse(f"{path} is not there") from None
    except documents.DocumentError as error:
        raise Misuse(f"{path}:{error.line or 1}: it {error.message}") from None
    if not isinstance(found.value, dict):
        raise Misuse(f"{path} holds no keys")
    return found


def _text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")
