"""Rules of operation: what people reach for when something goes wrong."""

from __future__ import annotations

import re

from ai_program.findings import Location
from ai_program.rules.base import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program

RUNBOOK = "runbooks/rollback.md"
NOXFILE = "noxfile.py"
# What the front matter repeats from policies/release.yaml, so that the reader needs one page.
REPEATED = ("target", "fallback", "max_minutes")

_SESSION = re.compile(r"nox (?:-s|--session) ([A-Za-z0-9_.-]+)(?: --(?: .*)?)?\Z").match


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
