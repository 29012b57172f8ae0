"""An order above the value cap waits for a person, whatever the mode of review is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import answering
from {{ cookiecutter.package_name }} import decisions
from {{ cookiecutter.package_name }} import review
from {{ cookiecutter.package_name }}.inventory_optimization import serving


@pytest.fixture
def monitored(served):
    """A repository whose policy has no single order reviewed but those above the cap."""
    kind = served.settings.oversight["decision_types"][0]
    served.rewrite("policies/oversight.yaml", f"mode: {kind['mode']}", "mode: monitor")
    return served


def ordered(served, quantities: list[float]) -> list[dict]:
    found = served.settings
    frame = pd.DataFrame([served.row(price=1.0)] * len(quantities))
    answers = np.array(quantities, dtype=float)
    return decisions.Log(found).write(answering.now(found), frame, answers, latency_ms=1)


def test_only_the_order_above_the_cap_waits(monitored) -> None:
    small, large = ordered(monitored, [serving.cap(), serving.cap() + 1])
    (waiting,) = review.waiting(monitored.settings)
    assert small["reviewer"] is None
    assert waiting.trace_id == large["record_id"]
    assert waiting.reason == f"value above {serving.cap():g}"
    assert waiting.role == monitored.settings.oversight["decision_types"][0]["reviewer_role"]
    assert review.state(monitored.settings, large["record_id"]) == (review.WAITING, None)


def test_a_buyer_sets_another_quantity(monitored) -> None:
    (large,) = ordered(monitored, [serving.cap() + 1])
    role = large["reviewer"]
    buyer = next(
        each["handle"]
        for each in monitored.settings.program["people"]
        if each["active"] and role in each["roles"]
    )
    review.override(
        monitored.settings, large["record_id"], by=buyer, value=500, reason="the shelf is full"
    )
    state = review.state(monitored.settings, large["record_id"])
    assert state == (review.OVERRIDDEN, 500)
    assert review.waiting(monitored.settings) == []
