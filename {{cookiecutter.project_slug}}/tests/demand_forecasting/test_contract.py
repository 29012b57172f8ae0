"""The contract of the demand: each way in which hours can be broken is found."""

from __future__ import annotations

import pytest

from {{ cookiecutter.package_name }} import contract
from {{ cookiecutter.package_name }}.errors import RefusedError


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda rows: rows[:500] + rows[501:], "Every hour", id="an hour is missing"),
        pytest.param(lambda rows: [*rows, rows[-1]], "unique", id="an hour is there twice"),
        pytest.param(
            lambda rows: [*rows[:-1], rows[-1].split(",")[0] + ",-5"], "Demand", id="negative"
        ),
        pytest.param(
            lambda rows: [*rows[:-1], rows[-1].split(",")[0] + ","], "missing", id="a null"
        ),
        pytest.param(
            lambda rows: [*rows[:-1], rows[-1].split(",")[0] + ",much"],
            "Line: 26305",
            id="no number",
        ),
        pytest.param(
            lambda rows: ["ts,load_kw", *rows[1:]], "columns", id="a column with another name"
        ),
    ],
)
def test_broken_data_is_refused_with_the_reason(with_rows, change, reason) -> None:
    with pytest.raises(RefusedError, match=f"breaks electricity_demand@.*{reason}"):
        contract.verify(with_rows(change))
