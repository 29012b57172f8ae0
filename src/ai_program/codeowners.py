"""Who owns a path: CODEOWNERS read as GitHub reads it.

The last line that matches decides, also when it names nobody. A line that GitHub cannot read is
skipped, and so it is here. Patterns are matched without regular expressions, because whoever opens
a pull request writes them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Where GitHub looks, in this order; the first file that exists is the one that counts.
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
# GitHub does not load a larger file at all.
MAX_BYTES = 3 * 1024 * 1024
# A longer pattern is nobody's: it is taken to match everything, for no owner.
MAX_PATTERN = 500


class Line:
    """One line: the pattern, its owners, and where it stands."""

    __slots__ = ("_below", "_itself", "_parts", "_plain", "number", "owners", "text")

    def __init__(self, number: int, text: str, pattern: str, owners: tuple[str, ...]) -> None:
        self.number = number
        self.text = text
        self.owners = owners
        below = not pattern.endswith("/*")
        parts = [part for part in pattern.split("/") if part]
        if "/" not in pattern.rstrip("/"):
            parts.insert(0, "**")  # a name without a folder is looked for everywhere
        if parts and parts[-1] == "**":
            parts.append("*")  # at the end it stands for one part at least
        self._parts = tuple(
            part for at, part in enumerate(parts) if part != "**" or parts[at + 1] != "**"
        )
        self._plain = not any(mark in part for part in self._parts for mark in "*?")
        # `docs/` owns what is below, `docs` also a file of that name, and `docs/*` the files in
        # docs but not those of its folders.
        self._itself = not pattern.endswith("/")
        self._below = below

    def __repr__(self) -> str:
        return f"Line({self.number}: {self.text})"

    def matches(self, path: tuple[str, ...]) -> bool:
        """Tell whether the line is about this path, given as its parts."""
        end = len(self._parts)
        if self._plain:
            if path[:end] != self._parts or len(path) < end:
                return False
            return self._itself if len(path) == end else self._below
        reached = _skip(self._parts, {0})
        for index, part in enumerate(path, start=1):
            reached = _step(self._parts, reached, part)
            if end in reached and (self._itself if index == len(path) else self._below):
                return True
        return False


def parse(text: str) -> list[Line]:
    """Return the lines that GitHub would heed."""
    found = []
    for number, raw in enumerate(text.split("\n"), start=1):
        words = _words(raw)
        if not words:
            continue
        pattern, *owners = words
        if len(pattern) > MAX_PATTERN:
            pattern, owners = "*", []
        # Negation and character ranges of .gitignore do not work here, and neither does an owner
        # that is no name and no address.
        if pattern.startswith("!") or "[" in pattern or not all(map(_is_owner, owners)):
            continue
        found.append(Line(number, raw, pattern, tuple(owners)))
    return found


def deciding(lines: Sequence[Line], path: str) -> Line | None:
    """Return the line that decides who owns a path, None if none is about it."""
    parts = tuple(path.split("/"))
    return next((line for line in reversed(lines) if line.matches(parts)), None)


def _words(line: str) -> list[str]:
    r"""Split a line at its spaces (``\ `` is a space of a path), without its comment."""
    words = []
    for word in line.replace("\\ ", "\0").split():
        if word.startswith("#"):
            break
        words.append(word.replace("\0", " "))
    return words


def _is_owner(name: str) -> bool:
    before, at, after = name.partition("@")
    if not at or not after or "@" in after:
        return False
    return bool(before) or not after.startswith(("/", "-"))


def _step(pattern: tuple[str, ...], places: set[int], part: str) -> set[int]:
    """Return the places of the pattern that are reached after one more part of the path.

    A set of places bounds the time by the product of both lengths, whatever the pattern.
    """
    reached = set()
    for place in places:
        if place < len(pattern):
            if pattern[place] == "**":
                reached.add(place)
            elif _match_part(pattern[place], part):
                reached.add(place + 1)
    return _skip(pattern, reached)


def _skip(pattern: tuple[str, ...], places: set[int]) -> set[int]:
    """Add the places behind a ``**``, which may stand for nothing."""
    for place in list(places):
        here = place
        while here < len(pattern) and pattern[here] == "**":
            here += 1
            places.add(here)
    return places


def _match_part(pattern: str, text: str) -> bool:
    """Match one part of a path: ``*`` is any text, ``?`` one character; no recursion."""
    if pattern in {text, "*"}:
        return True
    if "*" not in pattern and "?" not in pattern:
        return False
    at = here = after_star = 0
    star = -1
    while at < len(text):
        wanted = pattern[here : here + 1]
        if wanted == "*":
            star, after_star = here, at
            here += 1
        elif wanted in {"?", text[at]}:
            at, here = at + 1, here + 1
        elif star >= 0:
            after_star += 1
            at, here = after_star, star + 1
        else:
            return False
    return not pattern[here:].strip("*")
