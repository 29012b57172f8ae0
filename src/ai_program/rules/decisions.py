"""Rules of decisions: records that can be followed, never rewritten, and exceptions that end."""

from __future__ import annotations

from ai_program import values
from ai_program.catalogue import TIERS
from ai_program.findings import Location
from ai_program.rules.base import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.exceptions import Waiver
    from ai_program.findings import Finding
    from ai_program.polarity import Change
    from ai_program.program import Program
    from ai_program.snapshot import Tree

    Keys = tuple[str | int, ...]
    Problem = tuple[Keys, str]

DECISIONS = "decisions/[0-9]*.md"
LOCK = ".ai-program/lock.json"
MAX_AGE = 14  # days between a decision and the commit that brings its record
NOTICE = 14  # days before its end from which on an exception reminds of it

ASSESSMENT = "governance/impact-assessment.md"
AUDITS = "governance/audit-plan.yaml"
REVIEWS = "evidence/reviews"
# What goes wrong with nearly every model; a register that does not name it has forgotten it.
EXPECTED_RISKS = ("drift", "schema_change", "degradation", "confounder", "feedback_loop")
# The template's own words for what people still have to write.
_EXPECTED = "*Expected here:*"
# What an assessment is about: the document of a state, the place, and what people call it.
_ASSESSED = (
    ("program", ("risk", "tier"), "tier"),
    ("program", ("risk", "autonomy"), "autonomy"),
    ("data", ("purposes",), "purpose of the data"),
    ("data", ("personal_data",), "kind of personal data"),
)
# Areas in which deployers with a public task assess fundamental rights (Art. 27).
_PUBLIC = ("education", "essential_services", "law_enforcement", "migration", "justice")

# What may become of a record. A new one comes from "".
TRANSITIONS = {
    "": ("proposed", "accepted", "rejected"),
    "proposed": ("proposed", "accepted", "rejected"),
    "accepted": ("accepted", "superseded"),
    "rejected": ("rejected",),
    "superseded": ("superseded",),
}
# Statuses from which on a record stands.
FROZEN = ("accepted", "rejected", "superseded")
# Answers of a screen that say that there is something.
_ADMITTED = ("unsure", "applies", True)
# What else is looked at by itself.
_MAY_CHANGE = ("id", "status", "superseded_by")


