"""Limits: what policies/monitoring.yaml promises and what was last observed, for Prometheus.

Rules and dashboards compare metrics with these, so that they are static files and a limit is
changed in one place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ai_program import evidence
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from . import metrics
from .settings import Settings
from .use_case import serving

OUTCOMES = ("within", "breached", "inconclusive")
# What an alert says about a monitor, and where it leads.
_SAID = ("kind", "subject", "metric", "unit", "direction", "window", "owner", "runbook", "action")


class Limits(Collector):
    """The monitors of the policy, with the newest observation each time that Prometheus asks."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; without an observation there are only limits."""
        monitors = self.settings.monitoring["monitors"]
        info = GaugeMetricFamily("monitor_info", "What a monitor is", labels=["monitor", *_SAID])
        limit = GaugeMetricFamily("monitor_limit", "Beyond it action is due", labels=["monitor"])
        for each in monitors:
            info.add_metric([each["id"], *(str(each[key]) for key in _SAID)], 1)
            limit.add_metric([each["id"]], each["limit"])
        yield info
        yield limit
        newest = self._newest()
        if newest is not None:
            yield from _observed(newest)

    def _newest(self) -> dict[str, Any] | None:
        """Return the newest observation; one that cannot be read is none, and an alert says so."""
        paths = sorted((self.settings.root / evidence.OBSERVATIONS).glob("*.json"))
        try:
            return json.loads(paths[-1].read_bytes()) if paths else None
        except (OSError, ValueError):
            return None


def _observed(record: dict[str, Any]) -> Iterator[Metric]:
    value = GaugeMetricFamily("monitor_value", "What was observed last", labels=["monitor"])
    outcome = GaugeMetricFamily(
        "monitor_outcome", "1 for what the monitor said last", labels=["monitor", "outcome"]
    )
    for each in record["monitors"]:
        if each["value"] is not None:
            value.add_metric([each["monitor"]], each["value"])
        for name in OUTCOMES:
            outcome.add_metric([each["monitor"], name], float(each["outcome"] == name))
    yield value
    yield outcome
    day = datetime.fromisoformat(record["day"]).replace(tzinfo=UTC).timestamp()
    yield GaugeMetricFamily(
        "monitor_observed_timestamp_seconds", "Begin of the day of the newest observation", day
    )


_shown: list[Collector] = []


def show(settings: Settings) -> None:
    """Show limits, and what the use case has to show, in place of any that were shown before."""
    while _shown:
        metrics.REGISTRY.unregister(_shown.pop())
    for kind in (Limits, *getattr(serving, "COLLECTORS", ())):
        _shown.append(kind(settings))
        metrics.REGISTRY.register(_shown[-1])
