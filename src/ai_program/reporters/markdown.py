"""For the summary of a step and for a pull request: one table, the worst first, all of it quoted.

A finding quotes files that anybody may have written: a mention, a link or a picture in them would
otherwise act in the name of whoever posts the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_program.reporters import text

if TYPE_CHECKING:
    from ai_program.checking import Result

_ROWS = 200  # of the table
# A comment of a pull request holds 65536 characters, less than a summary does. What is left out of
# the table is counted.
_ROOM = 60_000
_CELL = 600  # characters of a cell


def render(result: Result) -> str:
    """Return the report as Markdown of GitHub's kind."""
    lines = [f"### ai-program: {text.summary(result)}", ""]
    if result.findings:
        lines += ["| rule | where | what | do |", "|---|---|---|---|"]
    order = sorted(result.findings, key=lambda f: (bool(f.waived_by), f.severity != "error"))
    room = _ROOM
    shown = 0
    for finding in order[:_ROWS]:
        by = f" by {_quoted(finding.waived_by)}" if finding.waived_by else ""
        kind = f"waived{by}" if by else finding.severity
        cells = (
            text.place(finding.location),
            finding.message,
            finding.remedy,
        )
        row = " | ".join((f"| {finding.code} {kind}", *map(_quoted, cells))) + " |"
        room -= len(row) + 1
        if room < 0:
            break
        lines.append(row)
        shown += 1
    if shown < len(order):
        lines.append(f"\n+{len(order) - shown} more")
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """Return a span of code: the one place where GitHub sees no link, mention, picture or HTML.

    An entity would not do: mentions and addresses are looked for after entities are decoded.
    """
    value = text.clean(value if len(value) <= _CELL else value[: _CELL - 1] + "…")
    fence = "`"
    while fence in value:
        fence += "`"
    room = " " if value.startswith(("`", " ")) or value.endswith(("`", " ")) else ""
    # A table is cut into cells before a cell is read, so a bar needs its backslash here too.
    return f"{fence}{room}{value}{room}{fence}".replace("|", "\\|") if value else ""
