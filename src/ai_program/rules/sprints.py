"""Rules of sprints: time is boxed, and work leads back to what the workshop promised."""

from __future__ import annotations

from ai_program import values
from ai_program.patterns import matcher
from ai_program.rules.base import Rule
from ai_program.rules.decisions import day

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program, State

TEAMS = ("strategy", "engineering", "operations")
RACI = "governance/raci.yaml"
PLAYBOOK = "sprints/playbook.md"
END_TO_END = "end_to_end"  # what at least one item of the readiness review covers
# What a signature is about: it is older than the programme when one of these is newer.
_GATED = tuple(map(matcher, ("policies/*.yaml", "contracts/*.odcs.yaml", "features/*.yaml")))

SHORTEST, LONGEST = 14, 42  # days, the first and the last included


class AIP601(Rule):
    """A sprint has a length, its team has one at a time, and its scope holds after the middle."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield boxes that are no boxes, and work that was put in too late."""
        plans = [plan for plan in program.head.plans if isinstance(plan.value, dict)]
        for plan in plans:
            yield from self._box(plan)
        for review in values.mappings(program.head.tree.documents("sprints/*/review.md")):
            folder = review.path.split("/")[1]
            if isinstance(review.get("sprint"), str) and review.get("sprint") != folder:
                yield self.finding(
                    review.at("sprint"), f"the review of {review.get('sprint')} stands in {folder}"
                )
        yield from self._overlaps(plans)
        for backlog in program.head.backlogs:
            if program.snapshot.changed.get(backlog.path) == "M":
                yield from self._late(program, backlog)

    def _box(self, plan: Document) -> Iterator[Finding]:
        folder = plan.path.split("/")[1]
        if isinstance(plan.get("id"), str) and plan.get("id") != folder:
            yield self.finding(plan.at("id"), f"the plan of {plan.get('id')} stands in {folder}")
        start, end = day(plan.get("start")), day(plan.get("end"))
        if start is None or end is None:
            return
        days = end - start + 1
        if days < 1:
            yield self.finding(plan.at("end"), "the sprint ends before it begins")
        elif not SHORTEST <= days <= LONGEST:
            yield self.finding(
                plan.at("end"), f"the sprint takes {days} days, {SHORTEST} to {LONGEST} are allowed"
            )

    def _overlaps(self, plans: list[Document]) -> Iterator[Finding]:
        boxes = sorted(
            (str(plan.get("team")).strip().casefold(), begin, end, plan.path, plan)
            for plan in plans
            if (begin := day(plan.get("start"))) and (end := day(plan.get("end")))
        )
        latest: dict[str, tuple[int, Document]] = {}
        for team, begin, end, _, plan in boxes:
            until, other = latest.get(team, (0, plan))
            if begin <= until:
                yield self.finding(
                    plan.at("start"),
                    f"the team is in the sprint {other.get('id')} until {other.get('end')}",
                    related=[(other.at("end"), "the other sprint")],
                )
            if end > until:
                latest[team] = (end, plan)

    def _late(self, program: Program, backlog: Document) -> Iterator[Finding]:
        """Look for items that came after the middle; the base's plan says when that is."""
        from ai_program import authority

        before = program.base.tree.document(backlog.path)
        box = backlog.path.rpartition("/")[0] + "/plan.yaml"
        plan = program.base.tree.document(box) or program.head.tree.document(box)
        start, end = (day(plan.get(key)) if plan else None for key in ("start", "end"))
        today = day(program.snapshot.today)
        if before is None or start is None or end is None or today is None:
            return
        if 2 * (today - start) < end - start + 1:
            return
        known = [item.get("id") for _, item in values.entries(before, "items")]
        for keys, item in values.entries(backlog, "items"):
            name = item.get("id")
            if not isinstance(name, str) or name in known:
                continue
            pointer = f"{backlog.path}#items[{name}]"
            missing = authority.missing(program, pointer, "added")
            if missing is not None:
                yield self.finding(
                    backlog.at(*keys, "id"),
                    f"{name} came after the middle of the sprint, and {missing}",
                    do=authority.remedy(pointer, "added"),
                )


