"""Rules of operation: what people reach for when something goes wrong."""

from __future__ import annotations

import re

from ai_program import values
from ai_program.contracts import split
from ai_program.findings import Location
from ai_program.rules.base import Rule
from ai_program.rules.decisions import day
from ai_program.rules.evaluation import subject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program
    from ai_program.values import Keys

RUNBOOK = "runbooks/rollback.md"
NOXFILE = "noxfile.py"
DRILLS = "evidence/drills"
# What the front matter repeats from policies/release.yaml, so that the reader needs one page.
REPEATED = ("target", "fallback", "max_minutes")

# What ends with another model, or none, in front of the users.
STOPS = ("trip", "roll_back")

_SESSION = re.compile(r"nox (?:-s|--session) ([A-Za-z0-9_.-]+)(?: --(?: .*)?)?\Z").match


class AIP401(Rule):
    """Each model has monitors of all kinds, and each feature view that it reads has one."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what nobody would notice."""
        doc = program.head.monitoring
        monitors = doc.get("monitors") if doc is not None else None
        if doc is None or not isinstance(monitors, list):
            return
        watched: set[tuple[str, str]] = set()
        for _, monitor in values.entries(doc, "monitors"):
            watched.add((values.text(monitor.get("kind")), values.text(monitor.get("subject"))))
        if len(list(values.entries(doc, "monitors"))) < len(monitors) or any(
            "" in each for each in watched
        ):
            return  # what is malformed may be what is looked for
        views: set[str] = set()
        for card in values.mappings(program.head.cards):
            model = card.get("model")
            if isinstance(model, str):
                yield from self._model(doc, card, model, watched)
                for keys, reference in values.items(card, "features"):
                    view, _ = split(reference)
                    if ("data_drift", view) not in watched and view not in views:
                        views.add(view)
                        yield self.finding(
                            doc.key_at("monitors"),
                            f"nothing watches the drift of {view}, which {model} reads",
                            related=[(card.at(*keys), "read here")],
                        )

    def _model(
        self, doc: Document, card: Document, model: str, watched: set[tuple[str, str]]
    ) -> Iterator[Finding]:
        for kind, what in (
            ("latency", "latency"),
            ("errors", "failed answers"),
            ("prediction_quality", "quality of the predictions"),
        ):
            if (kind, model) not in watched:
                yield self.finding(
                    doc.key_at("monitors"),
                    f"nothing watches the {what} of {model}",
                    related=[(card.at("model"), "the model")],
                )
        kpis = values.texts(card.get("serves"))
        if kpis and not any(("kpi", kpi) in watched for kpi in kpis):
            yield self.finding(
                doc.key_at("monitors"),
                f"nothing watches a KPI that {model} serves ({values.joined(kpis)})",
                related=[(card.at("serves"), "its KPIs")],
            )


class AIP402(Rule):
    """Each monitor leads to a part of a runbook that says something."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield alerts that leave whoever is told alone."""
        doc = program.head.monitoring
        for keys, monitor in values.entries(doc, "monitors"):
            if doc is not None and isinstance(monitor.get("runbook"), str):
                yield from self._alert(program, doc, keys, monitor)

    def _alert(
        self, program: Program, doc: Document, keys: Keys, monitor: dict[str, Any]
    ) -> Iterator[Finding]:
        at, name = doc.at(*keys, "runbook"), values.text(monitor.get("id")) or "the monitor"
        file, _, anchor = monitor["runbook"].partition("#")
        if not (file.startswith("runbooks/") and file.endswith(".md")):
            return  # AIP001 says so
        if file not in program.head.tree:
            yield self.finding(at, f"{name} leads to {file}, which does not exist")
            return
        if monitor.get("action") in STOPS and file != RUNBOOK:
            yield self.finding(
                at,
                f"{name} takes the model out ({monitor['action']}), but leads to {file}",
                do=f"name a section of {RUNBOOK}, or another action",
            )
        runbook = program.head.tree.document(file)
        if runbook is None:
            return
        anchors = runbook.anchors()
        written = sorted(each for each, text in anchors.items() if _says_something(text))
        if anchor in written:
            return
        if not anchor:
            wrong = f"{name} leads to all of {file}, and to no section of it"
        elif anchor in anchors:
            wrong = f"{name} leads to #{anchor} of {file}, where nothing is written"
        else:
            wrong = f"{name} leads to #{anchor}, which {file} does not have"
            wrong += values.near(anchor, written)
        yield self.finding(
            at, wrong, do=f"name a section of {file} ({', '.join(written)}), or write it"
        )


