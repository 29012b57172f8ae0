"""Features are the readings as they come, for training and for serving."""

from __future__ import annotations

import numpy as np
import pandas as pd

from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }}.anomaly_detection import serving
from {{ cookiecutter.package_name }}.anomaly_detection.features import NAMES
from {{ cookiecutter.package_name }}.anomaly_detection.features import TIME


def test_serving_makes_the_features_that_training_saw(data, found) -> None:
    rows = serving.current(ingest.tables(found), found.features)
    expected = data.test.tail(serving.HOUR).reset_index(drop=True)
    pd.testing.assert_frame_equal(rows[[TIME, *NAMES]], expected[[TIME, *NAMES]])


def test_people_read_who_is_called(data) -> None:
    shown = serving.present(data.test.head(2), np.array([0.49999, 0.5]))
    assert shown["alert"].tolist() == ["no", "yes"]
