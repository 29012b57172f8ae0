"""The workshop: its questions, what they may be answered, and the programme that follows.

The questions are data (``policies/workshop.yaml``). The same code examines the answers before a
repository is generated and whenever its ``workshop.yaml`` changes, so it needs nothing but the
standard library and PyYAML, which is all that cookiecutter's own environment has.

``resolve(answers)`` returns the facts of the programme as plain dicts, lists, text and numbers.
Templates get them with ``{% set p = cookiecutter | programme %}`` and write values with the filters
``yaml`` (one safe line of YAML) and ``md`` (escaped Markdown):

    p.name, p.slug, p.package       "Demand Forecasting", "demand-forecasting", "demand_forecasting"
    p.use_case, p.use_case_title    "demand_forecasting", "Demand forecasting"
    p.has_pipeline                  whether the use case comes with a pipeline (else: open items)
    p.status, p.draft_reasons       "draft" or "committed", and why it is a draft
    p.problem_statement, p.workshop_date, p.legal_context
    p.answers                       every answer, resolved: nothing is "suggested" any more
    p.given                         the answers as they are written in workshop.yaml

    p.objective                     {id: "OBJ-1", statement}
    p.kpis                          [{id, name, unit, direction, baseline, target, due, owner, source}]
    p.people                        [{handle, emails, roles, active}]; handle is an e-mail address for
                                    somebody who was named by that alone (CODEOWNERS takes both)
    p.handles                       role -> handle: sponsor, accountable_owner, data_owner, validator,
                                    operations_owner, incident_lead, domain_expert ("" if nobody)

    p.tier, p.floor                 "minimal"; {tier, reasons: [{question, answer, tier, why}]}
    p.risk                          {tier, annex_area, person_impact, vulnerable_groups, autonomy,
                                    interacts_or_generates, affects_people, high_impact}
    p.prohibited                    {status, screened_by, screened_on, answers: [{article, practice,
                                    applies}]}; the last three are null, null, [] in a draft

    p.personal_data, p.lawful_basis, p.purposes, p.banned_features
    p.safeguards                    [] or the six of Art. 4a(1): [{id, safeguard, how}]
    p.retention                     {max_days, decision_log_days, deletion_path}
    p.access                        [{dataset, environment, read, write}]
    p.sources                       [{id, owner, description, personal_data, use, contract, status,
                                    due, note}]; contract is null and status open where it is owed
    p.security                      {secret_scanning, authenticated_serving, encryption_in_transit,
                                    encryption_at_rest, network_isolation, signed_releases}

    p.dataset                       the contract: {id, version, title, domain, purpose, limitations,
                                    usage, granularity, source, sample, time, fields, quality,
                                    freshness, status, ...} as in the profile of the use case;
                                    sample is null where there is no pipeline
    p.features                      the feature view: {id, version, owner, entity, source, transform,
                                    serves, status, features: [{name, description, dtype, inputs,
                                    classification, personal_data, nulls, range}]}
    p.model                         {name, title, task, target, output, candidates, users,
                                    intended_use, out_of_scope, limitations}
    p.evaluation                    {model, data, statistics, baselines, fairness, explainability,
                                    golden} as in policies/evaluation.yaml
    p.gates, p.slices               as in policies/evaluation.yaml (slices also have a title)
    p.release                       {approvals, rollback, store, canary, evidence_max_age_days}
    p.monitors, p.breaker           as in policies/monitoring.yaml
    p.decision_types                as in policies/oversight.yaml
    p.transparency                  {required, status, owner, due, note}
    p.risks                         as in the risk register, with owner instead of role
    p.backlog                       [{id, title, serves: [..], owner, done_when}]

    p.sprint                        {id: "sprint-01", start, end, weeks, team}
    p.dates                         due dates of what people still owe, from the workshop and the
                                    sprint, never from a clock: readiness, raci, risk_review,
                                    impact_assessment, model_card, contracts, transparency, drill,
                                    sprint_review, checkpoint, audit, consent, pipeline, quarter_end
    p.cadence                       {exception_max_days, drill_max_days, audit_max_days,
                                    checkpoint_max_days} of the tier
    p.template, p.engine            {source, commit, version, dirty, local},
                                    {source, rev, version}
"""

