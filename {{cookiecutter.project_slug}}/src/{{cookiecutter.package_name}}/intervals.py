"""Intervals: how far an answer may be off, from how far the same model was off on the test.

A split-conformal interval (Vovk, Gammerman and Shafer, 2005; Lei et al., 2018): the test holds rows
that the model did not learn from, so what truth and answer had as a ratio there says how they will
differ on rows of the same kind. Each group of rows (the hour of the day, say) has an interval of
its own. It holds as often as the confidence says while the world stays as it was in the test; when
it drifts the interval is too narrow, and the monitors have to say so.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from . import feature_schema, ingest
from .predictor import Predictor
from .repeatable import repeatable
from .settings import Settings
from .use_case import evaluation, features


def around(
    settings: Settings, model: Predictor, rows: pd.DataFrame, answers: np.ndarray
) -> pd.DataFrame | None:
    """Return ``low`` and ``high`` for each answer, in its unit; None if the use case has none."""
    group = evaluation.Evaluation.INTERVAL_BY
    if group is None:
        return None
    built = features.build(ingest.tables(settings))
    frame = feature_schema.frame(built, settings.features, features.NAMES)
    _, test = evaluation.split(frame, settings.split)
    with repeatable():
        ratios = test[features.TARGET].to_numpy() / np.asarray(model.predict(test))
    confidence = float(settings.evaluation["statistics"]["confidence"])
    low, high = bounds(ratios, test[group].to_numpy(), rows[group].to_numpy(), confidence)
    return pd.DataFrame({"low": answers * low, "high": answers * high}, index=rows.index)


def bounds(
    ratios: np.ndarray, groups: np.ndarray, wanted: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest ratio for each wanted group.

    Of n ratios the interval leaves out the outermost so that a further one lies within with the
    confidence; a group with too few ratios for that has no interval (NaN).
    """
    found = {}
    for group in np.unique(groups):
        ordered = np.sort(ratios[groups == group])
        outside = int(np.floor((len(ordered) + 1) * (1 - confidence) / 2))
        enough = outside >= 1
        found[group] = (ordered[outside - 1], ordered[-outside]) if enough else (np.nan, np.nan)
    pairs = np.array([found.get(group, (np.nan, np.nan)) for group in wanted], dtype=float)
    return pairs[:, 0], pairs[:, 1]
