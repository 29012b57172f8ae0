"""Where a template comes from: its address, its commit, and whether a colleague can fetch that.

A generated repository pins the revision that made it. So the checkout of the template is asked
before any file is written, and what can't be pinned is refused or said.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from ai_program import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

#: Set to 1 to generate from a template with uncommitted changes, while working on it.
DEVELOPMENT = "AI_PROGRAM_DEVELOPMENT"

TEMPLATE_DIRECTORY = "{{cookiecutter.project_slug}}"


class UnusableTemplateError(Exception):
    """Nothing can be generated from this checkout; the message says why and what to do."""


def without_git_variables(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which git finds the repository by itself.

    Inside a git hook or ``git rebase --exec`` the variables of the outer repository are set, and
    git would write to that one.
    """
    result = dict(os.environ if environment is None else environment)
    listed = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=False
    )
    for name in listed.stdout.split():
        result.pop(name, None)
    return result


def git(
    directory: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run git in a directory, in English, never asking anything; the caller judges the outcome."""
    return subprocess.run(
        ["git", "-C", str(directory), "-c", "core.excludesFile=", "-c", "core.fsmonitor=false",
         *arguments],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        encoding="utf-8", errors="surrogateescape",
        env={**environment, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"},
    )  # fmt: skip


def describe(root: Path, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return source, commit, version, dirty and local of the template at ``root``.

    ``local`` says that the pin works on this machine only: no remote has the commit.

    Raises:
        UnusableTemplateError: not a git checkout, or one with uncommitted changes.

    """
    development = (os.environ if environment is None else environment).get(DEVELOPMENT) == "1"
    try:
        env = without_git_variables(environment)
    except FileNotFoundError:
        raise UnusableTemplateError(
            "git is not installed, or not on the PATH. The generated repository pins the revision\n"
            "of the template that made it: install git and try again."
        ) from None
    found = git(root, ["rev-parse", "--show-toplevel", "HEAD"], env)
    lines = found.stdout.splitlines()
    if found.returncode != 0 and "dubious ownership" in found.stderr:
        raise UnusableTemplateError(
            f"git does not read the template in {root}, because somebody else owns it.\n"
            f"If you trust it: git config --global --add safe.directory {root}"
        )
    if found.returncode != 0 or len(lines) != 2 or not _same_place(lines[0], root):
        raise UnusableTemplateError(
            f"The template in {root} is not a git checkout with a commit (a zip file has none),\n"
            "so the generated repository could not pin the revision that made it. Use the address\n"
            "of the repository (cookiecutter gh:ORGANISATION/ai-program) or a clone of it."
        )
    commit = lines[1]
    changed = _changes(root, env)
    if changed and not development:
        shown = "".join(f"\n  {path}" for path in changed[:5])
        more = f"\n  and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise UnusableTemplateError(
            f"The template in {root} has changes that no commit holds:{shown}{more}\n"
            "A repository generated now could not be traced to a revision. Commit them, or take\n"
            f"them away ({DEVELOPMENT}=1 generates all the same, marked as dirty)."
        )
    address = git(root, ["config", "--get", "remote.origin.url"], env).stdout.strip()
    local = bool(changed) or not is_remote(address) or not _pushed(root, env)
    return {
        "source": root.as_posix() if local else without_credentials(address),
        "commit": commit,
        "version": __version__,
        "dirty": bool(changed),
        "local": local,
    }


def _same_place(one: str, other: Path) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _pushed(root: Path, env: Mapping[str, str]) -> bool:
    """Whether a remote has the commit, as far as the last fetch knows."""
    refs = git(root, ["for-each-ref", "--contains", "HEAD", "--count=1", "refs/remotes"], env)
    return bool(refs.stdout.strip())


def _changes(root: Path, env: Mapping[str, str]) -> list[str]:
    """List what differs from the commit, and ignored files that would be rendered all the same."""
    form = ["--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignored=matching"]
    entries = git(root, ["status", *form], env).stdout.split("\0")
    return sorted(
        entry[3:]
        for entry in entries
        if entry and (not entry.startswith("!!") or entry[3:].startswith(TEMPLATE_DIRECTORY))
    )


def is_remote(address: str) -> bool:
    """Whether somebody else can fetch from an address of git."""
    if re.match(r"(?i)(https?|ssh|git)://", address):
        return True
    scp = re.match(r"[^/\\:]{2,}:(?!//)", address)  # one letter before the colon is a drive
    return bool(scp)


def without_credentials(address: str) -> str:
    """Return an address without user and token; ssh keeps the user, who is no secret there."""
    http = re.match(r"(?i)(https?://)[^/@]*@(.*)", address)
    if http:
        return http[1] + http[2]
    ssh = re.match(r"(?i)(ssh://[^/@:]*):[^/@]*@(.*)", address)
    return f"{ssh[1]}@{ssh[2]}" if ssh else address
