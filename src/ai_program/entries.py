"""Reads the structured answers: key results, sources, access, security and guardrails.

Each is a map of entries. An empty one takes the use case's own set; otherwise it is the whole set,
and each problem is noted at its own place within it.
"""

from __future__ import annotations

import datetime as dt

from ai_program import answers as written
from ai_program import workshop
from ai_program.answers import WrongAnswerError
from ai_program.workshop import PERSON_ROLES, PERSONAL_DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ai_program.examination import Examination

OBJECTIVE = "OBJ-1"

_FORMS = {
    "text": "text",
    "number": "a number",
    "date": "a date: 2027-03-31",
    "person": "a role of section B, or a person",
    "map": "a map",
}


def read(outcome: Examination) -> None:
    """Read every structured answer."""
    for key, question in workshop.questions().items():
        if question["type"] != "map" or outcome.has_problem(key):
            continue
        try:
            value = written.entries(outcome.given.get(key) or {})
        except WrongAnswerError as error:
            outcome.refuse(key, error.wrong, error.right, carried=error.carried)
            continue
        value = value or outcome.profile["answers"].get(key, {})
        if key == "security_requirements":
            outcome.answers[key] = _security(outcome, value)
            continue
        result = {}
        for entry, body in value.items():
            found = len(outcome.problems)
            fields = _READERS[key](outcome, f"{key}.{entry}", entry, body)
            if len(outcome.problems) == found:
                result[entry] = fields
        outcome.answers[key] = result
    _compare(outcome)
    _connect(outcome)


class _Fields:
    """Reads the fields of one entry."""

    def __init__(self, outcome: Examination, at: str, body: object, question: str) -> None:
        self.outcome = outcome
        self.at = at
        self.body: dict[str, Any] = body if isinstance(body, dict) else {}
        form = workshop.questions()[question]
        if not isinstance(body, dict):
            fields = ", ".join(f"{field}: …" for field in form["required"])
            outcome.refuse(at, f"{written.shown(body)} is not a map", "{" + fields + "}")
            return
        for field in body:
            if field not in form["entry"]:
                allowed = ", ".join(form["entry"])
                outcome.refuse(f"{at}.{field}", "is not a field of this entry", f"one of {allowed}")
        for field in form["required"]:
            if body.get(field) is None:
                outcome.refuse(f"{at}.{field}", "is missing", _FORMS[form["entry"][field]])

    def read(self, field: str, reader: Callable[[object], Any], default: object = None) -> Any:  # noqa: ANN401
        """Return what a field says, its default, or None where it can't be read."""
        value = self.body.get(field)
        if value is None:
            return default
        try:
            return reader(value)
        except WrongAnswerError as error:
            self.outcome.refuse(f"{self.at}.{field}", error.wrong, error.right)
            return None


def _one_of(*allowed: str) -> Callable[[object], str]:
    return lambda value: written.choice(value, dict.fromkeys(allowed, ""))


def _text(maximum: int) -> Callable[[object], str]:
    return lambda value: written.text(value, maximum=maximum)


def _owner(outcome: Examination, *, anybody: bool) -> Callable[[object], str]:
    """Return the reader of an owner: a role of section B, or a person."""

    def read_owner(value: object) -> str:
        if isinstance(value, str) and value in PERSON_ROLES:
            if value in outcome.people:
                return outcome.people[value].id
            if outcome.has_problem(value):
                return value  # the person is refused already
            raise WrongAnswerError(f"nobody is the {value}", "a role that is filled, or a person")
        person = written.person(value)
        for known in outcome.people.values():
            if known.same_as(person):
                return known.id
        if not anybody:
            raise WrongAnswerError(
                f"{person.id} is not among the people of the workshop",
                "one of them, or their role: " + ", ".join(PERSON_ROLES),
            )
        outcome.people[f"owner:{person.id.casefold()}"] = person
        return person.id

    return read_owner


def _in_role(outcome: Examination, role: str) -> str:
    person = outcome.people.get(role)
    return person.id if person else ""


def _note_name(outcome: Examination, at: str, entry: str, what: str) -> None:
    """Hold the name of an entry that stands in data to the stricter form it has there."""
    try:
        written.name(entry, what)
    except WrongAnswerError as error:
        outcome.refuse(at, error.wrong, error.right)


