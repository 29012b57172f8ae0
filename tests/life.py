"""Generated repositories that live: commands are run in them, and commits pass the real hooks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from conftest import environment, git

from ai_program import digests, evidence

NOX = [shutil.which("nox")] if shutil.which("nox") else [sys.executable, "-m", "nox"]


def people(home: Path, hooks: Path) -> dict[str, str]:
    """Return the environment of somebody who works in generated repositories."""
    return environment(
        home,
        PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        PRE_COMMIT_HOME=str(hooks),
    )


@dataclass(frozen=True)
class Done:
    """What a command said, and how long it took."""

    returncode: int
    output: str
    seconds: float


@dataclass(frozen=True)
class Repository:
    """A generated repository at one stage of its life."""

    path: Path
    env: dict[str, str]

    @property
    def package(self) -> str:
        """Return the name of the package that has the pipeline."""
        (found,) = self.path.glob("src/*/pipeline.py")
        return found.parent.name

    def run(self, *command: str, **more: str) -> Done:
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=self.path, env={**self.env, **more}, text=True, encoding="utf-8",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, time.monotonic() - began)

    def nox(self, session: str, *arguments: str) -> Done:
        return self.run(*NOX, "--no-error-on-missing-interpreters", "-s", session, "--", *arguments)

    def python(self, *arguments: str, **more: str) -> Done:
        """Run the shared environment's Python, with this repository's own package."""
        return self.run(
            str(self.path / ".venv/bin/python"), *arguments, PYTHONPATH=str(self.path / "src"),
            **more,
        )  # fmt: skip

    def ask(self, *arguments: str, package: str | None = None, **more: str) -> Done:
        """Run a command of the pipeline without nox around it."""
        return self.python("-m", package or self.package, *arguments, **more)

    def commit(self, message: str, *options: str, **more: str) -> Done:
        git(self.path, "add", "--all", env=self.env)
        return self.run("git", "commit", "-m", message, *options, **more)

    def json(self, path: str) -> dict:
        return json.loads((self.path / path).read_text(encoding="utf-8"))

    def write(self, path: str, value: dict) -> None:
        (self.path / path).write_bytes(digests.pretty(value))

    def report(self, candidate: str) -> dict:
        (path,) = (self.path / evidence.REPORTS).glob(f"{candidate}-*.json")
        return json.loads(path.read_text(encoding="utf-8"))

    def in_force(self) -> str:
        return self.json(evidence.ACTIVE)["version"]

    def place(self, digest: str) -> Path:
        return self.path / "store" / digest.removeprefix("sha256:")

    def copy(self, target: Path) -> Repository:
        """Copy the repository; the environment is shared, it is large."""
        ignore = shutil.ignore_patterns(".venv", "__pycache__", ".pytest_cache")
        shutil.copytree(self.path, target, symlinks=True, ignore=ignore)
        return Repository(target, self.env).borrow(self)

    def borrow(self, other: Repository) -> Repository:
        """Use the environment of another repository, by a link that git does not see."""
        (self.path / ".venv").symlink_to((other.path / ".venv").resolve())
        (self.path / ".git/info/exclude").write_text(".venv\n")
        return self
