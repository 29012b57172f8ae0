"""Data: what contracts promise, and what neither models nor git may see (AIP1xx)."""

from __future__ import annotations

from ai_program import contracts, values
from ai_program.contracts import CLASSIFICATIONS, PERSONAL_DATA
from ai_program.documents import DocumentError
from ai_program.findings import Location
from ai_program.rules.base import Rule
from ai_program.snapshot import matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ai_program.compatibility import Change
    from ai_program.contracts import Field
    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program, State

    Keys = tuple[str | int, ...]
    Sample = tuple[Document, Keys, dict[str, Any]]  # the contract, where, and what it declares
    Labels = Callable[[Document], dict[str, "_Label"]]


class AIP101(Rule):
    """A contract answers what, whose, where from, how good, how fresh, and for whom."""

    def check(self, program: Program) -> Iterator[Finding]:
        for doc in values.mappings(program.head.contracts):
            yield from self._version(doc)
            yield from self._origin(doc)
            yield from self._freshness(doc)
            yield from self._tables(doc)
            yield from self._fields(doc)

    def _version(self, doc: Document) -> Iterator[Finding]:
        if "version" in doc.value and contracts.semver(doc.get("version")) is None:
            yield self.finding(
                doc.at("version"),
                f"version {doc.get('version')} is not major.minor.patch",
                do="write the version as three numbers, for instance 1.0.0",
            )

    def _origin(self, doc: Document) -> Iterator[Finding]:
        """Purpose, owner, source, place and consumers."""
        if not values.text(doc.get("description", "purpose")):
            yield self.finding(
                values.top(doc, "description"),
                "the contract does not say what the data is for",
                do="write description.purpose",
            )
        for name, meaning in (
            ("owner", "who owns the data"),
            ("source", "which source of policies/data.yaml the data comes from"),
        ):
            if not values.text(contracts.value(doc, name)):
                yield self.finding(
                    contracts.place(doc, name),
                    f"the contract does not say {meaning}",
                    do=f"write the custom property {name}",
                )
        if not contracts.consumers(doc):
            yield self.finding(
                contracts.place(doc, "consumers"),
                "the contract does not say which feature views read the data",
                do="list them in the custom property consumers",
            )
        if not any(True for _ in values.entries(doc, "servers")):
            yield self.finding(
                values.top(doc, "servers"),
                "the contract does not say where the data is",
                do="name at least one server",
            )

    def _freshness(self, doc: Document) -> Iterator[Finding]:
        for keys, promise in values.entries(doc, "slaProperties"):
            if promise.get("property") == "freshness":
                age = values.number(promise.get("value"))
                if age is None or age <= 0 or not values.text(promise.get("unit")):
                    yield self.finding(
                        doc.at(*keys, "value"),
                        "freshness is not a number above zero with a unit",
                        do="write how old the newest row may be, for instance value: 26, unit: h",
                    )
                return
        yield self.finding(
            values.top(doc, "slaProperties"),
            "the contract does not say how fresh the data is",
            do="add the property freshness with value and unit to slaProperties",
        )

    def _tables(self, doc: Document) -> Iterator[Finding]:
        if not any(True for _ in values.entries(doc, "schema")):
            yield self.finding(
                values.top(doc, "schema"), "the contract has no table", do="describe the table"
            )
        names: set[str] = set()
        for keys, table in values.entries(doc, "schema"):
            name = values.text(table.get("name"))
            if name in names:
                yield self.finding(doc.at(*keys, "name"), f"the table {name} stands here twice")
            names.add(name)
            if not any(True for _ in values.entries(doc, *keys, "properties")):
                yield self.finding(doc.at(*keys, "name"), f"the table {name} has no fields")

    def _fields(self, doc: Document) -> Iterator[Finding]:
        names: set[tuple[str, ...]] = set()
        critical = 0
        for field in contracts.fields(doc):
            entry = field.entry
            at = doc.at(*field.keys, "name")
            if field.names in names:
                yield self.finding(at, f"the field {field.name} stands here twice")
            names.add(field.names)
            if not values.text(entry.get("logicalType")):
                yield self.finding(
                    at,
                    f"the field {field.name} has no type",
                    do="write its logicalType, for instance number, string or timestamp",
                )
            if entry.get("criticalDataElement") is True:
                critical += 1
                if not any(_tests(check) for check in _list(entry.get("quality"))):
                    yield self.finding(
                        at,
                        f"the critical field {field.name} has no quality check that a program "
                        "can run",
                        do="add a check of type library, sql or custom under quality",
                    )
        if names and not critical:
            yield self.finding(
                values.top(doc, "schema"),
                "no field is marked as critical, so nothing has to be checked",
                do="write criticalDataElement: true at the fields that the model depends on",
            )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _tests(check: object) -> bool:
    """Tell a check that a program runs from one that is prose."""
    return isinstance(check, dict) and any(
        check.get(key) for key in ("metric", "rule", "query", "implementation")
    )


