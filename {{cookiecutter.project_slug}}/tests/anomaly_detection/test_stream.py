"""Each event counts once, each alert is told once, whatever happens to the process."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import review
from {{ cookiecutter.package_name }} import settings
from {{ cookiecutter.package_name }}.anomaly_detection import rules
from {{ cookiecutter.package_name }}.anomaly_detection import serving
from {{ cookiecutter.package_name }}.anomaly_detection import stream
from {{ cookiecutter.package_name }}.anomaly_detection.alert_log import Alert
from {{ cookiecutter.package_name }}.anomaly_detection.alert_log import AlertLog
from {{ cookiecutter.package_name }}.anomaly_detection.alerts import first_of_each
from {{ cookiecutter.package_name }}.anomaly_detection.features import NAMES
from {{ cookiecutter.package_name }}.anomaly_detection.features import TIME
from {{ cookiecutter.package_name }}.errors import RefusedError

EVENTS = 3_000
RULE = rules.Rule("static_threshold")
WATCH = stream.Watch("static_threshold", RULE, "static_threshold", RULE)


def readings(n: int = EVENTS) -> pd.DataFrame:
    """Return quiet readings, one a minute, and every now and then some that are off."""
    rows = pd.DataFrame({name: np.full(n, rules.USUAL[name][0]) for name in NAMES})
    rows.loc[np.random.default_rng(1).random(n) < 0.05, "f1"] = 120.0
    rows.insert(0, TIME, pd.date_range("2026-01-01", periods=n, freq="min"))
    return rows


class Lines:
    """A sink of whoever is called, that survives what happens to the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known = {*calls(path.parent)} if path.exists() else set()

    def tell(self, alert: Alert) -> None:
        if alert.number not in self.known:
            with self._path.open("a") as file:
                file.write(f"{alert.number}\n")
            self.known.add(alert.number)


def follow(folder: Path, source: stream.Source, watch: stream.Watch = WATCH) -> AlertLog:
    log = AlertLog(folder / "alerts.db", source.name)
    stream.follow(source, watch, log, Lines(folder / "calls"))
    return log


def calls(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "calls").read_text().splitlines()]


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> tuple[Path, list]:
    """A stream that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder, follow(folder, stream.Replay("readings", readings())).alerts()


def test_an_alert_for_each_flock(expected) -> None:
    folder, alerts = expected
    rows = readings()
    off = RULE.predict(rows) >= rules.ALERT
    begins = np.flatnonzero(first_of_each(rows[TIME].to_numpy(), off)).tolist()
    assert [each.number for each in alerts] == begins == calls(folder)
    assert len(begins) > 50
    assert sum(each.readings for each in alerts) == off.sum()


# What a process does until somebody kills it, or until it kills itself at the worst moment.
PROGRAM = """
import os, signal, sys
from pathlib import Path
from {{ cookiecutter.package_name }}.anomaly_detection import alert_log, stream
sys.path.insert(0, {tests!r})
import test_stream

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Told(test_stream.Lines):
    def tell(self, alert):
        count = len(self.known)
        if "{moment}" == "before an alert is told" and count == 20:
            die()
        super().tell(alert)
        if "{moment}" == "after it was told" and count == 20:
            die()

class Log(alert_log.AlertLog):
    def _add(self, position, *reading):
        super()._add(position, *reading)
        if "{moment}" == "in the middle of a batch" and position > 1_000:
            die()

