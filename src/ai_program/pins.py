"""``ai-program pin``: moves the engine's pins of a repository to another revision, all together.

The revision stands in two files, the hooks' configuration and the lock, and a pin is only worth
something if it cannot move. So a tag or a branch is looked up where the engine comes from and
written as the commit that it names today; what cannot be found there is refused. Only the text of
the values changes: comments, order and quotes of both files stay.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ai_program import documents, origin
from ai_program.escaping import yaml_value
from ai_program.git import CannotDecide, Misuse
from ai_program.rules.integrity import CONFIG, HOOKS, LOCK

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from ai_program.documents import Document

_VERSION = re.compile(r'^__version__ = "(\d+\.\d+\.\d+)"$', re.MULTILINE)
_RELEASE = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_USAGE = "usage: ai-program pin [REV] [--source ADDRESS]"


@dataclass(frozen=True, slots=True)
class Engine:
    """A revision of the engine: where it comes from, its commit, its version."""

    source: str
    rev: str
    version: str


@dataclass(frozen=True, slots=True)
class Edit:
    """One value of a file that changes."""

    keys: tuple[str | int, ...]
    text: str


def main(arguments: Sequence[str]) -> int:
    """Move the pins; print what changed."""
    revision, source = _read(arguments)
    top = _top()
    config, lock = (_document(top, path) for path in (CONFIG, LOCK))
    old = Engine(*(str(lock.get("engine", key)) for key in ("source", "rev", "version")))
    source = source or old.source
    with tempfile.TemporaryDirectory(prefix="ai-program-pin-") as name:
        folder = Path(name)
        _copy(source, folder)
        new = _resolve(source, revision or _newest(source, folder), folder)
        commit = f"{lock.get('template', 'commit')}^{{commit}}"
        has_template = _ask(folder, "cat-file", "-e", commit).returncode == 0
    pins = [
        Edit(("repos", index, key), yaml_value(value))
        for index in _entries(config, old.source)
        for key, value in (("repo", new.source), ("rev", new.rev))
    ]
    _write(top, {config: pins, lock: _lock_edits(lock, new, has_template=has_template)})
    sys.stdout.write(_report(old, new))
    return 0


def _top() -> Path:
    found = origin.git(Path(), ["rev-parse", "--show-toplevel"], os.environ)
    if found.returncode:
        raise Misuse(_reason(found.stderr))
    return Path(found.stdout.removesuffix("\n"))


def _read(arguments: Sequence[str]) -> tuple[str | None, str | None]:
    revision = source = None
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name == "--source":
            if not equals and not rest:
                raise Misuse(f"--source needs an address\n{_USAGE}")
            source = value if equals else rest.pop(0)
        elif word.startswith("-") or revision is not None:
            raise Misuse(f"{word!r} makes no sense here\n{_USAGE}")
        else:
            revision = word
    for text in (revision, source):
        if text is not None and (not text or text.startswith("-") or not text.isprintable()):
            raise Misuse(f"{text!r} is neither a revision nor an address")
    return revision, source


def _document(top: Path, path: str) -> Document:
    try:
        return documents.parse((top / path).read_bytes(), path)
    except FileNotFoundError:
        raise Misuse(f"there is no {path} in {top}: is this a generated repository?") from None
    except documents.DocumentError as error:
        raise Misuse(f"{path}:{error.line}: {error.message}") from None


def _entries(config: Document, source: str) -> list[int]:
    """Return the entries of the hooks' configuration that take hooks from the engine."""
    repos = config.get("repos", default=[])
    found = [
        index
        for index, repo in enumerate(repos)
        if isinstance(repo, dict) and repo.get("repo") == source
    ]
    if not found:
        raise Misuse(f"{CONFIG} takes no hook from {source}, which {LOCK} names as the engine")
    return found


# --- The engine's own repository ------------------------------------------------------------


