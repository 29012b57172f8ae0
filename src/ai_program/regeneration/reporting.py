"""What the user reads: short, complete, and the same for a plan and for what was done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ai_program import polarity, workshop
from ai_program.examination import RefusedError
from ai_program.git import Misuse
from ai_program.regeneration import rendering
from ai_program.regeneration.merging import WORKSHOP
from ai_program.regeneration.state import BEGUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ai_program.regeneration.commands import Views
    from ai_program.regeneration.guardrails import Moves
    from ai_program.regeneration.merging import Result
    from ai_program.regeneration.preparing import Prepared, Request
    from ai_program.regeneration.repository import Repository, Unmerged
    from ai_program.regeneration.state import State

_WIDE = 100


def plan(prepared: Prepared, result: Result, views: Views) -> str:
    """Return what a regeneration would do."""
    lines = [*_versions(prepared), *_answers(prepared), *_files(result), *_guardrails(views)]
    lines += _notes(prepared)
    count = _count(result)
    lines += ["", f"Nothing was changed. A regeneration would bring {count}."]
    if result.conflicts:
        lines.append("The conflicts would stand in the files, with what the template had before.")
    return _text(lines)


def regenerated(prepared: Prepared, result: Result, views: Views, request: Request) -> str:
    """Return what was done, and what is left to the user."""
    lines = [*_versions(prepared), *_answers(prepared), *_files(result), *_guardrails(views)]
    lines += [*_notes(prepared), "", f"On branch sprint/{request.sprint}: {_count(result)}."]
    if views.in_effect.of(polarity.LOOSENED) or views.removed:
        lines.append(
            f"A decision is drafted (decisions/…-{request.sprint}.md): it has to be accepted by "
            "others than you."
        )
    return _text([*lines, *_left(result, request)])


def _left(result: Result, request: Request) -> list[str]:
    """Say what is left to do: here, or for whoever reads the plan of an upgrade elsewhere."""
    if request.upgrade:
        return ["By hand it is `nox -s regenerate -- --sprint NAME --to latest`."]
    if result.conflicts:
        done = (
            "Resolve the conflicts, `git add` each file, then commit as ever; the hooks judge it."
        )
    else:
        done = (
            "Everything is staged: look at it, then "
            f"`git commit -m 'Regenerate for {request.sprint}'`."
        )
    return [done, "`ai-program abort` brings everything back."]


def nothing(prepared: Prepared) -> str:
    """Return that the repository has what its answers and its template make."""
    return _text(["There is nothing to do: answers, template and lock agree.", *_notes(prepared)])


def waiting(sprint: str, unmerged: Sequence[Unmerged]) -> str:
    """Return how far a regeneration is that is not committed."""
    if not unmerged:
        return _text(
            [
                f"There is nothing to do: sprint/{sprint} is regenerated and staged.",
                "Commit it, or `ai-program abort`.",
            ]
        )
    lines = [f"sprint/{sprint} is regenerated, and these conflicts are left:"]
    lines += [f"  C {each.path}: {each.reason}" for each in unmerged]
    return _text([*lines, "Resolve them and `git add` each file, or `ai-program abort`."])


def blocked(paths: Sequence[str]) -> str:
    """Return which files would stop a regeneration."""
    if not paths:
        return ""
    return _text(["It would be refused as long as these ignored files are in the way:",
                  *(f"  {path}" for path in paths)])  # fmt: skip


def aborted(found: State, kept: str | None) -> str:
    """Return that everything is as before."""
    lines = [f"The regeneration for {found.sprint} is undone; everything is as before."]
    if kept:
        lines.append(f"What stood in the files is kept in the commit {kept[:12]} (git show).")
    return _text(lines)


def status(
    repository: Repository,
    text: str,
    found: State | None,
    unmerged: Sequence[Unmerged],
    standing: Sequence[str],
) -> str:
    """Return where the repository stands; ``standing`` says it of the programme."""
    try:
        lock = json.loads(text)
        template, engine = lock["template"], lock["engine"]
        lines = [
            f"template  {template['source']} at {template['commit'][:12]} ({template['version']})",
            f"newer     {_newer(repository, template)}",
            f"engine    {engine['source']} at {engine['rev'][:12]}",
        ]
        answers = lock["answers"]
    except (ValueError, TypeError, KeyError):
        raise Misuse("the lock cannot be read: take it from a commit where it could") from None
    lines += [f"answers   {line}" for line in _against_lock(repository, answers)]
    lines += standing
    if found is not None and found.phase == BEGUN:
        lines.append(f"A regeneration for {found.sprint} was interrupted: `ai-program abort`.")
    elif found is not None:
        lines.append(waiting(found.sprint, unmerged).rstrip("\n"))
    return _text(lines)


def _newer(repository: Repository, template: dict[str, Any]) -> str:
    done = repository.run("ls-remote", "--tags", "--refs", "--", template["source"])
    if done.returncode:
        return "unknown: the template cannot be reached"
    tags = [line.split("refs/tags/", 1)[1] for line in done.stdout.decode().splitlines()]
    known = tuple(int(part) for part in template["version"].split("."))
    found = sorted(version for version in rendering.releases(tags) if version > known)
    return ", ".join(".".join(map(str, version)) for version in found) or "no release"


def _against_lock(repository: Repository, locked: dict[str, Any]) -> Iterator[str]:
    try:
        given = rendering.given_answers((repository.root / WORKSHOP).read_bytes())
        now = workshop.resolve(given)["answers"]
    except OSError as error:
        yield f"{WORKSHOP} cannot be read: {error.strerror}"
        return
    except Misuse as error:
        yield str(error)
        return
    except RefusedError as error:
        yield f"refused: {' '.join(str(error).split())}"
        return
    changed = [key for key in {**locked, **now} if locked.get(key) != now.get(key)]
    for key in changed:
        yield f"{key}: {_shown(locked.get(key))} → {_shown(now.get(key))}"
    if not changed:
        yield "as in the lock"


# Parts --------------------------------------------------------------------------------------------


def _versions(prepared: Prepared) -> list[str]:
    old, new = prepared.team.lock["template"], prepared.renderings.new.template
    if old["commit"] == new["commit"]:
        return [f"template  {new['source']} at {new['commit'][:12]}, unchanged"]
    return [
        f"template  {new['source']}",
        (
            f"          {old['commit'][:12]} ({old['version']}) → "
            f"{new['commit'][:12]} ({new['version']})"
        ),
    ]


def _answers(prepared: Prepared) -> list[str]:
    if not prepared.answers:
        return ["answers   unchanged"]
    return ["answers", *(line for key, (old, new) in prepared.answers.items()
                         for line in _answer(key, old, new))]  # fmt: skip


def _answer(key: str, old: object, new: object) -> Iterator[str]:
    """Name an answer that changed; of a map the entries."""
    if isinstance(old, dict) and isinstance(new, dict):
        for entry in dict.fromkeys((*old, *new)):
            if old.get(entry) != new.get(entry):
                yield f"  {key}.{entry}: {_entry(old, entry)} → {_entry(new, entry)}"
    else:
        yield f"  {key}: {_shown(old)} → {_shown(new)}"


def _entry(value: dict[str, Any], key: str) -> str:
    return _shown(value[key]) if key in value else "none"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDE else f"{text[: _WIDE - 1]}…"


def _files(result: Result) -> list[str]:
    lines = ["files"]
    for change in result.changes:
        name = f"{change.before} → {change.path}" if change.before else change.path
        lines.append(f"  {change.letter} {name}")
    lines += [f"  C {each.path}: {each.reason}" for each in result.conflicts]
    return lines


def _guardrails(views: Views) -> list[str]:
    lines = ["guardrails"]
    lines += _moves("asked for", views.asked_for)
    lines += _moves("in effect", views.in_effect)
    lines += _moves("the team's own deviation", views.deviation)
    lines += [f"  removed: {path}" for path in views.removed]
    return lines


def _moves(title: str, moves: Moves) -> Iterator[str]:
    if not moves.moves and not moves.undecided:
        yield f"  {title}: none"
        return
    yield f"  {title}:"
    for direction in (polarity.LOOSENED, polarity.TIGHTENED, polarity.NEUTRAL):
        for move in moves.of(direction):
            yield f"    {direction:<9} {move.path}: {move.text}"
    for path in moves.undecided:
        yield f"    unknown   {path}: there is a conflict in it"


def _notes(prepared: Prepared) -> list[str]:
    return ["notes", *(f"  {note}" for note in prepared.notes)] if prepared.notes else []


def _count(result: Result) -> str:
    files, conflicts = len(result.changes), len(result.conflicts)
    return (
        f"{files} changed file{'' if files == 1 else 's'} and "
        f"{conflicts or 'no'} conflict{'' if conflicts == 1 else 's'}"
    )


def _text(lines: Iterable[str]) -> str:
    """Return lines of which none can hide anything from a terminal."""
    return "".join("".join(c if c.isprintable() else "?" for c in line) + "\n" for line in lines)
