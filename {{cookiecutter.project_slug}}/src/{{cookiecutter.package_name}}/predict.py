"""Predict: what the release in force says about now.

This is serving in batches: recent data goes through the one definition of the features, and
whatever is in force answers, model or fallback. Each answer is in the log of decisions before it
is shown.
"""

from __future__ import annotations

from time import perf_counter

import pandas as pd

from . import answering, decisions, ingest, intervals
from .answering import Answerer
from .explain import Explained
from .settings import Settings
from .use_case import serving


def now(settings: Settings) -> tuple[Answerer, pd.DataFrame]:
    """Return who answers, and the answers to the rows that the use case asks for now."""
    ingest.verify(settings)
    rows = serving.current(ingest.tables(settings), settings.features)
    answerer, log = answering.now(settings), decisions.Log(settings)
    began = perf_counter()
    answerer, answers = answering.answer(settings, answerer, rows)
    log.write(answerer, rows, answers, latency_ms=1000 * (perf_counter() - began))
    model = answerer.predictor
    if isinstance(model, Explained):
        shown = serving.present(rows, answers, model.explain(rows))
    else:
        shown = serving.present(rows, answers)
    around = intervals.around(settings, model, rows, answers)
    return answerer, shown if around is None else shown.join(around.round(1))