# Key results --------------------------------------------------------------------------------------


def _key_result(outcome: Examination, at: str, _: str, body: object) -> dict[str, Any]:
    fields = _Fields(outcome, at, body, "key_results")
    result = {
        "name": fields.read("name", _text(80)),
        "unit": fields.read("unit", _text(30)),
        "direction": fields.read("direction", _one_of("increase", "decrease")),
        "baseline": fields.read("baseline", written.number),
        "target": fields.read("target", written.number),
        "due": fields.read("due", written.date, quarter_end(outcome)),
        "owner": fields.read(
            "owner", _owner(outcome, anybody=False), _in_role(outcome, "accountable_owner")
        ),
        "source": fields.read("source", _text(200), "evidence/kpis"),
    }
    baseline, target, direction = result["baseline"], result["target"], result["direction"]
    if None not in (baseline, target, direction):
        better = target > baseline if direction == "increase" else target < baseline
        if not better:
            side = "above" if direction == "increase" else "below"
            outcome.refuse(
                f"{at}.target",
                f"{target} does not beat the baseline {baseline}",
                f"a target {side} {baseline} (direction: {direction})",
            )
    held = outcome.answers.get("workshop_date", "")
    if result["due"] and result["due"] <= held:
        outcome.refuse(f"{at}.due", f"{result['due']} is not after the workshop", f"after {held}")
    return result