from __future__ import annotations

import datetime
import os
from functools import lru_cache

import yaml

from ai_program import answers as written
from ai_program import paths
from ai_program.answers import Person, WrongAnswerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SUGGESTED = "suggested"
PERSON_ROLES = ("sponsor", "accountable_owner", "data_owner", "validator", "operations_owner",
                "domain_expert")
ROLES = (*PERSON_ROLES, "incident_lead", "developer")
ENVIRONMENTS = ("development", "test", "staging", "production")
SECURITY = ("secret_scanning", "authenticated_serving", "encryption_in_transit",
            "encryption_at_rest", "network_isolation", "signed_releases")
PERSONAL_DATA = ("none", "indirect", "direct", "special")
REVIEW_BEFORE = ("before_effect", "before_execution")


class Problem:
    """One answer that can't be used: which, what is wrong, what would be right."""

    __slots__ = ("carried", "question", "right", "wrong")

    def __init__(self, question: str, wrong: str, right: str, *, carried: bool = True) -> None:
        self.question = question
        self.wrong = wrong
        self.right = right
        self.carried = carried

    def __str__(self) -> str:
        return f"{self.question}: {self.wrong}; right: {self.right}"

    __repr__ = __str__


class RefusedError(Exception):
    """The answers of a workshop can't be used; ``problems`` holds every reason."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Examination:
    """The outcome of examining answers: each one that could be read, and every problem."""

    __slots__ = ("answers", "floor", "given", "people", "problems", "profile")

    def __init__(self, given: Mapping[str, Any], profile: dict[str, Any]) -> None:
        self.given = given
        self.profile = profile
        self.answers: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.people: dict[str, Person] = {}
        self.floor: dict[str, Any] = {"tier": "minimal", "reasons": []}

    def refuse(self, question: str, wrong: str, right: str) -> None:
        """Note a problem with an answer."""
        self.problems.append(Problem(question, wrong, right))


# The baseline's data ------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def load(name: str) -> dict[str, Any]:
    """Return one YAML file of the baseline's policies; callers don't change it."""
    with open(f"{paths.root()}/{name}", "rb") as file:  # noqa: PTH123 - also on the hook's path
        value: dict[str, Any] = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return value


@lru_cache(maxsize=1)
def questions() -> dict[str, dict[str, Any]]:
    """Return the questions by id, in the order of the workshop."""
    return {question["id"]: question for question in load("workshop.yaml")["questions"]}


def profile(use_case: str) -> dict[str, Any]:
    """Return what a use case brings along."""
    return load(f"use_cases/{use_case}.yaml")


def required_security(tier: str) -> list[str]:
    """Return the security requirements that a tier does not let anybody switch off."""
    prefix = "policies/security.yaml#requirements."
    return [
        floor["pointer"].removeprefix(prefix)
        for floor in load("tiers.yaml")["floors"]
        if floor["pointer"].startswith(prefix) and floor["equals"].get(tier)
    ]


# Defaults -----------------------------------------------------------------------------------------


def today() -> str:
    """Return today in UTC: the default of the workshop's date, fixed once it is answered."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = (
        datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
        if epoch and epoch.isdigit()
        else datetime.datetime.now(datetime.UTC)
    )
    return moment.date().isoformat()


def default_of(question_id: str, answers: Mapping[str, Any]) -> Any:
    """Return the default of a question, given the answers before it."""
    question = questions()[question_id]
    default = question["default"]
    if default == "use_case":
        use_case = answers.get("use_case")
        chosen = profile(use_case if use_case in questions()["use_case"]["choices"] else "other")
        if question["type"] == "map":
            return {}
        if question_id == "banned_features":
            return ", ".join([*load("tiers.yaml")["protected_traits"],
                              *chosen["answers"]["banned_features"]])
        return chosen["answers"][question_id]
    if default == "today":
        return today()
    if default == "next_monday":
        try:
            held = datetime.date.fromisoformat(written.date(answers.get("workshop_date")))
        except WrongAnswerError:
            held = datetime.date.fromisoformat(today())
        return f"{(held + datetime.timedelta(7 - held.weekday())).isoformat()}/4w"
    return default