class AIP102(Rule):
    """A breaking change says so: major version, decision, and the agreement of all consumers."""

    def check(self, program: Program) -> Iterator[Finding]:
        base, head = program.base, program.head
        if _is_form(base):
            return
        for before, after in _pairs(base.contracts, head.contracts, program):
            from ai_program.compatibility import contract_changes

            changes = contract_changes(before.value, after.value)
            yield from self._judge(program, before, after, changes, _has_contract)
            if _major(before, after):
                yield from self._acknowledged(program, before, after, changes)
        for before, after in _pairs(base.features, head.features, program):
            from ai_program.compatibility import feature_changes

            changes = feature_changes(before.value, after.value)
            yield from self._judge(program, before, after, changes, _has_features)
        yield from self._renamed(base.contracts, head.contracts, head)
        yield from self._renamed(base.features, head.features, head)

    def _judge(
        self,
        program: Program,
        before: Document,
        after: Document,
        changes: list[Change],
        having: Callable[[State], list[Document]],
    ) -> Iterator[Finding]:
        was, now = str(before.get("version")), str(after.get("version"))
        old, new = contracts.semver(was), contracts.semver(now)
        if old and new and new < old:
            yield self.finding(
                after.at("version"),
                f"version goes back from {was} to {now}",
                do=f"keep {was}, or take the next version",
                related=((before.at("version"), "base"),),
            )
        breaking = [change for change in changes if change.breaking]
        if not breaking:
            return
        if not _major(before, after):
            step = f"stays at {was}" if was == now else f"goes from {was} to {now} only"
            for change in breaking:
                place = after.key_at if change.gone else after.at
                yield self.finding(
                    place(*change.after),
                    f"{change.what}, and the version {step}",
                    related=((before.at(*change.before), "base"),),
                )
            return
        from ai_program import authority

        pointer, name = f"{after.path}#version", after.get("id")
        missing = authority.missing(
            program,
            pointer,
            now,
            lambda state: any(
                doc.get("id") == name and doc.get("version") == now for doc in having(state)
            ),
        )
        if missing is not None:
            yield self.finding(
                after.at("version"),
                f"version {now} breaks {was} ({_some(breaking)}): {missing}",
                do=f'bring an accepted decision that authorises {pointer} to "{now}"',
                related=((before.at("version"), "base"),),
            )

    def _acknowledged(
        self, program: Program, before: Document, after: Document, changes: list[Change]
    ) -> Iterator[Finding]:
        if not any(change.breaking for change in changes):
            return
        version = after.get("version")
        agreed = set(values.texts(contracts.value(after, "acknowledgedBy")))
        views = values.unique(program.head.features)
        readers = {
            name for name, doc in views.items()
            if contracts.split(doc.get("source"))[0] == after.get("id")
        }  # fmt: skip
        named = {*contracts.consumers(before), *contracts.consumers(after)}
        gone = set(values.unique(program.base.features)) - set(views)
        silent = [
            name for name in sorted((named | readers) - gone) if f"{name}@{version}" not in agreed
        ]
        if silent:
            yield self.finding(
                contracts.place(after, "acknowledgedBy"),
                f"version {version} is not acknowledged by {values.joined(silent)}",
                do="let the owners of the consumers check what breaks, and list in the custom "
                f"property acknowledgedBy: [{', '.join(f'{name}@{version}' for name in silent)}]",
            )

    def _renamed(
        self, before: list[Document], after: list[Document], head: State
    ) -> Iterator[Finding]:
        """An id that vanishes breaks everybody, and hides what else has changed."""
        known = values.unique(after)
        for name, doc in values.unique(before).items():
            now = head.tree.document(doc.path)
            if name not in known and now is not None and now.get("id") != name:
                yield self.finding(
                    now.at("id"),
                    f"the id changed from {name} to {now.get('id')}: whoever reads {name} no "
                    "longer finds it",
                    do=f"keep the id {name}; what is really new gets a file of its own",
                    related=((doc.at("id"), "base"),),
                )


