"""Every use case lives: from its first commit to a release and back, by the same commands.

    scaffolded ─► evaluated ─► released ─► rolled_back

Each commit on the way passes the real hooks. What only one use case promises is tested in its own
repository (`tests/` of the template); demand forecasting's whole life is in test_pipeline.py.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import tables
from conftest import EXAMPLES, run_cookiecutter
from life import Done, Repository, people
from settling import name_version, settle

from ai_program import evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@dataclass(frozen=True)
class UseCase:
    """What is particular about a use case here."""

    answers: Path  # complete answers: a release is possible
    fallback: str
    refused: str | None = None  # a candidate that its gates stop
    table: Callable[[Path], Path] | None = None  # writes data that is adopted first
    adopt: tuple[str, ...] = ()


USE_CASES = {
    "anomaly_detection": UseCase(
        answers=EXAMPLES / "anomaly-detection.workshop.yaml",
        fallback="static_threshold",
        refused="isolation_forest",
    ),
    "inventory_optimization": UseCase(
        answers=EXAMPLES / "inventory.workshop.yaml",
        fallback="reorder_point",
        refused="quantile_boosting",
    ),
    "personalization": UseCase(
        answers=EXAMPLES / "personalization.workshop.yaml",
        fallback="recency_alone",
        refused="logistic_regression",
    ),
    "other, a number": UseCase(
        answers=EXAMPLES / "own-data.workshop.yaml",
        fallback="naive",
        table=tables.deliveries,
        adopt=("--target", "minutes", "--without", "courier_e_mail"),
    ),
    "other, yes or no": UseCase(
        answers=EXAMPLES / "own-data.workshop.yaml",
        fallback="naive",
        table=tables.returns,
        adopt=("--target", "zuruck"),
    ),
}


@dataclass(frozen=True)
class Life:
    """What the commands said, all answers, and the repository as it is at the end."""

    repository: Repository
    said: dict[str, Done]
    answered: dict[str, str]


def shown(done: Done) -> str:
    """Return the table that `nox -s predict` shows."""
    lines = done.output.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("# "))
    return "".join(f"{each}\n" for each in lines[first:] if not each.startswith(("# ", "nox > ")))


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in sorted(USE_CASES)],
)
def use_case(request) -> UseCase:
    return USE_CASES[request.param]


@pytest.fixture(scope="module")
def life(use_case, template, identified_home, tmp_path_factory) -> Life:
    env = people(identified_home, tmp_path_factory.mktemp("hooks"))
    words = ("--no-input", "--config-file", str(use_case.answers))
    baked = run_cookiecutter(template, tmp_path_factory.mktemp("lives"), *words, env=env)
    repository = Repository(baked.path, env)
    said: dict[str, Done] = {}
    answered: dict[str, str] = {}

    def step(name: str, done: Done, expected: int = 0) -> None:
        sys.stdout.write(f"\n=== {name} ({done.seconds:.0f} s)\n{done.output}")
        assert done.returncode == expected, f"{name}: {done.output}"
        said[name] = done

    def ask(name: str) -> None:
        """Predict, and keep all answers: of many rows only the first are shown."""
        step(name, repository.nox("predict"))
        whole = repository.path / "build/predictions.csv"
        answered[name] = whole.read_text() if whole.is_file() else shown(said[name])

    step("install hooks", repository.run("pre-commit", "install"))
    step("setup", repository.nox("setup"))
    if use_case.table:
        file = use_case.table(repository.path.parent / "table.csv")
        step("adopt", repository.nox("adopt", str(file), *use_case.adopt))
        step("commit the proposal", repository.commit("Adopt the data"))
    ask("predict by the fallback")
    if repository.run("grep", "-q", "^  tier: minimal", "policies/program.yaml").returncode:
        settle(repository.path, datetime.now(UTC).strftime("%Y-%m-%d"))
        step("commit what people owe", repository.commit("Answer what is open"))
    step("pipeline", repository.nox("pipeline"))
    (report,) = (repository.path / evidence.REPORTS).glob("*.json")
    name_version(repository.path, json.loads(report.read_text())["model"]["version"])
    step("commit evaluation", repository.commit("Evaluate"))
    step("drill", repository.nox("drill", "--fault", "bad_metric"))
    step("commit drill", repository.commit("Hold a drill"))
    step("pipeline again", repository.nox("pipeline"))
    step("promote", repository.nox("promote", "--approve", "@grace"))
    step("commit promotion", repository.commit("Promote"))
    ask("predict")
    if use_case.refused:
        step("a worse candidate", repository.nox("pipeline", "--candidate", use_case.refused), 1)
        step("commit its evaluation", repository.commit("Evaluate another"))
    step("rollback", repository.nox("rollback", "--reason", "complaints"))
    step("commit rollback", repository.commit("Roll back"))
    ask("predict after it")
    step("report", repository.nox("report"))
    step("lint", repository.nox("lint"))
    step("test", repository.nox("test"))
    return Life(repository, said, answered)


def test_a_second_run_writes_the_same_bytes(life) -> None:
    assert "as before" in life.said["pipeline again"].output


def values(answered: str) -> list[dict[str, str]]:
    """Return the rows of a table of answers without who gave them and why."""
    said_beside = {"served_by", "why"}
    rows = csv.DictReader(answered.splitlines())
    return [{key: row[key] for key in row.keys() - said_beside} for row in rows]


def test_the_fallback_answers_before_the_first_release_and_after_the_rollback(
    life, use_case
) -> None:
    assert f"# {use_case.fallback}\n" in life.said["predict by the fallback"].output
    answers = {name: values(whole) for name, whole in life.answered.items()}
    assert answers["predict after it"] == answers["predict by the fallback"]
    assert answers["predict"] != answers["predict by the fallback"]
    for name, whole in life.answered.items():
        # The head of the table, and thirty rows at most.
        assert shown(life.said[name]).splitlines() == whole.splitlines()[:31]


def test_the_records_are_a_chain(life) -> None:
    root = life.repository.path
    paths = sorted((root / evidence.RELEASES).glob("0*.json"))
    records = [(f"{evidence.RELEASES}/{path.name}", json.loads(path.read_text())) for path in paths]
    assert [each["predicate"]["action"] for _, each in records] == ["promote", "rollback"]
    assert list(evidence.chain_problems(records, life.repository.json(evidence.ACTIVE))) == []


def test_the_environment_is_small_enough(life) -> None:
    environment = (life.repository.path / ".venv").resolve()
    size = sum(file.lstat().st_size for file in environment.rglob("*") if file.is_file())
    sys.stdout.write(f"\nthe environment has {size / 1e6:.0f} MB\n")
    assert size < 1e9
    shutil.rmtree(environment)
