"""KPIs: what was promised beside what is so, recorded with every release.

A KPI whose id names a metric of the evaluation (``KPI-mae``, ``KPI-mape``) takes its value from the
report of the release. The share of deployments that succeeded and the time to market come from the
release records. What only the business can measure stands as unknown until its owner records it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from ai_program import digests

SUCCESS_RATE = "deployment_success_rate"


def actuals(
    *,
    release: str,
    program: dict[str, Any],
    report: dict[str, Any],
    records: Sequence[dict[str, Any]],
    sprint_starts: Sequence[str],
) -> dict[str, Any]:
    """Return the KPIs of a release; ``records`` are all releases, the new one included."""
    rate = success_rate(records)
    measured = {
        each["metric"]: each["value"]
        for each in report["measurements"]
        if each["slice"] is None and each["compare_with"] is None
    } | {SUCCESS_RATE: rate}
    return digests.sealed(
        {
            "schema_version": 1,
            "release": release,
            "actuals": [
                _actual(result, measured)
                for objective in program["objectives"]
                for result in objective["key_results"]
            ],
            "deployment_success_rate": rate,
            "time_to_market_days": time_to_market(records[-1], sprint_starts),
        }
    )


def success_rate(records: Sequence[dict[str, Any]]) -> float:
    """Return the share of promotions that were not rolled back."""
    actions = [record["predicate"]["action"] for record in records]
    promoted = actions.count("promote")
    withdrawn = sum(pair == ("promote", "rollback") for pair in pairwise(actions))
    return round((promoted - withdrawn) / promoted, 6) if promoted else 0.0


def time_to_market(record: dict[str, Any], sprint_starts: Sequence[str]) -> int:
    """Return the days from the start of the sprint to the release."""
    released = date.fromisoformat(record["predicate"]["created_at"][:10])
    starts = sorted(date.fromisoformat(start) for start in sprint_starts)
    begun = [start for start in starts if start <= released] or starts[:1] or [released]
    return max(0, (released - begun[-1]).days)


def _actual(result: dict[str, Any], measured: dict[str, float]) -> dict[str, Any]:
    value = measured.get(result["id"].removeprefix("KPI-").replace("-", "_"))
    reached = None
    if value is not None:
        target = result["target"]
        reached = value >= target if result["direction"] == "increase" else value <= target
    return {
        "kpi": result["id"],
        "value": value,
        "unit": result["unit"],
        "target": result["target"],
        "met": reached,
        "source": result["source"],
    }