def _is_form(state: State) -> bool:
    """Tell whether a contract is still a form to fill: no data was ever named."""
    policy = state.evaluation
    if policy is None or policy.get("data", "path") is not None or state.registry:
        return False
    drafts = [doc.get("status") == "draft" for doc in state.contracts]
    return bool(drafts) and all(drafts) and not state.reports and not state.releases


def _has_contract(state: State) -> list[Document]:
    return state.contracts


def _has_features(state: State) -> list[Document]:
    return state.features


def _pairs(
    before: list[Document], after: list[Document], program: Program
) -> Iterator[tuple[Document, Document]]:
    """Yield what has the same id in both states and differs, wherever its file stands."""
    known = values.unique(before)
    old, new = program.snapshot.base.entries, program.snapshot.head.entries
    for doc in after:
        name = doc.get("id")
        was = known.get(name) if isinstance(name, str) else None
        if was is not None and old[was.path].oid != new[doc.path].oid:
            yield was, doc


def _major(before: Document, after: Document) -> bool:
    old, new = contracts.semver(before.get("version")), contracts.semver(after.get("version"))
    return old is not None and new is not None and new[0] > old[0]


def _some(changes: list[Change]) -> str:
    shown = [change.what for change in changes[:3]]
    more = len(changes) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


class AIP103(Rule):
    """Every field says how sensitive it is, and never less than before without a decision."""

    def check(self, program: Program) -> Iterator[Finding]:
        for doc in values.mappings(program.head.contracts):
            for field in contracts.fields(doc):
                yield from self._labels(doc, field)
        yield from self._summary(program.head)
        for before, after in _pairs(program.base.contracts, program.head.contracts, program):
            yield from self._lowered(program, before, after, _contract_labels)
        for before, after in _pairs(program.base.features, program.head.features, program):
            yield from self._lowered(program, before, after, _feature_labels)

    def _labels(self, doc: Document, field: Field) -> Iterator[Finding]:
        found = contracts.custom(field.entry, "personalData")
        for label, value, keys, known in (
            ("classification", field.entry.get("classification"), ("classification",),
             CLASSIFICATIONS),
            ("personalData", found and found[1], found[0] if found else (), PERSONAL_DATA),
        ):  # fmt: skip
            if value is None:
                yield self.finding(
                    doc.at(*field.keys, "name"),
                    f"the field {field.name} has no {label}",
                    do=f"write its {label}: {', '.join(known)}",
                )
            elif value not in known:
                yield self.finding(
                    doc.at(*field.keys, *keys),
                    f"{label} {value} of the field {field.name} is not one of {', '.join(known)}",
                    do=f"take one of {', '.join(known)}",
                )

    def _summary(self, head: State) -> Iterator[Finding]:
        """What the data policy says about all data is not less than what one field says."""
        said = _rank(head.data.get("personal_data") if head.data else None, PERSONAL_DATA)
        if said is None or head.data is None:
            return
        for doc in values.mappings(head.contracts):
            for field in contracts.fields(doc):
                found = contracts.custom(field.entry, "personalData")
                rank = _rank(found and found[1], PERSONAL_DATA)
                if found and rank is not None and rank > said:
                    yield self.finding(
                        head.data.at("personal_data"),
                        f"personal_data is {PERSONAL_DATA[said]}, but the field {field.name} of "
                        f"{doc.get('id')} is {PERSONAL_DATA[rank]}",
                        do=f"write personal_data: {PERSONAL_DATA[rank]}, with what follows from it",
                        related=((doc.at(*field.keys, *found[0]), "the field"),),
                    )
                    return

    def _lowered(
        self,
        program: Program,
        before: Document,
        after: Document,
        labels: Labels,
    ) -> Iterator[Finding]:
        now = labels(after)
        for pointer, old in labels(before).items():
            new = now.get(pointer)
            was, rank = old.rank, new.rank if new is not None else None
            if new is None or was is None or rank is None or rank >= was:
                continue
            from functools import partial

            from ai_program import authority

            place = f"{after.path}#{pointer}"
            applied = partial(_says, labels=labels, pointer=pointer, value=new.value)
            missing = authority.missing(program, place, new.value, applied)
            if missing is not None:
                yield self.finding(
                    after.at(*new.keys),
                    f"{new.what} is lowered from {old.value} to {new.value}: {missing}",
                    do=f"keep {old.value}, or bring an accepted decision that authorises "
                    f"{place} to {new.value}",
                    related=((before.at(*old.keys), "base"),),
                )


