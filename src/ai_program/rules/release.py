"""Rules of release: models that can be made again, and a gate in front of what decides."""

from __future__ import annotations

import re

from ai_program import deployed, values
from ai_program.findings import Location
from ai_program.rules.base import Rule
from ai_program.rules.evaluation import is_fallback, is_report, new_releases, subject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program, State
    from ai_program.snapshot import Tree

    Keys = tuple[str | int, ...]
    Problem = tuple[Keys, str]

REGISTRY = "models/registry"
RELEASES = "evidence/releases"
ACTIVE = f"{RELEASES}/active.json"

# A CycloneDX ML-BOM; the standard has no place for what happens when an entry goes away.
INVENTORY = "governance/third-party.cdx.json"
WITHDRAWN = "ai-program:if-withdrawn"

# Where manifests stand, and how a workload names its release: by the digest of its record, which
# covers the model, the data, the features and the policies.
DEPLOYED = "deploy"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}").fullmatch
_PINNED = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}").fullmatch
_SEPARATOR = re.compile(rb"---(?:\s|$)").match
_BUILD_FILE = re.compile(r"(?:.*\.)?(?:dockerfile|containerfile)(?:\..*)?").fullmatch
_FROM = re.compile(r"(?i)\s*FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?").match

DOCUMENTATION = "governance/technical-documentation.yaml"
# Standards and the declaration of conformity; the others apply to every system of the high tier.
_OPTIONAL_POINTS = (7, 8)

# Characters. Whoever reads less than this has not been told anything, in any language.
_SHORTEST_NOTICE = 20

# What a model card holds in each of these sections.
_ANALYSES = "Quantitative analyses"
_NOTHING = "Nothing has been measured yet."
_COMMENT = r"(?s)<!--.*?(?:-->|\Z)"
_NOT_FOR = r"(?im)^not for\b[^\S\n]*(?::[^\S\n]*)?(?:\w|\n\s*[-*] +\w)"
_ITEM = r"(?m)^[-*] +\w"
_SHOWN = re.compile(r"Version `([a-z0-9-]+)`")


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


class AIP302(Rule):
    """A model card says what the model is not for, where it ends, and what was measured."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what a reader of the card would miss, and what evidence contradicts."""
        promoted = [
            subject(record)
            for record in new_releases(program)
            if record.get("predicate", "action") == "promote"
        ]
        for doc in values.mappings(program.head.cards):
            card = _Card(program, doc)
            for at, message in card.problems():
                yield self.finding(at, message)
            for model, version, _ in promoted:
                if doc.get("model") == model and doc.get("version") not in {None, version}:
                    yield self.finding(
                        doc.at("version"),
                        f"{version} is put in force, and the card describes {doc.get('version')}",
                        do=f"bring the card up to date for {version} before it is promoted",
                    )


