"""YAML 1.2 core from the parser's events: values, and where they stand if somebody asks.

Nothing is constructed by PyYAML and nothing recurses: the C parser hands over events, and what they
would add up to beyond plain values (anchors, merges, own tags, doubled keys) is refused where it
stands.
"""

from __future__ import annotations

from ai_program import libyaml
from ai_program.documents import MAX_DEPTH, MAX_DIGITS, MAX_NODES, DocumentError, short
from ai_program.libyaml import errors, events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ai_program.documents import Keys, Mark, Value

    Event = Any  # of yaml's parser, whose types say nothing about marks

_TOO_LONG = f"a number of more than {MAX_DIGITS} digits is not allowed"

_Parser = libyaml.Parser
_Scalar = events.ScalarEvent
_MappingStart = events.MappingStartEvent
_SequenceStart = events.SequenceStartEvent
_ENDS = (events.MappingEndEvent, events.SequenceEndEvent)

_CORE = "tag:yaml.org,2002:"
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_TYPES: dict[str, type] = {
    "str": str, "int": int, "float": float, "bool": bool, "null": type(None),
}  # fmt: skip
_NUMERIC_STARTS = frozenset("+-.0123456789")
_FLOAT_CHARACTERS = frozenset("+-.0123456789eE")
_BASES = {"0o": (8, frozenset("01234567")), "0x": (16, frozenset("0123456789abcdefABCDEF"))}
_NOT_FINITE = frozenset(
    ".inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF .nan .NaN .NAN".split()  # noqa: SIM905
)


def value(text: str, marks: dict[Keys, tuple[Mark, Mark]] | None = None) -> Value:
    """Return the value of a text, noting the marks of keys and values if there is where to.

    Raises:
        DocumentError: with message, line and column, for whatever cannot be read.

    """
    parser: Any = None
    try:
        parser = _Parser(text)
        return _build(parser.get_event, marks, text)
    except errors.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or "is not YAML"
        if mark is None:
            raise DocumentError(message) from None
        raise DocumentError(message, mark.line + 1, mark.column + 1) from None
    except errors.YAMLError as error:
        raise DocumentError(str(error).split("\n", 1)[0] or "is not YAML") from None
    finally:
        if parser is not None:
            parser.dispose()


def _refuse(message: str, event: Event) -> DocumentError:
    mark = event.start_mark
    return DocumentError(message, mark.line + 1, mark.column + 1)


class _Want:
    """Stands for the key that comes next (mappings) or for "no key at all" (sequences)."""


_KEY = _Want()
_ITEM = _Want()


def _build(
    next_event: Callable[[], Event], marks: dict[Keys, tuple[Mark, Mark]] | None, text: str
) -> Value:
    """Build the value of one document from its events, without recursion.

    The stack holds the containers around the current one, each with the key under which the
    current one will stand in it.
    """
    next_event()  # the stream's start
    event = next_event()
    if event.__class__ is events.StreamEndEvent:
        return None
    if event.version or event.tags:
        raise _refuse("a directive (%YAML, %TAG) is not allowed", event)

    record = None if marks is None else _Recorder(marks, text)
    root: list[Any] = []
    container: Any = root
    key: Any = _ITEM
    stack: list[tuple[Any, Any]] = []
    nodes = 0
    while True:
        event = next_event()
        kind = event.__class__
        if kind is _Scalar:
            if event.anchor is not None:
                raise _refuse("an anchor (&) is not allowed; write the value out", event)
            value = event.value
            if key is _KEY:
                if value in container:
                    raise _refuse(f"the key {short(value)} stands here twice", event)
                if value == "<<" and event.implicit[0]:
                    raise _refuse("a merge key (<<) is not allowed; write the values out", event)
                if event.tag is not None and event.tag != _CORE + "str":
                    raise _refuse("a tag on a key is not allowed", event)
                key = value
                container[key] = None
                if record:
                    record.key(event)
                continue
            if event.tag is not None:
                value = _tagged(event)
            elif event.implicit[0]:
                # Plain: most are words, so look at the first character before anything else.
                if value[:1] in _NUMERIC_STARTS and value:
                    value = _number(event)
                elif value in _WORDS:
                    value = _WORDS[value]
            if record:
                record.scalar(key if key is not _ITEM else len(container), event)
        elif kind is _MappingStart or kind is _SequenceStart:
            if event.anchor is not None:
                raise _refuse("an anchor (&) is not allowed; write the value out", event)
            if key is _KEY:
                raise _refuse("a key must be text, not a mapping or a list", event)
            mapping = kind is _MappingStart
            if event.tag is not None and event.tag != _CORE + ("map" if mapping else "seq"):
                raise _refuse(f"the tag {short(event.tag)} is not allowed", event)
            if len(stack) >= MAX_DEPTH:
                raise _refuse(f"is nested deeper than {MAX_DEPTH} levels", event)
            if record:
                record.start(key if key is not _ITEM else len(container), event)
            stack.append((container, key))
            container = {} if mapping else []
            key = _KEY if mapping else _ITEM
            continue
        elif kind in _ENDS:
            value = container
            container, key = stack.pop()
            if record:
                record.end(event)
        elif kind is events.DocumentEndEvent:
            break
        else:  # an alias is the one event left
            raise _refuse("an alias (*) is not allowed; write the value out", event)

        nodes += 1
        if nodes > MAX_NODES:
            raise _refuse(f"has more than {MAX_NODES:,} values", event)
        if key is _ITEM:
            container.append(value)
        else:
            container[key] = value
            key = _KEY

    event = next_event()
    if event.__class__ is not events.StreamEndEvent:
        raise _refuse("a second document (---) is not allowed; use one file each", event)
    return root[0]


