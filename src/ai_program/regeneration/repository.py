"""Git, told exactly what to do: the same merge whatever a user's settings say.

Settings of the user that would change a result (another merge driver, recorded resolutions, hooks,
renames switched off) are overruled on the command line; those that only concern the user's files
(line endings, the executable bit) stay in force.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ai_program import origin
from ai_program.git import CannotDecide, Misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.excludesFile": "",
    "core.attributesFile": "",
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "core.safecrlf": "false",
    "advice.mergeConflict": "false",
    "commit.gpgSign": "false",
    "diff.renames": "true",
    "diff.noprefix": "false",
    "merge.renames": "true",
    "merge.renameLimit": "5000",
    # A file that the team put into a folder which the template renamed: moved, and said.
    "merge.directoryRenames": "conflict",
    "merge.default": "text",
    "merge.renormalize": "false",
    "rerere.enabled": "false",
    "submodule.recurse": "false",
    "user.name": "ai-program",
    "user.email": "ai-program@localhost",
}
_ZDIFF3 = (2, 35)  # the version of git that brought it


@dataclass(frozen=True, slots=True)
class Blob:
    """One file as git holds it: its mode and the id of its content."""

    mode: str
    oid: str


@dataclass(frozen=True, slots=True)
class Unmerged:
    """A path with a conflict: what the base, the team and the template have there."""

    path: str
    base: Blob | None
    ours: Blob | None
    theirs: Blob | None

    @property
    def reason(self) -> str:
        """Say in a few words what the conflict is about."""
        if self.base is None:
            if self.ours and self.theirs:
                return "the team and the template both added it"
            return "it was moved: say where it belongs"
        if self.ours is None:
            return "the team deleted or moved it, the template changed it"
        if self.theirs is None:
            return "the template deleted or moved it, the team changed it"
        return "both changed the same place"


@dataclass(frozen=True)
class Repository:
    """A repository with a work tree, or a throw-away one that borrows its objects."""

    root: Path

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment of git: nothing of a hook that this may run in, nothing but English."""
        try:
            cleaned = origin.without_git_variables()
        except FileNotFoundError:
            raise Misuse("git is not installed, or not on PATH") from None
        return {**cleaned, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}

    def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git; the caller judges the outcome."""
        settings = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
        try:
            return subprocess.run(
                ["git", "-C", str(self.root), *settings, *arguments],
                input=b"" if stdin is None else stdin,
                capture_output=True,
                check=False,
                env={**self.environment, **(variables or {})},
            )
        except FileNotFoundError:
            raise Misuse("git is not installed, or not on PATH") from None

    def ask(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Run git and return what it says.

        Raises:
            CannotDecide: git fails.

        """
        done = self.run(*arguments, stdin=stdin, variables=variables)
        if done.returncode:
            raise CannotDecide(f"git {arguments[0]}: {reason(done.stderr)}")
        return os.fsdecode(done.stdout).removesuffix("\n")

    @cached_property
    def git_dir(self) -> Path:
        """Git's own directory of this work tree."""
        return Path(self.ask("rev-parse", "--absolute-git-dir"))

    @cached_property
    def conflict_style(self) -> str:
        """The style of conflict that shows the base, as well as this git can do it."""
        found = re.search(r"(\d+)\.(\d+)", self.ask("--version"))
        version = (int(found[1]), int(found[2])) if found else (0, 0)
        return "zdiff3" if version >= _ZDIFF3 else "diff3"

    # What is there ----------------------------------------------------------------------------

    def commit(self, revision: str) -> str | None:
        """Return the commit that a revision names, None if there is none."""
        done = self.run("rev-parse", "--verify", "--quiet", "--end-of-options",
                        f"{revision}^{{commit}}")  # fmt: skip
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def branch(self) -> str | None:
        """Return the full name of the current branch, None on a detached HEAD."""
        done = self.run("symbolic-ref", "--quiet", "HEAD")
        return os.fsdecode(done.stdout).strip() if done.returncode == 0 else None

    def tree(self, revision: str) -> dict[str, Blob]:
        """List the files of a revision."""
        listed = self.ask("ls-tree", "-r", "-z", "--full-tree", revision)
        found = {}
        for entry in listed.split("\0"):
            if entry:
                about, path = entry.split("\t", 1)
                mode, _, oid = about.split(" ")
                found[path] = Blob(mode, oid)
        return found

    def staged(self) -> tuple[dict[str, Blob], list[Unmerged]]:
        """Return the index: what is merged, and what is not."""
        merged: dict[str, Blob] = {}
        stages: dict[str, dict[str, Blob]] = {}
        for entry in self.ask("ls-files", "--stage", "-z").split("\0"):
            if entry:
                about, path = entry.split("\t", 1)
                mode, oid, stage = about.split(" ")
                if stage == "0":
                    merged[path] = Blob(mode, oid)
                else:
                    stages.setdefault(path, {})[stage] = Blob(mode, oid)
        unmerged = [
            Unmerged(path, found.get("1"), found.get("2"), found.get("3"))
            for path, found in sorted(stages.items())
        ]
        return merged, unmerged

    def read(self, oid: str) -> bytes:
        """Return the content of a blob."""
        done = self.run("cat-file", "blob", oid)
        if done.returncode:
            raise CannotDecide(f"git cannot read {oid}: {reason(done.stderr)}")
        return done.stdout

    def text(self, revision: str, path: str) -> str | None:
        """Return the text of a file at a revision, None if it is not there."""
        done = self.run("cat-file", "blob", f"{revision}:{path}")
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    # What is written --------------------------------------------------------------------------

    def store(self, contents: Sequence[bytes]) -> list[str]:
        """Write contents as they are, and return their ids in the same order."""
        with tempfile.TemporaryDirectory(prefix="ai-program-") as name:
            folder = Path(name)
            for index, content in enumerate(contents):
                (folder / str(index)).write_bytes(content)
            paths = "".join(f"{folder / str(index)}\n" for index in range(len(contents)))
            written = self.ask(
                "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=os.fsencode(paths)
            )
        return written.split()

    def store_tree(self, files: Mapping[str, Blob]) -> str:
        """Write a tree with exactly these files and return its id."""
        with tempfile.TemporaryDirectory(prefix="ai-program-") as name:
            index = {"GIT_INDEX_FILE": str(Path(name, "index"))}
            lines = b"".join(
                b"%s %s 0\t%s\0" % (blob.mode.encode(), blob.oid.encode(), os.fsencode(path))
                for path, blob in files.items()
            )
            self.ask("update-index", "-z", "--add", "--index-info", stdin=lines, variables=index)
            return self.ask("write-tree", variables=index)

    def store_commit(self, tree: str, parents: Iterable[str], message: str) -> str:
        """Write a commit that depends on nothing but its arguments, and return its id."""
        words = [word for parent in parents for word in ("-p", parent)]
        stamp = {"GIT_AUTHOR_DATE": "1000000000 +0000", "GIT_COMMITTER_DATE": "1000000000 +0000"}
        named = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "ai-program"), ("EMAIL", "ai-program@localhost"))
        }
        return self.ask("commit-tree", tree, *words, "-m", message, variables={**stamp, **named})

    def cherry_pick(self, commit: str) -> None:
        """Merge what a commit changed into index and work tree; conflicts stay in both.

        Raises:
            CannotDecide: git did not even begin; nothing was changed.

        """
        done = self.run(
            "-c", f"merge.conflictStyle={self.conflict_style}",
            "cherry-pick", "--no-commit", "--allow-empty", "--keep-redundant-commits", commit,
        )  # fmt: skip
        if done.returncode and not self.staged()[1]:
            raise CannotDecide(f"git did not merge: {reason(done.stderr)}")


