"""Decisions: the trace of each prediction, so that it can be explained and contested later.

`policies/oversight.yaml` says which fields a record has at least, and `policies/data.yaml` how long
records are kept. Records stand in ``var/decisions``, outside git: they may hold data about people.
Whoever cannot write a record gives no answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
from ai_program import evidence

from . import golden, journal, oversight
from .answering import FALLBACK, Answerer, Instead
from .errors import RefusedError
from .journal import Journal
from .settings import Settings
from .use_case import features, serving

# What a record holds, and where each part comes from.
#
# record_id         names the decision; the caller gets it with the answer
# time              when it was made, UTC
# decision_type     which of policies/oversight.yaml; null if nothing follows from this answer
# model             the model that the programme is about
# model_version     the version, or the rule, that answered
# served_by         release, or fallback if a rule answered; `why` says for which reason
# release           the record of the release in force, if any
# data_digest       the data that the release was judged on
# contract_version  the contract of that data
# feature_version   the feature view that the inputs follow
# policy_digest     the policies at the time of the decision
# exceptions        those that the release rests on
# entity, features  the row that was asked about; the entity as far as the caller named it
# outcome           the answer
#
# Where nothing may be scored, for want of consent, there are no features, nothing is decided, and
# the outcome is what is shown to everybody.
#
# reviewer          the role that has to review it, null if nobody has to; who did says the review
# held_because      why it waits for its reviewer whatever the mode of review; null if it does not
# latency_ms        from the request to this record
FIELDS = (
    "record_id", "time", "decision_type", "model", "model_version", "served_by", "why", "release",
    "data_digest", "contract_version", "feature_version", "policy_digest", "exceptions", "entity",
    "features", "outcome", "reviewer", "held_because", "latency_ms",
)  # fmt: skip


def folder(settings: Settings) -> Path:
    """Return where the records stand."""
    return settings.root / "var" / "decisions"


class Log:
    """Writes decisions, and says which role reviews them where the policy wants that."""

    def __init__(self, settings: Settings) -> None:
        wanted = settings.oversight["decision_trace"]["fields"]
        unknown = [field for field in wanted if field not in FIELDS]
        if unknown:
            raise RefusedError(
                f"policies/oversight.yaml wants the trace to hold {', '.join(unknown)}, and "
                "nothing here writes that: let decisions.py write it, or take it off the list"
            )
        self.settings = settings
        self.policy_digest = _policy_digest(settings.root)
        self.journal = Journal(folder(settings))
        self.types = [str(each["id"]) for each in settings.oversight["decision_types"]]

    def write(
        self,
        answerer: Answerer,
        rows: pd.DataFrame,
        answers: np.ndarray,
        *,
        decision_type: str | None = None,
        latency_ms: float,
    ) -> list[dict[str, Any]]:
        """Write a record for each row and its answer, and return the records."""
        kind = decision_type or self.types[0]
        shared = self._shared(answerer, latency_ms)
        records = []
        for entity, inputs, answer, decides, held in zip(
            entities(rows, self.settings.keys),
            zip(*(rows[name].tolist() for name in features.NAMES), strict=True),
            answers,
            _decides(rows, answers),
            _held(rows, answers),
            strict=True,
        ):
            name = uuid4().hex
            role = oversight.reviewer(self.settings, kind, name, held=bool(held))
            records.append(
                {
                    "record_id": name,
                    "decision_type": kind if decides else None,
                    **shared,
                    "entity": entity,
                    "features": dict(zip(features.NAMES, map(_plain, inputs), strict=True)),
                    "outcome": float(answer),
                    "reviewer": role if decides else None,
                    "held_because": (held or None) if decides else None,
                }
            )
        self.journal.append(records)
        return records

    def write_instead(
        self,
        answerer: Answerer,
        told: Instead,
        entities: Iterable[dict[str, str] | None],
        *,
        latency_ms: float,
    ) -> list[dict[str, Any]]:
        """Write a record for each of these who was not scored, and return the records."""
        shared = self._shared(answerer, latency_ms) | {
            "model_version": told.name,
            "served_by": FALLBACK,
            "why": told.why,
        }
        records = [
            {
                "record_id": uuid4().hex,
                "decision_type": None,
                **shared,
                "entity": entity,
                "features": {},
                "outcome": told.shown,
                "reviewer": None,
                "held_because": None,
            }
            for entity in entities
        ]
        self.journal.append(records)
        return records

    def _shared(self, answerer: Answerer, latency_ms: float) -> dict[str, Any]:
        """Return what all records of one answer have in common."""
        said = answerer.record["predicate"] if answerer.record else None
        return {
            "time": journal.now(),
            "model": self.settings.model,
            "model_version": answerer.name,
            "served_by": answerer.served_by,
            "why": answerer.why,
            "release": evidence.release_path(said["sequence"]) if said else None,
            "data_digest": said["data"]["digest"] if said else None,
            "contract_version": (
                said["data"]["contract"] if said else self.settings.contract_reference
            ),
            "feature_version": self.settings.features_reference,
            "policy_digest": self.policy_digest,
            "exceptions": said["exceptions"] if said else [],
            "latency_ms": round(latency_ms, 3),
        }


def read(settings: Settings, since: str = "") -> Iterator[dict[str, Any]]:
    """Yield the decisions from a day (YYYY-MM-DD) on."""
    yield from journal.read(folder(settings), since)


def expire(settings: Settings) -> list[Path]:
    """Delete what is older than `policies/data.yaml` allows and return the files."""
    days = int(settings.privacy["retention"]["decision_log_days"])
    return journal.expire(folder(settings), days)


def _policy_digest(root: Path) -> str:
    """Return the digest of the policies as they are on disk; where this serves there is no git."""
    files = sorted((root / "policies").glob("*.yaml"))
    contents = ((f"policies/{file.name}", file.read_bytes()) for file in files)
    return evidence.bind(contents, {"policies": ["policies/**"]})["policies"]


def _decides(rows: pd.DataFrame, answers: np.ndarray) -> Iterable[bool]:
    """Return from which answers something follows: from all, unless the use case knows better."""
    decides = getattr(serving, "decides", None)
    return [True] * len(rows) if decides is None else decides(rows, answers)


def _held(rows: pd.DataFrame, answers: np.ndarray) -> Iterable[str]:
    """Return why each answer is held back for a person; blank unless the use case says so."""
    held = getattr(serving, "held", None)
    return [""] * len(rows) if held is None else held(rows, answers)


def entities(rows: pd.DataFrame, keys: list[str]) -> list[dict[str, str] | None]:
    """Return what names each row, None for rows that came without their keys."""
    if not set(keys) <= set(rows.columns):
        return [None] * len(rows)
    return [dict(zip(keys, name, strict=True)) for name in golden.names(rows, keys)]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a missing one is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool | int | str):
        return value
    return None if pd.isna(value) else str(value)