def _number(event: Event) -> Value:
    """Return the number that a plain scalar writes in YAML 1.2 core, its text if it is none."""
    text: str = event.value
    digits = text[1:] if text[0] in "+-" else text
    if digits.isascii() and digits.isdigit():
        return int(_bounded(text, event))
    if _FLOAT_CHARACTERS.issuperset(text):
        # With these characters alone, Python's floats are exactly those of YAML 1.2.
        try:
            value = float(text)
        except ValueError:
            return text
        if value - value != 0:
            raise _refuse(f"{text[:20]} is too large a number", event)
        return value
    base, allowed = _BASES.get(text[:2], (0, frozenset()))
    if base and len(text) > 2 and allowed.issuperset(text[2:]):
        return int(_bounded(text, event), base)
    if text in _NOT_FINITE:
        raise _refuse(f"{text} is not a number that can be compared", event)
    return text


def _bounded(text: str, event: Event) -> str:
    if len(text) > MAX_DIGITS:
        raise _refuse(_TOO_LONG, event)
    return text


def _tagged(event: Event) -> Value:
    name = event.tag.removeprefix(_CORE) if event.tag.startswith(_CORE) else ""
    if event.tag == "!":
        name = "str"
    wanted = _TYPES.get(name)
    if wanted is None:
        raise _refuse(f"the tag {short(event.tag)} is not allowed", event)
    if wanted is str:
        return event.value
    value = _WORDS[event.value] if event.value in _WORDS else _number(event)
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise _refuse(f"{short(event.value)} is not of the type that its tag names", event)
    return value


class _Recorder:
    """Notes where keys and values stand while a document is built."""

    __slots__ = ("_key", "_lines", "_marks", "_open", "_path")

    def __init__(self, marks: dict[Keys, tuple[Mark, Mark]], text: str) -> None:
        self._marks = marks
        self._lines = text.split("\n")
        self._path: list[str | int] = []
        self._open: list[tuple[Mark | None, Any]] = []
        self._key: Mark | None = None

    def key(self, event: Event) -> None:
        self._key = self._span(event.start_mark, event.end_mark)

    def scalar(self, key: str | int, event: Event) -> None:
        span = self._span(event.start_mark, event.end_mark)
        if self._key and event.start_mark.index == event.end_mark.index:
            span = self._key  # an empty value has no place of its own
        self._note((*self._path[1:], key) if self._path else (), self._key, span)
        self._key = None

    def start(self, key: str | int, event: Event) -> None:
        self._path.append(key)
        self._open.append((self._key, event))
        self._key = None

    def end(self, event: Event) -> None:
        key, start = self._open.pop()
        last = event.end_mark if start.flow_style else None
        self._note(tuple(self._path[1:]), key, self._span(start.start_mark, last))
        self._path.pop()

    def _note(self, path: Keys, key: Mark | None, value: Mark) -> None:
        self._marks[path] = (key or value, value)

    def _span(self, start: Event, end: Event) -> Mark:
        """Span of what begins here, cut at the end of its first line."""
        if end is not None and end.line == start.line:
            last = end.column
        else:
            last = len(self._lines[start.line].rstrip()) if start.line < len(self._lines) else 0
        return start.line + 1, start.column + 1, max(last, start.column + 1) + 1
