"""Data about people: on which ground it is used, what is fenced off, and who gets at it."""

from __future__ import annotations

from ai_program import contracts, values
from ai_program.contracts import PERSONAL_DATA
from ai_program.rules.base import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.contracts import Field
    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program, State

    Keys = tuple[str | int, ...]

DAYS = {"d": 1, "day": 1, "days": 1, "m": 31, "month": 31, "months": 31,
        "y": 366, "yr": 366, "year": 366, "years": 366}  # fmt: skip
SAFEGUARDS = tuple(f"4a(1)({letter})" for letter in "abcdef")
# Where nobody is harmed if everybody may write.
TRIALS = ("development", "test")


class AIP104(Rule):
    """Data about people has a ground, a purpose, an end and a way to be deleted."""

    def check(self, program: Program) -> Iterator[Finding]:
        policy = program.head.data
        if policy is None or not isinstance(policy.value, dict):
            return
        personal = [
            (doc, field)
            for doc in values.mappings(program.head.contracts)
            for field in contracts.fields(doc)
            if _personal(field) in PERSONAL_DATA[1:]
        ]
        if personal:
            yield from self._ground(policy, *personal[0])
        yield from self._retention(program.head, policy, {doc.path for doc, _ in personal})
        yield from self._purposes(program, policy)
        if policy.get("lawful_basis") == "consent":
            yield from self._consent(program, policy)

    def _ground(self, policy: Document, doc: Document, field: Field) -> Iterator[Finding]:
        related = ((doc.at(*field.keys, "name"), "data about people"),)
        if policy.get("lawful_basis") == "not_applicable":
            yield self.finding(
                policy.at("lawful_basis"),
                f"there is no lawful basis, and the field {field.name} of {doc.get('id')} is "
                "data about people",
                do="name the basis under which it is processed",
                related=related,
            )
        way = values.text(policy.get("retention", "deletion_path"))
        if way.lower().rstrip(".") in ("none", "no", "n/a", "na", "-", "not applicable", "never"):
            yield self.finding(
                policy.at("retention", "deletion_path"),
                f"data about people is kept, and the way to delete it is {values.shown(way)}",
                do="write how the rows of one person are deleted, copies included",
                related=related,
            )

    def _retention(self, head: State, policy: Document, personal: set[str]) -> Iterator[Finding]:
        """Compare what each contract about people promises with the limit of all data."""
        limit = values.number(policy.get("retention", "max_days"))
        for doc in values.mappings(head.contracts):
            if doc.path not in personal:
                continue
            said = [
                (keys, promise)
                for keys, promise in values.entries(doc, "slaProperties")
                if promise.get("property") == "retention"
            ]
            if not said:
                yield self.finding(
                    values.top(doc, "slaProperties"),
                    "the contract does not say how long data about people is kept",
                    do="add the property retention with value and unit to slaProperties",
                )
            for keys, promise in said:
                amount, unit = values.number(promise.get("value")), promise.get("unit")
                days = DAYS.get(unit.lower()) if isinstance(unit, str) else None
                if amount is None or days is None:
                    yield self.finding(
                        doc.at(*keys, "value"),
                        "retention is not a number of days, months or years",
                        do="write for instance value: 180, unit: d",
                    )
                elif limit is not None and amount * days > limit:
                    yield self.finding(
                        doc.at(*keys, "value"),
                        f"{doc.get('id')} keeps data for {amount * days:,} days, and {limit:,} are "
                        "allowed",
                        related=((policy.at("retention", "max_days"), "the limit"),),
                    )

    def _purposes(self, program: Program, policy: Document) -> Iterator[Finding]:
        """What the programme does is among the purposes, and each of these was consented to."""
        purposes = values.texts(policy.get("purposes"))
        charter = program.head.program
        use_case = charter.get("program", "use_case") if charter else None
        if isinstance(use_case, str) and use_case != "other" and use_case not in purposes:
            yield self.finding(
                policy.key_at("purposes"),
                f"the programme is for {use_case}, which the data may not be used for",
                do=f"add {use_case}, with a decision; or stop using the data",
            )
        agreed = policy.get("consent", "purposes")
        if policy.get("lawful_basis") == "consent" and isinstance(agreed, list):
            for keys, purpose in values.items(policy, "purposes"):
                if purpose not in agreed:
                    yield self.finding(
                        policy.at(*keys),
                        f"nobody consented to the purpose {purpose}",
                        do="ask for consent to it and record that under consent, or drop the "
                        "purpose",
                        related=((policy.key_at("consent", "purposes"), "what was consented to"),),
                    )

    def _consent(self, program: Program, policy: Document) -> Iterator[Finding]:
        """An open register is owed; no version is released on consent that nobody recorded."""
        if policy.get("consent", "status") == "done":
            return
        from ai_program.rules.evaluation import new_releases, subject

        for release in new_releases(program):
            if release.get("predicate", "action") != "rollback":
                yield self.finding(
                    policy.key_at("consent"),
                    f"{subject(release)[1]} is released, and no register of consents is named",
                    do="name the register and show that a withdrawal takes effect, then release",
                )