class _Card:
    """A model card beside the evidence about its model."""

    __slots__ = ("doc", "program", "sections")

    def __init__(self, program: Program, doc: Document) -> None:
        self.program = program
        self.doc = doc
        # That a section is missing or empty is a matter of its form (AIP001).
        self.sections = doc.sections()

    def problems(self) -> Iterator[tuple[Location, str]]:
        """Yield what is wrong with the card by itself and beside the evidence."""
        yield from self._limits()
        yield from self._version()
        yield from self._numbers()

    def _limits(self) -> Iterator[tuple[Location, str]]:
        for title, what, pattern in (
            ("Intended use", "does not say what the model is not for", _NOT_FOR),
            ("Caveats and recommendations", "lists no limit of the model", _ITEM),
        ):
            line, text = self.sections.get(title, (0, ""))
            if text and not re.search(pattern, re.sub(_COMMENT, "", text)):
                yield self.doc.line_at(line), f"the section {title} {what}"

    def _version(self) -> Iterator[tuple[Location, str]]:
        """Compare the version that the card names with the registry."""
        doc, version = self.doc, self.doc.get("version")
        if version is None and doc.get("status") == "done":
            yield doc.at("version"), "the card is done and names no version that it describes"
        if not isinstance(version, str):
            return
        entry = self.program.head.tree.document(f"{REGISTRY}/{version}.json")
        if entry is None or entry.get("model") != doc.get("model"):
            yield doc.at("version"), f"no version {version} of {doc.get('model')} is registered"
            return
        view = entry.get("features")
        made_from = {
            "data": {
                f"{each.get('contract')}@{each.get('version')}"
                for _, each in values.entries(entry, "training_data")
            },
            "features": {f"{view.get('id')}@{view.get('version')}"}
            if isinstance(view, dict)
            else set(),
        }
        for key, true in made_from.items():
            said = set(values.texts(doc.get(key)))
            if said != true:
                told, known = (values.joined(names) or "nothing" for names in (said, true))
                message = f"the card says {told}, {version} was made from {known}"
                yield doc.at(key), message

    def _numbers(self) -> Iterator[tuple[Location, str]]:
        """Hold the numbers between the markers against the report they come from."""
        heading = self.sections.get(_ANALYSES, (0, ""))[0]
        if not heading:
            return
        from ai_program import evidence

        doc = self.doc
        lines = dict(enumerate(doc.body.split("\n"), start=doc.body_line))
        end_of_section = min(
            (line for line, _ in self.sections.values() if line > heading), default=max(lines) + 1
        )
        begins, ends = (
            [line for line, text in lines.items() if mark in text]
            for mark in (evidence.CARD_BEGIN, evidence.CARD_END)
        )
        if not (len(begins) == len(ends) == 1 and heading < begins[0] < ends[0] < end_of_section):
            marks = f"{evidence.CARD_BEGIN} … {evidence.CARD_END}"
            message = f"the section {_ANALYSES} has no single place for the numbers: {marks}"
            yield doc.line_at(heading), message
            return
        shown = {
            line: text.strip()
            for line, text in lines.items()
            if begins[0] < line < ends[0] and text.strip()
        }
        yield from self._against_report(shown, begins[0], ends[0])

    def _against_report(
        self, shown: dict[int, str], begin: int, end: int
    ) -> Iterator[tuple[Location, str]]:
        doc, tree = self.doc, self.program.head.tree
        first = next(iter(shown.items()), (begin, ""))
        named = _SHOWN.match(first[1])
        if named is None:
            if any(_is_about(each, doc.get("model")) for each in self.program.head.reports):
                yield (
                    doc.line_at(first[0]),
                    "it names no version, and there are reports of the model",
                )
            elif list(shown.values()) not in ([], [_NOTHING]):
                yield doc.line_at(first[0]), "numbers without the version that they are about"
            return
        path = f"evidence/evaluations/{named[1]}.json"
        report = tree.document(path)
        if report is None or not _is_about(report, doc.get("model")):
            if path not in tree or report is not None:
                yield doc.line_at(first[0]), f"there is no report {path} of this model"
            return
        from ai_program import digests, evidence, schemas

        # A report of another form (AIP001) or with another seal (AIP206) is no measure.
        root = self.program.baseline.root
        if schemas.validate("report", report.value, root=root) or not digests.is_sealed(
            report.value
        ):
            return
        said = [line for line in evidence.card_block(report.value).split("\n") if line]
        for (line, text), true in zip(shown.items(), said, strict=False):
            if text != true:
                yield doc.line_at(line), f"{path} says otherwise: {true}"
                return
        if len(shown) < len(said):
            yield doc.line_at(end), f"{path} says more: {said[len(shown)]}"
        elif len(shown) > len(said):
            yield doc.line_at(list(shown)[len(said)]), f"{path} says nothing of this"


def _is_about(report: Document, model: object) -> bool:
    return model is not None and report.get("model", "name") == model


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


