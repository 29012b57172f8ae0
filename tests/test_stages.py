"""A repository of every use case and tier is green in every stage of life that it begins with."""

from __future__ import annotations

import cases
import pytest
import yaml
from conftest import EXAMPLES, USE_CASES, config_file, environment, run_cookiecutter

from ai_program.program import TIERS, Baseline

pytestmark = pytest.mark.slow

BASELINE = Baseline()
# What the high-risk example says about people and the law; the use case says the rest.
ANSWERS = yaml.safe_load((EXAMPLES / "high-risk.workshop.yaml").read_text())["default_context"]
GIVEN = (
    "program_name", "sponsor", "accountable_owner", "data_owner", "validator", "operations_owner",
    "domain_expert", "legal_context", "prohibited_screen",
)  # fmt: skip
# No tier is below what the use case's own answers imply.
COMBINATIONS = [
    (use_case, tier)
    for use_case in USE_CASES
    for tier in TIERS
    if (use_case, tier) != ("personalization", "minimal")
]


@pytest.mark.parametrize(("use_case", "tier"), COMBINATIONS)
def test_green_from_the_first_commit_to_the_first_release(
    use_case, tier, template, identified_home, tmp_path
):
    answers = {key: ANSWERS[key] for key in GIVEN} | {"use_case": use_case, "risk_tier": tier}
    if tier == "high":
        answers["human_review_mode"] = "before_effect"
    words = ["--no-input", "--config-file", str(config_file(tmp_path, answers))]
    env = environment(identified_home)
    baked = run_cookiecutter(template, tmp_path / "out", *words, env=env)
    assert baked.returncode == 0, baked.output
    files = cases.read(baked.path)
    store = cases.Store(tmp_path / "objects.git")
    for state in ("scaffolded", "evaluated", "released"):
        result = cases.judge({"state": state}, files, store, BASELINE)
        found = [(finding.code, finding.location, finding.message) for finding in result.findings]
        # The template of a test is on no server, which a commit only warns of.
        assert [each for each in found if each[0] != "AIP701"] == [], state
