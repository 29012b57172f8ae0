"""What the dashboard says: plain values, gathered from the governed files and the evidence.

A file that is missing or broken leaves its part empty. The page says so, and that rules are broken;
it never stands in the way of looking.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from ai_program import checking, evidence, exceptions
from ai_program.owed import owed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ai_program.documents import Document
    from ai_program.program import Program, State

Facts = dict[str, Any]

OBSERVATIONS = "evidence/observations/*.json"
# How an outcome looks: pass, fail and inconclusive are words of the verdict.
STATES = {"pass": "good", "fail": "bad", "error": "bad", "inconclusive": "unsure"}


def of(program: Program) -> Facts:
    """Return everything that the page shows."""
    head = program.head
    versions = {str(doc.get("model", "version")): doc for doc in head.reports}
    active = _active(head)
    return {
        "programme": _programme(program),
        "health": _health(program),
        "sprint": _sprint(program),
        "objectives": list(_objectives(head, _latest(head.kpis), program.snapshot.today)),
        "release": _release(active) if active else None,
        "releases": [_release(doc) for doc in reversed(head.releases)],
        "gates": list(_gates(versions.get(_version(active)) if active else None)),
        "slices": _slices(head, versions.get(_version(active)) if active else None),
        "candidates": list(_candidates(head)),
        "people": _people(head, versions.get(_version(active)) if active else None),
        "monitors": list(_monitors(head)),
        "exceptions": list(_exceptions(program)),
        "owed": [
            {
                "name": item.name, "owner": item.owner, "due": item.due, "note": item.note,
                "path": item.location.path, "late": bool(item.due) and item.due < _today(program),
            }
            for item in owed(head, program.baseline)
        ],
        "risks": list(_risks(head)),
        "decisions": list(_decisions(head)),
        "drills": list(_drills(head)),
        "incidents": list(_incidents(head)),
        "chain": list(_chain(head, active, versions)),
        "commit": (head.tree.commit or program.base.tree.commit or "")[:10],
        "today": _today(program),
    }  # fmt: skip


def _today(program: Program) -> str:
    return program.snapshot.today


def _items(value: object) -> Iterator[Facts]:
    """Yield the mappings of a list; what is something else is AIP001's business."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _programme(program: Program) -> Facts:
    policy = program.head.program

    def get(*keys: str) -> Any:  # noqa: ANN401 - a value of YAML
        return policy.get(*keys) if policy else None

    return {
        "name": get("program", "name") or "A programme without policies/program.yaml",
        "use_case": str(get("program", "use_case") or "").replace("_", " "),
        "status": get("program", "status") or "unknown",
        "problem": " ".join(str(get("program", "problem_statement") or "").split()),
        "tier": program.head.tier or "unknown",
        "statement": next(
            (str(each.get("statement", "")) for each in _items(get("objectives"))), ""
        ),
    }


def _health(program: Program) -> Facts:
    result = checking.check(program)
    waived = sum(finding.waived_by is not None for finding in result.findings)
    return {
        "errors": result.errors,
        "warnings": result.warnings,
        "waived": waived,
        "rules": len(program.baseline.rules),
        "first": next(
            (
                {"code": each.code, "path": each.location.path, "message": each.message}
                for each in result.findings
                if each.severity == "error" and each.waived_by is None
            ),
            None,
        ),
    }


def _sprint(program: Program) -> Facts | None:
    """Return the sprint that runs, or else the next, or else the last."""
    today = _day(_today(program))
    plans = [
        (start, end, doc)
        for doc in program.head.plans
        if (start := _day(doc.get("start"))) and (end := _day(doc.get("end")))
    ]
    if not plans or today is None:
        return None
    running = [plan for plan in plans if plan[0] <= today <= plan[1]]
    coming = [plan for plan in plans if plan[0] > today]
    start, end, doc = (
        max(running, key=_start)
        if running
        else min(coming, key=_start)
        if coming
        else max(plans, key=_start)
    )
    days = (end - start).days + 1
    if running:
        when = f"day {(today - start).days + 1} of {days}, until {end}"
    else:
        when = f"starts {start}" if coming else f"over since {end}"
    folder = doc.path.rpartition("/")[0]
    backlog = next((b for b in program.head.backlogs if b.path.startswith(f"{folder}/")), None)
    items = [
        {
            "id": item.get("id"), "title": item.get("title"), "owner": item.get("owner"),
            "status": str(item.get("status", "")), "done_when": item.get("done_when"),
            "serves": _words(item.get("serves")),
        }
        for item in _items(backlog.get("items") if backlog else None)
    ]  # fmt: skip
    done = sum(item["status"] == "done" for item in items)
    goals = doc.get("goals")
    return {
        "id": doc.get("id"),
        "when": when,
        "share": min(1.0, max(0.0, ((today - start).days + 1) / days)) if running else None,
        "goals": [str(goal) for goal in goals] if isinstance(goals, list) else [],
        "items": items,
        "done": done,
    }


