"""Oversight: which decisions a person looks at, as policies/oversight.yaml says."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from .errors import RefusedError
from .settings import Settings


def kind(settings: Settings, decision_type: str) -> dict[str, Any]:
    """Return what the policy says about a type of decision."""
    for each in settings.oversight["decision_types"]:
        if each["id"] == decision_type:
            return each
    raise RefusedError(f"policies/oversight.yaml knows no decision of the type {decision_type}")


def reviewer(
    settings: Settings, decision_type: str, record_id: str, *, held: bool = False
) -> str | None:
    """Return the role that reviews a decision, None if nobody has to; ``held`` it is always."""
    found = kind(settings, decision_type)
    if (
        held
        or found["mode"] in ("before_effect", "before_execution")
        or (found["mode"] == "sample" and share(record_id) < found["sample_rate"])
    ):
        return str(found["reviewer_role"])
    return None


def share(record_id: str, salt: str = "review") -> float:
    """Return a number from 0 to 1 that follows from the id alone: a sample can be drawn again."""
    return int.from_bytes(sha256(f"{salt}:{record_id}".encode()).digest()[:8]) / 2**64