class _Label:
    """A label of a field or a feature: what it is called, where it stands, and how high it is."""

    __slots__ = ("keys", "rank", "value", "what")

    def __init__(self, what: str, keys: Keys, value: object, known: tuple[str, ...]) -> None:
        self.what = what
        self.keys = keys
        self.value = value
        self.rank = _rank(value, known)


def _says(state: State, labels: Labels, pointer: str, value: object) -> bool:
    """Tell whether a state has this label already."""
    found = (labels(doc).get(pointer) for doc in [*state.contracts, *state.features])
    return any(label is not None and label.value == value for label in found)


def _rank(value: object, known: tuple[str, ...]) -> int | None:
    return known.index(value) if isinstance(value, str) and value in known else None


def _contract_labels(doc: Document) -> dict[str, _Label]:
    """Return each label of each field, by the pointer that a decision would name."""
    found: dict[str, _Label] = {}
    for field in contracts.fields(doc):
        found.setdefault(
            f"{field.pointer}.classification",
            _Label(
                f"classification of the field {field.name}",
                (*field.keys, "classification"),
                field.entry.get("classification"),
                CLASSIFICATIONS,
            ),
        )
        personal = contracts.custom(field.entry, "personalData")
        if personal:
            found.setdefault(
                f"{field.pointer}.customProperties[personalData]",
                _Label(
                    f"personalData of the field {field.name}",
                    (*field.keys, *personal[0]),
                    personal[1],
                    PERSONAL_DATA,
                ),
            )
    return found


def _feature_labels(doc: Document) -> dict[str, _Label]:
    found: dict[str, _Label] = {}
    for keys, feature in values.entries(doc, "features"):
        name = values.text(feature.get("name"))
        for label, known in (("classification", CLASSIFICATIONS), ("personal_data", PERSONAL_DATA)):
            found.setdefault(
                f"features[{name}].{label}",
                _Label(f"{label} of the feature {name}", (*keys, label), feature.get(label), known),
            )
    return found


class AIP106(Rule):
    """A feature says what it may be, and one piece of code makes it, for training and serving."""

    def check(self, program: Program) -> Iterator[Finding]:
        made: dict[tuple[object, str], tuple[Document, Keys]] = {}
        for doc in values.mappings(program.head.features):
            yield from self._transform(program.head, doc)
            for keys, feature in values.entries(doc, "features"):
                yield from self._bounds(doc, keys, feature)
                name = values.text(feature.get("name"))
                other, place = made.setdefault(
                    (doc.get("entity", "name"), name), (doc, (*keys, "name"))
                )
                if other is not doc:
                    yield self.finding(
                        doc.at(*keys, "name"),
                        f"the feature {name} of {doc.get('entity', 'name')} is defined twice",
                        do="read it from one feature view, for training and for serving",
                        related=((other.at(*place), "the other one"),),
                    )

    def _transform(self, head: State, doc: Document) -> Iterator[Finding]:
        """AIP002 says if the file is missing; here it has to be code."""
        path = doc.get("transform")
        if not isinstance(path, str) or path not in head.tree:
            return
        if not path.startswith("src/") or not head.tree.read(path).strip():
            yield self.finding(
                doc.at("transform"),
                f"{path} holds no code that could make the features",
                do="name the file under src/ that computes them, for training and serving",
            )

    def _bounds(self, doc: Document, keys: Keys, feature: dict[str, Any]) -> Iterator[Finding]:
        name, bounds = feature.get("name"), feature.get("range")
        ends = [values.number(end) for end in bounds] if isinstance(bounds, list) else []
        known = [end for end in ends if end is not None]
        if len(known) == 2 and known[0] > known[1]:
            yield self.finding(
                doc.at(*keys, "range"),
                f"the range of {name} ends at {known[1]}, below {known[0]} where it begins",
                do="write the smallest valid value, then the largest",
            )
        if feature.get("dtype") not in ("int64", "float64") or values.text(
            feature.get("unbounded")
        ):
            return
        if not known:
            yield self.finding(
                doc.at(*keys, "range") if "range" in feature else doc.at(*keys, "name"),
                f"the feature {name} is a number, and any number will do",
                do="write its range; or, where it has none, write under unbounded why",
            )


