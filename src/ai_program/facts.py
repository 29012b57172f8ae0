"""The facts of a programme: what follows from examined answers, the use case and the tier.

Each function derives one part of what ``workshop.resolve`` describes. Nothing here depends on the
clock, the machine or the user, so the same answers give the same repository everywhere.
"""

from __future__ import annotations

import copy
import datetime as dt

from ai_program import answers as written
from ai_program import entries, naming, risk, workshop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ai_program.examination import Examination

OBJECTIVE = entries.OBJECTIVE
EXPLAINED, EXPLAINED_LEAST = "explainability_score", 0.8
SPRINT = "sprint-01"
# What reads every monitor where there is a pipeline.
MEASURED_BY = "nox -s monitor"

_SAFEGUARDS = {
    "a": "No other data would do, synthetic and anonymised data included",
    "b": "Re-use is limited technically, and the data is pseudonymised",
    "c": "Access is controlled, recorded and limited to authorised people",
    "d": "Nobody else is given the data or access to it",
    "e": "The data is deleted once the bias is corrected or its time is over",
    "f": "The record of processing says why the data was strictly necessary",
}


def derive(outcome: Examination) -> dict[str, Any]:
    """Return all facts that follow from answers without problems."""
    answers = outcome.answers
    profile = copy.deepcopy(outcome.profile)
    slug = naming.slug_of(answers["program_name"])
    handles = _handles(outcome)
    kpis = [{"id": f"KPI-{key}", **result} for key, result in answers["key_results"].items()]
    sprint = _sprint(answers["first_sprint"], handles)
    dates = _dates(outcome, sprint)
    gates = _gates(outcome, profile)
    tier, use_case = answers["risk_tier"], answers["use_case"]
    cadence = workshop.load("tiers.yaml")["cadence"]
    people = _people(outcome, handles)
    reasons = _draft_reasons(outcome)
    # A pipeline may come without data: then the team's own is adopted first.
    has_data = bool(profile["pipeline"] and profile["dataset"]["sample"])
    known = {OBJECTIVE, *(kpi["id"] for kpi in kpis), *(gate["id"] for gate in gates)}
    datasets = [
        _dataset(each, dates, pipeline=has_data)
        for each in (profile["dataset"], *profile.get("more", ()))
    ]
    monitors = _monitors(profile, kpis, handles, dates, pipeline=has_data)
    known.update(entry["id"] for entry in (*monitors, *profile["risks"]))
    return {
        "name": answers["program_name"],
        "slug": slug,
        "package": slug.replace("-", "_"),
        "use_case": use_case,
        "use_case_title": profile["title"],
        "has_pipeline": bool(profile["pipeline"]),
        "has_data": has_data,
        "status": "draft" if reasons else "committed",
        "draft_reasons": reasons,
        "problem_statement": answers["problem_statement"],
        "workshop_date": answers["workshop_date"],
        "legal_context": answers["legal_context"],
        "answers": copy.deepcopy(answers),
        "given": _given(outcome),
        "objective": {"id": OBJECTIVE, "statement": answers["objective"]},
        "kpis": kpis,
        "people": people,
        "handles": handles,
        "tier": tier,
        "floor": outcome.floor,
        "risk": _risk(answers),
        "prohibited": _prohibited(answers, handles),
        "personal_data": answers["personal_data"],
        "lawful_basis": answers["lawful_basis"],
        "purposes": [slug.replace("-", "_") if use_case == "other" else use_case],
        "banned_features": answers["banned_features"],
        "safeguards": _recorded_safeguards(answers),
        "retention": {
            "max_days": answers["retention_days"],
            "decision_log_days": max(365, _bound("decision-log", "at_least", tier)),
            "deletion_path": profile["dataset"].get(
                "deletion_path", "delete the rows at the source; the next ingest drops every copy"),
        },
        "access": [
            {"dataset": dataset, "environment": environment, **rights}
            for dataset, environments in answers["access_roles"].items()
            for environment, rights in environments.items()
        ],
        "sources": _sources(outcome, profile, handles, dates),
        "security": answers["security_requirements"],
        "dataset": datasets[0],
        "datasets": datasets,
        "consent_register": profile.get("consent_register") if has_data else None,
        "features": _features(profile, kpis, handles, pipeline=has_data),
        "model": profile["model"],
        "evaluation": _evaluation(answers, profile, tier, pipeline=has_data),
        "gates": gates,
        "slices": profile["evaluation"]["slices"],
        "release": {
            "approvals": {"required": _bound("approvals", "at_least", tier),
                          "roles": ["validator", "sponsor", "accountable_owner"]},
            "rollback": {"max_minutes": answers["rollback_minutes"], "target": "previous_release",
                         "fallback": profile["release"]["fallback"]},
            "store": {"address": "store"},
            "canary": profile["release"]["canary"],
            "evidence_max_age_days": _bound("evidence-age", "at_most", tier),
            "retraining": profile["release"]["retraining"],
        },
        "monitors": monitors,
        "breaker": {**profile["breaker"], "tested_on": None},
        "decision_types": _decision_types(answers, profile, handles, dates),
        "decision_trace": workshop.load("tiers.yaml")["decision_trace"],
        "transparency": _transparency(answers, handles, dates),
        "risks": _risks(profile, known, handles, dates),
        "backlog": _backlog(profile, known, handles),
        "sprint": sprint,
        "dates": dates,
        "cadence": {key: values[tier] for key, values in cadence.items()},
    }  # fmt: skip


