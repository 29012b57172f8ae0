"""Where the programme stands is said as the files and the day say it."""

from __future__ import annotations

import cases
import evidence_fixture
import pytest

from ai_program import cli, standing
from ai_program.git import Git
from ai_program.program import Baseline, Program
from ai_program.snapshot import Snapshot

PLAN = "sprints/sprint-01/plan.yaml"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return cases.Store(tmp_path_factory.mktemp("objects") / "repository.git")


@pytest.fixture
def told(demand, store):
    """Return a function that says where the example stands in a state of life, on a day."""

    def told(life: str, today: str, **edits: dict) -> dict[str, str]:
        files = cases.with_evidence(cases.read(demand), evidence_fixture.STATES[life])
        tree = store.state(cases.edited(files, edits), None)
        taken = Snapshot(tree, tree, today=today, stage="commit", git=Git(str(demand)), ci=False)
        found = standing.lines(Program(taken, Baseline()))
        assert [line[:10].strip() for line in found] == [
            "tier", "sprint", "release", "gates", "waivers", "due"
        ]  # fmt: skip
        return {line[:10].strip(): line[10:] for line in found}

    return told


def test_before_the_first_release(told):
    said = told("scaffolded", "2026-11-20")
    assert said["tier"] == "minimal"
    assert said["release"] == "none in force"
    assert said["gates"] == "6; 0 of 0 evaluated models pass"
    assert said["waivers"] == "0 in force"


def test_a_release_in_force(told):
    said = told("released", "2026-11-25")
    assert said["release"].endswith(" since 2026-11-20 (evidence/releases/0001.json)")
    assert said["gates"] == "6; the report of the release in force: pass"
    lost = told("released", "2026-11-25", **{"evidence/releases/0001.json": {"delete": True}})
    assert lost["release"] == "unknown: evidence/releases/0001.json is not there"


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ("2026-11-20", "starts 2026-11-23"),
        ("2026-11-23", "day 1 of 28, ends 2026-12-20"),
        ("2026-12-20", "day 28 of 28, ends 2026-12-20"),
        ("2026-12-21", "over since 2026-12-20"),
    ],
)
def test_the_day_of_the_sprint(told, today, said):
    dates = [
        {"pattern": r'\nstart: "[^"]*"', "with": '\nstart: "2026-11-23"'},
        {"pattern": r'\nend: "[^"]*"', "with": '\nend: "2026-12-20"'},
    ]
    assert told("scaffolded", today, **{PLAN: dates})["sprint"] == f"sprint-01 (planned), {said}"


def test_what_is_due(told):
    early, late = told("scaffolded", "2020-01-01")["due"], told("scaffolded", "2099-01-01")["due"]
    assert early == "0 within 30 days, 0 late"
    assert late.startswith("0 within 30 days, ")
    assert not late.startswith("0 within 30 days, 0 late")
    assert "; first " in late


@pytest.mark.parametrize("path", ["policies/program.yaml", "policies/evaluation.yaml", PLAN])
@pytest.mark.parametrize(
    "text", ["7\n", "objectives: 7\ngates: {}\nstart: []\n", "objectives: [7]\n"]
)
def test_odd_types_never_break_it(told, path, text):
    assert told("released", "2026-11-25", **{path: {"write": text}})


def test_status_says_it_in_ten_lines(demand, monkeypatch, capsys):
    monkeypatch.chdir(demand)
    assert cli.run(["status", "--today", "2026-11-25"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines()] == [
        "template", "newer", "engine", "answers",
        "tier", "sprint", "release", "gates", "waivers", "due",
    ]  # fmt: skip
    assert cli.run(["status", "--today", "soon"]) == 2
    assert "--today is a day, YYYY-MM-DD, not 'soon'" in capsys.readouterr().err
