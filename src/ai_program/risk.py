"""What answers imply about risk: the floor of the tier, and how serious an output is."""

from __future__ import annotations

from ai_program import workshop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def floor_of(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lowest tier that the answers allow, with each answer that raises it."""
    tiers = workshop.load("tiers.yaml")
    reasons = [
        {
            "question": rule["question"],
            "answer": answers[rule["question"]],
            "tier": rule["tier"],
            "why": rule["why"],
        }
        for rule in tiers["implied_by"]
        if answers.get(rule["question"]) in rule["answers"]
    ]
    tier = max((reason["tier"] for reason in reasons), key=tiers["order"].index, default="minimal")
    return {"tier": tier, "reasons": reasons}


def affects_people(answers: Mapping[str, Any]) -> bool:
    """Whether somebody is treated differently because of the output."""
    return answers.get("person_impact") in {"indirect", "legal_or_similar"} or bool(
        answers.get("vulnerable_groups")
    )


def high_impact(answers: Mapping[str, Any]) -> bool:
    """Whether an output is too serious to take effect unseen."""
    return answers.get("risk_tier") == "high" or answers.get("person_impact") == "legal_or_similar"


def irreversible(answers: Mapping[str, Any]) -> bool:
    """Whether it acts by itself on people's rights, and what it does can't be undone."""
    return (
        answers.get("autonomy") == "auto_irreversible"
        and answers.get("person_impact") == "legal_or_similar"
    )


def required_security(tier: str) -> list[str]:
    """Return the security requirements that a tier does not let anybody switch off."""
    prefix = "policies/security.yaml#requirements."
    return [
        floor["pointer"].removeprefix(prefix)
        for floor in workshop.load("tiers.yaml")["floors"]
        if floor["pointer"].startswith(prefix) and floor["equals"].get(tier)
    ]
