"""What is judged: two states of a repository as git stores them, and nothing of the work tree.

At commit the base is ``HEAD`` and the head is the index; afterwards both are commits. A clean run
starts two processes, at once, and works while they do.
"""

from __future__ import annotations

import os

from ai_program import documents
from ai_program.documents import Document, DocumentError
from ai_program.git import CannotDecide, Entry, Git, Misuse, Objects, trouble
from ai_program.patterns import matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CannotDecide",
    "Commit",
    "Entry",
    "Git",
    "History",
    "Misuse",
    "Snapshot",
    "Staged",
    "Tree",
    "matcher",
    "require_full_history",
    "take",
]  # fmt: skip

_LISTING = ("ls-files", "-s", "-z", "--full-name", "--", ":/")
_EMPTY_BLOBS = frozenset(
    (
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    )
)


class _UnreadableError(DocumentError):
    """Says which file cannot be read to whoever did not expect it."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self._path = path

    def __str__(self) -> str:
        return f"{self._path} cannot be read: {self.message}"


class Tree:
    """One state of the repository: its paths, and their content on demand."""

    def __init__(
        self,
        objects: Objects,
        entries: dict[str, Entry],
        commit: str | None = None,
        documents_by_id: dict[tuple[str, str], Document | DocumentError] | None = None,
    ) -> None:
        self.entries = entries
        self.commit = commit
        self._objects = objects
        self._documents = {} if documents_by_id is None else documents_by_id
        self._globs: dict[str, list[str]] = {}

    def __contains__(self, path: object) -> bool:
        return path in self.entries

    def read(self, path: str) -> bytes:
        """Return the content of a blob; of a symbolic link, its target's name.

        Raises:
            KeyError: there is no such path.
            DocumentError: it is a submodule, or too large to hold.

        """
        entry = self.entries[path]
        if entry.mode == "160000":
            raise _UnreadableError(path, "is a submodule, whose files are not read")
        content = self._objects.blob(entry.oid)
        if isinstance(content, int):
            raise _UnreadableError(path, f"{content:,} bytes are too many to be read")
        return content

    def size(self, path: str) -> int:
        """Return the number of bytes of a blob, however large; 0 for a submodule."""
        entry = self.entries[path]
        if entry.mode == "160000":
            return 0
        return self._objects.size(entry.oid)

    def document(self, path: str) -> Document | None:
        """Return the document at a path; None if it is absent or unreadable (see problem)."""
        found = self._document(path)
        return found if isinstance(found, Document) else None

    def problem(self, path: str) -> DocumentError | None:
        """Return why the document at a path cannot be read; None if it can, or is absent."""
        found = self._document(path)
        return found if isinstance(found, DocumentError) else None

    def documents(self, pattern: str) -> list[Document]:
        """Return the readable documents whose paths match, in the order of their paths."""
        found = (self.document(path) for path in self.glob(pattern))
        return [document for document in found if document is not None]

    def glob(self, pattern: str) -> list[str]:
        """Return the paths that match, sorted: ``*`` within a part of the path, ``**`` across."""
        if pattern not in self._globs:
            matches = matcher(pattern)
            self._globs[pattern] = sorted(path for path in self.entries if matches(path))
        return self._globs[pattern]

    def load(self, paths: Iterable[str]) -> None:
        """Read the blobs of these paths ahead of their use, in few round trips."""
        entries = self.entries
        self._objects.load(
            entries[path].oid
            for path in paths
            if path in entries and entries[path].mode != "160000"
        )

    def _document(self, path: str) -> Document | DocumentError | None:
        entry = self.entries.get(path)
        if entry is None:
            return None
        if entry.mode == "120000":
            return DocumentError("is a symbolic link, which is not followed")
        key = (path, entry.oid)
        found = self._documents.get(key)
        if found is None:
            try:
                found = documents.parse(self.read(path), path)
            except DocumentError as error:
                found = error
            self._documents[key] = found
        return found


class Commit:
    """One commit that touched a path."""

    __slots__ = ("author", "authored_on", "committed_on", "oid")

    def __init__(self, oid: str, committed_on: str, authored_on: str, author: str) -> None:
        self.oid = oid
        self.committed_on = committed_on  # YYYY-MM-DD, UTC
        self.authored_on = authored_on
        self.author = author  # the e-mail address

    def __repr__(self) -> str:
        return f"Commit({self.oid[:12]} {self.committed_on} {self.author})"


class History:
    """Who changed which path when, up to the head's last commit; read once, when first asked."""

    def __init__(self, git: Git, commit: str | None) -> None:
        self._git = git
        self._commit = commit
        self._paths: dict[str, list[Commit]] | None = None

    def commits(self, path: str) -> list[Commit]:
        """Return the commits that touched the path, newest first.

        Raises:
            CannotDecide: the clone is shallow, so that older ones are not known.

        """
        if self._paths is None:
            self._paths = self._read() if self._commit else {}
        return self._paths.get(path, [])

    def first(self, path: str) -> Commit | None:
        """Return the commit that brought the path, None if it is not committed yet."""
        commits = self.commits(path)
        return commits[-1] if commits else None

    def _read(self) -> dict[str, list[Commit]]:
        require_full_history(self._git)
        status, output, reason = self._git.ask(
            "log", "-z", "-c", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv",
            "--no-show-signature", "--date=format-local:%Y-%m-%d",
            "--format=%x01%H%x02%cd%x02%ad%x02%ae", self._commit or "HEAD",
        )  # fmt: skip
        if status:
            raise trouble(reason)
        paths: dict[str, list[Commit]] = {}
        commit = None
        for field in output.decode("utf-8", "surrogateescape").split("\0"):
            text = field
            if text.startswith("\x01") and text.count("\x02") == 3:
                commit = Commit(*text[1:].split("\x02"))
                continue
            text = text.removeprefix("\n")
            if text and commit is not None:
                paths.setdefault(text, []).append(commit)
        return paths


