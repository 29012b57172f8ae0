"""Foundation: the programme's documents can be read, agree, and name real people (AIP0xx)."""

from __future__ import annotations

import re

from ai_program import contracts, layout, values
from ai_program.findings import Location
from ai_program.placeholders import placeholder
from ai_program.program import PLACES
from ai_program.rules.base import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program, State

    Keys = tuple[str | int, ...]

WORKSHOP = "workshop.yaml"
LOCK = ".ai-program/lock.json"


class AIP001(Rule):
    """Every governed file is a plain file that its schema accepts."""

    def check(self, program: Program) -> Iterator[Finding]:
        from ai_program import schemas

        tree, kinds = program.snapshot.head, program.baseline.layout["kinds"]
        places = layout.of(program)
        root = program.baseline.root
        schemas.prepare({kind["schema"] for _, kind in places.files}, root=root)
        for path, kind in places.files:
            mode = tree.entries[path].mode
            if mode in _ODD_MODES:
                yield self._odd(path, mode)
                continue
            problem = tree.problem(path)
            if problem is not None:
                at = Location(path, problem.line, problem.column, problem.column + 1)
                yield self.finding(at if problem.line else Location(path), problem.message)
                continue
            doc = tree.document(path)
            if doc is None:
                continue
            if doc.value is None:
                yield self._empty(doc, kind)
                continue
            yield from self._form(doc, kind, tree.read(path))
            wrong = schemas.validate(kind["schema"], doc.value, root=root)
            if wrong:
                yield from self._violations(doc, wrong)
        for folder in layout.above(kinds):
            entry = tree.entries.get(folder)
            if entry is not None and entry.mode in _ODD_MODES:
                yield self._odd(folder, entry.mode)
        for path, folder in layout.strays(tree, places, kinds):
            yield self.finding(
                Location(path),
                f"stands in {folder}/, but no rule reads a file of this name",
                do="name it like the other files of the folder, or move it out of the folder",
            )

    def _odd(self, path: str, mode: str) -> Finding:
        what = "a submodule" if mode == "160000" else "a symbolic link"
        return self.finding(
            Location(path),
            f"is {what}, so what it says is not in this repository",
            do="replace it by the plain file",
        )

    def _empty(self, doc: Document, kind: dict[str, Any]) -> Finding:
        if kind["format"] == "markdown" and doc.body.strip():
            return self.finding(
                doc.line_at(1),
                "has no front matter",
                do="begin the file with `---`, the fields of its schema, and `---`",
            )
        return self.finding(Location(doc.path), "says nothing")

    def _form(self, doc: Document, kind: dict[str, Any], data: bytes) -> Iterator[Finding]:
        """What a schema cannot say: sections, days, entries that stand twice."""
        if kind["format"] == "markdown":
            yield from self._sections(doc, kind.get("sections", ()))
        if kind["format"] != "json":
            # One look at the bytes is cheap, and enough where nothing is written in escapes.
            escapes = b"\\" in data
            if escapes or not all(map(is_day, {day.decode() for day in _DAYS.findall(data)})):
                yield from self._days(doc)
            if kind["kind"] != "contract":  # whose standard lets the same name stand twice
                ids = _ID_VALUES.findall(data)
                if escapes or len(ids) > len(set(ids)):
                    yield from self._twice(doc)

    def _sections(self, doc: Document, titles: Iterable[str]) -> Iterator[Finding]:
        sections = doc.sections()
        missing = [title for title in titles if title not in sections]
        if missing:
            yield self.finding(
                Location(doc.path),
                f"lacks the {_plural('section', missing)} {', '.join(missing)}",
                do="add the headings (`## …`) with what belongs under them",
            )
        for title in titles:
            if title in sections and not sections[title][1]:
                yield self.finding(
                    doc.line_at(sections[title][0]),
                    f"the section {title} is empty",
                    do="write what belongs there, or say who owes it until when",
                )

    def _violations(self, doc: Document, wrong: list[tuple[Keys, str]]) -> Iterator[Finding]:
        for keys, _ in wrong:
            if keys and keys[-1] in _VERSIONS:
                yield self.finding(
                    doc.at(*keys),
                    f"{keys[-1]} {values.shown(doc.get(*keys))} is unknown to this engine",
                    do="write a version that this engine knows, or raise the pinned engine first",
                )
                return
        missing: dict[Keys, list[str]] = {}
        unknown: dict[Keys, str] = {}
        for keys, message in wrong:
            lacks, strange = _MISSING.fullmatch(message), _UNKNOWN.match(message)
            if lacks:
                missing.setdefault(keys, []).append(lacks[1])
            elif strange:
                unknown[keys] = max(message, unknown.get(keys, ""), key=len)
            else:
                yield self.finding(doc.at(*keys), message)
        for keys, names in missing.items():
            verb = "is" if len(names) == 1 else "are"
            shown = ", ".join(f"'{name}'" for name in names)
            yield self.finding(
                doc.key_at(*keys), f"the {_plural('key', names)} {shown} {verb} missing"
            )
        for keys, message in unknown.items():
            yield self.finding(doc.key_at(*keys), message)

    def _days(self, doc: Document) -> Iterator[Finding]:
        for keys, value in _texts_of(doc.value):
            if _DAY.fullmatch(value) and not is_day(value):
                yield self.finding(
                    doc.at(*keys), f"{value} is no day of the calendar", do="write a real date"
                )

    def _twice(self, doc: Document) -> Iterator[Finding]:
        """Of two entries with one id, readers would take one and people the other."""
        for keys, entries in _lists_of(doc.value):
            for name in _IDS:
                ids = [entry.get(name) for entry in entries if isinstance(entry, dict)]
                if len(ids) == len(entries) and all(isinstance(one, str) for one in ids):
                    for index, one in enumerate(ids):
                        if one in ids[:index]:
                            yield self.finding(
                                doc.at(*keys, index, name),
                                f"{one} stands here twice",
                                do="keep one of the two entries, or give the other its own id",
                            )
                    break


