"""Examines the answers of a workshop: each by itself, then against the others.

Everything that is wrong is found in one go, because a workshop is half a day of people who are hard
to get together again.
"""

from __future__ import annotations

from ai_program import answers as written
from ai_program import naming, risk, workshop
from ai_program.answers import Person, WrongAnswerError
from ai_program.workshop import PERSONAL_DATA, REVIEW_BEFORE, SUGGESTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Problem:
    """One answer that can't be used: which, what is wrong, what would be right."""

    __slots__ = ("carried", "question", "right", "wrong")

    def __init__(self, question: str, wrong: str, right: str, *, carried: bool = True) -> None:
        self.question = question  # with the place within a map: key_results.mae.target
        self.wrong = wrong
        self.right = right
        self.carried = carried  # whether cookiecutter asks it again as it was given

    def __str__(self) -> str:
        return f"{self.question}: {self.wrong}; right: {self.right}"

    __repr__ = __str__


class RefusedError(Exception):
    """The answers of a workshop can't be used; ``problems`` holds every reason."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Examination:
    """The outcome: each answer that could be read, and every problem."""

    __slots__ = ("answers", "floor", "given", "people", "problems", "profile")

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.profile = workshop.profile(given.get("use_case", _default_use_case()))
        self.answers: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.people: dict[str, Person] = {}  # by role; other owners by "owner:" and their id
        self.floor: dict[str, Any] = {"tier": "minimal", "reasons": []}

    def refuse(self, question: str, wrong: str, right: str, *, carried: bool = True) -> None:
        """Note a problem with an answer."""
        self.problems.append(Problem(question, wrong, right, carried=carried))

    def has_problem(self, question: str) -> bool:
        """Whether a question, or a place within its answer, has a problem."""
        return any(_question_of(problem) == question for problem in self.problems)


def examine(given: Mapping[str, Any]) -> Examination:
    """Read every answer and hold it against the others; a missing answer takes its default."""
    from ai_program import entries

    outcome = Examination(given)
    _judge_safety(outcome)
    _read_simple(outcome)
    _judge_people(outcome)
    _identify(outcome)
    entries.read(outcome)
    _suggest(outcome)
    _judge_tier(outcome)
    _judge_oversight(outcome)
    _judge_security(outcome)
    _judge_data(outcome)
    order = list(workshop.questions())
    outcome.answers = {key: outcome.answers[key] for key in order if key in outcome.answers}
    outcome.problems.sort(
        key=lambda p: order.index(_question_of(p)) if _question_of(p) in order else -1
    )
    return outcome


def _question_of(problem: Problem) -> str:
    return problem.question.partition(".")[0]


def _default_use_case() -> str:
    return str(workshop.questions()["use_case"]["default"])


# Each answer by itself ----------------------------------------------------------------------------


def _judge_safety(outcome: Examination) -> None:
    """Refuse questions that don't exist, and what must not reach any renderer."""
    for key, value in outcome.given.items():
        if key not in workshop.questions():
            outcome.problems.append(_unknown(key))
            continue
        try:
            written.clean(value)
        except WrongAnswerError as error:
            outcome.refuse(key, error.wrong, error.right, carried=False)


def _unknown(key: object) -> Problem:
    import difflib

    near = difflib.get_close_matches(str(key), list(workshop.questions()), 1)
    right = (
        f"did you mean {near[0]}?"
        if near
        else "leave it out; the questions are in docs/workshop.md"
    )
    name = key if isinstance(key, str) and key.isidentifier() else written.shown(key)
    return Problem(name, "is not a question of the workshop", right, carried=False)


def _read_simple(outcome: Examination) -> None:
    """Read every answer that is not a map."""
    before = {"use_case": _default_use_case(), **outcome.given}
    for key, question in workshop.questions().items():
        if question["type"] == "map" or outcome.has_problem(key):
            continue
        if key not in before or key not in outcome.given:
            before[key] = workshop.default_of(key, before)
        try:
            outcome.answers[key] = _read(question, before[key], outcome)
        except WrongAnswerError as error:
            outcome.refuse(key, error.wrong, error.right, carried=error.carried)


