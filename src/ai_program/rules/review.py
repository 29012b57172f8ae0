"""Rules of review: people look at what the system does, and learn from what went wrong."""

from __future__ import annotations

from ai_program import values
from ai_program.rules.base import Rule
from ai_program.rules.decisions import day

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program

    Keys = tuple[str | int, ...]
    Problem = tuple[Keys, str]

# What stands where somebody did not want to say how; none of it is a way to another outcome.
_NO_WAY = frozenset((
    "no", "none", "never", "nobody", "no one", "nothing", "n/a", "na", "not applicable",
    "not available", "not needed", "not planned", "not possible", "impossible", "unknown",
))  # fmt: skip

# Days from the day on which somebody knew: until the record is closed, and until the authority has
# the report that Art. 73 of the EU AI Act wants.
CLOSED_WITHIN = 30
REPORTED_WITHIN = {"serious": 15, "death": 10, "infrastructure": 2}


# Modes in which people look at single decisions, and those in which they look at each of them.
_REVIEWED = frozenset(("sample", "before_effect", "before_execution"))
_BEFORE = _REVIEWED - {"sample"}


class AIP406(Rule):
    """Whoever reviews exists, has the time, and can change the outcome."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield reviews that would happen on paper only."""
        policy = program.head.oversight
        if policy is None or not isinstance(policy.value, dict):
            return
        yield from self._impact(program, policy)
        for keys, kind in values.entries(policy, "decision_types"):
            yield from self._reviewer(program, policy, keys, kind)
            yield from self._time(policy, keys, kind)
            yield from self._ways(policy, keys, kind)

    def _impact(self, program: Program, policy: Document) -> Iterator[Finding]:
        """Look for the decision that makes the programme a serious one.

        That each decision of high impact is reviewed before its effect is a matter of the schema.
        """
        because = _serious(program)
        if not because or not isinstance(policy.get("decision_types"), list):
            return
        kinds = [kind for _, kind in values.entries(policy, "decision_types")]
        if kinds and all(kind.get("impact") == "low" for kind in kinds):
            yield self.finding(
                policy.key_at("decision_types"),
                f"no decision is of high impact, although {because}",
            )

    def _reviewer(
        self, program: Program, policy: Document, keys: Keys, kind: dict[str, Any]
    ) -> Iterator[Finding]:
        role, people = kind.get("reviewer_role"), program.head.people.values()
        if kind.get("mode") == "none" or not isinstance(role, str) or program.head.program is None:
            return
        if not any(person.active and role in person.roles for person in people):
            yield self.finding(
                policy.at(*keys, "reviewer_role"),
                f"{_name(kind)} is reviewed by the {role}, and nobody active has that role",
            )

    def _time(self, policy: Document, keys: Keys, kind: dict[str, Any]) -> Iterator[Finding]:
        """Compare what is to be reviewed with what can be, as soon as both are known."""
        rate = values.number(kind.get("sample_rate")) if kind.get("mode") == "sample" else 1
        expected, possible = (
            values.number(policy.get(*keys, "workload", key))
            for key in ("decisions_per_week", "reviews_per_week")
        )
        if rate is None or expected is None or possible is None:
            return
        due = rate * expected
        if possible < due:
            yield self.finding(
                policy.at(*keys, "workload", "reviews_per_week"),
                f"{possible:g} reviews of {_name(kind)} are possible in a week, {due:g} are due",
            )

    def _ways(self, policy: Document, keys: Keys, kind: dict[str, Any]) -> Iterator[Finding]:
        for key in ("override", "appeal"):
            said = kind.get(key)
            plain = " ".join(values.text(said).strip(" .!-_*()").lower().split())
            if isinstance(said, str) and (plain in _NO_WAY or not any(map(str.isalpha, plain))):
                yield self.finding(
                    policy.at(*keys, key),
                    f"the {key} of {_name(kind)} is {values.shown(said)}, which is no way to"
                    " another outcome",
                )