class AIP105(Rule):
    """Special categories serve to find bias only, behind six safeguards, until a day."""

    def check(self, program: Program) -> Iterator[Finding]:
        head = program.head
        policy = head.data
        special = [
            (doc, field)
            for doc in values.mappings(head.contracts)
            for field in contracts.fields(doc)
            if _personal(field) == "special"
        ]
        yield from self._seen(head, special)
        if policy is None or not isinstance(policy.value, dict):
            return
        holders = {doc.path: (doc, field) for doc, field in reversed(special)}
        known = set()
        for keys, source in values.entries(policy, "sources"):
            path = source.get("contract")
            held = holders.get(path) if isinstance(path, str) else None
            known.add(path)
            if held is not None or source.get("personal_data") == "special":
                yield from self._source(program, policy, keys, source, held)
        for path, (doc, field) in holders.items():
            if path not in known:
                yield self.finding(
                    doc.at(*field.keys, "name"),
                    f"the field {field.name} is of a special category, and no source of "
                    "policies/data.yaml has this contract",
                    do="declare the source with personal_data: special and "
                    "use: fairness_evaluation",
                )
        if special or policy.get("personal_data") == "special":
            yield from self._safeguards(policy)

    def _seen(self, head: State, special: list[tuple[Document, Field]]) -> Iterator[Finding]:
        """Look for what a feature view reads: inputs, keys, and what stands around them."""
        from ai_program.rules.data import reads, views

        for doc, contract in views(head):
            fields = [field for held, field in special if held is contract]
            for at, name in reads(doc):
                for field in fields:
                    # Whoever reads a field reads its parts.
                    if f"{field.name}.".startswith(f"{name}."):
                        yield self.finding(
                            doc.at(*at),
                            f"{name} is an input, and {field.name} of {contract.get('id')} is of "
                            "a special category",
                            do="take it out of the features; no decision allows it",
                            related=((contract.at(*field.keys, "name"), "the field"),),
                        )

    def _source(
        self,
        program: Program,
        policy: Document,
        keys: Keys,
        source: dict[str, Any],
        held: tuple[Document, Field] | None,
    ) -> Iterator[Finding]:
        name = source.get("id")
        if source.get("personal_data") != "special" and held is not None:
            yield self.finding(
                policy.at(*keys, "personal_data"),
                f"the source {name} is {source.get('personal_data')}, but its field "
                f"{held[1].name} is special",
                do="write personal_data: special, with what follows from it",
                related=((held[0].at(*held[1].keys, "name"), "the field"),),
            )
        if source.get("use") != "fairness_evaluation":
            yield self.finding(
                policy.at(*keys, "use"),
                f"the source {name} holds special categories and is used for {source.get('use')}",
                do="write use: fairness_evaluation, and read it in no feature view",
            )
        if held is not None or source.get("status") == "done":  # it is connected
            yield from self._deletion(program, policy, keys, source)

    def _deletion(
        self, program: Program, policy: Document, keys: Keys, source: dict[str, Any]
    ) -> Iterator[Finding]:
        from ai_program.rules.decisions import day

        name, until = source.get("id"), source.get("delete_by")
        if day(until) is None:
            yield self.finding(
                policy.at(*keys, "id"),
                f"the source {name} holds special categories, and no day is set on which they are "
                "deleted",
                do="write delete_by, and bring an accepted decision that authorises it",
            )
            return
        snapshot = program.snapshot
        if str(until) < snapshot.today:
            late = snapshot.stage != "schedule" and policy.path not in snapshot.changed
            yield self.finding(
                policy.at(*keys, "delete_by"),
                f"the special categories of {name} were to be deleted by {until}",
                do="delete them and take the source out",
                severity="warning" if late else None,
            )
        pointer = f"{policy.path}#sources[{name}].delete_by"
        # What was authorised stays so.
        if program.base.authorising(pointer, until) and program.head.authorising(pointer, until):
            return
        from ai_program import authority

        missing = authority.missing(program, pointer, until)
        if missing is not None:
            yield self.finding(
                policy.at(*keys, "delete_by"),
                f"special categories of {name} are kept until {until}: {missing}",
                do=authority.remedy(pointer, until),
            )

    def _safeguards(self, policy: Document) -> Iterator[Finding]:
        met = set()
        for keys, entry in values.entries(policy, "safeguards"):
            if entry.get("status") == "done" and values.text(entry.get("how")):
                met.add(entry.get("id"))
            else:
                yield self.finding(
                    policy.at(*keys, "status"),
                    f"special categories are processed, and the safeguard {entry.get('id')} is "
                    "not met",
                    do="write how it is met; until then process none of this data",
                )
                met.add(entry.get("id"))
        missing = [each for each in SAFEGUARDS if each not in met]
        if missing:
            yield self.finding(
                values.top(policy, "safeguards")
                if "safeguards" in policy.value
                else policy.at("personal_data"),
                f"special categories are processed without {values.joined(missing)}",
                do="record all six safeguards, (a) to (f)",
            )