def _says_something(text: str) -> bool:
    """Tell whether a reader sees more than comments and marks."""
    return re.search(r"\w", re.sub(r"<!--.*?(?:-->|\Z)", "", text, flags=re.DOTALL)) is not None


class AIP403(Rule):
    """The breaker trips on real signs, falls back on something else, and has people."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what would keep the breaker from stopping the model."""
        doc = program.head.monitoring
        if doc is None or not isinstance(doc.get("breaker"), dict):
            return
        yield from self._trips(doc)
        yield from self._safe_state(program, doc)
        yield from self._people(program, doc)
        yield from self._tested(program, doc)

    def _trips(self, doc: Document) -> Iterator[Finding]:
        """Monitors and breaker say the same, and drift alone trips nothing."""
        monitors: dict[str, tuple[Keys, dict[str, Any]]] = {}
        for keys, monitor in values.entries(doc, "monitors"):
            monitors.setdefault(values.text(monitor.get("id")), (keys, monitor))
        trips = {name: at for at, name in values.items(doc, "breaker", "trips_on")}
        known = [name for name in trips if name in monitors]  # AIP005 speaks about the others
        for name in known:
            keys, monitor = monitors[name]
            action = monitor.get("action")
            if isinstance(action, str) and action != "trip":
                yield self.finding(
                    doc.at(*trips[name]),
                    f"the breaker trips on {name}, whose action is {action}",
                    related=[(doc.at(*keys, "action"), "its action")],
                )
        listed = isinstance(doc.get("breaker", "trips_on"), list)
        if not listed or len(known) < len(trips):
            return  # what is malformed or unknown may be what is looked for
        if known and not any(
            monitors[name][1].get("kind") == "prediction_quality" for name in known
        ):
            yield self.finding(
                doc.at("breaker", "trips_on"),
                "the breaker trips on nothing that judges the predictions",
                do="let it trip on a monitor of the kind prediction_quality",
            )
        for name, (keys, monitor) in monitors.items():
            if name and name not in trips and monitor.get("action") == "trip":
                yield self.finding(
                    doc.at(*keys, "action"),
                    f"the action of {name} is trip, but the breaker does not trip on it",
                    related=[(doc.at("breaker", "trips_on"), "the breaker")],
                )

    def _safe_state(self, program: Program, doc: Document) -> Iterator[Finding]:
        head, state = program.head, doc.get("breaker", "safe_state")
        if not isinstance(state, str):
            return
        at = doc.at("breaker", "safe_state")
        policy = head.release
        fallback = policy.get("rollback", "fallback") if policy is not None else None
        for other in (*values.mappings(head.cards), *values.mappings(head.registry)):
            if other.get("model") == state:
                yield self.finding(
                    at,
                    f"the safe state is {state}, the model that the breaker stops",
                    related=[(other.at("model"), "the model")],
                )
                return
        if policy is not None and isinstance(fallback, str) and fallback != state:
            yield self.finding(
                at,
                f"the safe state is {state}, policies/release.yaml falls back on {fallback}",
                related=[(policy.at("rollback", "fallback"), "the policy")],
            )

    def _tested(self, program: Program, doc: Document) -> Iterator[Finding]:
        """A test is over, and somebody noted what came out."""
        on, today = doc.get("breaker", "tested_on"), day(program.snapshot.today)
        tested = day(on)
        if tested is None or today is None:
            return
        at = doc.at("breaker", "tested_on")
        if tested > today:
            yield self.finding(
                at,
                f"the breaker was tested on {on}, which is still to come",
                do="write the day of the last drill; null before the first",
            )
        elif not program.head.tree.glob(f"{DRILLS}/{on}*"):
            yield self.finding(
                at,
                f"the breaker was tested on {on}, of which {DRILLS} holds no record",
                do=f"hold a drill (its record stands in {DRILLS}), or write null before the first",
            )

    def _people(self, program: Program, doc: Document) -> Iterator[Finding]:
        head = program.head
        if head.program is None or not isinstance(head.program.get("people"), list):
            return
        held = {role for person in head.people.values() if person.active for role in person.roles}
        roles = values.texts(doc.get("breaker", "may_trip"))
        if roles and held.isdisjoint(roles):
            yield self.finding(
                doc.at("breaker", "may_trip"),
                f"nobody who is active may trip the breaker ({values.joined(roles)})",
            )
        resets = doc.get("breaker", "reset_requires")
        if not isinstance(resets, str):
            return
        at = doc.at("breaker", "reset_requires")
        if resets not in held:
            yield self.finding(at, f"nobody who is active may reset the breaker ({resets})")
        if resets in roles:
            yield self.finding(
                at,
                f"{resets} may both trip and reset the breaker, so that nobody approves the reset",
                do="let another role approve that the model answers again",
            )


