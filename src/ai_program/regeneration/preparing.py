"""Before anything changes: what must hold, both renderings, and the work that follows from them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ai_program import documents, lock, schemas
from ai_program.documents import DocumentError
from ai_program.git import Misuse
from ai_program.regeneration import merging, sprints
from ai_program.regeneration.merging import WORKSHOP, Content, Work
from ai_program.regeneration.rendering import (
    Job,
    Rendering,
    Template,
    answers_file,
    digest,
    given_answers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ai_program.regeneration.repository import Blob, Repository

#: Names the highest release of the template.
LATEST = "latest"
HISTORY = ".ai-program/history"
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "BISECT_LOG": "a bisection",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line."""

    sprint: str | None = None
    to: str | None = None
    source: str | None = None
    force_branch: bool = False
    upgrade: bool = False  # the name is that of a branch only: the sprint in hand goes on
    today: str | None = None  # the day of a drafted decision; else today, in UTC


@dataclass(frozen=True, slots=True)
class Team:
    """The repository as the team has it: HEAD, and the answers they may just have edited."""

    head: str
    branch: str | None
    files: Mapping[str, Blob]
    lock: Mapping[str, Any]
    workshop: bytes


@dataclass(frozen=True, slots=True)
class Renderings:
    """The locked version with the locked answers, the new one with the new ones."""

    old: Rendering
    new: Rendering
    notes: tuple[str, ...] = ()


class Renderer(Protocol):
    """Renders both versions; a test has its own."""

    def __call__(
        self, locked: Mapping[str, Any], workshop: bytes, request: Request, folder: Path
    ) -> Renderings:
        """Return both renderings, or refuse."""