def _read(question: dict[str, Any], value: object, outcome: Examination) -> object:
    """Read one answer by the grammar of its type."""
    kind = question["type"]
    if kind == "text":
        text = written.text(value, minimum=question["min_length"], maximum=question["max_length"])
        if question["id"] == "program_name":
            naming.slug_of(text)
        return text
    if kind == "choice":
        return written.choice(value, question["choices"])
    if kind == "number":
        return written.number(
            value, minimum=question["minimum"], maximum=question["maximum"], integer=True
        )
    if kind == "limit":
        return SUGGESTED if value == SUGGESTED else written.limit(value, question["metrics"])
    if kind == "person":
        if question.get("optional") and (value is None or not str(value).strip()):
            return ""
        outcome.people[question["id"]] = person = written.person(value)
        return str(person)
    readers = {
        "boolean": written.boolean, "date": written.date, "sprint": written.sprint,
        "list": written.names,
    }  # fmt: skip
    return readers[kind](value)


# The answers against each other -------------------------------------------------------------------


def _judge_people(outcome: Examination) -> None:
    owner, validator = outcome.people.get("accountable_owner"), outcome.people.get("validator")
    if owner and validator and owner.same_as(validator):
        outcome.refuse(
            "validator",
            f"{validator.id} is also the accountable owner",
            "somebody else: who answers for the outcome does not validate it",
        )
    addresses: dict[str, Person] = {}
    for role, person in outcome.people.items():
        address = person.email.casefold()
        first = addresses.setdefault(address, person) if address else person
        if first.handle and person.handle and first.handle.casefold() != person.handle.casefold():
            outcome.refuse(
                role,
                f"{person.email} belongs to {first.handle} and to {person.handle}",
                "one handle per person, so that duties can be told apart",
            )


def _identify(outcome: Examination) -> None:
    """Give everybody one name, although one answer has the handle and another the address."""
    known: list[Person] = []
    for role, person in outcome.people.items():
        for other in outcome.people.values():
            if not person.handle and other.handle and other.same_as(person):
                person = Person(other.handle, person.email)  # noqa: PLW2901 - the same person
        first = next((other for other in known if other.same_as(person)), person)
        known.append(person)
        outcome.people[role] = Person(first.handle or person.handle, person.email)


def _suggest(outcome: Examination) -> None:
    """Replace what is suggested by what the use case and the other answers imply."""
    answers, own = outcome.answers, outcome.profile["answers"]

    def settle(key: str, value: object) -> None:
        if answers.get(key) == SUGGESTED:
            answers[key] = value

    settle("person_impact", own["person_impact"])
    settle("autonomy", own["autonomy"])
    levels = [source["personal_data"] for source in answers.get("data_sources", {}).values()]
    settle("personal_data", max([own["personal_data"], *levels], key=PERSONAL_DATA.index))
    personal = answers.get("personal_data") != "none"
    settle("lawful_basis", own["lawful_basis"] if personal else "not_applicable")
    outcome.floor = risk.floor_of(answers)
    order = workshop.load("tiers.yaml")["order"]
    settle("risk_tier", max(outcome.profile["tier"], outcome.floor["tier"], key=order.index))
    unmeasured = risk.affects_people(answers) and own["fairness_metric"] == "none"
    settle("fairness_metric", own["fairness_if_people" if unmeasured else "fairness_metric"])
    unexplained = answers.get("risk_tier") == "high" and own["explainability_method"] == "none"
    settle(
        "explainability_method",
        "permutation_importance" if unexplained else own["explainability_method"],
    )
    late = risk.high_impact(answers) and own["human_review_mode"] not in REVIEW_BEFORE
    settle("human_review_mode", "before_effect" if late else own["human_review_mode"])
    if "security_requirements" in answers:
        required = risk.required_security(answers.get("risk_tier", "minimal"))
        answers["security_requirements"] = {
            key: answers["security_requirements"].get(key, key in required)
            for key in workshop.SECURITY
        }


