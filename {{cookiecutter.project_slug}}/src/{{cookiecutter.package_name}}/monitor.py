"""Monitor: judge what runs by policies/monitoring.yaml, record that, and act on it.

Each monitor looks at so many windows in a row as its policy says, the newest first. It is

breached      if all of them are beyond the limit
within        if the newest is not, or an earlier one is not
inconclusive  if that cannot be told: too few rows, no truth, nothing to compare with

Drift is beyond its limit only where it is also beyond what chance and season give without any. What
the action ``trip`` is due for, the breaker takes out at once; everything else is for people.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from ai_program import digests, evidence

from . import breaker, distribution, files, observed, pipeline, releases, repository, windows
from .artifacts import Store
from .engine import now
from .errors import RefusedError
from .evaluate import Data
from .golden import Golden
from .observed import ANSWER, FAILED, LATENCY, VERSION, Observed
from .settings import Settings, read
from .statistics import rounded
from .use_case import evaluation
from .windows import TIME

WITHIN, BREACHED, INCONCLUSIVE = "within", "breached", "inconclusive"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one window says: a value, whether it is beyond the limit (None: unknown), and why."""

    n: int
    value: float | None = None
    beyond: bool | None = None
    detail: str = ""


def run(settings: Settings, *, replay: bool) -> tuple[dict[str, Any], list[str]]:
    """Judge every monitor; return the record and what was done about it."""
    data = pipeline.prepare(settings)
    moment = now()
    seen = (
        observed.replayed(settings, data)
        if replay
        else observed.decided(settings, pd.Timestamp(moment))
    )
    in_force = releases.in_force(settings)
    judge = Judge(settings, data, seen, in_force)
    record = evidence.observation(
        day=moment[:10],
        source=seen.source,
        until=seen.until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        release=in_force["release"] if in_force else None,
        monitors=[judge.monitor(each) for each in settings.monitoring["monitors"]],
    )
    return record, [*_acted(settings, record), *_kept(settings, record)]