class AIP110(Rule):
    """Whoever reads or writes data was named, and nobody writes everything."""

    def check(self, program: Program) -> Iterator[Finding]:
        policy = program.head.data
        if policy is None or not isinstance(policy.value, dict):
            return
        roles = {role for one in program.head.people.values() if one.active for role in one.roles}
        covered = set()
        for keys, entry in values.entries(policy, "access"):
            dataset, where = entry.get("dataset"), entry.get("environment")
            readers, writers = (set(values.texts(entry.get(key))) for key in ("read", "write"))
            if readers | writers:
                covered.add(dataset)
            if where in TRIALS:
                continue
            if dataset == "*" and writers:
                yield self.finding(
                    policy.at(*keys, "dataset"),
                    f"{values.joined(writers)} may write every dataset in {where}",
                    do="name the datasets that each role may write",
                )
            if len(roles) > 1 and roles <= writers:
                yield self.finding(
                    policy.at(*keys, "write"),
                    f"every role may write {dataset} in {where}",
                    do="name the few roles that have to",
                )
        for doc in values.mappings(program.head.contracts):
            name = doc.get("id")
            if isinstance(name, str) and not covered & {name, "*"}:
                yield self.finding(
                    policy.key_at("access"),
                    f"nobody is named who may read or write {name}"
                    f"{values.near(name, [each for each in covered if isinstance(each, str)])}",
                    do="list the roles of each environment under access",
                    related=((doc.at("id"), "the dataset"),),
                )


def _personal(field: Field) -> object:
    """Return what a field says about people; AIP103 says if that is nothing known."""
    found = contracts.custom(field.entry, "personalData")
    return found and found[1]
