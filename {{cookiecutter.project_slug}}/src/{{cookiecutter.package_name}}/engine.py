"""The engine: the rules that stand in front of the commit, asked before anything is written."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from ai_program import bindings, checking, snapshot
from ai_program.findings import Finding
from ai_program.program import Baseline, Program

from .errors import RefusedError
from .repository import git


def now() -> str:
    """Return the time in UTC, as records have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def program(root: Path, environ: dict[str, str] | None = None) -> Program:
    """Return the programme as committed and as staged."""
    taken = snapshot.take(snapshot.Git(str(root), environ), stage="commit", today=now()[:10])
    return Program(taken, Baseline())


def bound(judged: Program) -> dict[str, str]:
    """Return what a report has to be bound to: the digests of what is committed."""
    return bindings.of(judged.head, judged.baseline)


def require_sound(root: Path) -> None:
    """Refuse if HEAD does not stand up to what CI and the calendar ask of it.

    That finds evidence that was edited in an earlier commit, and what only time made untrue. A pin
    that only this machine can fetch is left to CI, which refuses it: there is nothing to share yet.
    """
    for stage in ("push", "schedule"):
        git_of = snapshot.Git(str(root))
        try:
            taken = snapshot.take(git_of, stage=stage, today=now()[:10], base="HEAD", head="HEAD")
            result = checking.check(Program(taken, Baseline()))
        except (snapshot.Misuse, snapshot.CannotDecide) as error:
            raise RefusedError(f"the rules cannot be asked: {error}") from None
        found = [each for each in _errors(result) if each.code != "AIP701"]
        _refuse("what is committed breaks a rule", found)


def require_lawful(
    root: Path, contents: dict[str, bytes], *, only: Collection[str] | None = None
) -> None:
    """Refuse if a commit of these files on top of HEAD would break a rule.

    The commit is only thought: it stands in an index of its own, and nothing of the work tree or of
    the real index is touched. What is urgent names the ``only`` files whose findings it waits for.
    """
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "GIT_INDEX_FILE": str(Path(folder, "index"))}

        def ask(*arguments: str, data: bytes | None = None) -> str:
            done = subprocess.run(
                ["git", *arguments], cwd=root, env=environ, input=data, capture_output=True,
                check=True,
            )  # fmt: skip
            return done.stdout.decode().strip()

        ask("read-tree", "HEAD")
        for path, data in contents.items():
            oid = ask("hash-object", "-w", "--stdin", data=data)
            ask("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}")
        try:
            result = checking.check(program(root, environ))
        except (snapshot.Misuse, snapshot.CannotDecide) as error:
            raise RefusedError(f"the rules cannot be asked: {error}") from None
    found = [each for each in _errors(result) if only is None or each.location.path in only]
    _refuse("the commit of this release would break a rule", found)


def _errors(result: checking.Result) -> list[Finding]:
    return [each for each in result.findings if each.severity == "error" and each.waived_by is None]


def _refuse(what: str, found: list[Finding]) -> None:
    if found:
        lines = [f"{each.code} {each.location.path}: {each.message}" for each in found]
        raise RefusedError("\n  ".join([f"{what}:", *lines]))


def commit_date(root: Path, path: str) -> str | None:
    """Return the day on which a file was last committed."""
    return git(root, "log", "-1", "--format=%cs", "--", path).strip() or None
