"""What a new sprint takes over from the one before."""

from __future__ import annotations

from regeneration.teams import NEW, OLD, rendering

from ai_program.regeneration import commands, sprints

PLAN = """\
schema_version: 1
id: {id}
team: Demand
objective: OBJ-1
start: "{start}"
end: "{end}"
status: {status}
goals:
  - Be measured
"""
ITEM = """\
  - id: ITEM-{number}
    title: {title}
    serves: [{serves}]
    owner: "@lin"
    status: {status}
    done_when: it is
"""
REVIEW = (
    '---\nsprint: sprint-01\ndue: "2026-12-23"\n---\n\n# Review of sprint 01\n\nBy 2026-12-23.\n'
)
FIRST = {"id": "sprint-01", "start": "2026-11-23", "end": "2026-12-20", "status": "planned"}


def backlog(*items: tuple[str, str, str]) -> str:
    entries = [
        ITEM.format(number=f"{number:02d}", title=title, serves=serves, status=status)
        for number, (title, serves, status) in enumerate(items, start=1)
    ]
    return "schema_version: 1\nsprint: sprint-01\nitems:\n" + "".join(entries)


def files(gates: str, *items: tuple[str, str, str], **first: str) -> dict[str, str]:
    return {
        "policies/evaluation.yaml": gates,
        "sprints/sprint-01/plan.yaml": PLAN.format(**{**FIRST, **first}),
        "sprints/sprint-01/backlog.yaml": backlog(*items),
        "sprints/sprint-01/review.md": REVIEW,
    }


FRESH = (("Pass", "GATE-a, GATE-b", "planned"), ("Measure", "KPI-x", "planned"))
OLD_FILES = files("GATE-a GATE-b", *FRESH)
TEAM = {
    "sprints/sprint-01/plan.yaml": PLAN.format(**{**FIRST, "status": "active"}).encode(),
    "sprints/sprint-01/backlog.yaml": backlog(
        ("Pass", "GATE-a, GATE-b", "done"),
        ("Measure", "KPI-x, GATE-b", "in_progress"),
        ("A thing of the team", "GATE-b", "planned"),
        ("Never mind", "KPI-x", "dropped"),
    ).encode(),
    "sprints/playbook.md": b"---\nlessons:\n  - {date: 2026-12-18, sprint: sprint-01, "
    b"lesson: Ask first, changed: a file}\n---\n",
}


def made(new: dict[str, str], old_start: str = "1", new_start: str = "1") -> dict[str, str]:
    result = sprints.documents_of(
        "sprint-02",
        TEAM,
        rendering(OLD_FILES, OLD, {"first_sprint": old_start}),
        rendering(new, NEW, {"first_sprint": new_start}),
    )
    return {path: content.decode() for path, content in result.items()}


def test_it_follows_the_one_before_which_is_closed():
    result = made(OLD_FILES)
    assert "id: sprint-02\n" in result["sprints/sprint-02/plan.yaml"]
    assert 'start: "2026-12-21"\nend: "2027-01-17"' in result["sprints/sprint-02/plan.yaml"]
    before = TEAM["sprints/sprint-01/plan.yaml"].decode()
    closed = before.replace("status: active", "status: closed")
    assert result["sprints/sprint-01/plan.yaml"] == closed
    review = result["sprints/sprint-02/review.md"]
    assert "sprint: sprint-02" in review
    assert "# Review of sprint-02" in review
    assert review.count("2027-01-20") == 2


def test_it_begins_when_the_answers_say_so():
    new = files("GATE-a GATE-b", *FRESH, start="2027-01-11", end="2027-01-31")
    result = made(new, new_start="2")
    assert 'start: "2027-01-11"\nend: "2027-01-31"' in result["sprints/sprint-02/plan.yaml"]


def test_open_items_and_lessons_are_carried_over_and_new_guardrails_taken_up():
    new = files("GATE-a GATE-c", ("Pass", "GATE-a, GATE-c", "planned"), FRESH[1])
    text = made(new)["sprints/sprint-02/backlog.yaml"]
    assert "# Lessons of sprint-01, from the playbook:\n# - Ask first\n" in text
    items = text.split("items:\n")[1]
    assert items == (
        "  # carried over from sprint-01, ITEM-02\n"
        + written("01", "Measure", "KPI-x", "in_progress")
        + written("02", "Pass", "GATE-c", "planned")
    ), "what served GATE-b alone serves nothing any more; done and dropped items stay behind"


def written(number: str, title: str, serves: str, status: str) -> str:
    return (
        f'  - id: ITEM-{number}\n    title: "{title}"\n    serves: [{serves}]\n'
        f'    owner: "@lin"\n    status: {status}\n    done_when: "it is"\n'
    )


def test_a_sprint_that_is_there_is_left_alone():
    team = {**TEAM, "sprints/sprint-02/plan.yaml": b"ours\n"}
    old = rendering(OLD_FILES, OLD, {"first_sprint": "1"})
    assert sprints.documents_of("sprint-02", team, old, old) == {}


def test_the_answers_name_the_sprint_in_either_form():
    flow = b"default_context: {sprint: x}\nai_program: {schema_version: 1, sprint: sprint-01}\n"
    block = b"default_context:\n  a: 1\nai_program:\n  schema_version: 1\n  sprint: sprint-01 # s\n"
    assert commands.named(flow, "sprint-02") == flow.replace(b"sprint-01", b"sprint-02")
    assert commands.named(block, "sprint-02") == block.replace(b"sprint-01", b"sprint-02")
    assert commands.named(b"ai_program: {}\n", "sprint-02") == b"ai_program: {}\n"
