"""A regeneration under way: noted in git's directory before anything changes, so it can be undone.

The note says where HEAD was, what ``workshop.yaml`` held and which paths may have come. From it an
abort restores everything, at whatever point the run was killed; what stood in the work tree by then
is kept as a commit, so that nobody's work on conflicts is lost either.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ai_program.git import CannotDecide, Misuse
from ai_program.regeneration.merging import WORKSHOP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ai_program.regeneration.repository import Repository

BEGUN, READY = "begun", "ready"
_FOLDER = "ai-program"
_FILE = "regeneration.json"
_PATIENCE = 3.0  # seconds that a git process of a killed run gets to end


@dataclass(frozen=True, slots=True)
class State:
    """What an abort has to know."""

    sprint: str
    branch: str  # its full name
    made_branch: bool
    head: str
    head_branch: str | None  # None: detached
    staged_workshop: bool
    paths: tuple[str, ...]  # that HEAD does not have and that may have come
    phase: str = BEGUN


def _folder(repository: Repository) -> Path:
    return repository.git_dir / _FOLDER


def begin(repository: Repository, state: State) -> None:
    """Note that a regeneration begins.

    Raises:
        Misuse: another one is under way.

    """
    folder = _folder(repository)
    folder.mkdir(exist_ok=True)
    workshop = repository.root / WORKSHOP
    if workshop.is_file():
        shutil.copyfile(workshop, folder / WORKSHOP)
    try:
        # A link is made at once and only if there is none; the note is whole or not there.
        draft = folder / f"{_FILE}.{os.getpid()}"
        draft.write_text(_text(state), encoding="utf-8")
        os.link(draft, folder / _FILE)
        draft.unlink()
    except FileExistsError:
        raise Misuse("another regeneration is under way here") from None


def ready(repository: Repository, state: State) -> None:
    """Note that the tool has done its part."""
    draft = _folder(repository) / f"{_FILE}.{os.getpid()}"
    done = {**asdict(state), "phase": READY}
    draft.write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")
    draft.replace(_folder(repository) / _FILE)


def _text(state: State) -> str:
    return json.dumps(asdict(state), indent=2) + "\n"


def under_way(repository: Repository) -> State | None:
    """Return the regeneration that is under way; one that was committed is over."""
    try:
        raw = json.loads((_folder(repository) / _FILE).read_text(encoding="utf-8"))
        state = State(**{**raw, "paths": tuple(raw["paths"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise CannotDecide(
            f"{_folder(repository) / _FILE} cannot be read ({error}); it notes a regeneration"
        ) from None
    if state.phase == READY and repository.commit(state.branch) != state.head:
        forget(repository)
        return None
    return state


def forget(repository: Repository) -> None:
    """Take the note away."""
    (_folder(repository) / _FILE).unlink(missing_ok=True)
    shutil.rmtree(_folder(repository), ignore_errors=True)


def abort(repository: Repository, state: State) -> str | None:
    """Bring everything back; returns the commit that keeps what was in the work tree, if needed.

    Raises:
        Misuse: somebody is elsewhere now, and what would be undone is not here.

    """
    here = repository.branch()
    if here not in (state.branch, state.head_branch) or repository.commit("HEAD") != state.head:
        raise Misuse(
            f"HEAD is no longer where the regeneration left it ({short(state.branch)} at "
            f"{state.head[:12]}): switch back there first"
        )
    _wait_for_git(repository)
    kept = _keep(repository, state)
    if state.head_branch is not None:
        repository.ask("symbolic-ref", "HEAD", state.head_branch)
    else:
        repository.ask("update-ref", "--no-deref", "HEAD", state.head)
    repository.ask("reset", "--quiet", "--hard", state.head)
    _remove(repository.root, state.paths)
    saved = _folder(repository) / WORKSHOP
    if saved.is_file():
        shutil.copyfile(saved, repository.root / WORKSHOP)
        if state.staged_workshop:
            repository.ask("add", "--", WORKSHOP)
    if state.made_branch and repository.commit(state.branch) == state.head:
        repository.ask("update-ref", "-d", state.branch, state.head)
    forget(repository)
    return kept


def _wait_for_git(repository: Repository) -> None:
    """Let a git of the killed run end; one that was killed too leaves its lock, which goes."""
    left = repository.git_dir / "index.lock"
    until = time.monotonic() + _PATIENCE
    while left.exists() and time.monotonic() < until:
        time.sleep(0.1)
    left.unlink(missing_ok=True)


def _keep(repository: Repository, state: State) -> str | None:
    """Keep the files of the work tree as a commit, if they are not those of HEAD."""
    with tempfile.TemporaryDirectory(prefix="ai-program-") as name:
        index = {"GIT_INDEX_FILE": str(Path(name, "index"))}
        repository.ask("read-tree", state.head, variables=index)
        repository.ask("add", "--all", variables=index)
        tree = repository.ask("write-tree", variables=index)
    if tree == repository.ask("rev-parse", f"{state.head}^{{tree}}"):
        return None
    return repository.store_commit(tree, [state.head], f"Before the abort of {state.sprint}")


def _remove(root: Path, paths: Sequence[str]) -> None:
    """Remove files that came, and folders that are empty without them."""
    for path in paths:
        place = root / path
        if place.is_symlink() or place.is_file():
            place.unlink()
        for folder in place.parents:
            if folder == root:
                break
            try:
                folder.rmdir()
            except OSError:
                break


def short(branch: str) -> str:
    """Return the name of a branch as people say it."""
    return branch.removeprefix("refs/heads/")
