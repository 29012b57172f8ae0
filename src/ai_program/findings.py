"""What a rule reports: one type, rendered by every reporter.

Plain ``__slots__`` classes, because this module is on the hook's path and dataclasses would cost
more than all rules of a clean run.
"""

from __future__ import annotations


class Location:
    """A span in a file: 1-based line and column, ``end_column`` exclusive.

    ``line == 0`` means the file as a whole (a missing file, a binary).
    """

    __slots__ = ("column", "end_column", "line", "path")

    def __init__(self, path: str, line: int = 0, column: int = 0, end_column: int = 0) -> None:
        self.path = path
        self.line = line
        self.column = column
        self.end_column = end_column

    def __repr__(self) -> str:
        return f"Location({self.path}:{self.line}:{self.column}-{self.end_column})"


class Finding:
    """A violation of one rule at one place, with what to do about it.

    ``related`` holds other places that explain it, each with a note (for instance the base's
    value). ``waived_by`` is the id of the exception that waives it, or ``None``.
    """

    __slots__ = ("code", "location", "message", "related", "remedy", "severity", "waived_by")

    def __init__(
        self,
        code: str,
        severity: str,
        location: Location,
        message: str,
        remedy: str,
        related: tuple[tuple[Location, str], ...] = (),
        waived_by: str | None = None,
    ) -> None:
        self.code = code
        self.severity = severity
        self.location = location
        self.message = message
        self.remedy = remedy
        self.related = related
        self.waived_by = waived_by

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order by place, then code, so that output is the same on every machine."""
        at = self.location
        return (at.path, at.line, at.column, self.code, self.message)