class AIP304(Rule):
    """What is deployed is named by digest, and is the release in force."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield images that may change by themselves, and workloads of another release."""
        tree = program.head.tree
        for path in tree.entries:
            if not path.startswith(f"{DEPLOYED}/"):
                continue
            name = path.rpartition("/")[2].lower()
            if name.endswith((".yaml", ".yml", ".json")):
                yield from self._manifest(program, path)
            elif _BUILD_FILE(name):
                yield from self._build(program, path)

    def _manifest(self, program: Program, path: str) -> Iterator[Finding]:
        from ai_program.documents import DocumentError

        try:
            parts = list(_parts(program.head.tree, path))
        except DocumentError as error:
            yield self.finding(
                Location(path, error.line, error.column or 1, (error.column or 1) + 1)
                if error.line
                else Location(path),
                f"nobody can tell what this deploys: it {_said(error.message)}",
                do="write plain YAML or JSON: no template, no anchors, every key once",
            )
            return
        for doc in parts:
            for keys, message in _loose_images(doc.value):
                yield self.finding(doc.at(*keys), message)
            for where in _workloads(doc):
                yield from self._release(program, doc, where)

    def _release(self, program: Program, doc: Document, where: Keys) -> Iterator[Finding]:
        """Compare the release that a workload names with the one in force.

        A promotion comes before its roll-out: what the change does not touch may lag behind until
        the calendar asks.
        """
        snapshot, active = program.snapshot, program.head.active
        lags = doc.path not in snapshot.changed and snapshot.stage != "schedule"
        severity = "warning" if lags else None
        kind, named = doc.get(*where, "kind"), False
        for keys in dict.fromkeys((where, _pod(doc, where))):
            at = (*keys, "metadata", "annotations", deployed.ANNOTATION)
            annotations = doc.get(*at[:-1])
            if not isinstance(annotations, dict) or deployed.ANNOTATION not in annotations:
                continue
            named, said = True, annotations[deployed.ANNOTATION]
            if not isinstance(said, str):
                said = values.shown(said)
            if active is None and said == deployed.NONE:
                continue
            if active is None:
                message = f"it names the release {said}, and none is in force"
                yield self.finding(doc.at(*at), message)
            elif said != active.get("digest"):
                yield self.finding(
                    doc.at(*at),
                    f"it names the release {said},"
                    f" in force is {active.get('version')} by {active.get('digest')}",
                    severity=severity,
                    related=[(active.at("digest"), "the release in force")],
                )
        if not named and active is not None:
            yield self.finding(
                doc.at(*where, "kind"),
                f"this {kind} does not say which release it is:"
                f" no annotation {deployed.ANNOTATION}",
                severity=severity,
            )

    def _build(self, program: Program, path: str) -> Iterator[Finding]:
        from ai_program.documents import DocumentError

        try:
            text = program.head.tree.read(path).decode(errors="replace")
        except DocumentError as error:
            yield self.finding(Location(path), f"nobody can tell what this builds: {error.message}")
            return
        stages = {"scratch"}
        for number, line in enumerate(text.split("\n"), start=1):
            base = _FROM(line)
            if base is None:
                continue
            image = base["image"]
            if image.lower() not in stages and not _PINNED(image):
                start = base.start("image") + 1
                yield self.finding(Location(path, number, start, start + len(image)), _loose(image))
            if base["stage"]:
                stages.add(base["stage"].lower())


def _parts(tree: Tree, path: str) -> Iterator[Document]:
    """Yield the documents of a manifest, each with the numbers of its lines.

    Raises:
        DocumentError: for whatever of it cannot be read.

    """
    import itertools

    from ai_program import documents

    if tree.entries[path].mode == "120000":
        raise documents.DocumentError("is a symbolic link, which is not followed")
    data = tree.read(path)
    if path.endswith(".json"):
        yield documents.parse(data, path)
        return
    lines = data.split(b"\n")
    starts = [0, *(n for n, line in enumerate(lines) if _SEPARATOR(line)), len(lines)]
    for start, end in itertools.pairwise(starts):
        part = b"\n".join(lines[start:end])
        if start:
            part = b"\n" * start + part.replace(b"---", b"   ", 1)
        doc = documents.parse(part, path)
        if doc.value is not None:
            yield doc


def _said(message: str) -> str:
    return (
        message if message.startswith(("is ", "has ", "begins ")) else f"cannot be read: {message}"
    )


