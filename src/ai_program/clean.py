"""Remembers on a laptop that a state was clean, so that asking again costs next to nothing.

A state is everything that the verdict at commit follows from: the index, the commit before it, the
day, and the engine itself. Only runs without any finding are remembered, and only if no rule asked
for more than that (who commits, for instance). CI never looks.
"""

# ruff: noqa: PTH100, PTH103, PTH105, PTH111, PTH117, PTH118, PTH120, PTH123
# (pathlib costs more than all of this)

from __future__ import annotations

import os
import sys

from ai_program.hashes import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_program.snapshot import Staged

_KEPT = 100  # states; one line each


def state(staged: Staged, today: str) -> str:
    """Return the name of a state."""
    digest = sha256(staged.listing)
    for part in (staged.commit, today, *_engine()):
        digest.update(f"\0{part}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def is_known(state: str) -> bool:
    """Tell whether this very state was clean before."""
    return state in _read()


def remember(state: str) -> None:
    """Note that this state is clean; nothing happens where nothing can be written."""
    path = _path()
    if path is None:
        return
    states = [*(known for known in _read() if known != state), state][-_KEPT:]
    aside = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(aside, "w", encoding="ascii") as file:
            file.write("".join(f"{known}\n" for known in states))
        os.replace(aside, path)
    except OSError:
        return


def _read() -> list[str]:
    """Return the remembered states; none at all if anything in the file is no state."""
    path = _path()
    if path is None:
        return []
    try:
        with open(path, "rb") as file:
            lines = file.read(_KEPT * 65 + 1).split(b"\n")
    except OSError:
        return []
    if lines.pop() or len(lines) > _KEPT:
        return []
    if any(len(line) != 64 or line.strip(b"0123456789abcdef") for line in lines):
        return []
    return [line.decode() for line in lines]


def _path() -> str | None:
    """Return the file in the user's cache directory, None if there is no such directory."""
    folder = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    folder = folder or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(folder, "ai-program", "clean") if os.path.isabs(folder) else None


def _engine() -> Iterator[str]:
    """Yield what tells this engine and its baseline from others: its files, and its Python."""
    from ai_program import paths

    yield sys.version
    yield sys.prefix
    folders = [os.path.dirname(os.path.abspath(__file__)), paths.root()]
    while folders:
        folder = folders.pop()
        yield folder
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name == "__pycache__":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                stat = entry.stat()
                yield f"{entry.name} {stat.st_size} {stat.st_mtime_ns}"
