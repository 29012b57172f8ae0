"""Rules of evaluation: that guardrails are measured, reports are true, and limits only tighten."""

from __future__ import annotations

from ai_program import floors, layout, values
from ai_program.findings import Location
from ai_program.rules.base import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program, State

    Keys = tuple[str | int, ...]

POLICY = "policies/evaluation.yaml"
CHAMPION = "champion"
BEST_NAIVE = "best_naive"


class AIP201(Rule):
    """The evaluation policy measures what was promised, against what would do without a model."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield guardrails without a gate, gates that judge nothing, data that proves nothing."""
        policy = program.head.evaluation
        if policy is None or not isinstance(policy.value, dict):
            return
        gates = [gate for _, gate in values.entries(policy, "gates")]
        yield from self._gates(policy)
        yield from self._promised(program, policy, gates)
        yield from self._compared(program, policy, gates)
        yield from self._data(program, policy)
        for breach in floors.breaches(program, POLICY):
            yield self.finding(breach.doc.at(*breach.keys), breach.message)

    def _gates(self, policy: Document) -> Iterator[Finding]:
        slices = [each.get("id") for _, each in values.entries(policy, "slices")]
        baselines = [CHAMPION, BEST_NAIVE, *values.texts(policy.get("baselines"))]
        for keys, gate in values.entries(policy, "gates"):
            where, against = gate.get("slice"), gate.get("compare_with")
            if isinstance(where, str) and where not in slices:
                yield self.finding(
                    policy.at(*keys, "slice"),
                    f"{gate.get('id')} judges the slice {where}, which is not under slices",
                )
            if isinstance(against, str) and against not in baselines:
                yield self.finding(
                    policy.at(*keys, "compare_with"),
                    f"{gate.get('id')} compares with {against}, which is not under baselines",
                )

    def _promised(
        self, program: Program, policy: Document, gates: list[dict[str, Any]]
    ) -> Iterator[Finding]:
        """Look for the guardrails of the workshop: an answer that no gate measures is a wish."""
        answers = program.head.lock.get("answers", "guardrails") if program.head.lock else None
        for name, answer in answers.items() if isinstance(answers, dict) else ():
            if not isinstance(answer, dict) or not isinstance(answer.get("metric"), str):
                continue
            wanted = [answer.get(key) for key in ("metric", "slice", "compare_with", "direction")]
            found = [
                gate
                for gate in gates
                if [gate.get(k) for k in ("metric", "slice", "compare_with", "direction")] == wanted
            ]
            if not found:
                yield self.finding(
                    policy.key_at("gates"),
                    f"no gate measures the guardrail {name} of the workshop ({_measured(answer)})",
                    do="add the gate, or take the guardrail out of the answers and regenerate",
                )
            elif program.base.evaluation is None and all(
                _looser(each, answer) and not _decided(program, each) for each in found
            ):  # from the next commit on AIP208 compares with the base
                yield self.finding(
                    policy.at("gates", policy.get("gates").index(found[0]), "limit"),
                    f"{found[0].get('id')} passes {found[0]['limit']}, and the workshop agreed on"
                    f" {answer['limit']}",
                    do="begin with the limit of the workshop; a decision can change it",
                )

    def _compared(
        self, program: Program, policy: Document, gates: list[dict[str, Any]]
    ) -> Iterator[Finding]:
        naive = [g for g in gates if g.get("compare_with") not in (None, CHAMPION)]
        limited = [gate for gate in naive if _is_number(gate.get("limit"))]
        if not naive:
            yield self.finding(
                policy.key_at("gates"), "no gate compares with a naive baseline", do=_ADD_NAIVE
            )
        elif limited and all(_passes_worse_models(gate) for gate in limited):
            yield self.finding(
                policy.at("gates", policy.get("gates").index(limited[0]), "limit"),
                f"{limited[0].get('id')} lets a model pass that is worse than the naive baseline",
                do=_ADD_NAIVE,
            )
        if program.head.releases and not any(g.get("compare_with") == CHAMPION for g in gates):
            yield self.finding(
                policy.key_at("gates"),
                "no gate compares with the release in force",
                do="add a gate with compare_with: champion",
            )

    def _data(self, program: Program, policy: Document) -> Iterator[Finding]:
        data = policy.get("data")
        if not isinstance(data, dict):
            return
        days = [data.get(key) for key in ("train_until", "test_from", "test_until")]
        trained, begins, ends = (day if isinstance(day, str) else None for day in days)
        if trained and begins and begins <= trained:
            yield self.finding(
                policy.at("data", "test_from"),
                f"the test data begins on {begins}, the training data ends on {trained}:"
                " the model has seen what it is judged on",
            )
        if begins and ends and ends < begins:
            yield self.finding(
                policy.at("data", "test_until"), f"the test data ends on {ends}, before it begins"
            )
        known = [doc.get("id") for doc in program.head.contracts]
        for keys, _, _ in program.head.data_sources():
            contract = policy.get(*keys, "contract")
            if isinstance(contract, str) and contract not in known:
                yield self.finding(
                    policy.at(*keys, "contract"), f"no data contract has the id {contract}"
                )
        yield from self._digest(program, policy)

    def _digest(self, program: Program, policy: Document) -> Iterator[Finding]:
        """Compare declared digests with the bytes, unless both are as the base has them."""
        snapshot = program.snapshot
        for keys, path, declared in program.head.data_sources():
            if path not in snapshot.head or not isinstance(declared, str):
                continue
            if snapshot.stage == "commit" and not {path, POLICY}.intersection(snapshot.changed):
                continue
            from ai_program import bindings

            actual = bindings.digest_of(program.head, path, declared)
            if actual != declared:
                yield self.finding(
                    policy.at(*keys, "digest"), f"{path} has the digest {actual}, not this one"
                )