def _bound(floor: str, side: str, tier: str) -> Any:  # noqa: ANN401 - number or switch
    """Return the floor of a tier by the name of its entry."""
    for entry in workshop.load("tiers.yaml")["floors"]:
        if entry["id"] == floor:
            return entry[side][tier]
    raise KeyError(floor)


def _given(outcome: Examination) -> dict[str, Any]:
    """Return the answers as workshop.yaml holds them: resolved, but maps as they were given.

    A map that was left to the use case stays empty, so that it follows the use case; an owner who
    was named by a role stays a role, so that it follows the role.
    """
    result: dict[str, Any] = {}
    for key, question in workshop.questions().items():
        if question["type"] == "list":
            result[key] = ", ".join(outcome.answers[key])  # cookiecutter takes a list for choices
        elif question["type"] == "map":
            given = written.entries(outcome.given.get(key) or {})
            result[key] = {
                entry: _as_given(outcome.answers[key][entry], given[entry]) for entry in given
            }
        else:
            result[key] = outcome.answers[key]
    return copy.deepcopy(result)


def _as_given(entry: object, given: Any) -> object:  # noqa: ANN401 - as the entry is
    """Return an entry without what was left out, and with the role that names its owner."""
    if not isinstance(entry, dict):
        return entry
    kept = {field: value for field, value in entry.items() if given.get(field) is not None}
    return (
        {**kept, "owner": given["owner"]} if given.get("owner") in workshop.PERSON_ROLES else kept
    )


# People -------------------------------------------------------------------------------------------


def _handles(outcome: Examination) -> dict[str, str]:
    people = outcome.people
    handles = {role: people[role].id if role in people else "" for role in workshop.PERSON_ROLES}
    return {**handles, "incident_lead": handles["operations_owner"]}


def _people(outcome: Examination, handles: dict[str, str]) -> list[dict[str, Any]]:
    """Return everybody once, with all of their addresses and roles."""
    people: dict[str, dict[str, Any]] = {}
    for role, person in outcome.people.items():
        entry = people.setdefault(
            person.id, {"handle": person.id, "emails": [], "roles": [], "active": True}
        )
        if person.email and person.email not in entry["emails"]:
            entry["emails"].append(person.email)
        plain = "data_owner" if role.startswith("owner:") else role
        if plain not in entry["roles"]:
            entry["roles"].append(plain)
    people[handles["incident_lead"]]["roles"].append("incident_lead")
    return list(people.values())


def _draft_reasons(outcome: Examination) -> list[str]:
    reasons = []
    screen = outcome.answers["prohibited_screen"]
    if screen != "none":
        said = (
            "not screened yet" if screen == "not_screened" else "screened, and somebody is unsure"
        )
        reasons.append(f"the banned practices of Art. 5(1) are {said}")
    open_roles = [role for role, person in outcome.people.items() if person.is_placeholder]
    if open_roles:
        reasons.append(
            "nobody real is named as "
            + ", ".join(role.removeprefix("owner:").replace("_", " ") for role in open_roles)
        )
    return reasons


# Risk ---------------------------------------------------------------------------------------------


def _risk(answers: dict[str, Any]) -> dict[str, Any]:
    return {
        "tier": answers["risk_tier"],
        **{
            key: answers[key]
            for key in (
                "annex_area",
                "person_impact",
                "vulnerable_groups",
                "autonomy",
                "interacts_or_generates",
            )
        },
        "affects_people": risk.affects_people(answers),
        "high_impact": risk.high_impact(answers),
    }


