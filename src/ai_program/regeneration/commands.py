"""The commands ``plan``, ``regenerate``, ``abort`` and ``status``.

Exit codes: 0 done, or nothing to do; 3 conflicts to resolve; 2 refused, and nothing was changed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ai_program import lock, snapshot, standing, workshop
from ai_program.git import CannotDecide, Git, Misuse
from ai_program.program import Baseline, Program
from ai_program.regeneration import guardrails, merging, preparing, reporting, state
from ai_program.regeneration.merging import WORKSHOP, Content
from ai_program.regeneration.preparing import Prepared, Request
from ai_program.regeneration.rendering import HOOKS, repinned
from ai_program.regeneration.repository import Repository, borrowing, here
from ai_program.regeneration.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ai_program.regeneration.merging import Result
    from ai_program.regeneration.preparing import Renderer

DONE, REFUSED, CONFLICTS = 0, 2, 3

_USAGE = {
    "plan": "usage: ai-program plan [--to REV] [--source ADDRESS]",
    "regenerate": "usage: ai-program regenerate --sprint NAME [--to REV] [--source ADDRESS] "
    "[--force-branch] [--upgrade] [--today YYYY-MM-DD]",
    "abort": "usage: ai-program abort",
    "status": "usage: ai-program status [--today YYYY-MM-DD]",
}
_OPTIONS = {
    "plan": {"--to", "--source"},
    "regenerate": {"--sprint", "--to", "--source", "--force-branch", "--upgrade", "--today"},
    "status": {"--today"},
}
_DECISION = re.compile(r"decisions/(\d{4})-[^/]*\.md")


def main(command: str, arguments: Sequence[str]) -> int:
    """Run one of the commands here and return its exit code."""
    try:
        request = _read(command, arguments)
        repository = here(Path.cwd())
        if command == "plan":
            return plan(repository, request)
        if command == "regenerate":
            return regenerate(repository, request)
        return abort(repository) if command == "abort" else status(repository, request)
    except (CannotDecide, Misuse) as error:
        sys.stdout.flush()
        sys.stderr.write(f"ai-program {command}: {str(error).rstrip()}\n")
        return REFUSED


def _read(command: str, arguments: Sequence[str]) -> Request:
    values: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name not in _OPTIONS.get(command, ()) or name in values:
            raise Misuse(f"{word!r} makes no sense here\n{_USAGE[command]}")
        if word in ("--force-branch", "--upgrade"):
            values[name] = "yes"
            continue
        if not equals and not rest:
            raise Misuse(f"{name} needs a value\n{_USAGE[command]}")
        values[name] = value if equals else rest.pop(0)
        if not values[name] or values[name].startswith("-") or not values[name].isprintable():
            raise Misuse(f"{values[name]!r} makes no sense for {name}")
    if command == "regenerate" and "--sprint" not in values:
        raise Misuse(f"which sprint is it for?\n{_USAGE[command]}")
    if "--today" in values and not _is_day(values["--today"]):
        raise Misuse(f"--today is a day, YYYY-MM-DD, not {values['--today']!r}")
    return Request(
        sprint=values.get("--sprint"),
        to=values.get("--to"),
        source=values.get("--source"),
        force_branch="--force-branch" in values,
        upgrade="--upgrade" in values,
        today=values.get("--today"),
    )


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


# Plan ---------------------------------------------------------------------------------------------


def plan(
    repository: Repository,
    request: Request,
    renderer: Renderer = preparing.render_both,
) -> int:
    """Say what a regeneration would change; nothing is changed."""
    _refuse_under_way(repository)
    with _workspace() as folder:
        prepared = preparing.prepare(repository, request, renderer, folder)
        if prepared.is_empty:
            sys.stdout.write(reporting.nothing(prepared))
            return DONE
        scratch = borrowing(repository, folder / "merge")
        result = merging.apply(scratch, prepared.team.files, prepared.work, _seeded(prepared))
        sys.stdout.write(reporting.plan(prepared, result, views(scratch, prepared, result)))
        blocked = preparing.in_the_way(
            repository, prepared.work.new_paths(prepared.team.files), prepared.team.files
        )
        sys.stdout.write(reporting.blocked(blocked))
    if blocked:
        return REFUSED
    return CONFLICTS if result.conflicts else DONE


def _refuse_under_way(repository: Repository) -> None:
    found = state.under_way(repository)
    if found is None:
        return
    if found.phase == state.BEGUN:
        raise Misuse(
            f"a regeneration for {found.sprint} was interrupted: `ai-program abort` brings "
            "everything back"
        )
    raise Misuse(
        f"the regeneration for {found.sprint} is not committed yet: commit it, or `ai-program "
        "abort`"
    )


@contextlib.contextmanager
def _workspace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ai-program-") as name:
        yield Path(name).resolve()


def _seeded(prepared: Prepared) -> set[str]:
    """Return what is never touched: what was written once, and what only the tool writes."""
    known = prepared.team.lock["files"]
    kept = {path for path, entry in known.items() if entry["class"] != "merged"}
    return (kept | set(prepared.work.written)) - {""}


@dataclass(frozen=True, slots=True)
class Views:
    """How guardrails move, seen three ways."""

    asked_for: guardrails.Moves
    in_effect: guardrails.Moves
    deviation: guardrails.Moves
    removed: tuple[str, ...]  # governed files that go


def views(repository: Repository, prepared: Prepared, result: Result) -> Views:
    """Compare the guardrails of the renderings, of HEAD and of the result."""
    judge = guardrails.Judge()
    old, new, team = prepared.renderings.old, prepared.renderings.new, prepared.team.files
    conflicts = {each.path for each in result.conflicts}

    def of_old(path: str) -> bytes | None:
        return old.files[path].content if path in old.files else None

    def of_new(path: str) -> bytes | None:
        return new.files[path].content if path in new.files else None

    def of_team(path: str) -> bytes | None:
        return repository.read(team[path].oid) if path in team else None

    def of_result(path: str) -> bytes | None:
        if path in conflicts:
            return b"\0"  # of which nobody can say anything yet
        return repository.read(result.merged[path].oid) if path in result.merged else None

    paths = {path for path in (*old.files, *new.files, *team) if path.startswith("policies/")}
    moved = {change.before for change in result.changes if change.letter == "R"}
    gone = tuple(
        path
        for path in team
        if path not in result.merged
        and path not in conflicts
        and path not in moved
        and judge.governed(path)
    )
    return Views(
        judge.moves(paths, of_old, of_new),
        judge.moves(paths, of_team, of_result),
        judge.moves(paths, of_old, of_team),
        gone,
    )


# Regenerate ---------------------------------------------------------------------------------------


def regenerate(
    repository: Repository,
    request: Request,
    renderer: Renderer = preparing.render_both,
) -> int:
    """Merge what changed onto the sprint's branch, and leave the commit to the user."""
    sprint = request.sprint or ""
    preparing.refuse_name(repository, sprint)
    found = state.under_way(repository)
    if found is not None and found.phase == state.READY and found.sprint == sprint:
        return _again(repository, found)
    _refuse_under_way(repository)
    branch = f"refs/heads/sprint/{sprint}"
    with _workspace() as folder:
        team = preparing.look(repository)
        if team.branch is None and not request.force_branch:
            raise Misuse(
                "HEAD is on no branch, so the new one would begin where nobody looks: switch to a "
                "branch, or say --force-branch"
            )
        exists = repository.commit(branch) is not None
        if exists and team.branch != branch:
            raise Misuse(f"there is a branch sprint/{sprint} already: switch to it to go on there")
        prepared = preparing.prepare(repository, request, renderer, folder)
        if prepared.is_empty:
            sys.stdout.write(reporting.nothing(prepared))
            return DONE
        preparing.refuse_in_the_way(repository, prepared)
        staged = repository.ask("diff", "--cached", "--name-only", "-z", "--", WORKSHOP)
        note = State(
            sprint=sprint,
            branch=branch,
            made_branch=not exists,
            head=team.head,
            head_branch=team.branch,
            staged_workshop=bool(staged),
            paths=(*prepared.work.new_paths(team.files), _draft_path(prepared, sprint)),
        )
        state.begin(repository, note)
        try:
            result, seen = _carry_out(repository, prepared, note, request)
        except (CannotDecide, Misuse, OSError):
            state.abort(repository, note)
            raise
        state.ready(repository, note)
    sys.stdout.write(reporting.regenerated(prepared, result, seen, request))
    return CONFLICTS if result.conflicts else DONE