def _start(plan: tuple[dt.date, dt.date, Document]) -> dt.date:
    return plan[0]


def _latest(docs: Iterable[Document]) -> list[Document]:
    """Return the KPI records in the order of their releases."""
    return sorted(docs, key=lambda doc: doc.path)


def _objectives(head: State, actuals: list[Document], today: str) -> Iterator[Facts]:
    objectives = head.program.get("objectives") if head.program else None
    for objective in _items(objectives):
        results = []
        for result in _items(objective.get("key_results")):
            history = [
                value
                for doc in actuals
                for each in _items(doc.get("actuals"))
                if each.get("kpi") == result.get("id")
                and isinstance(value := each.get("value"), int | float)
            ]
            value = history[-1] if history else None
            way = _way(result.get("baseline"), result.get("target"), value)
            met = way is not None and way >= 1
            state = "none" if way is None else "good" if met else "bad" if way < 0 else "unsure"
            due = str(result.get("due") or "")
            results.append(
                {
                    **{key: result.get(key) for key in ("id", "name", "unit", "owner", "source")},
                    "baseline": result.get("baseline"), "target": result.get("target"),
                    "direction": result.get("direction"), "value": value, "way": way,
                    "state": state, "met": met, "history": history, "due": due,
                    "late": bool(due) and due < today and not met,
                }
            )  # fmt: skip
        yield {
            "id": objective.get("id"),
            "statement": objective.get("statement"),
            "results": results,
        }


def _way(baseline: object, target: object, value: object) -> float | None:
    """Return how much of the way from baseline to target is done; 1 is the target."""
    numbers = [each for each in (baseline, target, value) if isinstance(each, int | float)]
    if len(numbers) < 3 or numbers[0] == numbers[1]:
        return None
    start, end, now = map(float, numbers)
    return round((now - start) / (end - start), 4)


def _active(head: State) -> Document | None:
    path = head.active.get("release") if head.active else None
    return next((doc for doc in head.releases if doc.path == path), None)


def _version(record: Document) -> str:
    """Return the version that a record is about; its subject is called MODEL/VERSION."""
    return str(record.get("subject", 0, "name")).rpartition("/")[2]


def _release(record: Document) -> Facts:
    said = record.get("predicate")
    said = said if isinstance(said, dict) else {}
    return {
        "sequence": said.get("sequence"),
        "version": _version(record),
        "action": said.get("action"),
        "on": str(said.get("created_at", ""))[:10],
        "author": said.get("author"),
        "approvals": [
            f"{each.get('person')} ({str(each.get('role', '')).replace('_', ' ')})"
            for each in _items(said.get("approvals"))
        ],
        "decision": said.get("decision"),
        "reason": said.get("reason"),
        "verdict": record.get("predicate", "evaluation", "verdict"),
        "back": record.get("predicate", "rollback_target", "kind"),
        "path": record.path,
    }


def _measured(report: Document) -> dict[tuple[object, object, object], Facts]:
    return {
        (each.get("metric"), each.get("slice"), each.get("compare_with")): each
        for each in _items(report.get("measurements"))
    }


def _gates(report: Document | None) -> Iterator[Facts]:
    """Yield each gate of the release in force, with what was measured."""
    if report is None:
        return
    outcomes = {each.get("gate"): each for each in _items(report.get("outcomes"))}
    measured = _measured(report)
    for gate in _items(report.get("gates")):
        key = (gate.get("metric"), gate.get("slice"), gate.get("compare_with"))
        found = measured.get(key, {})
        outcome = str(outcomes.get(gate.get("id"), {}).get("outcome", "missing"))
        yield {
            **{key: gate.get(key) for key in ("id", "metric", "slice", "compare_with", "unit")},
            **{key: gate.get(key) for key in ("limit", "direction", "serves", "judged_on")},
            **{key: found.get(key) for key in ("value", "low", "high", "n")},
            "outcome": outcome.replace("_", " "),
            "reason": outcomes.get(gate.get("id"), {}).get("reason"),
            "state": STATES.get(outcome, "none"),
        }


