"""For people: every finding with its place, the line marked, and what to do."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_program.checking import Result
    from ai_program.findings import Finding, Location
    from ai_program.snapshot import Tree

_WIDTH = 110  # characters of a source line that are shown
# What these find is personal data: quoting it would carry it into terminals and the logs of CI.
_UNQUOTED = frozenset(("AIP109",))
_BOLD, _RED, _YELLOW, _DIM, _PLAIN = "1", "31;1", "33;1", "2", "0"
_COLOURS = {"error": _RED, "warning": _YELLOW, "waived": _DIM}


def render(result: Result, *, colour: bool = False) -> str:
    """Return the whole report; it ends with the line that counts."""
    paint = _paint if colour else _leave
    blocks = ["\n".join(_finding(result, finding, paint)) for finding in result.findings]
    return "\n\n".join(blocks) + ("\n" if blocks else "") + summary(result) + "\n"


def brief(result: Result) -> str:
    """Return one line for a run without errors, nothing for a run without findings."""
    if not result.findings:
        return ""
    first = min(result.findings, key=lambda finding: finding.waived_by is not None)
    return f"{first.code} {place(first.location)}  {clean(first.message)} · {_counts(result)}\n"


def summary(result: Result) -> str:
    """Return the line that counts, and where to read on."""
    line = _counts(result)
    blocking = [f for f in result.findings if f.severity == "error" and f.waived_by is None]
    for finding in blocking[:1] or result.findings[:1]:
        line += f" · `ai-program explain {finding.code}` says why"
    return line


def place(location: Location) -> str:
    """Return a place as editors and terminals link it: path:line:column."""
    path = clean(location.path) or "(the repository)"
    return f"{path}:{location.line}:{location.column}" if location.line else path


def clean(text: str) -> str:
    """Return text on one line in which nothing moves the cursor, hides or reorders."""
    return "".join(
        character if character.isprintable() else _escaped(character) for character in text
    )


def _escaped(character: str) -> str:
    if character in "\n\t":
        return " "
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python carries it
        return f"\\x{code - 0xDC00:02x}"
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _counts(result: Result) -> str:
    counts = [_plural(result.errors, "error"), _plural(result.warnings, "warning")]
    if result.waived:
        counts.append(f"{result.waived} waived")
    return " · ".join(counts)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _finding(result: Result, finding: Finding, paint: _Paint) -> Iterator[str]:
    rule = result.rules.get(finding.code)
    title = clean(rule.title) if rule else ""
    kind = "waived" if finding.waived_by else finding.severity
    by = f" by {clean(finding.waived_by)}" if finding.waived_by else ""
    where = paint(place(finding.location), _BOLD)
    yield f"{paint(f'{finding.code} {kind}{by}', _COLOURS[kind])} {where}  {title}".rstrip()
    yield f"  {clean(finding.message)}"
    if finding.waived_by:
        return
    if finding.code not in _UNQUOTED:
        yield from _source(result, finding.location, paint, _COLOURS[kind])
    base = result.program.snapshot.base
    for location, note in finding.related:
        at = f" at {base.commit[:7]}" if base.commit and note.startswith("base") else ""
        yield f"   {clean(note)}: {place(location)}{at}"
    yield f"  {paint('do:', _BOLD)} {clean(finding.remedy)}"


def _source(result: Result, location: Location, paint: _Paint, colour: str) -> Iterator[str]:
    line = source_line(result, location)
    if line is None:
        return
    start = max(location.column - 1, 0)
    end = max(location.end_column - 1, start + 1)
    cut = max(0, min(start - _WIDTH // 2, len(line) - _WIDTH)) if len(line) > _WIDTH else 0
    before, marked = clean(line[cut:start]), clean(line[start:end])
    after = clean(line[end : cut + _WIDTH])
    lead = "…" if cut else ""
    tail = "…" if cut + _WIDTH < len(line) else ""
    number = f"{location.line:5}"
    room = _columns(lead + before)
    mark = paint("^" * max(1, min(_columns(marked), max(1, _WIDTH - room + 1))), colour)
    text = f"{lead}{before}{marked[:_WIDTH]}{after}{tail}".rstrip()
    yield f"{number} | {text}"
    yield f"{' ' * len(number)} | {' ' * room}{mark}"


def source_line(result: Result, location: Location) -> str | None:
    """Return the line of the head, or of the base if the head has no such file any more."""
    if not location.line:
        return None
    snapshot = result.program.snapshot
    tree: Tree = snapshot.head if location.path in snapshot.head else snapshot.base
    if location.path not in tree:
        return None
    found = lines(tree, location.path)
    return found[location.line - 1] if location.line <= len(found) else None


def lines(tree: Tree, path: str) -> list[str]:
    """Return the lines of a file, none of one that cannot be read."""
    from ai_program.documents import DocumentError

    try:
        data = tree.read(path)
    except DocumentError:
        return []
    return [line.decode("utf-8", "replace").rstrip("\r") for line in data.split(b"\n")]


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        for character in text
    )


def _paint(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[{_PLAIN}m"


def _leave(text: str, _: str) -> str:
    return text


if TYPE_CHECKING:
    from collections.abc import Callable

    _Paint = Callable[[str, str], str]
