"""Starts a program that answers on its standard output, at the least cost.

``subprocess`` is the better tool and costs a clean run a tenth of its time to import, so it is used
only where the system cannot spawn by itself (Windows). Standard error is not read: whoever needs
the reason of a failure asks once more, by ``subprocess``.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

_PIECE = 1 << 16


class Process:
    """A running program, asked and read through plain file descriptors.

    It ends with its last user: there is nothing to flush and nobody waits for its exit code.
    """

    __slots__ = ("_answers", "_buffer", "_child", "_pid", "_requests", "code")

    def __init__(
        self,
        answers: int,
        requests: int = -1,
        *,
        pid: int = 0,
        child: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.code: int | None = None
        self._answers = answers
        self._requests = requests
        self._pid = pid
        self._child = child
        self._buffer = b""

    def ask(self, request: bytes) -> None:
        """Write a request; it has to fit into the pipe."""
        os.write(self._requests, request)

    def line(self) -> bytes:
        """Return the next line of the answers without its end; shorter answers end the program."""
        while b"\n" not in self._buffer:
            piece = os.read(self._answers, _PIECE)
            if not piece:
                return b""
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def read(self, size: int) -> bytes:
        """Return so many bytes of the answers, fewer at their end."""
        pieces = [self._buffer[:size]]
        self._buffer = self._buffer[size:]
        left = size - len(pieces[0])
        while left and (piece := os.read(self._answers, left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def rest(self) -> bytes:
        """Return the answers to their end."""
        pieces = [self._buffer]
        while piece := os.read(self._answers, _PIECE):
            pieces.append(piece)
        self._buffer = b""
        return b"".join(pieces)

    def end(self) -> int:
        """Close both ends, wait for the program, and return its exit code."""
        if self.code is None:
            os.close(self._answers)
            if self._requests >= 0:
                os.close(self._requests)
            if self._child is not None:
                self.code = self._child.wait()
            else:
                self.code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self.code

    def __del__(self) -> None:
        self.end()


def start(arguments: tuple[str, ...], environ: Mapping[str, str], *, ask: bool) -> Process:
    """Start a program; with ``ask`` it reads requests, else it has no input.

    Raises:
        FileNotFoundError: there is no such program.

    """
    if not hasattr(os, "posix_spawnp"):
        return _popen(arguments, environ, ask=ask)
    answers, theirs = os.pipe()
    source, requests = os.pipe() if ask else (os.open(os.devnull, os.O_RDONLY), -1)
    try:
        pid = os.posix_spawnp(
            arguments[0],
            arguments,
            environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, source, 0),
                (os.POSIX_SPAWN_DUP2, theirs, 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
    except BaseException:
        os.close(answers)
        if ask:
            os.close(requests)
        raise
    finally:
        os.close(theirs)
        os.close(source)
    return Process(answers, requests, pid=pid)


def _popen(arguments: tuple[str, ...], environ: Mapping[str, str], *, ask: bool) -> Process:
    import subprocess

    child = subprocess.Popen(
        arguments,
        env=environ,
        stdin=subprocess.PIPE if ask else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    pipes = []
    for pipe in (child.stdout, child.stdin):
        if pipe is not None:
            pipes.append(os.dup(pipe.fileno()))
            pipe.close()
    return Process(*pipes, child=child)
