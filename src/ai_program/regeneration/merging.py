"""The merge: from two renderings and a commit of the team to what git shall do.

Two steps, both done by git. First what the tool alone writes (managed files, the lock, the plan of
the sprint, seeded files that are new): their base is what HEAD has, so they never conflict. Then
the difference between the renderings of the merged files, as a cherry-pick onto the team's commit.

Seeded files stand alike on both sides of that pick. So they are never touched, and git can't take
one of them for the new place of a file that the team deleted.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ai_program import lock
from ai_program.regeneration.rendering import digest
from ai_program.regeneration.repository import Blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from ai_program.regeneration.rendering import Product, Rendering
    from ai_program.regeneration.repository import Repository, Unmerged

#: The answers: the team edits them, and no rendering overwrites them.
WORKSHOP = "workshop.yaml"
#: What a repository was stays true when its use case changes.
PAST = ("decisions/", "evidence/", "models/", "sprints/")


@dataclass(frozen=True, slots=True)
class Content:
    """A file that is not in git yet."""

    mode: str
    content: bytes


@dataclass
class Work:
    """What git shall do to a commit of the team."""

    written: dict[str, Content | None] = field(default_factory=dict)  # None: taken away
    base: dict[str, Content] = field(default_factory=dict)  # merged files, as they were rendered
    target: dict[str, Content] = field(default_factory=dict)  # and as they are rendered now
    notes: list[str] = field(default_factory=list)
    renamed: set[tuple[str, str]] = field(default_factory=set)  # folders of seeded files

    def is_empty(self) -> bool:
        """Tell whether nothing would be done."""
        return not self.written and self.base == self.target

    def new_paths(self, head: Mapping[str, Blob]) -> list[str]:
        """Return the paths that HEAD does not have and that may come."""
        paths = {path for path, content in self.written.items() if content} | set(self.target)
        return sorted(paths - set(head))


@dataclass(frozen=True, slots=True)
class Change:
    """One file that differs from HEAD: A added, M changed, D deleted, R renamed."""

    letter: str
    path: str
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What git made of it."""

    changes: Sequence[Change]
    conflicts: Sequence[Unmerged]
    merged: Mapping[str, Blob]  # the files without a conflict


def work(
    head: Mapping[str, Blob],
    known: Mapping[str, Any],
    old: Rendering,
    new: Rendering,
    edited: Callable[[str], bool],
) -> Work:
    """Return what follows from two renderings; ``known`` are the files of the lock.

    ``edited(path)`` tells whether the team changed a file since it was written.
    """
    result = Work()
    for path in sorted({*old.files, *new.files} - {WORKSHOP}):
        before, after = old.files.get(path), new.files.get(path)
        owners = {product.owner for product in (before, after) if product}
        if owners == {"managed"}:
            if before != after or path not in head:
                result.written[path] = _content(after) if after else None
        elif owners == {"seeded"} or (after and after.owner == "seeded"):
            if before is None and after and path not in known:
                _seed(result, head, path, after)
        else:
            if before:
                result.base[path] = _content(before)
            if after:
                result.target[path] = _content(after)
    _follow_names(result, head, old, new)
    _follow_use_case(result, head, old, new, edited)
    result.written = {
        path: content for path, content in result.written.items() if content or path in head
    }
    return result


def _content(product: Product) -> Content:
    return Content(product.mode, product.content)


def _seed(result: Work, head: Mapping[str, Blob], path: str, product: Product) -> None:
    if path in head:
        result.notes.append(f"{path} is new in the template; the team's own file stays")
    else:
        result.written[path] = _content(product)


def _follow_names(result: Work, head: Mapping[str, Blob], old: Rendering, new: Rendering) -> None:
    """Let seeded files move along where an answer renames their folder, such as the package's.

    This once they are merged like the others: what names the folder in them has to change too. So
    is code that stays where it is and imports the package from there, such as its tests.
    """
    seeded = [{p for p, f in side.files.items() if f.owner == "seeded"} for side in (old, new)]
    use_cases = old.answers.get("use_case"), new.answers.get("use_case")
    for before, after in moved(seeded[0] - set(new.files), seeded[1] - set(old.files)).items():
        if _renamed(before, after) == use_cases:
            continue  # the code of another use case is no newer form of this one's
        if before in head and after not in head:
            result.base[before] = _content(old.files[before])
            result.target[after] = _content(new.files[after])
            result.written.pop(after, None)
            result.renamed |= {names for names in [_renamed(before, after)] if names}
    for path in seeded[0] & seeded[1] & set(head) - {WORKSHOP}:
        texts = old.files[path].content, new.files[path].content
        if any(_follows(path, texts, names) for names in result.renamed):
            result.base[path] = _content(old.files[path])
            result.target[path] = _content(new.files[path])


def _follow_use_case(
    result: Work,
    head: Mapping[str, Blob],
    old: Rendering,
    new: Rendering,
    edited: Callable[[str], bool],
) -> None:
    """Let seeded files go, or change, where the answers name another use case.

    Half of the old one's code would run with half of the new one's. What the team edited is a
    conflict, which it decides.
    """
    if old.answers.get("use_case") == new.answers.get("use_case"):
        return
    for path, before in old.files.items():
        after = new.files.get(path)
        if (
            before.owner != "seeded"
            or path not in head
            or path in result.base
            or path == WORKSHOP
            or path.startswith(PAST)
            or (after and after.content == before.content)
        ):
            continue
        if after is None and not edited(path):
            result.written[path] = None
            continue
        result.base[path] = _content(before)
        if after:
            result.target[path] = _content(after)