class AIP501(Rule):
    """A decision record says all that a reader needs, under a name of its own."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what is wrong with records that came or changed."""
        changed = program.snapshot.changed
        for record in program.head.decisions:
            if record.path not in changed or not isinstance(record.value, dict):
                continue
            for keys, message in self._problems(program, record):
                yield self.finding(record.at(*keys), message)

    def _problems(self, program: Program, record: Document) -> Iterator[Problem]:
        yield from self._number(program, record)
        yield from self._status(program, record)
        yield from self._approvers(program, record)
        if program.snapshot.changed[record.path] == "A":
            yield from self._versions(program, record)

    @staticmethod
    def _number(program: Program, record: Document) -> Iterator[Problem]:
        name, number = record.get("id"), number_of(record.path)
        if not isinstance(name, str):
            return
        if name != f"DEC-{number:04d}":
            yield ("id",), f"the file is numbered {number:04d}, the record {name}"
            return
        file = record.path.rpartition("/")[2]
        if not file.startswith(f"{number:04d}-"):
            yield ("id",), f"the file of {name} is called {number:04d}-….md, not {file}"
        others = {path: number_of(path) for path in program.head.tree.glob(DECISIONS)}
        del others[record.path]
        for path, other in others.items():
            # Of two new ones the second is wrong.
            if other == number and (path < record.path or path not in program.snapshot.changed):
                yield ("id",), f"{path} has this number already"
        if number > 1 and number - 1 not in others.values():
            yield ("id",), f"there is no DEC-{number - 1:04d}, so this is not the next number"

    @staticmethod
    def _status(program: Program, record: Document) -> Iterator[Problem]:
        status, name = record.get("status"), record.get("id")
        before = program.base.tree.document(record.path)
        old = before.get("status") if before else None
        if old is None or isinstance(old, str):
            legal = TRANSITIONS.get(old or "", ())
            if isinstance(status, str) and legal and status not in legal:
                was = f"was {old}" if old else "is new"
                yield ("status",), f"it {was}, and cannot become {status}"
        records = {str(doc.get("id")): doc for doc in program.head.decisions}
        for key, back in (("superseded_by", "supersedes"), ("supersedes", "superseded_by")):
            named = record.get(key)
            if isinstance(named, str):
                other = records.get(named)
                if other is None:
                    yield (key,), f"there is no {named}"
                elif other.get(back) != name and "accepted" in (status, other.get("status")):
                    yield (key,), f"{named} does not say `{back}: {name}`"
        if isinstance(record.get("superseded_by"), str) and status == "accepted":
            yield ("status",), f"{record.get('superseded_by')} supersedes it: say so"

    @staticmethod
    def _approvers(program: Program, record: Document) -> Iterator[Problem]:
        approvers = record.get("approvers")
        if record.get("status") != "accepted" or not isinstance(approvers, list):
            return
        for index, name in enumerate(approvers):
            person = program.head.person(name)
            if isinstance(name, str) and (person is None or not person.active):
                state = "declared" if person is None else "active"
                yield (
                    ("approvers", index),
                    f"{name} is not {state} in policies/program.yaml",
                )

    @staticmethod
    def _versions(program: Program, record: Document) -> Iterator[Problem]:
        """Follow the versions that a new record names."""
        known = [f"{doc.get('id')}@{doc.get('version')}" for doc in program.head.contracts]
        data = record.get("versions", "data")
        for index, name in enumerate(data if isinstance(data, list) else ()):
            if isinstance(name, str) and name not in known:
                yield ("versions", "data", index), f"no data contract is {name}"
        model = record.get("versions", "model")
        if isinstance(model, str) and f"models/registry/{model}.json" not in program.head.tree:
            yield ("versions", "model"), f"no registered model is {model}"


class AIP502(Rule):
    """What was decided stays as it was decided."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield records that were removed, renamed, rewritten or dated wrongly."""
        snapshot = program.snapshot
        known = {doc.path: doc for doc in program.base.decisions}
        if snapshot.stage == "commit":
            # History is asked only where the base and the head disagree.
            known = {path: doc for path, doc in known.items() if path in snapshot.changed}
        if known:
            known = {**known, **_originals(program, list(known))}
        for path, original in known.items():
            yield from self._kept(program, path, original)
        for record in program.head.decisions:
            if snapshot.changed.get(record.path) == "A" and record.path not in known:
                yield from self._dated(program, record)

    def _kept(self, program: Program, path: str, original: Document) -> Iterator[Finding]:
        head, name = program.head, original.get("id")
        record = head.tree.document(path)
        if path not in head.tree:
            moved = [doc.path for doc in head.decisions if doc.get("id") == name]
            how = f"was renamed to {moved[0]}" if moved else "was deleted"
            yield self.finding(Location(path), f"{name} {how}; a record keeps its place")
            return
        if record is None or not isinstance(record.value, dict):
            return  # AIP001 says why it cannot be read
        base = [(original.at("id"), "base")]
        if record.get("id") != name:
            yield self.finding(
                record.at("id"), f"{name} was renumbered to {record.get('id')}", related=base
            )
        status = original.get("status")
        if status not in FROZEN:
            return
        for at, what in _rewritten(original, record):
            yield self.finding(at, f"{name} is {status}, and {what}", related=base)

    def _dated(self, program: Program, record: Document) -> Iterator[Finding]:
        """Compare the date of a new record with the day of its first commit."""
        snapshot, stated = program.snapshot, day(record.get("date"))
        first = snapshot.history.first(record.path) if snapshot.stage != "commit" else None
        committed = day(first.committed_on if first else snapshot.today)
        if stated is None or committed is None:
            return  # no day of the calendar, which AIP001 says
        age = committed - stated
        if age < 0:
            yield self.finding(record.at("date"), "it is dated later than its first commit")
        elif age > MAX_AGE and not self._generated(program, record):
            yield self.finding(
                record.at("date"),
                f"it is dated {age} days before its first commit, {MAX_AGE} are allowed",
                do="date the record on the day of the decision, and write it down within two weeks",
            )

    @staticmethod
    def _generated(program: Program, record: Document) -> bool:
        """Tell whether the record came with the programme: the workshop was before that."""
        snapshot = program.snapshot
        if snapshot.stage == "commit":
            return LOCK not in snapshot.base
        begun, first = snapshot.history.first(LOCK), snapshot.history.first(record.path)
        return begun is not None and first is not None and begun.oid == first.oid


