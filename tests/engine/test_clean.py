"""What is remembered of a run that passed: as long as nothing changed, and never an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from engine.repositories import TODAY
from engine.toys import TOYS

from ai_program import checking, clean, cli, paths, rules

CLEAN = "id: a\nowner: a@example.org\n"


@pytest.fixture
def runs(governed, baseline, monkeypatch):
    """Return a function that runs the check and tells whether it had to judge: code, judged."""
    for name in list(os.environ):
        if name.startswith(("GIT", "CI", "PRE_COMMIT")):
            monkeypatch.delenv(name)
    for name, value in governed.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(governed.path.parent / "cache"))
    monkeypatch.chdir(governed.path)
    monkeypatch.setattr(paths, "root", lambda: baseline.root)
    monkeypatch.setattr(rules, "find", TOYS.__getitem__)
    judged = []
    check = checking.check
    monkeypatch.setattr(
        checking, "check", lambda *args, **options: judged.append(1) or check(*args, **options)
    )

    def run(*arguments: str, today: str = TODAY) -> tuple[int, bool]:
        judged.clear()
        code = cli.run(["check", "--today", today, *arguments])
        return code, bool(judged)

    governed.add("contracts/a.odcs.yaml", CLEAN)
    return run


@pytest.fixture
def memory(governed):
    """Return the file that remembers."""
    return governed.path.parent / "cache" / "ai-program" / "clean"


def test_the_same_question_is_answered_from_memory(runs, memory):
    assert runs() == (0, True)
    assert len(memory.read_text().split("\n")) == 2
    assert runs() == (0, False)
    assert runs("--stage", "commit") == (0, False)


def test_before_the_first_commit_too(governed, runs):
    governed.git("update-ref", "-d", "HEAD")
    assert runs() == (0, True)
    assert runs() == (0, False)
    governed.commit()
    assert runs() == (0, True)


def test_the_working_tree_is_not_part_of_the_question(governed, runs):
    runs()
    governed.write("contracts/a.odcs.yaml", "TODO: TODO\n")
    assert runs() == (0, False)


CHANGES = {
    "another index": lambda repo: repo.add("contracts/a.odcs.yaml", CLEAN + "x: y\n"),
    "another mode": lambda repo: repo.git("update-index", "--chmod=+x", "contracts/a.odcs.yaml"),
    "another base": lambda repo: repo.commit(),
    "another name": lambda repo: repo.git("mv", "contracts/a.odcs.yaml", "contracts/b.odcs.yaml"),
    "another message": lambda repo: repo.git("commit", "-q", "--amend", "-m", "other"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_judged(governed, runs, change):
    runs()
    CHANGES[change](governed)
    assert runs() == (0, True)


def test_another_day_is_judged(runs):
    runs()
    assert runs(today="2026-11-23") == (0, True)


def test_another_baseline_is_judged(runs, baseline):
    runs()
    catalogue = Path(baseline.root) / "rules.yaml"
    os.utime(catalogue, ns=(0, catalogue.stat().st_mtime_ns + 1))
    assert runs() == (0, True)
    assert runs() == (0, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--no-cache",),
        ("--format", "text"),
        ("--select", "AIP901"),
        ("--base", "HEAD", "--head", "HEAD"),
        ("--stage", "push"),
    ],
)
def test_other_questions_are_judged_and_not_remembered(runs, memory, arguments):
    runs()
    known = memory.read_text()
    assert runs(*arguments)[1]
    assert memory.read_text() == known


def test_ci_neither_believes_nor_remembers(runs, memory, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert runs() == (0, True)
    assert not memory.exists()
    monkeypatch.setenv("CI", "")
    runs()
    monkeypatch.setenv("CI", "1")
    assert runs() == (0, True)


def test_what_blocks_is_never_remembered(governed, runs, memory):
    governed.add("contracts/a.odcs.yaml", "id: a\nowner: TODO\n")
    assert runs() == (1, True)
    assert not memory.exists()
    assert runs() == (1, True)


def test_a_warning_is_said_again(governed, runs, capsys):
    governed.add("contracts/a.odcs.yaml", "id: a\nowner: a\n")
    assert runs() == (0, True)
    said = capsys.readouterr().out
    assert "· 0 errors · 1 warning" in said
    assert runs() == (0, False)
    assert capsys.readouterr().out == said


def test_what_depends_on_who_commits_is_not_remembered(runs, memory, monkeypatch):
    class AIP901(TOYS["AIP901"]):
        def check(self, program):
            assert program.snapshot.author
            yield from ()

    monkeypatch.setattr(rules, "find", {**TOYS, "AIP901": AIP901}.__getitem__)
    assert runs() == (0, True)
    assert not memory.exists()


def test_an_empty_file_may_be_intended_only(governed, runs, memory):
    governed.add("empty", "")
    assert runs() == (0, True)
    assert not memory.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data.upper(),
        lambda data: b"\0" * len(data),
        lambda data: data.replace(b"\n", b" "),
        lambda data: data * 200,
        lambda data: b"not a state\n" + data,
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data.replace(b" \n", b" 6869\n"),  # words that no run said
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"",
    ],
)
def test_a_damaged_memory_is_no_memory(runs, memory, damage):
    runs()
    memory.write_bytes(damage(memory.read_bytes()))
    assert runs() == (0, True)
    assert runs() == (0, False)


def test_a_folder_in_its_place_is_no_memory(runs, memory):
    memory.mkdir(parents=True)
    assert runs() == (0, True)
    assert runs() == (0, True)


def test_where_nothing_can_be_written_nothing_is_remembered(runs, memory):
    memory.parents[1].write_text("a file where the folder would be")
    assert runs() == (0, True)
    assert runs() == (0, True)


def test_a_relative_cache_directory_is_none(runs, monkeypatch, governed):
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert runs() == (0, True)
    assert not (governed.path / "cache").exists()
    assert runs() == (0, True)


def test_the_memory_is_bounded(memory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(memory.parents[1]))
    states = [f"{number:064x}" for number in range(150)]
    for state in states:
        clean.remember(state, "two\nlines, \udcff\n")
    clean.remember("f" * 64, "long" * 1000)
    assert [line.split(" ")[0] for line in memory.read_text().splitlines()] == states[50:]
    assert clean.said(states[149]) == "two\nlines, \udcff\n"
    assert clean.said(states[49]) is None
    assert clean.said("f" * 64) is None


def test_a_link_in_its_place_is_replaced_not_followed(runs, memory):
    elsewhere = memory.parents[2] / "elsewhere"
    elsewhere.write_text("precious")
    memory.parent.mkdir(parents=True)
    memory.symlink_to(elsewhere)
    assert runs() == (0, True)
    assert elsewhere.read_text() == "precious"
    assert runs() == (0, False)