class Snapshot:
    """The two states that are compared, and the circumstances: day, stage, who, where."""

    def __init__(
        self,
        base: Tree,
        head: Tree,
        *,
        today: str,
        stage: str,
        git: Git,
        ci: bool = False,
        follows: bool = False,
    ) -> None:
        self.base = base
        self.head = head
        self.today = today
        self.stage = stage
        self.ci = ci
        self.git = git
        self.history = History(git, head.commit or base.commit)
        # Whether all that was asked so far follows from both states, the day and nothing else.
        self.follows = follows
        self._author: str | None = None
        self._authors: frozenset[str] | None = None
        self._changed: dict[str, str] | None = None

    @property
    def changed(self) -> dict[str, str]:
        """Return every path that differs: added (A), modified (M) or deleted (D)."""
        if self._changed is None:
            before, after = self.base.entries, self.head.entries
            changed = {}
            for path, entry in after.items():
                old = before.get(path)
                if old is None:
                    changed[path] = "A"
                elif old.oid != entry.oid or old.mode != entry.mode:
                    changed[path] = "M"
            for path in before:
                if path not in after:
                    changed[path] = "D"
            self._changed = dict(sorted(changed.items()))
        return self._changed

    @property
    def author(self) -> str | None:
        """Return the e-mail address behind the change: at commit whoever commits, then the head's.

        None where git has no identity.
        """
        self.follows = False
        if self._author is None:
            if self.head.commit is None:
                status, output, _ = self.git.ask("var", "GIT_AUTHOR_IDENT")
                found = b"" if status else output
            else:
                _, found, _ = self.git.ask(
                    "log", "-1", "--no-show-signature", "--format=<%ae>", self.head.commit
                )
            text = found.decode("utf-8", "surrogateescape")
            self._author = text.partition("<")[2].partition(">")[0].strip()
        return self._author or None

    @property
    def authors(self) -> frozenset[str]:
        """Return the e-mail addresses, in lower case, of all who wrote the change."""
        if self._authors is None:
            found = {self.author or ""}
            if self.head.commit is not None:
                span = [self.head.commit]
                if self.base.commit is not None:
                    span.append(f"^{self.base.commit}")
                status, output, reason = self.git.ask(
                    "log", "--no-show-signature", "--format=%ae", *span
                )
                if status:
                    raise trouble(reason)
                found.update(output.decode("utf-8", "surrogateescape").splitlines())
            self._authors = frozenset(email.strip().lower() for email in found if email.strip())
        return self._authors

    def at(self, commit: str) -> Tree:
        """Return the state of another commit.

        Raises:
            CannotDecide: there is no such commit here.

        """
        return _committed(self.head._objects, commit)  # noqa: SLF001 - one store for all states