class AIP407(Rule):
    """Each decision leaves a trace, and reviews leave evidence that they were reviews."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what nobody could explain later, and reviews of which nothing is known."""
        policy = program.head.oversight
        if policy is None or not isinstance(policy.value, dict):
            return
        yield from self._trace(program, policy)
        sound = []
        for summary in self._readable(program):
            problems = list(_miscounted(program, summary))
            for keys, message in problems:
                yield self.finding(
                    summary.at(*keys), message, do="count the log again, and write what it says"
                )
            if not problems:
                sound.append(summary)
        released = program.head.active is not None or program.base.active is not None
        if released and _modes(policy).intersection(_REVIEWED):
            yield from self._last(program, policy, sound)

    def _trace(self, program: Program, policy: Document) -> Iterator[Finding]:
        fields = policy.get("decision_trace", "fields")
        if not isinstance(fields, list):
            return  # AIP001 says so
        missing = [f for f in program.baseline.tiers["decision_trace"] if f not in fields]
        if missing:
            yield self.finding(
                policy.key_at("decision_trace", "fields"),
                f"a decision leaves no trace of its {values.joined(missing)}",
                do="add the fields, and let whatever serves predictions write them",
            )

    @staticmethod
    def _readable(program: Program) -> list[Document]:
        """Return the summaries that have the form of their schema; AIP001 tells of the others."""
        from ai_program import schemas

        root = program.baseline.root
        return [
            summary
            for summary in program.head.summaries
            if not schemas.validate("review-summary", summary.value, root=root)
        ]

    def _last(
        self, program: Program, policy: Document, summaries: list[Document]
    ) -> Iterator[Finding]:
        """Look at the last summary; without one, at the first release."""
        snapshot = program.snapshot
        last = max(summaries, key=lambda each: each.value["period"]["to"], default=None)
        first = next(iter(program.head.releases), None)
        since = last.get("period", "to") if last else first and first.get("predicate", "created_at")
        most = program.baseline.tiers["cadence"]["review_summary_max_days"][program.tier]
        begun = day(since[:10]) if isinstance(since, str) else None
        today = day(snapshot.today)
        if begun is not None and today is not None and today - begun > most:
            at = last.at("period", "to") if last else policy.key_at("decision_types")
            # The clock alone is no fault of a change that has nothing to do with it.
            yield self.finding(
                at,
                f"what people reviewed is not known for {today - begun} days,"
                f" {most} are the most at tier {program.tier}",
                severity=None if snapshot.stage == "schedule" else "warning",
            )
        if last is not None:
            for keys, message in _unreviewed(policy, last, summaries):
                yield self.finding(last.at(*keys), message)


class AIP408(Rule):
    """What went wrong is understood, reported where the law wants it, and followed up."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield incidents that lead to nothing, and records that were made to look better.

        That no record is removed is a matter of AIP704.
        """
        snapshot = program.snapshot
        for incident in values.mappings(program.head.incidents):
            for keys, message in _told(program, incident):
                yield self.finding(incident.at(*keys), message)
            for keys, message in _overdue(program, incident):
                # The clock alone is no fault of a change that has nothing to do with it.
                later = incident.path not in snapshot.changed and snapshot.stage != "schedule"
                yield self.finding(
                    incident.at(*keys), message, severity="warning" if later else None
                )
            yield from self._late(incident)
            yield from self._kept(program, incident)

    def _late(self, incident: Document) -> Iterator[Finding]:
        """Tell a report that came too late; a blocked commit would only invite another date."""
        reported, last = day(incident.get("reported_on")), _report_by(incident)
        if reported is not None and last is not None and reported > last[0]:
            days = reported - last[0]
            yield self.finding(
                incident.at("reported_on"),
                f"it was reported {days} day{'s' * (days > 1)} too late: {last[1]}",
                do="leave the date as it is, and tell the authority why it took so long",
                severity="warning",
            )

    def _kept(self, program: Program, incident: Document) -> Iterator[Finding]:
        """Compare with the base: what is closed stays, and no duty is talked away."""
        from ai_program import authority
        from ai_program.polarity import same

        before = program.base.tree.document(incident.path)
        if before is None or not isinstance(before.value, dict) or before is incident:
            return
        if before.get("status") == incident.get("status") == "closed":
            for key in (*before.value, *(key for key in incident.value if key not in before.value)):
                if not same(before.get(key), incident.get(key)):
                    yield self.finding(
                        incident.at(key),
                        f"it is closed, and its `{key}` was changed",
                        do="take the change back, or reopen the incident: status in_progress",
                    )
            return
        old, new = _report_by(before), _report_by(incident)
        if old is None or (new is not None and new[0] <= old[0]):
            return
        key = "serious" if before.get("serious") != incident.get("serious") else "noticed_on"
        pointer = f"{incident.path}#{key}"
        reason = authority.missing(program, pointer, incident.get(key))
        if reason is not None:
            yield self.finding(
                incident.at(key),
                f"{key} was {values.shown(before.get(key))} and is"
                f" {values.shown(incident.get(key))}, which puts off the report, and {reason}",
                do=authority.remedy(pointer, incident.get(key)),
            )