class Judge:
    """Judges monitors by what was observed, and by the release in force."""

    def __init__(
        self, settings: Settings, data: Data, seen: Observed, in_force: dict[str, str] | None
    ) -> None:
        self.settings = settings
        self.data = data
        self.seen = seen
        self.in_force = in_force
        self._readings: dict[str, Callable[[dict[str, Any]], Iterator[Reading]]] = {
            "data_drift": self._drift,
            "latency": self._latency,
            "errors": self._errors,
            "prediction_quality": self._quality,
            "kpi": self._kpi,
        }

    def monitor(self, monitor: dict[str, Any]) -> dict[str, Any]:
        """Return what a monitor says now, as the record has it."""
        readings = list(self._readings[monitor["kind"]](monitor))
        newest = readings[0]
        in_a_row = next((i for i, each in enumerate(readings) if not each.beyond), len(readings))
        outcome, why = _concluded(readings, in_a_row)
        return {
            "monitor": monitor["id"],
            "metric": monitor["metric"],
            "value": None if newest.value is None else rounded(newest.value),
            "limit": monitor["limit"],
            "direction": monitor["direction"],
            "n": newest.n,
            "window": monitor["window"],
            "consecutive": in_a_row,
            "required": monitor["consecutive"],
            "outcome": outcome,
            "detail": "; ".join(filter(None, [newest.detail, why])) or f"{newest.n:,} rows",
        }

    # The newest window first, for each kind of monitor.

    def _drift(self, monitor: dict[str, Any]) -> Iterator[Reading]:
        for rows in self._windows(self.seen.rows, monitor):
            few = _few(rows, monitor)
            if few is None and self.reference is None:
                few = Reading(len(rows), detail="no release in force says what it learned from")
            yield few or self._distance(rows, monitor)

    def _distance(self, rows: pd.DataFrame, monitor: dict[str, Any]) -> Reading:
        """Compare each feature with what the release in force learned from; the worst counts."""
        found = self.reference or {}
        # What is usual was found for windows of one length.
        is_usual = found["window"] == monitor["window"]
        worst: tuple[float, float, float, str] | None = None
        for name, trained in found["features"].items():
            index = distribution.distance(rows[name].to_numpy(dtype=float), trained)
            chance = distribution.noise(
                np.array(trained["rows"]), len(rows),
                seed=self.settings.seed, features=len(found["features"]),
            )  # fmt: skip
            known = max(chance, (trained["usual"] or 0) if is_usual else 0)
            share = index / max(monitor["limit"], known)
            worst = max(worst or (0.0, 0.0, 0.0, ""), (share, index, known, name))
        if worst is None:
            return Reading(len(rows), detail="no feature can drift: all follow from the date")
        share, index, known, name = worst
        said = f"{name} is furthest from training; chance and season alone give up to {known:.3g}"
        return Reading(len(rows), index, share > 1, said)

    def _latency(self, monitor: dict[str, Any]) -> Iterator[Reading]:
        percentile = float(monitor["metric"].removeprefix("p").removesuffix("_ms"))
        known = self.seen.rows[self.seen.rows[LATENCY].notna()]
        for rows in self._windows(known, monitor):
            yield _few(rows, monitor) or _compared(
                monitor, len(rows), float(np.percentile(rows[LATENCY], percentile))
            )

    def _errors(self, monitor: dict[str, Any]) -> Iterator[Reading]:
        """Judge how many requests got no answer although the caller did nothing wrong."""
        for rows in self._windows(self.seen.calls, monitor):
            yield _few(rows, monitor, "requests") or _compared(
                monitor, len(rows), float(rows[FAILED].mean())
            )

    def _quality(self, monitor: dict[str, Any]) -> Iterator[Reading]:
        """Judge the answers of the version in force only: an earlier one is no fault of it."""
        version = self.in_force["version"] if self.in_force else ""
        yield from self._judged(self.judged[self.judged[VERSION] == version], monitor)

    def _kpi(self, monitor: dict[str, Any]) -> Iterator[Reading]:
        """Judge all answers, whoever gave them; or see what the owner of the KPI recorded last."""
        readings = list(self._judged(self.judged, monitor))
        if readings[0].value is None and readings[0].n >= monitor["min_rows"]:
            recorded = self._recorded(monitor)
            readings = [recorded] * len(readings)
        yield from readings

    def _judged(self, known: pd.DataFrame, monitor: dict[str, Any]) -> Iterator[Reading]:
        """Measure answers by their truth, as the evaluation does; windows end where truth ends."""
        until = known[TIME].max() if len(known) else self.seen.until
        late = self.seen.until - until
        if late > windows.length(monitor["window"]):
            detail = f"no truth has arrived for {late.days} days"
            yield from [Reading(0, detail=detail)] * monitor["consecutive"]
            return
        for rows in self._windows(known, monitor, until):
            few = _few(rows, monitor, "rows with their truth")
            yield few or self._measured(rows, monitor)

    def _measured(self, rows: pd.DataFrame, monitor: dict[str, Any]) -> Reading:
        policy, metric = self.settings.evaluation, monitor["metric"]
        against = next(
            (
                gate["compare_with"]
                for gate in policy["gates"]
                if gate["metric"] == metric and gate["compare_with"] != "champion"
            ),
            None,
        )
        rows = rows.reset_index(drop=True)
        none = Golden(np.array([], dtype=int), np.array([]))
        data = dataclasses.replace(self.data, test=rows, golden=none)
        judged = evaluation.Evaluation(data, _Answered(rows), None, policy)
        estimate = judged.estimate(metric, np.ones(len(rows), dtype=bool), against)
        if estimate is None or not np.isfinite(estimate.value):
            return Reading(len(rows), detail=f"{metric} cannot be measured on these rows")
        return _compared(monitor, len(rows), estimate.value, f"truth up to {rows[TIME].max():%F}")

    def _recorded(self, monitor: dict[str, Any]) -> Reading:
        """Return what was recorded of a KPI at the last release."""
        recorded = sorted((self.settings.root / evidence.ACTUALS).glob("[0-9]*.json"))
        for path in reversed(recorded):
            found = read(self.settings.root, path.relative_to(self.settings.root).as_posix())
            for actual in found["actuals"]:
                if actual["kpi"] == monitor["subject"] and actual["value"] is not None:
                    return _compared(monitor, 0, actual["value"], f"from {path.name}")
        return Reading(0, detail=f"{monitor['subject']} waits for its owner: {evidence.ACTUALS}/")

    @cached_property
    def judged(self) -> pd.DataFrame:
        """Return all answers whose truth is known."""
        return observed.with_truth(self.seen.rows, self.data, self.settings)

    @cached_property
    def reference(self) -> dict[str, Any] | None:
        """Return what the release in force learned from, None if nothing says so."""
        if self.in_force is None:
            return None
        try:
            artifact = Store(self.settings.store).get(self.in_force["digest"])
        except RefusedError:
            return None
        return artifact.provenance.get("distribution")

    def _windows(
        self, rows: pd.DataFrame, monitor: dict[str, Any], until: pd.Timestamp | None = None
    ) -> Iterator[pd.DataFrame]:
        yield from windows.newest(
            rows,
            self.seen.until if until is None else until,
            windows.length(monitor["window"]),
            monitor["consecutive"],
        )


