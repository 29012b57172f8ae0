"""Metrics: everything that Prometheus may read here, in one registry.

Other modules add to `REGISTRY`; the service shows it under ``/metrics``.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

# Around the promise of 50 ms, where a percentile has to be told from the next one.
_SECONDS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "serving_requests_total", "Requests answered, by path and status", ["path", "status"],
    registry=REGISTRY,
)  # fmt: skip
SECONDS = Histogram(
    "serving_request_seconds", "Time from the request to the end of the answer", ["path"],
    registry=REGISTRY, buckets=_SECONDS,
)  # fmt: skip
PREDICTIONS = Counter(
    "serving_predictions_total", "Predictions, by who answered", ["served_by", "version"],
    registry=REGISTRY,
)  # fmt: skip
FAILURES = Counter(
    "serving_failures_total", "What went wrong here: model, decision_log, call_log", ["what"],
    registry=REGISTRY,
)  # fmt: skip
FALLBACK = Gauge(
    "serving_fallback", "1 while the fallback rule answers instead of a release",
    registry=REGISTRY,
)  # fmt: skip
BREAKER_OPEN = Gauge(
    "breaker_open", "1 while the breaker keeps the version in force out", registry=REGISTRY
)
RELEASE = Gauge("release_in_force", "1 for the version in force", ["version"], registry=REGISTRY)
REVIEWED = Gauge("reviews_done", "Decisions that people reviewed", registry=REGISTRY)
OVERRIDDEN = Gauge("reviews_overridden", "Those of them decided otherwise", registry=REGISTRY)


def text() -> bytes:
    """Return all metrics in the text format of Prometheus."""
    return generate_latest(REGISTRY)
