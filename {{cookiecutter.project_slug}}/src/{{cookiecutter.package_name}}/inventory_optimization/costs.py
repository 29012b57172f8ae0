"""Costs: what a wrong quantity costs, as policies/evaluation.yaml states it.

Nothing about a quantity can be right or wrong without them. They belong to the business, so they
stand in the policy, where a change is seen and decided, and not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import settings
from ..errors import RefusedError


@dataclass(frozen=True, slots=True)
class Costs:
    """What one unit costs, as a share of the article's price."""

    currency: str
    shortage: float  # for each unit that was asked for and not there
    holding: float  # for each unit that is left when the week ends
    purchase: float  # what the unit was bought for: the money in stock

    @property
    def ratio(self) -> float:
        """Return the share of weeks that the best quantity is enough for (the newsvendor's)."""
        return self.shortage / (self.shortage + self.holding)

    def of(self, rows: pd.DataFrame, quantity: np.ndarray, demand: np.ndarray) -> np.ndarray:
        """Return for each row what the quantity cost once the demand was known, in the currency."""
        short = np.maximum(demand - quantity, 0)
        left = np.maximum(quantity - demand, 0)
        return rows["price"].to_numpy() * (self.shortage * short + self.holding * left)

    def earned(self, rows: pd.DataFrame, quantity: np.ndarray, demand: np.ndarray) -> np.ndarray:
        """Return for each row the margin of what was sold, less what was left, in the currency."""
        price = rows["price"].to_numpy()
        sold, left = np.minimum(quantity, demand), np.maximum(quantity - demand, 0)
        return price * ((1 - self.purchase) * sold - self.holding * left)

    def in_stock(self, rows: pd.DataFrame, quantity: np.ndarray) -> np.ndarray:
        """Return for each row the money that the quantity ties up, in the currency."""
        return rows["price"].to_numpy() * self.purchase * quantity


def stated(policy: dict[str, Any] | None = None) -> Costs:
    """Return the costs of an evaluation policy: the repository's own, unless another is given."""
    if policy is None:
        root = settings.find_root(Path.cwd())
        policy = settings.read(root, "policies/evaluation.yaml")
    try:
        return Costs(**policy["costs"])
    except (KeyError, TypeError):
        raise RefusedError(
            "policies/evaluation.yaml states no costs with currency, shortage, holding and "
            "purchase: without them no quantity is better than another"
        ) from None
