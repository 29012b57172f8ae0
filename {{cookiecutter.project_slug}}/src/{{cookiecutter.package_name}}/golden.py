"""Golden rows: rows of the test whose answer is known, picked by hand.

A version that gets one of them wrong is broken, whatever its averages say. The file names each row
by the keys of the feature view, and the answer by the name of the target.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .errors import RefusedError
from .settings import Settings

MINUTE = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Golden:
    """Where the golden rows stand in the test, and what is known of them."""

    positions: np.ndarray
    expected: np.ndarray


def find(test: pd.DataFrame, settings: Settings, target: str) -> Golden:
    """Return the golden rows of the test, in the order of their file."""
    path = settings.evaluation["golden"]["path"]
    keys = settings.keys
    rows = json.loads((settings.root / path).read_text(encoding="utf-8"))["rows"]
    places = {name: place for place, name in enumerate(names(test, keys))}
    wanted = [tuple(str(row[key]) for key in keys) for row in rows]
    missing = [name for name in wanted if name not in places]
    if missing:
        raise RefusedError(f"{path}: {', '.join(missing[0])} is not among the rows of the test")
    return Golden(
        np.array([places[name] for name in wanted], dtype=int),
        np.array([float(row[target]) for row in rows]),
    )


def names(rows: pd.DataFrame, keys: list[str]) -> list[tuple[str, ...]]:
    """Return the name of each row: its keys, a time up to the minute."""
    columns: list[Any] = [
        rows[key].dt.strftime(MINUTE)
        if pd.api.types.is_datetime64_any_dtype(rows[key])
        else rows[key].astype(str)
        for key in keys
    ]
    return list(zip(*columns, strict=True))
