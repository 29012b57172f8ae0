"""Trace: what one answer came from, back to the lines of the data.

It says which release answered, from which features, for which reasons, and names each row that went
into them by its line in the file, whose digest is checked. The use case says which rows those are.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from . import answering, explain, golden, ingest
from .errors import RefusedError
from .settings import Settings
from .use_case import features, serving

HEADER = 1  # lines before the first row of the data


@dataclass(frozen=True, slots=True)
class Trace:
    """One answer, and what it came from."""

    keys: dict[str, str]
    answered_by: str
    answer: float
    features: dict[str, float]
    reasons: str | None
    path: str
    digest: str
    sources: pd.DataFrame  # the rows, by the number of their line in the file


def trace(settings: Settings, wanted: list[str]) -> Trace:
    """Return the trace of the answer whose keys hold all of the wanted values."""
    sources = getattr(serving, "sources", None)
    if sources is None:
        raise RefusedError("this use case has no `sources` in serving.py to say which rows it was")
    ingest.verify(settings)
    source = settings.sources[0]
    tables = ingest.tables(settings)
    rows = serving.current(tables, settings.features)
    named = golden.names(rows, settings.keys)
    found = [place for place, name in enumerate(named) if set(wanted) <= set(name)]
    if len(found) != 1:
        raise RefusedError(
            f"{len(found)} of {len(named)} answers have the keys {', '.join(wanted) or 'given'}: "
            f"name one by its {' and '.join(settings.keys)}, such as {' '.join(named[0])}"
        )
    row = rows.iloc[found]
    answerer, answers = answering.answer(settings, answering.now(settings), row)
    model = answerer.predictor
    said = model.explain(row) if isinstance(model, explain.Explained) else None
    days = pd.read_csv(source.path, dtype=str, keep_default_na=False)
    days.index += HEADER + 1
    return Trace(
        keys=dict(zip(settings.keys, named[found[0]], strict=True)),
        answered_by=answerer.name,
        answer=float(answers[0]),
        features={each: float(row.iloc[0][each]) for each in features.NAMES},
        reasons=None if said is None else explain.reasons(said)[0],
        path=source.name,
        digest=source.digest,
        sources=sources(days, row.iloc[0]),
    )


def lines(found: Trace) -> list[str]:
    """Return a trace as people read it."""
    told = [
        f"{', '.join(f'{key} {value}' for key, value in found.keys.items())}: {found.answer:.1f}",
        f"answered by   {found.answered_by}",
        *([] if found.reasons is None else [f"because       {found.reasons}"]),
        "made from     " + ", ".join(f"{key} {value:.4g}" for key, value in found.features.items()),
        f"which are of  {len(found.sources)} lines of {found.path} ({found.digest})",
    ]
    columns = ",".join(found.sources.columns)
    told.append(f"{'line':>8}  {columns}")
    rows = zip(found.sources.index, found.sources.to_numpy(), strict=True)
    return [*told, *(f"{line:>8}  {','.join(row)}" for line, row in rows)]
