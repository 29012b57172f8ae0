"""Stream: events from a source, judged in their order, alerts to a sink; each event once.

    source ─► read-ahead, bounded ─► whoever answers now ─► alert log ─► review queue

Whoever reads faster than events are judged has to wait: the read-ahead holds a few batches and no
more. The position stands in the alert log and moves with the alerts, so that a restart goes on
where the last whole batch ended. README.md beside this file says how a broker takes the place of
the replay.

`nox -s stream` replays the test days of the sample; `-- --help` says what else it does.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from .. import answering, feature_schema, ingest, oversight, review, robustness, settings
from ..errors import RefusedError
from ..predictor import Predictor
from . import features, rules
from .alert_log import Alert, AlertLog
from .rules import ALERT, impossible

BATCH = 60
AHEAD = 4  # batches
DECISION = "alert"  # of policies/oversight.yaml


class Source(Protocol):
    """Where events come from; a partition of a topic, or a file. It can be read again."""

    name: str

    def read(self, position: int, limit: int) -> pd.DataFrame:
        """Return the next events from a position on, in order, at most so many.

        It waits for the first one; nothing at all means that the stream has ended. A row has the
        time and the features; what could not be read of an event is missing in it.
        """

    def ends(self) -> int:
        """Return how many events there are by now; another thread may be reading."""


class Sink(Protocol):
    """Who is told of an alert; told again after a crash, it has to drop that."""

    def tell(self, alert: Alert) -> None:
        """Take an alert; return when it cannot be lost any more."""


class Replay:
    """A source: rows that are there already, as if they came now."""

    def __init__(self, name: str, rows: pd.DataFrame, rate: float | None = None) -> None:
        self.name = name
        self._rows = rows
        self._rate = rate  # events a second; None: as fast as they are taken

    def read(self, position: int, limit: int) -> pd.DataFrame:
        """Return the next rows, at the rate at which they are to come."""
        found = self._rows.iloc[position : position + limit]
        if self._rate:
            time.sleep(len(found) / self._rate)
        return found

    def ends(self) -> int:
        """Return the number of rows."""
        return len(self._rows)


class ReviewQueue:
    """A sink: the review queue, where an alert waits for a person if the policy wants one.

    Nothing may act on an alert before; `nox -s review` decides. An alert that is submitted again is
    the same one, by its name.
    """

    def __init__(self, found: settings.Settings, source: str) -> None:
        self._settings = found
        self._source = source

    def tell(self, alert: Alert) -> None:
        """Submit the alert, if somebody has to review it."""
        name = name_of(self._source, alert)
        if oversight.reviewer(self._settings, DECISION, name) is not None:
            reason = f"{alert.answered_by} scored {alert.score:.3f} at {alert.began}"
            review.submit(self._settings, DECISION, name, 1, reason)


def name_of(source: str, alert: Alert) -> str:
    """Return the name of an alert, which no alert of another stream has."""
    return f"alert-{sha256(source.encode()).hexdigest()[:8]}-{alert.number}"


def read_ahead(
    source: Source, position: int, batch: int = BATCH, ahead: int = AHEAD
) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield batches with their positions; a thread reads a few of them ahead, then it waits."""
    waiting: queue.Queue[tuple[int, pd.DataFrame] | BaseException] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(item: tuple[int, pd.DataFrame] | BaseException) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=0.1)
                return

    def read() -> None:
        place = position
        try:
            while not stopped.is_set():
                events = source.read(place, batch)
                put((place, events))
                if events.empty:
                    return
                place += len(events)
        except BaseException as error:  # it is raised where somebody sees it
            put(error)

    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, BaseException):
                raise item
            if item[1].empty:
                return
            yield item
    finally:
        stopped.set()


@dataclass(frozen=True, slots=True)
class Watch:
    """What judges events: whatever is in force, and the rule that answers where it cannot."""

    name: str
    model: Predictor
    fallback_name: str
    fallback: Predictor

    def judge(self, events: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
        """Return score and author of each answer; where nobody has one, somebody is called."""
        scores, stepped_in = robustness.fail_safe(events, self.model, self.fallback, impossible)
        scores[impossible(scores)] = 1.0
        return scores, [self.fallback_name if each else self.name for each in stepped_in]


def follow(source: Source, watch: Watch, log: AlertLog, sink: Sink) -> int:
    """Judge everything from where the log stands, and return how many events that were."""
    log.begun(source.ends())
    _tell(log, sink)
    judged = 0
    for position, events in read_ahead(source, log.position):
        scores, names = watch.judge(events)
        times = events[features.TIME].to_numpy()
        log.record(position, times, scores, scores >= ALERT, names, ends=source.ends())
        _tell(log, sink)
        judged += len(events)
    return judged


def _tell(log: AlertLog, sink: Sink) -> None:
    """Tell what was not told for sure; an alert is in the log before anybody hears of it."""
    for alert in log.alerts(untold=True):
        sink.tell(alert)
        log.told(alert.number)


def replay(found: settings.Settings, rate: float | None = None) -> Replay:
    """Return the test days of the sample as a source, without their labels."""
    digest = ingest.verify(found)
    frame = feature_schema.frame(
        features.build(ingest.tables(found)), found.features, features.NAMES
    )
    first = found.evaluation["data"]["test_from"]
    coming = frame[frame[features.TIME] >= pd.Timestamp(first)].reset_index(drop=True)
    name = f"{found.contract_reference} of {digest[:19]} from {first}"
    return Replay(name, coming.drop(columns=features.TARGET), rate)


def watch_of(found: settings.Settings) -> Watch:
    """Return who answers now."""
    current = answering.now(found)
    return Watch(current.name, current.predictor, found.fallback, rules.Rule(found.fallback))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 refused."""
    parser = argparse.ArgumentParser(prog="nox -s stream --")
    parser.add_argument("--log", type=Path, default=Path("var/stream/alerts.db"),
                        help="alerts and position (default: %(default)s)")  # fmt: skip
    parser.add_argument("--rate", type=_rate, help="events a second (default: as fast as it goes)")
    parser.add_argument("--list", action="store_true", help="list alerts and what became of them")
    options = parser.parse_args(arguments)
    try:
        found = settings.load()
        path = found.root / options.log
        _list(found, path) if options.list else _run(found, path, options.rate)
    except RefusedError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    return 0


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no rate: events a second, above zero")
    return rate


def _run(found: settings.Settings, path: Path, rate: float | None) -> None:
    source, watch = replay(found, rate), watch_of(found)
    log = AlertLog(path, source.name)
    print(f"{watch.name} follows {source.name}, from event {log.position:,}", flush=True)
    judged = follow(source, watch, log, ReviewQueue(found, source.name))
    print(f"{judged:,} events judged; {len(log.alerts()):,} alerts: `nox -s review -- list`")


def _list(found: settings.Settings, path: Path) -> None:
    log = AlertLog(path)
    said = {each.trace_id: each.done for each in review.entries(found)}
    for alert in log.alerts():
        name = name_of(log.source, alert)
        done = said.get(name)
        became = done["outcome"] if done else review.WAITING if name in said else "not reviewed"
        print(f"{name}  {alert.began}  {alert.readings:>3} readings  {alert.score:.3f}  {became}")


if __name__ == "__main__":
    sys.exit(main())
