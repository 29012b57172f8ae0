"""What git knows: which files a report judges, at which commit, and who asks."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ai_program import evidence

from .errors import RefusedError
from .settings import Settings


def git(root: Path, *arguments: str) -> str:
    """Return what git answers; a refusal of git is passed on."""
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, check=False, encoding="utf-8",
        errors="surrogateescape",
    )  # fmt: skip
    if done.returncode:
        raise RefusedError(f"git: {done.stderr.strip()}")
    return done.stdout


def require_commit(root: Path) -> None:
    """Refuse to work where nothing is committed: evidence names the commit that it judged."""
    try:
        git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    except RefusedError:
        raise RefusedError(
            "nothing is committed here yet, and evidence names the commit that it judged: "
            "`git add --all`, `git commit`, then run this again"
        ) from None


def require_clean(root: Path) -> None:
    """Refuse to work on files that no commit holds."""
    changed = [line[3:] for line in git(root, "status", "--porcelain").splitlines()]
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise RefusedError(
            f"not everything is committed ({', '.join(changed[:3])}{more}): "
            "a release is made from a commit, so commit or undo this first"
        )


def is_committed(root: Path, path: str) -> bool:
    """Tell whether the last commit has a file of this name."""
    return bool(git(root, "ls-tree", "--name-only", "HEAD", "--", path).strip())


def author(root: Path) -> str:
    """Return the e-mail address of whoever asks, as git has it."""
    done = subprocess.run(
        ["git", "config", "user.email"], cwd=root, capture_output=True, check=False, text=True
    )
    if done.returncode or not done.stdout.strip():
        raise RefusedError(
            "git does not know who you are, and a release names its author: "
            "git config user.email you@example.org"
        )
    return done.stdout.strip()


def bindings(settings: Settings) -> dict[str, str]:
    """Return the digest of each group of files that a report is bound to, as they are on disk."""
    groups = settings.layout["bindings"]
    listed = git(
        settings.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--",
        *_pathspecs(settings),
    )  # fmt: skip
    paths = sorted(set(filter(None, listed.split("\0"))))
    present = [path for path in paths if (settings.root / path).is_file()]
    return evidence.bind(((path, (settings.root / path).read_bytes()) for path in present), groups)


def code(settings: Settings) -> dict[str, Any]:
    """Return the last commit that touched what a report judges, and whether it differs since."""
    places = [*_pathspecs(settings), *(source.name for source in settings.sources)]
    return {
        "commit": git(settings.root, "log", "-1", "--format=%H", "--", *places).strip(),
        "dirty": bool(git(settings.root, "status", "--porcelain", "--", *places).strip()),
    }


def _pathspecs(settings: Settings) -> list[str]:
    """Return the patterns of all groups in git's own words."""
    patterns = [each for group in settings.layout["bindings"].values() for each in group]
    return [f":(glob){pattern}" for pattern in patterns]