def _plural(noun: str, names: list[str]) -> str:
    return noun if len(names) == 1 else f"{noun}s"


_MISSING = re.compile(r"the key '(.*)' is missing")
_UNKNOWN = re.compile(r"the key '.*' is unknown")
_ODD_MODES = frozenset(("120000", "160000"))
_VERSIONS = ("schema_version", "lock_version", "apiVersion")
_IDS = ("id", "handle", "article")
_ID_VALUES = re.compile(rb"(?:id|handle|article)[\"']?\s*:\s*[\"']?([^\s,}\"']+)")
_DAYS = re.compile(rb"\d{4}-\d{2}-\d{2}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_day(text: object) -> bool:
    """Tell whether a text is a day of the calendar, YYYY-MM-DD."""
    if not isinstance(text, str) or not text.isascii() or not _DAY.fullmatch(text):
        return False
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:])
    if not (year and 1 <= month <= 12 and 1 <= day <= _MONTHS[month - 1]):
        return False
    return (month, day) != (2, 29) or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


def _texts_of(value: object) -> Iterator[tuple[Keys, str]]:
    """Yield every text of a document with its keys, in the order of the document."""
    stack: list[tuple[Keys, object]] = [((), value)]
    while stack:
        keys, item = stack.pop()
        if isinstance(item, str):
            yield keys, item
        elif isinstance(item, dict):
            stack.extend(((*keys, key), part) for key, part in reversed(item.items()))
        elif isinstance(item, list):
            stack.extend(((*keys, i), item[i]) for i in range(len(item) - 1, -1, -1))


def _lists_of(value: object) -> Iterator[tuple[Keys, list[Any]]]:
    stack: list[tuple[Keys, object]] = [((), value)]
    while stack:
        keys, item = stack.pop()
        if isinstance(item, dict):
            stack.extend(((*keys, key), part) for key, part in item.items())
        elif isinstance(item, list):
            yield keys, item
            stack.extend(((*keys, index), part) for index, part in enumerate(item))


class AIP002(Rule):
    """What the tier requires is there, and it says something."""

    def check(self, program: Program) -> Iterator[Finding]:
        yield from self._missing(program)
        yield from self._prerequisites(program.head)
        yield from self._placeholders(program)
        if program.snapshot.stage == "schedule":
            yield from self._overdue(program)

    def _missing(self, program: Program) -> Iterator[Finding]:
        present = {kind["kind"] for _, kind in layout.of(program).files}
        for kind in program.baseline.layout["kinds"]:
            when = kind["required_when"]
            needed = when == "always" or (
                isinstance(when, dict) and program.tier in when.get("tier", ())
            )
            if needed and kind["kind"] not in present:
                path = kind["paths"][0]
                why = "" if when == "always" else f", and the {program.tier} tier requires it"
                yield self.finding(
                    Location(path),
                    f"there is no such file{why}",
                    do=f"restore {path}, or write it",
                )

    def _prerequisites(self, head: State) -> Iterator[Finding]:
        """What a document says that it rests on has to exist."""
        for doc, keys, path in _rests_on(head):
            file, _, anchor = path.partition("#")
            if file not in head.tree:
                yield self.finding(
                    doc.at(*keys),
                    f"{file} does not exist",
                    do="name a file of this repository; while it is owed, say so with status: open",
                )
            elif anchor and file.endswith(".md"):
                text = head.tree.document(file)
                if text is not None and anchor not in text.anchors():
                    yield self.finding(
                        doc.at(*keys),
                        f"{file} has no section #{anchor}",
                        do=f"name a section of {file}: {', '.join(sorted(text.anchors()))}",
                    )

    def _placeholders(self, program: Program) -> Iterator[Finding]:
        tree = program.snapshot.head
        for path, kind in layout.of(program).files:
            if kind["format"] == "json" or tree.entries[path].mode in _ODD_MODES:
                continue
            doc = tree.document(path)
            if doc is None or not _suspect(tree.read(path)):
                continue
            for keys, value in _texts_of(doc.value):
                found = placeholder(value)
                if found:
                    yield self.finding(
                        doc.at(*keys),
                        f"{found} is a placeholder, not a value",
                        do="write the value; what is owed stays open with an owner and a due date",
                    )
            if kind["format"] == "markdown" and doc.get("status") != "open":
                yield from self._body(doc)

    def _body(self, doc: Document) -> Iterator[Finding]:
        for at, word in _unfinished(doc):
            yield self.finding(
                at,
                f"{word} is a placeholder, not a text",
                do="write the text, or set status: open with an owner and a due date",
            )

    def _overdue(self, program: Program) -> Iterator[Finding]:
        from ai_program.owed import owed

        for entry in owed(program.head, program.baseline):
            if is_day(entry.due) and entry.due < program.snapshot.today:
                yield self.finding(
                    entry.location,
                    f"{entry.name} is open and was due on {entry.due}",
                    do=f"let {entry.owner or 'its owner'} write it, or agree on another date",
                )


