"""Renders a version of the template with given answers: the real cookiecutter, in a process each.

Two versions of a template bring two versions of this package, which can't share a process. What is
rendered depends on the revision and the answers alone: no setting of the user is read, nothing asks
and nothing is looked up.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from ai_program import lock, origin
from ai_program.escaping import yaml_value
from ai_program.git import CannotDecide, Misuse
from ai_program.regeneration.repository import Repository, reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOOKS = ".pre-commit-config.yaml"
_KEPT = ("PATH", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "TMPDIR",
         "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", origin.DEVELOPMENT)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Product:
    """One rendered file: whose it is, its git mode, its content."""

    owner: str  # managed, merged or seeded
    mode: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a version of the template makes of answers: files, and what the lock says of it."""

    files: Mapping[str, Product]
    template: Mapping[str, Any]
    engine: Mapping[str, Any]
    answers: Mapping[str, Any]

    def with_engine(self, engine: Mapping[str, Any]) -> Rendering:
        """Return the rendering as if it pinned another revision of the engine."""
        files = dict(self.files)
        if HOOKS in files:
            content = repinned(files[HOOKS].content, self.engine, engine)
            files[HOOKS] = replace(files[HOOKS], content=content)
        return replace(self, files=files, engine=engine)


def repinned(content: bytes, old: Mapping[str, Any], new: Mapping[str, Any]) -> bytes:
    """Return the configuration of the hooks with another pin; nothing else in it changes."""
    for key, name in (("source", "repo"), ("rev", "rev")):
        was, now = yaml_value(old[key]), yaml_value(new[key])
        for written in dict.fromkeys((was, was[1:-1])):
            before = f"{name}: {written}".encode()
            lines = content.split(b"\n")
            content = b"\n".join(
                line.replace(before, f"{name}: {now}".encode())
                if line.strip().removeprefix(b"- ").rstrip() == before
                else line
                for line in lines
            )
    return content


class Template:
    """The template's repository, copied once into a temporary folder."""

    def __init__(self, source: str, folder: Path) -> None:
        """Fetch it.

        Raises:
            CannotDecide: it cannot be reached.

        """
        self.source = source
        self.folder = folder
        self.git = Repository(folder / "template")
        folder.mkdir(parents=True, exist_ok=True)
        done = Repository(folder).run(
            "clone", "--quiet", "--no-checkout", "--config", "core.autocrlf=false",
            "--config", "core.eol=lf", "--", source, str(self.git.root),
        )  # fmt: skip
        if done.returncode:
            raise CannotDecide(
                f"the template {source} cannot be reached ({reason(done.stderr)}); "
                "--source ADDRESS names where else it is"
            )
        # What stands below this folder must not look like a part of a user's repository.
        Repository(folder).run("init", "--quiet", str(folder))

    def resolve(self, revision: str) -> str:
        """Return the commit that a tag, a branch or an id names.

        Raises:
            CannotDecide: there is none.

        """
        if revision.startswith("-") or not revision.isprintable():
            raise Misuse(f"{revision!r} is no revision")
        for name in (f"refs/tags/{revision}", f"refs/remotes/origin/{revision}", revision):
            found = self.git.commit(name)
            if found:
                return found
        self.git.run("fetch", "--quiet", "--end-of-options", "origin", revision)
        found = self.git.commit(revision)
        if found is None:
            raise CannotDecide(
                f"the template {self.source} has no revision {revision}; "
                "--source ADDRESS names where else it is"
            )
        return found

    def contains(self, commit: str, other: str) -> bool:
        """Tell whether ``commit`` is ``other`` or came after it."""
        return self.git.run("merge-base", "--is-ancestor", other, commit).returncode == 0

    def newest(self) -> str:
        """Return the tag of the highest release.

        Raises:
            Misuse: nothing was released.

        """
        found = releases(self.git.ask("tag", "--list").split())
        if not found:
            raise Misuse(f"the template {self.source} has no release (a tag such as v1.2.3)")
        return found[max(found)]

    def start(self, name: str, commit: str, answers: Path) -> Job:
        """Begin to render a revision with a file of answers."""
        checkout = self.folder / f"template-{commit}"
        if not checkout.exists():
            self.git.ask("worktree", "add", "--quiet", "--detach", str(checkout), commit)
        return Job(self, checkout, answers, self.folder / name)