class AIP409(Rule):
    """What is trained again is judged like the first version, and sees more than its own effect."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield retraining that nothing starts, nobody approves, or that feeds on itself."""
        policy = program.head.release
        if policy is not None and isinstance(policy.get("retraining"), dict):
            for key, message in self._problems(program, policy):
                yield self.finding(policy.at("retraining", key), message)
            yield from self._feedback(program, policy)

    @staticmethod
    def _problems(program: Program, policy: Document) -> Iterator[tuple[str, str]]:
        monitors = [entry for _, entry in values.entries(program.head.monitoring, "monitors")]
        calendar = policy.get("retraining", "every_days")
        if calendar is None and not any(each.get("action") == "retrain" for each in monitors):
            yield "every_days", "nothing starts a retraining: no day, and no monitor"
        window = values.number(policy.get("retraining", "window_days"))
        data = program.head.data
        kept = values.number(data.get("retention", "max_days")) if data else None
        if window is not None and kept is not None and window > kept:
            yield "window_days", f"it learns from {window:g} days, and data is kept for {kept:g}"
        if program.tier == "high" and policy.get("retraining", "promotion") == "automatic":
            yield (
                "promotion",
                "at the high tier no model comes into force without approval",
            )

    def _feedback(self, program: Program, policy: Document) -> Iterator[Finding]:
        """Ask the risk register whether the model moves what it learns from."""
        register = program.head.risks
        if register is None or not isinstance(register.get("risks"), list):
            return
        share = policy.get("retraining", "feedback", "share")
        risks: dict[str, list[tuple[Keys, dict[str, Any]]]] = {}
        for keys, risk in values.entries(register, "risks"):
            if isinstance(risk.get("kind"), str):
                risks.setdefault(risk["kind"], []).append((keys, risk))
        for kind in ("feedback_loop", "confounder"):
            if kind not in risks:
                yield self.finding(
                    register.key_at("risks"),
                    f"no entry is of the kind {kind}, not even to say that it does not apply",
                )
        for keys, risk in risks.get("feedback_loop", ()):
            treated = risk.get("applies") is True and risk.get("treatment") != "accept"
            if treated and share is None:
                yield self.finding(
                    policy.at("retraining", "feedback", "share"),
                    f"no outcome is free of the model, and {risk.get('id')} is not accepted",
                    related=[(register.at(*keys, "treatment"), "the risk")],
                )


def _miscounted(program: Program, summary: Document) -> Iterator[Problem]:
    """Yield what cannot be in a summary."""
    from ai_program import evidence

    yield from evidence.review_problems(summary.value)
    begin, end = (day(summary.get("period", key)) for key in ("from", "to"))
    today = day(program.snapshot.today)
    if begin is None or end is None or (today is not None and end > today):
        yield ("period", "to"), f"{summary.get('period', 'to')} is still to come, or no day at all"
    if summary.path != f"{evidence.REVIEWS}/{summary.get('period', 'to')}.json":
        yield ("period", "to"), f"the file is not called {summary.get('period', 'to')}.json"


def _unreviewed(policy: Document, last: Document, all_: list[Document]) -> Iterator[Problem]:
    """Yield what the last summary says about reviews that were none."""
    found = last.value
    earlier = [day(each.get("period", "to")) or 0 for each in all_ if each is not last]
    begin, until = day(found["period"]["from"]) or 0, max(earlier, default=0)
    if until and begin > until + 1:
        days = begin - until - 1
        yield (
            ("period", "from"),
            f"nothing is known of the {days} day{'s' * (days > 1)} before it",
        )
    if _modes(policy) <= _BEFORE and found["queued"] < found["decisions"]:
        unseen = found["decisions"] - found["queued"]
        yield ("queued",), f"every decision is to be reviewed, and {unseen} were not even queued"
    if found["queued"] and not found["reviewed"]:
        yield ("reviewed",), f"{found['queued']} decisions were to be reviewed, and none was"
    if found["reviewed"] and not found["bias_check"]["sample"]:
        yield (
            ("bias_check", "sample"),
            "nobody looked whether reviewers agree with whatever it says",
        )
    allowed = [
        values.number(kind.get("respond_within_hours"))
        for _, kind in values.entries(policy, "decision_types")
    ]
    hours = max((each for each in allowed if each is not None), default=None)
    if hours is not None and (found["oldest_open_hours"] or 0) > hours:
        yield (
            ("oldest_open_hours",),
            f"a review has waited for {found['oldest_open_hours']:g} h, {hours:g} h are promised",
        )


def _modes(policy: Document) -> set[str]:
    return {values.text(kind.get("mode")) for _, kind in values.entries(policy, "decision_types")}