# A quick look at the bytes: nearly all files have none of these. (One pattern for all of them would
# try each at every byte, which takes ten times as long.) What is written in escapes is looked at.
_SUSPECT = (
    b"todo", b"tbd", b"tba", b"t.b.", b"fixme", b"xxx", b"changeme", b"change me", b"lorem",
    b"placeholder", b"??", b"{{", b"{%", b"{#", b"fill in", b"your text", b"...", b"\\",
    "…".encode(),
)  # fmt: skip
# Words that are harmless elsewhere: `value < 0`, and `it has to be there`.
_SUSPICIOUS = (re.compile(rb"<[a-z]"), re.compile(rb"to be\s+(?:d|filled|written)"))
_BODY = re.compile(r"\b(?:TODO|TBD|FIXME|CHANGEME)\b|(?i:\blorem ipsum\b)|\{\{|\{%|\{#")
_CODE = re.compile(r"`[^`]*`")


def _suspect(data: bytes) -> bool:
    data = data.lower()
    return any(word in data for word in _SUSPECT) or any(
        pattern.search(data) for pattern in _SUSPICIOUS
    )


def _unfinished(doc: Document) -> Iterator[tuple[Location, str]]:
    """Yield the placeholders of a Markdown text, outside of its code."""
    fence = ""
    for number, line in enumerate(doc.body.split("\n"), start=doc.body_line):
        mark = line.lstrip()[:3]
        if mark in {"```", "~~~"} and fence in {"", mark}:
            fence = "" if fence else mark
        elif not fence:
            text = _CODE.sub(lambda code: " " * len(code.group()), line)
            for found in _BODY.finditer(text):
                yield (
                    Location(doc.path, number, found.start() + 1, found.end() + 1),
                    found.group(),
                )


def _rests_on(head: State) -> Iterator[tuple[Document, Keys, str]]:
    """Yield the files on which documents say that they rest."""
    for doc in head.features:
        yield from _path(doc, "transform")
    if head.evaluation is not None and head.evaluation.get("data", "status") != "open":
        # Data stays out of git but for samples; the evaluation holds what is outside to its digest.
        for at, _, _ in head.data_sources():
            for doc, keys, path in _path(head.evaluation, *at, "path"):
                if not path.startswith("data/") or path.startswith("data/sample/"):
                    yield doc, keys, path
        yield from _path(head.evaluation, "golden", "path")
    for keys, _ in values.entries(head.readiness, "items"):
        yield from _path(head.readiness, *keys, "evidence")
    for doc in head.tree.documents("governance/audit-plan.yaml"):
        for keys, _ in values.entries(doc, "reviews"):
            yield from _path(doc, *keys, "record")


def _path(doc: Document | None, *keys: str | int) -> Iterator[tuple[Document, Keys, str]]:
    path = doc.get(*keys) if doc is not None else None
    if doc is not None and isinstance(path, str):
        yield doc, keys, path


class AIP003(Rule):
    """The answers that were edited are the answers that were generated from."""

    def check(self, program: Program) -> Iterator[Finding]:
        snapshot = program.snapshot
        edited = snapshot.base.commit is None or not snapshot.changed.keys().isdisjoint(
            (WORKSHOP, LOCK)
        )
        doc, lock = program.head.workshop, program.head.lock
        # Reading answers costs more than all other rules, so a commit that leaves them alone
        # doesn't.
        if doc is None or not (edited or snapshot.stage != "commit"):
            return
        given = doc.get("default_context")
        if not isinstance(given, dict):
            return
        from ai_program import workshop

        outcome = workshop.examine(given)
        for problem in outcome.problems:
            place = ("default_context", *str(problem.question).split("."))
            known = problem.question in workshop.questions() or len(place) > 2
            yield self.finding(
                doc.at(*place) if known else doc.key_at(*place),
                f"{problem.question}: {problem.wrong}",
                do=f"the answer would be {problem.right}",
            )
        locked = lock.get("answers") if lock is not None else None
        if outcome.problems or lock is None or not isinstance(locked, dict):
            return
        for keys, now, was in _differences(outcome.answers, locked):
            if _follows_baseline(program, str(keys[0])):
                continue
            name = ".".join(map(str, keys))
            yield self.finding(
                doc.at("default_context", *keys),
                f"{name} is {values.shown(now)}, but the repository was generated with "
                f"{values.shown(was)}",
                do="take the answer back, or regenerate: the files that follow from it change with "
                "it",
                related=((lock.at("answers", *keys), "generated with"),),
            )