class AIP503(Rule):
    """Whoever approves a record did not commit it, and at tier high has signed it."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield approvals of this change that need not come from whom they name.

        Who may approve at all is a matter of AIP303 and AIP501.
        """
        for record, place, names in _newly_approved(program):
            committed = _committers(program, record.path)
            for index, name in enumerate(names):
                reason = _unproven(program, record, name, committed)
                if reason is not None:
                    yield self.finding(record.at(*place, index), reason)


def _newly_approved(program: Program) -> Iterator[tuple[Document, Keys, list[object]]]:
    """Yield releases and decisions that this change approves, and where the names stand."""
    from ai_program.rules.evaluation import new_releases

    for release in new_releases(program):
        approvals = release.get("predicate", "approvals")
        listed = approvals if isinstance(approvals, list) else []
        names = [each.get("person") if isinstance(each, dict) else None for each in listed]
        yield release, ("predicate", "approvals"), names
    if program.base.program is None:
        return  # what the workshop decided came before there was anybody to approve it
    for decision in program.head.decisions:
        before = program.base.tree.document(decision.path)
        names = decision.get("approvers")
        if (
            decision.path in program.snapshot.changed
            and decision.get("status") == "accepted"
            and (before is None or before.get("status") != "accepted")
            and isinstance(names, list)
        ):
            yield decision, ("approvers",), names


def _committers(program: Program, path: str) -> set[str]:
    """Return the addresses of those who committed a file in this change."""
    from ai_program.snapshot import CannotDecide

    snapshot = program.snapshot
    span = [snapshot.head.commit or "HEAD"]
    if snapshot.base.commit is not None:
        span.append(f"^{snapshot.base.commit}")
    status, output, reason = snapshot.git.ask(
        "log", "--no-show-signature", "--format=%ce", *span, "--", path
    )
    if status:
        raise CannotDecide(f"git: {reason}")
    return {email.strip().lower() for email in output.decode(errors="replace").splitlines()}


def _unproven(program: Program, record: Document, name: object, committed: set[str]) -> str | None:
    """Return why an approval may come from somebody else, None if it cannot."""
    person = program.head.person(name)
    if person is None:
        return None  # nobody's approval counts anyway (AIP303, AIP501)
    before = program.base.people.get(person.handle)
    # Addresses that the change itself adds prove nothing.
    emails = before.emails if before is not None else person.emails
    if committed.intersection((*emails, *person.emails)):
        return f"{name} committed it, and approves it"
    if program.tier != "high":
        return None
    from ai_program import signatures
    from ai_program.documents import DocumentError

    path = signatures.path_of(record.path, person.handle)
    tree, keys = program.head.tree, program.base.tree
    if signatures.ALLOWED not in keys:
        return f"{name} cannot have signed it: the base has no {signatures.ALLOWED}"
    if path not in tree:
        return f"{name} has not signed it: there is no {path}"
    try:
        data, signature = tree.read(record.path), tree.read(path)
        allowed = keys.read(signatures.ALLOWED)
    except DocumentError as error:
        return f"the signature of {name} cannot be read: {error.message}"
    if not signatures.verified(data, signature, allowed, emails):
        return f"{path} is no signature of {name} under this record"
    return None


