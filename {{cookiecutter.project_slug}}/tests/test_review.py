"""People decide what the policy leaves to them, and it shows what they made of it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from ai_program import evidence
from ai_program import schemas
from oracles import Sum

from {{ cookiecutter.package_name }} import answering
from {{ cookiecutter.package_name }} import decisions
from {{ cookiecutter.package_name }} import journal
from {{ cookiecutter.package_name }} import oversight
from {{ cookiecutter.package_name }} import review
from {{ cookiecutter.package_name }}.errors import RefusedError

LATER = "2999-01-01T00:00:00.000Z"


@pytest.fixture
def kind(served) -> dict:
    """The first type of decision that the policy names."""
    return served.settings.oversight["decision_types"][0]


@pytest.fixture
def reviewer(served, kind) -> str:
    return next(
        person["handle"]
        for person in served.settings.program["people"]
        if person["active"] and kind["reviewer_role"] in person["roles"]
    )


@pytest.fixture
def submitted(served, kind):
    """Return a function that hands in a decision and returns its id; blind or not, as wanted."""
    count = iter(range(10**6))

    def submit(value=100.0, *, blind: bool = False) -> str:
        names = (f"trace-{number}" for number in count)
        name = next(
            name for name in names
            if (oversight.share(name, "blind") < review.BLIND_SHARE) == blind
        )  # fmt: skip
        review.submit(served.settings, kind["id"], name, value, "it is above the cap")
        return name

    return submit


def with_mode(served, mode: str, rate: float | None = None) -> None:
    """Let the policy want another way of review."""
    kind = served.settings.oversight["decision_types"][0]
    served.rewrite("policies/oversight.yaml", f"mode: {kind['mode']}", f"mode: {mode}")
    old = json.dumps(kind["sample_rate"])
    served.rewrite(
        "policies/oversight.yaml", f"sample_rate: {old}", f"sample_rate: {json.dumps(rate)}"
    )


def decide(served, rows: int) -> list[dict]:
    found = served.settings
    frame = pd.DataFrame([served.row()] * rows)
    # From 1 on: where nothing follows from a zero, nobody reviews it.
    answers = np.arange(1, rows + 1, dtype=float)
    return decisions.Log(found).write(answering.now(found), frame, answers, latency_ms=1)


# What has to be reviewed.


@pytest.mark.parametrize(
    ("mode", "rate", "low", "high"),
    [
        ("none", None, 0, 0),
        ("monitor", None, 0, 0),
        ("sample", 0.2, 20, 80),
        ("before_effect", None, 200, 200),
        ("before_execution", None, 200, 200),
    ],
)
def test_the_policy_says_what_is_reviewed(served, mode, rate, low, high) -> None:
    with_mode(served, mode, rate)
    made = decide(served, 200)
    waiting = {entry.trace_id: entry.value for entry in review.waiting(served.settings)}
    assert low <= len(waiting) <= high
    asked = {each["record_id"]: each["outcome"] for each in made if each["reviewer"] is not None}
    assert waiting == asked
    again = {name for name in map(record_id, made) if reviewed_by(served, name)}
    assert again == set(waiting)


def record_id(record: dict) -> str:
    return record["record_id"]


def reviewed_by(served, name: str) -> str | None:
    found = served.settings
    return oversight.reviewer(found, found.oversight["decision_types"][0]["id"], name)


def test_what_is_handed_in_twice_waits_once(served, kind) -> None:
    for _ in range(2):
        review.submit(served.settings, kind["id"], "order-1", 700, "it is above the cap")
    (entry,) = review.waiting(served.settings)
    assert (entry.value, entry.role) == (700, kind["reviewer_role"])
    assert review.state(served.settings, "order-1") == (review.WAITING, None)


def test_a_decision_of_an_unknown_type_is_refused(served) -> None:
    with pytest.raises(RefusedError, match="knows no decision of the type coup"):
        review.submit(served.settings, "coup", "1", 1, "why not")


# What people do with it.


def test_a_decision_stands_or_does_not(served, submitted, reviewer) -> None:
    good, bad = submitted(100.0), submitted(700.0)
    review.approve(served.settings, good, by=reviewer, reason="as last year")
    review.override(served.settings, bad, by=reviewer, value=70, reason="a slip of the comma")
    assert review.state(served.settings, good) == (review.APPROVED, 100.0)
    assert review.state(served.settings, bad) == (review.OVERRIDDEN, 70)
    assert review.waiting(served.settings) == []
    assert review.rates(served.settings) == (2, 1)


def test_what_is_reviewed_is_reviewed(served, submitted, reviewer) -> None:
    name = submitted()
    review.approve(served.settings, name, by=reviewer, reason="as last year")
    with pytest.raises(RefusedError, match=f"{reviewer} reviewed .* already: approved"):
        review.override(served.settings, name, by=reviewer, value=1, reason="on second thought")


def test_of_two_reviews_at_once_the_first_counts(served, submitted, reviewer) -> None:
    name = submitted()
    entry = review.waiting(served.settings)[0]
    for outcome in (review.OVERRIDDEN, review.APPROVED):
        review._close(
            served.settings, entry, by=reviewer, outcome=outcome, value=1, reason="at once"
        )
    assert review.state(served.settings, name)[0] in (review.OVERRIDDEN, review.APPROVED)
    assert review.rates(served.settings)[0] == 1


def test_not_everybody_reviews(served, submitted, kind) -> None:
    other = next(
        person["handle"]
        for person in served.settings.program["people"]
        if kind["reviewer_role"] not in person["roles"]
    )
    for who, said in ((other, "may not review this decision"), ("@nobody", "nobody who is")):
        with pytest.raises(RefusedError, match=said):
            review.approve(served.settings, submitted(), by=who, reason="why not")


@pytest.mark.parametrize("name", ["", "unheard-of", "trace-"])
def test_a_name_that_is_none_or_several(served, submitted, reviewer, name) -> None:
    submitted(), submitted()
    with pytest.raises(RefusedError, match=r"nox -s review -- list"):
        review.approve(served.settings, name, by=reviewer, reason="why not")


def test_a_review_says_why(served, submitted, reviewer) -> None:
    with pytest.raises(RefusedError, match="says why"):
        review.approve(served.settings, submitted(), by=reviewer, reason=" ")


def test_who_does_not_see_the_value_cannot_just_agree(served, submitted, reviewer) -> None:
    near, far = submitted(100.0, blind=True), submitted(100.0, blind=True)
    with pytest.raises(RefusedError, match="decided without seeing"):
        review.approve(served.settings, near, by=reviewer, reason="as always")
    tolerance = served.settings.evaluation["golden"]["tolerance"] or 0
    inside, outside = 100 * (1 + 0.99 * tolerance), 100 * (1.001 + 1.01 * tolerance)
    assert review.override(served.settings, near, by=reviewer, value=inside, reason="my guess")
    assert not review.override(served.settings, far, by=reviewer, value=outside, reason="my guess")
    assert review.rates(served.settings) == (2, 1)


def test_a_share_of_the_queue_is_decided_blindly() -> None:
    names = [f"{number:032x}" for number in range(4000)]
    blind = [oversight.share(name, "blind") < review.BLIND_SHARE for name in names]
    assert 0.22 < sum(blind) / len(blind) < 0.28


# What is known of it afterwards.


def test_a_summary_counts_what_was_decided(served, submitted, reviewer, monkeypatch) -> None:
    served.release(Sum())
    with_mode(served, "sample", 1e-12)
    decide(served, 5)
    approved, overridden, blind = submitted(), submitted(), submitted(blind=True)
    review.approve(served.settings, approved, by=reviewer, reason="as last year")
    review.override(served.settings, overridden, by=reviewer, value=1, reason="a slip")
    review.override(served.settings, blind, by=reviewer, value=100, reason="my guess")
    submitted()
    today = journal.now()[:10]
    with pytest.raises(RefusedError, match="nothing to summarise"):
        review.summarise(served.settings)
    path = review.summarise(served.settings, until=today)
    assert path == f"evidence/reviews/{today}.json"
    found = json.loads((served.root / path).read_text(encoding="utf-8"))
    assert list(evidence.review_problems(found)) == []
    assert not schemas.validate("review-summary", found)
    counted = {key: found[key] for key in ("decisions", "queued", "reviewed", "overridden")}
    assert counted == {"decisions": 9, "queued": 4, "reviewed": 3, "overridden": 1}
    assert found["bias_check"] == {"sample": 1, "agreement": 1.0}
    assert found["oldest_open_hours"] >= 0
    with pytest.raises(RefusedError, match="nothing to summarise"):
        review.summarise(served.settings, until=today)


def test_the_next_summary_begins_where_the_last_one_ended(served, submitted, monkeypatch) -> None:
    day = "2026-12-30"
    monkeypatch.setattr(journal, "now", lambda: f"{day}T12:00:00.000Z")
    submitted()
    review.summarise(served.settings, until=day)
    monkeypatch.setattr(journal, "now", lambda: "2027-01-02T12:00:00.000Z")
    submitted()
    path = review.summarise(served.settings, until="2027-01-02")
    found = json.loads((served.root / path).read_text(encoding="utf-8"))
    assert found["period"] == {"from": "2026-12-31", "to": "2027-01-02"}
    assert (found["queued"], found["oldest_open_hours"]) == (1, 72.0)
