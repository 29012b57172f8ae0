"""Regeneration again and again, on several branches, in clones, and under anybody's settings."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
from regeneration.teams import NEW, OLD, Team, numbered, rendering

from ai_program.git import CannotDecide, Misuse
from ai_program.regeneration import commands, merging
from ai_program.regeneration.preparing import Request

A = "docs/a.md"
THIRD = "3" * 40


def test_squashed_merges_and_two_more_rounds(make_team):
    team = make_team({A: numbered()})
    team.edit({A: numbered((10, "team 1"))})
    second = {A: numbered((2, "template 2"))}
    assert team.regenerate(second) == 0
    team.accept(second)
    team.git("switch", "-q", "main")
    team.git("merge", "-q", "--squash", "sprint/sprint-02")
    team.save("Squashed")
    assert team.read(A) == numbered((2, "template 2"), (10, "team 1"))

    team.edit({A: numbered((2, "template 2"), (7, "team 2"), (10, "team 1"))})
    third = {A: numbered((2, "template 3"))}
    assert team.regenerate(third, "sprint-03", commit=THIRD) == 0
    team.accept(third, THIRD)
    assert team.read(A) == numbered((2, "template 3"), (7, "team 2"), (10, "team 1"))
    assert team.read(".ai-program/history/0002.json")

    assert team.regenerate(third, "sprint-04", commit=THIRD) == 0
    assert team.git("branch", "--list", "sprint/sprint-04") == "", "there was nothing to do"


def test_a_downgrade_takes_back_what_the_newer_version_brought(make_team):
    team = make_team({A: numbered()})
    newer = {A: numbered((2, "newer")), "docs/new.md": "new\n"}
    team.regenerate(newer)
    team.accept(newer)
    team.edit({A: numbered((2, "newer"), (9, "team"))})
    assert team.regenerate({A: numbered()}, "sprint-03", commit=OLD) == 0
    assert team.read(A) == numbered((9, "team"))
    assert team.read("docs/new.md") is None
    assert team.lock()["template"]["commit"] == OLD


def test_two_sprints_on_two_branches_conflict_in_the_open(make_team):
    team = make_team({A: numbered()})
    one, other = {A: numbered((2, "one"))}, {A: numbered((9, "other"))}
    for sprint, files, commit in (("one", one, NEW), ("other", other, THIRD)):
        team.git("switch", "-q", "main")
        assert team.regenerate(files, sprint, commit=commit) == 0
        team.save(sprint)
    team.git("merge", "-q", "sprint/one", check=False)
    assert set(team.unmerged()) == {
        ".ai-program/history/0001.json", ".ai-program/lock.json", "workshop.yaml"
    }  # fmt: skip
    assert team.read(A) == numbered((2, "one"), (9, "other"))
    # The team takes the newer lock; regenerating from there changes nothing that is there already.
    team.git("checkout", "-q", "--ours", ".")
    team.save("Merged")
    team.template, team.commit = other, THIRD
    both = {A: numbered((2, "one"), (9, "other"))}
    assert team.regenerate(both, "both", commit="4" * 40) == 0
    assert team.read(A) == both[A]


def test_a_shallow_clone_is_enough(make_team, tmp_path):
    team = make_team({A: numbered()})
    team.edit({A: numbered((9, "team"))})
    subprocess.run(["git", "clone", "-q", "--depth", "1", team.root.as_uri(), tmp_path / "clone"],
                   check=True)  # fmt: skip
    clone = Team.__new__(Team)
    clone.root, clone.template, clone.commit, clone.answers = (
        tmp_path / "clone", team.template, team.commit, team.answers,
    )  # fmt: skip
    before = clone.everything()
    new = {A: numbered((2, "template"))}
    assert clone.plan(new) == 0
    assert clone.everything() == before
    assert clone.regenerate(new) == 0
    assert clone.read(A) == numbered((2, "template"), (9, "team"))


def test_pins_are_written_past_a_conflict_around_them(make_team):
    config = 'repos:\n  - repo: "https://example.org/ai-program"\n    rev: "{}"\n    hooks: [{}]\n'
    path = ".pre-commit-config.yaml"
    team = make_team({path: config.format(OLD, "a")})
    team.edit({path: config.format(OLD, "team")})
    assert team.regenerate({path: config.format(NEW, "template")}) == 3
    text = team.read(path)
    assert f'rev: "{NEW}"' in text
    assert OLD not in text
    assert "hooks: [team]" in text
    assert "hooks: [template]" in text


def test_the_lock_and_the_history_say_what_happened(make_team):
    team = make_team({A: "1\n", "src/x.py": "x\n"}, answers={"limits": {"a": 1, "b": 2}, "q": 1})
    new = {A: "2\n", "src/x.py": "y\n"}
    assert team.regenerate(new, answers={"limits": {"a": 1}, "q": 2}) == 0
    lock = team.lock()
    assert lock["template"]["commit"] == lock["engine"]["rev"] == NEW
    assert lock["answers"] == {"limits": {"a": 1}, "q": 2}
    assert lock["files"][A]["digest"] == merging.digest(b"2\n")
    assert lock["files"]["src/x.py"]["digest"] == merging.digest(b"x\n"), "it was never written"
    entry = team.read(".ai-program/history/0001.json")
    assert '"sprint": "sprint-02"' in entry
    assert '"q": {\n      "from": 1,\n      "to": 2' in entry
    assert "sprint: sprint-02" in team.read("workshop.yaml")


@pytest.mark.parametrize(("given", "written"), [("2027-01-08",) * 2, (None, "2027-01-15")])
def test_a_drafted_decision_has_the_day_that_was_given(given, written, make_team, monkeypatch):
    team = make_team({"runbooks/own.md": "own\n", A: "1\n"})
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")  # in place of the clock
    request = Request(sprint="sprint-02", today=given)
    assert commands.regenerate(team.repository, request, team.renderer({A: "1\n"})) == 0
    draft = team.read("decisions/0001-sprint-02.md")
    assert f'date: "{written}"\n' in draft
    assert 'authorises:\n  - {"change": "runbooks/own.md", "to": null}\n' in draft


def test_the_edited_answers_are_staged_and_an_abort_gives_them_back_unstaged(make_team):
    team = make_team({A: "1\n"})
    edited = "default_context: {risk: high}\nai_program: {schema_version: 1, sprint: sprint-01}\n"
    team.write({"workshop.yaml": edited})
    before = team.everything()
    assert team.regenerate({A: "2\n"}) == 0
    assert "workshop.yaml" in team.git("diff", "--cached", "--name-only").split()
    commands.abort(team.repository)
    assert team.everything() == before

    team.git("add", "workshop.yaml")
    before = team.everything()
    assert team.regenerate({A: "2\n"}) == 0
    commands.abort(team.repository)
    assert team.everything() == before


def test_an_abort_keeps_what_was_resolved_so_far(make_team, capsys):
    team = make_team({A: numbered()})
    team.edit({A: numbered((5, "team"))})
    before = team.everything()
    assert team.regenerate({A: numbered((5, "template"))}) == 3
    team.write({A: numbered((5, "an hour of thought"))})
    commands.abort(team.repository)
    assert team.everything() == before
    kept = capsys.readouterr().out.split("in the commit ")[1].split()[0]
    assert "an hour of thought" in team.git("show", f"{kept}:{A}")


def test_after_the_commit_nothing_is_under_way(make_team, capsys):
    team = make_team({A: "1\n"})
    new = {A: "2\n"}
    team.regenerate(new)
    team.accept(new)
    capsys.readouterr()
    assert commands.abort(team.repository) == 0
    assert "nothing to abort" in capsys.readouterr().out
    assert team.read(A) == "2\n"
    assert team.regenerate(new) == 0
    assert "nothing to do" in capsys.readouterr().out


# Refusals -----------------------------------------------------------------------------------------


def dirty(team):
    team.write({"own.md": "new\n"})


def edited(team):
    team.write({A: "edited\n"})


def detached(team):
    team.git("checkout", "-q", "--detach")


def merging_now(team):
    (team.root / ".git" / "MERGE_HEAD").write_text(team.git("rev-parse", "HEAD"))


def ignored(team):
    team.edit({".gitignore": "secret\n"})
    team.write({"secret": "mine alone\n"})


def ignored_folder(team):
    team.edit({".gitignore": "later\n"})
    team.write({"later": "mine alone\n"})


def hidden(team):
    team.git("update-index", "--assume-unchanged", A)


def branch_exists(team):
    team.git("branch", "sprint/sprint-02")


def no_lock(team):
    team.edit({".ai-program/lock.json": None})


def broken_lock(team):
    team.edit({".ai-program/lock.json": "{"})


REFUSALS = {
    "dirty": (dirty, "commit or remove first what is not committed"),
    "edited": (edited, "only workshop.yaml may be edited: docs/a.md"),
    "detached": (detached, "say --force-branch"),
    "merging": (merging_now, "a merge is under way here"),
    "ignored": (ignored, "move them away first: secret"),
    "ignored folder": (ignored_folder, "move them away first: later"),
    "hidden": (hidden, "git was told not to look at files"),
    "branch exists": (branch_exists, "there is a branch sprint/sprint-02 already"),
    "no lock": (no_lock, "is this a generated repository?"),
    "broken lock": (broken_lock, "cannot be read"),
}


# A plan makes no branch, and says of ignored files all that it would do without them.
PLANNED = {"detached": 0, "branch exists": 0, "ignored": 2, "ignored folder": 2}


@pytest.mark.parametrize("name", REFUSALS)
def test_it_refuses_in_one_line_and_changes_nothing(name, make_team, capsys):
    team = make_team({A: "1\n"})
    prepare, message = REFUSALS[name]
    prepare(team)
    before = team.everything()
    new = {A: "2\n", "secret": "template\n", "later/a": "template\n"}
    with pytest.raises(Misuse) as refused:
        team.regenerate(new)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert team.everything() == before
    if name in PLANNED:
        assert team.plan(new) == PLANNED[name]
        blocked = "It would be refused as long as these ignored files are in the way"
        assert (blocked in capsys.readouterr().out) == (PLANNED[name] == 2)
    else:
        with pytest.raises(Misuse, match=re.escape(str(refused.value))):
            team.plan(new)
    assert team.everything() == before


def relocked(team, source, **template):
    """Commit a lock that names another origin."""
    lock = team.lock()
    lock["template"].update(source=str(source), **template)
    team.edit({".ai-program/lock.json": json.dumps(lock)})


ANSWERS = {
    "no YAML": ("default_context: {", "workshop.yaml cannot be read: "),
    "no answers": ("ai_program: {schema_version: 1}\n", "has no answers: they stand below"),
    "a list": ("- 1\n", "has no answers"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_that_cannot_be_read_are_refused(name, make_team):
    team = make_team({A: "1\n"})
    text, message = ANSWERS[name]
    team.write({"workshop.yaml": text})
    assert_refused(team, message)


def test_a_template_with_uncommitted_changes_is_refused(make_team):
    team = make_team({A: "1\n"})
    relocked(team, team.root, dirty=True)
    assert_refused(team, "generated from a template with uncommitted changes")


def test_a_template_without_the_locked_commit_is_refused(make_team, tmp_path):
    """The history was rewritten, say. Nothing else is taken in place of what is locked."""
    team = make_team({A: "1\n"})
    other = Team(tmp_path / "template", {A: "2\n"})
    relocked(team, other.root)
    assert_refused(team, f"the template {other.root} has no revision {OLD}; --source ADDRESS")
    relocked(team, tmp_path / "gone")
    assert_refused(team, f"the template {tmp_path / 'gone'} cannot be reached")
    assert_refused(team, f"the template {other.root} has no revision", source=str(other.root))


def assert_refused(team, message, **more):
    """Both commands say it in one line, with the real renderer, and change nothing."""
    before = team.everything()
    for command, sprint in ((commands.plan, None), (commands.regenerate, "sprint-02")):
        with pytest.raises((Misuse, CannotDecide)) as refused:
            command(team.repository, Request(sprint=sprint, **more))
        assert message in str(refused.value)
        assert "\n" not in str(refused.value)
        assert team.everything() == before


def test_a_detached_head_is_left_only_when_told_to(make_team):
    team = make_team({A: "1\n"})
    team.git("checkout", "-q", "--detach")
    before = team.everything()
    assert team.regenerate({A: "2\n"}, force_branch=True) == 0
    assert team.git("branch", "--show-current") == "sprint/sprint-02"
    commands.abort(team.repository)
    assert team.everything() == before


@pytest.mark.parametrize("sprint", ["", "Sprint 2", "a..b", "-x", "x/", "x.lock", "ä", "a_b"])
def test_a_sprint_has_a_plain_name(sprint, make_team):
    team = make_team({A: "1\n"})
    with pytest.raises(Misuse, match="no name of a sprint"):
        team.regenerate({A: "2\n"}, sprint)


def test_outside_of_git_it_says_so(tmp_path, clean_machine, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commands.main("plan", []) == 2
    assert "not a git repository" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("regenerate", []),
        ("regenerate", ["--sprint"]),
        ("regenerate", ["--sprint", "a", "--sprint", "b"]),
        ("regenerate", ["--sprint", "a", "--today", "tomorrow"]),
        ("regenerate", ["--sprint", "a", "--today", "20261123"]),
        ("plan", ["--sprint", "a"]),
        ("plan", ["--today", "2026-11-23"]),
        ("plan", ["--to", "--upload-pack=x"]),
        ("abort", ["now"]),
        ("status", ["--all"]),
    ],
)
def test_wrong_use_is_refused(command, words, capsys):
    assert commands.main(command, words) == 2
    assert capsys.readouterr().err.startswith(f"ai-program {command}: ")


# Interruption -------------------------------------------------------------------------------------


class Killed(BaseException):
    """What a killed process does: nothing more."""


def test_it_can_be_killed_at_each_step(make_team, monkeypatch):
    """At each call of git, before it and after it; the abort brings everything back."""
    from ai_program.regeneration.repository import Repository

    team = make_team({A: numbered(), "managed/m": "1\n"})
    team.edit({A: numbered((5, "team")), "own.md": "own\n"})
    team.write({"workshop.yaml": "default_context: {x: 1}\n"})
    new = {A: numbered((5, "template")), "managed/m": "2\n", "docs/new/deep.md": "new\n"}
    before = team.everything()
    run, calls, limit = Repository.run, 0, 0

    def killing(self, *arguments, **more):
        nonlocal calls
        calls += 1
        if calls == limit:
            if limit % 2:
                run(self, *arguments, **more)
            raise Killed
        return run(self, *arguments, **more)

    interrupted = 0
    while True:
        limit, calls = limit + 1, 0
        monkeypatch.setattr(Repository, "run", killing)
        try:
            code = team.regenerate(new)
        except Killed:
            code = None
        monkeypatch.setattr(Repository, "run", run)
        if code is not None:
            break
        if (team.root / ".git/ai-program/regeneration.json").exists():
            interrupted += 1
            with pytest.raises(Misuse, match="was interrupted"):
                team.regenerate(new)
            with pytest.raises(Misuse, match="was interrupted"):
                team.plan(new)
            commands.abort(team.repository)
        assert team.everything() == before, limit
    assert code == 3
    assert interrupted > 10


def test_a_lock_that_a_killed_git_left_does_not_stop_the_abort(make_team, monkeypatch):
    from ai_program.regeneration import state

    team = make_team({A: "1\n"})
    before = team.everything()
    assert team.regenerate({A: "2\n"}) == 0
    (team.root / ".git" / "index.lock").write_text("")
    monkeypatch.setattr(state, "_PATIENCE", 0.1)
    commands.abort(team.repository)
    assert team.everything() == before


def test_a_failure_of_git_takes_everything_back(make_team, monkeypatch):
    team = make_team({A: "1\n"})
    before = team.everything()

    def fail(*_arguments):
        raise CannotDecide("the disk is full")

    monkeypatch.setattr(commands, "views", fail)
    with pytest.raises(CannotDecide):
        team.regenerate({A: "2\n"})
    assert team.everything() == before


# Anybody's settings -------------------------------------------------------------------------------

HOSTILE = """\
[merge]
	conflictStyle = merge
	renames = false
	renameLimit = 1
	directoryRenames = false
	default = ours
	ff = only