class AIP504(Rule):
    """What decides about everything else is changed by a decision, whichever way it goes."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield the sensitive places that changed without an accepted decision."""
        for entry in program.baseline.tiers["decided"]:
            path, _, place = entry["pointer"].partition("#")
            if program.snapshot.changed.get(path) == "M":
                yield from self._undecided(program, path, place, entry["why"])

    def _undecided(self, program: Program, path: str, place: str, why: str) -> Iterator[Finding]:
        from ai_program import layout, polarity

        kind = layout.of(program).kind(path)
        before, after = program.base.tree.document(path), program.head.tree.document(path)
        if kind is None or before is None or after is None or not isinstance(after.value, dict):
            return
        schema = program.baseline.value(f"schemas/{kind['schema']}")
        for change in polarity.compare(before.value, after.value, schema):
            # What tightens or loosens is AIP208's business.
            if change.direction != polarity.NEUTRAL or not _lies_in(change.pointer, place):
                continue
            if _undecided_yet(before, change.before) or _nobody_who_decides(program, change):
                continue
            # Who admits a risk, or leaves, needs nobody's leave.
            if change.after in (_ADMITTED if place.startswith("risk.") else (False,)):
                continue
            yield from self.undecided(program, before, after, change, schema=schema, because=why)


class AIP505(Rule):
    """An exception says what it waives, for how long, and who answers for that."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield exceptions that waive nothing, too much, for too long, or were stretched."""
        if not program.head.exceptions:
            return
        from ai_program import exceptions

        snapshot = program.snapshot
        for waiver in exceptions.of_head(program):
            doc = waiver.doc
            if waiver.problem is not None:
                only_time = (
                    doc.path not in snapshot.changed
                    and snapshot.stage != "schedule"
                    and waiver.problem.startswith("expired")
                )
                yield self.finding(
                    doc.at(*waiver.keys),
                    f"{waiver.id} {waiver.problem}",
                    severity="warning" if only_time else None,
                )
            for keys, message in (
                *_scope(waiver, snapshot.head),
                *_stretched(program, doc),
                *_approved(program, waiver),
            ):
                yield self.finding(doc.at(*keys), f"{waiver.id} {message}")
            end, today = day(waiver.expires), day(snapshot.today)
            if waiver.problem is not None or end is None or today is None:
                continue
            if end - today <= NOTICE and doc.path not in snapshot.changed:
                yield self.finding(
                    doc.at("expires"),
                    f"{waiver.id} expires on {waiver.expires}, within {NOTICE} days",
                    do="mend what it waives by then, or agree on a further exception in a new file",
                    severity="warning",
                )