class AIP107(Rule):
    """Every input is a field of the contract, and a feature is as sensitive as its inputs."""

    def check(self, program: Program) -> Iterator[Finding]:
        # A view reads one contract and no other view, so what leads to a feature has no circles.
        for doc, contract in views(program.head):
            fields = {field.name for field in contracts.fields(contract)}
            for at, name in reads(doc):
                if name not in fields:
                    what = "entity key" if at[0] == "entity" else "input"
                    yield self.finding(
                        doc.at(*at),
                        f"the {what} {name} is no field of {contract.get('id')}"
                        f"{values.near(name, fields)}",
                        do="name a field of the contract, or add the field to the contract",
                        related=((values.top(contract, "schema"), "the fields"),),
                    )
        yield from self._labels(program)

    def _labels(self, program: Program) -> Iterator[Finding]:
        before: dict[str, _Short] | None = None
        for place, short in _shorts(program.head).items():
            least = short.known[short.rank]
            missing: str | None = None
            if least != "special":
                if before is None:
                    before = _shorts(program.base)
                # What was authorised stays so until an input gets more sensitive.
                was = before.get(place)
                if (
                    was is not None
                    and (was.value, was.rank) == (short.value, short.rank)
                    and program.base.authorising(place, short.value) is not None
                    and program.head.authorising(place, short.value) is not None
                ):
                    continue
                from ai_program import authority

                missing = authority.missing(program, place, short.value)
                if missing is None:
                    continue
            yield self.finding(
                short.doc.at(*short.keys),
                f"{short.what} is {short.value}, but its input {short.field.name} is {least}: "
                f"{missing or 'data of special categories never becomes a feature'}",
                do="take the input out"
                if missing is None
                else f"write {least}; or, where the transformation makes the data anonymous, bring "
                f"an accepted decision that authorises {place} to {short.value}",
                related=((short.contract.at(*short.field.keys, "name"), "the input"),),
            )


class _Short:
    """A label of a feature that says less than one of its inputs does."""

    __slots__ = ("contract", "doc", "field", "keys", "known", "rank", "value", "what")

    def __init__(
        self,
        label: _Label,
        known: tuple[str, ...],
        places: tuple[Document, Document],
        most: tuple[int, Field],
    ) -> None:
        self.keys = label.keys
        self.what = label.what
        self.value = label.value
        self.known = known
        self.doc, self.contract = places
        self.rank, self.field = most  # of the most sensitive input


def views(state: State) -> Iterator[tuple[Document, Document]]:
    """Yield each feature view with the contract that it reads; AIP002 says if there is none."""
    known = values.unique(values.mappings(state.contracts))
    for doc in values.mappings(state.features):
        contract = known.get(contracts.split(doc.get("source"))[0])
        if contract is not None:
            yield doc, contract


def reads(doc: Document) -> Iterator[tuple[Keys, str]]:
    """Yield every name by which a feature view reads its contract."""
    yield from values.items(doc, "entity", "keys")
    for keys, _ in values.entries(doc, "features"):
        yield from values.items(doc, *keys, "inputs")