class AIP602(Rule):
    """Every item serves something that was promised, and every guardrail is taken up."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield items that serve nothing, and guardrails that nobody works on."""
        ids, served = program.head.ids(), set()
        sprints = [plan.get("id") for plan in program.head.plans]
        # A closed sprint served what there was then.
        closed = [p.get("id") for p in program.head.plans if p.get("status") == "closed"]
        for backlog in program.head.backlogs:
            sprint = backlog.get("sprint")
            if isinstance(sprint, str) and sprint not in sprints:
                yield self.finding(backlog.at("sprint"), f"there is no plan of a sprint {sprint}")
            for keys, item in values.entries(backlog, "items"):
                for place, each in values.items(backlog, *keys, "serves"):
                    if each not in ids and sprint not in closed:
                        yield self.finding(
                            backlog.at(*place),
                            f"{item.get('id')} serves {each}, which nothing declares",
                        )
                    if item.get("status") != "dropped":
                        served.add(each)
        for doc, keys, name in _guardrails(program):
            if name not in served:
                yield self.finding(
                    doc.at(*keys), f"no item of a backlog takes up the guardrail {name}"
                )


class AIP603(Rule):
    """Three teams have shown, and signed, that they can run this as it is now."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield answers that show nothing, and signatures that say more than the answers.

        That the evidence exists is AIP002's business.
        """
        review = program.head.readiness
        if review is None or not isinstance(review.value, dict):
            return
        yield from self._answers(program, review)
        owed: dict[str, list[str]] = {}
        for _, item in values.entries(review, "items"):
            if item.get("status") != "done":
                owed.setdefault(values.text(item.get("team")), []).append(str(item.get("id")))
        signed = list(values.entries(review, "sign_off"))
        for team in TEAMS:
            if team not in [entry.get("team") for _, entry in signed]:
                yield self.finding(values.top(review, "sign_off"), f"nobody signs for {team}")
        for keys, entry in signed:
            if entry.get("status") == "done":
                open_items = owed.get(values.text(entry.get("team")), [])
                yield from self._signature(program, review, (keys, entry), open_items)

    def _answers(self, program: Program, review: Document) -> Iterator[Finding]:
        for keys, item in values.entries(review, "items"):
            if item.get("status") == "done" and item.get("evidence") == review.path:
                yield self.finding(
                    review.at(*keys, "evidence"), f"{item.get('id')} is its own evidence"
                )
            elif (
                item.get("status") == "done"
                and item.get("covers") == END_TO_END
                and not values.text(item.get("evidence")).startswith("evidence/")
            ):
                yield self.finding(
                    review.at(*keys, "evidence"),
                    f"{item.get('id')} is about a run of the whole chain, and"
                    f" {item.get('evidence')} is no evidence of one",
                    do="keep what the run wrote under evidence/, and name it",
                )
        covered = [item.get("covers") for _, item in values.entries(review, "items")]
        if END_TO_END not in covered:
            yield self.finding(
                values.top(review, "items"),
                "no item is about a run of the whole chain in an environment like production",
                do=f"add the item, with `covers: {END_TO_END}`",
            )
        now = {
            values.text(item.get("id")): (keys, item)
            for keys, item in values.entries(review, "items")
        }
        for _, item in values.entries(program.base.readiness, "items"):
            name, covers = values.text(item.get("id")), item.get("covers")
            if name not in now:
                yield self.finding(values.top(review, "items"), f"{name} was removed")
            elif covers and now[name][1].get("covers") != covers:
                yield self.finding(
                    review.at(*now[name][0], "covers"), f"{name} no longer covers {covers}"
                )

    def _signature(
        self,
        program: Program,
        review: Document,
        signature: tuple[tuple[str | int, ...], dict[str, Any]],
        owed: list[str],
    ) -> Iterator[Finding]:
        keys, entry = signature
        team, at = entry.get("team"), review.at(*keys, "signed_on")
        if owed:
            yield self.finding(at, f"{team} signed, and {values.joined(owed)} is not done")
        stated, today = day(entry.get("signed_on")), day(program.snapshot.today)
        if stated is None or today is None:
            return
        if stated > today:
            yield self.finding(at, f"{team} signed on {entry['signed_on']}, which is not yet")
            return
        history = program.snapshot.history
        for path in program.head.tree.entries:
            if not any(match(path) for match in _GATED):
                continue
            commits = history.commits(path)
            latest = day(commits[0].committed_on) if commits else None
            if latest is not None and latest > stated:
                yield self.finding(
                    at,
                    f"{team} signed on {entry['signed_on']}, {path} changed on"
                    f" {commits[0].committed_on}",
                    do="look at the answers again and sign again, or set `status: open`",
                )
                return


