"""Data that is not what the contract and the policy say never reaches the training."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import pytest
from ai_program import digests

from {{ cookiecutter.package_name }} import contract
from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }} import settings
from {{ cookiecutter.package_name }}.errors import RefusedError


@pytest.fixture
def with_rows(found, tmp_path):
    """Return settings whose data has other lines, and a policy that declares them."""

    def with_rows(change) -> settings.Settings:
        lines = gzip.decompress(found.data.read_bytes()).decode().splitlines()
        path = tmp_path / "data.csv"
        path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")
        policy = {"path": str(path), "digest": digests.of_bytes(path.read_bytes())}
        data = found.evaluation["data"] | policy
        return dataclasses.replace(found, evaluation=found.evaluation | {"data": data})

    return with_rows


def test_the_sample_keeps_its_contract(found) -> None:
    assert contract.verify(found) >= 8


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
            lambda rows: [rows[0] + ",name", *(row + ",Ada" for row in rows[1:])],
            "columns",
            id="a column that nobody classified",
        ),
        pytest.param(
            lambda rows: ["ts,load_kw", *rows[1:]], "columns", id="a column with another name"
        ),
    ],
)
def test_broken_data_is_refused_with_the_reason(with_rows, change, reason) -> None:
    with pytest.raises(RefusedError, match=f"breaks electricity_demand@.*{reason}"):
        contract.verify(with_rows(change))


def test_other_bytes_than_declared_are_refused(found, tmp_path) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(found.data.read_bytes() + b" ")
    data = found.evaluation["data"] | {"path": str(path)}
    other = dataclasses.replace(found, evaluation=found.evaluation | {"data": data})
    with pytest.raises(RefusedError, match="declares"):
        ingest.verify(other)


def test_a_directory_that_is_not_governed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no governed repository"):
        settings.find_root(tmp_path)
