"""The log of alerts: what was found, by whom, who was told, and how far the stream is.

Alerts and position stand in one SQLite file and change in one transaction. So a process that is
killed anywhere has either done a batch or not begun it: no event is judged twice, none is left out.
Whoever is told of an alert may be told again after a crash, with the same number, and drops it.
What people make of an alert stands in the review queue.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import RefusedError
from .alerts import COOL_DOWN

_SCHEMA = """
CREATE TABLE IF NOT EXISTS stream (
    source TEXT PRIMARY KEY,        -- what is read; positions mean nothing in another stream
    position INTEGER NOT NULL,      -- the first event that was not judged yet
    ends INTEGER NOT NULL,          -- how many events the source had when it was last asked
    judged REAL NOT NULL,           -- when a batch was last judged, in seconds since 1970
    starts INTEGER NOT NULL         -- how often somebody began to follow it
);
CREATE TABLE IF NOT EXISTS alerts (
    number INTEGER PRIMARY KEY,     -- the position of the event that began it
    began TEXT NOT NULL,
    last TEXT NOT NULL,             -- the last reading that is off and belongs to it
    readings INTEGER NOT NULL,
    score REAL NOT NULL,            -- the highest
    answered_by TEXT NOT NULL,      -- the release that was in force, or the fallback
    told INTEGER NOT NULL DEFAULT 0 -- whether the sink has it for sure
);
"""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: a flock of readings that are off."""

    number: int
    began: str
    last: str
    readings: int
    score: float
    answered_by: str


# Names of our own, so that they may stand in a statement.
_COLUMNS = ", ".join(Alert.__slots__)


class AlertLog:
    """Alerts and position of one stream, in one file."""

    def __init__(self, path: Path, source: str | None = None) -> None:
        """Open the log of a stream; without a source, that of whichever stream it is."""
        if source is None and not path.exists():
            raise RefusedError(f"{path} is not there: no stream was followed yet")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._database = sqlite3.connect(path, isolation_level=None)
        # A commit is on the disk before it is said to be done.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)
        if source is None:
            return
        self._database.execute(
            "INSERT INTO stream SELECT ?, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM stream)",
            (source,),
        )
        if self.source != source:
            raise RefusedError(
                f"{path} belongs to the stream {self.source}, not to {source}: positions of one "
                "mean nothing in the other; keep the file and name another with --log"
            )

    @property
    def source(self) -> str:
        """Return the name of the stream."""
        return str(self._database.execute("SELECT source FROM stream").fetchone()[0])

    @property
    def position(self) -> int:
        """Return the first event that was not judged yet."""
        return int(self._database.execute("SELECT position FROM stream").fetchone()[0])

    def record(
        self,
        position: int,
        times: np.ndarray,
        scores: np.ndarray,
        off: np.ndarray,
        names: Sequence[str],
        *,
        ends: int = 0,
    ) -> None:
        """Keep what a batch of events that begins at a position brought, as a whole.

        ``times`` (UTC), ``scores``, ``off`` (which of them are alerts) and ``names`` (who answered)
        have one entry for each event. ``ends`` is how many events the source has by now.
        """
        after = position + len(times)
        with self._transaction():
            moved = self._database.execute(
                "UPDATE stream SET position = ?, ends = ?, judged = ? WHERE position = ?",
                (after, max(ends, after), time.time(), position),
            )
            if moved.rowcount != 1:
                raise RefusedError(
                    f"{self.path} is at {self.position} and not at {position} any more: another "
                    "process reads this stream too, and one is enough"
                )
            for place in np.flatnonzero(off):
                self._add(position + int(place), times[place], float(scores[place]), names[place])

    def begun(self, ends: int) -> None:
        """Note that somebody begins to follow, and how many events the source has."""
        self._database.execute(
            "UPDATE stream SET starts = starts + 1, ends = max(position, ?)", (ends,)
        )

    def _add(self, position: int, moment: np.datetime64, score: float, name: str) -> None:
        """Add a reading that is off to the alert that is going on, or begin one."""
        said = str(np.datetime_as_string(moment, unit="ms"))
        going_on = self._database.execute(
            "UPDATE alerts SET last = ?, readings = readings + 1, score = max(score, ?) "
            "WHERE number = (SELECT max(number) FROM alerts) AND last > ?",
            (said, score, str(np.datetime_as_string(moment - COOL_DOWN, unit="ms"))),
        )
        if going_on.rowcount == 0:
            self._database.execute(
                "INSERT INTO alerts (number, began, last, readings, score, answered_by) "
                "VALUES (?, ?, ?, 1, ?, ?)",
                (position, said, said, score, name),
            )

    def alerts(self, *, untold: bool = False) -> list[Alert]:
        """Return all alerts, or those that nobody is known to have been told of."""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM alerts WHERE NOT (? AND told) ORDER BY number",  # noqa: S608
            (untold,),
        )
        return [Alert(*row) for row in rows]

    def told(self, number: int) -> None:
        """Note that the sink has an alert."""
        self._database.execute("UPDATE alerts SET told = 1 WHERE number = ?", (number,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
