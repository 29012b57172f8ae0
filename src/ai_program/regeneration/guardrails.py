"""How guardrails move, in three views, and the decision record that a loosening needs.

Asked for: from the old rendering to the new one. In effect: from HEAD to the result, which is what
the hooks judge. The team's own deviation: from the old rendering to HEAD. Which way is tighter is
declared by the schemas of the policies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ai_program import documents, polarity
from ai_program.escaping import markdown, yaml_value
from ai_program.program import Baseline
from ai_program.snapshot import matcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Reader = Callable[[str], bytes | None]

DIRECTIONS = (polarity.LOOSENED, polarity.TIGHTENED, polarity.NEUTRAL)
_UNREADABLE = object()


@dataclass(frozen=True, slots=True)
class Move:
    """One promise that changed."""

    path: str
    pointer: str  # with the path, as a decision names it
    direction: str
    text: str
    value: Any  # what it is now, None if it is gone


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves between two states, and the files of which nobody can say."""

    moves: tuple[Move, ...]
    undecided: tuple[str, ...]

    def of(self, direction: str) -> list[Move]:
        """Return the moves in one direction."""
        return [move for move in self.moves if move.direction == direction]


class Judge:
    """Compares policies by the schemas of a baseline."""

    def __init__(self) -> None:
        self._baseline = Baseline()

    def moves(self, paths: Iterable[str], before: Reader, after: Reader) -> Moves:
        """Return how the promises of these files move between two states."""
        found: list[Move] = []
        undecided: list[str] = []
        for path in sorted(set(paths)):
            schema = self._schema(path)
            if schema is None or not path.startswith("policies/"):
                continue
            old, new = _value(path, before(path)), _value(path, after(path))
            if old is _UNREADABLE or new is _UNREADABLE:
                undecided.append(path)
            elif old is not polarity.ABSENT:
                found += [_move(path, change) for change in polarity.compare(old, new, schema)]
        return Moves(tuple(found), tuple(undecided))

    def governed(self, path: str) -> bool:
        """Tell whether a file can't go without a decision."""
        return self._kind(path) not in (None, "exception")

    def _kind(self, path: str) -> str | None:
        found = self._entry(path)
        return str(found["kind"]) if found else None

    def _schema(self, path: str) -> dict[str, Any] | None:
        found = self._entry(path)
        if found is None:
            return None
        schema: dict[str, Any] = self._baseline.value(f"schemas/{found['schema']}")
        return schema

    def _entry(self, path: str) -> dict[str, Any] | None:
        kinds: list[dict[str, Any]] = self._baseline.layout["kinds"]
        return next((k for k in kinds if any(matcher(p)(path) for p in k["paths"])), None)


def _value(path: str, content: bytes | None) -> object:
    if content is None:
        return polarity.ABSENT
    try:
        return documents.parse(content, path).value
    except documents.DocumentError:
        return _UNREADABLE


def _move(path: str, change: polarity.Change) -> Move:
    value = None if change.after is polarity.ABSENT else change.after
    pointer = f"{path}#{change.pointer}"
    return Move(path, pointer, change.direction, polarity.describe(change), value)


def decision(
    number: int, sprint: str, date: str, moves: Iterable[Move], removed: Iterable[str]
) -> str:
    """Return the draft of the decision record that these loosenings and removals need."""
    loosened, gone = list(moves), list(removed)
    title = f"Loosen guardrails for {sprint}" if loosened else f"Remove files for {sprint}"
    authorises = [{"change": move.pointer, "to": move.value} for move in loosened]
    authorises += [{"change": path, "to": None} for path in gone]
    listed = "".join(f"  - {json.dumps(each, ensure_ascii=False)}\n" for each in authorises)
    shown = "".join(
        [f"- `{move.path}`: {markdown(move.text)}\n" for move in loosened]
        + [f"- `{path}` goes\n" for path in gone]
    )
    return f"""\
---
schema_version: 1
id: DEC-{number:04d}
title: {yaml_value(title)}
status: proposed
date: "{date}"
authorises:
{listed}approvers: []
versions:
  data: []
  model: null
  policy: 1
supersedes: null
superseded_by: null
---

# {title}

## Context

The workshop for {sprint} gave other answers, or the template changed. Regenerating from them makes
promises of this programme weaker. Drafted by `ai-program regenerate`: say here why that is right.

## Options

- **Keep the promises.** Undo the changes named below, here or in `workshop.yaml`.
- **Accept the changes**, in this form.

## Outcome

{shown}
## Consequences

Nothing of it holds until this record is `accepted`, with approvers other than the author of the
change. Say here what watches over the weaker promise, and until when it stands.
"""