class AIP203(Rule):
    """Where people are affected, equal treatment is measured, limited and reported."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what leaves open whether one group is treated worse than another."""
        policy = program.head.evaluation
        if policy is None or not isinstance(policy.get("fairness"), dict):
            return
        metric = policy.get("fairness", "metric")
        better = _EQUAL.get(metric) if isinstance(metric, str) else None
        if better is None:
            affected = self._affected(program)
            if affected and metric == "none":
                yield self.finding(
                    policy.at("fairness", "metric"),
                    f"{affected}, and no equal treatment is measured",
                )
            return
        gates = [
            (keys, gate)
            for keys, gate in values.entries(policy, "gates")
            if [gate.get(key) for key in ("metric", "slice", "compare_with")]
            == [metric, None, None]
        ]
        is_open = policy.get("fairness", "status") == "open"
        if not gates and not is_open:
            yield self.finding(policy.at("fairness", "metric"), f"no gate measures {metric}")
        limit = policy.get("fairness", "limit")
        held = False
        for keys, gate in gates:
            if gate.get("direction") != better:
                yield self.finding(
                    policy.at(*keys, "direction"),
                    f"{gate.get('id')} lets pass what treats groups less equally:"
                    f" for {metric} {better} is better",
                )
            elif _is_number(limit) and _is_number(gate.get("limit")):
                held |= gate["limit"] >= limit if better == "higher" else gate["limit"] <= limit
            else:
                held = True  # the schema says what is no number
        if gates and not held and not is_open and gates[0][1].get("direction") == better:
            yield self.finding(
                policy.at(*gates[0][0], "limit"),
                f"{gates[0][1].get('id')} passes {gates[0][1].get('limit')},"
                f" the limit of {metric} is {limit}",
                related=[(policy.at("fairness", "limit"), "the limit")],
            )
        yield from self._released(program, metric)

    @staticmethod
    def _affected(program: Program) -> str | None:
        """Return by which answer people are affected; None if by none."""
        answers = program.head.program.get("risk") if program.head.program else None
        if not isinstance(answers, dict):
            return None
        from ai_program import risk

        said = {key: answers.get(key) for key in ("person_impact", "vulnerable_groups")}
        if not risk.affects_people({k: v for k, v in said.items() if isinstance(v, (str, bool))}):
            return None
        impact = said["person_impact"]
        if impact in ("indirect", "legal_or_similar"):
            return f"people are affected (person_impact: {impact})"
        return "people are affected (vulnerable_groups: true)"

    def _released(self, program: Program, metric: str) -> Iterator[Finding]:
        """Look for the result in the reports of new promotions: open is no excuse there."""
        for release in new_releases(program):
            path = release.get("predicate", "evaluation", "path")
            report = program.head.tree.document(path) if isinstance(path, str) else None
            if release.get("predicate", "action") == "rollback" or report is None:
                continue  # AIP303 says that the report is missing
            measured = [
                each
                for _, each in values.entries(report, "measurements")
                if [each.get(key) for key in ("metric", "slice", "compare_with")]
                == [metric, None, None]
            ]
            if not any(_is_number(each.get("value")) for each in measured):
                yield self.finding(
                    release.at("predicate", "evaluation", "path"),
                    f"the report of {subject(release)[1]} does not say what {metric} is",
                )


