"""The repository's own settings and data, read once; tests only read them."""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from ai_program import digests

from {{ cookiecutter.package_name }} import pipeline
from {{ cookiecutter.package_name }} import settings
from {{ cookiecutter.package_name }}.evaluate import Data

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def found() -> settings.Settings:
    return settings.load(ROOT)


@pytest.fixture(scope="session")
def data(found) -> Data:
    """The rows that the pipeline learns from and judges on."""
    return pipeline.prepare(found)


@pytest.fixture
def with_rows(found, tmp_path) -> Callable[..., settings.Settings]:
    """Return settings whose data has other lines, and a policy that declares them."""

    def with_rows(change) -> settings.Settings:
        lines = gzip.decompress(found.data.read_bytes()).decode().splitlines()
        path = tmp_path / "data.csv"
        path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")
        policy = {"path": str(path), "digest": digests.of_bytes(path.read_bytes())}
        data = found.evaluation["data"] | policy
        return dataclasses.replace(found, evaluation=found.evaluation | {"data": data})

    return with_rows