def _again(repository: Repository, found: State) -> int:
    """Say how far the regeneration is that waits for its commit."""
    unmerged = repository.staged()[1]
    sys.stdout.write(reporting.waiting(found.sprint, unmerged))
    return CONFLICTS if unmerged else DONE


def _carry_out(
    repository: Repository, prepared: Prepared, note: State, request: Request
) -> tuple[Result, Views]:
    """Do the work: branch, merge, pins, the sprint's name, and the decision that is owed."""
    if note.made_branch:
        repository.ask("update-ref", note.branch, note.head, "0" * len(note.head))
    repository.ask("symbolic-ref", "-m", "ai-program regenerate", "HEAD", note.branch)
    if note.staged_workshop:
        repository.ask("reset", "--quiet", "--", WORKSHOP)
    merging.apply(repository, prepared.team.files, prepared.work, _seeded(prepared))
    _pin(repository, prepared)
    _stage_answers(repository, None if request.upgrade else note.sprint)
    result = merging.result(repository)
    seen = views(repository, prepared, result)
    if seen.in_effect.of("loosened") or seen.removed:
        path = _draft_path(prepared, note.sprint)
        number = int(path.split("/")[1][:4])
        day = request.today or workshop.today()
        text = guardrails.decision(
            number, note.sprint, day, seen.in_effect.of("loosened"), seen.removed
        )
        _write(repository, path, Content("100644", text.encode()))
        result = merging.result(repository)
    return result, seen