def _follows_baseline(program: Program, question: str) -> bool:
    """Tell whether an answer moved with the baseline, and nobody moved it.

    What was left to the use case resolves to another answer once the engine is newer. The
    repository keeps what it was generated with until it is generated again.
    """
    base, head = program.base, program.head
    if not (base.workshop and base.lock and head.workshop and head.lock):
        return False
    given = head.workshop.get("default_context", question)
    regenerated = head.lock.get("template", "commit") != base.lock.get("template", "commit")
    kept = head.lock.get("answers", question) == base.lock.get("answers", question)
    return (
        given in (None, {}, "suggested")
        and given == base.workshop.get("default_context", question)
        and (regenerated or kept)
    )


def _differences(
    now: object, was: object, keys: Keys = ()
) -> Iterator[tuple[Keys, object, object]]:
    """Yield the deepest places at which two answers differ."""
    if isinstance(now, dict) and isinstance(was, dict):
        for key in [*now, *(key for key in was if key not in now)]:
            yield from _differences(now.get(key), was.get(key), (*keys, key))
    elif now != was or isinstance(now, bool) != isinstance(was, bool):
        yield keys, now, was


class AIP004(Rule):
    """A key result says from where to where, by when, and the target is an improvement."""

    def check(self, program: Program) -> Iterator[Finding]:
        doc = program.head.program
        if doc is None:
            return
        seen: dict[str, Keys] = {}
        for keys, objective in values.entries(doc, "objectives"):
            results = list(values.entries(doc, *keys, "key_results"))
            if not results:
                yield self.finding(
                    doc.at(*keys, "id"),
                    f"{values.text(objective.get('id')) or 'the objective'} has no key result",
                )
            for at, result in results:
                name = values.text(result.get("id")) or "the key result"
                if name in seen:
                    yield self.finding(
                        doc.at(*at, "id"),
                        f"{name} stands under two objectives",
                        do="give each key result its own id",
                        related=((doc.at(*seen[name], "id"), "the other one"),),
                    )
                seen.setdefault(name, at)
                yield from self._target(doc, at, name, result)
                yield from self._due(doc, at, name, result)

    def _target(
        self, doc: Document, at: Keys, name: str, result: dict[str, Any]
    ) -> Iterator[Finding]:
        baseline = values.number(result.get("baseline"))
        target = values.number(result.get("target"))
        direction = result.get("direction")
        if baseline is None or target is None or direction not in ("increase", "decrease"):
            return
        if (target <= baseline) if direction == "increase" else (target >= baseline):
            better = "more" if direction == "increase" else "less"
            yield self.finding(
                doc.at(*at, "target"),
                f"{name}: target {target} does not beat the baseline {baseline} "
                f"({direction}: {better} is better)",
                do=f"take a target that is {better} than {baseline}, or correct the direction",
                related=((doc.at(*at, "baseline"), "the baseline"),),
            )

    def _due(self, doc: Document, at: Keys, name: str, result: dict[str, Any]) -> Iterator[Finding]:
        due, held = result.get("due"), doc.get("program", "workshop_date")
        if is_day(due) and is_day(held) and due <= held:
            yield self.finding(
                doc.at(*at, "due"),
                f"{name} is due on {due}, not after the workshop of {held}",
                do="write the day by which the target shall be reached",
            )


