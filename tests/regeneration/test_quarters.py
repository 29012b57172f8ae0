"""Three quarters of a demand-forecasting programme, with the real template, client and hooks.

The team works between the workshops; each workshop changes answers, the last one takes a newer
release of the template. After each the hooks judge the result, and nothing of the team is lost.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import VARIANTS, environment, git, run_cookiecutter

from ai_program.regeneration import preparing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

EVALUATION = "policies/evaluation.yaml"


class Programme:
    """A generated repository and the people who work in it."""

    def __init__(self, root: Path, env: dict[str, str]) -> None:
        self.root = root
        self.env = env
        self.wrote: dict[str, str] = {}  # line: where it was written

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments, env=self.env)

    def engine(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ai_program", *arguments],
            cwd=self.root, env=self.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} in {path}"
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")

    def append(self, path: str, line: str) -> None:
        """Write a line of the team at the end of a file; it has to stay for good."""
        place = self.root / path
        text = place.read_text(encoding="utf-8") if place.exists() else ""
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{text}{line}\n", encoding="utf-8")
        self.wrote[line] = path

    def commit(self, message: str, today: str) -> None:
        """Commit as somebody does whose hooks run."""
        self.git("add", "--all")
        self.engine("check", "--no-cache", "--today", today)
        self.git("commit", "-qm", message)

    def assert_nothing_lost(self) -> None:
        lines = {
            line
            for path in self.git("ls-files").splitlines()
            if not path.endswith((".gz", ".png"))
            for line in self.read(path).splitlines()
        }
        assert {line: path for line, path in self.wrote.items() if line not in lines} == {}

    def workshop(self, **answers: str) -> None:
        """Write other answers, each in place of the line or the block that has it."""
        text = self.read("workshop.yaml")
        for key, value in answers.items():
            text, count = re.subn(
                rf"(?m)^  {key}:.*\n(?:    .*\n)*", lambda _, k=key, v=value: f"  {k}: {v}\n", text
            )
            assert count == 1, key
        (self.root / "workshop.yaml").write_text(text, encoding="utf-8")


def gates(mape: float) -> str:
    """Return the answer of the guardrails: the use case's own, with another limit."""
    common = "unit: ratio, serves: KPI-mae, min_rows: 1000"
    return (
        "\n    improvement: {metric: mae_improvement, limit: 0.08, direction: higher, "
        f"compare_with: best_naive, {common}}}\n"
        f"    mape: {{metric: mape, limit: {mape}, direction: lower, unit: ratio, "
        "serves: KPI-mape, min_rows: 1000}\n"
        "    champion: {metric: mae_change, limit: 0.1, direction: lower, "
        f"compare_with: champion, {common}}}\n"
        "    mape-peak: {metric: mape, limit: 0.06, direction: lower, slice: peak, unit: ratio, "
        "serves: KPI-mape, min_rows: 200}"
    )


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    return environment(home, CI="")


@pytest.fixture(scope="module")
def release(template, env, tmp_path_factory):
    """Return a copy of the template of which newer versions can be made."""
    path = tmp_path_factory.mktemp("release") / "ai-program"
    git(template, "clone", "-q", str(template), str(path), env=env)
    return path


def generate(release: Path, env: dict[str, str], place: Path) -> Programme:
    baked = run_cookiecutter(
        release, place, "--no-input", "--config-file", str(VARIANTS["demand"]), env=env
    )
    return Programme(baked.path, env)


@pytest.fixture(scope="module")
def programme(release, env, tmp_path_factory):
    return generate(release, env, tmp_path_factory.mktemp("generated"))


def upgrade(release: Path, env: dict[str, str]) -> None:
    """Release a newer template: a renamed file, a new one, and other words in a third."""
    folder = release / "{{cookiecutter.project_slug}}"
    shutil.move(folder / "runbooks" / "incident.md", folder / "runbooks" / "emergency.md")
    for path in release.rglob("*"):
        if path.is_file() and ".git" not in path.relative_to(release).parts:
            content = path.read_bytes()
            if b"runbooks/incident.md" in content or b"(incident.md" in content:
                content = content.replace(b"runbooks/incident.md", b"runbooks/emergency.md")
                path.write_bytes(content.replace(b"(incident.md", b"(emergency.md"))
    path = folder / "runbooks" / "rollback.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("## Verify\n", "## Verify\n\nFirst, take a breath.\n"))
    init = release / "src" / "ai_program" / "__init__.py"
    init.write_text(init.read_text().replace('"0.1.0"', '"0.2.0"'))
    git(release, "commit", "-qam", "Version 0.2.0", env=env)
    git(release, "add", "--all", env=env)
    git(release, "commit", "-q", "--allow-empty", "-m", "Renamed", env=env)
    git(release, "tag", "-am", "0.2.0", "v0.2.0", env=env)