# Examination --------------------------------------------------------------------------------------


def examine(given: Mapping[str, Any]) -> Examination:
    """Read every answer and hold it against the others; a missing answer takes its default.

    Nothing is raised: the outcome holds what could be read, and all that is wrong.
    """
    unsafe = _unsafe(given)
    use_case = given.get("use_case", questions()["use_case"]["default"])
    known = isinstance(use_case, str) and use_case in questions()["use_case"]["choices"]
    outcome = Examination(given, profile(use_case if known else "other"))
    outcome.problems.extend(unsafe)
    refused = {problem.question for problem in unsafe}
    _read_simple(outcome, refused)
    _judge_people(outcome)
    _read_maps(outcome, refused)
    _suggest(outcome)
    _judge_risk(outcome)
    _judge_data(outcome)
    order = list(questions())
    outcome.problems.sort(key=lambda p: _place(order, p.question))
    outcome.answers = {key: outcome.answers[key] for key in order if key in outcome.answers}
    return outcome


def resolve(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of the programme that follow from the answers (see the module's text).

    Raises:
        RefusedError: with every reason why these answers can't be used.

    """
    from ai_program import facts

    outcome = examine(given)
    if outcome.problems:
        raise RefusedError(outcome.problems)
    return facts.derive(outcome)


def _place(order: list[str], pointer: str) -> int:
    question = pointer.split(".")[0]
    return order.index(question) if question in order else -1


def _unsafe(given: Mapping[str, Any]) -> list[Problem]:
    """Find questions that don't exist, and what must not reach any renderer."""
    found = []
    for key, value in given.items():
        if key not in questions():
            found.append(_unknown(key))
            continue
        try:
            written.clean(value)
        except WrongAnswerError as error:
            found.append(Problem(key, error.wrong, error.right, carried=False))
    return found


def _unknown(key: object) -> Problem:
    import difflib

    near = difflib.get_close_matches(str(key), list(questions()), 1)
    right = f"did you mean {near[0]}?" if near else "leave it out; the questions are in docs/workshop.md"
    return Problem(written.shown(key).strip("'"), "is not a question of the workshop", right, carried=False)


def _read_simple(outcome: Examination, refused: set[str]) -> None:
    """Read every answer that is not a map; keep the suggested ones for later."""
    before = dict(outcome.given)
    before.setdefault("use_case", questions()["use_case"]["default"])
    for key, question in questions().items():
        if question["type"] == "map" or key in refused:
            continue
        value = outcome.given.get(key)
        if key not in outcome.given:
            value = default_of(key, before)
        before[key] = value
        try:
            outcome.answers[key] = _read(question, value, outcome)
        except WrongAnswerError as error:
            outcome.problems.append(
                Problem(key, error.wrong, error.right, carried=error.carried)
            )


def _read(question: dict[str, Any], value: Any, outcome: Examination) -> Any:
    """Read one simple answer by the grammar of its type."""
    kind = question["type"]
    if kind == "text":
        minimum = {"program_name": 3, "problem_statement": 40}.get(question["id"], 1)
        value = written.text(value, minimum=minimum, maximum=question["max_length"])
        if question["id"] == "program_name":
            slug_of(value)
        return value
    if kind == "choice":
        return written.choice(value, question["choices"])
    if kind == "boolean":
        return written.boolean(value)
    if kind == "number":
        return written.number(value, minimum=question["minimum"], maximum=question["maximum"],
                              integer=True)
    if kind == "date":
        return written.date(value)
    if kind == "sprint":
        return written.sprint(value)
    if kind == "list":
        return written.names(value)
    if kind == "limit":
        return value if value == SUGGESTED else written.limit(value, question["metrics"])
    if question.get("optional") and (value is None or (isinstance(value, str) and not value.strip())):
        return ""
    person = written.person(value)
    outcome.people[question["id"]] = person
    return str(person)


# Names --------------------------------------------------------------------------------------------

# Letters that no decomposition turns into ASCII.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l",
                          "þ": "th", "ı": "i"})
