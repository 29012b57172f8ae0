"""Path patterns, as the layout and the exceptions write them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re


class _Matcher:
    """A path pattern; most are a beginning and an end around one star, which needs no regex."""

    __slots__ = ("_after", "_before", "_crosses", "_pattern", "_regex")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._regex: re.Pattern[str] | None = None
        before, star, after = pattern.partition("*")
        self._crosses = after.startswith("*")
        after = after[1:] if self._crosses else after
        odd = any(mark in before + after for mark in "*?[") or (self._crosses and after)
        self._before = before.partition("?")[0].partition("[")[0]
        self._after: str | None = None if odd or not star else after

    def __call__(self, path: str) -> bool:
        before, after = self._before, self._after
        if not path.startswith(before):
            return False
        if after is None:
            if before == self._pattern:
                return path == before
            if self._regex is None:
                import re

                self._regex = re.compile(_regex(self._pattern), re.DOTALL)
            return self._regex.fullmatch(path) is not None
        middle = len(path) - len(before) - len(after)
        return (
            middle >= 0
            and path.endswith(after)
            and (self._crosses or "/" not in path[len(before) : len(before) + middle])
        )


_matchers: dict[str, _Matcher] = {}


def matcher(pattern: str) -> _Matcher:
    """Return the test for a path pattern: ``*``, ``**``, ``?`` and ``[a-z]``."""
    if pattern not in _matchers:
        _matchers[pattern] = _Matcher(pattern)
    return _matchers[pattern]


def _regex(pattern: str) -> str:
    import re

    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        known.get(part) or (part.replace("[!", "[^") if index % 2 else re.escape(part))
        for index, part in enumerate(parts)
    )
