"""Real git repositories, small and quick to make."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from ai_program import snapshot
from ai_program.program import Baseline, Program

if TYPE_CHECKING:
    from pathlib import Path

TODAY = "2026-11-22"


class Repository:
    """A git repository under test, whose identity, clock and settings are fixed."""

    def __init__(self, path: Path, *, environ: dict[str, str] | None = None) -> None:
        self.path = path
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PRE_COMMIT"))}
        self.environ = {
            **kept,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
            "GIT_AUTHOR_DATE": "2026-11-20T12:00:00Z",
            "GIT_COMMITTER_DATE": "2026-11-20T12:00:00Z",
            **(environ or {}),
        }

    def init(self, *options: str) -> Repository:
        self.path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "--template=", "-b", "main", *options)
        return self

    def git(self, *arguments: str, check: bool = True, **environ: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**self.environ, **environ},
            capture_output=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, path: str, text: str | bytes) -> Repository:
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return self

    def add(self, path: str, text: str | bytes) -> Repository:
        self.write(path, text)
        self.git("add", "--", path)
        return self

    def commit(self, message: str = "change", **environ: str) -> str:
        self.git("commit", "-q", "--allow-empty", "--no-verify", "-m", message, **environ)
        return self.git("rev-parse", "HEAD")

    def take(self, stage: str = "commit", **options) -> snapshot.Snapshot:
        environ = options.pop("environ", {})
        git = snapshot.Git(str(self.path), {**self.environ, **environ})
        return snapshot.take(git, stage=stage, today=options.pop("today", TODAY), **options)

    def program(self, baseline: Baseline | None = None, stage: str = "commit", **options):
        return Program(self.take(stage, **options), baseline or Baseline())
