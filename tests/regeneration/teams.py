"""A team's repository and a small template, for the real commands: only cookiecutter is left out.

A template is a dict from paths to files. Its classes follow from the path: ``managed/``,
``seeded/`` and ``src/`` say it, everything else is merged. The lock and the merge are those of the
product.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from ai_program import lock
from ai_program.regeneration import commands
from ai_program.regeneration.preparing import Renderings, Request
from ai_program.regeneration.rendering import Product, Rendering, digest
from ai_program.regeneration.repository import Repository, here

OLD, NEW = "1" * 40, "2" * 40
ENGINE = {"source": "https://example.org/ai-program", "rev": OLD, "version": "0.1.0"}

#: A file of a fake template: text, bytes, or (mode, content).
File = str | bytes | tuple[str, str | bytes]
Files = dict[str, File]


def owner(path: str) -> str:
    if path.startswith("managed/"):
        return "managed"
    return "seeded" if path.startswith(("seeded/", "src/", "sprints/", "decisions/")) else "merged"


def parts(file: File) -> tuple[str, bytes]:
    mode, content = file if isinstance(file, tuple) else ("100644", file)
    return mode, content.encode() if isinstance(content, str) else content


def rendering(files: Files, commit: str, answers: dict | None = None) -> Rendering:
    template = {
        "source": ENGINE["source"], "commit": commit, "version": f"0.{commit[0]}.0",
        "dirty": False, "local": False,
    }  # fmt: skip
    products = {path: Product(owner(path), *parts(file)) for path, file in files.items()}
    engine = {**ENGINE, "rev": commit}
    return Rendering(products, template, engine, answers or {"question": "answer"})


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return {**kept, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000",
            **more}  # fmt: skip


@dataclass
class Team:
    """A repository that was generated from a fake template, and what its team does with it."""

    root: Path
    template: Files
    commit: str = OLD
    answers: dict = field(default_factory=lambda: {"question": "answer"})

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.org")
        made = rendering(self.template, self.commit, self.answers)
        files = {
            path: {"class": p.owner, "mode": p.mode, "digest": digest(p.content)}
            for path, p in made.files.items()
        }
        text = lock.text({
            "lock_version": 1, "template": made.template, "engine": made.engine,
            "answers": made.answers, "files": files,
        })  # fmt: skip
        self.write({
            **self.template, lock.PATH: text,
            "workshop.yaml": "default_context: {}\n"
            "ai_program: {schema_version: 1, sprint: sprint-01}\n",
        })  # fmt: skip
        self.save("Generate")

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments], capture_output=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return os.fsdecode(done.stdout).strip()

    def write(self, files: dict[str, File | None]) -> None:
        for path, file in files.items():
            place = self.root / path
            if place.is_symlink() or place.is_file():
                place.unlink()
            if file is None:
                continue
            mode, content = parts(file)
            place.parent.mkdir(parents=True, exist_ok=True)
            if mode == "120000":
                place.symlink_to(content.decode())
            else:
                place.write_bytes(content)
                place.chmod(0o755 if mode == "100755" else 0o644)

    def save(self, message: str = "The team works") -> None:
        self.git("add", "--all", "--force")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def edit(self, files: dict[str, File | None]) -> None:
        self.write(files)
        self.save()

    def move(self, before: str, after: str) -> None:
        (self.root / after).parent.mkdir(parents=True, exist_ok=True)
        (self.root / before).rename(self.root / after)
        self.save()

    # The tool ---------------------------------------------------------------------------------

    @property
    def repository(self) -> Repository:
        return here(self.root)

    def renderer(self, files: Files, commit: str = NEW, answers: dict | None = None):
        def render(locked, workshop, request, folder) -> Renderings:
            new = rendering(files, commit, answers or self.answers)
            if commit == locked["template"]["commit"]:
                new = new.with_engine(locked["engine"])
            return Renderings(rendering(self.template, self.commit, self.answers), new)

        return render

    def regenerate(
        self, files: Files, sprint: str = "sprint-02", *, commit: str = NEW,
        answers: dict | None = None, force_branch: bool = False,
    ) -> int:  # fmt: skip
        request = Request(sprint=sprint, force_branch=force_branch, today="2026-11-23")
        render = self.renderer(files, commit, answers)
        return commands.regenerate(self.repository, request, render)

    def plan(self, files: Files, *, commit: str = NEW, answers: dict | None = None) -> int:
        return commands.plan(self.repository, Request(), self.renderer(files, commit, answers))

    def accept(self, files: Files, commit: str = NEW, answers: dict | None = None) -> None:
        """Commit what was regenerated; from now on the new template is the locked one."""
        self.save("Regenerate")
        self.template, self.commit = files, commit
        self.answers = answers or self.answers

    # What is there ----------------------------------------------------------------------------

    def read(self, path: str) -> str | None:
        place = self.root / path
        if place.is_symlink():
            return f"-> {place.readlink()}"
        return place.read_bytes().decode("utf-8", "replace") if place.is_file() else None

    def unmerged(self) -> dict[str, str]:
        return {each.path: each.reason for each in self.repository.staged()[1]}

    def lock(self) -> dict:
        return json.loads(self.read(lock.PATH))

    def everything(self) -> dict[str, object]:
        """Return all that must be as before when nothing was changed, or everything taken back."""
        found: dict[str, object] = {
            "HEAD": (self.root / ".git" / "HEAD").read_text(),
            "refs": self.git("for-each-ref"),
            "index": self.git("ls-files", "--stage"),
        }
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name != ".git"]
            for name in names:
                place = Path(folder, name)
                mode = stat.S_IMODE(place.lstat().st_mode) & 0o100
                content = place.readlink() if place.is_symlink() else place.read_bytes()
                found[place.relative_to(self.root).as_posix()] = (mode, content)
        return found

    def lines(self) -> set[str]:
        """Return every line that stands somewhere in the work tree."""
        return {
            line.strip("\r")
            for place in self.root.rglob("*")
            if ".git" not in place.relative_to(self.root).parts and place.is_file()
            for line in place.read_bytes().decode("utf-8", "replace").split("\n")
        }


def text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def numbered(*changes: tuple[int, str], count: int = 12) -> str:
    """Return a file of numbered lines, some of them changed."""
    lines = {number: f"line {number}" for number in range(1, count + 1)} | dict(changes)
    return text(*(line for _, line in sorted(lines.items())))