def _draft_path(prepared: Prepared, sprint: str) -> str:
    numbers = [
        int(found[1]) for path in prepared.team.files if (found := _DECISION.fullmatch(path))
    ]
    return f"decisions/{max(numbers, default=0) + 1:04d}-{sprint}.md"


def _pin(repository: Repository, prepared: Prepared) -> None:
    """Write the new pin of the engine, whatever the merge made of the lines around it."""
    old, new = prepared.team.lock["engine"], prepared.engine
    place = repository.root / HOOKS
    if not place.is_file() or place.is_symlink():
        return
    before = place.read_bytes()
    after = repinned(before, old, new)
    if after != before:
        place.write_bytes(after)
        if not any(each.path == HOOKS for each in repository.staged()[1]):
            repository.ask("add", "--force", "--", HOOKS)


def _stage_answers(repository: Repository, sprint: str | None) -> None:
    """Stage the answers, and say in them for which sprint they were given."""
    place = repository.root / WORKSHOP
    if not place.is_file():
        return
    before = place.read_bytes()
    after = before if sprint is None else named(before, sprint)
    if after != before:
        place.write_bytes(after)
    repository.ask("add", "--force", "--", WORKSHOP)


def named(workshop: bytes, sprint: str) -> bytes:
    """Return a workshop.yaml that names another sprint; nothing else in it changes."""
    return re.sub(
        rb"(?m)^(ai_program:[ \t]*\{[^\n]*\bsprint:[ \t]*|ai_program:[ \t]*\n"
        rb"(?:[ \t]+[^\n]*\n)*?[ \t]+sprint:[ \t]*)[^\s,}#]+",
        lambda found: found[1] + sprint.encode(),
        workshop,
        count=1,
    )


def _write(repository: Repository, path: str, content: Content) -> None:
    place = repository.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.content)
    repository.ask("add", "--force", "--", path)


# Abort and status ---------------------------------------------------------------------------------


def abort(repository: Repository) -> int:
    """Bring everything back to what it was before the regeneration."""
    found = state.under_way(repository)
    if found is None:
        sys.stdout.write("no regeneration is under way: there is nothing to abort\n")
        return DONE
    kept = state.abort(repository, found)
    sys.stdout.write(reporting.aborted(found, kept))
    return DONE


def status(repository: Repository, request: Request) -> int:
    """Say where the repository stands: answers, template, programme."""
    found = state.under_way(repository)
    unmerged = repository.staged()[1] if found else []
    text = repository.text("HEAD", lock.PATH)
    if text is None:
        raise Misuse(f"there is no {lock.PATH} in HEAD: is this a generated repository?")
    # Between two versions of a file there is no programme to speak of.
    said = [] if unmerged else standing.lines(_program(repository, request))
    sys.stdout.write(reporting.status(repository, text, found, unmerged, said))
    return CONFLICTS if unmerged else DONE


def _program(repository: Repository, request: Request) -> Program:
    today = request.today or dt.datetime.now(dt.UTC).date().isoformat()
    taken = snapshot.take(Git(str(repository.root)), stage="commit", today=today)
    return Program(taken, Baseline())
