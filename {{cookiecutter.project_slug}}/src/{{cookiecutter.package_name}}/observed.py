"""Observed: what was asked and answered, row by row, as the monitors look at it.

Live, that is the log of decisions. A replay asks whatever is in force to answer the rows of the
test again, as if they came in now: on a sample nothing else is there to be watched. It has no
latency and no calls, and it never takes a version out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from . import answering, calls, decisions, golden
from .errors import RefusedError
from .evaluate import Data
from .settings import Settings
from .use_case import features
from .windows import TIME, length

DECISIONS, REPLAY = "decisions", "replay"
# How the columns that are not features are called here; no feature begins with an underscore.
VERSION, LATENCY, ANSWER, NAME = "_version", "_latency_ms", "_answer", "_name"
FAILED = "_failed"


def called(found: Iterable[dict[str, Any]] = ()) -> pd.DataFrame:
    """Return calls as the monitors look at them: when each came, and whether it failed here."""
    rows = pd.DataFrame([(each["time"], each["failed"]) for each in found], columns=[TIME, FAILED])
    return rows.assign(
        **{TIME: pd.to_datetime(rows[TIME], utc=True), FAILED: rows[FAILED].astype(float)}
    )


@dataclass(frozen=True, slots=True)
class Observed:
    """Rows with their answers, the moment to which they reach, and where they come from.

    Calls are there only if somebody asked; one may be for many rows, or get no answer.
    """

    source: str
    until: pd.Timestamp
    rows: pd.DataFrame
    calls: pd.DataFrame = field(default_factory=called)


def reach(settings: Settings) -> timedelta:
    """Return how far back the monitors look; twice, because the truth may come late."""
    monitors = settings.monitoring["monitors"]
    return 2 * max(length(each["window"]) * each["consecutive"] for each in monitors)


def decided(settings: Settings, now: pd.Timestamp) -> Observed:
    """Return what was decided, as far back as the monitors look."""
    since = (now - reach(settings)).strftime("%Y-%m-%d")
    keys = settings.keys
    rows = [
        {
            TIME: each["time"],
            VERSION: each["model_version"],
            LATENCY: each["latency_ms"],
            ANSWER: each["outcome"],
            NAME: None if each["entity"] is None else tuple(each["entity"][key] for key in keys),
            **each["features"],
        }
        for each in decisions.read(settings, since)
        if each["features"]  # nothing was scored without them
    ]
    columns = [TIME, VERSION, LATENCY, ANSWER, NAME, *features.NAMES]
    found = pd.DataFrame(rows, columns=columns)
    found[TIME] = pd.to_datetime(found[TIME], utc=True)
    rows = found.sort_values(TIME, kind="stable")
    return Observed(DECISIONS, now, rows, called(calls.read(settings, since)))


def replayed(settings: Settings, data: Data) -> Observed:
    """Return the rows of the test, answered by whatever is in force now."""
    rows = data.test[[features.TIME, *features.NAMES]].copy()
    answerer, answers = answering.answer(settings, answering.now(settings), data.test)
    rows[TIME] = pd.to_datetime(data.test[features.TIME], utc=True)
    rows[VERSION] = answerer.name
    rows[LATENCY] = np.nan
    rows[ANSWER] = answers
    rows[NAME] = golden.names(data.test, settings.keys)
    return Observed(REPLAY, rows[TIME].max(), rows.sort_values(TIME, kind="stable"))


def with_truth(rows: pd.DataFrame, data: Data, settings: Settings) -> pd.DataFrame:
    """Return the rows whose truth has arrived, as the evaluation has them, with their answers.

    A row that was answered several times counts with its last answer.
    """
    known = pd.concat([data.training, data.test], ignore_index=True)
    names = golden.names(known, settings.keys)
    places = {name: place for place, name in enumerate(names)}
    if len(places) != len(names):
        raise RefusedError(
            f"the keys {', '.join(settings.keys)} of features/{settings.features['id']}.yaml do "
            "not name each row: no answer can be joined with its truth"
        )
    last = rows[rows[NAME].isin(places)].drop_duplicates(NAME, keep="last")
    found = known.iloc[[places[name] for name in last[NAME]]].reset_index(drop=True)
    found = found.assign(**{column: last[column].to_numpy() for column in (VERSION, ANSWER)})
    found[TIME] = last[TIME].reset_index(drop=True)
    return found[found[features.TARGET].notna()].reset_index(drop=True)