def require_full_history(git: Git) -> None:
    """Refuse to decide on a clone whose history was cut.

    Raises:
        CannotDecide: the clone is shallow.

    """
    status, output, reason = git.ask("rev-parse", "--is-shallow-repository")
    if status:
        raise trouble(reason)
    if output.strip() == b"true":
        raise CannotDecide("the clone is shallow, its history is cut: set fetch-depth: 0")


class Staged:
    """What is about to be committed, as git lists it: the commit before it, and the index.

    Both questions are asked at once, when this is made, and answered when somebody wants to know.
    """

    def __init__(self, git: Git) -> None:
        self.git = git
        self.objects = Objects(git)
        self.objects.ask(("HEAD^{commit}", "HEAD^{tree}"))
        self._process = git.start(*_LISTING)
        self._commit: tuple[str, str] | bool | None = False
        self._listing: bytes | None = None

    @property
    def head(self) -> tuple[str, str] | None:
        """Return the id and the tree of the commit before; None before the first one.

        Raises:
            CannotDecide: it is lost.

        """
        if isinstance(self._commit, bool):
            self._commit = self.objects.commit("HEAD")
            # Only a branch without a commit is an empty base; a commit that is lost is not.
            if self._commit is None and not self.git.ask("rev-parse", "-q", "--verify", "HEAD")[0]:
                raise CannotDecide("the commit HEAD is missing from the repository")
        return self._commit

    @property
    def commit(self) -> str | None:
        """Return the id of the commit before."""
        return self.head[0] if self.head else None

    @property
    def listing(self) -> bytes:
        """Return the index: mode, id, stage and path of each entry."""
        if self._listing is None:
            self._listing = self._process.rest()
            if self._process.end():
                raise trouble(self.git.ask(*_LISTING)[2])
        return self._listing


def take(
    git: Git,
    *,
    stage: str,
    today: str,
    base: str | None = None,
    head: str | None = None,
    ci: bool = False,
    staged: Staged | None = None,
) -> Snapshot:
    """Take the snapshot of a stage.

    At commit, without revisions: ``HEAD`` and the index. Otherwise: the merge base of both
    revisions, and the head.

    Raises:
        Misuse: this is no repository, or a revision has an impossible name.
        CannotDecide: an object is missing, the index is unmerged, the history is cut.

    """
    for revision in (base, head):
        if revision is not None and (
            not revision or revision.startswith("-") or not revision.isprintable()
        ):
            raise Misuse(f"{revision!r} is not a revision")
    follows = True
    if stage == "commit" and base is None and head is None:
        before, after, follows = _of_commit(staged or Staged(git))
    else:
        before, after = _of_revisions(git, Objects(git), stage, base, head)
    return Snapshot(before, after, today=today, stage=stage, git=git, ci=ci, follows=follows)


