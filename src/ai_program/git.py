"""Asks git, so that nothing of the repository gets executed and nothing is fetched.

Objects come through one ``git cat-file --batch`` process: blobs, trees and commits alike.
"""

from __future__ import annotations

import os

from ai_program import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Answer = tuple[str, str, bytes | int]  # id, kind, and content or too large a size

# Larger blobs are passed over, not held: no governed file comes near, and data belongs elsewhere.
MAX_BLOB = 16 * 1024 * 1024
# Larger ones are held one at a time, so that many of them need no more memory than one.
MAX_HELD = 1024 * 1024
# Requests are written before their answers are read, so they must fit into the smallest pipe.
_CHUNK = 4096
_SAFE = (
    "--no-pager", "--no-replace-objects",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "log.showSignature=false",
    "-c", "protocol.allow=never",
)  # fmt: skip
_UNWANTED = (
    "GIT_EXTERNAL_DIFF", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS", "GIT_TRACE", "GIT_TRACE2", "GIT_TRACE2_EVENT",
)  # fmt: skip


class Misuse(Exception):  # noqa: N818 - said to a person, not raised by a defect
    """The command was used wrongly, or the configuration is broken: exit code 2."""


class CannotDecide(Exception):  # noqa: N818 - an answer, not a defect
    """What is needed for a verdict is not there: exit code 3, never a pass."""


_NO_GIT = Misuse("git is not installed, or not on PATH")


class Entry:
    """One path of a tree: its git mode (as text) and the id of its object."""

    __slots__ = ("mode", "oid")

    def __init__(self, mode: str, oid: str) -> None:
        self.mode = mode
        self.oid = oid

    def __repr__(self) -> str:
        return f"Entry({self.mode} {self.oid})"