def _prohibited(answers: dict[str, Any], handles: dict[str, str]) -> dict[str, Any]:
    screened = answers["prohibited_screen"] == "none"
    practices = workshop.load("tiers.yaml")["prohibited_practices"]
    return {
        "status": answers["prohibited_screen"],
        "screened_by": handles["validator"] if screened else None,
        "screened_on": answers["workshop_date"] if screened else None,
        "answers": [{**practice, "applies": False} for practice in practices] if screened else [],
    }


def _decision_types(
    answers: dict[str, Any],
    profile: dict[str, Any],
    handles: dict[str, str],
    dates: dict[str, str],
) -> list[dict[str, Any]]:
    mode = answers["human_review_mode"]
    reviewer = "domain_expert" if handles["domain_expert"] else "accountable_owner"
    workload = {
        "owner": handles[reviewer],
        "due": dates["workload"],
        "note": "Say how many decisions a busy week brings, and how many of them can be reviewed",
    }
    return [
        {
            "id": entry["id"],
            "description": entry["description"],
            "impact": "high" if risk.high_impact(answers) else "low",
            "mode": mode,
            "reviewer_role": reviewer,
            "respond_within_hours": 4 if mode in workshop.REVIEW_BEFORE else 24,
            "sample_rate": 0.05 if mode == "sample" else None,
            "workload": None if mode in {"none", "monitor"} else workload,
            "approval_above": entry.get("approval_above"),
            "override": entry["override"],
            "appeal": entry["appeal"],
        }
        for entry in profile["decision_types"]
    ]


def _transparency(
    answers: dict[str, Any], handles: dict[str, str], dates: dict[str, str]
) -> dict[str, Any]:
    needed = answers["interacts_or_generates"] or answers["person_impact"] == "legal_or_similar"
    return {
        "required": needed,
        "status": "open" if needed else "done",
        "owner": handles["accountable_owner"],
        "due": dates["transparency"],
        "note": "Write the notice for the people affected, and say where they see it",
    }


def _risks(
    profile: dict[str, Any], known: set[str], handles: dict[str, str], dates: dict[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            **{key: risk[key] for key in risk if key != "role"},
            "measures": [m for m in risk["measures"] if _exists(m, known)],
            "applies": True,
            "owner": handles[risk["role"]],
            "review_by": dates["risk_review"],
            "status": "done",
        }
        for risk in profile["risks"]
    ]


def _exists(reference: str, known: set[str]) -> bool:
    """Whether a reference by id still has its target; the answers may have dropped it."""
    prefix = reference.split("-", maxsplit=1)[0]
    return prefix not in {"KPI", "GATE", "MON", "OBJ", "RISK"} or reference in known


# Data ---------------------------------------------------------------------------------------------