class AIP005(Rule):
    """Every id that is cited exists; every dataset, feature view and model leads to a KPI."""

    def check(self, program: Program) -> Iterator[Finding]:
        head = program.head
        graph = _Graph(head)
        yield from self._once(head)
        for doc in values.mappings(head.contracts):
            yield from self._contract(doc, graph)
        for doc in values.mappings(head.features):
            yield from self._features(doc, graph)
        for doc in values.mappings(head.cards):
            yield from self._card(doc, graph)
        if head.evaluation is not None:
            yield from self._evaluation(head.evaluation, graph)
        if head.monitoring is not None:
            yield from self._monitoring(head.monitoring, graph)
        yield from self._sources(head)
        yield from self._measures(head, graph)
        for doc in values.mappings(head.registry):
            # Older entries stay true to their time.
            if program.snapshot.changed.get(doc.path) == "A":
                yield from self._registered(doc, graph)
        yield from self._unserved(graph)

    def _once(self, head: State) -> Iterator[Finding]:
        for docs, what, key in (
            (head.contracts, "data contract", "id"),
            (head.features, "feature view", "id"),
            (head.cards, "model card", "model"),
        ):
            known = values.unique(docs, key)
            for doc in docs:
                name = doc.get(key)
                first = known.get(name) if isinstance(name, str) else None
                if first is not None and first is not doc:
                    yield self.finding(
                        doc.at(key),
                        f"{name} is the {key} of another {what} too",
                        do=f"give each {what} its own {key}",
                        related=((first.at(key), "the other one"),),
                    )

    def _cited(self, doc: Document, keys: Keys, known: _Names) -> Iterator[Finding]:
        """Yield the texts of a list that name nothing."""
        for at, name in values.items(doc, *keys):
            yield from self._one(doc, at, name, known)

    def _one(self, doc: Document, at: Keys, name: object, known: _Names) -> Iterator[Finding]:
        if isinstance(name, str) and known.complete and name not in known.names:
            yield self.finding(
                doc.at(*at),
                f"there is no {known.what} {name}{values.near(name, known.names)}",
                do=f"cite a {known.what} that exists, or add {name}",
            )

    def _version(
        self, doc: Document, at: Keys, known: _Names, docs: dict[str, Document]
    ) -> Iterator[Finding]:
        """Judge a reference like electricity_demand@1.0.0: later versions of one major fit."""
        reference = doc.get(*at)
        if not isinstance(reference, str):
            return
        name, version = contracts.split(reference)
        yield from self._one(doc, at, name, known)
        wanted = contracts.semver(version)
        found = contracts.semver(docs[name].get("version")) if name in docs else None
        if wanted and found and (found[0] != wanted[0] or found < wanted):
            now = docs[name].get("version")
            yield self.finding(
                doc.at(*at),
                f"{reference} is not what there is: {name} is at {now}",
                do=f"write {name}@{now} once what is read from it fits",
                related=((docs[name].at("version"), "its version"),),
            )

    def _contract(self, doc: Document, graph: _Graph) -> Iterator[Finding]:
        kpis = contracts.custom(doc.value, "kpis")
        if kpis is None or not values.texts(kpis[1]):
            yield self.finding(
                contracts.place(doc, "kpis"),
                f"{doc.get('id')} serves no KPI",
                do="list the KPIs that the data serves in the custom property kpis",
            )
        for name, known in (("kpis", graph.kpis), ("consumers", graph.views)):
            cited = contracts.custom(doc.value, name)
            if cited is not None:
                yield from self._cited(doc, cited[0], known)
        source = contracts.custom(doc.value, "source")
        if source is not None:
            yield from self._one(doc, source[0], source[1], graph.sources)
        sample = contracts.custom(doc.value, "sample")
        path = sample[1].get("path") if sample and isinstance(sample[1], dict) else None
        if sample and isinstance(path, str) and path not in graph.head.tree:
            yield self.finding(
                doc.at(*sample[0], "path"),
                f"the sample {path} does not exist",
                do="add the file, or remove the sample from the contract",
            )
        yield from self._owners(doc)

    def _owners(self, doc: Document) -> Iterator[Finding]:
        """One owner: the standard's team must not name another one than the custom property."""
        owner = contracts.custom(doc.value, "owner")
        for keys, member in values.entries(doc, "team", "members"):
            name = member.get("username")
            if (
                owner is not None
                and member.get("role") == "owner"
                and isinstance(name, str)
                and name != owner[1]
            ):
                yield self.finding(
                    doc.at(*keys, "username"),
                    f"the owner is {name} here and {values.shown(owner[1])} below",
                    do="name one owner in both places",
                    related=((doc.at(*owner[0]), "the other one"),),
                )

    def _features(self, doc: Document, graph: _Graph) -> Iterator[Finding]:
        yield from self._cited(doc, ("serves",), graph.kpis)
        yield from self._version(doc, ("source",), graph.datasets, graph.contracts)
        name, _ = contracts.split(doc.get("source"))
        contract, view = graph.contracts.get(name), doc.get("id")
        if contract is not None and isinstance(view, str):
            found = contracts.custom(contract.value, "consumers")
            if found is not None and view not in contracts.consumers(contract):
                yield self.finding(
                    contract.at(*found[0]),
                    f"the feature view {view} reads {name} and is not among its consumers",
                    do=f"add {view} to the consumers",
                    related=((doc.at("source"), "read here"),),
                )

    def _card(self, doc: Document, graph: _Graph) -> Iterator[Finding]:
        yield from self._cited(doc, ("serves",), graph.kpis)
        for at, _ in values.items(doc, "data"):
            yield from self._version(doc, at, graph.datasets, graph.contracts)
        for at, _ in values.items(doc, "features"):
            yield from self._version(doc, at, graph.views, graph.features)
        model, folder = doc.get("model"), doc.path.split("/")[1]
        if isinstance(model, str) and model != folder:
            yield self.finding(
                doc.at("model"),
                f"the card of {model} stands in the folder of {folder}",
                do=f"move it to models/{model}/card.md",
            )

    def _evaluation(self, doc: Document, graph: _Graph) -> Iterator[Finding]:
        yield from self._one(doc, ("model",), doc.get("model"), graph.models)
        for keys, _, _ in graph.head.data_sources():
            at = (*keys, "contract")
            yield from self._one(doc, at, doc.get(*at), graph.datasets)
        for keys, gate in values.entries(doc, "gates"):
            yield from self._one(doc, (*keys, "serves"), gate.get("serves"), graph.goals)

    def _monitoring(self, doc: Document, graph: _Graph) -> Iterator[Finding]:
        for keys, monitor in values.entries(doc, "monitors"):
            if values.text(monitor.get("subject")).startswith("KPI-"):
                yield from self._one(doc, (*keys, "subject"), monitor["subject"], graph.kpis)
        yield from self._cited(doc, ("breaker", "trips_on"), graph.monitors)

    def _sources(self, head: State) -> Iterator[Finding]:
        for keys, source in values.entries(head.data, "sources"):
            path = source.get("contract")
            if head.data is not None and isinstance(path, str) and path not in head.tree:
                yield self.finding(
                    head.data.at(*keys, "contract"),
                    f"there is no contract {path}",
                    do="name the contract's file; while it is owed, write null and status: open",
                )

    def _measures(self, head: State, graph: _Graph) -> Iterator[Finding]:
        """Measures against a risk are prose, or gates and monitors that hold it."""
        for keys, _ in values.entries(head.risks, "risks"):
            for at, measure in values.items(head.risks, *keys, "measures"):
                for prefix, known in (("GATE-", graph.gates), ("MON-", graph.monitors)):
                    if head.risks is not None and measure.startswith(prefix):
                        yield from self._one(head.risks, at, measure, known)

    def _registered(self, doc: Document, graph: _Graph) -> Iterator[Finding]:
        yield from self._cited(doc, ("kpis",), graph.kpis)
        yield from self._one(doc, ("model",), doc.get("model"), graph.models)
        yield from self._one(doc, ("features", "id"), doc.get("features", "id"), graph.views)
        for keys, data in values.entries(doc, "training_data"):
            yield from self._one(doc, (*keys, "contract"), data.get("contract"), graph.datasets)

    def _unserved(self, graph: _Graph) -> Iterator[Finding]:
        served = graph.served()
        for name in graph.kpis.names:
            doc, keys = graph.head.ids()[name]
            source = values.text(doc.get(*keys[:-1], "source")).rstrip("/")
            # What the records themselves show, of deployments say, needs no model that serves it.
            recorded = source.startswith("evidence/") and source != "evidence/kpis"
            if name not in served and not recorded:
                yield self.finding(
                    doc.at(*keys),
                    f"no dataset, feature view, model, gate or monitor serves {name}",
                    do=f"let what moves {name} cite it under serves, or drop the key result",
                )


