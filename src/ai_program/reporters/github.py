"""For GitHub Actions: annotations beside the changed lines.

GitHub shows ten errors and ten warnings of a step and drops the rest without a word, so the worst
come first, of those the lines that the change wrote, and the rest is counted. The text report
follows in the log, fenced: the runner takes lines of the log for commands, and a finding quotes
files that anybody may have written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_program.reporters import text

if TYPE_CHECKING:
    from ai_program.checking import Result
    from ai_program.findings import Finding

_SHOWN = 10  # annotations of each severity that GitHub shows


def render(result: Result, *, fence: str) -> str:
    """Return annotations and the fenced text report; the fence is a word that nobody can guess."""
    lines: list[str] = []
    for severity in ("error", "warning"):
        found = [f for f in result.findings if f.severity == severity and f.waived_by is None]
        found.sort(key=lambda finding: _standing(result, finding))
        shown = found if len(found) <= _SHOWN else found[: _SHOWN - 1]
        lines.extend(_annotation(result, finding) for finding in shown)
        if len(shown) < len(found):
            more = len(found) - len(shown)
            lines.append(f"::{severity} title=ai-program::+{more} more; the log has all of them")
    report = text.render(result)
    return "\n".join([*lines, f"::stop-commands::{fence}", report + f"::{fence}::"]) + "\n"


def _standing(result: Result, finding: Finding) -> int:
    """Return 0 for a line that the change wrote, 1 for another one of a changed file, else 2."""
    snapshot, at = result.program.snapshot, finding.location
    how = snapshot.changed.get(at.path)
    if how is None:
        return 2
    before = snapshot.base.entries.get(at.path)
    if before is None:
        return 0
    line = text.source_line(result, at)
    return int(line is not None and line in text.lines(snapshot.base, at.path))


def _annotation(result: Result, finding: Finding) -> str:
    at = finding.location
    rule = result.rules.get(finding.code)
    properties = {"file": at.path}
    if at.line:
        properties |= {
            "line": str(at.line),
            "endLine": str(at.line),
            "col": str(at.column),
            "endColumn": str(at.end_column),
        }
    properties["title"] = f"{finding.code} {rule.title if rule else ''}".strip()
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    message = f"{finding.message}\ndo: {finding.remedy}"
    return f"::{finding.severity} {listed}::{_data(message)}"


def _data(value: str) -> str:
    lines = (text.clean(line) for line in value.split("\n"))
    return "\n".join(lines).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(text.clean(value)).replace(":", "%3A").replace(",", "%2C")