class AIP206(Rule):
    """What a report concludes follows from what it embeds."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield where a report contradicts itself: its seal, its numbers, its verdict."""
        for report in self._judged(program):
            if not isinstance(report.value, dict):
                continue  # the schema says so, and no release can cite it
            from ai_program import evidence

            name = report.path.rpartition("/")[2].removesuffix(".json")
            version = report.get("model", "version")
            if isinstance(version, str) and version != name:
                yield self.finding(
                    report.at("model", "version"), f"the file is named after {name}, not {version}"
                )
            for keys, message in evidence.report_problems(report.value):
                yield self.finding(report.at(*keys), message)
            yield from self._measurements(report)

    @staticmethod
    def _judged(program: Program) -> list[Document]:
        """Return all reports; at commit those that came or changed, and the one in force."""
        snapshot = program.snapshot
        if snapshot.stage != "commit":
            return program.head.reports
        paths = {path for path in snapshot.changed if is_report(path)}
        release = in_force(program.head)
        cited = release.get("predicate", "evaluation", "path") if release else None
        if isinstance(cited, str) and is_report(cited):
            paths.add(cited)
        found = (snapshot.head.document(path) for path in sorted(paths))
        return [report for report in found if report is not None]

    def _measurements(self, report: Document) -> Iterator[Finding]:
        seen: list[tuple[object, ...]] = []
        for place, each in values.entries(report, "measurements"):
            subject = tuple(each.get(key) for key in ("metric", "slice", "compare_with"))
            if subject in seen:
                yield self.finding(report.at(*place), f"{_measured(each)} was measured twice")
            seen.append(subject)
            rows = each.get("n")
            if type(rows) is not int or rows < 1:
                yield self.finding(
                    report.at(*place, "n"), f"{_measured(each)} was measured on no rows"
                )
            for key in ("value", "low", "high"):
                if key in each and not _is_number(each[key]):
                    yield self.finding(
                        report.at(*place, key), f"{_measured(each)}: {key} is no finite number"
                    )


