"""Data that is not what the contract and the policy say never reaches the training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }} import contract
from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }} import settings
from {{ cookiecutter.package_name }}.errors import RefusedError


def test_the_sample_keeps_its_contract(found) -> None:
    assert contract.verify(found) >= 8


def test_a_column_that_nobody_classified_is_refused(with_rows) -> None:
    other = with_rows(lambda rows: [rows[0] + ",name", *(row + ",Ada" for row in rows[1:])])
    with pytest.raises(RefusedError, match=r"breaks .*columns .*name, declared are"):
        contract.verify(other)


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
