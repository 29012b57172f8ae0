"""The programme as a typed graph: what rules ask instead of opening files.

``Program.head`` and ``Program.base`` are the two states that are compared. Each state finds its
documents by kind, once, when first asked. A document that cannot be read is absent here; rule
AIP001 says why.
"""

from __future__ import annotations

from ai_program import catalogue, compiled, paths
from ai_program.catalogue import TIERS
from ai_program.documents import DocumentError
from ai_program.git import Misuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_program.catalogue import Rule as Metadata
    from ai_program.documents import Document, Value
    from ai_program.findings import Finding
    from ai_program.snapshot import Snapshot, Tree

__all__ = ["PLACES", "TIERS", "Baseline", "Person", "Program", "State"]

# Where each kind of governed document stands; policies/layout.yaml says the same with schemas.
PLACES = {
    "program": "policies/program.yaml",
    "data": "policies/data.yaml",
    "security": "policies/security.yaml",
    "evaluation": "policies/evaluation.yaml",
    "release": "policies/release.yaml",
    "monitoring": "policies/monitoring.yaml",
    "oversight": "policies/oversight.yaml",
    "contracts": "contracts/*.odcs.yaml",
    "features": "features/*.yaml",
    "cards": "models/*/card.md",
    "registry": "models/registry/*.json",
    "decisions": "decisions/[0-9]*.md",
    "exceptions": "decisions/exceptions/*.yaml",
    "plans": "sprints/*/plan.yaml",
    "backlogs": "sprints/*/backlog.yaml",
    "readiness": "sprints/readiness.yaml",
    "risks": "governance/risk-register.yaml",
    "runbooks": "runbooks/*.md",
    "reports": "evidence/evaluations/*.json",
    "releases": "evidence/releases/[0-9]*.json",
    "active": "evidence/releases/active.json",
    "kpis": "evidence/kpis/*.json",
    "incidents": "evidence/incidents/*.yaml",
    "drills": "evidence/drills/*.json",
    "validations": "evidence/validations/*.yaml",
    "summaries": "evidence/reviews/*.json",
    "observations": "evidence/observations/*.json",
    "workshop": "workshop.yaml",
    "lock": ".ai-program/lock.json",
}


class Person:
    """Somebody declared in policies/program.yaml."""

    __slots__ = ("active", "doc", "emails", "handle", "index", "roles")

    def __init__(
        self,
        handle: str,
        emails: tuple[str, ...],
        roles: tuple[str, ...],
        *,
        active: bool,
        doc: Document,
        index: int,
    ) -> None:
        self.handle = handle
        self.emails = emails  # in lower case
        self.roles = roles
        self.active = active
        self.doc = doc
        self.index = index

    def __repr__(self) -> str:
        return f"Person({self.handle})"


class Baseline:
    """The baseline's own data, from the policies directory; each file is read when first asked."""

    def __init__(self, root: str | None = None) -> None:
        self.root = root or paths.root()
        self._values: dict[str, Value] = {}
        self._rules: dict[str, Metadata] | None = None

    @property
    def tiers(self) -> Value:
        """Return the tiers with their absolute floors."""
        return self.value("tiers.yaml")

    @property
    def layout(self) -> Value:
        """Return the kinds of governed file, the template's files and the binding groups."""
        return self.value("layout.yaml")

    @property
    def controls(self) -> Value:
        """Return the control identifiers."""
        return self.value("controls.yaml")

    @property
    def workshop(self) -> Value:
        """Return the questions of the workshop."""
        return self.value("workshop.yaml")

    @property
    def rules(self) -> dict[str, Metadata]:
        """Return the rule catalogue by code."""
        if self._rules is None:
            self._rules = catalogue.load(self.root)
        return self._rules

    def use_case(self, name: str) -> Value:
        """Return the profile of a use case, None if there is no such use case."""
        if not name.replace("_", "").isalnum():
            return None
        try:
            return self.value(f"use_cases/{name}.yaml")
        except FileNotFoundError:
            return None

    def value(self, name: str) -> Value:
        """Return the value of one file of the baseline."""
        if name not in self._values:
            try:
                self._values[name] = compiled.load(f"{self.root}/{name}")
            except DocumentError as error:
                raise Misuse(f"the baseline's {name} cannot be read: {error}") from None
        return self._values[name]