class AIP207(Rule):
    """Evidence is about what the change contains that brings it, and stays as it was."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield reports that were edited or removed, and new ones that judged something else."""
        from ai_program.ledger import Ledger

        snapshot = program.snapshot
        for folder in _EVIDENCE:
            ledger = Ledger(snapshot, folder)
            for path, how in ledger.broken():
                at = Location(path) if how == "removed" else Location(path, 1, 1, 2)
                yield self.finding(at, f"evidence was {how}, and it is append-only")
            for path in ledger.new():
                found = snapshot.head.document(path) if path.endswith(".json") else None
                if found is None or not isinstance(found.value, dict):
                    continue
                if is_report(path):
                    yield from self._new_report(program, found)
                elif path.startswith("evidence/observations/"):
                    yield from self._new_observation(program, found)
        for release in new_releases(program):
            yield from self._new_release(program, release)
        if snapshot.stage != "commit":
            yield from self._still_good(program)

    def _new_report(self, program: Program, report: Document) -> Iterator[Finding]:
        """Compare a report with the commit that brought it, which at commit is the head."""
        if report.path in self._fallen_back(program):
            return
        state, where = origin(program, report.path)
        wrong = list(self._unbound(program, report, state))
        if wrong and state is not program.head:  # written first, committed with what it judged
            wrong = list(self._unbound(program, report, program.head)) and wrong
        for keys, message in wrong:
            yield self.finding(report.at(*keys), f"{message} {where} has")
        yield from self._registered(program, report)

    def _new_observation(self, program: Program, doc: Document) -> Iterator[Finding]:
        """Say where an observation contradicts itself; of one without its form AIP001 tells."""
        from ai_program import evidence, schemas

        if schemas.validate("observation", doc.value, root=program.baseline.root):
            return
        path = evidence.observation_path(doc.get("day"))
        misplaced = [(("day",), f"the file is not called {path.rpartition('/')[2]}")]
        for keys, message in (
            *(misplaced if doc.path != path else ()),
            *evidence.observation_problems(doc.value),
        ):
            yield self.finding(
                doc.at(*keys), message, do="run `nox -s monitor`, and let it write the record"
            )

    @staticmethod
    def _fallen_back(program: Program) -> list[object]:
        """Return the reports of a fallback that new rollbacks put in force.

        A rule without a model comes into force at the worst moment, on whatever tree there is. Its
        report is for the record; it gains nothing by judging something else.
        """
        cited = [
            release.get("predicate", "evaluation", "path")
            for release in new_releases(program)
            if release.get("predicate", "action") == "rollback"
        ]
        return [path for path in cited if is_fallback(program.head, path)]

    def _new_release(self, program: Program, release: Document) -> Iterator[Finding]:
        """Compare what a promotion cites with what gets merged.

        Not with the commit that brought it: or a change could loosen a gate, release, and cover
        its tracks, all in one. Only where nothing was pushed yet there is nothing to merge into.
        """
        path = release.get("predicate", "evaluation", "path")
        report = program.head.tree.document(path) if isinstance(path, str) else None
        if release.get("predicate", "action") == "rollback":
            return  # back is where other code and policies were
        if report is None or not isinstance(report.value, dict):
            return  # AIP303 says that the report is missing
        state, where = program.head, _HERE
        if program.snapshot.stage != "commit" and program.snapshot.base.commit is None:
            state, where = origin(program, release.path)
        elif program.snapshot.stage == "commit" and program.snapshot.changed.get(path) == "A":
            return  # the report itself has just been compared with the head
        for _, message in self._unbound(program, report, state):
            yield self.finding(
                release.at("predicate", "evaluation", "path"), f"{message} {where} has"
            )

    def _unbound(
        self, program: Program, report: Document, state: State
    ) -> Iterator[tuple[Keys, str]]:
        """Yield the keys of what the report says and the state contradicts, as half a sentence."""
        from ai_program import bindings
        from ai_program.polarity import same

        for group, digest in bindings.of(state, program.baseline).items():
            if report.get("bindings", group) != digest:
                yield ("bindings", group), f"the report judged other {group} than"
        policy = state.evaluation
        for part in ("gates", "statistics"):
            if policy is None or not same(report.get(part), policy.get(part)):
                yield (part,), f"the report embeds other {part} than"
        if policy is not None and report.get("model", "name") != policy.get("model"):
            yield ("model", "name"), "the report is about another model than"
        champions = self._champions(program, report, state)
        if not any(same(report.get("champion"), champion) for champion in champions):
            named = champions[0]["version"] if champions[0] else "nothing"
            yield (
                ("champion",),
                f"the report compares with something else than {named}, the release in force that",
            )

    @staticmethod
    def _champions(program: Program, report: Document, state: State) -> list[dict[str, str] | None]:
        """Return what was in force when the report was written.

        For a report that a release cites, that is the release before. Any other may have been
        written before or after each release that comes in the same change.
        """
        releases = state.releases
        found: list[dict[str, str] | None] = [None]
        known = 0
        for number, release in enumerate(releases, start=1):
            if release.get("predicate", "evaluation", "path") == report.path:
                return [found[-1]]
            _, version, digest = subject(release)
            found.append({"version": version, "digest": digest, "release": release.path})
            if release.path in program.snapshot.base:
                known = number
        return found[known:]

    def _registered(self, program: Program, report: Document) -> Iterator[Finding]:
        version = report.get("model", "version")
        for entry in program.head.registry:
            if entry.get("version") == version and entry.get("artifact", "digest") != report.get(
                "model", "digest"
            ):
                yield self.finding(
                    report.at("model", "digest"),
                    f"the registry has another model under {version}",
                    related=[(entry.at("artifact", "digest"), "the registered digest")],
                )

    def _still_good(self, program: Program) -> Iterator[Finding]:
        """Judge the release in force by today's gates: they may have tightened since."""
        from ai_program import verdict
        from ai_program.polarity import same

        release, policy = in_force(program.head), program.head.evaluation
        path = release.get("predicate", "evaluation", "path") if release else None
        report = program.head.tree.document(path) if isinstance(path, str) else None
        if report is None or policy is None or not isinstance(report.value, dict):
            return
        gates = policy.get("gates")
        if same(gates, report.get("gates")):
            return
        judgement = verdict.judge(
            gates if isinstance(gates, list) else [],
            report.get("measurements") or [],
            champion=report.get("champion") is not None,
        )
        if judgement.verdict != verdict.PASS:
            missed = [each for each in judgement.outcomes if each["outcome"] not in _GOOD]
            which = ", ".join(f"{each['gate']}: {each['reason']}" for each in missed[:3])
            # Tightened gates ask for a new evaluation of what was in force, not for a broken push,
            # and at the worst moment nobody is kept from going back.
            known = release is None or release.path in program.snapshot.base
            back = release is not None and release.get("predicate", "action") == "rollback"
            late = program.snapshot.stage == "push" and (known or back)
            yield self.finding(
                policy.key_at("gates"),
                f"the release in force does not pass the gates of today ({which or 'no gates'})",
                do="evaluate again (`nox -s pipeline`), and promote what passes",
                severity="warning" if late else None,
                related=[(report.key_at("gates"), "the gates that it passed")],
            )


