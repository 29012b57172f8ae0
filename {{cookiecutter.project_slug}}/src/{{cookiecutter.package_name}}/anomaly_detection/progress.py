"""Progress: how far the streams of this repository are, for Prometheus.

A stream has no address of its own to be asked at: it may end, wait or be restarted. Its log
outlives it, so the service shows what stands there, beside everything else that Prometheus reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..settings import Settings

FOLDER = Path("var/stream")
_READ = """
SELECT position, ends - position, starts, judged,
    (SELECT count(*) FROM alerts), (SELECT count(*) FROM alerts WHERE NOT told) FROM stream
"""


class Progress(Collector):
    """The streams whose logs stand in one folder, each time that Prometheus asks."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.root / FOLDER

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, with a label for each log; without a stream they are empty."""
        found = [
            CounterMetricFamily("stream_events", "Events judged", labels=["log"]),
            GaugeMetricFamily("stream_lag_events", "Events that wait", labels=["log"]),
            CounterMetricFamily("stream_starts", "Times that it was begun", labels=["log"]),
            GaugeMetricFamily(
                "stream_judged_timestamp_seconds", "When a batch was last judged", labels=["log"]
            ),
            CounterMetricFamily("stream_alerts", "Alerts", labels=["log"]),
            GaugeMetricFamily(
                "stream_alerts_untold", "Alerts that nobody was told of for sure", labels=["log"]
            ),
        ]
        for path in sorted(self.folder.glob("*.db")):
            for metric, value in zip(found, _state(path), strict=False):
                metric.add_metric([path.stem], value)
        yield from found


def _state(path: Path) -> tuple[float, ...]:
    """Return what stands in a log; nothing of one that cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as log:
            return log.execute(_READ).fetchone() or ()
    except sqlite3.Error:
        return ()
