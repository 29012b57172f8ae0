"""Which files of a repository are governed, and as what kind (``policies/layout.yaml``)."""

from __future__ import annotations

from ai_program.snapshot import matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.program import Program
    from ai_program.snapshot import Tree

    Kind = dict[str, Any]

DOCUMENTS = (".yaml", ".yml", ".json", ".md")


class Layout:
    """The governed files of one state, in the order of their paths."""

    __slots__ = ("_kinds", "files")

    def __init__(self, tree: Tree, kinds: list[Kind]) -> None:
        self._kinds = [(kind, matcher(pattern)) for kind in kinds for pattern in kind["paths"]]
        # Most files of a grown repository are code; one look at the first folder passes them over.
        folders = {pattern.partition("/")[0] for kind in kinds for pattern in kind["paths"]}
        self.files: list[tuple[str, Kind]] = []
        for path in tree.entries:
            if path.partition("/")[0] in folders:
                kind = self.kind(path)
                if kind is not None:
                    self.files.append((path, kind))

    def kind(self, path: str) -> Kind | None:
        """Return the kind of a path: the first whose pattern matches."""
        for kind, matches in self._kinds:
            if matches(path):
                return kind
        return None


_last: tuple[Tree, Layout] | None = None


def of(program: Program) -> Layout:
    """Return the layout of the head; several rules ask for the same one."""
    global _last  # noqa: PLW0603 - one entry, replaced when another tree is judged
    tree = program.snapshot.head
    if _last is None or _last[0] is not tree:
        _last = (tree, Layout(tree, program.baseline.layout["kinds"]))
    return _last[1]


def folders(kinds: list[Kind]) -> set[str]:
    """Return the folders that hold governed files only.

    A folder is one if a pattern names it without a wildcard; the repository's root and the folders
    that tools and teams fill as they like are not.
    """
    found = {pattern.rpartition("/")[0] for kind in kinds for pattern in kind["paths"]}
    open_to_others = {".ai-program", "sprints", "evidence/reviews"}
    return {name for name in found if name and "*" not in name} - open_to_others


def above(kinds: list[Kind]) -> set[str]:
    """Return every folder that leads to governed files, as far as no wildcard stands in it."""
    found = set()
    for kind in kinds:
        for pattern in kind["paths"]:
            folder = pattern.partition("*")[0].partition("[")[0].rpartition("/")[0]
            while folder:
                found.add(folder)
                folder = folder.rpartition("/")[0]
    return found


def strays(tree: Tree, layout: Layout, kinds: list[Kind]) -> Iterator[tuple[str, str]]:
    """Yield documents that stand among governed files and are of no kind: path and folder."""
    known = {path for path, _ in layout.files}
    closed = folders(kinds)
    for path in tree.entries:
        folder = path.rpartition("/")[0]
        while folder and folder not in closed:
            folder = folder.rpartition("/")[0]
        if (
            folder
            and path not in known
            and path.lower().endswith(DOCUMENTS)
            and not path.endswith("/README.md")
        ):
            yield path, folder
