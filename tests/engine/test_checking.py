"""Which rules run when, how severe they are, and that nothing broken passes."""

from __future__ import annotations

import pytest
from engine.toys import PROGRAM, TOYS

from ai_program.rules.base import Rule
from ai_program.snapshot import CannotDecide, Misuse


def found(result) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in result.findings]


@pytest.mark.parametrize(
    ("stage", "codes"),
    [
        ("commit", ["AIP902", "AIP901"]),
        ("push", ["AIP902", "AIP901", "AIP903"]),
        ("schedule", ["AIP904", "AIP902", "AIP901", "AIP903"]),
    ],
)
def test_a_stage_runs_its_rules_and_those_of_the_stages_before(governed, check, stage, codes):
    governed.add("secret", "x")
    governed.commit()
    assert [code for code, _ in found(check(governed, stage))] == codes


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        ("minimal", [("AIP901", "warning")]),
        ("limited", [("AIP902", "warning"), ("AIP901", "error")]),
        ("high", [("AIP902", "error"), ("AIP901", "error")]),
    ],
)
def test_the_tier_decides_the_severity(repo, check, tier, expected):
    repo.add("policies/program.yaml", PROGRAM.replace("limited", tier))
    repo.add("contracts/a.odcs.yaml", "id: a\nowner: TODO\n")
    result = check(repo)
    assert found(result) == expected
    assert result.errors == sum(severity == "error" for _, severity in expected)


def test_selected_rules_only(governed, check):
    assert found(check(governed, select=("AIP901",))) == [("AIP901", "error")]
    assert found(check(governed, select=("AIP904",))) == []
    with pytest.raises(Misuse, match="there is no rule AIP999"):
        check(governed, select=("AIP901", "AIP999"))


def test_findings_come_in_the_order_of_their_places(repo, check):
    repo.add("policies/program.yaml", PROGRAM)
    repo.add("contracts/b.odcs.yaml", "owner: TODO\nid: TODO\n")
    repo.add("contracts/a.odcs.yaml", "id: TODO\n")
    places = [(f.location.path, f.location.line, f.code) for f in check(repo).findings]
    assert places == [
        ("contracts/a.odcs.yaml", 1, "AIP901"),
        ("contracts/b.odcs.yaml", 1, "AIP902"),
        ("contracts/b.odcs.yaml", 1, "AIP901"),
        ("contracts/b.odcs.yaml", 2, "AIP901"),
    ]


def test_a_repository_without_a_programme_is_misuse(repo, check):
    repo.add("README.md", "# Hello\n")
    with pytest.raises(Misuse, match="nothing here is governed"):
        check(repo)


def test_deleting_the_programme_is_judged(governed, check):
    governed.git("rm", "-q", "-r", "policies")
    assert ("AIP901", "error") in found(check(governed))


def test_a_rule_that_breaks_is_not_a_pass(governed, check):
    class AIP901(Rule):
        def check(self, program):
            yield self.finding(program.head.contracts[0].at(), "something")
            raise ValueError("it\nbroke")

    with pytest.raises(CannotDecide, match="rule AIP901 broke: ValueError: it broke"):
        check(governed, find={**TOYS, "AIP901": AIP901}.__getitem__)


def test_a_rule_that_cannot_decide_says_so(governed, check):
    class AIP901(Rule):
        def check(self, program):
            raise CannotDecide("the clone is shallow")

    with pytest.raises(CannotDecide, match=r"^the clone is shallow$"):
        check(governed, find={**TOYS, "AIP901": AIP901}.__getitem__)


def test_a_rule_without_code_is_misuse(governed, check):
    with pytest.raises(Misuse, match="the catalogue has a rule without code"):
        check(governed, find={}.__getitem__)


def test_a_rule_lowers_its_severity_and_never_raises_it(governed, check):
    class AIP901(Rule):
        def check(self, program):
            at = program.head.contracts[0].at()
            yield self.finding(at, "a", severity="warning")

    class AIP902(Rule):
        def check(self, program):
            yield self.finding(program.head.contracts[0].at(), "b", severity="error")

    toys = {**TOYS, "AIP901": AIP901, "AIP902": AIP902}
    assert found(check(governed, find=toys.__getitem__)) == [
        ("AIP901", "warning"),
        ("AIP902", "warning"),
    ]


def test_the_remedy_is_the_catalogues_unless_the_rule_knows_better(governed, check):
    governed.add("secret", "x")
    governed.commit()
    remedies = {f.code: f.remedy for f in check(governed, "push").findings}
    assert remedies == {
        "AIP901": "write the value",
        "AIP902": "tell them",
        "AIP903": "remove it",
    }
