"""The ledger: what the base's own line of commits once recorded, and whether it still stands.

Evidence and accepted decisions are never edited. Comparing with the base shows what a change does
to them; only history shows what an earlier change did that no check saw, and that a change restores
what such an earlier one took. Only the first parents count: what was written on a branch is free
until the branch is merged.
"""

from __future__ import annotations

from ai_program.snapshot import CannotDecide, require_full_history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_program.snapshot import Snapshot, Tree

# The one file among the evidence that changes: it names the release in force.
POINTER = "evidence/releases/active.json"


def line(snapshot: Snapshot, folder: str) -> Iterator[tuple[Tree, str]]:
    """Yield each state of the base's line that touched a file of the folder, the oldest first.

    Raises:
        CannotDecide: the history is cut, or git cannot read it.

    """
    if snapshot.base.commit is None:
        return
    require_full_history(snapshot.git)
    status, output, reason = snapshot.git.ask(
        "-c", "log.showRoot=true", "log", "--first-parent", "-m", "--name-only", "--no-renames",
        "--no-ext-diff", "--no-show-signature", "--reverse", "-z", "--format=%x01%H",
        snapshot.base.commit, "--", folder,
    )  # fmt: skip
    if status:
        raise CannotDecide(f"git: {reason}")
    state: Tree | None = None
    for field in output.decode("utf-8", "surrogateescape").split("\0"):
        path = field.lstrip("\n")
        if path.startswith("\x01"):
            state = snapshot.at(path[1:].strip())
        elif path and state is not None:
            yield state, path


class Ledger:
    """The records of one folder: JSON files that are written once."""

    __slots__ = ("_originals", "_prefix", "_snapshot", "_touched")

    def __init__(self, snapshot: Snapshot, folder: str) -> None:
        self._snapshot = snapshot
        self._prefix = folder + "/"
        self._touched = any(map(self._holds, snapshot.changed))
        self._originals = self._read(folder)

    def broken(self) -> Iterator[tuple[str, str]]:
        """Yield the path of each record that does not stand as it was written: edited, removed."""
        base, head = self._snapshot.base, self._snapshot.head
        if self._snapshot.stage == "commit" and not self._touched:
            return
        for path in sorted({*self._originals, *filter(self._holds, base.entries)}):
            written = self._originals.get(path) or base.entries[path].oid
            entry = head.entries.get(path)
            if entry is None:
                yield path, "removed"
            elif entry.oid != written or entry.mode != "100644":
                yield path, "edited"

    def new(self) -> list[str]:
        """Return the paths of the records that this change writes."""
        changed = self._snapshot.changed
        return [
            path
            for path, how in changed.items()
            if how == "A" and self._holds(path) and path not in self._originals
        ]

    def _holds(self, path: str) -> bool:
        return path.startswith(self._prefix) and path.endswith(".json") and path != POINTER

    def _read(self, folder: str) -> dict[str, str]:
        """Return the first version of each record: its path and the id of its content.

        At commit history is asked only about a change of the folder, and not missed in a clone
        that has none: after the commit it is asked again.
        """
        snapshot = self._snapshot
        if snapshot.stage == "commit" and not self._touched:
            return {}
        found: dict[str, str] = {}
        try:
            for state, path in line(snapshot, folder):
                if self._holds(path) and path in state.entries:
                    found.setdefault(path, state.entries[path].oid)
        except CannotDecide:
            if snapshot.stage != "commit":
                raise
        return found