class _Names:
    """What can be cited as something; not complete where a file that declares it is unreadable."""

    __slots__ = ("complete", "names", "what")

    def __init__(self, what: str, names: Iterable[str], *, complete: bool) -> None:
        self.what = what
        self.names = dict.fromkeys(names)
        self.complete = complete


class _Graph:
    """Everything in a state that can be cited."""

    def __init__(self, head: State) -> None:
        self.head = head
        self.contracts = values.unique(values.mappings(head.contracts))
        self.features = values.unique(values.mappings(head.features))
        ids = head.ids()
        cards = values.unique(values.mappings(head.cards), "model")
        programme = _whole(head, "program")
        evaluation, monitoring = _whole(head, "evaluation"), _whole(head, "monitoring")
        data = _whole(head, "data")
        goals = [name for name in ids if name.startswith(("KPI-", "OBJ-"))]
        kpis = [name for name in goals if name.startswith("KPI-")]
        sources = [
            values.text(source.get("id")) for _, source in values.entries(head.data, "sources")
        ]
        self.kpis = _Names("KPI", kpis, complete=programme)
        self.goals = _Names("objective or KPI", goals, complete=programme)
        self.gates = _Names("gate", _of(ids, "GATE-"), complete=evaluation)
        self.monitors = _Names("monitor", _of(ids, "MON-"), complete=monitoring)
        self.sources = _Names("source", sources, complete=data)
        self.datasets = _Names("data contract", self.contracts, complete=_whole(head, "contracts"))
        self.views = _Names("feature view", self.features, complete=_whole(head, "features"))
        self.models = _Names("model card of", cards, complete=_whole(head, "cards"))

    def served(self) -> set[str]:
        """Return every KPI that something cites."""
        head = self.head
        found: set[str] = set()
        for contract in head.contracts:
            found.update(values.texts(contracts.value(contract, "kpis")))
        for doc in [*head.features, *head.cards]:
            found.update(values.texts(doc.get("serves")))
        for _, gate in values.entries(head.evaluation, "gates"):
            found.add(values.text(gate.get("serves")))
        for _, monitor in values.entries(head.monitoring, "monitors"):
            found.add(values.text(monitor.get("subject")))
        return found


def _of(ids: Iterable[str], prefix: str) -> list[str]:
    return [name for name in ids if name.startswith(prefix)]


def _whole(head: State, kind: str) -> bool:
    """Tell whether every file of a kind can be read, so that what it lacks is really missing."""
    docs = [head.tree.document(path) for path in head.tree.glob(PLACES[kind])]
    return all(doc is not None and isinstance(doc.value, dict) for doc in docs)


