"""Serving: the customers of the day after the data ends, and what each of them is shown.

Everybody is shown the most popular offers. A reminder gets only who consented, by their score.
"""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd

from .. import feature_schema
from . import offers
from .evaluation import written_to
from .features import CUSTOMER, NAMES, TARGET, now


def current(tables: dict[str, ibis.Table], view: dict[str, Any]) -> pd.DataFrame:
    """Return the features of all customers who consented and ordered within the last year."""
    return feature_schema.frame(now(tables), view, NAMES)


def present(rows: pd.DataFrame, answers: np.ndarray) -> pd.DataFrame:
    """Return who of those that consented is written to."""
    return pd.DataFrame(
        {
            CUSTOMER: rows[CUSTOMER],
            TARGET: np.round(answers, 4),
            "reminder": np.where(written_to(answers), "yes", "no"),
        }
    )


def instead(tables: dict[str, ibis.Table]) -> tuple[str, dict[str, Any]]:
    """Return what customers get who did not consent, or withdrew: what is popular with everybody.

    It takes the log of clicks, which names no person. The name of the rule comes first.
    """
    return "most_popular", {"reminder": "no", "offers": offers.popular(offers.logged(tables))}