def reason(error: bytes) -> str:
    """Return the line of git's complaint that says what is wrong."""
    lines = [line.strip() for line in error.decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (told or lines or ["it failed without a word"])[0].partition(": ")[2] or "it failed"


def here(directory: Path) -> Repository:
    """Return the repository around a directory.

    Raises:
        Misuse: there is none.

    """
    found = Repository(directory).run("rev-parse", "--show-toplevel")
    if found.returncode:
        raise Misuse(f"this is not a git repository with files: {reason(found.stderr)}")
    return Repository(Path(os.fsdecode(found.stdout).removesuffix("\n")))


def borrowing(repository: Repository, folder: Path) -> Repository:
    """Return a throw-away repository in which a merge of HEAD can be tried.

    It reads the objects of the other one and writes its own, so the other one does not change.
    """
    folder.mkdir()
    scratch = Repository(folder)
    scratch.ask("init", "--quiet", *_format(repository), str(folder))
    objects = repository.ask("rev-parse", "--git-path", "objects")
    shared = (repository.root / objects).resolve()
    info = folder / ".git" / "objects" / "info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "alternates").write_text(f"{shared.as_posix()}\n", encoding="utf-8")
    head = repository.ask("rev-parse", "HEAD")
    shallow = repository.git_dir / "shallow"
    if shallow.is_file():
        (folder / ".git" / "shallow").write_bytes(shallow.read_bytes())
    scratch.ask("update-ref", "--no-deref", "HEAD", head)
    scratch.ask("read-tree", "HEAD")
    return scratch


def _format(repository: Repository) -> list[str]:
    done = repository.run("rev-parse", "--show-object-format")
    return [f"--object-format={done.stdout.decode().strip()}"] if done.returncode == 0 else []