class AIP006(Rule):
    """Who is named exists and is still there; who answers does not judge."""

    def check(self, program: Program) -> Iterator[Finding]:
        head = program.head
        if head.program is None or not isinstance(head.program.get("people"), list):
            return
        yield from self._people(head)
        yield from self._roles(program)
        for path, kind in layout.of(program).files:
            doc = head.tree.document(path) if kind["kind"] not in _HISTORY else None
            if doc is not None and kind["format"] != "json":
                for keys, name in _owners(doc, kind["kind"]):
                    yield from self._named(doc, keys, name, head)

    def _people(self, head: State) -> Iterator[Finding]:
        """One person, one entry: twins would let somebody approve their own work."""
        doc = head.program
        assert doc is not None  # noqa: S101 - check() has looked
        handles: dict[str, Keys] = {}
        addresses: dict[str, tuple[Keys, str]] = {}
        committed = doc.get("program", "status") == "committed"
        for keys, person in values.entries(doc, "people"):
            handle = values.text(person.get("handle"))
            if committed and handle.lower().startswith(_NOBODY):
                yield self.finding(
                    doc.at(*keys, "handle"),
                    f"{handle} is nobody, and the programme is committed",
                    do="name the person, or keep program.status: draft",
                )
            other = handles.setdefault(handle.lower(), keys)
            if other != keys and handle != doc.get(*other, "handle"):
                yield self.finding(
                    doc.at(*keys, "handle"),
                    f"{handle} and {doc.get(*other, 'handle')} are the same handle",
                    do="keep one entry for one person",
                    related=((doc.at(*other, "handle"), "the other one"),),
                )
            for at, address in values.items(doc, *keys, "emails"):
                plain = _mailbox(address)
                before, owner = addresses.setdefault(plain, (at, handle))
                if owner != handle:
                    yield self.finding(
                        doc.at(*at),
                        f"{address} belongs to {owner} too, so {handle} and {owner} are one person",
                        do="keep one entry for one person, with all of its roles",
                        related=((doc.at(*before), "the other one"),),
                    )

    def _roles(self, program: Program) -> Iterator[Finding]:
        doc, tiers = program.head.program, program.baseline.tiers
        assert doc is not None  # noqa: S101 - check() has looked
        held: set[str] = set()
        for keys, person in values.entries(doc, "people"):
            roles = values.texts(person.get("roles"))
            if person.get("active") is not True:
                continue
            held.update(roles)
            for one, other in _SEPARATED:
                if one in roles and other in roles:
                    yield self.finding(
                        doc.at(*keys, "roles"),
                        f"{values.text(person.get('handle'))} is {_role(one)} and {_role(other)}",
                        do="let somebody else validate; who answers does not judge",
                    )
        needed = tiers.get("required_roles", {}).get(program.tier, ())
        for role in needed:
            if role not in held:
                yield self.finding(
                    values.top(doc, "people"),
                    f"nobody active is the {_role(role)}, whom the {program.tier} tier requires",
                    do=f"give the role {role} to somebody who is active",
                )

    def _named(self, doc: Document, keys: Keys, name: str, head: State) -> Iterator[Finding]:
        person = head.person(name)
        if person is None:
            yield self.finding(
                doc.at(*keys),
                f"{name} is not declared in policies/program.yaml{values.near(name, head.people)}",
                do="name somebody who is declared under people, or declare them there",
            )
        elif not person.active:
            yield self.finding(
                doc.at(*keys),
                f"{name} is no longer active",
                do="hand it over to somebody who is active",
                related=((person.doc.at("people", person.index, "active"), "not active"),),
            )


# What was recorded stays true to its time: people may have left since.
_HISTORY = frozenset(("decision", "exception", "workshop", "lock"))
_NOBODY = "@your-"
_SEPARATED = (("accountable_owner", "validator"),)


def _role(name: str) -> str:
    return name.replace("_", " ")


def _mailbox(address: str) -> str:
    """Return an address without its tag: ada+work@example.org is ada's mailbox."""
    name, at, host = address.strip().lower().rpartition("@")
    return name.partition("+")[0] + at + host


def _owners(doc: Document, kind: str) -> Iterator[tuple[Keys, str]]:
    """Yield everybody whom a document makes responsible for something that lasts."""
    if kind == "contract":
        owner = contracts.custom(doc.value, "owner")
        if owner is not None and isinstance(owner[1], str):
            yield owner[0], owner[1]
        for keys, member in values.entries(doc, "team", "members"):
            if isinstance(member.get("username"), str):
                yield (*keys, "username"), member["username"]
        return
    stack: list[tuple[Keys, object]] = [((), doc.value)]
    while stack:
        keys, value = stack.pop()
        if isinstance(value, dict):
            # What is done needs nobody any more.
            done = (kind, value.get("status")) in (("backlog", "done"), ("incident", "closed"))
            owner = value.get("owner")
            if isinstance(owner, str) and not done:
                yield (*keys, "owner"), owner
            stack.extend(((*keys, key), item) for key, item in value.items())
        elif isinstance(value, list):
            stack.extend(((*keys, index), item) for index, item in enumerate(value))
    if kind == "raci":
        teams = doc.get("teams")
        for team, members in teams.items() if isinstance(teams, dict) else ():
            if isinstance(members, str):
                yield ("teams", team), members
            yield from values.items(doc, "teams", team)