class AIP604(Rule):
    """Every team has a part, and every sprint that is over has taught something."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield teams without a part, and closed sprints without a lesson."""
        tree = program.head.tree
        raci, playbook = tree.document(RACI), tree.document(PLAYBOOK)
        if raci is not None and isinstance(raci.value, dict):
            yield from self._teams(program, raci)
            yield from self._activities(program, raci)
        # A change waits for no lesson; the scheduled review asks for it.
        later = program.snapshot.stage == "schedule"
        if later and playbook is not None and isinstance(playbook.value, dict):
            yield from self._lessons(program, playbook)

    def _teams(self, program: Program, raci: Document) -> Iterator[Finding]:
        taking: set[object] = set()
        for keys, activity in values.entries(raci, "activities"):
            taking.update(role for _, role in values.items(raci, *keys, "responsible"))
            taking.add(activity.get("accountable"))
        for team in TEAMS:
            members = [program.head.person(name) for _, name in values.items(raci, "teams", team)]
            active = [person for person in members if person is not None and person.active]
            if not active:
                yield self.finding(raci.at("teams", team), f"nobody in {team} is active")
            elif not any(taking.intersection(person.roles) for person in active):
                yield self.finding(
                    raci.at("teams", team), f"{team} does nothing and answers for nothing"
                )

    def _activities(self, program: Program, raci: Document) -> Iterator[Finding]:
        """Look for activities that are gone, or for which nobody answers.

        That two answer for one is a matter of AIP001.
        """
        names = [activity.get("id") for _, activity in values.entries(raci, "activities")]
        for _, activity in values.entries(program.base.tree.document(RACI), "activities"):
            if activity.get("id") not in names:
                yield self.finding(
                    raci.key_at("activities"), f"nobody does {activity.get('id')} any more"
                )
        held = {role for each in program.head.people.values() if each.active for role in each.roles}
        for keys, activity in values.entries(raci, "activities"):
            accountable = activity.get("accountable")
            if isinstance(accountable, str) and accountable not in held:
                yield self.finding(
                    raci.at(*keys, "accountable"),
                    f"the {accountable} answers for {activity.get('id')}, and nobody active has"
                    " that role",
                )

    def _lessons(self, program: Program, playbook: Document) -> Iterator[Finding]:
        plans = {plan.get("id"): plan for plan in values.mappings(program.head.plans)}
        taught = set()
        for keys, lesson in values.entries(playbook, "lessons"):
            sprint, changed = lesson.get("sprint"), lesson.get("changed")
            on, today = day(lesson.get("date")), day(program.snapshot.today)
            plan = plans.get(sprint)
            start = day(plan.get("start")) if plan else None
            if isinstance(sprint, str) and plan is None:
                yield self.finding(
                    playbook.at(*keys, "sprint"), f"there is no plan of a sprint {sprint}"
                )
            elif on and today and (on > today or (start and on < start)):
                when = "not yet" if on > today else "before the sprint"
                yield self.finding(
                    playbook.at(*keys, "date"), f"it is dated {lesson['date']}, which is {when}"
                )
            elif isinstance(changed, str) and not _exists(program, changed):
                yield self.finding(
                    playbook.at(*keys, "changed"),
                    f"{values.shown(changed)} is no file, rule or id of this programme",
                )
            else:
                taught.add(sprint)
        for sprint, plan in plans.items():
            if plan.get("status") == "closed" and sprint not in taught:
                yield self.finding(plan.at("status"), f"{sprint} is closed and taught nothing")


def _exists(program: Program, name: str) -> bool:
    """Tell whether a lesson names something that can have changed."""
    head = program.head
    return name in head.tree or name in program.baseline.rules or name in head.ids()


def _guardrails(program: Program) -> Iterator[tuple[Document, tuple[str | int, ...], str]]:
    """Yield the guardrails that only work makes real.

    A gate of a use case that has a pipeline is enforced by the evaluation itself; a monitor is
    real when somebody has built it.
    """
    head = program.head
    wanted = [(head.monitoring, "monitors")]
    if not has_pipeline(program, head):
        wanted.append((head.evaluation, "gates"))
    for doc, key in wanted:
        for keys, entry in values.entries(doc, key):
            name = entry.get("id")
            if doc is not None and isinstance(name, str):
                yield doc, (*keys, "id"), name


def has_pipeline(program: Program, state: State) -> bool:
    """Tell whether the programme's use case comes with a pipeline."""
    name = state.program.get("program", "use_case") if state.program else None
    profile = program.baseline.use_case(name) if isinstance(name, str) else None
    return bool(profile and profile.get("pipeline"))