def _follows(path: str, texts: tuple[bytes, bytes], names: tuple[str, str]) -> bool:
    """Tell whether code names a folder that is renamed; prose keeps what was true when written."""
    return path.endswith(".py") and all(
        re.search(rb"\b%s\b" % re.escape(name.encode()), text)
        for text, name in zip(texts, names, strict=True)
    )


def own_imports(text: bytes, rendered: bytes, package: str) -> int:
    """Count the lines of the team, which the template did not write, that import a package."""
    known = set(rendered.splitlines())
    imports = re.compile(rb"\s*(?:from|import)\s+%s\b" % re.escape(package.encode()))
    return sum(1 for line in text.splitlines() if imports.match(line) and line not in known)


def moved(gone: Iterable[str], came: Iterable[str]) -> dict[str, str]:
    """Pair paths of which one name differs, if the same name was replaced in each."""
    arrived = set(came)
    votes: Counter[tuple[str, str]] = Counter()
    pairs: dict[str, list[tuple[tuple[str, str], str]]] = {}
    for path in gone:
        for other in arrived:
            names = _renamed(path, other)
            if names:
                votes[names] += 1
                pairs.setdefault(path, []).append((names, other))
    return {
        path: max(found, key=lambda each: (votes[each[0]], each))[1]
        for path, found in pairs.items()
    }


def _renamed(one: str, other: str) -> tuple[str, str] | None:
    """Return the one folder that differs between two paths, and by what it was replaced."""
    left, right = one.split("/"), other.split("/")
    if len(left) != len(right) or left[-1] != right[-1]:
        return None
    different = {(a, b) for a, b in zip(left, right, strict=True) if a != b}
    return different.pop() if len(different) == 1 else None


def files_of_lock(known: Mapping[str, Any], new: Rendering, done: Work) -> dict[str, Any]:
    """Return the files of the new lock: as they are rendered now, or once were for seeded ones.

    The answers are the exception: they are the team's to edit, and the lock follows them.
    """
    entries = {}
    for path, product in new.files.items():
        if product.owner == "seeded" and path in known and path not in {WORKSHOP, *done.target}:
            entries[path] = known[path]
        elif product.owner != "seeded" or path in {*done.written, *done.target, WORKSHOP}:
            entries[path] = {
                "class": product.owner,
                "mode": product.mode,
                "digest": digest(product.content),
            }
    for path, entry in known.items():
        gone = path in done.base or path in done.written
        if entry["class"] == "seeded" and path not in entries and not gone:
            entries[path] = entry
    return dict(sorted(entries.items()))


def apply(repository: Repository, head: Mapping[str, Blob], todo: Work, seeded: set[str]) -> Result:
    """Let git do the work on HEAD, in index and work tree; ``seeded`` are paths never to touch."""
    contents = [
        *(content for content in todo.written.values() if content),
        *todo.base.values(),
        *todo.target.values(),
    ]
    blobs = iter(repository.store([content.content for content in contents]))
    made = {
        key: Blob(content.mode, next(blobs))
        for key, content in (
            *((("written", path), content) for path, content in todo.written.items() if content),
            *((("base", path), content) for path, content in todo.base.items()),
            *((("target", path), content) for path, content in todo.target.items()),
        )
    }
    before = {path: head[path] for path in todo.written if path in head}
    after = {path: blob for (side, path), blob in made.items() if side == "written"}
    if todo.written:
        repository.cherry_pick(_difference(repository, before, after, "What the tool writes"))
    kept = {path: blob for path, blob in {**head, **after}.items() if path in seeded}
    kept |= after
    kept = {p: blob for p, blob in kept.items() if p not in todo.base and p not in todo.target}
    base = {path: blob for (side, path), blob in made.items() if side == "base"}
    target = {path: blob for (side, path), blob in made.items() if side == "target"}
    if base != target:
        repository.cherry_pick(
            _difference(repository, kept | base, kept | target, "What the template changed")
        )
    return result(repository)


def _difference(
    repository: Repository, before: Mapping[str, Blob], after: Mapping[str, Blob], message: str
) -> str:
    parent = repository.store_commit(repository.store_tree(before), [], f"{message}: before")
    return repository.store_commit(repository.store_tree(after), [parent], message)


def result(repository: Repository) -> Result:
    """Return what stands in the index, against HEAD."""
    merged, unmerged = repository.staged()
    listed = repository.ask("diff-index", "--cached", "-M", "-z", "--name-status", "HEAD", "--")
    words = iter(listed.split("\0"))
    changes = []
    for letter in words:
        if letter.startswith("R"):
            before, path = next(words), next(words)
            changes.append(Change("R", path, before))
        elif letter and letter != "U":
            path = next(words)
            if not any(path == each.path for each in unmerged):
                changes.append(Change(letter[0], path))
        elif letter:
            next(words)
    return Result(sorted(changes, key=lambda each: each.path), unmerged, merged)


def lock_text(files: Mapping[str, Any], new: Rendering, engine: Mapping[str, Any]) -> bytes:
    """Return the lock of the regenerated repository in its one form."""
    value = {
        "lock_version": lock.VERSION,
        "template": dict(new.template),
        "engine": dict(engine),
        "answers": dict(new.answers),
        "files": dict(files),
    }
    return lock.text(value).encode()
