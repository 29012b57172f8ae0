"""Evidence that was touched by hand contradicts itself, and the contradiction is named."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ai_program import digests, evidence, schemas

GROUPS = {
    "contracts": ["contracts/**"],
    "code": ["src/**", "pyproject.toml"],
}
MODEL_DIGEST = digests.of_bytes(b"model")
VERSION = evidence.version_name("gradient_boosting", MODEL_DIGEST)


def report(**changes: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "model": {
            "name": "demand_forecast",
            "version": VERSION,
            "candidate": "gradient_boosting",
            "digest": MODEL_DIGEST,
        },
        "champion": None,
        "bindings": {"data": digests.of_bytes(b"data")},
        "code": {"commit": "a" * 40, "dirty": False},
        "statistics": {"seed": 1, "resamples": 1000, "confidence": 0.95, "cluster": "day"},
        "gates": [
            {
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
            }
        ],
        "measurements": [
            {
                "metric": "mape",
                "slice": None,
                "compare_with": None,
                "value": 0.03,
                "low": 0.02,
                "high": 0.04,
                "n": 1000,
            }
        ],
    }
    return evidence.report(**(parts | changes))


def entry() -> dict[str, Any]:
    return evidence.registry_entry(
        model="demand_forecast",
        version=VERSION,
        candidate="gradient_boosting",
        artifact={"digest": MODEL_DIGEST, "size": 5, "format": "pickle"},
        training_data=[],
        features={"id": "hourly_demand", "version": "1.0.0"},
        code={"commit": "a" * 40, "digest": MODEL_DIGEST},
        seed=1,
        packages=["b==2", "a==1", "b==2"],
        command="nox -s pipeline",
        kpis=["KPI-mae"],
        owner="@ada",
        evaluation={"path": "evidence/evaluations/x.json", "digest": MODEL_DIGEST},
        golden=[],
    )


def release(sequence: int, previous: str | None, content: bytes = b"model") -> dict[str, Any]:
    artifact = digests.of_bytes(content)
    return evidence.release_statement(
        model="demand_forecast",
        version=evidence.version_name("ridge", artifact),
        artifact=artifact,
        predicate={"sequence": sequence, "previous": previous, "action": "promote"},
    )


def chain() -> tuple[list[tuple[str, dict[str, Any]]], dict[str, Any]]:
    first = release(1, None)
    second = release(2, first["predicate"]["digest"], b"another")
    return (
        [(evidence.release_path(1), first), (evidence.release_path(2), second)],
        evidence.active(2, second),
    )


def edited(value: dict[str, Any], *keys: Any, to: Any) -> dict[str, Any]:
    changed = copy.deepcopy(value)
    place: Any = changed
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    return changed


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("contracts/a.yaml", "contracts/**", True),
        ("contracts/old/a.yaml", "contracts/**", True),
        ("contracts.yaml", "contracts/**", False),
        ("other/contracts/a.yaml", "contracts/**", False),
        ("pyproject.toml", "pyproject.toml", True),
        ("tests/pyproject.toml", "pyproject.toml", False),
    ],
)
def test_patterns(path: str, pattern: str, expected: bool) -> None:
    assert evidence.matches(path, pattern) == expected


def test_a_binding_changes_with_any_file_of_its_group_and_no_other() -> None:
    files = {"contracts/a": b"1", "src/p/m.py": b"2", "pyproject.toml": b"3", "README.md": b"4"}
    before = evidence.bind(files.items(), GROUPS)
    assert evidence.bind(reversed(files.items()), GROUPS) == before
    for path, groups in {
        "contracts/a": {"contracts"},
        "src/p/m.py": {"code"},
        "pyproject.toml": {"code"},
        "README.md": set(),
        "src/new.py": {"code"},
    }.items():
        after = evidence.bind({**files, path: b"new"}.items(), GROUPS)
        assert {name for name in GROUPS if after[name] != before[name]} == groups


def test_a_report_as_written_is_true() -> None:
    assert list(evidence.report_problems(report())) == []
    assert report()["verdict"] == "pass"


def test_a_hidden_champion_leaves_its_gate_unjudged_and_nothing_passes() -> None:
    gates = [report()["gates"][0] | {"compare_with": "champion"}]
    assert report(gates=gates)["verdict"] == "error"


@pytest.mark.parametrize(
    ("keys", "to", "expected"),
    [
        (("verdict",), "fail", {"verdict", "digest"}),
        (("outcomes",), [], {"outcomes", "digest"}),
        (("outcomes", 0, "outcome"), "fail", {"outcomes", "digest"}),
        (("measurements", 0, "high"), 0.06, {"verdict", "outcomes", "digest"}),
        (("measurements", 0, "value"), float("nan"), {"verdict", "outcomes", "digest"}),
        (("gates", 0, "limit"), 0.03, {"verdict", "outcomes", "digest"}),
        (("gates",), None, {"verdict", "outcomes", "digest"}),
        (("model", "version"), "ridge-00000000", {"model", "digest"}),
        (("model", "digest"), digests.of_bytes(b"other"), {"model", "digest"}),
        (("bindings", "data"), digests.of_bytes(b"other"), {"digest"}),
        (("code", "dirty"), True, {"digest"}),
        (("note",), "approved by telephone", {"digest"}),
        (("verdict_scheme",), "mine/1", {"verdict_scheme"}),
    ],
)
def test_an_edited_report_is_contradicted(keys: Any, to: Any, expected: set[str]) -> None:
    problems = list(evidence.report_problems(edited(report(), *keys, to=to)))
    assert {where[0] for where, _ in problems} == expected


def test_sealing_again_does_not_help_against_arithmetic() -> None:
    forged = digests.sealed(edited(report(), "measurements", 0, "high", to=0.06))
    assert list(evidence.report_problems(forged)) == [
        (("verdict",), "it says pass, its numbers say inconclusive"),
        (("outcomes", 0), "GATE-mape: the numbers say inconclusive"),
    ]


@pytest.mark.parametrize(
    ("keys", "to", "expected"),
    [
        (("seed",), 2, {"digest"}),
        (("candidate",), "ridge", {"version", "digest"}),
        (("environment", "packages"), ["a==1"], {"environment", "digest"}),
        (("environment", "packages"), ["b==2", "a==1"], {"environment", "digest"}),
        (("environment", "packages"), None, {"environment", "digest"}),
    ],
)
def test_an_edited_registry_entry_is_contradicted(keys: Any, to: Any, expected: set[str]) -> None:
    assert list(evidence.registry_problems(entry())) == []
    problems = list(evidence.registry_problems(edited(entry(), *keys, to=to)))
    assert {where[0] for where, _ in problems} == expected


@pytest.mark.parametrize(
    ("keys", "to", "expected"),
    [
        (("subject", 0, "name"), "demand_forecast/other", {"predicate"}),
        (("predicate", "action"), "rollback", {"predicate"}),
        (("predicate", "digest"), None, {"predicate"}),
        (("predicate", "previous"), float("nan"), {"predicate"}),
        (("predicate",), None, {"predicate"}),
        (("predicateType",), "https://slsa.dev/provenance/v1", {"predicateType", "predicate"}),
        (("_type",), "https://in-toto.io/Statement/v0.1", {"_type", "predicate"}),
    ],
)
def test_an_edited_release_is_contradicted(keys: Any, to: Any, expected: set[str]) -> None:
    assert list(evidence.release_problems(release(1, None))) == []
    problems = list(evidence.release_problems(edited(release(1, None), *keys, to=to)))
    assert {where[0] for where, _ in problems} == expected


def test_a_release_says_what_it_put_in_force() -> None:
    artifact = digests.of_bytes(b"model")
    version = evidence.version_name("ridge", artifact)
    assert evidence.released(release(1, None)) == ("demand_forecast", version, artifact)


def test_the_chain_as_written_holds() -> None:
    statements, pointer = chain()
    assert list(evidence.chain_problems(statements, pointer)) == []
    assert list(evidence.chain_problems([], None)) == []


def test_a_broken_chain_is_found() -> None:
    statements, pointer = chain()
    (one, first), (two, second) = statements
    replaced = release(1, None, b"replaced")

    def where(*args: Any) -> list[tuple[str, Any]]:
        return [(path, keys) for path, keys, _ in evidence.chain_problems(*args)]

    assert where([(one, replaced), (two, second)], pointer) == [(two, ("predicate", "previous"))]
    assert (two, ()) not in where(statements, pointer)
    assert where([(two, second)], pointer)[0] == (two, ())
    assert where([(one, first)], pointer) == [
        (evidence.ACTIVE, (key,)) for key in ("sequence", "release", "digest", "version")
    ]
    assert where(statements, None) == [(evidence.ACTIVE, ())]
    assert where([], pointer) == [(evidence.ACTIVE, ("release",))]
    assert where(statements, pointer | {"version": "other"}) == [(evidence.ACTIVE, ("version",))]


def drill(**changes: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "fault": "bad_metric",
        "started_at": "2026-11-20T20:00:00Z",
        "finished_at": "2026-11-20T20:02:00Z",
        "served": {"version": VERSION, "digest": MODEL_DIGEST},
        "restored": None,
        "steps": [{"step": "roll back", "outcome": "passed"}],
        "breaker_tripped": True,
        "golden_match": None,
        "seconds_to_restore": 60.0,
        "limit_minutes": 1,
        "topology": digests.of_bytes(b"deploy"),
        "environment": digests.of_bytes(b"packages"),
    }
    return evidence.drill(**(parts | changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"breaker_tripped": False}, "the breaker did not trip"),
        ({"golden_match": False}, "other predictions came back than the golden ones"),
        ({"seconds_to_restore": None}, "no good answer came back"),
        ({"seconds_to_restore": 61}, "it took 61 s, 1 min are allowed"),
        ({"steps": [{"step": "trip", "outcome": "failed"}]}, "trip failed"),
    ],
)
def test_whether_a_drill_passed_follows_from_what_happened(changes: Any, why: str) -> None:
    assert drill()["outcome"] == "passed"
    failed = drill(**changes)
    assert failed["outcome"] == "failed"
    assert list(evidence.drill_problems(failed)) == []
    passed = digests.sealed({**failed, "outcome": "passed"})
    assert [text for _, text in evidence.drill_problems(passed)] == [
        f"it is called passed, and {why}"
    ]


def test_a_drill_says_which_versions_stood_in() -> None:
    assert drill()["stand_ins"] == []
    assert drill(stand_ins=["from"])["stand_ins"] == ["from"]


def test_the_record_of_a_drill_is_named_after_its_time_and_fault() -> None:
    record = drill()
    path = evidence.drill_path(record["started_at"], record["fault"])
    assert path == "evidence/drills/2026-11-20-200000-bad_metric.json"


def test_the_topology_changes_with_the_way_of_deploying_and_not_with_the_release() -> None:
    def topology(text: str) -> str:
        return evidence.topology([("deploy/serve.yaml", text.encode())], ["deploy/**"])

    one = topology(f"image: serve@{digests.of_bytes(b'1')}\nreplicas: 1\n")
    assert one == topology(f"image: serve@{digests.of_bytes(b'2')}\nreplicas: 1\n")
    assert one != topology(f"image: serve@{digests.of_bytes(b'1')}\nreplicas: 2\n")


def test_nothing_reviewed_has_no_rate() -> None:
    counts = {"decisions": 9, "queued": 3, "reviewed": 0, "overridden": 0, "blind": 0, "agreed": 0}
    period = ("2026-11-01", "2026-11-30")
    summary = evidence.review_summary(period=period, **counts, oldest_open_hours=3.5)
    assert summary["override_rate"] is None
    assert summary["bias_check"] == {"sample": 0, "agreement": None}
    assert digests.is_sealed(summary)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reviewed": 5}, "5 reviewed of 4 queued"),
        ({"override_rate": 0.1}, "1 of 3 is 0.333333"),
        ({"bias_check": {"sample": 0, "agreement": 1.0}},
         "there is an agreement if, and only if, there is a sample"),
        ({"bias_check": {"sample": 4, "agreement": 1.0}}, "4 sampled of 3 reviewed"),
        ({"period": {"from": "2026-11-30", "to": "2026-11-01"}}, "it is over before it begins"),
    ],
)  # fmt: skip
def test_a_summary_that_was_written_by_hand_does_not_add_up(changes: Any, why: str) -> None:
    counts = {"decisions": 9, "queued": 4, "reviewed": 3, "overridden": 1, "blind": 2, "agreed": 1}
    period = ("2026-11-01", "2026-11-30")
    summary = evidence.review_summary(period=period, **counts, oldest_open_hours=None)
    assert list(evidence.review_problems(summary)) == []
    changed = digests.sealed({**summary, **changes})
    assert why in [text for _, text in evidence.review_problems(changed)]


# Observations.


def observed(**changes):
    monitor = {
        "monitor": "MON-quality",
        "metric": "mape",
        "value": 0.09,
        "limit": 0.08,
        "direction": "lower",
        "n": 168,
        "window": "7d",
        "consecutive": 2,
        "required": 2,
        "outcome": "breached",
        "detail": "2 windows in a row",
    }
    return evidence.observation(
        day="2026-11-22",
        source="decisions",
        until="2026-11-22T06:00:00Z",
        release=None,
        monitors=[monitor | changes],
    )


def test_an_observation_has_the_form_of_its_schema():
    assert list(schemas.validate("observation", observed())) == []
    assert evidence.observation_path("2026-11-22") == "evidence/observations/2026-11-22.json"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"value": 0.07}, "0.07 does not break the limit of 0.08"),
        ({"value": None}, "None does not break the limit of 0.08"),
        ({"direction": "higher"}, "0.09 does not break the limit of 0.08"),
        ({"consecutive": 1}, "1 windows in a row, 2 make a breach"),
        ({"outcome": "within", "value": None}, "nothing was measured, so nothing is within"),
        # Drift that chance alone would give too.
        ({"outcome": "within"}, None),
        ({"outcome": "inconclusive", "value": None}, None),
    ],
)
def test_an_observation_says_what_it_measured(changes, why):
    found = [text for _, text in evidence.observation_problems(observed(**changes))]
    assert found == ([why] if why else [])


def test_an_observation_is_sealed():
    edited = {**observed(), "day": "2026-11-23"}
    found = [text for _, text in evidence.observation_problems(edited)]
    assert found == ["the digest is not that of the observation"]