def _loose_images(value: object) -> Iterator[Problem]:
    """Yield the images of a manifest that no digest names, wherever they stand."""
    stack: list[tuple[Keys, object]] = [((), value)]
    found: list[Problem] = []
    while stack:
        keys, value = stack.pop()
        if isinstance(value, list):
            stack.extend(((*keys, index), item) for index, item in enumerate(value))
        if not isinstance(value, dict):
            continue
        stack.extend(((*keys, key), item) for key, item in value.items())
        image = value.get("image")
        if isinstance(image, str) and not _PINNED(image):
            found.append(((*keys, "image"), _loose(image)))
        # Kustomize and Helm keep the parts of a name apart.
        for key in ("newTag", "tag"):
            if value.get(key) is not None and not _DIGEST(str(value.get("digest"))):
                said = values.shown(value[key])
                found.append(
                    ((*keys, key), f"the tag {said} may move, and no digest stands beside it")
                )
    return iter(sorted(found, key=lambda each: str(each[0])))


def _loose(image: str) -> str:
    if "@" in image:
        return f"{image} is not named by a whole sha256 digest"
    tagged = ":" in image.rpartition("/")[2]
    return f"{image} may change by itself: {'a tag is no digest' if tagged else 'it is the latest'}"


def _workloads(doc: Document) -> Iterator[Keys]:
    """Yield where the objects stand that run containers: the document, or items of its list."""
    for where in ((), *(keys for keys, _ in values.entries(doc, "items"))):
        spec = doc.get(*where, "spec")
        if isinstance(doc.get(*where, "kind"), str) and _runs_containers(spec):
            yield where


def _runs_containers(value: object) -> bool:
    """Tell whether containers stand somewhere below."""
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if isinstance(value.get("containers"), list):
                return True
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return False


def _pod(doc: Document, where: Keys) -> Keys:
    """Return where the template of a workload's pods stands; the workload itself without one."""
    for keys in (("spec", "template"), ("spec", "jobTemplate", "spec", "template")):
        if isinstance(doc.get(*where, *keys), dict):
            return (*where, *keys)
    return where


class AIP305(Rule):
    """What comes from others is listed, with what is needed when it changes or goes away."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield entries that lack something, and data of others that is not listed."""
        inventory = program.head.tree.document(INVENTORY)
        # That it is missing or malformed is a matter of AIP002 and AIP001.
        if inventory is None or not isinstance(inventory.value, dict):
            return
        entries = dict(values.entries(inventory, "components"))
        for keys, entry in entries.items():
            yield from self._entry(inventory, keys, entry, supplier="supplier")
            if not _hashes(entry):
                yield self.finding(
                    inventory.at(*keys, "name"), f"{_called(entry)} has no hash to know it by"
                )
        for keys, entry in values.entries(inventory, "services"):
            yield from self._entry(inventory, keys, entry, supplier="provider")
        for contract in values.mappings(program.head.contracts):
            yield from self._sample(program, inventory, contract, entries)

    def _entry(
        self, inventory: Document, keys: Keys, entry: dict[str, Any], *, supplier: str
    ) -> Iterator[Finding]:
        given = entry.get(supplier)
        present = {
            "version": bool(values.text(entry.get("version"))),
            "licence": bool(_licences(entry)),
            supplier: isinstance(given, dict) and bool(values.text(given.get("name"))),
            f"property {WITHDRAWN}": any(
                each.get("name") == WITHDRAWN and values.text(each.get("value"))
                for _, each in values.entries(inventory, *keys, "properties")
            ),
        }
        missing = [what for what, there in present.items() if not there]
        if missing:
            yield self.finding(
                inventory.at(*keys, "name"), f"{_called(entry)} lacks {', '.join(missing)}"
            )

    def _sample(
        self,
        program: Program,
        inventory: Document,
        contract: Document,
        entries: dict[Keys, dict[str, Any]],
    ) -> Iterator[Finding]:
        """Hold the entry of data that came from others against its contract and its bytes."""
        from ai_program import contracts

        sample = contracts.value(contract, "sample")
        if not isinstance(sample, dict) or sample.get("kind") != "public":
            return
        name, version = contract.get("id"), contract.get("version")
        found = [
            (keys, entry)
            for keys, entry in entries.items()
            if entry.get("type") == "data" and entry.get("name") == name
        ]
        if not found:
            yield self.finding(
                inventory.key_at("components"),
                f"{name} came from others ({values.text(sample.get('origin'))}) and is not listed",
                related=[(contracts.place(contract, "sample"), "the contract of the data")],
            )
        for keys, entry in found:
            if entry.get("version") != version:
                yield self.finding(
                    inventory.at(*keys, "version"),
                    f"{name} is {values.shown(entry.get('version'))} here and"
                    f" {values.shown(version)} in its contract",
                )
            licence = values.text(sample.get("licence"))
            if _licences(entry) and licence not in _licences(entry):
                yield self.finding(
                    inventory.at(*keys, "licenses"),
                    f"{name} is under {values.joined(_licences(entry))} here and {licence} in its"
                    " contract",
                )
            yield from self._digest(program, inventory, keys, values.text(sample.get("path")))

    def _digest(
        self, program: Program, inventory: Document, keys: Keys, path: str
    ) -> Iterator[Finding]:
        """Compare a hash with the file; where git does not have it, with the policy's digest."""
        snapshot = program.snapshot
        if snapshot.stage == "commit" and not {path, INVENTORY}.intersection(snapshot.changed):
            return
        from ai_program import digests
        from ai_program.documents import DocumentError

        try:
            digest: object = digests.of_bytes(snapshot.head.read(path))
        except (KeyError, DocumentError):
            declared = {at: said for _, at, said in program.head.data_sources()}
            digest = declared.get(path)
        for at, each in values.entries(inventory, *keys, "hashes"):
            if each.get("alg") == "SHA-256" and f"sha256:{each.get('content')}" != digest:
                said = digest or "nothing that could be compared"
                yield self.finding(
                    inventory.at(*at, "content"), f"the digest of {path} is {said}, not this one"
                )


