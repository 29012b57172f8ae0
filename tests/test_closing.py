"""Closing a sprint: the review has to say something, and what it taught is found again."""

from __future__ import annotations

import shutil

import pytest

from ai_program import closing, documents
from ai_program.regeneration.sprints import plan_path
from ai_program.snapshot import Misuse

SPRINT = "sprint-01"
TODAY = "2026-12-22"
DELIVERED = "- ITEM-01: evidence/evaluations has a report that passes"
LESSON = "- Holidays need a calendar of their own -> policies/evaluation.yaml"
NEXT = "- Ask for the calendar of the second grid area"


@pytest.fixture
def repository(demand, tmp_path):
    shutil.copytree(demand / "sprints", tmp_path / "sprints")
    return tmp_path


def written(repository, **sections: str) -> None:
    """Fill in the review: what is not given is filled in well."""
    path = repository / f"sprints/{SPRINT}/review.md"
    text = path.read_text()
    parts = {"delivered": DELIVERED, "lessons": LESSON, "changes": NEXT, "now": "70"} | sections
    for heading, key in (
        ("What was delivered", "delivered"),
        ("Lessons", "lessons"),
        ("Changes for the next sprint", "changes"),
    ):
        text = text.replace(f"## {heading}\n", f"## {heading}\n\n{parts[key]}\n")
    path.write_text(text.replace("| |\n", f"| {parts['now']} |\n"))


def value(repository, path: str) -> dict:
    return documents.parse((repository / path).read_bytes(), path).value


def test_a_review_that_says_nothing_closes_nothing(repository) -> None:
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    with pytest.raises(Misuse) as refused:
        closing.close(repository, SPRINT, TODAY)
    said = str(refused.value)
    for heading in ("What was delivered", "What the KPIs say", "Lessons", "Changes for the next"):
        assert f"\n  {heading}" in said
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("section", "text", "said"),
    [
        ("delivered", "Everything.", "What was delivered: no line begins with `- `"),
        ("lessons", "- We learned a lot", "Lessons: no line `- what was learned ->"),
        ("changes", "", "Changes for the next sprint: no line begins"),
        ("now", "", "What the KPIs say: no value now of KPI-mae"),
    ],
)
def test_each_section_is_asked_for(repository, section, text, said) -> None:
    written(repository, **{section: text})
    with pytest.raises(Misuse, match="says too little") as refused:
        closing.close(repository, SPRINT, TODAY)
    assert said in str(refused.value)
    assert str(refused.value).count("\n") == 1


def test_a_lesson_is_carried_to_the_playbook_and_the_sprint_is_closed(repository) -> None:
    written(repository)
    closing.close(repository, SPRINT, TODAY)
    lesson = {
        "date": TODAY,
        "sprint": SPRINT,
        "lesson": "Holidays need a calendar of their own",
        "changed": "policies/evaluation.yaml",
    }
    assert value(repository, "sprints/playbook.md")["lessons"] == [lesson]
    text = (repository / "sprints/playbook.md").read_text()
    assert "None yet" not in text
    assert f"- {TODAY}, {SPRINT}: Holidays need a calendar of their own (policies/" in text
    assert value(repository, plan_path(SPRINT))["status"] == "closed"
    review = value(repository, f"sprints/{SPRINT}/review.md")
    assert (review["status"], review["held_on"]) == ("held", TODAY)
    with pytest.raises(Misuse, match="sprint-01 is closed already"):
        closing.close(repository, SPRINT, TODAY)


def test_the_next_backlog_begins_with_what_was_learned(repository) -> None:
    written(repository)
    shutil.copytree(repository / "sprints" / SPRINT, repository / "sprints/sprint-02")
    for name in ("plan.yaml", "backlog.yaml"):
        path = repository / "sprints/sprint-02" / name
        path.write_text(path.read_text().replace(SPRINT, "sprint-02"))
    plan = repository / plan_path("sprint-02")
    start = value(repository, plan_path(SPRINT))["start"]
    plan.write_text(plan.read_text().replace(start, "2027-01-04"))
    assert "sprints/sprint-02/backlog.yaml" in closing.close(repository, SPRINT, TODAY)
    text = (repository / "sprints/sprint-02/backlog.yaml").read_text()
    assert "# Lessons of sprint-01, from the playbook:\n# - Holidays need" in text
    value(repository, "sprints/sprint-02/backlog.yaml")
    # A second sprint adds to what the playbook has.
    closing.close(repository, "sprint-02", "2027-02-01")
    told = [each["sprint"] for each in value(repository, "sprints/playbook.md")["lessons"]]
    assert told == [SPRINT, "sprint-02"]


def test_a_sprint_that_is_not_there(repository) -> None:
    with pytest.raises(Misuse, match=r"sprints/sprint-09/plan\.yaml is not there"):
        closing.close(repository, "sprint-09", TODAY)