class Program:
    """Both states of the programme, the baseline that judges them, and the circumstances."""

    def __init__(self, snapshot: Snapshot, baseline: Baseline) -> None:
        self.snapshot = snapshot
        self.baseline = baseline
        self.head = State(snapshot.head)
        self.base = State(snapshot.base)
        # What each rule that ran has found, for the rules that come after the exceptions.
        self.found: dict[str, list[Finding]] = {}
        self._tier: str | None = None

    @property
    def tier(self) -> str:
        """Return the higher tier of base and head, so that lowering it frees nothing at once.

        Without a readable tier in either it is the highest: what is unknown is not harmless.
        """
        if self._tier is None:
            known = [TIERS.index(t) for t in (self.head.tier, self.base.tier) if t in TIERS]
            self._tier = TIERS[max(known, default=len(TIERS) - 1)]
        return self._tier


class State:
    """The documents of one tree, by kind."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._kinds: dict[str, Value] = {}

    # One document each; None if it is absent or unreadable.

    @property
    def program(self) -> Document | None:
        """Return policies/program.yaml."""
        return self._one("program")

    @property
    def data(self) -> Document | None:
        """Return policies/data.yaml."""
        return self._one("data")

    @property
    def security(self) -> Document | None:
        """Return policies/security.yaml."""
        return self._one("security")

    @property
    def evaluation(self) -> Document | None:
        """Return policies/evaluation.yaml."""
        return self._one("evaluation")

    @property
    def release(self) -> Document | None:
        """Return policies/release.yaml."""
        return self._one("release")

    @property
    def monitoring(self) -> Document | None:
        """Return policies/monitoring.yaml."""
        return self._one("monitoring")

    @property
    def oversight(self) -> Document | None:
        """Return policies/oversight.yaml."""
        return self._one("oversight")

    @property
    def active(self) -> Document | None:
        """Return the pointer to the release in force."""
        return self._one("active")

    @property
    def risks(self) -> Document | None:
        """Return the risk register."""
        return self._one("risks")

    @property
    def readiness(self) -> Document | None:
        """Return the readiness review."""
        return self._one("readiness")

    @property
    def workshop(self) -> Document | None:
        """Return workshop.yaml, the answers."""
        return self._one("workshop")

    @property
    def lock(self) -> Document | None:
        """Return .ai-program/lock.json."""
        return self._one("lock")

    # Several documents each, in the order of their paths.

    @property
    def contracts(self) -> list[Document]:
        """Return the data contracts."""
        return self._all("contracts")

    @property
    def features(self) -> list[Document]:
        """Return the feature schemas."""
        return self._all("features")

    @property
    def cards(self) -> list[Document]:
        """Return the model cards."""
        return self._all("cards")

    @property
    def registry(self) -> list[Document]:
        """Return the entries of the model registry."""
        return self._all("registry")

    @property
    def decisions(self) -> list[Document]:
        """Return the decision records."""
        return self._all("decisions")

    @property
    def exceptions(self) -> list[Document]:
        """Return the exceptions as they stand, good or bad."""
        return self._all("exceptions")

    @property
    def plans(self) -> list[Document]:
        """Return the sprint plans."""
        return self._all("plans")

    @property
    def backlogs(self) -> list[Document]:
        """Return the sprint backlogs."""
        return self._all("backlogs")

    @property
    def runbooks(self) -> list[Document]:
        """Return the runbooks."""
        return self._all("runbooks")

    @property
    def reports(self) -> list[Document]:
        """Return the evaluation reports."""
        return self._all("reports")

    @property
    def kpis(self) -> list[Document]:
        """Return the actual values of the KPIs, per release."""
        return self._all("kpis")

    @property
    def incidents(self) -> list[Document]:
        """Return the records of incidents."""
        return self._all("incidents")

    @property
    def validations(self) -> list[Document]:
        """Return what validators say about evaluations."""
        return self._all("validations")

    @property
    def drills(self) -> list[Document]:
        """Return the records of drills, the earliest first."""
        return self._all("drills")

    @property
    def summaries(self) -> list[Document]:
        """Return what people made of what they reviewed, by the last day of the period."""
        return self._all("summaries")

    @property
    def releases(self) -> list[Document]:
        """Return the release records in the order of their sequence."""
        found = self._all("releases")
        return sorted(found, key=lambda doc: (_sequence(doc), doc.path))

    @property
    def tier(self) -> str | None:
        """Return the declared tier, None if there is none or it is unknown."""
        tier = self.program.get("risk", "tier") if self.program else None
        return tier if tier in TIERS else None

    @property
    def people(self) -> dict[str, Person]:
        """Return the declared people by handle."""
        found: dict[str, Person] = self._once("people", self._people)
        return found

    def person(self, name: object) -> Person | None:
        """Return whoever has this handle or e-mail address, None if nobody does."""
        if not isinstance(name, str):
            return None
        if name in self.people:
            return self.people[name]
        email = name.lower()
        return next((p for p in self.people.values() if email in p.emails), None)

    def data_sources(self) -> list[tuple[tuple[str | int, ...], str, object]]:
        """Return each source of the evaluation data: its place in the policy, path and digest.

        The path is empty where none is named yet.
        """
        policy = self.evaluation
        if policy is None:
            return []
        more = policy.get("data", "more")
        count = len(more) if isinstance(more, list) else 0
        places = [("data",), *(("data", "more", index) for index in range(count))]
        found = [(keys, policy.get(*keys, "path"), policy.get(*keys, "digest")) for keys in places]
        return [(keys, path if isinstance(path, str) else "", said) for keys, path, said in found]

    def ids(self) -> dict[str, tuple[Document, tuple[str | int, ...]]]:
        """Return every id that can be cited, with the place that declares it.

        Objectives, KPIs, gates, monitors, risks and decisions.
        """
        found: dict[str, tuple[Document, tuple[str | int, ...]]] = self._once("ids", self._ids)
        return found

    def authorising(self, pointer: str, value: object) -> Document | None:
        """Return the accepted decision that authorises setting this pointer to this value.

        The value of something removed is None.
        """
        for decision in self.decisions:
            if decision.get("status") != "accepted":
                continue
            changes = decision.get("authorises")
            for change in changes if isinstance(changes, list) else ():
                if (
                    isinstance(change, dict)
                    and change.get("change") == pointer
                    and _same(change.get("to"), value)
                ):
                    return decision
        return None

    def _one(self, kind: str) -> Document | None:
        found: Document | None = self._once(kind, lambda: self.tree.document(PLACES[kind]))
        return found

    def _all(self, kind: str) -> list[Document]:
        found: list[Document] = self._once(kind, lambda: self.tree.documents(PLACES[kind]))
        return found

    def _once(self, name: str, make: Callable[[], Value]) -> Value:
        if name not in self._kinds:
            self._kinds[name] = make()
        return self._kinds[name]

    def _people(self) -> dict[str, Person]:
        found: dict[str, Person] = {}
        doc = self.program
        declared = doc.get("people") if doc else None
        for index, entry in enumerate(declared if isinstance(declared, list) else ()):
            handle = entry.get("handle") if isinstance(entry, dict) else None
            if doc and isinstance(handle, str) and handle not in found:
                found[handle] = Person(
                    handle,
                    tuple(email.lower() for email in _texts(entry.get("emails"))),
                    _texts(entry.get("roles")),
                    active=entry.get("active") is True,
                    doc=doc,
                    index=index,
                )
        return found

    def _ids(self) -> dict[str, tuple[Document, tuple[str | int, ...]]]:
        found: dict[str, tuple[Document, tuple[str | int, ...]]] = {}

        def add(doc: Document | None, *keys: str | int) -> None:
            entries = doc.get(*keys) if doc else None
            for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                name = entry.get("id") if isinstance(entry, dict) else None
                if doc and isinstance(name, str):
                    found.setdefault(name, (doc, (*keys, index, "id")))

        add(self.program, "objectives")
        objectives = self.program.get("objectives") if self.program else None
        for index in range(len(objectives) if isinstance(objectives, list) else 0):
            add(self.program, "objectives", index, "key_results")
        add(self.evaluation, "gates")
        add(self.monitoring, "monitors")
        add(self.risks, "risks")
        for decision in self.decisions:
            name = decision.get("id")
            if isinstance(name, str):
                found.setdefault(name, (decision, ("id",)))
        return found


def _texts(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def _sequence(release: Document) -> int:
    value = release.get("predicate", "sequence")
    return value if type(value) is int else 0


def _same(one: object, other: object) -> bool:
    """Equal, where true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)