# A directory or package of this name would hide something that the repository needs.
_TAKEN = frozenset({
    "ai-program", "build", "con", "aux", "nul", "prn", "contracts", "data", "decisions", "deploy",
    "dist", "docs", "evidence", "features", "governance", "models", "monitoring", "policies",
    "runbooks", "sprints", "src", "test", "tests", "cookiecutter", "duckdb", "ibis", "joblib",
    "mlflow", "nox", "noxfile", "numpy", "pandas", "pytest", "scipy", "sklearn", "yaml",
})  # fmt: skip


def slug_of(program_name: str) -> str:
    """Return the name of the directory, from which the package's follows.

    Raises:
        WrongAnswerError: the name gives none, or one that is taken.

    """
    import keyword
    import re
    import sys
    import unicodedata

    if re.search(r"[/\\]|\.\.", program_name):
        raise WrongAnswerError(f"{written.shown(program_name)} contains parts of a path",
                               "a name without /, \\ and ..", carried=False)
    plain = unicodedata.normalize("NFKD", program_name.casefold().translate(_LETTERS))
    ascii_only = plain.encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")
    package = slug.replace("-", "_")
    if len(slug) < 3 or not slug[0].isalpha():
        raise WrongAnswerError(f"{written.shown(program_name)} gives no name for a directory",
                               "a name that begins with a Latin letter, with at least 3 letters or digits")
    if slug in _TAKEN or keyword.iskeyword(package) or package in sys.stdlib_module_names:
        raise WrongAnswerError(f"{written.shown(program_name)} gives the package {package}, which is taken",
                               f"a name of its own: {program_name} Programme")
    return slug


# People -------------------------------------------------------------------------------------------


def _judge_people(outcome: Examination) -> None:
    owner, validator = outcome.people.get("accountable_owner"), outcome.people.get("validator")
    if owner and validator and owner.same_as(validator):
        outcome.refuse("validator", f"{validator.id} is also the accountable owner",
                       "somebody else: who answers for the outcome does not validate it")
    seen: dict[str, Person] = {}
    for role, person in outcome.people.items():
        address = person.email.casefold()
        first = seen.setdefault(address, person) if address else person
        if first.handle and person.handle and first.handle.casefold() != person.handle.casefold():
            outcome.refuse(role, f"{person.email} belongs to {first.handle} and to {person.handle}",
                           "one handle per person, so that duties can be told apart")


def _owner(outcome: Examination, value: Any, *, anybody: bool) -> str:
    """Read who owns an entry: a role of section B, or a person."""
    if isinstance(value, str) and value in PERSON_ROLES:
        if value in outcome.people:
            return outcome.people[value].id
        if value in outcome.answers or value in outcome.given:
            raise WrongAnswerError(f"nobody is the {value}", "a role that is filled, or a person")
        return value
    person = written.person(value)
    for known in outcome.people.values():
        if known.same_as(person):
            return known.id
    if not anybody:
        raise WrongAnswerError(f"{person.id} is not among the people of the workshop",
                               "one of them, or their role: " + ", ".join(PERSON_ROLES))
    outcome.people[f"owner:{person.id.casefold()}"] = person
    return person.id


# Maps ---------------------------------------------------------------------------------------------


def _read_maps(outcome: Examination, refused: set[str]) -> None:
    """Read the structured answers; an empty one takes the use case's own set."""
    readers = {
        "key_results": _key_result, "data_sources": _data_source, "access_roles": _access,
        "security_requirements": None, "guardrails": _guardrail,
    }
    for key, reader in readers.items():
        if key in refused:
            continue
        try:
            value = written.entries(outcome.given.get(key) or {})
        except WrongAnswerError as error:
            outcome.problems.append(Problem(key, error.wrong, error.right, carried=error.carried))
            continue
        own = not value
        if own:
            value = outcome.profile["answers"].get(key, {})
        if reader is None:
            _read_security(outcome, value)
            continue
        result = {}
        for entry, body in value.items():
            found = len(outcome.problems)
            fields = reader(outcome, f"{key}.{entry}", entry, body)
            if len(outcome.problems) == found:
                result[entry] = fields
        outcome.answers[key] = result
        if key == "guardrails":
            _judge_guardrails(outcome, result)
    _connect(outcome)