def _of_commit(staged: Staged) -> tuple[Tree, Tree, bool]:
    """Return base and head, and whether they follow from what git listed alone."""
    from ai_program import yaml_reader  # noqa: F401 - the parser is imported while git works

    git, objects = staged.git, staged.objects
    shared: dict[tuple[str, str], Document | DocumentError] = {}
    tree = staged.head[1] if staged.head else None
    base = Tree(objects, objects.entries(tree) if tree else {}, staged.commit, shared)
    entries: dict[str, Entry] = {}
    for line in staged.listing.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        meta, _, path = line.partition("\t")
        mode, oid, level = meta.split(" ")
        if level != "0":
            raise CannotDecide(f"the merge of {path} is not finished: resolve it and add it")
        entries[path] = Entry(mode, oid)
    if not entries and git.ask("rev-parse", "--is-bare-repository")[1].strip() == b"true":
        raise Misuse("there is no index in a bare repository: name --base and --head")
    empty = _arriving_empty(base, entries)
    if empty:
        for path in _intended(git, base, empty):
            del entries[path]
    return base, Tree(objects, entries, None, shared), not empty


def _arriving_empty(base: Tree, entries: dict[str, Entry]) -> list[str]:
    return [
        path
        for path, entry in entries.items()
        if entry.oid in _EMPTY_BLOBS
        and (path not in base.entries or base.entries[path].oid != entry.oid)
    ]


def _intended(git: Git, base: Tree, empty: list[str]) -> list[str]:
    """Return the paths of ``git add -N``: in the index, but not in what gets committed."""
    against = base.commit or _empty_tree(git)
    status, output, reason = git.ask(
        "diff-index", "--cached", "--ita-invisible-in-index", "--name-only", "--no-renames",
        "--no-ext-diff", "--no-textconv", "-z", "--diff-filter=d", against, "--",
    )  # fmt: skip
    if status:
        raise trouble(reason)
    arriving = set(output.decode("utf-8", "surrogateescape").split("\0"))
    return [path for path in empty if path not in arriving]


def _empty_tree(git: Git) -> str:
    status, output, reason = git.ask("hash-object", "-t", "tree", os.devnull)
    if status:
        raise trouble(reason)
    return output.decode().strip()


def _of_revisions(
    git: Git, objects: Objects, stage: str, base: str | None, head: str | None
) -> tuple[Tree, Tree]:
    if stage == "push":
        base = base or git.environ.get("PRE_COMMIT_FROM_REF") or None
        head = head or git.environ.get("PRE_COMMIT_TO_REF") or None
    head = head or "HEAD"
    after = objects.commit(head)
    if after is None:
        raise CannotDecide(f"there is no commit {head} here")
    shared: dict[tuple[str, str], Document | DocumentError] = {}
    if base is None:
        base = _default_base(git, stage, after[0])
    if base is None:
        return (
            Tree(objects, {}, None, shared),
            Tree(objects, objects.entries(after[1]), after[0], shared),
        )
    before = objects.commit(base)
    if before is None:
        raise CannotDecide(f"there is no commit {base} here: fetch it, set fetch-depth: 0")
    common = before[0]
    if before[0] != after[0]:
        require_full_history(git)
        status, output, reason = git.ask("merge-base", before[0], after[0])
        if status == 1:
            raise CannotDecide(f"{base} and {head} have no commit in common")
        if status:
            raise trouble(reason)
        common = output.decode().split()[0]
    return (
        _committed(objects, common, shared),
        Tree(objects, objects.entries(after[1]), after[0], shared),
    )


def _default_base(git: Git, stage: str, head: str) -> str | None:
    """Return what a head is compared with when nobody says: at push, what the remote has."""
    if stage != "push":
        return head
    status, output, _ = git.ask("rev-parse", "--verify", "--quiet", "@{upstream}")
    return None if status else output.decode().strip()


def _committed(
    objects: Objects,
    revision: str,
    shared: dict[tuple[str, str], Document | DocumentError] | None = None,
) -> Tree:
    found = objects.commit(revision)
    if found is None:
        raise CannotDecide(f"the commit {revision} is missing from the repository")
    return Tree(objects, objects.entries(found[1]), found[0], shared)