class AIP208(Rule):
    """Guardrails tighten freely; loosening one is authorised by others than its author."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what was loosened without an accepted decision, and what lies below a floor."""
        for path, how in program.snapshot.changed.items():
            if path.startswith("policies/") and how != "A":
                yield from self._loosened(program, path)
        for breach in floors.breaches(program):
            if breach.doc.path != POLICY:  # AIP201 looks after the evaluation
                yield self.finding(breach.doc.at(*breach.keys), breach.message, do=_FLOOR)

    def _loosened(self, program: Program, path: str) -> Iterator[Finding]:
        from ai_program import polarity

        kind = layout.of(program).kind(path)
        before, after = program.base.tree.document(path), program.head.tree.document(path)
        if kind is None or before is None:
            return
        schema = program.baseline.value(f"schemas/{kind['schema']}")
        if after is None:
            if path not in program.snapshot.head:  # what cannot be read is the schema's business
                yield self.finding(Location(path), "a policy was deleted, with all its guardrails")
            return
        for change in polarity.compare(before.value, after.value, schema):
            if change.direction == polarity.LOOSENED:
                yield from self.undecided(
                    program, before, after, change, schema=schema, because=change.rule
                )


class AIP209(Rule):
    """What is in force, or comes into force, was judged a short time ago."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield releases whose evaluation is too old, dated ahead, or unknown."""
        new, current = new_releases(program), in_force(program.head)
        for release in new:
            passed = current is None or release.path != current.path
            if passed and release.get("predicate", "action") == "promote":
                # It was in force once, and its own day is all that is known of that.
                created = release.get("predicate", "created_at")
                yield from self._judged(program, release, created, "was released")
        if current is None or is_fallback(program.head, _evaluation_of(current)):
            return
        promoted = current in new and current.get("predicate", "action") == "promote"
        # Time alone breaks no push, and at the worst moment nobody is kept from going back.
        late = program.snapshot.stage != "schedule" and not promoted
        severity = "warning" if late else None
        yield from self._judged(program, current, program.snapshot.today, "is in force", severity)

    def _judged(
        self,
        program: Program,
        release: Document,
        until: object,
        how: str,
        severity: str | None = None,
    ) -> Iterator[Finding]:
        """Compare a release's evidence with the day until which it has to hold."""
        from ai_program.rules.decisions import day

        version = subject(release)[1]
        at = release.at("predicate", "evaluation", "path")
        on, to = self._day(program, release), day(until[:10] if isinstance(until, str) else None)
        judged = day(on)
        if on is None or judged is None or to is None:
            if program.snapshot.stage == "schedule":  # for a new release AIP303 looks at it
                yield self.finding(at, f"when {version} was evaluated is not known")
            return
        age, longest = to - judged, self._longest(program)
        if on > program.snapshot.today:
            yield self.finding(
                at,
                f"the evaluation of {version} was committed on {on}, which is not yet",
                do="set the clock, and commit the evidence again",
            )
        elif age > longest:
            yield self.finding(
                at,
                f"{version} {how} on an evaluation of {on}: it is {age} days old,"
                f" and {longest} are allowed",
                severity=severity,
            )

    @staticmethod
    def _day(program: Program, release: Document) -> str | None:
        """Return the first day on which there is a trace of the evidence.

        A report has no clock. The commit that brought it has one, which a rebase sets anew; so each
        promotion that cites the report counts too.
        """
        path = _evaluation_of(release)
        first = program.snapshot.history.first(path) if isinstance(path, str) else None
        if first is None:
            return None
        days = [first.committed_on]
        for each in program.head.releases:
            created = each.get("predicate", "created_at")
            if _evaluation_of(each) == path and isinstance(created, str):
                days.append(created[:10])
        return min(days)

    @staticmethod
    def _longest(program: Program) -> int:
        """Return how many days are allowed: by the policy, and never more than the tier's."""
        policy = program.head.release
        wanted = policy.get("evidence_max_age_days") if policy else None
        bounds: list[int] = [
            floor["at_most"][program.tier]
            for floor in program.baseline.tiers["floors"]
            if floor["pointer"] == "policies/release.yaml#evidence_max_age_days"
        ]
        return min([*bounds, wanted] if type(wanted) is int else bounds)


