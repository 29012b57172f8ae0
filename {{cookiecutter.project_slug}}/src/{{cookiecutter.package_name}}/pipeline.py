"""The pipeline: ingest, contract, features, train, evaluate, register, in one process.

Each stage says in one line what it did and how long it took.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ai_program import evidence

from . import (
    artifacts,
    distribution,
    feature_schema,
    feature_store,
    golden,
    ingest,
    lineage,
    privacy,
    register,
    releases,
    repository,
    train,
)
from .artifacts import Artifact, Store
from .errors import RefusedError
from .evaluate import Data
from .predictor import Predictor
from .robustness import Promise
from .settings import Settings
from .use_case import evaluation, features


class Stage(lineage.Stage):
    """One line of progress, and what it was made from."""

    result = ""


@contextmanager
def stage(settings: Settings, name: str) -> Iterator[Stage]:
    """Say that a stage begins, and when it ends what it did and how long it took."""
    print(f"{name:<10}", end="", flush=True)
    began = time.monotonic()
    line = Stage(settings, name)
    line.began()
    try:
        yield line
    except BaseException as error:
        print("stopped", flush=True)
        line.failed(error)
        raise
    line.ended()
    print(f"{line.result:<58} {time.monotonic() - began:5.1f} s", flush=True)


def run(settings: Settings, candidate: str) -> dict[str, Any]:
    """Run every stage for one candidate and return the report."""
    repository.require_commit(settings.root)
    data = prepare(settings)
    with stage(settings, "train") as line:
        model = train.train(candidate, data.training, settings.seed)
        line.reads(settings.features["id"], settings.features["version"])
        line.writes(f"{settings.model}.{candidate}", f"seed {settings.seed}")
        line.result = f"{candidate} on {len(data.training):,} rows"
    report, _ = judge_and_register(settings, data, candidate, model)
    return report


def prepare(settings: Settings) -> Data:
    """Read the data, hold it to its contract, and make features of it."""
    with stage(settings, "ingest") as line:
        digest = ingest.verify(settings)
        delivered = ingest.delivered(settings)
        tables = privacy.permitted(settings, delivered)
        for source in settings.sources:
            line.reads(source.name, source.digest)
            line.writes(source.contract["id"], source.digest)
        counts = [f"{table.count().execute():,} rows of {name}" for name, table in tables.items()]
        line.result = ", ".join(counts)
    with stage(settings, "contract") as line:
        from . import contract  # a heavy import, counted where it is used

        for source in settings.sources:
            line.reads(source.contract["id"], source.digest)
        checks = contract.verify(settings)
        held = ", ".join(source.reference for source in settings.sources)
        line.result = f"{checks} checks of {held} hold"
    with stage(settings, "features") as line:
        frame = feature_schema.frame(features.build(tables), settings.features, features.NAMES)
        training, test = evaluation.split(frame, settings.split)
        known = golden.find(test, settings, features.TARGET)
        feature_store.put(settings, digest, frame)
        for source in settings.sources:
            line.reads(source.contract["id"], source.digest)
        line.writes(settings.features["id"], settings.features["version"])
        line.result = f"{len(features.NAMES)} features of {settings.features_reference}"
    promise = Promise(settings.features, settings.fallback)
    barred = privacy.barred(settings, delivered)
    return Data(digest, training, test, known, promise, tables, barred)


def judge_and_register(
    settings: Settings,
    data: Data,
    candidate: str,
    model: Predictor,
    *,
    needs_champion: bool = True,
) -> tuple[dict[str, Any], Artifact]:
    """Evaluate a model against the release in force, and keep everything about it.

    Without ``needs_champion`` a release in force that is lost leaves its gate unmeasured. That is
    never a pass; the fallback, which needs none, can take over all the same.
    """
    store = Store(settings.store)
    with stage(settings, "evaluate") as line:
        in_force = releases.in_force(settings)
        champion = _champion(store, in_force, needed=needs_champion)
        judged: dict[str, Any] = {
            "bindings": {
                **repository.bindings(settings),
                "data": data.digest,
                "environment": evidence.environment(register.packages())["digest"],
            },
            "code": repository.code(settings),
            "champion": in_force,
        }
        artifact = artifacts.pack(
            model,
            {
                "model": settings.model,
                "candidate": candidate,
                "contract": settings.contract_reference,
                "features": settings.features_reference,
                "distribution": distribution.describe(settings, data.training),
                **judged,
            },
        )
        report = evidence.report(
            model={
                "name": settings.model,
                "version": evidence.version_name(candidate, artifact.digest),
                "candidate": candidate,
                "digest": artifact.digest,
            },
            statistics=settings.evaluation["statistics"],
            gates=settings.evaluation["gates"],
            measurements=evaluation.Evaluation(
                data,
                model,
                champion,
                settings.evaluation,
                twin=lambda: train.train(candidate, data.training, settings.seed + 1),
            ).measurements(),
            **judged,
        )
        line.reads(f"{settings.model}.{candidate}", f"seed {settings.seed}")
        line.reads(settings.features["id"], settings.features["version"])
        line.writes(f"{settings.model}.report", report["digest"])
        against = in_force["version"] if in_force else "the rules"
        line.result = f"{len(data.test):,} rows against {against}: {report['verdict']}"
    with stage(settings, "register") as line:
        from . import tracking  # a heavy import, counted where it is used

        store.put(artifact)
        known = data.test.iloc[data.golden.positions].reset_index(drop=True)
        is_new = register.write(settings, report, register.entry(settings, artifact, report, known))
        register.update_card(settings, report)
        tracking.sync(settings)
        line.reads(f"{settings.model}.report", report["digest"])
        line.writes(settings.model, report["model"]["version"])
        line.result = report["model"]["version"] + ("" if is_new else ", as before")
    return report, artifact


def _champion(store: Store, in_force: dict[str, str] | None, *, needed: bool) -> Predictor | None:
    """Return the model in force, if there is one."""
    if in_force is None:
        return None
    try:
        return store.get(in_force["digest"]).model()
    except RefusedError:
        if needed:
            raise
        return None
