"""Retraining: whether the model has to learn again, and on which rows.

`policies/release.yaml` says after how many days at the latest, and over which window. It is due
before if the newest observation of what was served says so (a monitor of drift, or one whose action
is ``retrain``, is breached), or if the version in force breaks the limit of such a monitor on the
test, as far as the evaluation measures its metric. What comes of it passes the same gates and the
same promotion as the first version: nothing here puts anything in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ai_program import evidence

from . import engine, monitor, observed, pipeline, readings, releases, repository, train
from .artifacts import Store
from .errors import RefusedError
from .evaluate import Data
from .settings import Settings, read
from .use_case import rules


@dataclass(frozen=True, slots=True)
class Due:
    """Why the version in force has to learn again, or when it will have to at the latest."""

    version: str
    candidate: str
    reasons: list[str]
    latest: date | None


def due(settings: Settings, today: date) -> Due:
    """Return whether the version in force has to learn again."""
    repository.require_commit(settings.root)
    current = releases.in_force(settings)
    if current is None:
        raise RefusedError("nothing was released yet, so nothing can learn again: nox -s pipeline")
    version = current["version"]
    entry = releases.registry_entry(settings, version)
    if rules.is_rule(entry["candidate"]):
        return Due(version, train.DEFAULT, [f"{version} answers, which is a rule"], None)
    learned = engine.commit_date(settings.root, f"{evidence.REGISTRY}/{version}.json")
    latest = _latest(settings, learned or today.isoformat())
    reasons = []
    if latest is not None and latest <= today:
        days = settings.release["retraining"]["every_days"]
        reasons.append(f"{version} learned on {learned}, and {days} days are the most")
    reasons += _observed(settings, current["release"])
    model = Store(settings.store).get(current["digest"]).model()
    data = pipeline.prepare(settings)
    for each in settings.monitoring["monitors"]:
        if each["action"] == "retrain":
            reading = readings.read(settings, data, each, model)
            if reading is not None and readings.breaks(each, *reading):
                reasons.append(readings.said(each, *reading))
    if reasons:
        _require_news(settings, data, current["digest"])
    return Due(version, entry["candidate"], reasons, latest)


def _observed(settings: Settings, release: str) -> Iterator[str]:
    """Yield what the newest observation of the release in force has against it."""
    paths = sorted((settings.root / evidence.OBSERVATIONS).glob("*.json"))
    if not paths:
        return
    path = f"{evidence.OBSERVATIONS}/{paths[-1].name}"
    record = read(settings.root, path)
    if record["release"] != release or record["source"] != observed.DECISIONS:
        return
    policies = {each["id"]: each for each in settings.monitoring["monitors"]}
    for said in record["monitors"]:
        policy = policies.get(said["monitor"])
        if policy is None or said["outcome"] != monitor.BREACHED:
            continue
        if policy["action"] == "retrain" or policy["kind"] == "data_drift":
            yield (
                f"{said['monitor']} read {said['metric']} {said['value']:.3g} ({path}), "
                f"the limit is {said['limit']:g}"
            )


def _latest(settings: Settings, learned: str) -> date | None:
    """Return the day by which a version that learned then has to learn again."""
    days = settings.release["retraining"]["every_days"]
    return None if days is None else date.fromisoformat(learned) + timedelta(days=days)


def _require_news(settings: Settings, data: Data, digest: str) -> None:
    """Refuse to learn the same once more: what it would learn from is what it learned from."""
    before = Store(settings.store).get(digest).provenance["bindings"]
    now = {**repository.bindings(settings), "data": data.digest}
    if all(before[name] == value for name, value in now.items()):
        raise RefusedError(
            "it is due, and there is nothing new to learn from: declare newer data in "
            "policies/evaluation.yaml (path, digest, train_until, test_from, test_until) first"
        )
