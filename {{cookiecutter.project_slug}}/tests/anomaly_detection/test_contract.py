"""The contract of the readings: each way in which they can be broken is found."""

from __future__ import annotations

import pytest

from {{ cookiecutter.package_name }} import contract
from {{ cookiecutter.package_name }}.errors import RefusedError


def last(rows: list[str], column: int, value: str) -> list[str]:
    """Return the rows with another value in a column of the last one."""
    cells = rows[-1].split(",")
    cells[column] = value
    return [*rows[:-1], ",".join(cells)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda rows: rows[:500] + rows[501:], "Every minute", id="a gap"),
        pytest.param(lambda rows: [*rows, rows[-1]], "unique", id="a reading twice"),
        pytest.param(lambda rows: last(rows, 4, ""), "f4", id="a silent channel"),
        pytest.param(lambda rows: last(rows, 4, "40000"), "f4", id="more than 16 bits"),
        pytest.param(lambda rows: last(rows, 10, "2"), "anomaly", id="a label of another kind"),
        pytest.param(lambda rows: last(rows, 4, "much"), "Line: 49098", id="no number"),
    ],
)
def test_broken_data_is_refused_with_the_reason(with_rows, change, reason) -> None:
    with pytest.raises(RefusedError, match=f"breaks sensor_readings@.*{reason}"):
        contract.verify(with_rows(change))


def test_nobody_has_to_have_looked(with_rows) -> None:
    assert contract.verify(with_rows(lambda rows: last(rows, 10, ""))) >= 8