@dataclass(frozen=True)
class Prepared:
    """All that a merge needs."""

    team: Team
    renderings: Renderings
    work: Work
    engine: Mapping[str, Any]
    answers: Mapping[str, tuple[Any, Any]]  # question: (before, now)
    notes: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to do."""
        return self.work.is_empty()


def look(repository: Repository) -> Team:
    """Return the repository as it is.

    Raises:
        Misuse: it is in a state in which nothing may be regenerated.

    """
    head = repository.commit("HEAD")
    if head is None:
        raise Misuse("there is no commit here yet")
    for name, what in _UNDER_WAY.items():
        if (repository.git_dir / name).exists():
            raise Misuse(f"{what} is under way here: finish or abort it first")
    _refuse_dirty(repository)
    return Team(head, repository.branch(), repository.tree(head), _lock(repository),
                _workshop(repository))  # fmt: skip


def _refuse_dirty(repository: Repository) -> None:
    listed = repository.ask("status", "--porcelain=v1", "-z", "--no-renames",
                            "--untracked-files=all")  # fmt: skip
    changed = [entry[3:] for entry in listed.split("\0") if entry and entry[3:] != WORKSHOP]
    hidden = [
        entry[2:]
        for entry in repository.ask("ls-files", "-v", "-z").split("\0")
        if entry[:1].islower() or entry[:1] == "S"
    ]
    if changed:
        raise Misuse(
            f"commit or remove first what is not committed; only {WORKSHOP} may be edited: "
            + _some(changed)
        )
    if hidden:
        raise Misuse(
            "git was told not to look at files (assume-unchanged, skip-worktree, sparse); let it "
            "look first: " + _some(hidden)
        )


def _some(paths: list[str]) -> str:
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return ", ".join(paths[:5]) + more


def _lock(repository: Repository) -> dict[str, Any]:
    text = repository.text("HEAD", lock.PATH)
    if text is None:
        raise Misuse(f"there is no {lock.PATH} in HEAD: is this a generated repository?")
    try:
        value: dict[str, Any] = json.loads(text)
        source = value["template"]["source"]
        complete = all(isinstance(value[key], dict) for key in ("engine", "answers", "files"))
    except (ValueError, TypeError, KeyError):
        complete, source = False, None
    if not complete or not isinstance(source, str):
        raise Misuse(f"{lock.PATH} cannot be read: take it from a commit where it could")
    if value["lock_version"] != lock.VERSION:
        raise Misuse(f"{lock.PATH} has version {value['lock_version']}, known is {lock.VERSION}")
    return value


def _workshop(repository: Repository) -> bytes:
    try:
        return (repository.root / WORKSHOP).read_bytes()
    except OSError as error:
        raise Misuse(f"{WORKSHOP} cannot be read: {error.strerror}") from None


def render_both(
    locked: Mapping[str, Any], workshop: bytes, request: Request, folder: Path
) -> Renderings:
    """Render both versions with the real client, at the same time."""
    if locked["template"].get("dirty"):
        raise Misuse(
            "this repository was generated from a template with uncommitted changes, which "
            "nobody can render again"
        )
    given_answers(workshop)
    template = Template(request.source or locked["template"]["source"], folder)
    before = template.resolve(locked["template"]["commit"])
    after = before
    if request.to:
        after = template.resolve(template.newest() if request.to == LATEST else request.to)
    if request.to == LATEST and template.contains(before, after):
        after = before  # an upgrade never goes back
    if before == after:  # another version may ask other questions
        require_form(workshop)
    given = folder / "given.yaml"
    given.write_bytes(workshop)
    jobs: list[Job] = []
    try:
        jobs.append(template.start("old", before, answers_file(folder, "old", locked["answers"])))
        jobs.append(template.start("new", after, given))
        new, old = jobs[1].finish(), jobs[0].finish()
    finally:
        for job in jobs:
            job.cancel()
    notes = []
    if before != after and template.contains(before, after):
        notes.append("the template goes back to an older revision")
    engine = dict(new.engine)
    kept = locked["engine"]
    if (
        before == after
        or kept["source"] != locked["template"]["source"]
        or (kept["rev"] != after and template.contains(kept["rev"], after))
    ):
        engine = dict(kept)
        if request.source and kept["source"] == locked["template"]["source"]:
            engine["source"] = request.source
    return Renderings(old, new.with_engine(engine), tuple(notes))


def require_form(workshop: bytes) -> None:
    """Refuse answers that rule AIP001 would refuse in the commit, in its words.

    The template would take ``"900"`` for a number, because that is how a number is typed at a
    prompt; a file with it could not be committed.

    Raises:
        Misuse: a value has another form than its question asks for.

    """
    try:
        document = documents.parse(workshop, WORKSHOP)
    except DocumentError as error:
        raise Misuse(f"{WORKSHOP}:{error}") from None
    for keys, message in schemas.validate("workshop", document.value):
        at = document.at(*keys)
        raise Misuse(f"{WORKSHOP}:{at.line}:{at.column}: {'.'.join(map(str, keys))}: {message}")


def prepare(repository: Repository, request: Request, renderer: Renderer, folder: Path) -> Prepared:
    """Return the work that changed answers and a newer template make."""
    team = look(repository)
    rendered = renderer(team.lock, team.workshop, request, folder)
    engine = rendered.new.engine
    # Both as if they pinned what HEAD pins: pins are no matter of a merge.
    old = rendered.old.with_engine(team.lock["engine"])
    new = rendered.new.with_engine(team.lock["engine"])
    todo = merging.work(
        team.files, team.lock["files"], old, new, lambda path: _is_edited(repository, team, path)
    )
    edited = _edited(repository, team, todo)
    answers = _differences(team.lock["answers"], new.answers)
    for path, content in _sprint(repository, team, request, old, new).items():
        todo.written[path] = Content("100644", content)
    locked = {key: team.lock["template"].get(key) for key in new.template}
    same = not answers and locked == dict(new.template) and engine == dict(team.lock["engine"])
    if same and todo.is_empty():
        return Prepared(team, Renderings(old, new), Work(), engine, {}, todo.notes)
    files = merging.files_of_lock(team.lock["files"], rendered.new, todo)
    text = merging.lock_text(files, rendered.new, engine)
    if text.decode() != repository.text("HEAD", lock.PATH):
        todo.written[lock.PATH] = Content("100644", text)
    path, entry = _history(repository, team, request, rendered.new, answers)
    todo.written[path] = Content("100644", entry)
    notes = [*rendered.notes, *todo.notes, *edited, *_left_behind(repository, team, todo, old)]
    return Prepared(team, Renderings(old, new), todo, engine, answers, notes)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {
        key: (old.get(key), new.get(key))
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key)
    }


def _sprint(
    repository: Repository, team: Team, request: Request, old: Rendering, new: Rendering
) -> dict[str, bytes]:
    """Return the documents of the new sprint."""
    if request.sprint is None or request.upgrade:
        return {}
    have = {
        path: repository.read(blob.oid)
        for path, blob in team.files.items()
        if path.startswith("sprints/") and blob.mode != "120000"
    }
    return sprints.documents_of(request.sprint, have, old, new)


def _history(
    repository: Repository,
    team: Team,
    request: Request,
    new: Rendering,
    answers: Mapping[str, tuple[Any, Any]],
) -> tuple[str, bytes]:
    """Return the path and the text of the new entry of the history; no clock is in it."""
    taken = [
        int(Path(path).stem)
        for path in team.files
        if path.startswith(f"{HISTORY}/") and Path(path).stem.isdecimal()
    ]
    number = max(taken, default=0) + 1
    before = team.lock["template"]
    value = {
        "history_version": 1,
        "sequence": number,
        "sprint": request.sprint,
        "from": {key: before[key] for key in ("source", "commit", "version")},
        "to": {key: new.template[key] for key in ("source", "commit", "version")},
        "answers": {key: {"from": old, "to": now} for key, (old, now) in answers.items()},
        "lock_before": repository.ask("rev-parse", f"HEAD:{lock.PATH}"),
    }
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return f"{HISTORY}/{number:04d}.json", text.encode()


def _edited(repository: Repository, team: Team, todo: Work) -> list[str]:
    """Say which of the tool's own files had been edited, and where the edit can be found."""
    known = team.lock["files"]
    return [
        f"{path} is the tool's own; what was changed in it stays in {team.head[:12]} only"
        for path in todo.written
        if path in team.files
        and known.get(path, {}).get("class") == "managed"
        and _is_edited(repository, team, path)
    ]


