"""Finishes a generated repository: what cookiecutter's rendering can't do.

Runs as cookiecutter's post-generation hook, with its interpreter, in the new directory. Files that
the use case does not have are taken away, the schemas and the answers are put in, the lock is
written, and git gets its first commit where there is somebody to make it. Up to the lock a failure
is fatal, and cookiecutter removes the directory. After it nothing is: the files are good, and what
git could not do is said with the command that does it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from ai_program import escaping, lock, paths, workshop
from ai_program.origin import git, without_git_variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SCHEMAS = ".ai-program/schemas"
WORKSHOP = "workshop.yaml"


def finish(facts: Mapping[str, Any], root: Path) -> int:
    """Finish the repository at ``root`` and say what comes next; returns the exit code."""
    layout = workshop.load("layout.yaml")
    prune(root, facts, layout)
    _copy_schemas(root)
    answers = workshop_yaml(facts)
    (root / WORKSHOP).write_text(answers, encoding="utf-8", newline="\n")
    lock.write(root, lock.build(facts, root, _files(root), layout))
    left = first_commit(root, facts)
    text = next_steps(facts, root, left)
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    return 0


def _files(root: Path) -> list[str]:
    """List the files of the repository, without git's own."""
    found = []
    for directory, folders, names in os.walk(root):
        folders[:] = sorted(folder for folder in folders if folder != ".git")
        found += [Path(directory, name).relative_to(root).as_posix() for name in names]
    return sorted(found)


# Files --------------------------------------------------------------------------------------------


def prune(root: Path, facts: Mapping[str, Any], layout: Mapping[str, Any]) -> None:
    """Take away what this use case and tier don't have, and what no commit would hold."""
    for path in _files(root):
        group = lock.listed(path, layout)
        if "__pycache__" in path.split("/") or (group and not applies(group.get("when"), facts)):
            (root / path).unlink()
    for directory, _, _ in os.walk(root, topdown=False):
        place = Path(directory)
        if place != root and ".git" not in place.parts and not any(place.iterdir()):
            place.rmdir()


