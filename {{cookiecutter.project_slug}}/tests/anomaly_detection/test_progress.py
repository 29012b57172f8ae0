"""How far a stream is, as Prometheus and its dashboard read it."""

from __future__ import annotations

import json
import re
import time

import pytest
from conftest import ROOT
from conftest import TOKEN
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from test_stream import WATCH
from test_stream import follow
from test_stream import readings

from {{ cookiecutter.package_name }} import metrics
from {{ cookiecutter.package_name }} import service
from {{ cookiecutter.package_name }}.anomaly_detection import progress
from {{ cookiecutter.package_name }}.anomaly_detection import stream
from {{ cookiecutter.package_name }}.anomaly_detection.alert_log import Alert
from {{ cookiecutter.package_name }}.anomaly_detection.alert_log import AlertLog


class Growing(stream.Replay):
    """A source that has more events than anybody has read."""

    def ends(self) -> int:
        return super().ends() + 300


def shown(served) -> dict[str, float]:
    """Return what the service shows of the streams, by name; there is one log."""
    app = service.create(served.settings, TOKEN)
    with TestClient(app) as http:
        families = text_string_to_metric_families(http.get("/metrics").text)
        return {
            sample.name: sample.value
            for family in families
            for sample in family.samples
            if sample.labels.get("log") == "alerts"
        }


def test_the_service_shows_how_far_the_stream_is(served) -> None:
    folder = served.root / progress.FOLDER
    assert shown(served) == {}
    before = time.time()
    log = follow(folder, Growing("readings", readings(500)))
    follow(folder, Growing("readings", readings(500)))  # as after a crash
    found = shown(served)
    judged = found.pop("stream_judged_timestamp_seconds")
    assert before <= judged <= time.time()
    assert found == {
        "stream_events_total": 500, "stream_lag_events": 300, "stream_starts_total": 2,
        "stream_alerts_total": len(log.alerts()), "stream_alerts_untold": 0,
    }  # fmt: skip


def test_an_alert_that_reached_nobody_is_shown(served) -> None:
    class Deaf:
        def tell(self, alert: Alert) -> None:
            raise ConnectionError(f"nobody takes {alert.number}")

    log = AlertLog(served.root / progress.FOLDER / "alerts.db", "readings")
    with pytest.raises(ConnectionError):
        stream.follow(stream.Replay("readings", readings(500)), WATCH, log, Deaf())
    assert shown(served)["stream_alerts_untold"] > 0


def test_a_log_that_cannot_be_read_hides_nothing_else(served) -> None:
    folder = served.root / progress.FOLDER
    folder.mkdir(parents=True)
    (folder / "alerts.db").write_text("no database")
    assert shown(served) == {}
    assert b"monitor_limit" in metrics.text()


def test_every_panel_draws_what_is_shown(served) -> None:
    follow(served.root / progress.FOLDER, stream.Replay("readings", readings(100)))
    board = json.loads((ROOT / "monitoring/grafana/stream.json").read_text(encoding="utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"stream_\w+", target["expr"])
    }
    assert asked == {*shown(served)}