class AIP404(Rule):
    """The rollback runbook agrees with the policy and names a command that exists."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what somebody would miss, or find wrong, in the middle of a rollback."""
        runbook = program.head.tree.document(RUNBOOK)
        if runbook is None:
            if RUNBOOK not in program.head.tree and program.head.release is not None:
                yield self.finding(
                    Location(RUNBOOK), "there is no runbook for the rollback that the policy sets"
                )
            return
        if not isinstance(runbook.value, dict):
            return
        yield from self._policy(program, runbook)
        yield from self._command(program, runbook)

    def _policy(self, program: Program, runbook: Document) -> Iterator[Finding]:
        policy = program.head.release
        rollback = policy.get("rollback") if policy else None
        if policy is None or not isinstance(rollback, dict):
            return
        for key in REPEATED:
            if key in rollback and runbook.get(key) != rollback[key]:
                from ai_program.polarity import shown

                yield self.finding(
                    runbook.at(key),
                    f"{key} is {shown(runbook.get(key))}, policies/release.yaml says"
                    f" {shown(rollback[key])}",
                    related=[(policy.at("rollback", key), "the policy")],
                )

    def _command(self, program: Program, runbook: Document) -> Iterator[Finding]:
        command = runbook.get("command")
        if not isinstance(command, str):
            return
        line, text = runbook.sections().get("Command", (0, ""))
        lines = [each.strip().removeprefix("$ ").strip() for each in text.split("\n")]
        if text and command not in lines:
            yield self.finding(
                runbook.line_at(line), f"the section Command does not show `{command}` on a line"
            )
        session = _SESSION(command)
        if session is None:
            yield self.finding(
                runbook.at("command"), f"`{command}` is no session of {NOXFILE}: nox -s NAME"
            )
        elif self._pipeline(program) and not _defines(program, session.group(1)):
            yield self.finding(
                runbook.at("command"), f"{NOXFILE} has no session {session.group(1)}"
            )

    @staticmethod
    def _pipeline(program: Program) -> bool:
        """Tell whether there is anything to roll back: a use case without pipeline says so."""
        from ai_program.rules.sprints import has_pipeline

        return has_pipeline(program, program.head)


