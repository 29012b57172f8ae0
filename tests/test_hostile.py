"""Whatever stands in a change, the hook answers: in words, soon, and within bounded memory.

Every governed file at once holds the same hostile bytes, and then one file at a time does; what is
as large as a file may be stands in one file only. The command runs as people run it, in a process
that gets no more than 300 MB.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import git

from ai_program import documents
from ai_program import git as engine_git
from ai_program.program import Baseline
from ai_program.snapshot import matcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEMORY = 300 * 1024 * 1024
PATIENCE = 60  # seconds, for a machine that is busy; alone it takes less than one
MB = 1024 * 1024
# What rules read besides the governed files.
READ = (
    ".github/CODEOWNERS", ".github/workflows/policy.yml", ".pre-commit-config.yaml", "noxfile.py",
    ".gitattributes", "README.md",
)  # fmt: skip
KINDS = [matcher(pattern) for kind in Baseline().layout["kinds"] for pattern in kind["paths"]]

# Bytes by name; they are made when they are needed, so that few are held at once.
HOSTILE = {
    "aliases": lambda: (
        b"a: &a [x, x]\n"
        + b"".join(b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 121))
    ),
    "merges": lambda: b"a: &a {x: 1}\nb: {<<: *a}\n",
    "brackets": lambda: b"[" * 200_000,
    "braces": lambda: b'{"a":' * 200_000,
    "dashes": lambda: b"- " * 200_000,
    "questions": lambda: b"? " * 200_000,
    "steps": lambda: b"\n".join(b" " * n + b"a:" for n in range(2000)),
    "digits": lambda: b"a: " + b"9" * 1_000_000,
    "50 MB of lines": lambda: b"a: b\n" * (10 * MB),
    "50 MB in one line": lambda: b"a" * (50 * MB),
    "Latin-1": lambda: "a: é\n".encode("latin-1"),
    "UTF-16": lambda: "a: b\n".encode("utf-16"),
    "a byte order mark": lambda: b"\xef\xbb\xbfa: b\n",
    "NUL": lambda: b"a: \0\n",
    "nothing": lambda: b"",
    "null": lambda: b"null\n",
    "a list": lambda: b"- a\n",
}
LARGE = {
    "keys": lambda: b"".join(b"k%d: 1\n" % n for n in range(300_000)),
    "items": lambda: b"[" + b"1," * 250_000 + b"1]",
    "escapes": lambda: b'a: "' + b'\\"' * 1_000_000 + b'"',
    "fences": lambda: b"---\n" * 1_000_000,
    "comments": lambda: b"---\nid: x\n---\n" + b"<!-- " * 800_000,
    "headings": lambda: b"---\nid: x\n---\n" + b"# a\n" * 1_000_000,
    "as many bytes as allowed": lambda: b"a: " + b"x" * (documents.MAX_BYTES - 3),
}


class Change:
    """A generated repository, and an index of its own for each change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        tracked = git(root, "ls-files").splitlines()
        self.governed = [path for path in tracked if any(matches(path) for matches in KINDS)]
        self.read = [path for path in tracked if path in READ]
        self._index = root / ".git" / "hostile"

    def object(self, content: bytes) -> str:
        """Store a blob and return its id."""
        done = subprocess.run(
            ["git", "-C", str(self.root), "hash-object", "-w", "--stdin"],
            input=content, capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout.decode().strip()

    def answer(self, entries: dict[str, tuple[str, str]]) -> tuple[int, str]:
        """Judge a change that sets these paths to (mode, id): the exit code, and what was said."""
        shutil.copy(self.root / ".git" / "index", self._index)
        env = {**os.environ, "GIT_INDEX_FILE": str(self._index), "CI": ""}
        listing = "".join(f"{mode} {oid}\t{path}\n" for path, (mode, oid) in entries.items())
        subprocess.run(
            ["git", "-C", str(self.root), "update-index", "--add", "--index-info"],
            input=listing.encode(), env=env, check=True,
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "ai_program", "check", "--no-cache"],
            cwd=self.root, env=env, timeout=PATIENCE, preexec_fn=_bounded,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.decode()


def _bounded() -> None:
    """Take away the memory that nobody should need."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


@pytest.fixture(scope="module")
def change(rendered, tmp_path_factory) -> Iterator[Change]:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux bounds the memory of a process this way")
    root = tmp_path_factory.mktemp("hostile") / "repository"
    shutil.copytree(rendered("demand"), root)
    return Change(root)


def assert_answered(code: int, said: str, paths: list[str], what: str) -> None:
    """Hold an answer to its promise: an error that names the files, or why nobody can decide."""
    assert code in (1, 2, 3), said
    assert "Traceback" not in said
    assert "broke" not in said, said
    assert len(said) < 2000 * len(paths) + 20_000
    if code == 1:
        silent = [path for path in paths if path not in said]
        assert silent == [], f"nothing is said about {what} there"
    else:
        assert said.startswith("ai-program: "), said
        assert said.count("\n") == 1, said


@pytest.mark.parametrize("name", HOSTILE)
def test_every_governed_file_is_hostile(change, name):
    oid = change.object(HOSTILE[name]())
    code, said = change.answer(dict.fromkeys(change.governed, ("100644", oid)))
    assert code == 1, said
    assert_answered(code, said, change.governed, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["brackets", "50 MB of lines", "nothing"])
def test_one_file_is_hostile(change, name):
    """The other files are in order, so that every rule gets as far as it can."""
    oid = change.object(HOSTILE[name]())
    for path in (*change.governed, *change.read):
        code, said = change.answer({path: ("100644", oid)})
        expected = [path] if path in change.governed else []
        if code or expected:
            assert_answered(code, said, expected, name)


@pytest.mark.parametrize(("mode", "what"), [("120000", "symbolic link"), ("160000", "submodule")])
def test_every_governed_file_is_elsewhere(change, mode, what):
    oid = change.object(b"/etc/passwd") if mode == "120000" else "1" * 40
    code, said = change.answer(dict.fromkeys(change.governed, (mode, oid)))
    assert code == 1, said
    assert said.count(f"is a {what}") == len(change.governed)
    assert "root:" not in said


def test_many_large_files_need_no_more_memory_than_one(change):
    size = engine_git.MAX_BLOB - 100
    lines = [(b"%d a line of no interest\n" % n) * (size // 32) for n in range(8)]
    entries = {f"docs/{n}.txt": ("100644", change.object(each)) for n, each in enumerate(lines)}
    code, said = change.answer(entries)
    assert_answered(code or 1, said, [], "large files")


def test_a_missing_object_is_not_passed_over(change):
    for path in ("policies/program.yaml", ".github/CODEOWNERS", "README.md"):
        code, said = change.answer({path: ("100644", "1" * 40)})
        assert code == 3, (path, said)
        assert "is missing from the repository" in said