def _called(entry: dict[str, Any]) -> str:
    return values.text(entry.get("name")) or "an entry without a name"


def _hashes(entry: dict[str, Any]) -> list[str]:
    found = entry.get("hashes")
    return [
        each["content"]
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict) and values.text(each.get("content"))
    ]


def _licences(entry: dict[str, Any]) -> list[str]:
    """Return the identifiers, or names, of an entry's licences."""
    found = entry.get("licenses")
    given = [
        each["license"]
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict) and isinstance(each.get("license"), dict)
    ]
    named = [values.text(each.get("id")) or values.text(each.get("name")) for each in given]
    return [each for each in named if each]


class AIP306(Rule):
    """Who deals with the system, or is decided about, is told so: in words, at a place."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield a notice that is missing, says nothing, or was taken back."""
        policy = program.head.oversight
        if policy is None or not isinstance(policy.get("transparency"), dict):
            return
        yield from self._document(program, policy)
        reason = _reason_to_tell(program.head.program)
        if policy.get("transparency", "required") is not True:
            if reason:
                yield self.finding(
                    policy.at("transparency", "required"),
                    f"no notice is required, and {reason}",
                    do="set required: true; if an answer is wrong, correct it in workshop.yaml",
                )
            return
        if not values.text(policy.get("transparency", "owner")):
            yield self.finding(
                policy.key_at("transparency"), "nobody owns the notice, so nobody keeps it true"
            )
        if policy.get("transparency", "status") == "done":
            yield from self._text(policy)
        elif program.base.active is not None and _is_told(program.base):
            yield self.finding(
                policy.at("transparency", "status"),
                "a release is in force, and its notice is taken back",
                do="keep the notice that people read now until the next one is written",
            )

    def _document(self, program: Program, policy: Document) -> Iterator[Finding]:
        """Yield a document that is named and says nothing, or that was named and is no more."""
        named = values.text(policy.get("transparency", "document"))
        before = program.base.oversight
        old = values.text(before.get("transparency", "document")) if before else ""
        if named and (not named.endswith(".md") or not _documents(program, named)):
            yield self.finding(
                policy.at("transparency", "document"),
                f"{named} is no document, and people are told what it says",
                do="name the file (.md) that says what people are told, or write it",
            )
        elif old and not named:
            yield self.finding(
                policy.key_at("transparency"),
                f"{old} was named here as what people are told, and no document is any more",
                do="name it again, or the one that takes its place",
            )

    def _text(self, policy: Document) -> Iterator[Finding]:
        notice, placement = (
            values.text(policy.get("transparency", key)) for key in ("notice", "placement")
        )
        if notice and len(notice) < _SHORTEST_NOTICE:
            yield self.finding(
                policy.at("transparency", "notice"),
                f"{values.shown(notice)} tells nobody that and why an AI system is used",
            )
        if notice and notice == placement:
            yield self.finding(
                policy.at("transparency", "placement"),
                "this is the notice again, and not where people read it",
            )


