"""The verdict fails closed: a table of cases, and what must hold for all gates and measurements."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ai_program.verdict import judge

NAN = float("nan")
INF = float("inf")


def gate(**changes: Any) -> dict[str, Any]:
    return {
        "id": "GATE-mape",
        "metric": "mape",
        "compare_with": None,
        "slice": None,
        "direction": "lower",
        "limit": 0.05,
        "unit": "ratio",
        "judged_on": "bound",
        "min_rows": 100,
        "serves": "KPI-mape",
    } | changes


def measured(**changes: Any) -> dict[str, Any]:
    return {
        "metric": "mape",
        "slice": None,
        "compare_with": None,
        "value": 0.03,
        "low": 0.02,
        "high": 0.04,
        "n": 1000,
    } | changes


def without(item: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != key}


@pytest.mark.parametrize(
    ("gates", "measurements", "champion", "verdict"),
    [
        pytest.param([gate()], [measured()], False, "pass", id="interval below the limit"),
        pytest.param([gate()], [measured(high=0.05)], False, "pass", id="the limit is allowed"),
        pytest.param([gate()], [measured(high=0.06)], False, "inconclusive", id="straddles"),
        pytest.param([gate()], [measured(low=0.05, value=0.055, high=0.06)], False,
                     "inconclusive", id="touches the limit from the bad side"),
        pytest.param([gate()], [measured(low=0.06, value=0.07, high=0.08)], False, "fail",
                     id="interval above the limit"),
        pytest.param([gate(direction="higher", limit=0.25)],
                     [measured(low=0.3, value=0.4, high=0.5)], False, "pass", id="higher, above"),
        pytest.param([gate(direction="higher", limit=0.25)],
                     [measured(low=0.2, value=0.4, high=0.5)], False, "inconclusive",
                     id="higher, straddles"),
        pytest.param([gate(direction="higher", limit=0.25)],
                     [measured(low=0.1, value=0.15, high=0.2)], False, "fail", id="higher, below"),
        pytest.param([gate(judged_on="value")], [measured(high=0.9)], False, "pass",
                     id="on the value, its interval does not matter"),
        pytest.param([gate(judged_on="value")], [measured(low=None, high=None)], False, "pass",
                     id="on the value, no interval is needed"),
        pytest.param([gate(judged_on="value")], [measured(value=0.051)], False, "fail",
                     id="on the value, above"),
        pytest.param([gate(judged_on="value", limit=0)], [measured(value=0)], False, "pass",
                     id="zero allowed, zero found"),
        pytest.param([gate()], [], False, "fail", id="not measured"),
        pytest.param([gate()], [measured(slice="peak")], False, "fail", id="another slice"),
        pytest.param([gate()], [measured(compare_with="best_naive")], False, "fail",
                     id="another comparison"),
        pytest.param([gate()], [measured(), measured()], False, "fail", id="measured twice"),
        pytest.param([gate()], [measured(), measured(metric="mae")], False, "pass",
                     id="more was measured than is judged"),
        pytest.param([gate()], [measured(value=NAN)], False, "fail", id="NaN"),
        pytest.param([gate()], [measured(low=NAN)], False, "fail", id="NaN as a bound"),
        pytest.param([gate()], [measured(low=-INF)], False, "fail", id="endless interval"),
        pytest.param([gate(judged_on="value")], [measured(value=-INF)], False, "fail",
                     id="infinite on the good side"),
        pytest.param([gate()], [measured(value=True)], False, "fail", id="true is no number"),
        pytest.param([gate()], [measured(value="0.01")], False, "fail", id="text is no number"),
        pytest.param([gate()], [measured(value=-(10**400))], False, "fail", id="absurdly large"),
        pytest.param([gate()], [measured(low=0.04, high=0.02)], False, "fail", id="inverted"),
        pytest.param([gate()], [measured(value=0.045)], False, "fail",
                     id="the value lies outside its interval"),
        pytest.param([gate()], [measured(n=99)], False, "fail", id="too few rows"),
        pytest.param([gate()], [measured(n=True)], False, "fail", id="rows are not a flag"),
        pytest.param([gate()], [without(measured(), "n")], False, "fail", id="rows missing"),
        pytest.param([gate(limit=None)], [measured()], False, "fail", id="no limit"),
        pytest.param([gate(limit=NAN)], [measured()], False, "fail", id="limit NaN"),
        pytest.param([gate(limit=INF)], [measured()], False, "fail", id="limit without end"),
        pytest.param([without(gate(), "limit")], [measured()], False, "fail", id="limit missing"),
        pytest.param([gate(), gate(id="GATE-2", compare_with="champion")], [measured()], False,
                     "pass", id="no champion yet"),
        pytest.param([gate(), gate(id="GATE-2", compare_with="champion")], [measured()], True,
                     "fail", id="champion not compared with"),
        pytest.param([gate(compare_with="champion")], [], False, "error", id="nothing applied"),
        pytest.param([], [measured()], False, "error", id="no gates"),
        pytest.param(None, [], False, "error", id="gates are no list"),
        pytest.param([gate()], {"mape": 0.01}, False, "error", id="measurements are no list"),
        pytest.param([gate()], [None], False, "error", id="a measurement is no object"),
        pytest.param(["GATE-mape"], [measured()], False, "error", id="a gate is no object"),
        pytest.param([gate(), gate()], [measured()], False, "error", id="one id, two gates"),
        pytest.param([gate(id=None)], [measured()], False, "error", id="gate without an id"),
        pytest.param([gate(id=[])], [measured()], False, "error", id="id of another type"),
        pytest.param([gate(metric=None)], [measured(metric=None)], False, "error", id="no metric"),
        pytest.param([gate(direction="down")], [measured()], False, "error", id="direction"),
        pytest.param([gate(judged_on="luck")], [measured()], False, "error", id="basis"),
        pytest.param([gate(min_rows=0)], [measured()], False, "error", id="no rows needed"),
        pytest.param([gate(min_rows="1")], [measured()], False, "error", id="rows as text"),
        pytest.param([gate(), gate(id="GATE-2", slice="peak")],
                     [measured(high=0.06), measured(slice="peak", n=1)], False, "fail",
                     id="fail is worse than inconclusive"),
        pytest.param([gate(), gate(id="GATE-2", min_rows=0)], [], False, "error",
                     id="error is worse than fail"),
    ],
)  # fmt: skip
def test_verdict(gates: Any, measurements: Any, champion: bool, verdict: str) -> None:
    assert judge(gates, measurements, champion=champion).verdict == verdict


def test_every_gate_has_an_outcome_with_its_reason() -> None:
    gates = [
        gate(),
        gate(id="GATE-peak", slice="peak"),
        gate(id="GATE-champion", compare_with="champion"),
        gate(id="GATE-gain", metric="gain", direction="higher", limit=0.25),
    ]
    judgement = judge(
        gates,
        [measured(), measured(metric="gain", low=0.2, value=0.3, high=0.4)],
        champion=False,
    )
    assert judgement.outcomes == [
        {"gate": "GATE-mape", "outcome": "pass", "reason": "[0.02, 0.04] <= 0.05"},
        {"gate": "GATE-peak", "outcome": "fail", "reason": "it was not measured"},
        {
            "gate": "GATE-champion",
            "outcome": "not_applicable",
            "reason": "there is no champion yet",
        },
        {"gate": "GATE-gain", "outcome": "inconclusive", "reason": "[0.2, 0.4] straddles 0.25"},
    ]
    assert judgement.verdict == "fail"


# What must hold for every gate and every measurement.

numbers = st.floats(-1e6, 1e6)
bases = st.sampled_from(["bound", "value"])
directions = st.sampled_from(["higher", "lower"])


@st.composite
def intervals(draw: Any) -> dict[str, Any]:
    low, value, high = sorted((draw(numbers), draw(numbers), draw(numbers)))
    return measured(low=low, value=value, high=high)


def passes(a_gate: dict[str, Any], *measurements: dict[str, Any]) -> bool:
    return judge([a_gate], list(measurements), champion=False).verdict == "pass"


@given(intervals(), numbers, st.floats(0, 1e6), directions, bases)
def test_a_tighter_limit_never_lets_more_through(
    item: dict[str, Any], limit: float, step: float, direction: str, basis: str
) -> None:
    tighter = limit + (step if direction == "higher" else -step)
    if passes(gate(limit=tighter, direction=direction, judged_on=basis), item):
        assert passes(gate(limit=limit, direction=direction, judged_on=basis), item)


@given(intervals(), numbers, directions)
def test_the_bound_is_never_easier_than_the_value(
    item: dict[str, Any], limit: float, direction: str
) -> None:
    if passes(gate(limit=limit, direction=direction), item):
        assert passes(gate(limit=limit, direction=direction, judged_on="value"), item)


@given(intervals(), numbers, directions, st.integers(0, 10**6), st.integers(1, 10**6))
def test_more_rows_asked_for_never_lets_more_through(
    item: dict[str, Any], limit: float, direction: str, n: int, min_rows: int
) -> None:
    assume(n < min_rows)
    asked = gate(limit=limit, direction=direction, judged_on="value", min_rows=min_rows)
    assert not passes(asked, item | {"n": n})


@given(
    intervals(),
    numbers,
    directions,
    st.sampled_from(["value", "low", "high"]),
    st.sampled_from([NAN, INF, -INF, None, True, "0", [], {}]),
)
def test_what_is_not_a_number_never_passes(
    item: dict[str, Any], limit: float, direction: str, key: str, bad: object
) -> None:
    assert not passes(gate(limit=limit, direction=direction), item | {key: bad})


@given(intervals(), numbers, directions, bases)
def test_missing_or_doubled_never_passes(
    item: dict[str, Any], limit: float, direction: str, basis: str
) -> None:
    asked = gate(limit=limit, direction=direction, judged_on=basis)
    assert not passes(asked)
    assert not passes(asked, item, item)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from([*gate(), *measured()])


@given(st.dictionaries(keys, anything), st.dictionaries(keys, anything), st.booleans())
def test_no_input_makes_it_crash(
    gate_changes: dict[str, Any], measured_changes: dict[str, Any], champion: bool
) -> None:
    asked, item = gate() | gate_changes, measured() | measured_changes
    judgement = judge([asked], [item], champion=champion)
    assert judgement.verdict in {"pass", "fail", "inconclusive", "error"}
    assert len(judgement.outcomes) == 1


@given(st.lists(intervals(), min_size=1, max_size=5), st.lists(numbers, min_size=5, max_size=5))
def test_another_gate_never_makes_it_better(
    items: list[dict[str, Any]], limits: list[float]
) -> None:
    order = ["error", "fail", "inconclusive", "pass"]
    items = [item | {"slice": str(at)} for at, item in enumerate(items)]
    gates = [gate(id=str(at), slice=str(at), limit=limits[at]) for at in range(len(items))]
    verdicts = [
        order.index(judge(gates[:upto], items, champion=False).verdict)
        for upto in range(1, len(gates) + 1)
    ]
    assert verdicts == sorted(verdicts, reverse=True)