def test_three_quarters(programme, release, env):
    team = programme

    # The first sprint: the team writes everywhere.
    team.append("README.md", "We meet on Mondays at nine, in the control room.")
    team.append("runbooks/rollback.md", "- The night shift has the second key.")
    team.append("runbooks/incident.md", "- Ask the control room first.")
    team.append("src/demand_forecasting/calendar.py", '"""Holidays of the region."""')
    team.append("noxfile.py", "# Sessions of the team stand below.")
    team.edit(
        EVALUATION,
        "# yaml-language-server",
        "# Read aloud in every review.\n# yaml-language-server",
    )
    team.wrote["# Read aloud in every review."] = EVALUATION
    team.commit("The first sprint", "2026-11-30")
    assert "There is nothing to do" in team.engine("plan")

    # The second quarter: a higher tier, a tighter limit, shorter sprints.
    team.workshop(
        risk_tier="limited", security_requirements="{}", guardrails=gates(0.045),
        first_sprint='"2026-12-21/3w"',
    )  # fmt: skip
    status = team.engine("status")
    assert "risk_tier: minimal → limited" in status
    plan = team.engine("plan")
    assert "tightened policies/evaluation.yaml: GATE-mape: limit lowered from 0.05 to 0.045" in plan
    assert "loosened" not in plan
    team.engine("regenerate", "--sprint", "sprint-02")
    assert team.git("branch", "--show-current") == "sprint/sprint-02"
    assert "Nothing" not in team.engine("regenerate", "--sprint", "sprint-02")
    team.commit("Regenerate for sprint-02", "2026-12-21")
    team.assert_nothing_lost()
    plan = team.read("sprints/sprint-02/plan.yaml")
    assert 'start: "2026-12-21"\nend: "2027-01-10"' in plan
    assert "status: closed" in team.read("sprints/sprint-01/plan.yaml")
    assert "# carried over from sprint-01, ITEM-01" in team.read("sprints/sprint-02/backlog.yaml")
    git(team.root, "switch", "-q", "main", env=env)
    team.git("merge", "-q", "--squash", "sprint/sprint-02")
    team.git("commit", "-qm", "Sprint 02")

    # The third: data about people, and a limit that is looser than agreed.
    team.append("README.md", "The second sprint taught us patience.")
    team.append("policies/data.yaml", "# The data protection officer reads this file.")
    team.commit("The second sprint", "2026-12-28")
    team.workshop(
        personal_data="indirect", lawful_basis="contract", guardrails=gates(0.048),
        first_sprint='"2027-01-11/4w"', workshop_date='"2027-01-08"',
    )  # fmt: skip
    said = team.engine("regenerate", "--sprint", "sprint-03", "--today", "2027-01-08")
    assert "loosened  policies/evaluation.yaml: GATE-mape: limit raised from 0.045 to 0.048" in said
    draft = "decisions/0002-sprint-03.md"
    assert "policies/evaluation.yaml#gates[GATE-mape].limit" in team.read(draft)
    blocked = team.engine("check", "--no-cache", expect=1)
    assert "AIP208" in blocked
    team.edit(draft, "status: proposed", "status: accepted")
    team.edit(draft, "approvers: []", 'approvers: ["@grace"]')
    assert 'date: "2027-01-08"' in team.read(draft)
    team.commit("Regenerate for sprint-03", "2027-01-08")
    team.assert_nothing_lost()

    # The fourth: a newer release, with a renamed file that the team had edited.
    upgrade(release, env)
    assert "newer     0.2.0" in team.engine("status")
    said = team.engine("regenerate", "--sprint", "sprint-04", "--to", "latest")
    assert "R runbooks/incident.md → runbooks/emergency.md" in said
    assert "First, take a breath." in team.read("runbooks/rollback.md")
    commit = git(release, "rev-parse", "v0.2.0^{commit}", env=env)
    assert f'rev: "{commit}"' in team.read(".pre-commit-config.yaml")
    team.git("add", "--all")
    team.assert_nothing_lost()
    team.engine("abort")
    assert team.git("status", "--porcelain") == ""
    team.engine("regenerate", "--sprint", "sprint-04", "--to", "v0.2.0")
    team.commit("Regenerate for sprint-04", "2027-02-01")
    team.assert_nothing_lost()
    assert "There is nothing to do" in team.engine("plan", "--to", "latest")
    assert sorted(path.name for path in (team.root / ".ai-program/history").iterdir()) == [
        "0001.json", "0002.json", "0003.json"
    ]  # fmt: skip
    # What the tool writes is no secret to the scan of the hooks.
    hooks = (team.root / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (excluded,) = re.findall(r"--exclude-lines\n +- '(.*)'", hooks)
    for path in (team.root / ".ai-program").rglob("*.json"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"\b([0-9a-f]{40}|[0-9a-f]{64})\b", line):
                assert re.search(excluded, line), f"{path.name}: {line}"


def test_the_programme_gets_another_name(release, env, tmp_path):
    """The package follows, and with it every import of the template's, in src/ and in tests/."""
    team = generate(release, env, tmp_path)
    team.append("tests/test_data.py", "# The team looks at holidays too.")
    team.append("tests/test_own.py", "from demand_forecasting.files import write_json")
    team.append("src/demand_forecasting/train.py", "# Read by two of us.")
    team.git("add", "--all")
    team.git("commit", "-qm", "The team works")
    team.workshop(program_name="Grid Forecast")
    said = team.engine("regenerate", "--sprint", "sprint-02")
    assert "tests/test_own.py: a line of the team imports demand_forecasting" in said
    team.git("add", "--all")
    team.assert_nothing_lost()
    assert not list(team.root.glob("src/demand_forecasting/*.py"))
    left = team.git("grep", "-nE", r"\b(from|import) demand_forecasting\b").splitlines()
    assert left == ["tests/test_own.py:1:from demand_forecasting.files import write_json"]
    imports = team.git("grep", "-c", "from grid_forecast", "--", "tests").splitlines()
    assert len(imports) > 5


def test_another_use_case_takes_its_files_away_but_none_that_the_team_edited(
    release, env, tmp_path
):
    team = generate(release, env, tmp_path)
    package = "src/demand_forecasting"
    own = f"{package}/demand_forecasting/rules.py"
    team.append(own, "# Our own rule stands in the wiki.")
    team.git("commit", "-qam", "The team works")
    team.workshop(use_case="other")
    said = team.engine("plan", expect=3)
    for letter, path in (
        ("A", f"{package}/other/adopt.py"),
        ("A", "tests/other/test_adopt.py"),
        ("D", f"{package}/demand_forecasting/holidays.py"),
        ("D", "tests/demand_forecasting/test_features.py"),
        ("D", "data/sample/electricity_hourly.csv.gz"),
        ("M", f"{package}/use_case.py"),
    ):
        assert f"  {letter} {path}\n" in said
    assert f"  C {own}: the template deleted or moved it, the team changed it\n" in said
    team.engine("regenerate", "--sprint", "other", expect=3)
    team.git("add", "--", own)
    team.git("commit", "-qm", "Keep the rule for now", "--no-verify")
    team.assert_nothing_lost()
    kept = team.git("ls-files", f"{package}/demand_forecasting", "tests/demand_forecasting")
    assert kept == own
    locked = json.loads(team.read(".ai-program/lock.json"))["files"]
    assert not [path for path in locked if "demand_forecasting/demand_forecasting" in path]


def test_both_renderings_follow_from_the_lock_alone(rendered, tmp_path, monkeypatch):
    """The locked answers make the same files again, under any settings, in any place."""
    for name in ("demand", "high", "draft"):
        root = rendered(name)
        locked = json.loads((root / ".ai-program/lock.json").read_text(encoding="utf-8"))
        seen = []
        for place, more in (("a", {}), ("b/c", {"TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8"})):
            folder = tmp_path / name / place
            folder.mkdir(parents=True)
            home = folder / "home"
            home.mkdir()
            (home / ".cookiecutterrc").write_text("default_context: {program_name: Mine}\n")
            for key, value in {"HOME": str(home), "SOURCE_DATE_EPOCH": "1", **more}.items():
                monkeypatch.setenv(key, value)
            before = os.umask(0o077 if more else 0o022)
            workshop = (root / "workshop.yaml").read_bytes()
            both = preparing.render_both(locked, workshop, preparing.Request(), folder)
            os.umask(before)
            seen += [both.old, both.new]
        for rendering in seen:
            files = dict(rendering.files)
            answers = files.pop("workshop.yaml")
            assert answers
            assert {p: f.content for p, f in files.items()} == {
                p: (root / p).read_bytes() for p in files
            }
            assert {p: f.mode for p, f in files.items()} == {
                p: locked["files"][p]["mode"] for p in files
            }


def test_refused_answers_are_said_as_at_generation(programme):
    team = programme
    before = team.git("status", "--porcelain")
    team.workshop(validator='"@ada ada@example.org"')
    said = team.engine("plan", expect=2)
    assert "validator:" in said
    assert "Nothing was regenerated" in said
    assert "rejected" not in said
    team.git("checkout", "-q", "--", "workshop.yaml")
    assert team.git("status", "--porcelain") == before


def test_a_template_that_is_gone_is_said(programme, env):
    team = programme
    said = team.engine("plan", "--source", "/nowhere/at/all", expect=2)
    assert "the template /nowhere/at/all cannot be reached" in said
    said = team.engine("plan", "--to", "v9.9.9", expect=2)
    assert "has no revision v9.9.9" in said
