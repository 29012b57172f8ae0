"""What a release rests on can be followed to the source of its data, and a hole is seen."""

from __future__ import annotations

import json
import re

import cases
import evidence_fixture
import pytest

from ai_program import cli, tracing
from ai_program.git import Misuse
from ai_program.program import State

VERSION = "gradient-boosting-" + re.sub(
    r".*-", "", evidence_fixture._version(evidence_fixture.MODELS["first"])
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return cases.Store(tmp_path_factory.mktemp("objects") / "repository.git")


@pytest.fixture
def state(demand, store):
    """Return a function that returns the released example after some edits."""

    def state(life: str = "released", **edits: dict) -> State:
        files = cases.with_evidence(cases.read(demand), evidence_fixture.STATES[life])
        return State(store.state(cases.edited(files, edits), None))

    return state


def lines(found: tracing.Trace) -> list[str]:
    """Return the tree without the places."""
    return [re.sub(r"  \S+:\d+:\d+", "", line) for line in found.as_text().splitlines()]


def test_a_release_rests_on_model_data_features_report_and_decision(state):
    found = tracing.trace(state(), "active")
    told = lines(found)
    assert found.missing == []
    assert told[:5] == [
        "release 0001",
        f"  puts in force model {VERSION}",
        "    was trained on dataset electricity_demand",
        "      comes from source electricity",
        "    takes features hourly_demand",
    ]
    assert "  was decided in decision DEC-0001" in told
    assert "      asked gate GATE-mape" in told
    assert "  was made with features hourly_demand  (see above)" in told


def test_places_are_said(state):
    text = tracing.trace(state(), "dataset:electricity_demand").as_text()
    assert re.match(
        r"dataset electricity_demand  contracts/electricity_demand\.odcs\.yaml:\d+:5\n", text
    )


def test_a_kpi_rests_on_its_gates_and_models(state):
    told = lines(tracing.trace(state(), "KPI-mae"))
    assert told[0] == "KPI KPI-mae"
    assert any(line.startswith("  is guarded by gate ") for line in told)
    assert f"  is moved by model {VERSION}" in told
    assert not any("release" in line for line in told)


@pytest.mark.parametrize("name", ["1", "0001", "release:0001", "evidence/releases/0001.json"])
def test_a_release_has_several_names(state, name):
    assert tracing.trace(state(), name).root.key == "release:0001"


def test_a_feature_names_its_fields(state):
    view = state().features[0]
    feature = view.get("features", 0)
    told = lines(tracing.trace(state(), f"{view.get('id')}.{feature['name']}"))
    assert told[1] == (f"  is made of {', '.join(feature['inputs'])} of dataset electricity_demand")


CONTRACT = "contracts/electricity_demand.odcs.yaml"


@pytest.mark.parametrize(
    ("edit", "missing"),
    [
        ({"delete": True}, {"electricity_demand@1.0.0": "nothing here has this name"}),
        (
            {"replace": "\nversion: 1.0.0\n", "with": "\nversion: 2.0.0\n"},
            {"electricity_demand@1.0.0": f"{CONTRACT} has version 2.0.0"},
        ),
    ],
)
def test_a_hole_is_shown(state, edit, missing):
    found = tracing.trace(state(**{CONTRACT: edit}), "active")
    holes = {node.name: node.missing for node in found.missing}
    assert missing.items() <= holes.items()
    name, reason = next(iter(missing.items()))
    assert f"was trained on dataset {name}  MISSING: {reason}\n" in found.as_text()
    assert f'"dataset {name} is missing"]' in found.as_mermaid()


def test_json_and_mermaid_tell_the_same(state):
    found = tracing.trace(state(), "active")
    told = json.loads(found.as_json())
    assert (told["version"], told["root"]) == (1, "release:0001")
    assert {"from": "release:0001", "how": "was decided in", "to": "decision:DEC-0001"} in (
        told["edges"]
    )
    keys = [node["key"] for node in told["nodes"]]
    assert len(keys) == len(set(keys))
    assert {end for edge in told["edges"] for end in (edge["from"], edge["to"])} == set(keys)
    chart = found.as_mermaid().splitlines()
    assert chart[:2] == ["flowchart TD", '  n0["release 0001"]']
    assert len(chart) == 1 + len(told["nodes"]) + len(told["edges"])


def test_a_label_cannot_leave_its_quotes():
    assert tracing._label('a"]\n  click n0 "x"') == "a#34;#93;   click n0 #34;x#34;"


@pytest.mark.parametrize(
    ("life", "name", "message"),
    [
        ("scaffolded", "active", "no release is in force"),
        ("released", "nowhere", "nothing here is called nowhere; there are release:0001, model:"),
        ("released", "", "nothing here is called"),
    ],
)
def test_what_cannot_be_traced_is_wrong_use(state, life, name, message):
    with pytest.raises(Misuse, match=re.escape(message)):
        tracing.trace(state(life), name)


def test_the_same_name_twice_has_to_be_told_apart(state):
    found = state(**{"features/hourly_demand.yaml": {
        "replace": "id: hourly_demand\n", "with": "id: electricity_demand\n"
    }})  # fmt: skip
    with pytest.raises(Misuse, match="say features:electricity_demand or dataset:electricity"):
        tracing.trace(found, "electricity_demand")
    assert tracing.trace(found, "dataset:electricity_demand").root.kind == "dataset"


@pytest.mark.parametrize("value", ["7", "[1]", "{a: [b]}", "null", "[[]]"])
@pytest.mark.parametrize("part", ["serves", "source", "features"])
def test_odd_types_never_break_it(state, part, value):
    text = f"id: hourly_demand\nversion: 1\n{part}: {value}\n"
    found = state(**{"features/hourly_demand.yaml": {"write": text}})
    assert tracing.trace(found, "features:hourly_demand").as_text()
    assert tracing.trace(found, "KPI-mae").as_json()


def test_the_command(demand, monkeypatch, capsys):
    monkeypatch.chdir(demand)
    assert cli.run(["trace", "electricity_demand"]) == 0
    assert capsys.readouterr().out.startswith("dataset electricity_demand  contracts/")
    assert cli.run(["trace", "electricity_demand", "--format", "mermaid"]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD\n")
    for wrong in (["trace"], ["trace", "--format", "json"], ["trace", "a", "b"], ["trace", "zzz"]):
        assert cli.run(wrong) == 2
        captured = capsys.readouterr()
        assert (captured.out, captured.err.count("\n")) == ("", 1)
