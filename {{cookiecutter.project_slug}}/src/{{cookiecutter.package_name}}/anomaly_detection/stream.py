"""Stream: events from a source, judged in their order, alerts to a sink; each event once.

    source ─► read-ahead, bounded ─► release in force, else fallback ─► alert log ─► sink

Whoever reads faster than events are judged has to wait: the read-ahead holds a few batches and no
more. The position stands in the alert log and moves with the alerts, so that a restart goes on
where the last whole batch ended. README.md beside this file says how a broker takes the place of
the replay.

`nox -s stream` replays the test days of the sample; `-- --help` says what else it does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from .. import answering, feature_schema, ingest, robustness, settings
from ..errors import RefusedError
from ..predictor import Predictor
from . import features, rules
from .alert_log import CONFIRMED, DISMISSED, OPEN, Alert, AlertLog
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


class Sink(Protocol):
    """Who is told of an alert. It may be told again after a crash, and has to drop that."""

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


class Lines:
    """A sink: one line of JSON in a file for each alert that somebody is called for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_bytes() if path.exists() else b""
        # A line that a crash cut off was not taken: it is told again.
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:
            path.write_bytes(whole)
        self._known = {json.loads(line)["number"] for line in whole.splitlines()}

    def tell(self, alert: Alert) -> None:
        """Write the alert once."""
        if alert.number in self._known:
            return
        with self._path.open("ab") as file:
            file.write(json.dumps(asdict(alert)).encode() + b"\n")
        self._known.add(alert.number)


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
    _tell(log, sink)
    judged = 0
    for position, events in read_ahead(source, log.position):
        scores, names = watch.judge(events)
        times = events[features.TIME].to_numpy()
        log.record(position, times, scores, scores >= ALERT, names)
        _tell(log, sink)
        judged += len(events)
    return judged


def _tell(log: AlertLog, sink: Sink) -> None:
    """Tell what was not told for sure; an alert is in the log before anybody hears of it."""
    for alert in log.untold():
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
    """Return what is in force now."""
    current = answering.now(found)
    return Watch(current.name, current.predictor, found.fallback, rules.Rule(found.fallback))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 refused."""
    parser = argparse.ArgumentParser(prog="nox -s stream --")
    parser.add_argument("--log", type=Path, default=Path("build/stream/alerts.db"),
                        help="alerts and position (default: %(default)s)")  # fmt: skip
    parser.add_argument("--calls", type=Path, default=Path("build/stream/calls.jsonl"),
                        help="where alerts are told (default: %(default)s)")  # fmt: skip
    parser.add_argument("--rate", type=_rate, help="events a second (default: as fast as it goes)")
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument("--list", action="store_true", help="list the alerts that nobody decided")
    doing.add_argument("--confirm", type=int, metavar="NUMBER", help="an alert was right")
    doing.add_argument("--dismiss", type=int, metavar="NUMBER", help="an alert was wrong")
    parser.add_argument("--by", default="", metavar="@PERSON", help="who decides")
    parser.add_argument("--reason", default="", help="why")
    options = parser.parse_args(arguments)
    try:
        found = settings.load()
        _command(options)(found, options)
    except RefusedError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    return 0


def _command(
    options: argparse.Namespace,
) -> Callable[[settings.Settings, argparse.Namespace], None]:
    if options.list:
        return _list
    return _run if options.confirm is None and options.dismiss is None else _decide


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no rate: events a second, above zero")
    return rate


def _run(found: settings.Settings, options: argparse.Namespace) -> None:
    source, watch = replay(found, options.rate), watch_of(found)
    log = AlertLog(options.log, source.name)
    print(f"{watch.name} follows {source.name}, from event {log.position:,}", flush=True)
    judged = follow(source, watch, log, Lines(options.calls))
    open_alerts = len(log.alerts(OPEN))
    print(f"{judged:,} events judged, {len(log.alerts()):,} alerts, {open_alerts:,} of them open")


def _list(found: settings.Settings, options: argparse.Namespace) -> None:
    kind = _decision_type(found)
    print(f"# {kind['mode']}: {kind['reviewer_role']}, within {kind['respond_within_hours']} h")
    for alert in AlertLog(options.log).alerts(OPEN):
        print(f"{alert.number:>7}  {alert.began}  {alert.readings:>3} readings  {alert.score:.3f}")


def _decide(found: settings.Settings, options: argparse.Namespace) -> None:
    """Let a person decide who has the role for it; before that, nothing follows from an alert."""
    role = _decision_type(found)["reviewer_role"]
    people = {each["handle"]: each for each in found.program["people"] if each["active"]}
    if role not in people.get(options.by, {"roles": []})["roles"]:
        allowed = ", ".join(name for name, each in people.items() if role in each["roles"])
        raise RefusedError(f"alerts are decided by a {role}: --by {allowed}, not {options.by!r}")
    confirmed = options.confirm is not None
    number = options.confirm if confirmed else options.dismiss
    log = AlertLog(options.log)
    log.decide(number, CONFIRMED if confirmed else DISMISSED, options.by, options.reason)
    print(f"alert {number} is {CONFIRMED if confirmed else DISMISSED} by {options.by}")


def _decision_type(found: settings.Settings) -> dict[str, str]:
    for kind in found.oversight["decision_types"]:
        if kind["id"] == DECISION:
            return kind
    raise RefusedError(f"policies/oversight.yaml has no decision type {DECISION}")


if __name__ == "__main__":
    sys.exit(main())
