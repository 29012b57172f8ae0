"""Predict: what the release in force says about now.

This is serving, in its smallest form: recent data goes through the one definition of the features,
and whatever is in force answers, model or fallback.
"""

from __future__ import annotations

import pandas as pd

from . import ingest, record, releases
from .artifacts import Store
from .explain import Explained
from .predictor import Predictor
from .settings import Settings
from .use_case import rules, serving


def now(settings: Settings) -> tuple[str, pd.DataFrame]:
    """Return what answers, and its answers to the rows that the use case asks for now."""
    ingest.verify(settings)
    rows = serving.current(ingest.tables(settings), settings.features)
    name, model = answering(settings)
    answers = model.predict(rows)
    if isinstance(model, Explained):
        return name, serving.present(rows, answers, model.explain(rows))
    return name, serving.present(rows, answers)


def answering(settings: Settings) -> tuple[str, Predictor]:
    """Return whatever is in force; before the first release that is the fallback."""
    current = releases.in_force(settings)
    if current is None:
        return settings.fallback, rules.Rule(settings.fallback)
    artifact = record.require_servable(settings, Store(settings.store), current["version"])
    return current["version"], artifact.model()