[diff]
	renames = false
	noprefix = true
	external = false
[rerere]
	enabled = true
	autoUpdate = true
[commit]
	gpgSign = true
[init]
	templateDir = {home}/template
[apply]
	whitespace = error-all
[core]
	quotePath = true
	whitespace = cr-at-eol,tab-in-indent
	excludesFile = {home}/ignore
	attributesFile = {home}/attributes
	hooksPath = {home}/hooks
[status]
	showUntrackedFiles = no
	relativePaths = true
[color]
	ui = always
[user]
	useConfigOnly = true
[advice]
	detachedHead = true
"""


def test_settings_of_the_user_change_nothing(make_team, clean_machine, monkeypatch):
    new = {"docs/b.md": numbered((2, "template"), (6, "theirs"))}
    results = []
    for hostile in (False, True):
        team = make_team({A: numbered()})
        team.edit({A: numbered((6, "ours"), (11, "team"))})
        if hostile:
            (clean_machine / "hooks").mkdir()
            (clean_machine / "template").mkdir()
            (clean_machine / "template" / "HEAD").write_text("ref: refs/heads/nowhere\n")
            for hook in (
                "post-checkout",
                "pre-commit",
                "post-index-change",
                "reference-transaction",
            ):
                place = clean_machine / "hooks" / hook
                place.write_text("#!/bin/sh\nexit 1\n")
                place.chmod(0o755)
            (clean_machine / "ignore").write_text("*\n")
            (clean_machine / "attributes").write_text("* merge=ours\n* binary\n")
            (clean_machine / ".gitconfig").write_text(HOSTILE.format(home=clean_machine))
            for name, value in {"TZ": "Asia/Kathmandu", "LANG": "de_DE.UTF-8", "LC_ALL": "C",
                                "GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index",
                                "GIT_WORK_TREE": "/nowhere"}.items():  # fmt: skip
                monkeypatch.setenv(name, value)
            old = os.umask(0o077)
        try:
            code = commands.regenerate(
                commands.here(team.root), Request(sprint="sprint-02", today="2026-11-23"),
                team.renderer(new),
            )  # fmt: skip
        finally:
            if hostile:
                os.umask(old)
                for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
                    monkeypatch.delenv(name)
                (clean_machine / ".gitconfig").unlink()
        found = team.everything()
        found.pop("refs")
        results.append((code, found))
        if not hostile:
            team.root.rename(team.root.with_name("first"))
    assert results[0][0] == 3
    assert results[0] == results[1]


def test_the_same_template_twice_is_the_same_rendering():
    assert rendering({A: "1\n"}, OLD) == rendering({A: "1\n"}, OLD)
