"""Faults: what a drill causes in its copy, and how each is noticed.

A fault is done to the files of the copy, not to the code: what notices it is what would notice it
in earnest. `cause` returns what was done, `notice` what then speaks against the version in force.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from . import contract, readings, record
from .artifacts import MODEL, Store
from .errors import RefusedError
from .evaluate import Data
from .predictor import Predictor
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Scene:
    """A copy of the repository in which one version is in force and another one behind it."""

    settings: Settings
    data: Data
    served: dict[str, str]
    before: dict[str, str]
    stand_ins: tuple[str, ...]

    @property
    def store(self) -> Store:
        """Return the store of the copy."""
        return Store(self.settings.store)


@dataclass(frozen=True, slots=True)
class Fault:
    """How to cause a fault, how it is noticed, and whether the version before can come back."""

    cause: Callable[[Scene], str]
    notice: Callable[[Scene], str]
    returns: bool = True


# Answers that are wrong in ways that each say something to another kind of metric.
_SPOILED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "three times too much": lambda answers: 3 * answers,
    "the wrong way round": lambda answers: answers.max() + answers.min() - answers,
    "the highest answer for every row": lambda answers: np.full_like(answers, answers.max()),
    "the lowest answer for every row": lambda answers: np.full_like(answers, answers.min()),
}


class _Spoiled:
    """A model whose answers go through something that spoils them."""

    def __init__(self, model: Predictor, spoil: Callable[[np.ndarray], np.ndarray]) -> None:
        self.model, self.spoil = model, spoil

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        return self.spoil(np.asarray(self.model.predict(features), dtype=float))


def _nothing(_: Scene) -> str:
    return "from now on its answers are spoiled before they are measured"


def _bad_metric(scene: Scene) -> str:
    """Return the monitor that the breaker trips on, with what it reads of spoiled answers."""
    model = scene.store.get(scene.served["digest"]).model()
    read = []
    for monitor in _tripping(scene.settings):
        for how, spoil in _SPOILED.items():
            reading = readings.read(scene.settings, scene.data, monitor, _Spoiled(model, spoil))
            if reading is None:
                break
            read.append(f"{readings.said(monitor, *reading)} ({how})")
            if readings.breaks(monitor, *reading):
                return read[-1]
    raise RefusedError(
        "no monitor that the breaker trips on (policies/monitoring.yaml) notices spoiled answers: "
        + ("; ".join(read) or "the evaluation measures none of their metrics")
    )


def _tripping(settings: Settings) -> list[dict[str, Any]]:
    wanted = settings.monitoring["breaker"]["trips_on"]
    return [each for each in settings.monitoring["monitors"] if each["id"] in wanted]


def _damage(scene: Scene) -> str:
    """Change a byte in the middle of the model that is in force."""
    path = f"{scene.store.place(scene.served['digest'])}/{MODEL}"
    with open(path, "r+b") as file:  # noqa: PTH123
        content = bytearray(file.read())
        content[len(content) // 2] ^= 0xFF
        file.seek(0)
        file.write(content)
    return f"one byte of {MODEL} of {scene.served['version']} was changed in the store"


def _not_servable(scene: Scene) -> str:
    return _refusal(
        "the damaged model would be loaded",
        lambda: record.require_servable(scene.settings, scene.store, scene.served["version"]),
    )


DELIVERED = "build/delivered"


def _break_delivery(scene: Scene) -> str:
    """Deliver the data once more, with another name for its last column."""
    path = scene.settings.data
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        header, *rest = file.read().splitlines(keepends=True)
    name = header.strip().rpartition(",")[2]
    target = scene.settings.root / DELIVERED / path.name
    target.parent.mkdir(parents=True)
    with opened(target, "wt", encoding="utf-8", newline="") as file:
        file.writelines([header.replace(name, "renamed"), *rest])
    return f"data arrived in which {name} is called renamed"


def _breaks_contract(scene: Scene) -> str:
    data = scene.settings.evaluation["data"]
    path = f"{DELIVERED}/{scene.settings.data.name}"
    settings = replace(
        scene.settings, evaluation={**scene.settings.evaluation, "data": {**data, "path": path}}
    )
    return _refusal("the broken data keeps its contract", lambda: contract.verify(settings))


def _lose_target(scene: Scene) -> str:
    shutil.rmtree(scene.store.place(scene.before["digest"]))
    return f"{scene.before['version']} is gone from the store; {_nothing(scene)}"


def _outgrow_target(scene: Scene) -> str:
    """Raise the contract by a major version, which no version that is there was made for."""
    settings = scene.settings
    path = settings.root / f"contracts/{settings.contract['id']}.odcs.yaml"
    major, _, rest = str(settings.contract["version"]).partition(".")
    new = f"{int(major) + 1}.{rest}"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        re.sub(r"^version: .*$", f"version: {new}", text, count=1, flags=re.MULTILINE),
        encoding="utf-8",
    )
    return f"the contract became {settings.contract['id']}@{new}; {_nothing(scene)}"


def _refusal(otherwise: str, ask: Callable[[], object]) -> str:
    """Return why something is refused; it is a failure if it is not."""
    try:
        ask()
    except RefusedError as error:
        return str(error)
    raise RefusedError(otherwise)


FAULTS = {
    "bad_metric": Fault(_nothing, _bad_metric),
    "corrupted_artifact": Fault(_damage, _not_servable),
    "broken_contract": Fault(_break_delivery, _breaks_contract),
    "missing_target": Fault(_lose_target, _bad_metric, returns=False),
    "incompatible_contract": Fault(_outgrow_target, _bad_metric, returns=False),
}
