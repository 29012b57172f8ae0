"""Bytes of a governed file to a document: values with positions, nothing surprising.

The input is untrusted: whoever opens a pull request writes it. So the reader takes less than YAML
allows (no anchors, no merges, no own tags, one document, every key once) and every limit has a
number. YAML is read as version 1.2 core: ``on`` and ``2026-11-16`` are text, ``1e3`` is a number.

Values come first and cheap, because a clean run asks for nothing else. Positions are worked out
by a second reading, when the first finding asks where something stands.
"""

from __future__ import annotations

from ai_program.findings import Location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Value = Any  # what YAML and JSON hold: text, numbers, booleans, null, lists, mappings
    Keys = tuple[str | int, ...]
    Mark = tuple[int, int, int]  # line, column, end column; 1-based, end exclusive

# Evidence and lock files of a large programme fit well below; a policy has a few kilobytes.
MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_DIGITS = 100
_DEEPEST = 6  # level of a heading
_SHOWN = 60  # characters of a key or value in a message

# Deleting these from the bytes leaves nothing of a well-behaved file. One pass in C.
_USUAL_BYTES = bytes([9, 10, *range(0x20, 0x7F), *range(0x80, 0x100)])
_RARE = "\u2028\u2029\ufeff\ufffe\uffff" + "".join(map(chr, range(0x80, 0xA0)))
# Compiled when first needed: regular expressions of such sets are slow to build.
_UNUSUAL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)"


class DocumentError(Exception):
    """The file cannot be read as a governed document: what is wrong, and where."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"{line}:{column}: {message}" if line else message)
        self.message = message
        self.line = line
        self.column = column


class Document:
    """A governed file: its value, its Markdown body if it has one, and where everything stands.

    Keys of mappings are always text, exactly as written: ``1: x`` has the key ``"1"``.
    """

    __slots__ = ("_facts", "_marks", "_source", "_text", "body", "body_line", "path", "value")

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
        self._facts: dict[str, Any] = {}

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

    def once(self, name: str, make: Callable[[], Value]) -> Value:
        """Return a fact about the document that several rules ask for, made for the first one."""
        if name not in self._facts:
            self._facts[name] = make()
        return self._facts[name]

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
        for number, line, code in self._lines():
            if not code and line.startswith("## "):
                text = []
                found.setdefault(line[3:].strip().rstrip("#").rstrip(), (number, text))
                continue
            text.append(line.rstrip("\r"))
        return {title: (line, "\n".join(body).strip()) for title, (line, body) in found.items()}

    def anchors(self) -> dict[str, str]:
        """Return the text below each heading, by the anchor that GitHub gives the heading.

        What stands below deeper headings belongs to it; the headings themselves are no text.
        """
        import re

        found: dict[str, list[str]] = {}
        twins: dict[str, int] = {}
        above: list[tuple[int, list[str]]] = []  # the headings that a line stands below
        for _, line, code in self._lines():
            level = 0 if code else len(line) - len(line.lstrip("#"))
            if 1 <= level <= _DEEPEST and line[level : level + 1].isspace():
                title = line[level:].strip().rstrip("#").rstrip().lower()
                anchor = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
                twins[anchor] = twins.get(anchor, -1) + 1
                anchor += f"-{twins[anchor]}" if twins[anchor] else ""
                text: list[str] = []
                found.setdefault(anchor, text)
                above = [*(each for each in above if each[0] < level), (level, text)]
                continue
            for _, below in above:
                below.append(line.rstrip("\r"))
        return {anchor: "\n".join(below).strip() for anchor, below in found.items()}

    def _lines(self) -> Iterator[tuple[int, str, bool]]:
        """Yield the lines of the body: number, text, and whether it belongs to a block of code."""
        fence = ""
        for number, line in enumerate(self.body.split("\n"), start=self.body_line):
            mark = line.lstrip()[:3]
            if fence:
                yield number, line, True
                fence = "" if mark == fence else fence
            else:
                fence = mark if mark in {"```", "~~~"} else ""
                yield number, line, bool(fence)

    def mark(self, keys: Keys, *, of_key: bool) -> Mark:
        """Return line, column and end column of a value or its key; zeros in an empty file."""
        marks = self._marks
        if marks is None:
            marks = self._marks = _marks_of(self.path, self._source)
        asked = keys
        while keys not in marks and keys:
            keys = keys[:-1]
        if keys in marks:
            found = marks[keys][0 if of_key and keys == asked else 1]
            # For libyaml an empty document may end on the line after the last one.
            if found[0] <= self._text.count("\n") + 1:
                return found
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
        from ai_program import json_reader

        return Document(path, json_reader.value(text), text, text)
    if path.endswith(".md"):
        return _markdown(text, path)
    from ai_program import yaml_reader

    return Document(path, yaml_reader.value(text), text, text)


def short(text: str) -> str:
    """Return a quoted text that fits into a message."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


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
        import re

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
            from ai_program import yaml_reader

            value = yaml_reader.value(source)
            return Document(path, value, text, source, body=body, body_line=number + 2)
    raise DocumentError("the front matter has no closing line `---`", 1, 1)


def _marks_of(path: str, source: str) -> dict[Keys, tuple[Mark, Mark]]:
    marks: dict[Keys, tuple[Mark, Mark]] = {}
    if path.endswith(".json"):
        from ai_program import json_reader

        json_reader.mark(source, marks)
    elif source:
        from ai_program import yaml_reader

        yaml_reader.value(source, marks)
    return marks
