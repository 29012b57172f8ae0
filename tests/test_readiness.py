"""The readiness review is worked out: an item is shown by its file and by what it is about."""

from __future__ import annotations

import cases
import evidence_fixture
import pytest

from ai_program import readiness
from ai_program.git import Git
from ai_program.program import Baseline, Program
from ai_program.snapshot import Snapshot

REVIEW = "sprints/readiness.yaml"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return cases.Store(tmp_path_factory.mktemp("objects") / "repository.git")


@pytest.fixture
def reviewed(high, store):
    """Return a function that gives what is missing, by name, in a state of life with edits."""

    def reviewed(life: str, steps: list | None = None, **edits: dict) -> dict[str, list[str]]:
        files = cases.with_evidence(cases.read(high), evidence_fixture.STATES[life])
        files = cases.edited(files, edits)
        if steps:
            files = cases.with_evidence(files, steps)
        tree = store.state(files, None)
        taken = Snapshot(tree, tree, today="2026-11-22", stage="commit", git=Git(str(high)),
                         ci=False)  # fmt: skip
        program = Program(taken, Baseline())
        found = readiness.review(program)
        assert next(readiness.as_text(found)) == "strategy"
        return {each.name if each.name != "sign-off" else each.team: each.missing for each in found}

    return reviewed


def test_a_fresh_repository_has_shown_nothing(reviewed) -> None:
    found = reviewed("scaffolded")
    assert len(found) == 12
    assert all(found.values())
    assert found["operations"] == ["not signed: Sign when all items of your team are done"]
    assert any("governance/risk-register.yaml" in each for each in found["READY-02"])


def test_a_file_that_is_named_and_not_there_shows_nothing(reviewed) -> None:
    question = 'question: "Who can stop the programme, and do they know how?"\n    evidence: '
    edit = {"replace": f"{question}null", "with": f"{question}evidence/nothing.json"}
    edits = {REVIEW: edit}
    assert "evidence/nothing.json is not there" in reviewed("scaffolded", **edits)["READY-03"]


def test_a_drill_shows_itself_until_what_is_deployed_changes(reviewed) -> None:
    missing = "evidence/drills/ has no drill that passed: `nox -s drill`"
    assert missing in reviewed("replaced")["READY-07"]
    drilled = [{"drill": "first"}]
    assert missing not in reviewed("replaced", drilled)["READY-07"]
    failed = [{"drill": "first", "record": {"breaker_tripped": False}}]
    assert missing in reviewed("replaced", failed)["READY-07"]
