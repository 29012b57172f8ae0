"""The repository's own settings and data, read once; tests only read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import evaluate
from {{ cookiecutter.package_name }} import features
from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }} import settings
from {{ cookiecutter.package_name }} import train
from {{ cookiecutter.package_name }}.pipeline import Data

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def found() -> settings.Settings:
    return settings.load(ROOT)


@pytest.fixture(scope="session")
def hours(found) -> pd.DataFrame:
    """The sample, hour by hour."""
    return ingest.table(found).order_by(features.TIME).execute()


@pytest.fixture(scope="session")
def data(found) -> Data:
    """The rows that the pipeline learns from and judges on."""
    frame = features.frame(features.build(ingest.table(found)), found.features)
    training, test = train.split(frame, found.evaluation["data"])
    golden = evaluate.golden_hours(ROOT / found.evaluation["golden"]["path"])
    return Data(ingest.verify(found), training, test, golden)


class Truth:
    """A forecaster that knows the answer, off by a factor."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return rows[features.TARGET].to_numpy() * self.factor
