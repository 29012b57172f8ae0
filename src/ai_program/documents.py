"""Bytes of a governed file to a document: values with positions, nothing surprising.

The input is untrusted: whoever opens a pull request writes it. So the reader takes less than YAML
allows (no anchors, no merges, no own tags, one document, every key once) and every limit has a
number. YAML is read as version 1.2 core: ``on`` and ``2026-11-16`` are text, ``1e3`` is a number.

Values come first and cheap, because a clean run asks for nothing else. Positions are worked out
by a second reading, when the first finding asks where something stands.
"""

from __future__ import annotations

import re

import yaml

from ai_program.findings import Location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Value = Any  # what YAML and JSON hold: text, numbers, booleans, null, lists, mappings
    Event = Any  # of yaml's parser, whose types say nothing about marks
    Keys = tuple[str | int, ...]
    Mark = tuple[int, int, int]  # line, column, end column; 1-based, end exclusive

# Evidence and lock files of a large programme fit well below; a policy has a few kilobytes.
MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_DIGITS = 100
_TOO_LONG = f"a number of more than {MAX_DIGITS} digits is not allowed"
_SHOWN = 60  # characters of a key or value in a message
SUFFIXES = (".yaml", ".yml", ".json", ".md")

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML without libyaml: the same events, slower
    _Parser = yaml.SafeLoader  # type: ignore[assignment,misc]

_Scalar = yaml.ScalarEvent
_MappingStart = yaml.MappingStartEvent
_SequenceStart = yaml.SequenceStartEvent
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)

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

# Deleting these from the bytes leaves nothing of a well-behaved file. One pass in C.
_USUAL_BYTES = bytes([9, 10, *range(0x20, 0x7F), *range(0x80, 0x100)])
_RARE = "\u2028\u2029\ufeff\ufffe\uffff" + "".join(map(chr, range(0x80, 0xA0)))
# Compiled when first needed: regular expressions of such sets are slow to build.
_UNUSUAL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)"
_PIECE = r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+'


class DocumentError(Exception):
    """The file cannot be read as a governed document: what is wrong, and where."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Document:
    """A governed file: its value, its Markdown body if it has one, and where everything stands.

    Keys of mappings are always text, exactly as written: ``1: x`` has the key ``"1"``.
    """

    __slots__ = ("_marks", "_source", "_text", "body", "body_line", "path", "value")

    def __init__(
        self,
        path: str,
        value: Value,
        text: str,
        source: str,
        *,
        body: str = "",
        body_line: int = 0,
    ) -> None:
        self.path = path
        self.value = value
        self.body = body
        self.body_line = body_line
        self._text = text
        self._source = source  # what holds the value: the whole text, or the front matter
        self._marks: dict[Keys, tuple[Mark, Mark]] | None = None

    def __repr__(self) -> str:
        return f"Document({self.path})"

    def get(self, *keys: str | int, default: Value = None) -> Value:
        """Walk the keys; the default where the way ends early."""
        value = self.value
        for key in keys:
            if isinstance(value, dict):
                if key not in value:
                    return default
                value = value[key]
            elif isinstance(value, list) and isinstance(key, int):
                if not -len(value) <= key < len(value):
                    return default
                value = value[key]
            else:
                return default
        return value

    def at(self, *keys: str | int) -> Location:
        """Where the value of these keys stands; the nearest parent's place if it is missing."""
        return _Place(self, keys, of_key=False)

    def key_at(self, *keys: str | int) -> Location:
        """Where the last key itself stands; for an item of a list, where the item stands."""
        return _Place(self, keys, of_key=True)

    def line_at(self, line: int) -> Location:
        """Return the span of the text of one line, without the space around it."""
        text = self.line(line)
        start = len(text) - len(text.lstrip())
        return Location(self.path, line, start + 1, max(len(text.rstrip()), start + 1) + 1)

    def line(self, number: int) -> str:
        """Return the text of a line (1-based), "" beyond the end."""
        lines = self._text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""

    def sections(self) -> dict[str, tuple[int, str]]:
        """Return the ``## `` sections of the body: title to (line of the heading, text below)."""
        found: dict[str, tuple[int, list[str]]] = {}
        text: list[str] = []
        fence = ""
        for number, line in enumerate(self.body.split("\n"), start=self.body_line):
            mark = line.lstrip()[:3]
            if fence:
                fence = "" if mark == fence else fence
            elif mark in {"```", "~~~"}:
                fence = mark
            elif line.startswith("## "):
                text = []
                found.setdefault(line[3:].strip().rstrip("#").rstrip(), (number, text))
                continue
            text.append(line.rstrip("\r"))
        return {title: (line, "\n".join(body).strip()) for title, (line, body) in found.items()}

    def mark(self, keys: Keys, *, of_key: bool) -> Mark:
        """Return line, column and end column of a value or its key; zeros in an empty file."""
        marks = self._marks
        if marks is None:
            marks = self._marks = _marks_of(self.path, self._source)
        asked = keys
        while keys not in marks and keys:
            keys = keys[:-1]
        if keys in marks:
            return marks[keys][0 if of_key and keys == asked else 1]
        if not self._text:
            return 0, 0, 0
        first = self.line_at(1)
        return first.line, first.column, first.end_column