def _told(program: Program, incident: Document) -> Iterator[Problem]:
    """Yield what an incident says that does not hold, whatever day it is."""
    file = incident.path.rpartition("/")[2]
    if isinstance(incident.get("id"), str) and f"{incident.get('id')}.yaml" != file:
        yield ("id",), f"the file is called {file}, the incident {incident.get('id')}"
    yield from _days(program, incident)
    last = ""
    for keys, entry in values.entries(incident, "timeline"):
        at = values.text(entry.get("at"))
        if at and at < last:
            yield (*keys, "at"), f"{at} stands after {last}"
        last = max(last, at)
    closed = incident.get("status") == "closed"
    if closed and _report_by(incident) is not None and incident.get("reported_on") is None:
        yield ("reported_on",), f"it is closed, and no report is dated: {_wanted(incident)}"
    for keys, action in values.entries(incident, "actions"):
        sprint, name = action.get("sprint"), action.get("item")
        if isinstance(sprint, str) and isinstance(name, str):
            item = _item(program, sprint, name)
            if item is None:
                yield (*keys, "item"), f"the backlog of {sprint} has no {name}"
            elif item.get("status") == "dropped":
                yield (*keys, "item"), f"{name} of {sprint} was dropped"


def _days(program: Program, incident: Document) -> Iterator[Problem]:
    """Yield days in an order that cannot be."""
    began, noticed, due = (day(incident.get(key)) for key in ("began_on", "noticed_on", "due"))
    today = day(program.snapshot.today)
    if noticed is not None and began is not None and began > noticed:
        yield ("began_on",), "it was noticed before it began"
    if noticed is not None and due is not None and due > noticed + CLOSED_WITHIN:
        yield (
            ("due",),
            f"it is due {due - noticed} days after it was noticed, {CLOSED_WITHIN} are allowed",
        )
    for key in ("noticed_on", "reported_on", "closed_on"):
        that = day(incident.get(key))
        if that is not None and today is not None and that > today:
            yield (key,), f"{incident.get(key)} is still to come"
        elif that is not None and noticed is not None and that < noticed:
            yield (key,), f"{incident.get(key)} is before it was noticed"


def _overdue(program: Program, incident: Document) -> Iterator[Problem]:
    """Yield what the clock says about an incident."""
    today = day(program.snapshot.today)
    if today is None:
        return
    closed, due = incident.get("status") == "closed", day(incident.get("due"))
    if not closed and due is not None and due < today:
        yield ("due",), f"it was to be closed by {incident.get('due')}"
    last = _report_by(incident)
    if not closed and incident.get("reported_on") is None and last is not None and last[0] < today:
        yield ("reported_on",), f"no report is dated, and the time for it is over: {last[1]}"
    for keys, action in values.entries(incident, "actions"):
        sprint, name, until = action.get("sprint"), action.get("item"), day(action.get("due"))
        if not isinstance(sprint, str) or not isinstance(name, str) or until is None:
            continue
        item = _item(program, sprint, name)
        if until < today and item is not None and item.get("status") not in ("done", "dropped"):
            yield (
                (*keys, "due"),
                f"{name} of {sprint} was due on {action.get('due')} and is {item.get('status')}",
            )


def _report_by(incident: Document) -> tuple[int, str] | None:
    """Return until which day a report is due, and why; None if the law wants none."""
    kind, noticed = incident.get("serious"), day(incident.get("noticed_on"))
    if not isinstance(kind, str) or kind not in REPORTED_WITHIN or noticed is None:
        return None
    return noticed + REPORTED_WITHIN[kind], _wanted(incident)


def _wanted(incident: Document) -> str:
    kind = incident.get("serious")
    return f"{kind} is reported within {REPORTED_WITHIN[kind]} days of {incident.get('noticed_on')}"


def _item(program: Program, sprint: str, name: str) -> dict[str, Any] | None:
    """Return the item of a sprint's backlog, None if there is none."""
    for backlog in program.head.backlogs:
        if backlog.get("sprint") == sprint:
            for _, item in values.entries(backlog, "items"):
                if item.get("id") == name:
                    return item
    return None


def _serious(program: Program) -> str:
    """Return why an output is too serious to take effect unseen, "" if nothing says so."""
    declared = program.head.program
    if declared is not None and declared.get("risk", "person_impact") == "legal_or_similar":
        return "person_impact is legal_or_similar"
    return "the tier is high" if program.tier == "high" else ""


def _name(kind: dict[str, Any]) -> str:
    return values.text(kind.get("id")) or "a decision"