class AIP307(Rule):
    """Each point of Annex IV leads to files, and somebody looked at it since they changed."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield points that lead nowhere; of an index that is still owed, wrong paths only."""
        index = program.head.tree.document(DOCUMENTATION)
        if index is None or not isinstance(index.value, dict):
            return  # AIP001 and AIP002 say so
        points = list(values.entries(index, "points"))
        for keys, _ in points:
            for place, path in values.items(index, *keys, "paths"):
                if path == DOCUMENTATION or not _documents(program, path):
                    yield self.finding(index.at(*place), f"{path} documents nothing")
        if index.get("status") == "open":
            before = program.base.tree.document(DOCUMENTATION)
            if program.base.active is not None and before and before.get("status") == "done":
                yield self.finding(
                    index.at("status"), "a release is in force, and its documentation is taken back"
                )
            return
        known = [point.get("point") for _, point in points]
        for number in range(1, 10):
            if known.count(number) != 1:
                how = "stands here twice" if number in known else "is missing"
                yield self.finding(index.key_at("points"), f"point {number} {how}")
        for keys, point in points:
            yield from self._point(index, keys, point)
        yield from self._age(program, index)

    def _point(self, index: Document, keys: Keys, point: dict[str, Any]) -> Iterator[Finding]:
        number, reason = point.get("point"), values.text(point.get("not_applicable"))
        if point.get("paths") == [] and len(reason) < _SHORTEST_NOTICE:
            yield self.finding(
                index.at(*keys, "point"), f"point {number} names no file and no reason why not"
            )
        elif reason and number not in _OPTIONAL_POINTS:
            yield self.finding(
                index.at(*keys, "not_applicable"), f"point {number} applies to every system"
            )

    def _age(self, program: Program, index: Document) -> Iterator[Finding]:
        """Compare the days on which the index and what it cites were last committed."""
        history = program.snapshot.history
        looked = history.commits(DOCUMENTATION)
        for keys, _ in values.entries(index, "points"):
            for place, path in values.items(index, *keys, "paths"):
                commits = history.commits(path)
                if commits and looked and commits[0].committed_on > looked[0].committed_on:
                    yield self.finding(
                        index.at(*place),
                        f"{path} changed on {commits[0].committed_on}, the index was last looked at"
                        f" on {looked[0].committed_on}",
                    )


def _documents(program: Program, path: str) -> bool:
    """Tell whether a file, or one in a folder that ends with a slash, says anything."""
    tree = program.head.tree
    if path.endswith("/"):
        return any(each.startswith(path) and tree.size(each) for each in tree.entries)
    return path in tree and tree.size(path) > 0


def _reason_to_tell(doc: Document | None) -> str:
    """Return why people have to be told, "" if nothing says so."""
    risk = doc.get("risk") if doc else None
    if not isinstance(risk, dict):
        return ""
    if risk.get("interacts_or_generates") is True:
        return "the system talks to people or makes what they see (interacts_or_generates: true)"
    if risk.get("person_impact") == "legal_or_similar":
        return "it decides about people (person_impact: legal_or_similar)"
    return ""


def _is_told(state: State) -> bool:
    """Tell whether a notice was written."""
    policy = state.oversight
    said = policy.get("transparency") if policy else None
    return isinstance(said, dict) and said.get("required") is True and said.get("status") == "done"


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
