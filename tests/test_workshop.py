"""The workshop: what is refused, what follows from answers, and what is made from the questions."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import EPOCH, ROOT, USE_CASES
from hypothesis import given
from hypothesis import strategies as st

from ai_program import answers as written
from ai_program import naming, questionnaire, risk, workshop
from ai_program.examination import RefusedError

HERE = Path(__file__).parent / "workshop"
REFUSED = yaml.safe_load((HERE / "refused.yaml").read_text(encoding="utf-8"))
NAIVE = {"metric": "mae_improvement", "compare_with": "best_naive", "direction": "higher",
         "limit": 0.25, "unit": "ratio"}  # fmt: skip
CHAMPION = {"metric": "mae_change", "compare_with": "champion", "direction": "lower",
            "limit": 0.02, "unit": "ratio"}  # fmt: skip
MAPE = {"metric": "mape", "direction": "lower", "limit": 0.05, "unit": "ratio"}
KPI = {"name": "Mean absolute error", "unit": "kW", "direction": "decrease",
       "baseline": 95.9, "target": 70}  # fmt: skip


@pytest.fixture(autouse=True)
def _fixed_day(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)


def limited_to(limit):
    return {"naive": NAIVE, "champion": CHAMPION, "mape": {**MAPE, "limit": limit}}


def problems(**answers):
    return [str(problem) for problem in workshop.examine(answers).problems]


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_refused(case):
    assert problems(**case["answers"]) == case["problems"]
    with pytest.raises(RefusedError):
        workshop.resolve(case["answers"])


def test_one_case_has_one_name():
    names = [case["name"] for case in REFUSED]
    assert len(names) == len(set(names))


def test_every_problem_is_in_one_message():
    found = workshop.examine(
        {case: answer for case in REFUSED for case, answer in case["answers"].items()}
    )
    assert len(found.problems) > 20
    with pytest.raises(RefusedError) as refused:
        workshop.resolve(found.given)
    assert all(str(problem) in str(refused.value) for problem in found.problems)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"guardrails": limited_to(float("nan"))},
         "guardrails.mape.limit: nan is not finite; right: a number"),
        ({"guardrails": limited_to(float("-inf"))},
         "guardrails.mape.limit: -inf is not finite; right: a number"),
        ({"objective": "x" * 20_000},
         "objective: has 20000 characters; right: at most 12000 characters"),
        ({"banned_features": [f"a{number}" for number in range(1001)]},
         "banned_features: has more than 1000 values; right: a shorter answer"),
        ({"key_results": {f"k{number}": KPI for number in range(51)}},
         "key_results: has 51 entries; right: at most 50 entries"),
        ({"rollback_minutes": 10**5000},
         "rollback_minutes: is a number with too many digits; right: a number"),
        ({"guardrails": '{"a": NaN}'},
         "guardrails: '{\"a\": NaN}' is not JSON; right: a JSON object: {\"name\": {…}}"),
        ({"guardrails": "[" * 100_000},
         "guardrails: has 100000 characters; right: at most 12000 characters"),
        ({"guardrails": "[" * 5_000},
         f"guardrails: '{'[' * 56}… is not JSON; right: a JSON object: {{\"name\": {{…}}}}"),
        ({"objective": b"bytes"},
         "objective: is a bytes; right: text, a number, a list or a map"),
    ],
)  # fmt: skip
def test_refused_beyond_what_a_file_can_say(answers, expected):
    assert problems(**answers) == [expected]


def test_an_answer_that_contains_itself_ends():
    loop: dict = {}
    loop["again"] = loop
    assert problems(guardrails=loop) == [
        "guardrails: has more than 1000 values; right: a shorter answer"
    ]


@pytest.mark.parametrize("question", workshop.questions())
@pytest.mark.parametrize(
    "value", ["{{ 7 * 7 }}", "{% raw %}", "{# note #}", "a\nb", "\x1b[31m", "\u202e"]
)
def test_no_question_takes_what_a_renderer_could_run_or_hide(question, value):
    carried = [
        p.carried for p in workshop.examine({question: value}).problems if p.question == question
    ]
    assert carried == [False]


@given(st.dictionaries(
    st.sampled_from(list(workshop.questions())) | st.text(max_size=8),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
                 lambda inner: st.lists(inner, max_size=3)
                 | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8),
    max_size=6,
))  # fmt: skip
def test_whatever_is_answered_is_resolved_or_refused(answers):
    outcome = workshop.examine(answers)
    if not outcome.problems:
        workshop.resolve(answers)


# Grammar ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "handle", "email"),
    [
        ("@ada", "@ada", ""),
        ("ada@example.org", "", "ada@example.org"),
        ("@ada ada@example.org", "@ada", "ada@example.org"),
        ("ada@example.org  @ada", "@ada", "ada@example.org"),
        (" @org/team ", "@org/team", ""),
        ("first.last+tag@sub.example.org", "", "first.last+tag@sub.example.org"),
        ("ada@localhost", "", "ada@localhost"),
    ],
)
def test_a_person_is_a_handle_an_address_or_both(answer, handle, email):
    person = written.person(answer)
    assert (person.handle, person.email) == (handle, email)


@pytest.mark.parametrize(
    ("answer", "expected"), [("30", 30), (30, 30), (" 30 ", 30), ("0.05", 0.05), ("1e-3", 0.001),
                             ("-2.50", -2.5), (70.0, 70), ("70.0", 70)],
)  # fmt: skip
def test_a_number_is_read_from_text_as_from_yaml(answer, expected):
    assert written.number(answer) == expected
    assert isinstance(written.number(answer), type(expected))


@pytest.mark.parametrize(
    "answer",
    ["1,000", "1_000", "0x10", "010", "+1", "1.", ".5", "٣", "", "1 2", "1e9999", "9" * 50,
     True, None, [1], "nan", "Infinity", float("nan")],
)  # fmt: skip
def test_what_only_looks_like_a_number_is_refused(answer):
    with pytest.raises(written.WrongAnswerError):
        written.number(answer)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Demand Forecasting", "demand-forecasting"),
        ("Prévision de la demande", "prevision-de-la-demande"),
        ("Größe & Fläche", "grosse-flache"),
        ("R&D: what's next?", "r-d-what-s-next"),
        ("\u0130stanbul I\u015f\u0131k", "istanbul-isik"),
    ],
)
def test_the_directory_follows_from_the_name(name, slug):
    assert naming.slug_of(name) == slug


@given(st.text(max_size=60))
def test_a_directory_has_no_parts_and_a_package_can_be_imported(name):
    try:
        slug = naming.slug_of(name)
    except written.WrongAnswerError:
        return
    assert slug.replace("-", "_").isidentifier()
    assert slug.isascii()
    assert slug == slug.lower()


# What follows from the answers --------------------------------------------------------------------


@pytest.mark.parametrize("use_case", USE_CASES)
def test_a_workshop_without_answers_gives_a_draft(use_case):
    facts = workshop.resolve({"use_case": use_case})
    assert facts["status"] == "draft"
    assert facts["draft_reasons"] == [
        "the banned practices of Art. 5(1) are not screened yet",
        (
            "nobody real is named as "
            "sponsor, accountable owner, data owner, validator, operations owner"
        ),
    ]
    assert facts["tier"] == workshop.profile(use_case)["tier"]
    assert workshop.SUGGESTED not in json.dumps(facts["answers"])


@pytest.mark.parametrize("example", ["demand-forecast", "high-risk"])
def test_the_examples_are_complete(example):
    path = ROOT / "examples" / f"{example}.workshop.yaml"
    facts = workshop.resolve(yaml.safe_load(path.read_text(encoding="utf-8"))["default_context"])
    assert facts["status"] == "committed"
    assert facts["draft_reasons"] == []
    addresses = [email for person in facts["people"] for email in person["emails"]]
    assert addresses
    assert all(address.endswith("@example.org") for address in addresses)


@pytest.mark.parametrize("answer", ["not_screened", "unsure"])
def test_an_open_screening_keeps_the_programme_a_draft(answer):
    facts = workshop.resolve({"prohibited_screen": answer})
    assert facts["status"] == "draft"
    assert facts["prohibited"] == {
        "status": answer, "screened_by": None, "screened_on": None, "answers": []}  # fmt: skip


def test_a_screening_without_result_is_ten_signed_answers():
    facts = workshop.resolve({"prohibited_screen": "none", "validator": "@grace"})
    assert facts["prohibited"]["screened_by"] == "@grace"
    assert facts["prohibited"]["screened_on"] == "2026-11-16"
    assert [a["article"] for a in facts["prohibited"]["answers"]] == [
        f"5(1)({letter})" for letter in ("a", "b", "ba", "bb", "c", "d", "e", "f", "g", "h")
    ]
    assert not any(answer["applies"] for answer in facts["prohibited"]["answers"])


def test_maps_that_are_answered_replace_the_whole_set():
    facts = workshop.resolve({"key_results": {"cost": {**KPI, "name": "Cost"}}})
    assert [kpi["id"] for kpi in facts["kpis"]] == ["KPI-cost"]
    assert facts["features"]["serves"] == ["KPI-cost"]
    assert {gate["serves"] for gate in facts["gates"]} == {"OBJ-1"}
    assert next(m for m in facts["monitors"] if m["kind"] == "kpi")["subject"] == "KPI-cost"
    cited = [reference for item in facts["backlog"] for reference in item["serves"]]
    assert "KPI-mae" not in cited


def test_maps_at_the_command_line_are_json():
    from_text = workshop.resolve({"key_results": json.dumps({"cost": KPI})})
    from_yaml = workshop.resolve(
        {"key_results": {"cost": {**KPI, "baseline": "95.9", "target": "70"}}}
    )
    assert from_text["kpis"] == from_yaml["kpis"]


def test_what_is_left_out_of_a_key_result_follows_from_the_workshop():
    kpi = workshop.resolve({"key_results": {"cost": KPI}, "accountable_owner": "@ada"})["kpis"][0]
    assert (kpi["due"], kpi["owner"], kpi["source"]) == ("2027-03-31", "@ada", "evidence/kpis")


def test_a_person_in_several_roles_is_declared_once():
    facts = workshop.resolve({
        "sponsor": "@ada", "accountable_owner": "@Ada ada@example.org",
        "operations_owner": "ada@example.org",
    })  # fmt: skip
    person = next(p for p in facts["people"] if "sponsor" in p["roles"])
    assert person["emails"] == ["ada@example.org"]
    assert set(person["roles"]) == {
        "sponsor",
        "accountable_owner",
        "operations_owner",
        "incident_lead",
    }
    assert {facts["handles"][role] for role in person["roles"]} == {"@ada"}


def test_an_owner_outside_of_the_workshop_is_declared_too():
    facts = workshop.resolve(
        {"data_sources": {"crm": {"owner": "@eve", "description": "Customers"}}}
    )
    assert {"handle": "@eve", "emails": [], "roles": ["data_owner"], "active": True} in facts[
        "people"
    ]


def test_a_source_without_contract_is_owed_and_the_sample_s_stays():
    sources = workshop.resolve(
        {"data_sources": {"crm": {"owner": "data_owner", "description": "Customers"}}}
    )["sources"]
    assert [(s["id"], s["status"], s["contract"]) for s in sources] == [
        ("crm", "open", None),
        ("electricity", "done", "contracts/electricity_demand.odcs.yaml"),
    ]


def test_a_wildcard_is_every_role_except_for_writing_to_production():
    facts = workshop.resolve({"access_roles": {"electricity_demand": {
        "development": {"read": "*", "write": ["*"]},
        "production": {"read": ["*"], "write": ["data_owner"]}}}})  # fmt: skip
    assert [entry["read"] for entry in facts["access"]] == [list(workshop.ROLES)] * 2
    assert facts["access"][1]["write"] == ["data_owner"]


def test_special_categories_are_recorded_with_their_safeguards():
    facts = workshop.resolve({
        "domain_expert": "@wanda", "lawful_basis": "consent",
        "data_sources": {"hr": {
            "owner": "data_owner", "description": "Sick days", "personal_data": "special",
            "use": "fairness_evaluation",
            "safeguards": {letter: f"Kept by {letter}" for letter in "abcdef"}}},
    })  # fmt: skip
    assert (facts["personal_data"], facts["tier"]) == ("special", "high")
    assert [s["id"] for s in facts["safeguards"]] == [f"4a(1)({letter})" for letter in "abcdef"]


@pytest.mark.parametrize(
    ("answers", "tier"),
    [
        ({}, "minimal"),
        ({"person_impact": "indirect"}, "limited"),
        ({"vulnerable_groups": "yes"}, "limited"),
        ({"interacts_or_generates": True}, "limited"),
        ({"autonomy": "auto_irreversible"}, "limited"),
        ({"person_impact": "legal_or_similar", "domain_expert": "@wanda"}, "high"),
        ({"annex_area": "employment", "domain_expert": "@wanda"}, "high"),
        ({"annex_area": "product", "domain_expert": "@wanda"}, "high"),
    ],
)
def test_the_suggested_tier_is_the_floor_of_the_answers(answers, tier):
    facts = workshop.resolve(answers)
    assert (facts["tier"], facts["floor"]["tier"]) == (tier, tier)
    assert facts["security"]["authenticated_serving"] == (tier != "minimal")


def test_a_stricter_tier_than_the_floor_can_be_taken():
    facts = workshop.resolve({"risk_tier": "high", "domain_expert": "@wanda"})
    assert (facts["tier"], facts["floor"]["tier"]) == ("high", "minimal")
    assert facts["release"]["approvals"]["required"] == 2
    assert facts["answers"]["human_review_mode"] == "before_effect"


def test_people_affected_are_treated_equally_by_a_measure():
    facts = workshop.resolve({"person_impact": "indirect"})
    assert facts["evaluation"]["fairness"] == {
        "metric": "error_ratio", "limit": 2, "attributes": ["shift"],
        "min_rows": 100}  # fmt: skip


def test_dates_follow_from_the_answers_and_not_from_the_clock(monkeypatch):
    answers = {"workshop_date": "2026-01-05", "first_sprint": "2026-01-12/2w"}
    before = workshop.resolve(answers)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "4102444800")
    after = workshop.resolve(answers)
    assert before == after
    assert before["sprint"] == {
        "id": "sprint-01", "start": "2026-01-12", "end": "2026-01-25", "weeks": 2, "team": "core",
        "owner": "@your-accountable-owner"}  # fmt: skip
    assert before["dates"]["quarter_end"] == "2026-06-30"


@pytest.mark.parametrize("use_case", USE_CASES)
def test_what_workshop_yaml_holds_resolves_to_the_same_answers(use_case):
    facts = workshop.resolve({"use_case": use_case, "risk_tier": "high", "domain_expert": "@wanda"})
    again = workshop.resolve(facts["given"])
    assert again["answers"] == facts["answers"]
    assert again["given"] == facts["given"]


def test_answered_maps_stay_answers_in_workshop_yaml():
    answers = {"key_results": {"cost": {**KPI, "owner": "validator"}},
               "guardrails": {"naive": NAIVE, "champion": CHAMPION}}  # fmt: skip
    facts = workshop.resolve(answers)
    assert facts["given"]["key_results"] == answers["key_results"]
    assert facts["given"]["guardrails"] == answers["guardrails"]
    assert facts["given"]["access_roles"] == {}
    assert workshop.resolve(facts["given"])["answers"] == facts["answers"]


# The baseline's data ------------------------------------------------------------------------------


def test_the_tiers_rise():
    tiers = workshop.load("tiers.yaml")
    for floor in tiers["floors"]:
        values = floor.get("at_least") or floor.get("at_most")
        if values:
            rising = [values[tier] for tier in tiers["order"]]
            assert rising == sorted(rising, reverse="at_most" in floor), floor["id"]
    required = [risk.required_security(tier) for tier in tiers["order"]]
    assert required[0] == ["secret_scanning"]
    assert set(required[0]) < set(required[1]) < set(required[2]) == set(workshop.SECURITY)


def test_what_implies_a_tier_is_an_answer_that_can_be_given():
    for rule in workshop.load("tiers.yaml")["implied_by"]:
        question = workshop.questions()[rule["question"]]
        allowed = set(question.get("choices", {True: "", False: ""}))
        assert set(rule["answers"]) <= allowed


@pytest.mark.parametrize("use_case", USE_CASES)
def test_a_profile_names_only_what_it_has(use_case):
    profile = workshop.profile(use_case)
    fields = {field["name"] for field in profile["dataset"]["fields"]}
    assert profile["use_case"] == use_case
    assert profile["dataset"]["source"] in profile["answers"]["data_sources"]
    assert (
        profile["features"]["source"]
        == f"{profile['dataset']['id']}@{profile['dataset']['version']}"
    )
    assert {name for f in profile["features"]["features"] for name in f["inputs"]} <= fields
    assert {check["field"] for check in profile["dataset"]["quality"]} <= fields
    critical = {field["name"] for field in profile["dataset"]["fields"] if field["critical"]}
    assert critical <= {check["field"] for check in profile["dataset"]["quality"]}
    monitors = {monitor["id"] for monitor in profile["monitors"]}
    assert set(profile["breaker"]["trips_on"]) <= monitors
    assert {m["kind"] for m in profile["monitors"]} == {
        "data_drift", "latency", "errors", "prediction_quality", "kpi"}  # fmt: skip
    assert {r["kind"] for r in profile["risks"]} >= {
        "drift", "schema_change", "degradation", "confounder", "feedback_loop"}  # fmt: skip
    roles = [entry["role"] for key in ("monitors", "risks", "backlog") for entry in profile[key]]
    assert set(roles) <= set(workshop.PERSON_ROLES)


def test_the_sample_is_the_one_that_the_profile_describes():
    import gzip
    import hashlib

    sample = workshop.profile("demand_forecasting")["dataset"]["sample"]
    data = (ROOT / "{{cookiecutter.project_slug}}" / sample["path"]).read_bytes()
    assert sample["digest"] == "sha256:" + hashlib.sha256(data).hexdigest()
    assert sample["rows"] == gzip.decompress(data).count(b"\n") - 1


# What is made from the questions ------------------------------------------------------------------


def test_there_are_33_questions_in_240_minutes():
    assert len(workshop.questions()) == 33
    assert sum(section["minutes"] for section in workshop.load("workshop.yaml")["sections"]) == 240


def test_every_question_is_complete():
    sections = {section["id"] for section in workshop.load("workshop.yaml")["sections"]}
    for key, question in workshop.questions().items():
        assert question["section"] in sections, key
        assert all(
            question[field] for field in ("question", "help", "type", "must_hold", "lands_in")
        )
        assert "[" not in question["question"], "the prompt would take it for markup"


@pytest.mark.parametrize("path", questionnaire.made(ROOT), ids=lambda path: path.name)
def test_what_is_made_from_the_questions_is_up_to_date(path):
    expected = questionnaire.made(ROOT)[path]
    assert path.read_text(encoding="utf-8") == expected, "python -m ai_program.workshop --write"


def test_cookiecutter_json_asks_every_question_and_nothing_else():
    variables = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    asked = [key for key in variables if not key.startswith("_")]
    assert asked == list(workshop.questions())
    assert set(variables) - set(asked) == questionnaire.PRIVATE_KEYS
    assert variables["__prompts__"].keys() == workshop.questions().keys()
    order = list(variables)
    assert order.index(questionnaire.GUARD) < order.index(asked[0])
    assert order.index(questionnaire.CHECKED) > order.index(asked[-1])


@pytest.mark.parametrize("use_case", USE_CASES)
def test_the_schema_accepts_what_generation_writes(use_case):
    schema = questionnaire.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    written_form = {
        "default_context": workshop.resolve({"use_case": use_case})["given"],
        "ai_program": {"schema_version": 1, "sprint": "sprint-01"},
    }
    jsonschema.validate(written_form, schema)


def test_the_schema_refuses_what_is_no_answer():
    answers = workshop.resolve({})["given"]
    for wrong in (
        {"use_case": "weather"},
        {"unknown": 1},
        {"rollback_minutes": 0},
        {"key_results": {"mae": {**KPI, "colour": "red"}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(
                {
                    "default_context": {**answers, **wrong},
                    "ai_program": {"schema_version": 1, "sprint": "sprint-01"},
                },
                questionnaire.schema(),
            )


def test_the_page_describes_every_question_and_use_case():
    page = questionnaire.page()
    assert all(f"`{key}`." in page for key in workshop.questions())
    assert all(f"| `{use_case}` |" in page for use_case in USE_CASES)