class AIP506(Rule):
    """The register names what usually goes wrong, and what remains is what one can live with."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield kinds of risk that are missing, scores that do not add up, reviews that are due."""
        register = program.head.risks
        if register is None or not isinstance(register.value, dict):
            return
        yield from self._tolerance(program, register)
        entries = list(values.entries(register, "risks"))
        kinds = {entry.get("kind") for _, entry in entries}
        for kind in EXPECTED_RISKS:
            if kind not in kinds:
                yield self.finding(
                    values.top(register, "risks"),
                    f"no risk of the kind {kind} is listed",
                    do="add it; if it cannot happen here, with `applies: false` and the reason",
                )
        for keys, entry in entries:
            for place, message in self._scores(register, keys, entry):
                yield self.finding(register.at(*keys, *place), f"{entry.get('id')} {message}")
            yield from self._review(program, register, keys, entry)

    def _tolerance(self, program: Program, register: Document) -> Iterator[Finding]:
        """Ask a decision for living with more than before."""
        old, new = (
            values.number(each.get("tolerance")) if each is not None else None
            for each in (program.base.risks, register)
        )
        if old is None or new is None or new <= old:
            return
        from ai_program import authority

        pointer = f"{register.path}#tolerance"
        reason = authority.missing(program, pointer, new)
        if reason is not None:
            yield self.finding(
                register.at("tolerance"),
                f"tolerance raised from {old} to {new}, and {reason}",
                do=authority.remedy(pointer, new),
            )

    @staticmethod
    def _scores(register: Document, keys: Keys, entry: dict[str, Any]) -> Iterator[Problem]:
        if entry.get("applies") is not True:
            return
        before, after = _score(register, *keys), _score(register, *keys, "residual")
        tolerance = values.number(register.get("tolerance"))
        treatment = entry.get("treatment")
        if before is None or after is None:
            return
        if tolerance is not None and after > tolerance:
            yield ("residual",), f"remains at {after}, the tolerance is {tolerance}"
        if after > before:
            yield ("residual",), f"is {after} after its treatment and {before} before it"
        elif treatment == "accept" and after < before:
            yield ("residual",), f"is accepted, and yet falls from {before} to {after}"
        elif after < before and entry.get("status") == "done" and not entry.get("measures"):
            yield ("measures",), f"falls from {before} to {after} by no measure"

    def _review(
        self, program: Program, register: Document, keys: Keys, entry: dict[str, Any]
    ) -> Iterator[Finding]:
        snapshot = program.snapshot
        by, today = day(entry.get("review_by")), day(snapshot.today)
        if by is None or today is None:
            return
        at, name = register.at(*keys, "review_by"), entry.get("id")
        longest = program.baseline.tiers["cadence"]["audit_max_days"][program.tier]
        if by < today:
            # The clock alone holds up nobody who does something else.
            quiet = register.path not in snapshot.changed and snapshot.stage != "schedule"
            yield self.finding(
                at,
                f"{name} was to be reviewed by {entry['review_by']}",
                severity="warning" if quiet else None,
            )
        elif by - today > longest:
            yield self.finding(
                at,
                f"{name} is reviewed in {by - today} days, {longest} are the most at tier"
                f" {program.tier}",
            )


class AIP507(Rule):
    """The effect on people was assessed for the system as it is, not as it once was."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what is missing from an assessment that says it is done, and what made it old."""
        doc = program.head.tree.document(ASSESSMENT)
        if doc is None or not isinstance(doc.value, dict):
            return
        tier = program.head.tier
        if tier is not None and doc.get("tier") in TIERS and doc.get("tier") != tier:
            yield self.finding(
                doc.at("tier"),
                f"the tier {doc.get('tier')} was assessed, the programme's is {tier}",
            )
        if doc.get("status") != "done":
            return  # owed, which blocks promotion
        on, today = day(doc.get("assessed_on")), day(program.snapshot.today)
        if on is not None and today is not None and on > today:
            yield self.finding(
                doc.at("assessed_on"), f"it is dated {doc.get('assessed_on')}, which is not yet"
            )
        for title, (line, text) in doc.sections().items():
            if _EXPECTED in text:
                yield self.finding(
                    doc.line_at(line), f"the section {title} still says what is expected in it"
                )
        yield from self._references(program, doc)
        yield from self._old(program, doc)

    def _references(self, program: Program, doc: Document) -> Iterator[Finding]:
        head = program.head
        personal = head.data.get("personal_data") if head.data else None
        if personal == "special" and doc.get("dpia") is None:
            yield self.finding(
                doc.at("dpia"), "special categories of data are used, and no DPIA is named"
            )
        context = head.program.get("program", "legal_context") if head.program else None
        area = head.program.get("risk", "annex_area") if head.program else None
        if context in ("deployer", "both") and area in _PUBLIC and doc.get("fria") is None:
            yield self.finding(
                doc.at("fria"), f"a deployer in the area {area} names a FRIA, and none is named"
            )

    def _old(self, program: Program, doc: Document) -> Iterator[Finding]:
        """Yield what this change does to the system and leaves to an older assessment."""
        before = program.base.tree.document(ASSESSMENT)
        if before is None or before.get("assessed_on") != doc.get("assessed_on"):
            return
        from ai_program.polarity import same

        for kind, keys, name in _ASSESSED:
            old, new = getattr(program.base, kind), getattr(program.head, kind)
            if old and new and not same(old.get(*keys), new.get(*keys)):
                yield self.finding(
                    doc.at("assessed_on"),
                    f"the {name} changed, and the assessment is of {doc.get('assessed_on')}",
                    related=[(new.at(*keys), f"the {name}")],
                )


