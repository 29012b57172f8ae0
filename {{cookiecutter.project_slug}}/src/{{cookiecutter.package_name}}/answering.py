"""Answering: who answers now, the release in force or the fallback rule.

Nobody is asked about people without a consent in force where one is needed: neither a model nor a
rule looks at their history. They get what the use case shows to everybody (`Instead`).

The fallback answers before the first release, while the breaker is open, and when the release in
force cannot be served: lost, damaged, made for other features, or not the model that was released.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ai_program import evidence

from . import breaker, privacy, record, releases
from .artifacts import Store
from .errors import RefusedError
from .predictor import Predictor
from .settings import Settings
from .use_case import rules, serving

RELEASE, FALLBACK = "release", "fallback"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answerer:
    """Whatever answers, its name, the record in force, and why a rule answers if one does."""

    name: str
    predictor: Predictor
    record: dict[str, Any] | None
    why: str | None

    @property
    def served_by(self) -> str:
        """Return whether the release in force answers, or a rule."""
        return FALLBACK if self.why else RELEASE

    @property
    def released(self) -> str | None:
        """Return the version in force, whether it answers or not."""
        return evidence.released(self.record)[1] if self.record else None


@dataclass(frozen=True, slots=True)
class Instead:
    """What people get about whom nothing may be scored: the name of that rule, what it shows, why.

    It is the same for all of them, so that nothing about them is looked at.
    """

    name: str
    shown: dict[str, Any]
    why: str


def now(settings: Settings) -> Answerer:
    """Return who answers now."""
    found = releases.active(settings)
    if found is None:
        return fallback(settings, None, "nothing was released yet")
    _, version, _ = evidence.released(found)
    opened = breaker.opened(settings, version)
    if opened is not None:
        return fallback(settings, found, f"the breaker is open: {opened}")
    try:
        artifact = record.require_servable(settings, Store(settings.store), version)
        return Answerer(version, artifact.model(), found, _is_rule(settings, version))
    except RefusedError as error:
        return fallback(settings, found, str(error))
    except Exception as error:  # whatever a model raises that was made with other code
        return fallback(settings, found, f"{version} cannot be loaded: {error!r}")


def answer(
    settings: Settings, answerer: Answerer, rows: pd.DataFrame
) -> tuple[Answerer, np.ndarray]:
    """Return who answered these rows, and one finite number for each of them.

    A model that fails, or says what is no number, is answered for by the fallback.
    """
    answers = _numbers(answerer, rows)
    if answers is None:
        answerer = fallback(settings, answerer.record, f"{answerer.name} gave no number")
        answers = _numbers(answerer, rows)
    if answers is None:
        raise RefusedError("neither the model nor the fallback gives a number for these rows")
    return answerer, answers


def _numbers(answerer: Answerer, rows: pd.DataFrame) -> np.ndarray | None:
    try:
        answers = np.asarray(answerer.predictor.predict(rows), dtype=float)
    except Exception:  # whatever a model raises
        _log.exception("%s failed", answerer.name)
        return None
    return answers if answers.shape == (len(rows),) and np.isfinite(answers).all() else None


def fallback(settings: Settings, found: dict[str, Any] | None, why: str) -> Answerer:
    """Return the rule that answers instead of a model."""
    return Answerer(settings.fallback, rules.Rule(settings.fallback), found, why)


def instead(settings: Settings, tables: dict[str, ibis.Table]) -> Instead:
    """Return what people get who did not consent: nothing, unless the use case knows better."""
    shows = getattr(serving, "instead", None)
    name, shown = ("nothing", {}) if shows is None else shows(tables)
    return Instead(name, shown, privacy.no_consent(settings))


def signature(settings: Settings) -> tuple[object, ...]:
    """Return what changes whenever somebody else may have to answer; cheap enough to ask often."""
    found: list[object] = []
    for path in (settings.root / evidence.ACTIVE, breaker.path(settings)):
        try:
            seen = path.stat()
            found.append((seen.st_mtime_ns, seen.st_size, seen.st_ino))
        except OSError:
            found.append(None)
    return tuple(found)


def _is_rule(settings: Settings, version: str) -> str | None:
    """Return why a rule answers if the release in force is one: a rollback went that far."""
    if rules.is_rule(releases.registry_entry(settings, version)["candidate"]):
        return "a rollback put the rule in force"
    return None