class _Answered:
    """A predictor that gives the answers that were given."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.answers = rows[ANSWER].to_numpy(dtype=float)

    def predict(self, _: pd.DataFrame) -> np.ndarray:
        return self.answers


def _few(rows: pd.DataFrame, monitor: dict[str, Any], what: str = "rows") -> Reading | None:
    """Say that there are too few rows, if there are."""
    if len(rows) >= monitor["min_rows"]:
        return None
    return Reading(len(rows), detail=f"{len(rows):,} {what}, {monitor['min_rows']:,} are needed")


def _compared(monitor: dict[str, Any], n: int, value: float, detail: str = "") -> Reading:
    """Compare a value with the limit."""
    lower = monitor["direction"] == "lower"
    beyond = value > monitor["limit"] if lower else value < monitor["limit"]
    return Reading(n, value, bool(beyond), detail)


def _concluded(readings: list[Reading], in_a_row: int) -> tuple[str, str]:
    """Return what windows, the newest first, say together."""
    if in_a_row == len(readings):
        return BREACHED, f"{in_a_row} windows in a row" if in_a_row > 1 else ""
    if readings[in_a_row].beyond is False:
        why = f"{in_a_row} of {len(readings)} windows in a row are beyond the limit"
        return WITHIN, why if in_a_row else ""
    why = f"the {in_a_row} newest windows are beyond the limit, the one before cannot be judged"
    return INCONCLUSIVE, why if in_a_row else ""


# What is done about it.


def _acted(settings: Settings, record: dict[str, Any]) -> Iterator[str]:
    """Trip the breaker where that is due, and say what is left for people."""
    policies = {each["id"]: each for each in settings.monitoring["monitors"]}
    for said in record["monitors"]:
        if said["outcome"] != BREACHED:
            continue
        name, policy = said["monitor"], policies[said["monitor"]]
        due = policy["action"].replace("_", " ")
        if due == "trip" and record["source"] == observed.DECISIONS and record["release"]:
            reason = f"{said['metric']} {said['value']:g}, the limit is {said['limit']:g}"
            version = breaker.trip(settings, by=name, reason=reason)
            due = f"{version} is taken out, {settings.fallback} answers"
        yield (
            f"{name}: {due}; {policy['owner']} acts within {policy['respond_within_hours']:g} h "
            f"by {policy['runbook']}"
        )


def _kept(settings: Settings, record: dict[str, Any]) -> Iterator[str]:
    """Write the record of the day; what is committed is evidence, and stays."""
    path = evidence.observation_path(record["day"])
    if repository.is_committed(settings.root, path):
        yield f"{path} is committed already and stays as it is: one record a day"
        return
    files.write(settings.root, {path: digests.pretty(record)})
    yield f"The record is {path}."
