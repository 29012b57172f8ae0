"""Rules of review: people look at what the system does, and learn from what went wrong."""

from __future__ import annotations

from ai_program import values
from ai_program.rules.base import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program

    Keys = tuple[str | int, ...]

# What stands where somebody did not want to say how; none of it is a way to another outcome.
_NO_WAY = frozenset((
    "no", "none", "never", "nobody", "no one", "nothing", "n/a", "na", "not applicable",
    "not available", "not needed", "not planned", "not possible", "impossible", "unknown",
))  # fmt: skip


class AIP406(Rule):
    """Whoever reviews exists, has the time, and can change the outcome."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield reviews that would happen on paper only."""
        policy = program.head.oversight
        if policy is None or not isinstance(policy.value, dict):
            return
        yield from self._impact(program, policy)
        for keys, kind in values.entries(policy, "decision_types"):
            yield from self._reviewer(program, policy, keys, kind)
            yield from self._time(policy, keys, kind)
            yield from self._ways(policy, keys, kind)

    def _impact(self, program: Program, policy: Document) -> Iterator[Finding]:
        """Look for the decision that makes the programme a serious one.

        That each decision of high impact is reviewed before its effect is a matter of the schema.
        """
        because = _serious(program)
        if not because or not isinstance(policy.get("decision_types"), list):
            return
        kinds = [kind for _, kind in values.entries(policy, "decision_types")]
        if kinds and all(kind.get("impact") == "low" for kind in kinds):
            yield self.finding(
                policy.key_at("decision_types"),
                f"no decision is of high impact, although {because}",
            )

    def _reviewer(
        self, program: Program, policy: Document, keys: Keys, kind: dict[str, Any]
    ) -> Iterator[Finding]:
        role, people = kind.get("reviewer_role"), program.head.people.values()
        if kind.get("mode") == "none" or not isinstance(role, str) or program.head.program is None:
            return
        if not any(person.active and role in person.roles for person in people):
            yield self.finding(
                policy.at(*keys, "reviewer_role"),
                f"{_name(kind)} is reviewed by the {role}, and nobody active has that role",
            )

    def _time(self, policy: Document, keys: Keys, kind: dict[str, Any]) -> Iterator[Finding]:
        """Compare what is to be reviewed with what can be, as soon as both are known."""
        rate = values.number(kind.get("sample_rate")) if kind.get("mode") == "sample" else 1
        expected, possible = (
            values.number(policy.get(*keys, "workload", key))
            for key in ("decisions_per_week", "reviews_per_week")
        )
        if rate is None or expected is None or possible is None:
            return
        due = rate * expected
        if possible < due:
            yield self.finding(
                policy.at(*keys, "workload", "reviews_per_week"),
                f"{possible:g} reviews of {_name(kind)} are possible in a week, {due:g} are due",
            )

    def _ways(self, policy: Document, keys: Keys, kind: dict[str, Any]) -> Iterator[Finding]:
        for key in ("override", "appeal"):
            said = kind.get(key)
            plain = " ".join(values.text(said).strip(" .!-_*()").lower().split())
            if isinstance(said, str) and (plain in _NO_WAY or not any(map(str.isalpha, plain))):
                yield self.finding(
                    policy.at(*keys, key),
                    f"the {key} of {_name(kind)} is {values.shown(said)}, which is no way to"
                    " another outcome",
                )


def _serious(program: Program) -> str:
    """Return why an output is too serious to take effect unseen, "" if nothing says so."""
    declared = program.head.program
    if declared is not None and declared.get("risk", "person_impact") == "legal_or_similar":
        return "person_impact is legal_or_similar"
    return "the tier is high" if program.tier == "high" else ""


def _name(kind: dict[str, Any]) -> str:
    return values.text(kind.get("id")) or "a decision"