# The chain of releases is the promotion gate's.
_EVIDENCE = tuple(
    f"evidence/{kind}"
    for kind in ("evaluations", "kpis", "boms", "drills", "reviews", "observations", "incidents")
)
# Which way groups are treated more equally.
_EQUAL = {
    "selection_ratio": "higher",
    "error_ratio": "lower",
    "equal_opportunity_difference": "lower",
}
_GOOD = ("pass", "not_applicable")
_HERE = "this change"
_ADD_NAIVE = "add a gate with compare_with: best_naive and a limit that only a better model passes"
_FLOOR = "bring the value back within the tier; no decision goes beyond it"


class AIP210(Rule):
    """Before a version decides, somebody who built nothing of it says that it is fit."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield promotions that nobody independent signed for, and signatures that do not count."""
        for release in new_releases(program):
            if release.get("predicate", "action") == "promote":
                yield from self._signed(program, release)

    def _signed(self, program: Program, release: Document) -> Iterator[Finding]:
        path, digest = (release.get("predicate", "evaluation", key) for key in ("path", "digest"))
        about = [
            each
            for each in program.head.validations
            if each.get("report", "path") == path and each.get("report", "digest") == digest
        ]
        for validation in about:
            if validation.get("conclusion") == "unfit":
                yield self.finding(
                    release.at("predicate", "evaluation", "path"),
                    f"{validation.get('validator')} says that it is unfit",
                    related=[(validation.at("conclusion"), "the validation")],
                )
        reasons = [_dependent(program, release, each) for each in about]
        if about and None not in reasons:
            for validation, reason in zip(about, reasons, strict=True):
                yield self.finding(validation.at("validator"), f"it does not count: {reason}")
        elif not about:
            yield self.finding(
                release.at("predicate", "evaluation", "path"),
                f"nobody independent has validated {path} with this digest",
            )


def _dependent(program: Program, release: Document, validation: Document) -> str | None:
    """Return why a validation does not count, None if it does."""
    from ai_program import authority

    name, on = validation.get("validator"), validation.get("on")
    person = program.head.person(name)
    if person is None or not person.active:
        return f"{name} is nobody declared and active"
    before = program.base.people.get(person.handle)
    if program.base.program is not None and (before is None or "validator" not in before.roles):
        return f"{name} was no validator before this change"
    if "validator" not in person.roles or "developer" in person.roles:
        return f"{name} is no validator, or a developer too"
    emails = {*person.emails, *(before.emails if before else ())}
    built = sorted(emails.intersection(_builders(program, release)))
    if built:
        return f"{built[0]} wrote part of the model or its features"
    if emails.isdisjoint(authority.writers(program, validation.path)):
        return f"{name} did not commit it"
    created = release.get("predicate", "created_at")
    if not isinstance(on, str) or not isinstance(created, str) or on > created[:10]:
        return f"it is dated {on}, after the release"
    return None