def applies(when: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> bool:
    """Whether a condition of the layout holds: each key names a fact and its allowed values."""
    known = {
        "use_case": facts["use_case"],
        "tier": facts["tier"],
        "pipeline": facts["has_pipeline"],
    }
    return all(known[key] in _listed(values) for key, values in (when or {}).items())


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _copy_schemas(root: Path) -> None:
    """Put the schemas in, so that an editor checks governed files without a network."""
    target = root / SCHEMAS
    target.mkdir(parents=True, exist_ok=True)
    for schema in sorted(Path(paths.root(), "schemas").glob("*.json")):
        shutil.copyfile(schema, target / schema.name)


def workshop_yaml(facts: Mapping[str, Any]) -> str:
    """Return the answers as a configuration file of cookiecutter, in the workshop's order."""
    lines = [
        "# yaml-language-server: $schema=.ai-program/schemas/workshop.schema.json\n",
        "# The answers of the workshop, from which this repository was generated. A change here\n",
        "# takes effect when it is generated again; until then the hooks hold to the old ones.\n",
        "# A map that is {} is the use case's own set; .ai-program/lock.json has it in full.\n",
        "default_context:\n",
    ]
    sections = {section["id"]: section for section in workshop.load("workshop.yaml")["sections"]}
    current = ""
    for key, question in workshop.questions().items():
        if question["section"] != current:
            current = question["section"]
            lines.append(f"\n  # {sections[current]['title']}\n")
        lines.append(f"  # {question['question']}\n")
        lines.append(escaping.yaml_block({key: facts["given"][key]}, 2))
    block = {"schema_version": 1, "sprint": facts["sprint"]["id"]}
    return "".join(lines) + "\n" + escaping.yaml_block({"ai_program": block})


# Git ----------------------------------------------------------------------------------------------


class Left:
    """What git leaves to the user: why, and the commands that do it."""

    __slots__ = ("commands", "remarks")

    def __init__(self, remarks: list[str], commands: list[str]) -> None:
        self.remarks = remarks
        self.commands = commands


def first_commit(root: Path, facts: Mapping[str, Any]) -> Left | None:
    """Make the first commit, or return what is left to the user; an identity is never invented."""
    message = f"Generate {facts['name']} from its workshop of {facts['workshop_date']}"
    commit = f"git commit -m {shlex.quote(message)}"
    anew = ["git init -b main", "git add --all", commit]
    try:
        env = without_git_variables()
        if (root / ".git").exists():
            return Left(["There is a repository here already: see what changed."], ["git status"])
        around = git(root, ["rev-parse", "--show-toplevel"], env)
        if around.returncode == 0 or "dubious ownership" in around.stderr:
            outer = around.stdout.strip() or "another repository"
            return Left(
                [
                    f"This directory lies inside {outer}, so git was not touched.",
                    "It is meant to be a repository of its own: move it out of there first.",
                ],
                anew,
            )
        return _commit(root, message, env)
    except OSError as error:
        reason = error.strerror or str(error)
        return Left([f"git could not be run ({reason}). Once it can:"], anew)


def _commit(root: Path, message: str, env: Mapping[str, str]) -> Left | None:
    commit = f"git commit -m {shlex.quote(message)}"
    made = git(root, ["init", "--quiet", "--initial-branch=main"], env)
    if made.returncode != 0:
        return Left(_said("git could not make a repository", made.stderr), [
            "git init -b main", "git add --all", commit,
        ])  # fmt: skip
    # What was generated is committed as it is, whatever the user's settings ignore or convert.
    exact = ["-c", "core.autocrlf=false", "-c", "core.safecrlf=false"]
    added = git(root, [*exact, "add", "--all", "--force"], env)
    if added.returncode != 0:
        return Left(_said("git could not stage the files", added.stderr), [
            "git add --all", commit,
        ])  # fmt: skip
    strict = ["-c", "user.useConfigOnly=true"]
    quiet = ["-c", f"core.hooksPath={os.devnull}", "-c", "commit.gpgsign=false"]
    done = git(root, [*strict, *quiet, "commit", "--quiet", "--no-verify", "-m", message], env)
    if done.returncode == 0:
        return None
    identities = ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")
    if any(git(root, [*strict, "var", name], env).returncode != 0 for name in identities):
        return Left(["Everything is staged; git does not know yet who commits."], [
            'git config user.name "Your Name"', "git config user.email you@example.org", commit,
        ])  # fmt: skip
    return Left(_said("Everything is staged, but git could not commit", done.stderr), [commit])


def _said(what: str, error: str) -> list[str]:
    return [f"{what}:", *(f"  {line}" for line in error.strip().splitlines()[:5])]


# What comes next ----------------------------------------------------------------------------------


def next_steps(facts: Mapping[str, Any], root: Path, left: Left | None) -> str:
    """Return what the user reads when everything is done: short, and true for this repository."""
    where = _from_here(root)
    use_case = facts["use_case_title"].lower()
    kind = f"{use_case}, {facts['tier']} tier, {facts['status']}"
    steps = [
        (f"cd {shlex.quote(where)}", ""),
        *((command, "") for command in (left.commands if left else [])),
        ("python -m pip install nox pre-commit", "in a virtual environment, or with pipx"),
        ("pre-commit install", "the hooks hold each commit to the workshop"),
        ("nox -s setup", "one environment for everything"),
    ]
    if facts["has_pipeline"] and not facts["has_data"]:
        steps.append(("nox -s adopt -- FILE --target COLUMN", "a CSV file becomes the data"))
    if facts["has_pipeline"]:
        steps.append(("nox -s pipeline", "data, contract, features, training, evaluation"))
    width = max(len(command) for command, why in steps if why)
    lines = ["", f"{facts['name']} is in {where} ({kind})."]
    lines += ["", *left.remarks] if left else []
    lines += ["", "Next:", *(f"  {command:<{width}}  {why}".rstrip() for command, why in steps)]
    if not facts["has_pipeline"]:
        lines += [
            "",
            f"There is no pipeline for {use_case} yet: policies, contract, features and evaluation",
            "are here and enforced, and the backlog says what to build.",
        ]
    if facts["draft_reasons"]:
        lines += ["", "It is a draft and can't be promoted:"]
        lines += [f"  - {reason}" for reason in facts["draft_reasons"]]
    if facts["template"]["local"]:
        lines += [
            "",
            "The hooks are pinned to a revision that only this machine has:",
            f"  {facts['template']['source']} at {facts['template']['commit'][:12]}",
            "Commits warn of it and CI refuses it. To share the repository, generate it from a",
            "revision that is pushed.",
        ]
    return "\n".join([*lines, "", ""])


def _from_here(root: Path) -> str:
    """Return the directory as the user would type it: the shell's place is in PWD."""
    here = os.environ.get("PWD")
    try:
        if here and Path(here).is_dir():
            shown = os.path.relpath(root, here)
            return shown if len(shown) < len(str(root)) else str(root)
    except ValueError:  # another drive
        pass
    return str(root)
