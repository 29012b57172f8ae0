"""The verdict: whether a model with these measurements passes these gates.

The evaluation harness calls `judge` to write a report, and the hook calls it again to see whether
the report tells the truth. A report embeds its gates and names `SCHEME`, so that an old report can
be judged by the rules of its time: a change of meaning here needs a new scheme name.

It fails closed. What is missing, doubled, not finite, measured on too few rows or contradictory
does not pass, whatever the limit says.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

SCHEME = "ai-program/verdict/1"

PASS = "pass"  # noqa: S105 - an outcome, not a secret
FAIL = "fail"
INCONCLUSIVE = "inconclusive"
NOT_APPLICABLE = "not_applicable"
ERROR = "error"


class Judgement:
    """The verdict, and for each gate in its order an outcome with its reason."""

    __slots__ = ("outcomes", "verdict")

    def __init__(self, outcomes: list[dict[str, str]], verdict: str) -> None:
        self.outcomes = outcomes
        self.verdict = verdict

    def __repr__(self) -> str:
        return f"Judgement({self.verdict}, {self.outcomes})"


def judge(
    gates: Sequence[Mapping[str, Any]],
    measurements: Sequence[Mapping[str, Any]],
    *,
    champion: bool,
) -> Judgement:
    """Judge measurements against gates; ``champion`` says whether there was one to compare with.

    The verdict is the worst of what was found: ``error`` (the gates or measurements are malformed,
    or no gate applied, so nothing was judged), ``fail``, ``inconclusive`` (an interval straddles
    its limit: more data or an exception is needed), ``pass``.
    """
    if not _are_objects(gates) or not _are_objects(measurements):
        return Judgement([], ERROR)
    outcomes: list[dict[str, str]] = []
    seen: list[object] = []
    for gate in gates:
        outcome, reason = _outcome(gate, measurements, champion=champion)
        if gate.get("id") in seen:
            outcome, reason = ERROR, "two gates have this id"
        seen.append(gate.get("id"))
        outcomes.append({"gate": str(gate.get("id")), "outcome": outcome, "reason": reason})
    found = [each["outcome"] for each in outcomes]
    for worst in (ERROR, FAIL, INCONCLUSIVE, PASS):
        if worst in found:
            return Judgement(outcomes, worst)
    return Judgement(outcomes, ERROR)


def _outcome(
    gate: Mapping[str, Any], measurements: Sequence[Mapping[str, Any]], *, champion: bool
) -> tuple[str, str]:
    """Return the outcome of one gate and the reason for it."""
    direction = gate.get("direction")
    basis = gate.get("judged_on")
    min_rows = gate.get("min_rows")
    if not all(isinstance(gate.get(key), str) and gate[key] for key in ("id", "metric")):
        return ERROR, "the gate lacks an id or a metric"
    if direction not in ("higher", "lower"):
        return ERROR, "direction is neither higher nor lower"
    if basis not in ("bound", "value"):
        return ERROR, "judged_on is neither bound nor value"
    if type(min_rows) is not int or min_rows < 1:
        return ERROR, "min_rows is not a number of rows"

    if gate.get("compare_with") == "champion" and not champion:
        return NOT_APPLICABLE, "there is no champion yet"
    limit = _number(gate.get("limit"))
    if limit is None:
        return FAIL, "the gate has no limit"

    measured = [each for each in measurements if _subject(each) == _subject(gate)]
    if len(measured) != 1:
        return FAIL, "it was measured twice" if measured else "it was not measured"
    value, low, high = (_number(measured[0].get(key)) for key in ("value", "low", "high"))
    rows = measured[0].get("n")
    if value is None:
        return FAIL, "its value is not a finite number"
    if type(rows) is not int or rows < min_rows:
        return FAIL, f"it was measured on too few rows, needs {min_rows}"
    if basis == "value":
        return _side(direction, value, value, limit)
    if low is None or high is None:
        return FAIL, "its interval is not finite"
    if not low <= value <= high:
        return FAIL, "its interval does not hold its value"
    return _side(direction, low, high, limit)


def _side(direction: str, low: float, high: float, limit: float) -> tuple[str, str]:
    """Say on which side of the limit the interval lies; the limit itself is on the good side."""
    shown = f"{low:.6g}" if low == high else f"[{low:.6g}, {high:.6g}]"
    if direction == "lower":
        passes, fails, relation = high <= limit, low > limit, "<="
    else:
        passes, fails, relation = low >= limit, high < limit, ">="
    if passes:
        return PASS, f"{shown} {relation} {limit:.6g}"
    if fails:
        return FAIL, f"{shown} is not {relation} {limit:.6g}"
    return INCONCLUSIVE, f"{shown} straddles {limit:.6g}"


def _subject(item: Mapping[str, Any]) -> tuple[object, object, object]:
    """Return what a gate judges and a measurement measures."""
    return item.get("metric"), item.get("slice"), item.get("compare_with")


def _number(value: Any) -> float | None:  # noqa: ANN401 - whatever the JSON held
    """Return a finite number; None for NaN, infinities, booleans, absurd sizes and other types."""
    return value if type(value) in (int, float) and -1e300 < value < 1e300 else None


def _are_objects(items: object) -> bool:
    return isinstance(items, (list, tuple)) and all(isinstance(item, dict) for item in items)