class AIP508(Rule):
    """Somebody looks at the programme from outside the sprint, as often as was promised."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield reviews that are late, not planned, or held without a record."""
        plan = program.head.tree.document(AUDITS)
        today = day(program.snapshot.today)
        if plan is None or not isinstance(plan.value, dict) or today is None:
            return
        reviews = list(values.entries(plan, "reviews"))
        for keys, entry in reviews:
            name, record, due = entry.get("id"), entry.get("record"), day(entry.get("due"))
            if entry.get("status") == "held" and isinstance(record, str):
                # That the record exists is AIP002's business.
                if _held_on(name, record) is None:
                    yield self.finding(
                        plan.at(*keys, "record"),
                        f"{name}: {record} is not called {REVIEWS}/{name}-YYYY-MM-DD.md",
                    )
            elif entry.get("status") == "planned" and due is not None and due < today:
                yield self.finding(plan.at(*keys, "due"), f"{name} was due on {entry['due']}")
        for kind, key, longest in (
            ("quarterly_checkpoint", "checkpoint_days", "checkpoint_max_days"),
            ("internal_audit", "audit_days", "audit_max_days"),
        ):
            most = program.baseline.tiers["cadence"][longest][program.tier]
            promised = values.number(plan.get("cadence", key))
            if promised is not None and promised > most:
                yield self.finding(
                    plan.at("cadence", key),
                    f"{key} is {promised}, {most} are the most at tier {program.tier}",
                )
            yield from self._rhythm(program, plan, kind, int(min(promised or most, most)), today)

    def _rhythm(
        self, program: Program, plan: Document, kind: str, days: int, today: int
    ) -> Iterator[Finding]:
        entries = [e for _, e in values.entries(plan, "reviews") if e.get("kind") == kind]
        words = kind.replace("_", " ")
        if not any(entry.get("status") == "planned" for entry in entries):
            yield self.finding(values.top(plan, "reviews"), f"no {words} is planned")
        held = [
            on
            for entry in entries
            if entry.get("status") == "held"
            and entry.get("record") in program.head.tree
            and (on := _held_on(entry.get("id"), entry.get("record"))) is not None
            and on <= today
        ]
        charter = program.head.program
        begun = day(charter.get("program", "workshop_date")) if charter else None
        last = max(held, default=begun)
        if last is not None and today - last > days:
            yield self.finding(
                values.top(plan, "reviews"),
                f"there was no {words} for {today - last} days, {days} are the most",
            )


def _held_on(name: object, record: object) -> int | None:
    """Return the day of a review, which its record's name says."""
    if not isinstance(name, str) or not isinstance(record, str):
        return None
    begin, end = f"{REVIEWS}/{name}-", ".md"
    if not (record.startswith(begin) and record.endswith(end)):
        return None
    return day(record[len(begin) : -len(end)])


def _score(register: Document, *keys: str | int) -> int | None:
    """Return likelihood times impact, None if one of them is no number."""
    factors = [register.get(*keys, key) for key in ("likelihood", "impact")]
    return factors[0] * factors[1] if all(type(f) is int for f in factors) else None


def _lies_in(pointer: str, place: str) -> bool:
    """Tell whether a pointer is the place or lies in it, or has the place in itself."""
    return any(
        inner == outer or inner.startswith((f"{outer}.", f"{outer}["))
        for inner, outer in ((pointer, place), (place, pointer))
    )


def _undecided_yet(before: Document, value: object) -> bool:
    """Tell whether nothing was decided about a place: the programme is a draft.

    But it is not undecided that a screen found something, or was not sure.
    """
    return before.get("program", "status") == "draft" and value not in _ADMITTED