def _shorts(state: State) -> dict[str, _Short]:
    """Return the labels that are too low, by the place that a decision would name."""
    found: dict[str, _Short] = {}
    for places in views(state):
        doc, contract = places
        fields = contracts.fields(contract)
        for keys, feature in values.entries(doc, "features"):
            name = values.text(feature.get("name"))
            inputs = set(values.texts(feature.get("inputs")))
            # Whoever reads a field reads its parts; a name that two tables have may mean either.
            read = [
                field
                for field in fields
                if any(".".join(field.names[1:end]) in inputs
                       for end in range(2, len(field.names) + 1))
            ]  # fmt: skip
            for label, known in (
                ("classification", CLASSIFICATIONS),
                ("personal_data", PERSONAL_DATA),
            ):
                own = _Label(
                    f"{label} of the feature {name}", (*keys, label), feature.get(label), known
                )
                ranks = [(_field_rank(field, label), field) for field in read]
                most = max(ranks, key=lambda each: each[0], default=None)
                if own.rank is not None and most is not None and most[0] > own.rank:
                    place = f"{doc.path}#features[{name}].{label}"
                    found[place] = _Short(own, known, places, most)
    return found


def _field_rank(field: Field, label: str) -> int:
    """Return how high a label of a field is, -1 if nobody knows; AIP103 says so."""
    if label == "classification":
        rank = _rank(field.entry.get(label), CLASSIFICATIONS)
    else:
        personal = contracts.custom(field.entry, "personalData")
        rank = _rank(personal and personal[1], PERSONAL_DATA)
    return -1 if rank is None else rank


class AIP108(Rule):
    """No model sees what must never decide."""

    def check(self, program: Program) -> Iterator[Finding]:
        policy = program.head.data
        protected = values.texts(program.baseline.tiers.get("protected_traits"))
        listed = values.texts(policy.get("banned_features") if policy else None)
        if policy is not None and isinstance(policy.get("banned_features"), list):
            gone = [trait for trait in protected if trait not in listed]
            if gone:
                yield self.finding(
                    policy.key_at("banned_features"),
                    f"the list lacks {values.joined(gone)}, which the baseline protects",
                    do=f"add {', '.join(gone)}; a programme can only add to this list",
                )
        banned = list(dict.fromkeys((*listed, *protected)))
        from ai_program.names import means

        for doc, at, what, name in _seen(program.head):
            trait = next((one for one in banned if means(name, one)), None)
            if trait is not None:
                yield self.finding(
                    doc.at(*at),
                    f"{what} is banned: it says {trait}"
                    + (", which the baseline protects" if trait in protected else ""),
                    do="take it out of the features",
                    related=_where_banned(policy, trait),
                )


def _seen(head: State) -> Iterator[tuple[Document, Keys, str, str]]:
    """Yield every name of what a model sees: features, inputs, and what stands behind an input."""
    known = values.unique(values.mappings(head.contracts))
    for doc in values.mappings(head.features):
        contract = known.get(contracts.split(doc.get("source"))[0])
        columns = contracts.fields(contract) if contract else ()
        entries = {field.name: field.entry for field in columns}
        for keys, feature in values.entries(doc, "features"):
            own = values.text(feature.get("name"))
            yield doc, (*keys, "name"), f"the feature {own}", own
            for at, name in values.items(doc, *keys, "inputs"):
                yield doc, at, f"the input {name}", name
                for other in ("physicalName", "businessName"):
                    alias = values.text(entries.get(name, {}).get(other))
                    if alias and alias != name:
                        yield doc, at, f"the input {name} ({alias} in the data)", alias


def _where_banned(policy: Document | None, trait: str) -> tuple[tuple[Location, str], ...]:
    for keys, name in values.items(policy, "banned_features"):
        if name == trait and policy is not None:
            return ((policy.at(*keys), "banned here"),)
    return ()


