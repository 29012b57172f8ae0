"""Readings: what a monitor would read of a model, measured on the rows of the test.

Live values come later and cost something. What the evaluation can measure is known now, by the same
function that the gates rest on.
"""

from __future__ import annotations

from typing import Any

from .evaluate import Data
from .predictor import Predictor
from .settings import Settings
from .use_case import evaluation


def read(
    settings: Settings, data: Data, monitor: dict[str, Any], model: Predictor
) -> tuple[float, int] | None:
    """Return what a monitor reads of a model and of how many rows, None if it is not measured."""
    policy, metric = settings.evaluation, monitor["metric"]
    asked = [gate["compare_with"] for gate in policy["gates"] if gate["metric"] == metric]
    judged = evaluation.Evaluation(data, model, None, policy)
    for against in dict.fromkeys([None, *asked]):
        found = judged.estimate(metric, judged.slices[None], against)
        if found is not None:
            return found.value, found.n
    return None


def breaks(monitor: dict[str, Any], value: float, n: int) -> bool:
    """Tell whether a reading breaks the limit of its monitor; too few rows say nothing."""
    is_lower = monitor["direction"] == "lower"
    is_good = value <= monitor["limit"] if is_lower else value >= monitor["limit"]
    return n >= monitor["min_rows"] and not is_good


def said(monitor: dict[str, Any], value: float, n: int) -> str:
    """Return a reading as people read it."""
    return (
        f"{monitor['id']} reads {monitor['metric']} {value:.3g} on {n:,} rows, "
        f"the limit is {monitor['limit']:g}"
    )