def _copy(source: str, folder: Path) -> None:
    # Without --no-local a folder's copy would hold commits that no branch or tag keeps.
    done = _ask(Path(), "clone", "--quiet", "--bare", "--no-local", "--", source, str(folder))
    if done.returncode:
        raise CannotDecide(f"{source} cannot be reached: {_reason(done.stderr)}")


def _newest(source: str, folder: Path) -> str:
    """Return the tag of the highest release."""
    tags = _ask(folder, "tag", "--list").stdout.split()
    releases = [
        (tuple(map(int, m.groups())), tag) for tag in tags if (m := _RELEASE.fullmatch(tag))
    ]
    if not releases:
        raise Misuse(f"{source} has no release (a tag such as v1.2.3): name a revision")
    return max(releases)[1]


def _resolve(source: str, revision: str, folder: Path) -> Engine:
    """Return the commit that a revision names, if it is an engine that a repository can use."""
    found = _ask(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    rev = found.stdout.strip()
    if found.returncode:
        raise Misuse(f"{source} has no revision {revision} that a branch or a tag keeps")
    manifest = _ask(folder, "show", f"{rev}:.pre-commit-hooks.yaml").stdout
    module = _ask(folder, "show", f"{rev}:src/ai_program/__init__.py").stdout
    version = _VERSION.search(module)
    if version is None or not all(f"- id: {name}\n" in manifest for name in HOOKS):
        raise Misuse(f"{revision} of {source} is no engine with the hooks {' and '.join(HOOKS)}")
    return Engine(source, rev, version.group(1))


def _ask(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Inside a hook the environment names the repository that is being committed to.
    return origin.git(directory, arguments, origin.without_git_variables())


def _reason(error: str) -> str:
    return (error.strip().splitlines() or ["git failed"])[-1]


# --- The two files --------------------------------------------------------------------------


def _lock_edits(lock: Document, new: Engine, *, has_template: bool) -> list[Edit]:
    edits = [
        Edit(("engine", "source"), yaml_value(new.source)),
        Edit(("engine", "rev"), yaml_value(new.rev)),
        Edit(("engine", "version"), yaml_value(new.version)),
    ]
    if has_template and lock.get("template", "local") and origin.is_remote(new.source):
        # The commit that generated the repository has been pushed since.
        edits.append(Edit(("template", "source"), yaml_value(new.source)))
        edits.append(Edit(("template", "local"), "false"))
    return edits


def _write(top: Path, edits: dict[Document, list[Edit]]) -> None:
    """Write both files, or neither."""
    before = {document: (top / document.path).read_bytes() for document in edits}
    after = {document: _edited(document, before[document], edits[document]) for document in edits}
    try:
        for document, content in after.items():
            (top / document.path).write_bytes(content)
    except OSError as error:
        for document, content in before.items():
            (top / document.path).write_bytes(content)
        raise Misuse(f"cannot write {error.filename}: {error.strerror}") from None


def _edited(document: Document, content: bytes, edits: list[Edit]) -> bytes:
    lines = content.decode().split("\n")
    places = [(document.at(*edit.keys), edit.text) for edit in edits]
    # From the end, so that an edit does not move the place of another one.
    for at, text in sorted(places, key=lambda p: (p[0].line, p[0].column), reverse=True):
        line = lines[at.line - 1]
        lines[at.line - 1] = line[: at.column - 1] + text + line[at.end_column - 1 :]
    return "\n".join(lines).encode()


def _report(old: Engine, new: Engine) -> str:
    if (old.source, old.rev) == (new.source, new.rev):
        return f"the pins stay at {new.rev} ({new.version})\n"
    lines = [f"engine {old.rev[:12]} → {new.rev[:12]} (version {new.version})"]
    if old.source != new.source:
        lines.append(f"from {old.source} → {new.source}")
    lines.append(f"changed {CONFIG} and {LOCK}")
    if not origin.is_remote(new.source):
        lines.append("only this machine can fetch it: commits warn, push and CI refuse")
    lines.append("next: `pre-commit run --all-files` shows what the new baseline asks for")
    return "\n".join(lines) + "\n"
