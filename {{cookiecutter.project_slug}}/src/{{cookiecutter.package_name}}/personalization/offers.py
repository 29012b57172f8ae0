"""Offers: what is shown to whom, and what that is worth in clicks.

There is no click model. A click is so rare in the log (about one in 200) that none learned from it
ranks better than chance, so everybody is shown the most popular offers, and whoever did not consent
gets nothing else.

What this policy would earn is estimated off-policy, from the part of the log in which offers were
drawn at random with known probabilities. Popularity is learned on the earlier half of each
campaign and judged on the random rows of the later one, by self-normalised inverse propensity
scoring (Swaminathan and Joachims, 2015): each row counts by how much more often this policy would
have shown its offer. The rows of the other logging policy are no judge: few of them would carry all
the weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

DATASET = "click_log"
# How many offers of a campaign take turns.
SHOWN = 5
# Clicks are rare, so an offer counts with 200 more rows and one more click than it has.
PRIOR_CLICKS, PRIOR_ROWS = 1, 200


@dataclass(frozen=True, slots=True)
class Log:
    """The random rows of the later half, and what the policy would have done with each row."""

    clicked: np.ndarray  # 0 or 1
    weight: np.ndarray  # probability under this policy over probability in the log
    hour: np.ndarray  # rows of one hour in one campaign depend on each other


def logged(tables: dict[str, ibis.Table]) -> pd.DataFrame:
    """Return the log in the order of time."""
    columns = ["campaign", "timestamp", "position", "policy", "item_id"]
    return tables[DATASET].order_by(columns).execute()


def popular(log: pd.DataFrame) -> dict[str, list[int]]:
    """Return the most popular offers of each campaign, the best one first."""
    counted = log.groupby(["campaign", "item_id"])["click"].agg(["sum", "size"]).reset_index()
    counted["rate"] = (counted["sum"] + PRIOR_CLICKS) / (counted["size"] + PRIOR_ROWS)
    ranked = counted.sort_values(["campaign", "rate", "item_id"], ascending=[True, False, True])
    best = ranked.groupby("campaign").head(SHOWN)
    return {str(name): rows["item_id"].tolist() for name, rows in best.groupby("campaign")}


def judged(tables: dict[str, ibis.Table]) -> Log:
    """Return the later half of each campaign, weighted for what was popular in the earlier one."""
    log = logged(tables)
    place = log.groupby("campaign").cumcount()
    half = log.groupby("campaign")["item_id"].transform("size") // 2
    shown = popular(log[place < half])
    later = log[(place >= half) & (log["policy"] == "random")]
    would = [
        (item in shown[campaign]) / len(shown[campaign])
        for campaign, item in zip(later["campaign"], later["item_id"], strict=True)
    ]
    return Log(
        clicked=later["click"].to_numpy(dtype=float),
        weight=np.array(would) / later["propensity_score"].to_numpy(),
        hour=(later["campaign"] + later["timestamp"].dt.strftime(" %m-%d %H")).to_numpy(dtype=str),
    )
