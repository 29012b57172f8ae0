"""The programme as a graph: documents by kind, people, ids, decisions, tiers."""

from __future__ import annotations

import pytest
from engine.toys import PROGRAM

from ai_program.program import PLACES, Baseline
from ai_program.snapshot import matcher

DECISION = """\
---
schema_version: 1
id: DEC-0002
status: {status}
authorises:
  - {{change: "policies/evaluation.yaml#gates[GATE-mape].limit", to: 0.06}}
  - {{change: "policies/evaluation.yaml#gates[GATE-old]", to: null}}
  - {{change: "policies/security.yaml#requirements.secret_scanning", to: true}}
---
# Loosen
"""


def test_documents_by_kind(governed):
    governed.add("decisions/0002-loosen.md", DECISION.format(status="accepted"))
    governed.add("decisions/README.md", "# Not a decision\n")
    governed.add("evidence/releases/0010.json", '{"predicate": {"sequence": 10}}')
    governed.add("evidence/releases/0009.json", '{"predicate": {"sequence": 11}}')
    governed.add("evidence/releases/active.json", '{"sequence": 11}')
    governed.add("contracts/broken.odcs.yaml", "a: [\n")
    head = governed.program().head
    assert head.program.path == "policies/program.yaml"
    assert head.data is None
    assert [doc.path for doc in head.contracts] == ["contracts/a.odcs.yaml"]
    assert head.tree.problem("contracts/broken.odcs.yaml").line == 2
    assert [doc.path for doc in head.decisions] == ["decisions/0002-loosen.md"]
    assert [doc.get("predicate", "sequence") for doc in head.releases] == [10, 11]
    assert head.active.get("sequence") == 11


def test_every_place_is_a_kind_of_the_layout():
    kinds = Baseline().layout["kinds"]
    for pattern in PLACES.values():
        sample = pattern.replace("[0-9]*", "0001-x").replace("*", "x")
        assert any(matcher(path)(sample) for kind in kinds for path in kind["paths"]), pattern


def test_people(governed):
    head = governed.program().head
    assert head.person("@ada").roles == ("accountable_owner",)
    assert head.person("GRACE@example.org").handle == "@grace"
    assert head.person("@nobody") is None
    assert head.person(None) is None
    assert [p.handle for p in head.people.values() if p.active] == ["@ada", "@grace"]
    ada = head.people["@ada"]
    assert ada.doc.at("people", ada.index, "handle").line == 8


@pytest.mark.parametrize(
    "text",
    [
        "",
        "people: 3\n",
        "people: [1, {}, {handle: 1}]\n",
        "[]\n",
        "risk: high\n",
        "objectives: {}\n",
    ],
)
def test_a_policy_of_another_shape_breaks_nothing(repo, text):
    repo.add("policies/program.yaml", text)
    program = repo.program()
    assert program.head.people == {}
    assert program.head.ids() == {}
    assert program.tier == "high"


def test_ids(governed):
    governed.add("policies/evaluation.yaml", "gates: [{id: GATE-a}, {id: GATE-b}]\n")
    governed.add("policies/monitoring.yaml", "monitors: [{id: MON-drift}]\n")
    governed.add("governance/risk-register.yaml", "risks: [{id: RISK-drift}]\n")
    governed.add("decisions/0002-loosen.md", DECISION.format(status="accepted"))
    ids = governed.program().head.ids()
    assert set(ids) == {
        "OBJ-1", "KPI-mae", "GATE-a", "GATE-b", "MON-drift", "RISK-drift", "DEC-0002",
    }  # fmt: skip
    doc, keys = ids["KPI-mae"]
    assert doc.get(*keys) == "KPI-mae"
    assert doc.at(*keys).line == 6


@pytest.mark.parametrize(
    ("pointer", "value", "found"),
    [
        ("policies/evaluation.yaml#gates[GATE-mape].limit", 0.06, True),
        ("policies/evaluation.yaml#gates[GATE-mape].limit", 0.07, False),
        ("policies/evaluation.yaml#gates[GATE-old]", None, True),
        ("policies/evaluation.yaml#gates[GATE-new]", None, False),
        ("policies/security.yaml#requirements.secret_scanning", True, True),
        ("policies/security.yaml#requirements.secret_scanning", 1, False),
    ],
)
def test_a_decision_authorises_one_change_to_one_value(governed, pointer, value, found):
    governed.add("decisions/0002-loosen.md", DECISION.format(status="accepted"))
    head = governed.program().head
    assert (head.authorising(pointer, value) is not None) is found


@pytest.mark.parametrize("status", ["proposed", "rejected", "superseded"])
def test_only_an_accepted_decision_authorises(governed, status):
    governed.add("decisions/0002-loosen.md", DECISION.format(status=status))
    head = governed.program().head
    assert head.authorising("policies/evaluation.yaml#gates[GATE-mape].limit", 0.06) is None


@pytest.mark.parametrize(
    ("base", "head", "tier"),
    [
        ("limited", "minimal", "limited"),
        ("minimal", "high", "high"),
        ("minimal", "minimal", "minimal"),
        ("minimal", "unheard-of", "minimal"),
        ("unheard-of", "unheard-of", "high"),
    ],
)
def test_the_tier_is_the_higher_one(repo, base, head, tier):
    repo.add("policies/program.yaml", PROGRAM.replace("limited", base))
    repo.commit()
    repo.add("policies/program.yaml", PROGRAM.replace("limited", head))
    assert repo.program().tier == tier


def test_a_use_case_is_a_name_and_not_a_path():
    assert Baseline().use_case("../tiers") is None
    assert Baseline().use_case("no_such_case") is None