class Git:
    """Starts git in one directory, so that nothing of the repository gets executed."""

    def __init__(self, directory: str = ".", environ: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.environ = dict(os.environ if environ is None else environ)
        for name in _UNWANTED:
            self.environ.pop(name, None)
        self.environ.update(
            GIT_OPTIONAL_LOCKS="0", GIT_NO_LAZY_FETCH="1", GIT_TERMINAL_PROMPT="0", LC_ALL="C"
        )

    def start(self, *arguments: str, ask: bool = False) -> processes.Process:
        """Start git; with ``ask`` it reads requests."""
        try:
            return processes.start(self._line(arguments), self.environ, ask=ask)
        except FileNotFoundError:
            raise _NO_GIT from None

    def ask(self, *arguments: str) -> tuple[int, bytes, str]:
        """Run git to its end: exit code, output, the line of the error."""
        import subprocess

        try:
            done = subprocess.run(
                self._line(arguments),
                env=self.environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            raise _NO_GIT from None
        return done.returncode, done.stdout, _reason(done.stderr)

    def _line(self, arguments: Sequence[str]) -> tuple[str, ...]:
        return (_program(), "-C", self.directory, *_SAFE, *arguments)


def _program() -> str:
    """Return git as the system finds it; Windows would look into the repository first."""
    if os.name != "nt":
        return "git"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        candidate = f"{folder}\\git.exe"
        if os.path.isabs(folder) and os.path.isfile(candidate):  # noqa: PTH113, PTH117
            return candidate
    raise _NO_GIT


def _reason(error: bytes) -> str:
    lines = [line for line in error.decode(errors="replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or ["git failed without a word"])[0].strip()


def trouble(reason: str) -> Exception:
    """Return the exception for a git that refused to work at all."""
    if "not a git repository" in reason:
        return Misuse("this is not a git repository")
    return CannotDecide(f"git: {reason.removeprefix('fatal: ')}")


class Objects:
    """The object store, through one ``git cat-file --batch``.

    Every question can be asked ahead of its use, so that git looks things up while we do something
    else. One chunk of requests at a time: a pipe that is full in both directions stands still.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: processes.Process | None = None
        self._pending: Sequence[str] = ()  # asked, and not read yet
        self._answers: dict[str, Answer | None] = {}  # read, and not used yet
        self._blobs: dict[str, bytes | int] = {}  # content, or the size of what is not kept
        self._large: tuple[str, bytes | int] = ("", 0)  # the last one that is too large to keep
        self._most = MAX_HELD  # bytes of a blob that is read
        self._wanted: dict[str, None] = {}  # blobs that will be needed soon
        self._trees: dict[str, list[tuple[str, str, str]]] = {}

    def ask(self, names: Sequence[str]) -> int:
        """Ask for objects ahead; return how many questions went out."""
        if self._pending or not names:
            return 0
        if self._process is None:
            self._process = self._git.start("cat-file", "--batch", ask=True)
        self._pending = names[: max(1, _CHUNK // (max(map(len, names)) + 1))]
        try:
            self._process.ask("".join(name + "\n" for name in self._pending).encode())
        except OSError:
            raise self._died() from None
        return len(self._pending)

    def query(self, names: Sequence[str]) -> list[Answer | None]:
        """Look up objects by name; None for what is missing."""
        self._read()
        missing = [name for name in names if name not in self._answers]
        while missing:
            missing = missing[self.ask(missing) :]
            self._read()
        found = [self._answers[name] for name in names]
        for name in names:
            self._answers.pop(name, None)
        return found

    def _read(self) -> None:
        """Read the answers that are pending."""
        process, pending = self._process, self._pending
        self._pending = ()
        for name in pending:
            assert process is not None  # noqa: S101 - it was asked
            answer = self._answers[name] = self._answer(process)
            if answer is not None and answer[1] == "tree":
                self._answers[answer[0]] = answer  # asked by a revision, needed by its id

    def _answer(self, process: processes.Process) -> Answer | None:
        header = process.line()
        if not header:
            raise self._died()
        words = header.split()
        if len(words) != 3 or not words[2].isdigit():
            return None
        size = int(words[2])
        content: bytes | int = size
        if size > (self._most if words[1] == b"blob" else MAX_BLOB):
            left = size + 1
            while left and (piece := process.read(min(left, 1 << 20))):
                left -= len(piece)
        else:
            content = process.read(size + 1)[:-1]
            if len(content) != size:
                raise self._died()
        return words[0].decode(), words[1].decode(), content

    def _died(self) -> Exception:
        """Return why git ended early, for which it is asked once more."""
        self._process = None
        status, _, reason = self._git.ask("cat-file", "--batch")
        return trouble(reason) if status else CannotDecide("git ended while it was asked")

    def load(self, oids: Iterable[str]) -> None:
        """Ask for blobs ahead of their use; they all come with the first one that is needed."""
        blobs = self._blobs
        self._wanted.update((oid, None) for oid in oids if oid not in blobs)
        self.ask([*self._wanted])

    def blob(self, oid: str) -> bytes | int:
        """Return the content of a blob, or its size if it is too large to be read at all."""
        found = self._look(oid)
        if isinstance(found, bytes) or found > MAX_BLOB:
            return found
        if self._large[0] != oid:
            self._read()
            self._large = ("", 0)
            self._most = MAX_BLOB
            (answer,) = self.query((oid,))
            self._most = MAX_HELD
            self._large = (oid, found if answer is None else answer[2])
        return self._large[1]

    def size(self, oid: str) -> int:
        """Return the number of bytes of a blob."""
        found = self._look(oid)
        return found if isinstance(found, int) else len(found)

    def _look(self, oid: str) -> bytes | int:
        """Return the content of a blob, or its size if it is too large to be kept."""
        if oid not in self._blobs:
            self._wanted[oid] = None
            wanted = [*self._wanted]
            self._wanted.clear()
            for name, answer in zip(wanted, self.query(wanted), strict=True):
                if answer is not None:
                    self._blobs[name] = answer[2]
            if oid not in self._blobs:
                raise CannotDecide(f"the object {oid} is missing from the repository")
        return self._blobs[oid]

    def commit(self, revision: str) -> tuple[str, str] | None:
        """Return the id and tree id of the commit that a revision names, None if there is none."""
        (answer,) = self.query((f"{revision}^{{commit}}",))
        if answer is None or not isinstance(answer[2], bytes):
            return None
        return answer[0], answer[2].split(b"\n", 1)[0].removeprefix(b"tree ").decode()

    def entries(self, tree: str) -> dict[str, Entry]:
        """List all files of a tree object, level by level."""
        found: dict[str, Entry] = {}
        level = [("", tree)]
        while level:
            missing = [oid for _, oid in level if oid not in self._trees]
            missing = list(dict.fromkeys(missing))
            for oid, answer in zip(missing, self.query(missing), strict=True):
                if answer is None or answer[1] != "tree" or not isinstance(answer[2], bytes):
                    raise CannotDecide(f"the object {oid} is missing from the repository")
                self._trees[oid] = _tree(answer[2], len(oid) // 2)
            below = []
            for prefix, oid in level:
                for mode, name, child in self._trees[oid]:
                    if mode == "40000":
                        below.append((f"{prefix}{name}/", child))
                    else:
                        found[prefix + name] = Entry(mode, child)
            level = below
        return dict(sorted(found.items()))


def _tree(content: bytes, width: int) -> list[tuple[str, str, str]]:
    """Split a tree object: mode, name, raw id, without a separator."""
    found = []
    at = 0
    while at < len(content):
        space = content.index(b" ", at)
        end = content.index(b"\0", space)
        found.append(
            (
                content[at:space].decode(),
                content[space + 1 : end].decode("utf-8", "surrogateescape"),
                content[end + 1 : end + 1 + width].hex(),
            )
        )
        at = end + 1 + width
    return found
