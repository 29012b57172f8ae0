"""Every rule is held by its cases, and nothing of a rule is missing."""

from __future__ import annotations

import copy
import importlib
import json
import shutil
from pathlib import Path

import cases
import pytest
from conftest import VARIANTS, config_file, environment, git, run_cookiecutter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_program import documents, paths, rules
from ai_program.program import Baseline
from ai_program.snapshot import matcher as rules_matcher

BASELINE = Baseline()
CATALOGUE = BASELINE.rules
FILES = sorted(cases.RULES.glob("*.yaml"))
CASES = [
    pytest.param(path.stem, kind, case, id=f"{path.stem}-{kind}-{case['name'].replace(' ', '_')}")
    for path in FILES
    for kind, case in cases.load(path)
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return cases.Store(tmp_path_factory.mktemp("objects") / "repository.git")


@pytest.fixture(scope="module")
def published(template, identified_home, tmp_path_factory):
    """Return the template as colleagues can fetch it: its commit is on its origin."""
    place = tmp_path_factory.mktemp("published") / "ai-program"
    shutil.copytree(template, place)  # with its compiled modules
    env = environment(identified_home)
    git(place, "remote", "add", "origin", "https://github.com/ai-program/ai-program", env=env)
    git(place, "update-ref", "refs/remotes/origin/main", "HEAD", env=env)
    return place


@pytest.fixture(scope="module")
def generated(published, identified_home, tmp_path_factory):
    """Return a function that returns the files of a variant, generated once."""
    made: dict[str, cases.Files] = {}

    def files(variant: str) -> cases.Files:
        if variant not in made:
            directory = tmp_path_factory.mktemp(variant)
            answers = VARIANTS[variant]
            config = answers if isinstance(answers, Path) else config_file(directory, answers)
            baked = run_cookiecutter(
                published, directory / "out", "--no-input", "--config-file", str(config),
                env=environment(identified_home),
            )  # fmt: skip
            made[variant] = cases.read(baked.path)
        return made[variant]

    return files


@pytest.mark.parametrize(("code", "kind", "case"), CASES)
def test_case(code, kind, case, generated, store):
    files = generated(case.get("variant", "demand"))
    result = cases.judge(case, files, store, BASELINE)
    expected = case.get("expect", [])
    found = cases.told(result, code)
    for want, got in zip(expected, found, strict=False):
        if want["line"] and want["line"] in got["line"]:
            got["line"] = want["line"]
    assert found == expected
    others = {finding.code for finding in result.findings} - {code}
    assert others == set(case.get("also", [])), [
        (finding.code, finding.location, finding.message)
        for finding in result.findings
        if finding.code in others
    ]


def test_without_a_pipeline_gates_are_taken_up_by_items(generated, store):
    """No use case of this baseline is without a pipeline; one of an organisation's own may be."""
    own = Baseline()
    own.use_case("other")["pipeline"] = False
    edit = {"sprints/sprint-01/backlog.yaml": {"pattern": "GATE-golden", "with": "GATE-invariants"}}
    for baseline, expected in ((own, ["GATE-golden"]), (BASELINE, [])):
        result = cases.judge({"edit": edit}, generated("other"), store, baseline)
        found = [each.message.split()[-1] for each in result.findings if each.code == "AIP602"]
        assert found == expected


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_rule_has_its_code_and_its_cases(code):
    assert rules.find(code).code == code
    assert CATALOGUE[code].family == rules.FAMILIES[code[3]]
    kinds = [kind for kind, _ in cases.load(cases.RULES / f"{code}.yaml")]
    assert "valid" in kinds
    assert "invalid" in kinds


def test_every_class_is_in_the_catalogue():
    for name in {*rules.FAMILIES.values(), *rules.ELSEWHERE.values()}:
        module = importlib.import_module(f"ai_program.rules.{name}")
        codes = {code for code in vars(module) if code.startswith("AIP")}
        assert codes == {
            code
            for code, rule in CATALOGUE.items()
            if rules.ELSEWHERE.get(code, rule.family) == name
        }


def test_every_case_file_belongs_to_a_rule():
    assert {path.stem for path in FILES} <= set(CATALOGUE)


def test_the_catalogue_is_sorted_and_complete():
    assert list(CATALOGUE) == sorted(CATALOGUE)
    for rule in CATALOGUE.values():
        assert set(rule.severity) == set(BASELINE.tiers["order"])
        assert set(rule.severity.values()) <= {"error", "warning", "off"}
        assert set(rule.when) <= {"commit", "push", "schedule"}
        for text in (rule.title, rule.why, rule.do):
            assert text.strip() == text
            assert text
        assert not rule.title.endswith(".")
        assert rule.why.endswith(".")
        assert not rule.do.endswith(".")


def test_every_mapped_control_exists():
    known = BASELINE.controls["controls"]
    for rule in CATALOGUE.values():
        assert set(rule.controls) == set(known), rule.code
        for framework, cited in rule.controls.items():
            assert set(cited) <= set(known[framework]), (rule.code, framework)


def test_every_control_says_what_it_is_and_since_when():
    controls = BASELINE.controls
    assert set(controls["controls"]) == set(controls["frameworks"])
    assert len(controls["controls"]["nist_ai_rmf_1_0"]) == 72
    assert len(controls["controls"]["iso_42001"]) == 38
    for framework in controls["controls"].values():
        for control in framework.values():
            assert set(control) == {"version", "applies_from", "as_of"}


def test_nothing_claims_compliance():
    """The product says "maps to": whether somebody complies is not a program's to say."""
    for name in ("rules.yaml", "controls.yaml"):
        text = Path(paths.root(), name).read_text(encoding="utf-8").lower()
        assert "compliant" not in text
        assert "comply" not in text
        assert "complies" not in text


# --- hostile values ------------------------------------------------------------------------------

JUNK = [
    None, True, False, 0, -1, 1e300, "", " ", "2026-02-30", "@nobody", "KPI-mae", "\u202e",
    "x" * 500, [], [None], [[]], [{}], [{"id": "x"}, {"id": "x"}], {}, {"id": None}, {"": []},
]  # fmt: skip


def places(value: object, keys: tuple = ()) -> list[tuple]:
    """Return the keys of every place of a value."""
    found = [keys]
    if isinstance(value, dict):
        parts = list(value.items())
    else:
        parts = list(enumerate(value)) if isinstance(value, list) else []
    for key, part in parts:
        found += places(part, (*keys, key))
    return found


def spoiled(path: str, data: bytes, choose, junk) -> bytes:
    """Return a governed document with one place replaced, renamed or dropped."""
    document = documents.parse(data, path)
    value = copy.deepcopy(document.value)
    keys = choose(places(value))
    if not keys:
        value = junk
    else:
        around = value
        for key in keys[:-1]:
            around = around[key]
        if junk == "" and isinstance(around, dict):
            del around[keys[-1]]
        else:
            around[keys[-1]] = junk
    text = json.dumps(value)  # JSON is YAML
    return (f"---\n{text}\n---\n{document.body}" if path.endswith(".md") else text).encode()


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_hostile_values_never_break_a_rule(generated, store, data):
    variant = data.draw(st.sampled_from(["demand", "high"]))
    steps = [{"drill": "fallback"}, {"review": "2026-11-21"}, {"validate": "first"}]
    released = cases.evidence_fixture.STATES["released"]
    files = cases.with_evidence(generated(variant), [*released, *steps])
    kinds = BASELINE.layout["kinds"]
    patterns = [rules_matcher(pattern) for kind in kinds for pattern in kind["paths"]]
    governed = [path for path in sorted(files) if any(match(path) for match in patterns)]
    edits = {}
    chosen = st.lists(st.sampled_from(governed), min_size=1, max_size=2, unique=True)
    for path in data.draw(chosen):
        junk = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
        text = spoiled(path, files[path][1], lambda p: data.draw(st.sampled_from(p)), junk)
        edits[path] = {"write": text.decode()}
    stage = data.draw(st.sampled_from(["commit", "push", "schedule"]))
    swap = data.draw(st.booleans())  # the hostile state may also be the base
    case = {"stage": stage, "base" if swap else "edit": edits, "state": "released"}
    cases.judge(case, generated(variant), store, BASELINE)  # CannotDecide: a rule broke
