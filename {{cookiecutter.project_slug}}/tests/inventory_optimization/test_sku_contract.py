"""The contract of the sales: each way in which rows can be broken is found."""

from __future__ import annotations

import pytest

from {{ cookiecutter.package_name }} import contract
from {{ cookiecutter.package_name }}.errors import RefusedError


def changed(place: int, value: str):
    """Return a change of the last row: another value in one column."""

    def change(rows: list[str]) -> list[str]:
        values = rows[-1].split(",")
        values[place] = value
        return [*rows[:-1], ",".join(values)]

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda rows: [*rows, rows[-1]], "twice|unique|duplicate", id="a row twice"),
        pytest.param(changed(1, ""), "article|missing|sku", id="no article"),
        pytest.param(changed(2, "-3"), "unit", id="negative units"),
        pytest.param(changed(2, ""), "missing|unit", id="no units"),
        pytest.param(changed(2, "many"), "Line: 22538", id="no number"),
        pytest.param(changed(4, "0"), "price", id="given away"),
        pytest.param(
            lambda rows: ["date,sku,units,orders,cost", *rows[1:]], "columns", id="a renamed column"
        ),
    ],
)
def test_broken_sales_are_refused_with_the_reason(with_rows, change, reason) -> None:
    with pytest.raises(RefusedError, match=f"(?i)breaks sku_daily@.*({reason})"):
        contract.verify(with_rows(change))