def quarter_end(outcome: Examination) -> str:
    """Return the end of the quarter that lies 90 days after the workshop: time to measure."""
    if "workshop_date" not in outcome.answers:
        return ""
    held = dt.date.fromisoformat(outcome.answers["workshop_date"])
    day = held + dt.timedelta(90)
    month = (day.month - 1) // 3 * 3 + 3
    first_of_next = dt.date(day.year + month // 12, month % 12 + 1, 1)
    return (first_of_next - dt.timedelta(1)).isoformat()


# Sources and access -------------------------------------------------------------------------------


def _data_source(outcome: Examination, at: str, entry: str, body: object) -> dict[str, Any]:
    _note_name(outcome, at, entry, "source")
    fields = _Fields(outcome, at, body, "data_sources")
    result = {
        "owner": fields.read(
            "owner", _owner(outcome, anybody=True), _in_role(outcome, "data_owner")
        ),
        "description": fields.read("description", _text(300)),
        "personal_data": fields.read("personal_data", _one_of(*PERSONAL_DATA), "none"),
        "use": fields.read("use", _one_of("features", "fairness_evaluation"), "features"),
        "safeguards": fields.read("safeguards", _safeguards, {}),
    }
    if result["personal_data"] == "special":
        if result["use"] == "features":
            outcome.refuse(
                f"{at}.use",
                "special categories can't be features",
                "use: fairness_evaluation, with the six safeguards of Art. 4a(1)",
            )
        missing = [letter for letter in "abcdef" if letter not in (result["safeguards"] or {})]
        if missing:
            outcome.refuse(
                f"{at}.safeguards",
                f"nothing is recorded for {', '.join(missing)} of Art. 4a(1)",
                "how each of the six safeguards a to f is kept",
            )
    return result


def _safeguards(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not set(value) <= set("abcdef"):
        raise WrongAnswerError(
            "is not a map of the safeguards", "{a: …, b: …, c: …, d: …, e: …, f: …}"
        )
    return {letter: written.text(value[letter], maximum=300) for letter in sorted(value)}


def _access(outcome: Examination, at: str, entry: str, body: object) -> dict[str, Any]:
    _note_name(outcome, at, entry, "dataset")
    right = "{production: {read: [data_owner], write: [data_owner]}}"
    if not isinstance(body, dict) or not body:
        outcome.refuse(at, f"{written.shown(body)} is not a map of environments", right)
        return {}
    result: dict[str, Any] = {}
    for environment, rights in body.items():
        here = f"{at}.{environment}"
        if environment not in workshop.ENVIRONMENTS:
            allowed = ", ".join(workshop.ENVIRONMENTS)
            outcome.refuse(here, "is not an environment", f"one of {allowed}")
        elif not isinstance(rights, dict) or set(rights) != {"read", "write"}:
            outcome.refuse(here, "does not say who reads and who writes", right)
        elif environment == "production" and "*" in _listed(rights["write"]):
            outcome.refuse(
                f"{here}.write",
                "everybody may write to production",
                "the roles that may: [data_owner]",
            )
        else:
            result[environment] = {
                way: _roles(outcome, f"{here}.{way}", rights[way]) for way in ("read", "write")
            }
    return result


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _roles(outcome: Examination, at: str, value: object) -> list[str]:
    """Read a list of roles; * stands for all of them."""
    roles: list[str] = []
    for role in _listed(value):
        if role == "*":
            roles.extend(workshop.ROLES)
        elif role in workshop.ROLES:
            roles.append(role)
        else:
            allowed = ", ".join(workshop.ROLES)
            outcome.refuse(at, f"{written.shown(role)} is not a role", f"some of {allowed}")
    return list(dict.fromkeys(roles))


def _security(outcome: Examination, value: Mapping[str, Any]) -> dict[str, bool]:
    """Read the switches that were answered; the tier decides about the others later."""
    result: dict[str, bool] = {}
    for key, switch in value.items():
        at = f"security_requirements.{key}"
        if key not in workshop.SECURITY:
            allowed = ", ".join(workshop.SECURITY)
            outcome.refuse(at, "is not a security requirement", f"one of {allowed}")
            continue
        try:
            result[key] = written.boolean(switch)
        except WrongAnswerError as error:
            outcome.refuse(at, error.wrong, error.right)
    return result


# Guardrails ---------------------------------------------------------------------------------------


def _guardrail(outcome: Examination, at: str, _: str, body: object) -> dict[str, Any]:
    fields = _Fields(outcome, at, body, "guardrails")
    evaluation = outcome.profile["evaluation"]
    slices = {part["id"]: part["min_rows"] for part in evaluation["slices"]}

    def metric(value: object) -> str:
        if evaluation["metrics"]:
            return _one_of(*evaluation["metrics"])(value)
        return written.name(value, "metric")

    def rows(value: object) -> int | float:
        return written.number(value, minimum=1, maximum=10**9, integer=True)

    part = fields.read("slice", _one_of(*slices))
    return {
        "metric": fields.read("metric", metric),
        "compare_with": fields.read("compare_with", _one_of(*evaluation["compare_with"])),
        "slice": part,
        "direction": fields.read("direction", _one_of("higher", "lower")),
        "limit": fields.read("limit", written.number),
        "unit": fields.read("unit", _text(30)),
        "min_rows": fields.read("min_rows", rows, slices.get(part, evaluation["min_rows"])),
        "serves": fields.read("serves", _text(60)),
    }


def _compare(outcome: Examination) -> None:
    """Refuse a set of gates that nothing has to beat."""
    if "use_case" not in outcome.answers or outcome.has_problem("guardrails"):
        return
    compared = {gate["compare_with"] for gate in outcome.answers["guardrails"].values()}
    for needed in outcome.profile["evaluation"]["must_compare_with"]:
        if needed not in compared:
            outcome.refuse(
                "guardrails",
                f"no gate compares with {needed}",
                f"a gate with compare_with: {needed}; a limit alone can be met by luck",
            )


def _connect(outcome: Examination) -> None:
    """Let each gate serve a KPI that exists; the use case's own gates follow the answered KPIs."""
    kpis = [f"KPI-{entry}" for entry in outcome.answers.get("key_results", {})]
    answered = bool(outcome.given.get("guardrails")) and not outcome.has_problem("key_results")
    for entry, gate in outcome.answers.get("guardrails", {}).items():
        if gate["serves"] in {*kpis, OBJECTIVE}:
            continue
        if gate["serves"] is not None and answered:
            outcome.refuse(
                f"guardrails.{entry}.serves",
                f"{gate['serves']} does not exist",
                "one of " + ", ".join([*kpis, OBJECTIVE]),
            )
        gate["serves"] = OBJECTIVE


_READERS: dict[str, Callable[[Examination, str, str, object], dict[str, Any]]] = {
    "key_results": _key_result,
    "data_sources": _data_source,
    "access_roles": _access,
    "guardrails": _guardrail,
}
