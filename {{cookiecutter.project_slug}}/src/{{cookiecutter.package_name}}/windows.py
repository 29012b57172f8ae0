"""Windows: stretches of time of one length, the newest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pandas as pd

# The column that says when a row was seen; no feature begins with an underscore.
TIME = "_time"
_UNITS = {"min": "minutes", "h": "hours", "d": "days"}


def length(window: str) -> timedelta:
    """Return the length of a window as the policy writes it: 15min, 24h or 7d."""
    number = window.rstrip("minhd")
    return timedelta(**{_UNITS[window.removeprefix(number)]: int(number)})


def newest(
    rows: pd.DataFrame, until: pd.Timestamp, each: timedelta, count: int
) -> Iterator[pd.DataFrame]:
    """Yield so many windows of rows, the newest first; the start of a window is not part of it."""
    for number in range(count):
        end = until - number * each
        yield rows[(rows[TIME] > end - each) & (rows[TIME] <= end)]