class _Place(Location):
    """A place in a document that is looked up when somebody asks for its line.

    Rules name places long before they know whether there is something to find there.
    """

    __slots__ = ("_document", "_keys", "_of_key")

    def __init__(self, document: Document, keys: Keys, *, of_key: bool) -> None:
        self.path = document.path
        self._document = document
        self._keys = keys
        self._of_key = of_key

    def __getattr__(self, name: str) -> int:
        """Fill in what the base class left empty."""
        if name not in {"line", "column", "end_column"}:
            raise AttributeError(name)
        mark = self._document.mark(self._keys, of_key=self._of_key)
        self.line, self.column, self.end_column = mark
        value: int = getattr(self, name)
        return value


def parse(data: bytes, path: str) -> Document:
    """Read one governed file; its suffix says as what.

    Raises:
        DocumentError: with message, line and column, for whatever cannot be read.

    """
    text = _decode(data)
    if path.endswith(".json"):
        return Document(path, _json_value(text), text, text)
    if path.endswith(".md"):
        return _markdown(text, path)
    return Document(path, _yaml_value(text, None), text, text)


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise DocumentError(f"{len(data):,} bytes are too many, {MAX_BYTES:,} are allowed")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DocumentError("is UTF-16; save it as UTF-8", 1, 1)
    if data.startswith(b"\xef\xbb\xbf"):
        raise DocumentError("begins with a byte order mark; save it as UTF-8 without one", 1, 1)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        raise DocumentError(
            f"byte 0x{data[error.start]:02x} is not UTF-8; save it as UTF-8", *_place(before)
        ) from None
    if data.translate(None, _USUAL_BYTES) or (
        not text.isascii() and any(map(text.__contains__, _RARE))
    ):
        unusual = re.search(_UNUSUAL, text)
        if unusual:  # a carriage return before a line feed is no reason to refuse
            character = unusual.group()
            name = "carriage return without line feed" if character == "\r" else "character"
            raise DocumentError(
                f"{name} U+{ord(character):04X} is not allowed", *_place(text[: unusual.start()])
            )
    return text