class _Fields:
    """Reads the fields of one entry and notes each problem at its own place."""

    def __init__(self, outcome: Examination, at: str, body: Any, question: str) -> None:
        self.outcome = outcome
        self.at = at
        form = questions()[question]
        self.body: dict[str, Any] = body if isinstance(body, dict) else {}
        if not isinstance(body, dict):
            outcome.refuse(at, f"{written.shown(body)} is not a map",
                           "{" + ", ".join(f"{field}: …" for field in form["required"]) + "}")
            return
        for field in body:
            if field not in form["entry"]:
                outcome.refuse(f"{at}.{field}", "is not a field of this entry",
                               "one of " + ", ".join(form["entry"]))
        for field in form["required"]:
            if field not in body:
                outcome.refuse(f"{at}.{field}", "is missing", f"{form['entry'][field]}")

    def read(self, field: str, reader: Any, default: Any = None) -> Any:
        """Read a field, or note what is wrong with it."""
        value = self.body.get(field)
        if value is None:
            return default
        try:
            return reader(value)
        except WrongAnswerError as error:
            self.outcome.refuse(f"{self.at}.{field}", error.wrong, error.right)
            return default


def one_of(*allowed: str) -> Any:
    """Return a reader of one of these words."""
    return lambda value: written.choice(value, dict.fromkeys(allowed, ""))


def _key_result(outcome: Examination, at: str, entry: str, body: Any) -> dict[str, Any]:
    fields = _Fields(outcome, at, body, "key_results")
    result = {
        "name": fields.read("name", lambda v: written.text(v, maximum=80), entry),
        "unit": fields.read("unit", lambda v: written.text(v, maximum=30)),
        "direction": fields.read("direction", one_of("increase", "decrease")),
        "baseline": fields.read("baseline", written.number),
        "target": fields.read("target", written.number),
        "due": fields.read("due", written.date, quarter_end(outcome)),
        "owner": fields.read("owner", lambda v: _owner(outcome, v, anybody=False),
                             _role(outcome, "accountable_owner")),
        "source": fields.read("source", lambda v: written.text(v, maximum=200), "evidence/kpis"),
    }
    baseline, target, direction = result["baseline"], result["target"], result["direction"]
    if baseline is not None and target is not None and direction is not None:
        better = target > baseline if direction == "increase" else target < baseline
        if not better:
            outcome.refuse(f"{at}.target", f"{target} does not beat the baseline {baseline}",
                           f"a target {'above' if direction == 'increase' else 'below'} {baseline}"
                           f" (direction: {direction})")
    return result


def _data_source(outcome: Examination, at: str, entry: str, body: Any) -> dict[str, Any]:
    fields = _Fields(outcome, at, body, "data_sources")
    try:
        written.name(entry, "source")
    except WrongAnswerError as error:
        outcome.refuse(at, error.wrong, error.right)
    result = {
        "owner": fields.read("owner", lambda v: _owner(outcome, v, anybody=True),
                             _role(outcome, "data_owner")),
        "description": fields.read("description", lambda v: written.text(v, maximum=300)),
        "personal_data": fields.read("personal_data", one_of(*PERSONAL_DATA), "none"),
        "use": fields.read("use", one_of("features", "fairness_evaluation"), "features"),
        "safeguards": fields.read("safeguards", _safeguards, {}),
    }
    if result["personal_data"] == "special":
        if result["use"] == "features":
            outcome.refuse(f"{at}.use", "special categories can't be features",
                           "use: fairness_evaluation, with the six safeguards of Art. 4a(1)")
        missing = [s for s in "abcdef" if s not in result["safeguards"]]
        if missing:
            outcome.refuse(f"{at}.safeguards", f"{', '.join(missing)} of Art. 4a(1) is not recorded",
                           "how each of the six safeguards a to f is kept")
    return result