def _is_edited(repository: Repository, team: Team, path: str) -> bool:
    """Tell whether a file has other bytes in HEAD than the lock says; one it omits has."""
    locked = team.lock["files"].get(path, {}).get("digest")
    return bool(digest(repository.read(team.files[path].oid)) != locked)


def _left_behind(repository: Repository, team: Team, todo: Work, old: Rendering) -> list[str]:
    """Say where the team's own lines import a package that has another name now.

    No merge can know these lines, and no line of the team is rewritten.
    """
    notes = []
    for before, after in sorted(todo.renamed):
        for path, blob in team.files.items():
            if not path.endswith(".py") or blob.mode == "120000":
                continue
            rendered = old.files[path].content if path in old.files else b""
            count = merging.own_imports(repository.read(blob.oid), rendered, before)
            if count:
                lines = (
                    f"{count} lines of the team import"
                    if count > 1
                    else ("a line of the team imports")
                )
                notes.append(f"{path}: {lines} {before}, which is {after} now; mend it by hand")
    return notes


def in_the_way(repository: Repository, paths: list[str], files: Mapping[str, Blob]) -> list[str]:
    """Return untracked or ignored files where new ones have to go."""
    found = set()
    for path in paths:
        for part in (path, *(folder.as_posix() for folder in Path(path).parents)):
            here = repository.root / part
            if here.is_symlink() or here.is_file():
                found.add(part)
            elif here.is_dir() and part == path:
                found |= {
                    each.relative_to(repository.root).as_posix()
                    for each in here.rglob("*")
                    if each.is_symlink() or not each.is_dir()
                }
    return sorted(found - set(files))


def refuse_in_the_way(repository: Repository, prepared: Prepared) -> None:
    """Refuse to overwrite what git doesn't have.

    Raises:
        Misuse: such files are there.

    """
    team = prepared.team
    found = in_the_way(repository, prepared.work.new_paths(team.files), team.files)
    if found:
        raise Misuse(
            "files that git ignores are where the template has its own; move them away first: "
            + _some(found)
        )


def refuse_name(repository: Repository, sprint: str) -> None:
    """Refuse a name that a sprint can't have.

    Raises:
        Misuse: it is none.

    """
    branch = repository.run("check-ref-format", f"refs/heads/sprint/{sprint}")
    if branch.returncode or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", sprint):
        raise Misuse(f"{sprint!r} is no name of a sprint: lower-case words and digits, sprint-02")
