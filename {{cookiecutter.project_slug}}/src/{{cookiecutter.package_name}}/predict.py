"""Predict: what the release in force says about now.

This is serving in batches: recent data goes through the one definition of the features, and
whatever is in force answers, model or fallback. Each answer is in the log of decisions before it
is shown. Where consent is needed, the people without one are listed too, with what everybody is
shown, and why; nothing about them is looked at.
"""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

import pandas as pd

from . import answering, decisions, files, ingest, intervals, privacy
from .answering import Answerer
from .explain import Explained
from .settings import Settings
from .use_case import serving

SHOWN = 30  # rows that people look at; a day of hours is among them
WHOLE = "build/predictions.csv"


def now(settings: Settings) -> tuple[Answerer, pd.DataFrame]:
    """Return who answers, and the answers to the rows that the use case asks for now."""
    ingest.verify(settings)
    delivered = ingest.delivered(settings)
    tables = privacy.permitted(settings, delivered)
    rows = serving.current(tables, settings.features)
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
    shown = shown if around is None else shown.join(around.round(1))
    left = privacy.barred(settings, privacy.retained(settings, delivered))
    if left is None:
        return answerer, shown
    told, people = answering.instead(settings, tables), sorted(left.people)
    named = [{left.column: str(person)} for person in people]
    log.write_instead(answerer, told, named, latency_ms=1000 * (perf_counter() - began))
    others = pd.DataFrame({left.column: people}).assign(
        **{name: _told(value) for name, value in told.shown.items()},
        served_by=answering.FALLBACK,
        why=told.why,
    )
    shown = shown.assign(served_by=answerer.served_by, why=answerer.why)
    return answerer, pd.concat([shown, others], ignore_index=True)


def text(settings: Settings, rows: pd.DataFrame) -> str:
    """Return the answers as CSV; of many rows the first, and the file that has all of them."""
    if len(rows) <= SHOWN:
        return rows.to_csv(index=False)
    files.write(settings.root, {WHOLE: rows.to_csv(index=False).encode()})
    head = rows.head(SHOWN).to_csv(index=False)
    return f"{head}# the first {SHOWN} of {len(rows):,} rows; all of them: {WHOLE}\n"


def _told(value: Any) -> Any:
    """Return a value as a table can hold it."""
    return value if isinstance(value, str | int | float) else json.dumps(value)
