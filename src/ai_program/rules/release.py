"""Rules of release: models that can be made again, and a gate in front of what decides."""

from __future__ import annotations

from ai_program import values
from ai_program.findings import Location
from ai_program.rules.base import Rule
from ai_program.rules.evaluation import is_fallback, is_report, new_releases, subject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program

    Keys = tuple[str | int, ...]
    Problem = tuple[Keys, str]

REGISTRY = "models/registry"
RELEASES = "evidence/releases"
ACTIVE = f"{RELEASES}/active.json"


class AIP301(Rule):
    """What is registered can be made again, and stays as it was published."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield entries that were edited or removed, and entries that lead nowhere."""
        from ai_program.ledger import Ledger

        snapshot = program.snapshot
        ledger = Ledger(snapshot, REGISTRY)
        for path, how in ledger.broken():
            at = Location(path) if how == "removed" else Location(path, 1, 1, 2)
            yield self.finding(at, f"a registered version was {how}")
        new = ledger.new()
        for path in snapshot.head.glob(f"{REGISTRY}/*.json"):
            if snapshot.stage == "commit" and path not in snapshot.changed:
                continue
            entry = snapshot.head.document(path)
            if entry is not None and isinstance(entry.value, dict):
                for keys, message in self._problems(program, entry):
                    yield self.finding(entry.at(*keys), message)
                for keys, message in self._new(program, entry) if path in new else ():
                    yield self.finding(entry.at(*keys), message)

    @staticmethod
    def _problems(program: Program, entry: Document) -> Iterator[Problem]:
        """Yield what is wrong with an entry whenever it is read."""
        from ai_program import evidence

        yield from evidence.registry_problems(entry.value)
        name = entry.path.rpartition("/")[2].removesuffix(".json")
        if entry.get("version") != name:
            yield ("version",), f"the file is named after {name}, not {entry.get('version')}"
        path = entry.get("evaluation", "path")
        report = (
            program.head.tree.document(path) if isinstance(path, str) and is_report(path) else None
        )
        if report is None:
            yield ("evaluation", "path"), f"there is no evaluation report {path}"
            return
        if report.get("digest") != entry.get("evaluation", "digest"):
            yield ("evaluation", "digest"), f"{path} has another digest"
        for ours, theirs in (
            (("version",), ("model", "version")),
            (("artifact", "digest"), ("model", "digest")),
            (("environment", "digest"), ("bindings", "environment")),
            (("code", "digest"), ("bindings", "code")),
            (("code", "commit"), ("code", "commit")),
        ):
            if entry.get(*ours) != report.get(*theirs):
                yield ours, f"{path} is about another {' '.join(ours)}"

    @staticmethod
    def _new(program: Program, entry: Document) -> Iterator[Problem]:
        """Yield what a new entry cites that the change does not hold."""
        head = program.head
        # That what is named exists at all is a matter of traceability (AIP005).
        names = [doc.get("id") for doc in head.contracts]
        for keys, each in values.entries(entry, "training_data"):
            named = f"{each.get('contract')}@{each.get('version')}"
            if each.get("contract") in names and named not in _versions(head.contracts):
                yield keys, f"no data contract is {named}, so nobody can get the data"
        view = [entry.get("features", key) for key in ("id", "version")]
        if all(isinstance(part, str) for part in view) and "@".join(view) not in _versions(
            head.features
        ):
            yield ("features",), f"no feature schema is {'@'.join(view)}"
        owner = head.person(entry.get("owner"))
        if owner is None or not owner.active:
            yield ("owner",), f"{entry.get('owner')} is nobody declared and active"
        commit = entry.get("code", "commit")
        if program.snapshot.stage != "commit" and isinstance(commit, str):
            from ai_program.snapshot import CannotDecide

            try:
                program.snapshot.at(commit)
            except CannotDecide:
                yield ("code", "commit"), f"there is no commit {commit[:12]} to make it from"


class AIP303(Rule):
    """A release is in force by an unbroken chain of records, each with all that was promised."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield breaks of the chain, and what a new record lacks."""
        snapshot = program.snapshot
        touched = any(path.startswith(f"{RELEASES}/") for path in snapshot.changed)
        if not touched and snapshot.stage == "commit":
            return
        from ai_program.ledger import Ledger

        for path, how in Ledger(snapshot, RELEASES).broken():
            at = Location(path) if how == "removed" else Location(path, 1, 1, 2)
            yield self.finding(at, f"a release record was {how}")
        unreadable = list(self._unreadable(program))
        yield from unreadable
        if unreadable:
            return
        yield from self._chain(program)
        records = program.head.releases
        for record in new_releases(program):
            earlier = records[: records.index(record)]
            for keys, message in _Record(program, record, earlier).problems():
                yield self.finding(record.at("predicate", *keys), message)

    def _unreadable(self, program: Program) -> Iterator[Finding]:
        """Yield what of the chain has not the form of its kind, so that nothing follows from it."""
        from ai_program import schemas

        tree, root = program.head.tree, program.baseline.root
        for path in tree.glob(f"{RELEASES}/*.json"):
            kind = "statement" if is_record(path) else "active"
            if kind == "active" and path != ACTIVE:
                continue
            doc = tree.document(path)
            if doc is None or schemas.validate(kind, doc.value, root=root):
                yield self.finding(
                    Location(path, 1, 1, 2), "the chain of releases cannot be followed through this"
                )

    def _chain(self, program: Program) -> Iterator[Finding]:
        from ai_program import evidence

        head = program.head
        records = sorted(head.releases, key=lambda record: record.path)
        for record in records:
            for keys, message in evidence.release_problems(record.value):
                yield self.finding(record.at(*keys), message)
        pointer = head.active.value if head.active else None
        for path, keys, message in evidence.chain_problems(
            [(record.path, record.value) for record in records], pointer
        ):
            doc = head.tree.document(path)
            yield self.finding(doc.at(*keys) if doc else Location(path), message)