def _slices(head: State, report: Document | None) -> Facts:
    """Return the plain metrics by slice: the columns, and a row for each slice."""
    measured = _measured(report) if report else {}
    plain = [(m, s, v) for (m, s, against), v in measured.items() if against is None]
    metrics = list(dict.fromkeys(metric for metric, part, _ in plain if part is not None))
    parts = list(dict.fromkeys(part for metric, part, _ in plain if metric in metrics))
    by_place = {(metric, part): value for metric, part, value in plain}
    rows = [
        {
            "name": "all rows" if part is None else part,
            "n": next((by_place[m, part].get("n") for m in metrics if (m, part) in by_place), None),
            "values": [by_place.get((metric, part)) for metric in metrics],
        }
        for part in parts
    ]
    units = _units(head)
    return {"metrics": [{"name": each, "unit": units.get(each)} for each in metrics], "rows": rows}


def _units(head: State) -> dict[object, object]:
    """Return the unit of each metric that a gate or a monitor holds to a limit."""
    gates = head.evaluation.get("gates") if head.evaluation else None
    monitors = head.monitoring.get("monitors") if head.monitoring else None
    return {
        each["metric"]: each.get("unit")
        for each in (*_items(monitors), *_items(gates))
        if isinstance(each.get("metric"), str)
    }


def _candidates(head: State) -> Iterator[Facts]:
    active = head.active.get("version") if head.active else None
    for doc in head.reports:
        version = doc.get("model", "version")
        outcomes = list(_items(doc.get("outcomes")))
        stopped = [
            str(each.get("gate"))
            for each in outcomes
            if each.get("outcome") not in ("pass", "not_applicable")
        ]
        verdict = str(doc.get("verdict"))
        yield {
            "version": version,
            "candidate": str(doc.get("model", "candidate")),
            "verdict": verdict,
            "state": STATES.get(verdict, "none"),
            "stopped": stopped,
            "active": version == active,
            "against": doc.get("champion", "version"),
            "path": doc.path,
        }


def _people(head: State, report: Document | None) -> Facts:
    """Return fairness and explanations, as far as they apply."""
    policy = head.evaluation

    def get(*keys: str) -> Any:  # noqa: ANN401 - a value of YAML
        return policy.get(*keys) if policy else None

    measured = _measured(report) if report else {}
    fairness = str(get("fairness", "metric") or "none")
    score = get("explainability", "score")
    return {
        "fairness": None
        if fairness == "none"
        else {
            "metric": fairness.replace("_", " "),
            "limit": get("fairness", "limit"),
            "attributes": _words(get("fairness", "attributes")),
            "found": measured.get((fairness, None, None)),
        },
        "explanation": {
            "method": str(get("explainability", "method") or "none").replace("_", " "),
            "score": measured.get((score, None, None)) if score else None,
            "limit": get("explainability", "limit"),
        },
        "review": [
            {
                "id": str(each.get("id", "")).replace("_", " "),
                "mode": str(each.get("mode", "")).replace("_", " "),
                "description": each.get("description"),
            }
            for each in _items(head.oversight.get("decision_types") if head.oversight else None)
        ],
    }


def _monitors(head: State) -> Iterator[Facts]:
    """Yield the monitors with what was last observed, oldest observation first."""
    observed: dict[object, list[Facts]] = {}
    for doc in sorted(head.tree.documents(OBSERVATIONS), key=lambda doc: doc.path):
        for each in _items(doc.get("monitors")):
            observed.setdefault(each.get("monitor"), []).append(each)
    for monitor in _items(head.monitoring.get("monitors") if head.monitoring else None):
        seen = observed.get(monitor.get("id"), [])
        values = [v for each in seen if isinstance(v := each.get("value"), int | float)]
        outcome = str(seen[-1].get("outcome")) if seen else "not observed yet"
        states = {"within": "good", "breached": "bad", "inconclusive": "unsure"}
        yield {
            **{key: monitor.get(key) for key in ("id", "metric", "limit", "unit", "window")},
            **{key: monitor.get(key) for key in ("action", "runbook", "direction", "owner")},
            "kind": _title(monitor.get("kind")),
            "values": values,
            "detail": str(seen[-1].get("detail") or "") if seen else "",
            "outcome": outcome,
            "state": states.get(outcome, "none"),
        }


def _exceptions(program: Program) -> Iterator[Facts]:
    today = _day(_today(program))
    for waiver in exceptions.of_base(program):
        ends = _day(waiver.expires)
        left = (ends - today).days if ends and today else None
        yield {
            "id": waiver.id, "rule": waiver.rule, "path": waiver.path, "expires": waiver.expires,
            "left": left, "problem": waiver.problem, "reason": waiver.doc.get("reason"),
            "state": "bad" if waiver.problem else "unsure" if (left or 0) <= _WARNS else "none",
        }  # fmt: skip


_WARNS = 14  # days before its end a waiver is marked


