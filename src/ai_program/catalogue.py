"""The rule catalogue: what each rule is called, why it exists, and how severe it is where."""

from __future__ import annotations

from ai_program import compiled
from ai_program.documents import DocumentError
from ai_program.git import Misuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TIERS = ("minimal", "limited", "high")
SEVERITIES = ("error", "warning", "off")


class Rule:
    """The metadata of one rule; the code that checks it has the same name in ``rules``."""

    __slots__ = ("code", "controls", "do", "family", "severity", "title", "waivable", "when", "why")

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.code: str = entry["code"]
        self.title: str = entry["title"]
        self.why: str = entry["why"]
        self.do: str = entry["do"]
        self.family: str = entry["family"]
        self.severity: dict[str, str] = entry["severity"]
        self.when: tuple[str, ...] = tuple(entry["when"])
        self.waivable: bool = entry["waivable"]
        self.controls: dict[str, Any] = entry["controls"]

    def __repr__(self) -> str:
        return f"Rule({self.code})"

    def runs_at(self, stage: str) -> bool:
        """Push also runs what runs at commit; the schedule runs everything."""
        return (
            stage == "schedule" or stage in self.when or (stage == "push" and "commit" in self.when)
        )


def load(root: str) -> dict[str, Rule]:
    """Return the rules of a baseline by code, in the order of their codes.

    Raises:
        Misuse: the catalogue is broken.

    """
    try:
        rules = [Rule(entry) for entry in compiled.load(f"{root}/rules.yaml")]
    except (OSError, DocumentError) as error:
        raise Misuse(f"the rule catalogue cannot be read: {error}") from None
    except (KeyError, TypeError) as error:
        raise Misuse(f"the rule catalogue is incomplete: {error}") from None
    for rule in rules:
        if rule.severity.keys() != set(TIERS) or not set(SEVERITIES).issuperset(
            rule.severity.values()
        ):
            raise Misuse(f"the rule catalogue gives {rule.code} no severity for each tier")
    return {rule.code: rule for rule in sorted(rules, key=lambda rule: rule.code)}
