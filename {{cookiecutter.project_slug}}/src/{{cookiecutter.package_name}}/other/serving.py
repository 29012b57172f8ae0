"""Serving: the newest rows, those whose outcome is not known yet before all others."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd

from .. import feature_schema
from .features import KEYS, NAMES, TARGET, TIME, build

ROWS = 20


def current(tables: dict[str, ibis.Table], view: dict[str, Any]) -> pd.DataFrame:
    """Return the features of the rows to answer now."""
    rows = feature_schema.frame(build(tables), view, NAMES)
    unknown = rows[rows[TARGET].isna()]
    return (rows if unknown.empty else unknown).tail(ROWS).reset_index(drop=True)


def present(rows: pd.DataFrame, answers: np.ndarray) -> pd.DataFrame:
    """Return the answers as people read them: key, time, and what is expected."""
    names = list(dict.fromkeys((*KEYS, TIME)))
    return rows[names].assign(**{f"{TARGET}_expected": [float(f"{each:.5g}") for each in answers]})