def _builders(program: Program, release: Document) -> set[str]:
    """Return who wrote the model and its features since the release before, by address."""
    history, records = program.snapshot.history, program.head.releases
    position = records.index(release)
    first = history.first(records[position - 1].path) if position else None
    since = first.committed_on if first else ""
    entry = f"models/registry/{subject(release)[1]}.json"
    return {
        commit.author.lower()
        for path in program.head.tree.entries
        if path.startswith(("src/", "features/")) or path == entry
        for commit in history.commits(path)
        if commit.committed_on >= since
    }


def is_report(path: str) -> bool:
    """Tell whether a path is that of an evaluation report."""
    folder, _, name = path.rpartition("/")
    return folder == "evidence/evaluations" and name.endswith(".json")


def is_fallback(state: State, path: object) -> bool:
    """Tell whether a report is about the rule without a model that the release policy names."""
    report = state.tree.document(path) if isinstance(path, str) and is_report(path) else None
    rule = state.release.get("rollback", "fallback") if state.release else None
    return report is not None and rule is not None and report.get("model", "candidate") == rule


def in_force(state: State) -> Document | None:
    """Return the record of the release in force."""
    path = state.active.get("release") if state.active else None
    return state.tree.document(path) if isinstance(path, str) else None


def _evaluation_of(release: Document) -> object:
    """Return the path of the report that a release cites."""
    return release.get("predicate", "evaluation", "path")


def new_releases(program: Program) -> list[Document]:
    """Return the release records that this change brings."""
    changed = program.snapshot.changed
    if not any(path.startswith("evidence/releases/") for path in changed):
        return []
    return [release for release in program.head.releases if changed.get(release.path) == "A"]


def origin(program: Program, path: str) -> tuple[State, str]:
    """Return the state that brought a file, and how to call it in a sentence."""
    snapshot = program.snapshot
    first = snapshot.history.first(path) if snapshot.stage != "commit" else None
    if first is None:
        return program.head, _HERE
    from ai_program.program import State

    return State(snapshot.at(first.oid)), "the commit that brought it"


def subject(release: Document) -> tuple[str, str, str]:
    """Return model, version and artifact digest of a release record, "" for what is missing."""
    name, sha = release.get("subject", 0, "name"), release.get("subject", 0, "digest", "sha256")
    model, _, version = name.partition("/") if isinstance(name, str) else ("", "", "")
    return model, version, f"sha256:{sha}" if isinstance(sha, str) else ""


def _decided(program: Program, gate: dict[str, Any]) -> bool:
    """Tell whether an accepted decision allows the limit: a first push may bring a long history."""
    pointer = f"{POLICY}#gates[{gate.get('id')}].limit"
    return program.head.authorising(pointer, gate.get("limit")) is not None


def _looser(gate: dict[str, Any], answer: dict[str, Any]) -> bool:
    """Tell whether a gate passes what the guardrail does not."""
    limit, agreed = values.number(gate.get("limit")), values.number(answer.get("limit"))
    if limit is None or agreed is None:
        return False
    return limit < agreed if gate.get("direction") == "higher" else limit > agreed


def _passes_worse_models(gate: dict[str, Any]) -> bool:
    """Tell whether the limit lies beyond 0, which is what a baseline has against itself."""
    limit: float = gate["limit"]
    return limit < 0 if gate.get("direction") == "higher" else limit > 0


def _measured(item: dict[str, Any]) -> str:
    """Say in words what a gate judges or a measurement measures."""
    where = f" on {item['slice']}" if item.get("slice") else ""
    against = f" against {item['compare_with']}" if item.get("compare_with") else ""
    return f"{item.get('metric')}{where}{against}"


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and -1e300 < value < 1e300  # type: ignore[operator]
