"""Serving: the customers of the day after the data ends, and what each of them is shown."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd

from .. import feature_schema
from .evaluation import written_to
from .features import CUSTOMER, NAMES, TARGET, now


def current(tables: dict[str, ibis.Table], view: dict[str, Any]) -> pd.DataFrame:
    """Return the features of all customers who consented and ordered within the last year."""
    return feature_schema.frame(now(tables), view, NAMES)


def present(rows: pd.DataFrame, answers: np.ndarray) -> pd.DataFrame:
    """Return who is written to. Whoever opted out stands nowhere in this list."""
    return pd.DataFrame(
        {
            CUSTOMER: rows[CUSTOMER],
            TARGET: np.round(answers, 4),
            "reminder": np.where(written_to(answers), "yes", "no"),
        }
    )


def shown(customer: int, listed: pd.DataFrame, popular: dict[str, list[int]]) -> dict[str, Any]:
    """Return what a customer gets: the most popular offers, and a reminder only from the list.

    For a customer who is not listed (no consent, withdrawn, or new) nothing about them is looked
    at: the answer is the same for all of them.
    """
    known = listed[listed[CUSTOMER] == customer]
    return {
        "offers": popular,
        "reminder": bool(len(known)) and known["reminder"].iloc[0] == "yes",
        "because": "their own history" if len(known) else "what is popular",
    }