class AIP007(Rule):
    """The tier is as high as the answers say, those of today and those of the workshop."""

    def check(self, program: Program) -> Iterator[Finding]:
        doc, tiers = program.head.program, program.baseline.tiers
        order = tiers["order"]
        tier = program.head.tier
        if doc is None or tier not in order:
            return
        lowest, reasons = tier, []
        for question, answer, at in _answers(program):
            for rule in tiers["implied_by"]:
                implied = rule["question"] == question and any(
                    _same(answer, one) for one in rule["answers"]
                )
                if implied and order.index(rule["tier"]) > order.index(tier):
                    lowest = max(lowest, rule["tier"], key=order.index)
                    reasons.append((rule, answer, at))
        if reasons:
            said = [f"{r['why']} ({r['question']}: {values.shown(a)})" for r, a, _ in reasons]
            yield self.finding(
                doc.at("risk", "tier"),
                f"tier {tier} is below the floor {lowest}: {'; '.join(dict.fromkeys(said))}",
                do=f"write tier: {lowest}; if an answer is wrong, correct it in workshop.yaml and "
                "regenerate",
                related=[(at, f"implies {rule['tier']}") for rule, _, at in reasons],
            )


_RISKS = ("annex_area", "person_impact", "vulnerable_groups", "autonomy", "interacts_or_generates")


def _answers(program: Program) -> Iterator[tuple[str, object, Location]]:
    """Yield what implies a tier, wherever it is said: policies, lock, contracts."""
    head = program.head
    for question in _RISKS:
        if head.program is not None:
            yield question, head.program.get("risk", question), head.program.at("risk", question)
    if head.data is not None:
        yield "personal_data", head.data.get("personal_data"), head.data.at("personal_data")
    for question in (*_RISKS, "personal_data"):
        if head.lock is not None:
            yield question, head.lock.get("answers", question), head.lock.at("answers", question)
    for doc in values.mappings(head.contracts):
        for field in contracts.fields(doc):
            found = contracts.custom(field.entry, "personalData")
            if found is not None and found[1] == "special":
                yield "personal_data", "special", doc.at(*field.keys, *found[0])


def _same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


class AIP008(Rule):
    """The ten banned practices were looked at, by somebody, on a day, and none applies."""

    def check(self, program: Program) -> Iterator[Finding]:
        doc = program.head.program
        screen = doc.get("risk", "prohibited_practices") if doc is not None else None
        if doc is None or not isinstance(screen, dict):
            return
        at: Keys = ("risk", "prohibited_practices")
        status = screen.get("status")
        if status == "applies":
            yield self._banned(doc, (*at, "status"), "a banned practice applies")
        for keys, answer in values.entries(doc, *at, "answers"):
            if answer.get("applies") is True:
                point = values.text(answer.get("article")) or "a banned practice"
                what = f"{point} applies: {values.text(answer.get('practice'))}".rstrip(": ")
                yield self._banned(doc, (*keys, "applies"), what)
        if status == "none":
            yield from self._answered(doc, at)
            yield from self._signed(program, doc, at)
        elif status in ("not_screened", "unsure") and doc.get("program", "status") == "committed":
            yield self.finding(
                doc.at(*at, "status"),
                f"the programme is committed, but its screen is {status}",
                do="screen the ten points, or keep program.status: draft",
            )

    def _banned(self, doc: Document, keys: Keys, what: str) -> Finding:
        return self.finding(
            doc.at(*keys),
            what,
            do="stop: such a system cannot be built, in no tier and with no exception",
        )

    def _answered(self, doc: Document, at: Keys) -> Iterator[Finding]:
        answered = {
            values.text(answer.get("article"))
            for _, answer in values.entries(doc, *at, "answers")
            if isinstance(answer.get("applies"), bool)
        }
        missing = [point for point in POINTS if point not in answered]
        if missing:
            yield self.finding(
                doc.key_at(*at, "answers"),
                f"the screen says none and does not answer {', '.join(missing)}",
                do="answer all ten points of Article 5(1)",
            )
        for keys, answer in values.entries(doc, *at, "answers"):
            point = values.text(answer.get("article"))
            if point and point not in POINTS:
                yield self.finding(
                    doc.at(*keys, "article"),
                    f"{point} is no point of Article 5(1)",
                    do=f"the points are {', '.join(POINTS)}",
                )

    def _signed(self, program: Program, doc: Document, at: Keys) -> Iterator[Finding]:
        name, day = doc.get(*at, "screened_by"), doc.get(*at, "screened_on")
        person = program.head.person(name)
        if isinstance(name, str) and (person is None or name.lower().startswith(_NOBODY)):
            yield self.finding(
                doc.at(*at, "screened_by"),
                f"{name}, who screened the practices, is nobody that this programme knows",
                do="name the person who looked at the ten points; declare them under people",
            )
        if is_day(day) and day > program.snapshot.today:
            yield self.finding(
                doc.at(*at, "screened_on"),
                f"the screen is dated {day}, which is not yet",
                do="write the day on which the points were looked at",
            )


POINTS = tuple(f"5(1)({point})" for point in ("a", "b", "ba", "bb", "c", "d", "e", "f", "g", "h"))