class Job:
    """One rendering under way."""

    def __init__(self, template: Template, checkout: Path, answers: Path, folder: Path) -> None:
        if importlib.util.find_spec("cookiecutter") is None:
            raise Misuse(
                "cookiecutter is not installed here: install ai-program[regenerate], or run "
                "`nox -s regenerate`, which does"
            )
        self.source = template.source
        self.checkout = checkout
        self.output = folder / "out"
        self.output.mkdir(parents=True)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        home = folder / "home"
        home.mkdir()
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cookiecutter", str(checkout), "--no-input",
                 "--config-file", str(answers), "--output-dir", str(self.output)],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={
                    **kept,
                    "HOME": str(home), "USERPROFILE": str(home), "XDG_CONFIG_HOME": str(home),
                    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
                    "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
                    "LC_ALL": "C.UTF-8", "TZ": "UTC", "PWD": str(folder),
                },
            )  # fmt: skip

    def finish(self) -> Rendering:
        """Wait for the end and return what was rendered.

        Raises:
            Misuse: the template refused the answers.

        """
        code = self._process.wait()
        made = sorted(self.output.iterdir())
        if code or len(made) != 1:
            raise Misuse(_refusal(self._log.read_text(encoding="utf-8", errors="replace")))
        return self._read(made[0])

    def cancel(self) -> None:
        """Stop it; its result is not wanted any more."""
        self._process.kill()
        self._process.wait()

    def _read(self, root: Path) -> Rendering:
        written = lock.read(root)
        here = written["template"]["source"]
        owners = {path: entry["class"] for path, entry in written["files"].items()}
        files = {}
        for path, owner in owners.items():
            place = root / path
            content = place.read_bytes()
            if written["template"]["local"]:  # it names the temporary copy as its source
                content = content.replace(here.encode(), self.source.encode())
            mode = "100755" if place.stat().st_mode & 0o100 else "100644"
            files[path] = Product(owner, mode, content)
        template = {**written["template"], "source": self.source}
        template["local"] = written["template"]["local"] or not origin.is_remote(self.source)
        engine = {**written["engine"], "source": self.source}
        return Rendering(files, template, engine, written["answers"])


def _refusal(log: str) -> str:
    """Return what the template said, without what only makes sense when generating anew."""
    lines = []
    for line in log.strip().splitlines():
        if line.startswith(("Your answers are kept", "Your answers could not be kept")):
            break
        lines.append(line.rstrip())
    told = "\n".join(lines).strip()
    return (
        told.replace("Nothing was generated", "Nothing was regenerated") or "nothing was rendered"
    )


def answers_file(folder: Path, name: str, answers: Mapping[str, Any]) -> Path:
    """Write resolved answers as a configuration file of cookiecutter (JSON is YAML).

    To cookiecutter a list is a choice, of which it takes the first.
    """
    path = folder / f"{name}.yaml"
    given = {
        key: ", ".join(map(str, value)) if isinstance(value, list) else value
        for key, value in answers.items()
    }
    text = json.dumps({"default_context": given})
    path.write_text(text, encoding="utf-8")
    return path


def given_answers(content: bytes) -> dict[str, Any]:
    """Return the answers of a workshop.yaml.

    Raises:
        Misuse: it is not YAML, or has no answers.

    """
    try:
        value = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Misuse(f"workshop.yaml cannot be read: {' '.join(str(error).split())}") from None
    given = value.get("default_context") if isinstance(value, dict) else None
    if not isinstance(given, dict):
        raise Misuse("workshop.yaml has no answers: they stand below default_context:")
    return given


def releases(tags: list[str]) -> dict[tuple[int, ...], str]:
    """Return by version the tags that name a release, such as v1.2.3."""
    found = {}
    for tag in tags:
        parts = tag.removeprefix("v").split(".")
        if len(parts) == 3 and all(part.isdecimal() for part in parts):
            found[tuple(map(int, parts))] = tag
    return found


def digest(content: bytes) -> str:
    """Return the digest of a file as the lock has it."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