def _risks(head: State) -> Iterator[Facts]:
    tolerance = head.risks.get("tolerance") if head.risks else None
    for risk in _items(head.risks.get("risks") if head.risks else None):
        if risk.get("applies") is False:
            continue
        score = _score(risk)
        left = _score(risk.get("residual"))
        above = isinstance(tolerance, int) and left is not None and left > tolerance
        yield {
            **{key: risk.get(key) for key in ("id", "title", "treatment", "owner")},
            "score": score, "residual": left, "measures": _words(risk.get("measures")),
            "state": "bad" if above else "none",
        }  # fmt: skip


def _score(value: object) -> int | None:
    if not isinstance(value, dict):
        return None
    likelihood, impact = value.get("likelihood"), value.get("impact")
    if isinstance(likelihood, int) and isinstance(impact, int):
        return likelihood * impact
    return None


def _decisions(head: State) -> Iterator[Facts]:
    for doc in head.decisions:
        yield {
            "id": doc.get("id"), "title": doc.get("title"), "status": str(doc.get("status")),
            "date": doc.get("date"), "path": doc.path,
        }  # fmt: skip


def _drills(head: State) -> Iterator[Facts]:
    for doc in sorted(head.drills, key=lambda doc: doc.path, reverse=True):
        seconds = doc.get("seconds_to_restore")
        passed = doc.get("outcome") == "passed"
        yield {
            "on": str(doc.get("started_at", default=""))[:10],
            "fault": str(doc.get("fault", default="")).replace("_", " "),
            "seconds": seconds, "limit": doc.get("limit_minutes"),
            "served_by": doc.get("served_by"), "outcome": str(doc.get("outcome", default="")),
            "state": "good" if passed else "bad", "path": doc.path,
        }  # fmt: skip


def _incidents(head: State) -> Iterator[Facts]:
    for doc in sorted(head.incidents, key=lambda doc: doc.path, reverse=True):
        yield {
            "id": doc.get("id"), "title": doc.get("title"), "status": str(doc.get("status", "")),
            "on": str(doc.get("noticed_on") or ""), "path": doc.path,
        }  # fmt: skip


def _chain(head: State, active: Document | None, reports: dict[str, Document]) -> Iterator[Facts]:
    """Yield what the release in force rests on, from the data to the KPIs."""
    if active is None:
        for kind, docs in (("Data", head.contracts), ("Features", head.features)):
            for doc in docs:
                name = f"{doc.get('id')} {doc.get('version')}"
                yield {"kind": kind, "name": name, "detail": "declared", "path": doc.path}
        return
    version = _version(active)
    said = active.value["predicate"] if isinstance(active.value, dict) else {}
    report = reports.get(version)
    yield {
        "kind": "Data",
        "name": active.get("predicate", "data", "contract"),
        "detail": _short(active.get("predicate", "data", "digest")),
        "path": next((d.path for d in head.contracts), ""),
    }
    yield {
        "kind": "Features",
        "name": said.get("features"),
        "detail": f"{_count(head.features)} declared",
        "path": next((d.path for d in head.features), ""),
    }
    digest = active.get("subject", 0, "digest", "sha256")
    yield {
        "kind": "Model",
        "name": version,
        "detail": _short(digest),
        "path": f"{evidence.REGISTRY}/{version}.json",
    }
    if report is not None:
        count = len(list(_items(report.get("gates"))))
        yield {
            "kind": "Evaluation",
            "name": str(report.get("verdict")),
            "detail": f"{count} gates",
            "path": report.path,
        }
    yield {
        "kind": "Decision",
        "name": str(said.get("decision")),
        "detail": f"{len(list(_items(said.get('approvals'))))} approvals",
        "path": next((d.path for d in head.decisions if d.get("id") == said.get("decision")), ""),
    }
    yield {
        "kind": "Release",
        "name": f"{said.get('sequence'):04d}" if isinstance(said.get("sequence"), int) else "?",
        "detail": str(said.get("action")),
        "path": active.path,
    }
    actuals = next((d for d in head.kpis if d.get("release") == active.path), None)
    if actuals is not None:
        found = list(_items(actuals.get("actuals")))
        known = sum(each.get("value") is not None for each in found)
        yield {
            "kind": "KPIs",
            "name": f"{known} of {len(found)} measured",
            "detail": f"{sum(each.get('met') is True for each in found)} on target",
            "path": actuals.path,
        }


def _count(views: list[Document]) -> int:
    return sum(len(list(_items(view.get("features")))) for view in views)


def _short(digest: object) -> str:
    return str(digest or "").removeprefix("sha256:")[:10]


def _title(name: object) -> str:
    """Return a name as a heading has it; what is an abbreviation stays one."""
    text = str(name or "").replace("_", " ")
    return text.upper() if text == "kpi" else text.capitalize()


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _day(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