class AIP405(Rule):
    """Somebody has lately taken a release back, as things are deployed now, in time."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield drills that say what cannot be, and that the last good one says nothing of today.

        Before the first release there is nothing to take back. That no record is edited or removed
        is a matter of AIP207.
        """
        passed = []
        for record in self._readable(program):
            problems = list(self._problems(program, record))
            for keys, message in problems:
                yield self.finding(
                    record.at(*keys), message, do="run the drill again, and let it write the record"
                )
            if not problems and record.get("outcome") == "passed":
                passed.append(record)
        if program.head.active is not None or program.base.active is not None:
            yield from self._last(program, passed)

    @staticmethod
    def _readable(program: Program) -> Iterator[Document]:
        """Yield the records that have the form of their schema; of the others AIP001 tells."""
        from ai_program import schemas

        for record in program.head.drills:
            if not schemas.validate("drill", record.value, root=program.baseline.root):
                yield record

    @staticmethod
    def _problems(program: Program, record: Document) -> Iterator[tuple[Keys, str]]:
        from ai_program import evidence

        yield from evidence.drill_problems(record.value)
        started, today = record.get("started_at"), day(program.snapshot.today)
        if record.path != evidence.drill_path(started, record.get("fault")):
            yield ("started_at",), f"the file is not called {_drill_name(record)}"
        on = day(started[:10])
        if on is None or (today is not None and on > today):
            yield ("started_at",), f"{started} is still to come, or no time at all"
        before = [
            release
            for release in program.head.releases
            if str(release.get("predicate", "created_at")) <= started
        ]
        stand_ins = record.get("stand_ins") or []
        if before and "to" in stand_ins:
            yield ("stand_ins",), "there were releases to go back to, and a stand-in was taken"
        released = {subject(release)[1:] for release in program.head.releases}
        for key in ("from", "to"):
            named = None if key in stand_ins else record.get(key)
            if named is not None and (named["version"], named["digest"]) not in released:
                yield (key, "version"), f"no release ever put {named['version']} in force"

    def _last(self, program: Program, passed: list[Document]) -> Iterator[Finding]:
        """Look at the last drill that passed; without one, at the first release."""
        snapshot, policy = program.snapshot, program.head.release
        today = day(snapshot.today)
        record = passed[-1] if passed else None
        first = next(iter(program.head.releases), None)
        since = (
            record.get("started_at") if record else first and first.get("predicate", "created_at")
        )
        most = program.baseline.tiers["cadence"]["drill_max_days"][program.tier]
        begun = day(since[:10]) if isinstance(since, str) else None
        at = record.at("started_at") if record else Location("policies/release.yaml")
        if record is None and policy is not None:
            at = policy.at("rollback", "max_minutes")
        if begun is not None and today is not None and today - begun > most:
            what = "the last drill that passed" if record else "the first release, and no drill,"
            # The clock alone is no fault of a change that has nothing to do with it.
            yield self.finding(
                at,
                f"{what} was {today - begun} days ago, {most} are the most at tier {program.tier}",
                severity=None if snapshot.stage == "schedule" else "warning",
            )
        if record is not None:
            yield from self._today(program, record, policy)

    def _today(
        self, program: Program, record: Document, policy: Document | None
    ) -> Iterator[Finding]:
        """Compare the last drill with how models are deployed and taken back now."""
        from ai_program import bindings

        limit = policy.get("rollback", "max_minutes") if policy else None
        seconds = record.get("seconds_to_restore")
        if policy is not None and type(limit) is int and seconds > 60 * limit:
            yield self.finding(
                policy.at("rollback", "max_minutes"),
                f"the last drill took {seconds:g} s, {limit} min are promised",
                related=[(record.at("seconds_to_restore"), "the drill")],
            )
        if record.get("topology") != bindings.topology(program.head, program.baseline):
            yield self.finding(
                record.at("topology"),
                "what is deployed, or how it is taken back, has changed since the last drill:"
                " deploy/ or policies/release.yaml",
            )


def _drill_name(record: Document) -> str:
    from ai_program import evidence

    path = evidence.drill_path(record.get("started_at"), record.get("fault"))
    return path.rpartition("/")[2]


def _defines(program: Program, session: str) -> bool:
    """Tell whether the noxfile defines a session; it is read, never run."""
    if NOXFILE not in program.head.tree:
        return False
    from ai_program.documents import DocumentError

    try:
        source = program.head.tree.read(NOXFILE).decode(errors="replace")
    except DocumentError:
        return False
    name = re.escape(session)
    decorator = r"@(?:nox\.)?session\b"
    named = rf"^{decorator}\([^)]*\bname=[\"']{name}[\"']"
    function = (
        rf"^{decorator}(?:\([^)]*\))?\s*\n(?:@.*\n)*def {re.escape(session.replace('-', '_'))}\("
    )
    return re.search(f"(?:{named})|(?:{function})", source, re.MULTILINE) is not None
