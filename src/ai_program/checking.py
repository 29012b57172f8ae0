"""Runs the rules over a programme: which ones, how severe, and what an exception waives."""

from __future__ import annotations

from ai_program import rules
from ai_program.documents import DocumentError
from ai_program.program import PLACES
from ai_program.snapshot import CannotDecide, Misuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ai_program.catalogue import Rule as Metadata
    from ai_program.findings import Finding
    from ai_program.program import Program
    from ai_program.rules.base import Rule

# A repository with any of these is governed; without all of them there is nothing to judge.
_MARKS = tuple(
    PLACES[kind]
    for kind in (
        "lock", "workshop", "program", "data", "security", "evaluation", "release", "monitoring",
        "oversight",
    )
)  # fmt: skip

# Where the files stand that rules read; those of the top level come with them.
_FOLDERS = (
    ".github/",
    *sorted({place.partition("/")[0] + "/" for place in PLACES.values() if "/" in place}),
)


class Result:
    """The findings of one run, in order, with what a reporter needs to show them."""

    __slots__ = ("findings", "program", "rules")

    def __init__(self, program: Program, findings: list[Finding]) -> None:
        self.program = program
        self.findings = findings
        self.rules = program.baseline.rules

    def count(self, severity: str) -> int:
        """Return how many findings of a severity no exception waives."""
        return sum(
            finding.severity == severity and finding.waived_by is None for finding in self.findings
        )

    @property
    def errors(self) -> int:
        """Return the number of findings that fail the run."""
        return self.count("error")

    @property
    def warnings(self) -> int:
        """Return the number of findings that are only said."""
        return self.count("warning")

    @property
    def waived(self) -> int:
        """Return the number of findings that an exception waives."""
        return sum(finding.waived_by is not None for finding in self.findings)


def check(
    program: Program,
    *,
    select: Collection[str] = (),
    find: Callable[[str], type[Rule]] | None = None,
) -> Result:
    """Run the rules of the snapshot's stage, or those selected, and apply the exceptions.

    Raises:
        Misuse: nothing here is governed, or a selected rule does not exist.
        CannotDecide: something is missing, or a rule broke; either is never a pass.

    """
    _require_governed(program)
    catalogue = program.baseline.rules
    unknown = sorted(set(select).difference(catalogue))
    if unknown:
        raise Misuse(f"there is no rule {unknown[0]}; the rules are {', '.join(catalogue)}")
    _load(program)
    found: dict[str, list[Finding]] = {}
    last: list[Rule] = []
    for metadata in catalogue.values():
        if select and metadata.code not in select:
            continue
        severity = metadata.severity[program.tier]
        if severity != "off" and metadata.runs_at(program.snapshot.stage):
            rule = _find(find or rules.find, metadata)(metadata, severity)
            if rule.after_exceptions:
                last.append(rule)
            else:
                found[metadata.code] = _run(rule, program)
    findings = [finding for each in found.values() for finding in each]
    if findings and program.base.exceptions:
        from ai_program import exceptions

        exceptions.apply(findings, exceptions.of_base(program))
    program.found = found
    for rule in last:
        findings.extend(_run(rule, program))
    findings.sort(key=lambda finding: finding.sort_key())
    return Result(program, findings)


def _require_governed(program: Program) -> None:
    snapshot = program.snapshot
    if not any(mark in snapshot.head or mark in snapshot.base for mark in _MARKS):
        raise Misuse(
            "nothing here is governed: there is no .ai-program/lock.json and no policy; generate "
            "a repository with cookiecutter, or run this where one is"
        )


def _load(program: Program) -> None:
    """Fetch what the rules are about to ask for in few round trips."""
    for tree in (program.snapshot.head, program.snapshot.base):
        tree.load(path for path in tree.entries if "/" not in path or path.startswith(_FOLDERS))


def _find(find: Callable[[str], type[Rule]], metadata: Metadata) -> type[Rule]:
    try:
        return find(metadata.code)
    except LookupError as error:
        raise Misuse(f"the catalogue has a rule without code: {error}") from None


def _run(rule: Rule, program: Program) -> list[Finding]:
    try:
        return list(rule.check(program))
    except (CannotDecide, MemoryError, Misuse):
        raise
    except DocumentError as error:  # a file that no rule that says so is about
        raise CannotDecide(f"rule {rule.metadata.code} has to read it: {error}") from error
    except Exception as error:
        # A rule that breaks has not judged, and that must not look like a pass.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise CannotDecide(f"rule {rule.metadata.code} broke: {reason}") from error
