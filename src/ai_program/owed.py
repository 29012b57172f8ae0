"""What people still owe: every entry of a governed file that says ``status: open``.

One list with two readers: ``ai-program open`` prints it, and a promotion is refused while it is not
empty.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_program.documents import Document
    from ai_program.findings import Location
    from ai_program.program import Baseline, State

    Keys = tuple[str | int, ...]

# In a backlog "open" is work to do, not a gap in what governs it.
_NOT_OWED = frozenset(("backlog",))


class Owed:
    """One open entry: where it stands, who owes it until when, and what is missing."""

    __slots__ = ("due", "keys", "location", "name", "note", "owner")

    def __init__(self, doc: Document, keys: Keys, entry: dict[str, object]) -> None:
        self.location: Location = doc.at(*keys, "status")
        self.keys = keys
        self.name = ".".join(map(str, keys)) or doc.path.rpartition("/")[2].partition(".")[0]
        for key in ("id", "name", "title", "team"):
            if isinstance(entry.get(key), str):
                self.name = str(entry[key])
                break
        self.owner = _text(entry.get("owner"))
        self.due = _text(entry.get("due"))
        self.note = _text(entry.get("note"))

    def __repr__(self) -> str:
        return f"Owed({self.location.path}: {self.name})"


def owed(state: State, baseline: Baseline) -> list[Owed]:
    """Return everything that is open, by due date, then place."""
    seen: set[str] = set()
    found: list[Owed] = []
    for kind in baseline.layout["kinds"]:
        for pattern in kind["paths"]:
            for doc in state.tree.documents(pattern):
                if doc.path in seen:
                    continue
                seen.add(doc.path)
                if kind["kind"] not in _NOT_OWED:
                    found.extend(Owed(doc, keys, entry) for keys, entry in _open(doc.value))
    return sorted(found, key=lambda one: (one.due or "9", one.location.path, one.location.line))


def _open(value: object) -> Iterator[tuple[Keys, dict[str, object]]]:
    stack: list[tuple[Keys, object]] = [((), value)]
    while stack:
        keys, value = stack.pop()
        if isinstance(value, dict):
            if value.get("status") == "open":
                yield keys, value
            stack.extend(((*keys, key), item) for key, item in value.items())
        elif isinstance(value, list):
            stack.extend(((*keys, index), item) for index, item in enumerate(value))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