def _judge_tier(outcome: Examination) -> None:
    answers, order = outcome.answers, workshop.load("tiers.yaml")["order"]
    if answers.get("prohibited_screen") == "applies":
        outcome.refuse(
            "prohibited_screen",
            "a practice that Art. 5(1) of the EU AI Act bans applies",
            "a programme that does without it; such a system can't be built",
        )
    tier = answers.get("risk_tier")
    if tier is None or order.index(tier) >= order.index(outcome.floor["tier"]):
        return
    because = [
        f"{reason['why']} ({reason['question']}: {written.shown_word(reason['answer'])})"
        for reason in outcome.floor["reasons"]
        if order.index(reason["tier"]) > order.index(tier)
    ]
    outcome.refuse(
        "risk_tier",
        f"{tier} is below the floor {outcome.floor['tier']}: {'; '.join(because)}",
        f"{outcome.floor['tier']}, or suggested",
    )


def _judge_oversight(outcome: Examination) -> None:
    answers = outcome.answers
    high = answers.get("risk_tier") == "high"
    if high and answers.get("domain_expert") == "":
        outcome.refuse("domain_expert", "is empty at the high tier", "a person who knows the field")
    mode = answers.get("human_review_mode")
    if risk.high_impact(answers) and mode not in {*REVIEW_BEFORE, None}:
        outcome.refuse(
            "human_review_mode",
            "acts with a legal effect that can't be undone would happen without review"
            if risk.irreversible(answers)
            else f"{mode} is too late for a high impact",
            " or ".join(REVIEW_BEFORE),
        )
    if risk.affects_people(answers) and answers.get("fairness_metric") == "none":
        outcome.refuse(
            "fairness_metric",
            "is none, although people are affected",
            f"a metric and its limit: {outcome.profile['answers']['fairness_if_people']}",
        )
    if high and answers.get("explainability_method") == "none":
        outcome.refuse(
            "explainability_method",
            "is none at the high tier",
            "permutation_importance, interpretable_model or local_attribution",
        )


def _judge_security(outcome: Examination) -> None:
    tier = outcome.answers.get("risk_tier", "minimal")
    for key in risk.required_security(tier):
        if not outcome.answers.get("security_requirements", {}).get(key, True):
            outcome.refuse(
                f"security_requirements.{key}",
                f"is switched off at the {tier} tier",
                "true: the tier requires it",
            )


def _judge_data(outcome: Examination) -> None:
    answers = outcome.answers
    level = answers.get("personal_data", "none")
    if level != "none" and answers.get("lawful_basis") == "not_applicable":
        outcome.refuse(
            "lawful_basis",
            f"is not_applicable, although the data is personal ({level})",
            "consent, contract, legal_obligation, vital_interests, public_task or "
            "legitimate_interests",
        )
    if "personal_data" in answers and not outcome.has_problem("data_sources"):
        _judge_sources(outcome, level)
    missing = [
        trait
        for trait in workshop.load("tiers.yaml")["protected_traits"]
        if trait not in answers.get("banned_features", [trait])
    ]
    if missing:
        outcome.refuse(
            "banned_features",
            f"lacks {', '.join(missing)}",
            "the whole list of protected traits, and what you add to it",
        )


def _judge_sources(outcome: Examination, level: str) -> None:
    """Hold what was said of the data as a whole against what was said of each source."""
    sources = outcome.answers["data_sources"]
    for key, source in sources.items():
        if PERSONAL_DATA.index(source["personal_data"]) > PERSONAL_DATA.index(level):
            outcome.refuse(
                "personal_data",
                f"is {level}, but the source {key} is {source['personal_data']}",
                str(source["personal_data"]),
            )
    if level == "special" and all(s["personal_data"] != "special" for s in sources.values()):
        outcome.refuse(
            "personal_data",
            "is special, but no source records the safeguards",
            "in data_sources the source with personal_data: special, use: fairness_evaluation and "
            "its safeguards",
        )
