"""Remembers on a laptop that a state passed, so that asking again costs next to nothing.

A state is everything that the verdict at commit follows from: the index, the commit before it, the
day, and the engine itself. Only runs that block nothing are remembered, with the warnings that they
said, and only if no rule asked for more than that (who commits, for instance). CI never looks.
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

_KEPT = 100  # states; one line each: the state, a check of the line, what the run said
_LONGEST = 4096  # bytes of a line


def state(staged: Staged, today: str) -> str:
    """Return the name of a state."""
    digest = sha256(staged.listing)
    for part in (staged.commit, today, *_engine()):
        digest.update(f"\0{part}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def said(state: str) -> str | None:
    """Return what the run said that passed in this very state; None if there was none."""
    return _read().get(state)


def remember(state: str, said: str) -> None:
    """Note that this state passes; nothing happens where nothing can be written."""
    path = _path()
    line = _line(state, said)
    if path is None or len(line) > _LONGEST:
        return
    known = _read()
    known.pop(state, None)
    lines = [*(_line(*each) for each in known.items()), line][-_KEPT:]
    aside = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(aside, "wb") as file:
            file.write(b"".join(lines))
        os.replace(aside, path)
    except OSError:
        return


def _line(state: str, said: str) -> bytes:
    """Return the line of a state: what the run said stands in it as hexadecimal digits."""
    told = said.encode("utf-8", "surrogateescape").hex()
    return f"{state} {sha256(f'{state} {told}'.encode()).hexdigest()} {told}\n".encode()


def _read() -> dict[str, str]:
    """Return the remembered states and what their runs said; none at all if a line is damaged."""
    path = _path()
    if path is None:
        return {}
    try:
        with open(path, "rb") as file:
            lines = file.read(_KEPT * _LONGEST + 1).splitlines(keepends=True)
    except OSError:
        return {}
    found = {}
    for line in lines:
        try:
            state, _, told = line.decode("ascii").removesuffix("\n").split(" ")
            found[state] = bytes.fromhex(told).decode("utf-8", "surrogateescape")
        except ValueError:
            return {}
        if line != _line(state, found[state]):
            return {}
    return found if len(lines) <= _KEPT else {}


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