class AIP109(Rule):
    """What was committed once is in every clone: no raw data, no people, no weights."""

    def check(self, program: Program) -> Iterator[Finding]:
        snapshot = program.snapshot
        if snapshot.stage == "schedule":
            paths = [
                path for path, entry in snapshot.head.entries.items() if entry.mode != "160000"
            ]
        else:
            paths = _arrived(program)
        if not paths:
            return
        samples = dict(_samples(program.head))
        managed = _managed(program.head)
        governed = [
            matcher(pattern)
            for kind in program.baseline.layout["kinds"]
            for pattern in kind["paths"]
            if pattern.endswith(".json")
        ]
        snapshot.head.load(paths)
        for path in paths:
            # Evidence and schemas are judged by their own schemas and digests.
            if path in managed or any(matches(path) for matches in governed):
                continue
            yield from self._file(program.head, path, samples.get(path))

    def _file(self, head: State, path: str, sample: Sample | None) -> Iterator[Finding]:
        from ai_program import scanning

        try:
            content = scanning.look(head.tree.read(path), path)
        except DocumentError as error:
            yield self.finding(Location(path), f"cannot be judged: {error.message}")
            return
        if content.kind == "model":
            yield self.finding(
                Location(path),
                f"{content.what}; models are kept in the store",
                do="take the file out of the commit; the registry entry holds the model's digest",
            )
        elif content.kind == "unreadable":
            yield self.finding(
                Location(path),
                content.what,
                do="take the file out of the commit; samples are text (CSV, JSON lines), plain or "
                "packed once with gzip",
            )
        elif content.kind == "table":
            yield from self._table(head, path, content.what, content.rows, sample)
        for hit in content.hits:
            at = Location(path, hit.line, hit.column, hit.end_column)
            line = ""
            if content.unpacked:
                at, line = Location(path), f" in line {hit.line} of the unpacked file"
            yield self.finding(
                at,
                f"{hit.what} of somebody{line}",
                do="remove or mask it; if it was committed before, the history has it too",
            )

    def _table(
        self, head: State, path: str, what: str, rows: int, sample: Sample | None
    ) -> Iterator[Finding]:
        if sample is None:
            yield self.finding(
                Location(path),
                f"holds data ({what}, {rows:,} rows), and no contract declares it as a sample",
                do="take the file out of the commit; or, if it is public or synthetic, declare it "
                "in the custom property sample of its contract, with path, kind and rows",
            )
            return
        doc, keys, entry = sample
        if entry.get("kind") not in ("public", "synthetic"):
            yield self.finding(
                doc.at(*keys, "kind"),
                f"the sample {path} is neither public nor synthetic",
                do="take the file out of the commit; git holds public and synthetic data only",
            )
        declared = values.number(entry.get("rows"))
        if declared is None or rows > declared:
            yield self.finding(
                doc.at(*keys, "rows"),
                f"{path} has {rows:,} rows, not {entry.get('rows')}",
                do=f"write rows: {rows}",
            )
        limit = values.number(head.data.get("samples", "max_rows") if head.data else None)
        if limit is not None and rows > limit:
            yield self.finding(
                Location(path),
                f"has {rows:,} rows; a sample in git has at most {limit:,}",
                do="take a smaller sample",
                related=((head.data.at("samples", "max_rows"), "the limit"),) if head.data else (),
            )


def _arrived(program: Program) -> list[str]:
    """Return the files that this change brings, and the data whose declaration it changes."""
    snapshot = program.snapshot
    paths = [
        path
        for path, how in snapshot.changed.items()
        if how != "D" and snapshot.head.entries[path].mode != "160000"
    ]
    contract = matcher("contracts/*.odcs.yaml")
    if any(path == "policies/data.yaml" or contract(path) for path in snapshot.changed):
        from ai_program.scanning import named_as_data

        paths += [path for path in snapshot.head.entries if named_as_data(path)]
        paths += [path for path, _ in _samples(program.head) if path in snapshot.head.entries]
    return list(dict.fromkeys(paths))


def _managed(head: State) -> set[str]:
    """Return the files whose content is the tool's own; AIP705 holds them to their digests."""
    files = head.lock.get("files") if head.lock is not None else None
    return {
        path
        for path, entry in (files.items() if isinstance(files, dict) else ())
        if isinstance(entry, dict) and entry.get("class") == "managed"
    }


def _samples(head: State) -> Iterator[tuple[str, Sample]]:
    """Yield the samples that contracts declare, by path."""
    for doc in values.mappings(head.contracts):
        found = contracts.custom(doc.value, "sample")
        if found and isinstance(found[1], dict) and isinstance(found[1].get("path"), str):
            yield found[1]["path"], (doc, found[0], found[1])
