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
    p.has_data                      whether data comes with it (else: it is adopted first)
    p.status, p.draft_reasons       "draft" or "committed", and why it is a draft
    p.problem_statement, p.workshop_date, p.legal_context
    p.answers                       every answer, resolved: nothing is "suggested" any more
    p.given                         the answers as they are written in workshop.yaml

    p.objective                     {id: "OBJ-1", statement}
    p.kpis                          [{id, name, unit, direction, baseline, target, due, owner,
                                    source}]
    p.people                        [{handle, emails, roles, active}]; handle is an e-mail address
                                    for somebody named by that alone (CODEOWNERS takes both)
    p.handles                       role -> handle: sponsor, accountable_owner, data_owner,
                                    validator, operations_owner, incident_lead, domain_expert
                                    ("" if nobody is it)

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
    p.security                      {secret_scanning, authenticated_serving, network_isolation,
                                    encryption_in_transit, encryption_at_rest, signed_releases}

    p.dataset                       the contract: {id, version, title, domain, purpose, limitations,
                                    usage, granularity, source, sample, time, fields, quality,
                                    freshness, status, ...} as in the profile of the use case;
                                    sample is null where there is no pipeline
    p.datasets                      that contract, then those of further sources
    p.consent_register              the id of the one that records consents, or null
    p.features                      the feature view: {id, version, owner, entity, source,
                                    transform, serves, status, features: [{name, description,
                                    dtype, inputs, classification, personal_data, nulls, range,
                                    unbounded}]}
    p.model                         {name, title, task, target, output, candidates, users,
                                    intended_use, out_of_scope, limitations}
    p.evaluation                    {model, data, statistics, baselines, fairness, explainability,
                                    golden} as in policies/evaluation.yaml
    p.gates, p.slices               as in policies/evaluation.yaml (slices also have a title)
    p.release                       as in policies/release.yaml
    p.monitors, p.breaker           as in policies/monitoring.yaml
    p.decision_types                as in policies/oversight.yaml
    p.decision_trace                the fields of the log of decisions
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

import datetime as dt
import os
from functools import lru_cache

import yaml

from ai_program import answers as written
from ai_program import paths
from ai_program.answers import WrongAnswerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ai_program.examination import Examination

SUGGESTED = "suggested"
PERSON_ROLES = (
    "sponsor", "accountable_owner", "data_owner", "validator", "operations_owner", "domain_expert",
)  # fmt: skip
ROLES = (*PERSON_ROLES, "incident_lead", "developer")
ENVIRONMENTS = ("development", "test", "staging", "production")
SECURITY = (
    "secret_scanning", "authenticated_serving", "encryption_in_transit", "encryption_at_rest",
    "network_isolation", "signed_releases",
)  # fmt: skip
PERSONAL_DATA = ("none", "indirect", "direct", "special")
REVIEW_BEFORE = ("before_effect", "before_execution")


def examine(given: Mapping[str, Any]) -> Examination:
    """Read every answer and hold it against the others; a missing answer takes its default.

    Nothing is raised: the outcome holds what could be read, and every problem.
    """
    from ai_program import examination

    return examination.examine(given)


def resolve(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of the programme that follow from the answers (see the module's text).

    Raises:
        RefusedError: with every reason why these answers can't be used.

    """
    from ai_program import facts
    from ai_program.examination import RefusedError

    outcome = examine(given)
    if outcome.problems:
        raise RefusedError(outcome.problems)
    return facts.derive(outcome)


# The baseline's data ------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def load(name: str) -> dict[str, Any]:
    """Return one YAML file of the baseline's policies; callers don't change it."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(f"{paths.root()}/{name}", "rb") as file:  # noqa: PTH123 - also on the hook's path
        value: dict[str, Any] = yaml.load(file, loader)  # noqa: S506 - safe in both forms
    return value


@lru_cache(maxsize=1)
def questions() -> dict[str, dict[str, Any]]:
    """Return the questions by id, in the order of the workshop."""
    return {question["id"]: question for question in load("workshop.yaml")["questions"]}


def use_cases() -> list[str]:
    """Return the use cases that can be chosen."""
    return list(questions()["use_case"]["choices"])


def profile(use_case: object) -> dict[str, Any]:
    """Return what a use case brings along; one that does not exist brings what ``other`` does."""
    return load(f"use_cases/{use_case if use_case in use_cases() else 'other'}.yaml")


# Defaults -----------------------------------------------------------------------------------------


def default_of(question_id: str, answers: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as asked
    """Return the default of a question, given the answers before it."""
    question = questions()[question_id]
    default = question["default"]
    if default == "use_case":
        own = profile(answers.get("use_case"))["answers"]
        if question["type"] == "map":
            return {}
        if question["type"] == "list":
            return ", ".join([*load("tiers.yaml")["protected_traits"], *own[question_id]])
        return own[question_id]
    if default == "today":
        return today()
    if default == "next_monday":
        return f"{_monday_after(answers.get('workshop_date'))}/4w"
    return default


def today() -> str:
    """Return today in UTC: the default of the workshop's date, fixed once it is answered."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdigit():
        return dt.datetime.fromtimestamp(int(epoch), dt.UTC).date().isoformat()
    return dt.datetime.now(dt.UTC).date().isoformat()


def _monday_after(answer: object) -> str:
    try:
        held = dt.date.fromisoformat(written.date(answer))
    except WrongAnswerError:
        held = dt.date.fromisoformat(today())
    return (held + dt.timedelta(7 - held.weekday())).isoformat()


if __name__ == "__main__":
    from ai_program.questionnaire import main

    raise SystemExit(main())
