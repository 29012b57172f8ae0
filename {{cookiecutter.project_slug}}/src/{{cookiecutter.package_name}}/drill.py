"""Drill: cause a fault on purpose, go back, and measure how long good answers were missing.

Everything is done to a copy: a clone of what is committed, with the models that are needed from the
store. What comes back from there is one record for each fault, in ``evidence/drills/``.

The way leads from the version in force to the one before it. As long as the history does not have
both, stand-ins are trained and put in force in the copy. They pass no gate and nobody approves
them, because what is tried is the way back and not the way there; the record says which they were.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from ai_program import digests, evidence

from . import (
    answering,
    breaker,
    engine,
    files,
    ingest,
    pipeline,
    record,
    register,
    releases,
    repository,
    rollback,
    tracking,
    train,
)
from . import settings as reading
from .artifacts import Store
from .errors import RefusedError
from .evaluate import Data
from .faults import FAULTS, Scene
from .settings import Settings, read
from .use_case import rules

STORE = "store"


def drill(settings: Settings, faults: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Hold a drill for each fault; return the records by their paths, written."""
    repository.require_commit(settings.root)
    ingest.verify(settings)
    topology = _committed_topology(settings)
    held: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory() as folder:
        scene = _scene(settings, Path(folder, "before"))
        for fault in faults:
            print(f"\n{fault}: {scene.served['version']} is in force", flush=True)
            root = Path(folder, fault)
            shutil.copytree(scene.settings.root, root, symlinks=True)
            copy = replace(scene, settings=replace(scene.settings, root=root))
            made = _hold(copy, fault, topology)
            held[evidence.drill_path(made["started_at"], fault)] = made
    files.write(settings.root, {path: digests.pretty(made) for path, made in held.items()})
    return held


def _committed_topology(settings: Settings) -> str:
    """Return the digest of how models are deployed; refuse if not all of that is committed."""
    patterns = settings.layout["topology"]
    groups = {**settings.layout["bindings"], "topology": patterns}
    places = [f":(glob){each}" for group in groups.values() for each in group]
    changed = repository.git(settings.root, "status", "--porcelain", "--", *places)
    if changed:
        raise RefusedError(
            f"a drill is about what is committed, and {changed[3:].splitlines()[0]} is not: "
            "commit or undo it first"
        )
    listed = repository.git(settings.root, "ls-files", "-z", "--", *places)
    paths = [path for path in listed.split("\0") if path]
    return evidence.topology(
        ((path, (settings.root / path).read_bytes()) for path in paths), patterns
    )


# The copy.


def _scene(settings: Settings, root: Path) -> Scene:
    """Copy the repository, and bring about that one version is in force and another behind it."""
    copy = _copied(settings, root)
    data = pipeline.prepare(copy)
    history = releases.records(copy)
    target = history[-1]["predicate"]["rollback_target"] if history else {"kind": "fallback"}
    if target["kind"] == "release":
        before, served = read(root, target["release"]), history[-1]
        for each in (before, served):
            _bring(settings, copy, each)
        return Scene(copy, data, _named(served), _named(before), ())
    models = [each for each in history if not rules.is_rule(_candidate(copy, each))]
    stand_ins = ["from"] if models else ["to", "from"]
    if models:
        before = models[-1]
        _bring(settings, copy, before)
    else:
        before = _stand_in(copy, data, train.DEFAULT, None)
    other = next((each for each in train.CHOICES if each != _candidate(copy, before)), None)
    served = _stand_in(copy, data, other or train.DEFAULT, before, seed=0 if other else 1)
    return Scene(copy, data, _named(served), _named(before), tuple(sorted(stand_ins)))