def _safeguards(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not set(value) <= set("abcdef"):
        raise WrongAnswerError("is not a map of the safeguards", "{a: …, b: …, c: …, d: …, e: …, f: …}")
    return {letter: written.text(value[letter], maximum=300) for letter in sorted(value)}


def _access(outcome: Examination, at: str, entry: str, body: Any) -> dict[str, Any]:
    result: dict[str, Any] = {}
    right = "{production: {read: [data_owner], write: [data_owner]}}"
    try:
        written.name(entry, "dataset")
    except WrongAnswerError as error:
        outcome.refuse(at, error.wrong, error.right)
    if not isinstance(body, dict) or not body:
        outcome.refuse(at, f"{written.shown(body)} is not a map of environments", right)
        return result
    for environment, rights in body.items():
        here = f"{at}.{environment}"
        if environment not in ENVIRONMENTS:
            outcome.refuse(here, "is not an environment", "one of " + ", ".join(ENVIRONMENTS))
        elif not isinstance(rights, dict) or set(rights) != {"read", "write"}:
            outcome.refuse(here, "does not say who reads and who writes", right)
        else:
            result[environment] = {
                right_of: _roles(outcome, f"{here}.{right_of}", rights[right_of])
                for right_of in ("read", "write")
            }
            if environment == "production" and "*" in _listed(rights["write"]):
                outcome.refuse(f"{here}.write", "everybody may write to production",
                               "the roles that may: [data_owner]")
    return result


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _roles(outcome: Examination, at: str, value: Any) -> list[str]:
    """Read a list of roles; * stands for all of them."""
    roles = []
    for role in _listed(value):
        if role == "*":
            roles.extend(ROLES)
        elif isinstance(role, str) and role in ROLES:
            roles.append(role)
        else:
            outcome.refuse(at, f"{written.shown(role)} is not a role", "some of " + ", ".join(ROLES))
    return list(dict.fromkeys(roles))


def _guardrail(outcome: Examination, at: str, entry: str, body: Any) -> dict[str, Any]:
    fields = _Fields(outcome, at, body, "guardrails")
    evaluation = outcome.profile["evaluation"]
    slices = {part["id"]: part for part in evaluation["slices"]}

    def metric(value: Any) -> str:
        if evaluation["metrics"]:
            return str(one_of(*evaluation["metrics"])(value))
        return written.name(value, "metric")

    part = fields.read("slice", one_of(*slices))
    default_rows = slices[part]["min_rows"] if part else evaluation["min_rows"]
    return {
        "metric": fields.read("metric", metric),
        "compare_with": fields.read("compare_with", one_of(*evaluation["compare_with"])),
        "slice": part,
        "direction": fields.read("direction", one_of("higher", "lower")),
        "limit": fields.read("limit", written.number),
        "unit": fields.read("unit", lambda v: written.text(v, maximum=30)),
        "min_rows": fields.read(
            "min_rows", lambda v: written.number(v, minimum=1, maximum=10**9, integer=True),
            default_rows),
        "serves": fields.read("serves", lambda v: written.text(v, maximum=60)),
    }


def _judge_guardrails(outcome: Examination, gates: dict[str, Any]) -> None:
    """A set of gates has to beat the naive answer and the release in force."""
    compared = {gate["compare_with"] for gate in gates.values()}
    for needed in outcome.profile["evaluation"]["must_compare_with"]:
        if needed not in compared:
            outcome.refuse("guardrails", f"no gate compares with {needed}",
                           f"a gate with compare_with: {needed}; a limit alone can be met by luck")


def _connect(outcome: Examination) -> None:
    """Let each gate serve a KPI that exists; the use case's own gates follow the programme's KPIs."""
    kpis = [f"KPI-{entry}" for entry in outcome.answers.get("key_results", {})]
    own = not outcome.given.get("guardrails")
    for entry, gate in outcome.answers.get("guardrails", {}).items():
        if gate["serves"] in {*kpis, "OBJ-1"}:
            continue
        if gate["serves"] is not None and not own and "key_results" in outcome.answers:
            outcome.refuse(f"guardrails.{entry}.serves", f"{gate['serves']} does not exist",
                           "one of " + ", ".join([*kpis, "OBJ-1"]))
        gate["serves"] = "OBJ-1"


def _read_security(outcome: Examination, value: Mapping[str, Any]) -> None:
    """Read the switches that were answered; the tier decides about the others later."""
    result: dict[str, bool] = {}
    for key, switch in value.items():
        at = f"security_requirements.{key}"
        if key not in SECURITY:
            outcome.refuse(at, "is not a security requirement", "one of " + ", ".join(SECURITY))
            continue
        try:
            result[key] = written.boolean(switch)
        except WrongAnswerError as error:
            outcome.refuse(at, error.wrong, error.right)
    outcome.answers["security_requirements"] = result


def _role(outcome: Examination, role: str) -> str:
    person = outcome.people.get(role)
    return person.id if person else ""


def quarter_end(outcome: Examination) -> str:
    """Return the end of the quarter in which a programme can be measured: 90 days after the workshop."""
    try:
        held = datetime.date.fromisoformat(outcome.answers["workshop_date"])
    except KeyError:
        return ""
    day = held + datetime.timedelta(90)
    month = (day.month - 1) // 3 * 3 + 3
    first_of_next = datetime.date(day.year + month // 12, month % 12 + 1, 1)
    return (first_of_next - datetime.timedelta(1)).isoformat()


# Suggestions and the judgement across answers ------------------------------------------------------


def _suggest(outcome: Examination) -> None:
    """Replace what is suggested by what the use case and the other answers imply."""
    answers, own = outcome.answers, outcome.profile["answers"]
    for key in ("person_impact", "autonomy"):
        if answers.get(key) == SUGGESTED:
            answers[key] = own[key]
    if answers.get("personal_data") == SUGGESTED:
        levels = [source["personal_data"] for source in answers.get("data_sources", {}).values()]
        answers["personal_data"] = max([own["personal_data"], *levels], key=PERSONAL_DATA.index)
    if answers.get("lawful_basis") == SUGGESTED:
        personal = answers.get("personal_data") != "none"
        answers["lawful_basis"] = own["lawful_basis"] if personal else "not_applicable"
    outcome.floor = floor_of(answers)
    tiers = load("tiers.yaml")["order"]
    if answers.get("risk_tier") == SUGGESTED:
        answers["risk_tier"] = max(
            outcome.profile["tier"], outcome.floor["tier"], key=tiers.index)
    if answers.get("fairness_metric") == SUGGESTED:
        people = affects_people(answers) and own["fairness_metric"] == "none"
        answers["fairness_metric"] = own["fairness_if_people"] if people else own["fairness_metric"]
    if answers.get("explainability_method") == SUGGESTED:
        method = own["explainability_method"]
        high = answers.get("risk_tier") == "high"
        answers["explainability_method"] = (
            "permutation_importance" if high and method == "none" else method)
    if answers.get("human_review_mode") == SUGGESTED:
        mode = own["human_review_mode"]
        answers["human_review_mode"] = (
            "before_effect" if high_impact(answers) and mode not in REVIEW_BEFORE else mode)
    if "security_requirements" in answers:
        required = required_security(answers.get("risk_tier", "minimal"))
        answers["security_requirements"] = {
            key: answers["security_requirements"].get(key, key in required) for key in SECURITY}


def affects_people(answers: Mapping[str, Any]) -> bool:
    """Whether somebody is treated differently because of the output."""
    return bool(answers.get("person_impact") in {"indirect", "legal_or_similar"}
                or answers.get("vulnerable_groups"))


def high_impact(answers: Mapping[str, Any]) -> bool:
    """Whether an output is too serious to take effect unseen."""
    return (answers.get("risk_tier") == "high"
            or answers.get("person_impact") == "legal_or_similar")


def floor_of(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lowest tier that the answers allow, with the reasons."""
    tiers = load("tiers.yaml")
    reasons = [
        {"question": rule["question"], "answer": answers[rule["question"]],
         "tier": rule["tier"], "why": rule["why"]}
        for rule in tiers["implied_by"]
        if answers.get(rule["question"]) in rule["answers"]
    ]
    if (answers.get("autonomy"), answers.get("person_impact")) == (
            "auto_irreversible", "legal_or_similar"):
        reasons.append({"question": "autonomy", "answer": "auto_irreversible", "tier": "high",
                        "why": "it has a legal effect that can't be undone"})
    tier = max((reason["tier"] for reason in reasons), key=tiers["order"].index, default="minimal")
    return {"tier": tier, "reasons": reasons}


def _judge_risk(outcome: Examination) -> None:
    answers, order = outcome.answers, load("tiers.yaml")["order"]
    tier = answers.get("risk_tier", "minimal")
    if answers.get("prohibited_screen") == "applies":
        outcome.refuse("prohibited_screen", "a practice banned by Art. 5(1) of the EU AI Act applies",
                       "a programme that does without it; such a system can't be built with this")
    if order.index(tier) < order.index(outcome.floor["tier"]):
        because = [r for r in outcome.floor["reasons"]
                   if order.index(r["tier"]) > order.index(tier)]
        outcome.refuse(
            "risk_tier", f"{tier} is below the floor {outcome.floor['tier']}: "
            + "; ".join(f"{r['why']} ({r['question']}: {_word(r['answer'])})" for r in because),
            f"{outcome.floor['tier']}, or suggested")
    if tier == "high" and answers.get("domain_expert") == "":
        outcome.refuse("domain_expert", "nobody is named", "a person: the high tier needs an expert")
    if high_impact(answers) and answers.get("human_review_mode") not in {*REVIEW_BEFORE, None}:
        severe = (answers.get("autonomy"), answers.get("person_impact")) == (
            "auto_irreversible", "legal_or_similar")
        wrong = ("irreversible acts with a legal effect would happen without review"
                 if severe else f"{answers['human_review_mode']} is too late for a high impact")
        outcome.refuse("human_review_mode", wrong, " or ".join(REVIEW_BEFORE))
    if affects_people(answers) and answers.get("fairness_metric") == "none":
        outcome.refuse("fairness_metric", "none, although people are affected",
                       f"a metric and its limit: {outcome.profile['answers']['fairness_if_people']}")
    if tier == "high" and answers.get("explainability_method") == "none":
        outcome.refuse("explainability_method", "none, at the high tier",
                       "a method: permutation_importance, interpretable_model, local_attribution")
    for key in required_security(tier):
        if not answers.get("security_requirements", {}).get(key, True):
            outcome.refuse(f"security_requirements.{key}", f"is switched off at the {tier} tier",
                           "true: the tier requires it")


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _judge_data(outcome: Examination) -> None:
    answers = outcome.answers
    if answers.get("personal_data", "none") != "none" and answers.get("lawful_basis") == "not_applicable":
        outcome.refuse("lawful_basis", f"none, although the data is personal ({answers['personal_data']})",
                       "consent, contract, legal_obligation, vital_interests, public_task or "
                       "legitimate_interests")
    sources = answers.get("data_sources", {})
    if "personal_data" in answers:
        for key, source in sources.items():
            if PERSONAL_DATA.index(source["personal_data"]) > PERSONAL_DATA.index(answers["personal_data"]):
                outcome.refuse("personal_data", f"{answers['personal_data']}, but the source {key} is "
                               f"{source['personal_data']}", source["personal_data"])
        if answers["personal_data"] == "special" and not any(
                source["personal_data"] == "special" for source in sources.values()):
            outcome.refuse("personal_data", "special, but no source records the safeguards",
                           "in data_sources, the source with personal_data: special, "
                           "use: fairness_evaluation and its safeguards")
    missing = [trait for trait in load("tiers.yaml")["protected_traits"]
               if trait not in answers.get("banned_features", [trait])]
    if missing:
        outcome.refuse("banned_features", f"{', '.join(missing)} taken off the list",
                       "the whole list of protected traits, and what you add to it")


if __name__ == "__main__":
    from ai_program.questionnaire import main

    raise SystemExit(main())
