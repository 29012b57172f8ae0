"""JSON as its standard says, and where its values stand if somebody asks."""

from __future__ import annotations

import json
import re

from ai_program.documents import MAX_DEPTH, MAX_DIGITS, MAX_NODES, DocumentError, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ai_program.documents import Keys, Mark, Value

# A text (with the colon that makes it a key), an opening, a closing, or another scalar. Compiled
# when first needed.
_PIECE = r'("(?:[^"\\]|\\.)*")(\s*:)?|([{\[])|([}\]])|[^\s{}\[\],:"]+'


class _Twice(Exception):  # noqa: N818 - not an error by itself: its place is looked up next
    """A key stands twice in one object."""


def value(text: str) -> Value:
    """Return the value of a text.

    Raises:
        DocumentError: with message, line and column, for whatever cannot be read.

    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except _Twice:
        mark(text, {})  # finds the second one and raises with its place
        raise DocumentError("a key stands twice") from None
    except json.JSONDecodeError as error:
        raise DocumentError(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise DocumentError(f"is nested deeper than {MAX_DEPTH} levels") from None
    _limit(value)
    if "\\ud" in text or "\\uD" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise DocumentError("half of a surrogate pair (\\ud800 to \\udfff)") from None
    return value


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Twice
    return value


def _constant(name: str) -> Value:
    raise DocumentError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise DocumentError(f"{text[:20]} is too large a number")
    return value


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise DocumentError(f"a number of more than {MAX_DIGITS} digits is not allowed")
    return int(text)


def _limit(value: Value) -> None:
    """Hold JSON to the limits of depth and size that the YAML builder keeps while building."""
    level = [value]
    nodes = 1
    depth = 0
    while level := [item for item in level if item.__class__ is dict or item.__class__ is list]:
        depth += 1
        if depth > MAX_DEPTH:
            raise DocumentError(f"is nested deeper than {MAX_DEPTH} levels")
        below: list[Value] = []
        for item in level:
            below.extend(item.values() if item.__class__ is dict else item)
        nodes += len(below)
        if nodes > MAX_NODES:
            raise DocumentError(f"has more than {MAX_NODES:,} values")
        level = below


def mark(text: str, marks: dict[Keys, tuple[Mark, Mark]]) -> None:
    """Note where everything stands in a text that is known to be JSON.

    Raises:
        DocumentError: a key stands twice in one object.

    """
    path: list[str | int] = []  # the key, or the next index, in each open container
    opened: list[tuple[Mark | None, Mark, set[str]]] = []
    key: Mark | None = None
    line, line_start = 1, 0
    for match in re.finditer(_PIECE, text):
        start, end = match.span()
        while (newline := text.find("\n", line_start, start)) >= 0:
            line, line_start = line + 1, newline + 1
        quoted, colon, opening, closing = match.groups()
        if colon:
            span = (line, start - line_start + 1, start + len(quoted) - line_start + 1)
            name = json.loads(quoted) if "\\" in quoted else quoted[1:-1]
            if name in opened[-1][2]:
                raise DocumentError(f"the key {short(name)} stands here twice", *span[:2])
            opened[-1][2].add(name)
            path[-1] = name
            key = span
            continue
        span = (line, start - line_start + 1, end - line_start + 1)
        if opening:
            opened.append((key, span, set()))
            path.append(0)
            key = None
            continue
        if closing:
            path.pop()
            key, first, _ = opened.pop()
            # Cut at the end of its first line, as in YAML.
            span = (*first[:2], span[2] if span[0] == first[0] else first[2])
        marks[tuple(path)] = (key or span, span)
        key = None
        if path and isinstance(last := path[-1], int):
            path[-1] = last + 1
