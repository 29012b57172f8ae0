"""Serving: the week that begins after the last complete week of the data."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from .. import explain, feature_schema, settings
from ..errors import RefusedError
from ..explain import Explanation
from .features import ARTICLE, DATASET, HISTORY, NAMES, TIME, build

DECISION = "weekly_order"


def current(tables: dict[str, ibis.Table], view: dict[str, Any]) -> pd.DataFrame:
    """Return the features of each article in the first week that the data does not hold whole."""
    return week_ahead(tables[DATASET].execute(), view)


def week_ahead(days: pd.DataFrame, view: dict[str, Any]) -> pd.DataFrame:
    """Return the features of the week after the last whole one, for all articles with history."""
    days = days.assign(date=pd.to_datetime(days["date"]))
    monday = days["date"] - pd.to_timedelta(days["date"].dt.day_of_week, unit="D")
    # A week is whole once its Sunday is over, which the first sale after it shows.
    begins = monday.max()
    if days["date"].max() == begins + timedelta(days=6):
        begins += timedelta(days=7)
    known = days[monday < begins]
    if known.empty or monday[monday < begins].nunique() < HISTORY:
        raise RefusedError(f"an order needs {HISTORY} whole weeks of sales behind it")
    coming = pd.DataFrame({ARTICLE: sorted(known[ARTICLE].unique())}).assign(date=begins)
    together = pd.concat([known, coming.reindex(columns=known.columns)], ignore_index=True)
    together["units"] = together["units"].astype("Int64")
    together["orders"] = together["orders"].astype("Int64")
    built = build({DATASET: ibis.memtable(together)})
    return feature_schema.frame(built.filter(built[TIME] == begins), view, NAMES)


def sources(days: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """Return the rows of the article that a row of features was made from.

    They are those of the eight weeks before, and of the last week with a sale, which has the price.
    Only ``market`` looks further: at the units of all articles in the same weeks.
    """
    dates = pd.to_datetime(days["date"])
    monday = dates - pd.to_timedelta(dates.dt.day_of_week, unit="D")
    before = monday < row[TIME]
    weeks = sorted(monday[before].unique())[-HISTORY:]
    own = before & (days[ARTICLE] == row[ARTICLE])
    priced = monday == monday[own].max()
    return days[own & (monday.isin(weeks) | priced)]


def cap() -> float:
    """Return the value above which an order waits for a person, as policies/oversight.yaml says."""
    policy = settings.read(settings.find_root(Path.cwd()), "policies/oversight.yaml")
    for kind in policy["decision_types"]:
        if kind["id"] == DECISION and kind.get("approval_above"):
            return float(kind["approval_above"]["limit"])
    raise RefusedError(
        f"policies/oversight.yaml gives {DECISION} no approval_above: without a limit no order can "
        "go without a person"
    )


def held(rows: pd.DataFrame, answers: np.ndarray) -> np.ndarray:
    """Return for each order why it waits for a person; blank for those within the value cap."""
    finite, limit = np.isfinite(answers), cap()
    value = np.round(np.rint(np.where(finite, answers, 0)) * rows["price"].to_numpy(), 2)
    # What has no value cannot be said to be within the cap.
    why = np.where(value > limit, f"value above {limit:g}", "no price")
    return np.where(finite, np.where(value <= limit, "", why), "no quantity")


def present(
    rows: pd.DataFrame, answers: np.ndarray, explanation: Explanation | None = None
) -> pd.DataFrame:
    """Return the orders as buyers read them: quantity, value, whether it waits, and why so many."""
    finite = np.isfinite(answers)
    quantity = np.rint(np.where(finite, answers, 0)).astype("int64")
    value = np.round(quantity * rows["price"].to_numpy(), 2)
    shown = pd.DataFrame(
        {
            "week": rows[TIME].dt.strftime("%Y-%m-%d"),
            ARTICLE: rows[ARTICLE],
            "quantity": quantity,
            "value": value,
            "needs_approval": held(rows, answers),
        }
    )
    if explanation is not None:
        shown["reasons"] = explain.reasons(explanation)
    return shown