def _place(before: str) -> tuple[int, int]:
    """Line and column of the character that follows this text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _markdown(text: str, path: str) -> Document:
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return Document(path, None, text, "", body=text, body_line=1)
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            # An empty line in place of the fence keeps the numbers of the lines.
            source = "\n" + "\n".join(lines[1:number]) + "\n"
            body = "\n".join(lines[number + 1 :])
            value = _yaml_value(source, None)
            return Document(path, value, text, source, body=body, body_line=number + 2)
    raise DocumentError("the front matter has no closing line `---`", 1, 1)


# --- YAML -----------------------------------------------------------------------------------


def _yaml_value(text: str, marks: dict[Keys, tuple[Mark, Mark]] | None) -> Value:
    parser: Any = None
    try:
        parser = _Parser(text)
        return _build(parser.get_event, marks, text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or "is not YAML"
        if mark is None:
            raise DocumentError(message) from None
        raise DocumentError(message, mark.line + 1, mark.column + 1) from None
    except yaml.YAMLError as error:
        raise DocumentError(str(error).split("\n", 1)[0] or "is not YAML") from None
    finally:
        if parser is not None:
            parser.dispose()


def _refuse(message: str, event: Event) -> DocumentError:
    mark = event.start_mark
    return DocumentError(message, mark.line + 1, mark.column + 1)


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


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
    if event.__class__ is yaml.StreamEndEvent:
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
                    raise _refuse(f"the key {_short(value)} stands here twice", event)
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
                raise _refuse(f"the tag {_short(event.tag)} is not allowed", event)
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
        elif kind is yaml.DocumentEndEvent:
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
    if event.__class__ is not yaml.StreamEndEvent:
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
        raise _refuse(f"the tag {_short(event.tag)} is not allowed", event)
    if wanted is str:
        return event.value
    value = _WORDS[event.value] if event.value in _WORDS else _number(event)
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise _refuse(f"{_short(event.value)} is not of the type that its tag names", event)
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


def _marks_of(path: str, source: str) -> dict[Keys, tuple[Mark, Mark]]:
    marks: dict[Keys, tuple[Mark, Mark]] = {}
    if path.endswith(".json"):
        _json_marks(source, marks)
    elif source:
        _yaml_value(source, marks)
    return marks


# --- JSON -----------------------------------------------------------------------------------


class _Twice(Exception):  # noqa: N818 - not an error by itself: its place is looked up next
    """A key stands twice in one object."""


def _json_value(text: str) -> Value:
    import json

    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except _Twice:
        _json_marks(text, {})  # finds the second one and raises with its place
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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
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
        raise DocumentError(_TOO_LONG)
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


def _json_marks(text: str, marks: dict[Keys, tuple[Mark, Mark]]) -> None:
    """Note where everything stands in a text that is known to be JSON.

    Raises:
        DocumentError: a key stands twice in one object.

    """
    import json

    path: list[str | int] = []
    opened: list[tuple[Mark | None, Mark, set[str]]] = []
    key: Mark | None = None
    want_key = False
    for lexeme, span in _tokens(text):
        if lexeme in "{[":
            path.append(-1)
            opened.append((key, span, set()))
            key, want_key = None, lexeme == "{"
            if lexeme == "[":
                path[-1] = 0
        elif lexeme in "}]":
            outer, start, _ = opened.pop()
            path.pop()
            end = span[2] if span[0] == start[0] else start[2]
            marks[tuple(path)] = (outer or start, (start[0], start[1], end))
            want_key = False
        elif lexeme == ",":
            last = path[-1]
            want_key = isinstance(last, str)
            if not isinstance(last, str):
                path[-1] = last + 1
            key = None
        elif lexeme == ":":
            want_key = False
        elif want_key:
            name = json.loads(lexeme) if "\\" in lexeme else lexeme[1:-1]
            if name in opened[-1][2]:
                raise DocumentError(f"the key {_short(name)} stands here twice", *span[:2])
            opened[-1][2].add(name)
            path[-1] = name
            key = span
        else:
            marks[tuple(path)] = (key or span, span)


def _tokens(text: str) -> Iterator[tuple[str, Mark]]:
    pattern = re.compile(_PIECE)
    for number, line in enumerate(text.split("\n"), start=1):
        for match in pattern.finditer(line):
            yield match.group(), (number, match.start() + 1, match.end() + 1)