def _sources(
    outcome: Examination, profile: dict[str, Any], handles: dict[str, str], dates: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the sources; those behind the datasets of the first run are always among them."""
    datasets = [profile["dataset"], *profile.get("more", ())]
    contracts = {each["source"]: f"contracts/{each['id']}.odcs.yaml" for each in datasets}
    answered: dict[str, Any] = dict(outcome.answers["data_sources"])
    for dataset in datasets:
        if dataset["source"] not in answered:
            answered[dataset["source"]] = {
                "owner": handles["data_owner"],
                "description": dataset["title"],
                "personal_data": max(
                    (field["personal_data"] for field in dataset["fields"]),
                    key=workshop.PERSONAL_DATA.index,
                ),
                "use": "features",
                "safeguards": {},
            }
    sources = []
    for key, source in answered.items():
        contracted = key in contracts
        entry = {field: source[field] for field in ("owner", "description", "personal_data", "use")}
        sources.append({
            "id": key, **entry,
            "contract": contracts.get(key),
            "status": "done" if contracted else "open",
            "due": dates["contracts"],
            "note": f"Write the contract of {key}: fields, quality, freshness, owner",
        })  # fmt: skip
    return sources


def _recorded_safeguards(answers: dict[str, Any]) -> list[dict[str, str]]:
    for source in answers["data_sources"].values():
        if source["personal_data"] == "special":
            return [
                {"id": f"4a(1)({letter})", "safeguard": _SAFEGUARDS[letter], "how": how}
                for letter, how in source["safeguards"].items()
            ]
    return []


def _dataset(dataset: dict[str, Any], dates: dict[str, str], *, pipeline: bool) -> dict[str, Any]:
    return {
        **dataset,
        "sample": dataset["sample"] if pipeline else None,
        "status": "done" if pipeline else "open",
        "due": dates["pipeline"],
    }


_LEVELS = ("public", "internal", "confidential", "restricted")


def _features(
    profile: dict[str, Any], kpis: list[dict[str, Any]], handles: dict[str, str], *, pipeline: bool
) -> dict[str, Any]:
    """Return the feature view; a feature is as sensitive as the most sensitive of its inputs."""
    view = profile["features"]
    fields = {field["name"]: field for field in profile["dataset"]["fields"]}
    personal = workshop.PERSONAL_DATA
    features = []
    for feature in view["features"]:
        inputs = [fields[name] for name in feature["inputs"]]
        features.append({
            **feature,
            "range": feature.get("range"),
            "unbounded": feature.get("unbounded"),
            "classification": max((f["classification"] for f in inputs), key=_LEVELS.index),
            "personal_data": max((f["personal_data"] for f in inputs), key=personal.index),
        })  # fmt: skip
    ids = [kpi["id"] for kpi in kpis]
    return {
        **view,
        "owner": handles["data_owner"],
        "serves": [kpi for kpi in view["serves"] if kpi in ids] or ids,
        "status": "done" if pipeline else "open",
        "features": features,
    }


# Evaluation and operation -------------------------------------------------------------------------


def _gates(outcome: Examination, profile: dict[str, Any]) -> list[dict[str, Any]]:
    gates = [
        {"id": f"GATE-{key}", "judged_on": "bound", **gate}
        for key, gate in outcome.answers["guardrails"].items()
    ]
    fixed = {"slice": None, "compare_with": None, "judged_on": "value", "min_rows": 1}
    always = [*profile["evaluation"]["gates"]]
    robustness = profile["evaluation"].get("robustness")
    if robustness and outcome.answers["risk_tier"] != "minimal":
        always += robustness["gates"]
    explained = profile["evaluation"].get("explainability")
    if explained and risk.high_impact(outcome.answers) and not _holds_explanations(gates):
        always.append(explained["gate"])
    fair = _equal_treatment(outcome, profile, gates)
    return [*gates, *fair, *({**fixed, **gate} for gate in always)]


def _holds_explanations(gates: list[dict[str, Any]]) -> bool:
    """Whether one of the gates holds the score of explanations, as rule AIP204 asks for it."""
    return any(
        gate["metric"] == EXPLAINED
        and gate["direction"] == "higher"
        and gate["limit"] >= EXPLAINED_LEAST
        and not gate.get("slice")
        and not gate.get("compare_with")
        for gate in gates
    )


def _equal_treatment(
    outcome: Examination, profile: dict[str, Any], gates: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the gate that holds the promised equal treatment, where a pipeline measures it."""
    metric, _, bound = outcome.answers["fairness_metric"].partition(" ")
    held = {gate["metric"] for gate in gates if not gate["slice"] and not gate["compare_with"]}
    evaluation = profile["evaluation"]
    if not profile["pipeline"] or metric in held or metric not in evaluation["metrics"]:
        return []
    return [
        {
            "id": "GATE-fairness",
            "metric": metric,
            "slice": None,
            "compare_with": None,
            "direction": "higher" if metric == "selection_ratio" else "lower",
            "limit": float(bound),
            "unit": "ratio",
            "judged_on": "bound",
            "min_rows": evaluation["min_rows"],
            "serves": OBJECTIVE,
        }
    ]


def _evaluation(
    answers: dict[str, Any], profile: dict[str, Any], tier: str, *, pipeline: bool
) -> dict[str, Any]:
    evaluation, dataset = profile["evaluation"], profile["dataset"]
    metric, _, bound = answers["fairness_metric"].partition(" ")
    statistics = dict(evaluation["statistics"])
    for key in ("resamples", "confidence"):
        statistics[key] = max(statistics[key], _bound(key, "at_least", tier))
    sample = dataset["sample"] if pipeline else None
    window = evaluation["data"] if pipeline else {}
    return {
        "model": profile["model"]["name"],
        "data": {
            "contract": dataset["id"],
            "path": sample["path"] if sample else None,
            "digest": sample["digest"] if sample else None,
            **{key: window.get(key) for key in ("train_until", "test_from", "test_until")},
            "more": [
                {"contract": each["id"], **{key: each["sample"][key] for key in ("path", "digest")}}
                for each in profile.get("more", ())
                if pipeline
            ],
        },
        "statistics": statistics,
        "baselines": evaluation["baselines"],
        "costs": evaluation.get("costs"),
        "fairness": {
            "metric": metric,
            "limit": float(bound) if bound else None,
            "attributes": evaluation["fairness_attributes"] if bound else [],
            "min_rows": _bound("slice-rows", "at_least", tier),
        },
        "explainability": {
            "method": answers["explainability_method"],
            "required": risk.high_impact(answers),
            "score": EXPLAINED,
            "limit": EXPLAINED_LEAST,
            "sample": evaluation.get("explainability", {}).get("sample") if pipeline else None,
        },
        "robustness": evaluation.get("robustness"),
        "golden": evaluation["golden"] if pipeline else {"path": None, "tolerance": None},
    }


def _monitors(
    profile: dict[str, Any],
    kpis: list[dict[str, Any]],
    handles: dict[str, str],
    dates: dict[str, str],
    *,
    pipeline: bool,
) -> list[dict[str, Any]]:
    """Return the monitors.

    The one of a KPI that the answers replaced watches the first KPI that the model still serves.
    """
    by_id = {kpi["id"]: kpi for kpi in kpis}
    served = [name for name in profile["features"]["serves"] if name in by_id] or list(by_id)
    monitors = []
    for monitor in profile["monitors"]:
        entry = {key: value for key, value in monitor.items() if key != "role"}
        if monitor["kind"] == "kpi":
            kpi = by_id.get(monitor["subject"], by_id[served[0]])
            entry |= {
                "subject": kpi["id"],
                "unit": kpi["unit"],
                "limit": kpi["baseline"],
                "metric": kpi["id"].removeprefix("KPI-").lower().replace("-", "_"),
                "direction": "lower" if kpi["direction"] == "decrease" else "higher",
            }
        monitors.append({
            **entry, "owner": handles[monitor["role"]],
            "measured_by": MEASURED_BY if pipeline else None,
            "status": "done" if pipeline else "open", "due": dates["pipeline"],
            "note": "Connect the monitor once the use case has a pipeline",
        })  # fmt: skip
    return monitors


def _backlog(
    profile: dict[str, Any], known: set[str], handles: dict[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            "id": f"ITEM-{number:02d}",
            "title": item["title"],
            "serves": [item["serves"] if item["serves"] in known else OBJECTIVE],
            "owner": handles[item["role"]],
            "done_when": item["done_when"],
        }
        for number, item in enumerate(profile["backlog"], 1)
    ]


# Time ---------------------------------------------------------------------------------------------


def _sprint(answer: str, handles: dict[str, str]) -> dict[str, Any]:
    """Return the sprint; its end is the last day, so that four weeks are 28 days."""
    start, _, length = answer.partition("/")
    weeks = int(length.removesuffix("w"))
    end = dt.date.fromisoformat(start) + dt.timedelta(7 * weeks - 1)
    return {
        "id": SPRINT,
        "start": start,
        "end": end.isoformat(),
        "weeks": weeks,
        "team": "core",
        "owner": handles["accountable_owner"],
    }


def _dates(outcome: Examination, sprint: dict[str, Any]) -> dict[str, str]:
    """Return when what people owe is due: fixed distances from the workshop and the sprint."""
    tier = outcome.answers["risk_tier"]
    cadence = workshop.load("tiers.yaml")["cadence"]
    held = dt.date.fromisoformat(outcome.answers["workshop_date"])
    end = dt.date.fromisoformat(sprint["end"])

    def after(day: dt.date, days: int) -> str:
        return (day + dt.timedelta(days)).isoformat()

    return {
        "readiness": sprint["start"],
        "raci": after(dt.date.fromisoformat(sprint["start"]), 7),
        "impact_assessment": sprint["end"],
        "model_card": sprint["end"],
        "contracts": sprint["end"],
        "transparency": sprint["end"],
        "workload": sprint["end"],
        "consent": sprint["end"],
        "drill": sprint["end"],
        "pipeline": sprint["end"],
        "sprint_review": after(end, 3),
        "risk_review": after(held, 90),
        "checkpoint": after(held, 90),
        "audit": after(held, cadence["audit_max_days"][tier]),
        "quarter_end": entries.quarter_end(outcome),
    }