def _copied(settings: Settings, root: Path) -> Settings:
    """Return the settings of a clone whose store, MLflow and author are its own."""
    repository.git(settings.root, "clone", "--quiet", ".", str(root))
    for name in (*(source.name for source in settings.sources), tracking.DATABASE):
        if (settings.root / name).is_file() and not (root / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(settings.root / name, root / name)
    copy = reading.load(root)
    people = [each for each in copy.program["people"] if each["active"] and each["emails"]]
    people.sort(key=lambda each: "operations_owner" not in each["roles"])
    if not people:
        raise RefusedError("policies/program.yaml declares nobody with an address who could act")
    repository.git(root, "config", "user.email", people[0]["emails"][0])
    repository.git(root, "config", "user.name", "Drill")
    return replace(copy, release={**copy.release, "store": {"address": STORE}})


def _bring(settings: Settings, copy: Settings, statement: dict[str, Any]) -> None:
    """Copy the model of a record from the store."""
    Store(copy.store).put(Store(settings.store).get(_named(statement)["digest"]))


def _stand_in(
    copy: Settings, data: Data, candidate: str, before: dict[str, Any] | None, *, seed: int = 0
) -> dict[str, Any]:
    """Train a version and put it in force in the copy, past gates and approvals."""
    with pipeline.stage(copy, "train") as line:
        model = train.train(candidate, data.training, copy.seed + seed)
        line.result = f"{candidate}, as a stand-in"
    report, artifact = pipeline.judge_and_register(copy, data, candidate, model)
    target: dict[str, Any] = {"kind": "fallback", "release": None, "artifact": None}
    if before is not None:
        path = evidence.release_path(before["predicate"]["sequence"])
        target = {"kind": "release", "release": path, "artifact": _named(before)["digest"]}
    statement, contents = record.compose(
        copy,
        engine.program(copy.root),
        action="promote",
        subject=(report["model"]["version"], artifact.digest),
        report=report,
        parts={
            "author": repository.author(copy.root),
            "decision": "DEC-0001",
            "approvals": [],
            "review": {"mode": "none", "how": "a drill"},
            "rollback_target": {**target, "retrieved": True},
            "reason": "a stand-in of a drill",
        },
    )
    files.write(copy.root, contents)
    _commit(copy, f"Stand in: {report['model']['version']}")
    return statement


def _commit(copy: Settings, message: str) -> None:
    repository.git(copy.root, "add", "--all")
    repository.git(
        copy.root, "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null",
        "commit", "--quiet", "--allow-empty", "--no-verify", "--message", message,
    )  # fmt: skip


def _named(statement: dict[str, Any]) -> dict[str, str]:
    _, version, digest = evidence.released(statement)
    return {"version": version, "digest": digest}


def _candidate(copy: Settings, statement: dict[str, Any]) -> str:
    return str(releases.registry_entry(copy, _named(statement)["version"])["candidate"])


# The drill.


class _Steps:
    """What was done, in order; what is refused fails its step and ends the drill."""

    def __init__(self, root: Path) -> None:
        self.done: list[dict[str, str]] = []
        self.root = root

    def take(self, name: str, action: Callable[[], str]) -> None:
        try:
            said, outcome = action(), "passed"
        except RefusedError as error:
            said, outcome = str(error), "failed"
        # Where the copy stood says nothing to whoever reads the record.
        detail = " ".join(said.replace(f"{self.root}/", "").split())
        self.done.append({"step": name, "outcome": outcome, "detail": detail})
        print(f"  {outcome}  {name}: {detail}", flush=True)
        if outcome == "failed":
            raise _FailedError(name)


class _FailedError(Exception):
    """A step failed, so that the next ones would say nothing."""


def _hold(scene: Scene, name: str, topology: str) -> dict[str, Any]:
    """Cause a fault in the copy, go back, and return the record of it."""
    fault, steps, started = FAULTS[name], _Steps(scene.settings.root), engine.now()
    tripped, restored, golden, seconds = False, None, None, None
    try:
        steps.take("serve", lambda: _serves(scene, scene.served))
        steps.take("cause the fault", lambda: fault.cause(scene))
        _commit(scene.settings, f"Cause {name}")
        scene = replace(scene, settings=_again(scene.settings))
        steps.take("notice it", lambda: fault.notice(scene))
        steps.take("trip the breaker", lambda: _trip(scene))
        tripped = True
        decided = time.monotonic()
        steps.take("roll back", lambda: _roll_back(scene, name, fault.returns))
        if fault.returns:
            restored, golden = scene.before, False
            steps.take("verify", lambda: _serves(scene, scene.before))
            golden = True
        else:
            steps.take("verify", lambda: _falls_back(scene))
        seconds = round(time.monotonic() - decided, 1)
    except _FailedError:
        pass
    return evidence.drill(
        fault=name,
        started_at=started,
        finished_at=engine.now(),
        served=scene.served,
        restored=restored,
        stand_ins=scene.stand_ins,
        steps=steps.done,
        breaker_tripped=tripped,
        golden_match=golden,
        seconds_to_restore=seconds,
        limit_minutes=scene.settings.release["rollback"]["max_minutes"],
        topology=topology,
        environment=evidence.environment(register.packages())["digest"],
    )


def _again(settings: Settings) -> Settings:
    """Return the settings as the files say now."""
    return replace(reading.load(settings.root), release=settings.release)


def _serves(scene: Scene, wanted: dict[str, str]) -> str:
    """Say that this version answers its golden rows as it did when it was registered."""
    found = answering.now(scene.settings)
    name = found.name
    if name != wanted["version"]:
        why = f" ({found.why})" if found.why else ""
        raise RefusedError(f"{name} answers, and not {wanted['version']}{why}")
    known = releases.registry_entry(scene.settings, name)["golden"]
    if not register.same_answers(found.predictor, known):
        raise RefusedError(f"{name} gives other answers to its golden rows than it was known for")
    return f"{name} gives its {len(known)} golden answers"


def _trip(scene: Scene) -> str:
    """Trip the breaker as a monitor does: the safe state answers before anybody goes back."""
    settings, policy = scene.settings, scene.settings.monitoring["breaker"]
    breaker.trip(settings, by=policy["trips_on"][0], reason="a drill")
    found, rows = answering.now(settings), _golden_rows(settings, scene.served["version"])
    if found.name != policy["safe_state"]:
        raise RefusedError(f"{found.name} answers, and not {policy['safe_state']}")
    answering.answer(settings, found, rows)
    return f"{found.name} answers {len(rows)} golden rows"


def _roll_back(scene: Scene, name: str, returns: bool) -> str:
    made = rollback.rollback(scene.settings, reason=f"a drill: {name}")
    version = _named(made)["version"]
    if returns and version != scene.before["version"]:
        raise RefusedError(f"{version} came into force, and not {scene.before['version']}")
    return f"{version} is in force"


def _falls_back(scene: Scene) -> str:
    """Say that the version before is refused, and that the fallback answers instead."""
    settings, before = scene.settings, scene.before["version"]
    try:
        record.require_servable(settings, scene.store, before)
    except RefusedError as error:
        why = str(error)
    else:
        raise RefusedError(f"{before} can still be served, so nothing was tried")
    found = answering.now(settings)
    name = found.name
    if releases.registry_entry(settings, name)["candidate"] != settings.fallback:
        raise RefusedError(f"{name} answers, and not {settings.fallback}")
    rows = _golden_rows(settings, before)
    if not pd.notna(found.predictor.predict(rows)).all():
        raise RefusedError(f"{name} does not answer every golden row")
    return f"{name} answers, because {why}"


def _golden_rows(settings: Settings, version: str) -> pd.DataFrame:
    known = releases.registry_entry(settings, version)["golden"]
    return pd.DataFrame([each["input"] for each in known])