class _Record:
    """A new release record of the right form, and the records before it.

    Each check yields keys inside the predicate, and what is wrong there.
    """

    __slots__ = ("doc", "earlier", "program", "said", "subject")

    def __init__(self, program: Program, doc: Document, earlier: list[Document]) -> None:
        self.program = program
        self.doc = doc
        self.earlier = earlier
        self.said: dict[str, Any] = doc.value["predicate"]
        self.subject = subject(doc)

    def problems(self) -> Iterator[Problem]:
        """Yield everything that speaks against the record."""
        yield from self._author()
        yield from self._time()
        yield from self._evaluation()
        yield from self._exceptions()
        if self.said["action"] == "rollback":
            yield from self._back()
            return
        yield from self._programme()
        yield from self._cited()
        yield from self._approvals()
        yield from self._review()
        yield from self._way_back()

    def _author(self) -> Iterator[Problem]:
        author = self.said["author"]
        person = self.program.head.person(author)
        if person is None or not person.active:
            yield ("author",), f"{author} is the address of nobody declared and active"

    def _time(self) -> Iterator[Problem]:
        created = self.said["created_at"]
        if created[:10] > self.program.snapshot.today:
            yield ("created_at",), f"it is dated {created[:10]}, which is not yet"
        if self.earlier and created < self.earlier[-1].get("predicate", "created_at"):
            yield ("created_at",), "it is older than the record before it"

    def _evaluation(self) -> Iterator[Problem]:
        """Follow the record to its report: it is there, sealed, about this model, and passes."""
        from ai_program import digests, verdict

        said, path = self.said["evaluation"], self.said["evaluation"]["path"]
        report = self.program.head.tree.document(path) if is_report(path) else None
        if report is None or not isinstance(report.value, dict):
            yield ("evaluation", "path"), f"there is no evaluation report {path}"
            return
        if not digests.is_sealed(report.value) or report.get("digest") != said["digest"]:
            yield ("evaluation", "digest"), f"{path} has another digest"
        about = tuple(report.get("model", key) for key in ("name", "version", "digest"))
        if about != self.subject:
            yield ("evaluation", "path"), f"{path} is not about the model that is released"
        judged = verdict.ERROR
        if report.get("verdict_scheme") == verdict.SCHEME:
            judged = verdict.judge(
                report.get("gates") or [],
                report.get("measurements") or [],
                champion=report.get("champion") is not None,
            ).verdict
        if said["verdict"] != judged:
            yield (
                ("evaluation", "verdict"),
                f"the record says {said['verdict']}, the numbers of the report say {judged}",
            )
        if judged != verdict.PASS and self.said["action"] == "promote":
            yield ("evaluation", "verdict"), f"the verdict is {judged}, and only a pass is promoted"
        if report.get("code", "dirty") is not False and self.said["action"] == "promote":
            yield ("evaluation", "path"), f"{path} was written from a tree with uncommitted changes"
        if self.said["data"]["digest"] != report.get("bindings", "data"):
            yield ("data", "digest"), f"{path} judged other data"
        if self.said["policies"] != report.get("bindings", "policies"):
            yield ("policies",), f"{path} judged by other policies"

    def _exceptions(self) -> Iterator[Problem]:
        """Compare the exceptions that the record names with those in force."""
        from ai_program import exceptions

        named = self.said["exceptions"]
        known = [waiver.id for waiver in exceptions.of_head(self.program)]
        for waiver in exceptions.of_base(self.program):
            if waiver.problem is None and waiver.id not in named:
                yield ("exceptions",), f"{waiver.id} is in force and not named"
        for index, name in enumerate(named):
            if name not in known:
                yield ("exceptions", index), f"there is no exception {name}"

    def _programme(self) -> Iterator[Problem]:
        """Look at what holds back every promotion: a draft, an open screen, open documents."""
        policy, tier = self.program.head.program, self.program.tier
        if policy is None or policy.get("program", "status") != "committed":
            yield ("action",), "the programme is a draft, and nothing of a draft is promoted"
        if policy is None or policy.get("risk", "prohibited_practices", "status") != "none":
            yield ("action",), "the ten prohibited practices are not screened and ruled out"
        if tier == "minimal":
            return
        from ai_program.owed import owed

        still = owed(self.program.head, self.program.baseline)
        if still:
            first = f"{still[0].name} in {still[0].location.path}"
            yield ("action",), f"tier {tier} promotes when nothing is open, and {first} is"

    def _cited(self) -> Iterator[Problem]:
        """Follow the other citations: registry, decision, contract, features."""
        head = self.program.head
        model, version, artifact = self.subject
        entry = head.tree.document(f"{REGISTRY}/{version}.json")
        if entry is None or (entry.get("model"), entry.get("artifact", "digest")) != (
            model,
            artifact,
        ):
            yield ("evaluation",), f"the registry does not have {model}/{version} with this digest"
        name = self.said["decision"]
        decision = next((doc for doc in head.decisions if doc.get("id") == name), None)
        if decision is None or decision.get("status") != "accepted":
            yield ("decision",), f"{name} is no accepted decision"
        for keys, cited, docs, what in (
            (("data", "contract"), self.said["data"]["contract"], head.contracts, "data contract"),
            (("features",), self.said["features"], head.features, "feature schema"),
        ):
            if cited not in _versions(docs):
                yield keys, f"no {what} is {cited}"

    def _approvals(self) -> Iterator[Problem]:
        """Count the approvals that count, against the policy and the tier's floor."""
        from ai_program import authority

        program, approvals = self.program, self.said["approvals"]
        authors = {self.said["author"].lower(), *authority.writers(program, self.doc.path)}
        good = 0
        names = [approval["person"] for approval in approvals]
        for index, reason in enumerate(authority.refusals(program, names, authors)):
            wrong = reason or self._approval(approvals[index])
            good += wrong is None
            if wrong:
                yield ("approvals", index), f"an approval does not count: {wrong}"
        needed = required_approvals(program)
        if good < needed:
            yield ("approvals",), f"{good} of {needed} approvals that count"

    def _approval(self, approval: dict[str, str]) -> str | None:
        """Return why an approval by somebody who may approve does not count."""
        from ai_program import authority

        name, role = approval["person"], approval["role"]
        person = self.program.head.person(name)
        if person is None or role not in person.roles:
            return f"{name} has not the role {role}"
        if role not in authority.permitted_roles(self.program):
            return f"nobody approves as {role}"
        if approval["on"] > self.said["created_at"][:10]:
            return f"{name} approved after the release"
        return None

    def _review(self) -> Iterator[Problem]:
        policy, mode = self.program.head.oversight, self.said["review"]["mode"]
        modes = [each.get("mode") for _, each in values.entries(policy, "decision_types")]
        if mode not in modes:
            yield ("review", "mode"), f"policies/oversight.yaml reviews nothing in the mode {mode}"

    def _way_back(self) -> Iterator[Problem]:
        """Hold the rollback target against the chain: the last release of another model."""
        target = self.said["rollback_target"]
        others = [each for each in self.earlier if subject(each) != self.subject]
        if target["retrieved"] is not True:
            yield ("rollback_target", "retrieved"), "nobody has seen that the way back works"
        if not others:
            if target["kind"] != "fallback":
                yield (
                    ("rollback_target", "kind"),
                    "there is no earlier release, so the way back is the fallback",
                )
            return
        wanted = subject(others[-1])
        named = next((each for each in self.earlier if each.path == target["release"]), None)
        if target["kind"] != "release" or named is None or subject(named) != wanted:
            yield (
                ("rollback_target", "release"),
                f"the way back leads to {wanted[1]}, which was in force before",
            )
        elif target["artifact"] != wanted[2]:
            yield ("rollback_target", "artifact"), f"{wanted[1]} has another digest"

    def _back(self) -> Iterator[Problem]:
        """Hold a rollback against the chain: back is where the programme was, or its fallback."""
        promoted = [each for each in self.earlier if each.get("predicate", "action") == "promote"]
        known = self.subject in [subject(each) for each in promoted]
        if not known and not is_fallback(self.program.head, self.said["evaluation"]["path"]):
            yield ("action",), f"{self.subject[1]} was never promoted, so nothing rolls back to it"
        elif self.earlier and subject(self.earlier[-1]) == self.subject:
            yield ("action",), f"{self.subject[1]} is in force already"


def required_approvals(program: Program) -> int:
    """Return how many people approve a release: the policy's number, never below the tier's."""
    numbers = [1]
    for state in (program.base, program.head):
        required = state.release.get("approvals", "required") if state.release else None
        numbers += [required] if type(required) is int else []
    for floor in program.baseline.tiers["floors"]:
        if floor["pointer"] == "policies/release.yaml#approvals.required":
            numbers.append(floor["at_least"].get(program.tier, 1))
    return max(numbers)


def is_record(path: str) -> bool:
    """Tell whether a path is that of a numbered release record."""
    folder, _, name = path.rpartition("/")
    return folder == RELEASES and name[:1].isdigit() and name.endswith(".json")


def _versions(docs: list[Document]) -> list[str]:
    """Return how documents are cited: id@version."""
    return [f"{doc.get('id')}@{doc.get('version')}" for doc in docs]