def _nobody_who_decides(program: Program, change: Change) -> bool:
    """Tell whether the change is about a person who answers for nothing, before and after it."""
    if not change.pointer.startswith("people["):
        return False
    from ai_program import authority

    deciding = {*authority.permitted_roles(program)}
    deciding.update(program.baseline.tiers["required_roles"][program.tier])
    for state, keys in ((program.base, change.before_keys), (program.head, change.after_keys)):
        for person in state.people.values():
            if keys[1:2] == (person.index,) and deciding.intersection(person.roles):
                return False
    return True


def _scope(waiver: Waiver, tree: Tree) -> Iterator[Problem]:
    """Yield what is wrong with the place that an exception names."""
    if not waiver.path:
        return
    if any(mark in waiver.path.partition("/")[0] for mark in "*?["):
        yield ("path",), f"waives {waiver.path}, which is nearly everything; name a folder at least"
    elif not tree.glob(waiver.path):
        yield ("path",), f"waives {waiver.path}, and there is no such file"


def _approved(program: Program, waiver: Waiver) -> Iterator[Problem]:
    """Yield why the approval of a new exception, good in itself, does not count here."""
    doc = waiver.doc
    if waiver.problem is not None or program.snapshot.changed.get(doc.path) != "A":
        return
    from ai_program import authority

    reason = authority.refusal(program, doc.get("approver"), authority.writers(program, doc.path))
    if reason is not None:
        yield ("approver",), f"is not approved: {reason}"


def _stretched(program: Program, doc: Document) -> Iterator[Problem]:
    """Yield what was changed in an exception that the base has: it may only end earlier."""
    before = program.base.tree.document(doc.path)
    if before is None or not isinstance(before.value, dict) or not isinstance(doc.value, dict):
        return
    for key in (*before.value, *(key for key in doc.value if key not in before.value)):
        old, new = before.get(key), doc.get(key)
        earlier = key == "expires" and isinstance(old, str) and isinstance(new, str) and new < old
        if old != new and not earlier:
            yield (key,), f"was changed in `{key}`; a further exception is a new file"


def _rewritten(original: Document, record: Document) -> Iterator[tuple[Location, str]]:
    """Yield where a record that stands differs from what it was."""
    from ai_program.polarity import same

    for key in (*original.value, *(key for key in record.value if key not in original.value)):
        if key not in _MAY_CHANGE and not same(original.get(key), record.get(key)):
            yield record.at(key), f"its `{key}` was changed"
    old = original.get("superseded_by")
    if old is not None and record.get("superseded_by") != old:
        yield record.at("superseded_by"), "its `superseded_by` was changed"
    before, after = (doc.body.rstrip().split("\n") for doc in (original, record))
    if before != after:
        pairs = zip(before, after, strict=False)
        first = next((n for n, (was, is_) in enumerate(pairs) if was != is_), len(before))
        line = record.body_line + min(first, len(after) - 1)
        yield record.line_at(line), "its text was changed"


def _originals(program: Program, paths: list[str]) -> dict[str, Document]:
    """Return the records as they first stood on the base's own line of commits.

    Only there: what was accepted on a branch is free until the branch is merged. After the commit
    stage also those that the base has lost, so that what slipped through once is still found.
    """
    from ai_program import ledger

    snapshot = program.snapshot
    found: dict[str, Document] = {}
    for state, path in ledger.line(snapshot, "decisions"):
        if path in found or not is_decision(path):
            continue
        record = state.document(path)
        lost = path not in snapshot.head and snapshot.stage != "commit"
        if record is not None and (path in paths or lost) and record.get("status") in FROZEN:
            found[path] = record
    return found


def is_decision(path: str) -> bool:
    """Tell whether a path is that of a decision record."""
    folder, _, name = path.rpartition("/")
    return folder == "decisions" and name[:1].isdigit() and name.endswith(".md")


def number_of(path: str) -> int:
    """Return the number that a record's file name begins with, 0 if that is no number."""
    digits = path.rpartition("/")[2].partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0


def day(text: object) -> int | None:
    """Return a day of the calendar as a number, None if it is none."""
    from datetime import date

    try:
        return date.fromisoformat(text).toordinal() if isinstance(text, str) else None
    except ValueError:
        return None