folder = Path({folder!r})
source = stream.Replay("readings", test_stream.readings(), {rate})
log = Log(folder / "alerts.db", source.name)
stream.follow(source, test_stream.WATCH, log, Told(folder / "calls"))
"""


def start(folder: Path, moment: str = "", rate: float | None = None) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    here = str(Path(__file__).parent)
    program = PROGRAM.format(folder=str(folder), moment=moment, rate=rate, tests=here)
    return subprocess.Popen([sys.executable, "-c", program])


def same(folder: Path, expected: tuple[Path, list]) -> None:
    """What is left is what an undisturbed stream leaves."""
    undisturbed, alerts = expected
    log = AlertLog(folder / "alerts.db", "readings")
    assert log.position == EVENTS
    assert log.alerts() == alerts
    assert log.alerts(untold=True) == []
    assert calls(folder) == calls(undisturbed)


@pytest.mark.parametrize(
    "moment", ["in the middle of a batch", "before an alert is told", "after it was told"]
)
def test_killed_at_the_worst_moment(expected, tmp_path, moment) -> None:
    assert start(tmp_path, moment).wait() == -signal.SIGKILL
    assert 0 < AlertLog(tmp_path / "alerts.db", "readings").position < EVENTS
    follow(tmp_path, stream.Replay("readings", readings()))
    same(tmp_path, expected)


def test_killed_from_outside_again_and_again(expected, tmp_path) -> None:
    path = tmp_path / "alerts.db"
    reached = 0
    for _ in range(2):
        process = start(tmp_path, rate=600)
        while not path.exists() or AlertLog(path, "readings").position < reached + 300:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        reached = AlertLog(path, "readings").position
        assert reached < EVENTS
    follow(tmp_path, stream.Replay("readings", readings()))
    same(tmp_path, expected)


def test_a_slow_judge_slows_its_source() -> None:
    class Counted(stream.Replay):
        batches = 0

        def read(self, position: int, limit: int) -> pd.DataFrame:
            self.batches += 1
            return super().read(position, limit)

    source = Counted("readings", readings())
    taken = []
    for position, events in stream.read_ahead(source, 0, batch=50, ahead=3):
        taken.append((position, len(events)))
        if len(taken) < 6:
            time.sleep(0.1)  # long enough to read everything, if nothing held it back
            assert source.batches <= len(taken) + 3 + 1
    assert taken == [(position, 50) for position in range(0, EVENTS, 50)]


def test_reading_ends_with_whoever_judges() -> None:
    before = threading.active_count()
    ahead = stream.read_ahead(stream.Replay("readings", readings()), 0, batch=1, ahead=1)
    next(ahead)
    ahead.close()
    for _ in range(100):
        if threading.active_count() == before:
            return
        time.sleep(0.05)
    pytest.fail("the thread still waits for somebody to take its events")


def test_a_source_that_breaks_is_heard_of(tmp_path) -> None:
    class Broken(stream.Replay):
        def read(self, position: int, limit: int) -> pd.DataFrame:
            if position >= 600:
                raise ConnectionError("the broker went away")
            return super().read(position, limit)

    with pytest.raises(ConnectionError, match="went away"):
        follow(tmp_path, Broken("readings", readings()))
    assert AlertLog(tmp_path / "alerts.db", "readings").position == 600


def test_another_stream_does_not_go_on_where_this_one_stands(tmp_path) -> None:
    follow(tmp_path, stream.Replay("readings", readings(100)))
    with pytest.raises(RefusedError, match="belongs to the stream readings"):
        AlertLog(tmp_path / "alerts.db", "others")


def test_two_processes_do_not_judge_one_stream(tmp_path) -> None:
    one, two = (AlertLog(tmp_path / "alerts.db", "readings") for _ in range(2))
    batch = (readings(10)[TIME].to_numpy(), np.zeros(10), np.zeros(10, dtype=bool), ["x"] * 10)
    one.record(0, *batch)
    with pytest.raises(RefusedError, match="another process"):
        two.record(0, *batch)
    assert two.position == 10


def test_where_the_model_has_no_answer_the_fallback_has_one(tmp_path) -> None:
    class Fussy:
        def predict(self, rows: pd.DataFrame) -> np.ndarray:
            return np.where(rows["f4"].isna(), np.nan, 0.0)

    rows = readings(6)
    rows.loc[2, ["f1", "f4"]] = [120.0, np.nan]  # the fallback sees that it is off
    rows.loc[3, "f4"] = np.nan  # and that this one is not
    rows.loc[4, [*NAMES]] = np.nan  # nobody can say
    watch = stream.Watch("model", Fussy(), "static_threshold", RULE)
    rows["f1"] = rows["f1"].where(rows.index >= 2, rules.USUAL["f1"][0])
    (alert,) = follow(tmp_path, stream.Replay("readings", rows), watch).alerts()
    assert (alert.number, alert.readings, alert.answered_by) == (2, 2, "static_threshold")


# People.


@pytest.fixture
def queue(found, tmp_path) -> tuple[settings.Settings, AlertLog, stream.ReviewQueue]:
    """An empty queue, whose policy wants a person before anything happens, and an empty log."""
    kinds = [each | {"mode": "before_execution"} for each in found.oversight["decision_types"]]
    oversight = found.oversight | {"decision_types": kinds}
    mine = dataclasses.replace(found, root=tmp_path, oversight=oversight)
    log = AlertLog(tmp_path / "alerts.db", "readings")
    return mine, log, stream.ReviewQueue(mine, "readings")


def test_an_alert_waits_for_a_person_and_is_asked_about_once(queue) -> None:
    mine, log, sink = queue
    stream.follow(stream.Replay("readings", readings(500)), WATCH, log, sink)
    for alert in log.alerts():
        sink.tell(alert)  # as after a crash
    waiting = {each.trace_id: each for each in review.waiting(mine)}
    names = [stream.name_of("readings", alert) for alert in log.alerts()]
    assert sorted(waiting) == sorted(names)
    assert len(names) > 5
    assert review.state(mine, names[0]) == (review.WAITING, None)
    assert waiting[names[0]].decision_type == "alert"


def test_an_alert_that_nobody_has_to_review_stands_in_the_log_only(queue) -> None:
    mine, log, _ = queue
    kinds = [each | {"mode": "monitor"} for each in mine.oversight["decision_types"]]
    loose = dataclasses.replace(mine, oversight=mine.oversight | {"decision_types": kinds})
    sink = stream.ReviewQueue(loose, "readings")
    stream.follow(stream.Replay("readings", readings(500)), WATCH, log, sink)
    assert log.alerts()
    assert review.waiting(loose) == []


def test_the_service_has_alerts_reviewed_and_nothing_else() -> None:
    answers = np.array([0.2, 0.5, 0.9])
    assert serving.decides(readings(3), answers).tolist() == [False, True, True]
