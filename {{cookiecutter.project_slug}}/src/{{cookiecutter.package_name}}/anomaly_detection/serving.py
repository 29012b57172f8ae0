"""Serving: the readings of the last hour before the data ends."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd

from .. import feature_schema
from .features import DATASET, NAMES, TIME, build
from .progress import Progress
from .rules import ALERT

HOUR = 60
COLLECTORS = (Progress,)


def current(tables: dict[str, ibis.Table], view: dict[str, Any]) -> pd.DataFrame:
    """Return the readings that came last: those of an hour, at one a minute."""
    last = tables[DATASET].order_by(ibis.desc(TIME)).limit(HOUR)
    return feature_schema.frame(build({DATASET: last}), view, NAMES)


def decides(_: pd.DataFrame, answers: np.ndarray) -> np.ndarray:
    """Return which scores call somebody; from the others nothing follows."""
    return answers >= ALERT


def present(rows: pd.DataFrame, answers: np.ndarray) -> pd.DataFrame:
    """Return the scores as people read them, and which of them call somebody."""
    return pd.DataFrame(
        {
            TIME: rows[TIME],
            "score": np.round(answers, 4),
            "alert": np.where(answers >= ALERT, "yes", "no"),
        }
    )
