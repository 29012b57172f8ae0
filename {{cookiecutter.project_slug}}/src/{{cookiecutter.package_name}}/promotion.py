"""Promotion: put an evaluated version in force, or say in one sentence why not.

The questions come in the order in which they are cheap to answer. Nothing is written before all are
answered; then the files are written whole, and the one that says what is in force comes last.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from ai_program import authority, evidence, exceptions, readiness
from ai_program.owed import owed
from ai_program.program import Program
from ai_program.rules import release as release_rules
from ai_program.snapshot import matcher

from . import engine, record, releases, repository
from .artifacts import Store
from .errors import RefusedError
from .settings import Settings, read


def promote(
    settings: Settings,
    *,
    version: str | None,
    approvers: list[str],
    decision: str | None,
    reason: str,
) -> dict[str, Any]:
    """Put a version in force and return its record."""
    repository.require_commit(settings.root)
    repository.require_clean(settings.root)
    program = engine.program(settings.root)
    _require_ready(program)
    author = record.known_author(settings, program)
    history = releases.records(settings)
    report = _report(settings, program, version, evidence.release_path(len(history) + 1))
    approvals = _approvals(program, approvers, author)
    store = Store(settings.store)
    record.require_servable(settings, store, report["model"]["version"])
    engine.require_sound(settings.root)
    return record.write(
        settings,
        program,
        action="promote",
        subject=(report["model"]["version"], report["model"]["digest"]),
        report=report,
        parts={
            "author": author,
            "decision": _decision(program, decision),
            "approvals": approvals,
            "review": _review(settings),
            "rollback_target": record.way_back(settings, store),
            "reason": reason,
        },
    )


def _require_ready(program: Program) -> None:
    """Refuse drafts, and from the limited tier up what is still owed."""
    policy = program.head.program
    if policy is None or policy.get("program", "status") != "committed":
        raise RefusedError(
            "the programme is a draft, and nothing of a draft is promoted: answer what is missing "
            "in workshop.yaml and generate again"
        )
    still = [] if program.tier == "minimal" else owed(program.head, program.baseline)
    if still:
        first = still[0]
        raise RefusedError(
            f"{len(still)} entries are still open, which the {program.tier} tier forbids; first "
            f"{first.name} in {first.location.path} ({first.owner}, due {first.due}): "
            "`nox -s open` lists them all"
        )
    missing = [] if program.tier == "minimal" else readiness.missing(program)
    if missing:
        raise RefusedError(
            f"the readiness review lacks {len(missing)} answers; first {missing[0]}: "
            "`nox -s readiness` lists them all"
        )


def _report(
    settings: Settings, program: Program, version: str | None, record_path: str
) -> dict[str, Any]:
    """Return the one report that may be promoted, or refuse with what speaks against each."""
    reports = [
        read(settings.root, f"{evidence.REPORTS}/{file.name}")
        for file in sorted((settings.root / evidence.REPORTS).glob("*.json"))
    ]
    if version is not None:
        reports = [each for each in reports if each["model"]["version"] == version]
    if not reports:
        what = f"there is no report of {version}" if version else "nothing was evaluated yet"
        raise RefusedError(f"{what}: run `nox -s pipeline` and commit what it writes")
    judge = _Judge(settings, program, record_path)
    stale = {each["model"]["version"]: judge.stale(each) for each in reports}
    current = [each for each in reports if stale[each["model"]["version"]] is None]
    wrong = {each["model"]["version"]: judge.objection(each) for each in current}
    good = [each for each in current if wrong[each["model"]["version"]] is None]
    if len(good) == 1:
        return good[0]
    if good:
        names = ", ".join(each["model"]["version"] for each in good)
        raise RefusedError(f"several versions may be promoted ({names}): choose with --version")
    said = wrong or stale
    reasons = "".join(f"\n  {name}: {why}" for name, why in said.items())
    raise RefusedError(f"no version can be promoted:{reasons}")


class _Judge:
    """Says what speaks against promoting a report."""

    def __init__(self, settings: Settings, program: Program, record_path: str) -> None:
        self.settings = settings
        self.program = program
        self.bound = engine.bound(program)
        self.champion = releases.in_force(settings)
        self.record_path = record_path

    def stale(self, report: dict[str, Any]) -> str | None:
        """Return why a report is not about what is committed now, None if it is."""
        again = "run `nox -s pipeline` again"
        if self.champion and report["model"]["version"] == self.champion["version"]:
            return "it is in force already"
        other = [name for name, value in self.bound.items() if report["bindings"][name] != value]
        if other:
            return f"it judged other {', '.join(sorted(other))} than are committed: {again}"
        if report["champion"] != self.champion:
            named = self.champion["version"] if self.champion else "nothing"
            return f"{named} is in force, and it was compared with something else: {again}"
        if report["code"]["dirty"]:
            return f"it was written while files were not committed: {again}"
        longest = self.settings.release["evidence_max_age_days"]
        path = f"{evidence.REPORTS}/{report['model']['version']}.json"
        written = engine.commit_date(self.settings.root, path)
        age = (
            date.fromisoformat(engine.now()[:10]) - date.fromisoformat(written or "1970-01-01")
        ).days
        if age > longest:
            return f"it is {age} days old, and {longest} are allowed: {again}"
        return None

    def objection(self, report: dict[str, Any]) -> str | None:
        """Return why a report does not let its model pass, None if it does."""
        for _, why in evidence.report_problems(report):
            return f"the report contradicts itself: {why}"
        entry = releases.registry_entry(self.settings, report["model"]["version"])
        if entry["evaluation"]["digest"] != report["digest"]:
            return "the registry has the digest of another report"
        if report["verdict"] == "pass":
            return None
        if report["verdict"] == "inconclusive" and self._excused():
            return None
        bad = [
            f"{each['gate']} {each['outcome']}: {each['reason']}"
            for each in report["outcomes"]
            if each["outcome"] not in ("pass", "not_applicable")
        ]
        return f"the verdict is {report['verdict']} ({'; '.join(bad)})"

    def _excused(self) -> bool:
        """Tell whether a dated exception lets an inconclusive verdict through."""
        return any(
            waiver.problem is None
            and waiver.rule == "AIP303"
            and matcher(waiver.path)(self.record_path)
            for waiver in exceptions.of_base(self.program)
        )


def _approvals(program: Program, approvers: list[str], author: str) -> list[dict[str, str]]:
    """Return the approvals as the record has them, or refuse if too few of them count."""
    needed = release_rules.required_approvals(program)
    roles = authority.permitted_roles(program)
    refusals = authority.refusals(program, approvers, {author})
    wrong = [reason for reason in refusals if reason]
    if wrong:
        raise RefusedError(f"an approval does not count: {'; '.join(wrong)}")
    if len(approvers) < needed:
        raise RefusedError(
            f"{len(approvers)} of {needed} approvals: somebody else than {author} approves, as "
            f"{' or '.join(roles)}: `nox -s promote -- --approve @handle`"
        )
    found = []
    for name in approvers:
        person = program.head.person(name)
        role = next(role for role in roles if person is not None and role in person.roles)
        found.append({"person": name, "role": role, "on": engine.now()[:10]})
    return found


def _decision(program: Program, wanted: str | None) -> str:
    """Return the decision that the release rests on: the newest accepted one, or the named one."""
    accepted = [
        str(doc.get("id"))
        for doc in program.head.decisions
        if doc.get("status") == "accepted" and doc.get("superseded_by") is None
    ]
    if wanted is not None and wanted not in accepted:
        raise RefusedError(f"{wanted} is no accepted decision; accepted: {', '.join(accepted)}")
    if not accepted:
        raise RefusedError("no decision in decisions/ is accepted, so nobody decided for a release")
    return wanted or accepted[-1]


def _review(settings: Settings) -> dict[str, str]:
    """Return how outputs are looked at: the strictest way that the policy names."""
    order = ("none", "monitor", "sample", "before_effect", "before_execution")
    strictest = max(settings.oversight["decision_types"], key=lambda one: order.index(one["mode"]))
    return {"mode": strictest["mode"], "how": f"{strictest['override']}. {strictest['appeal']}"}
