"""For programs: every finding with all its fields. The version rises when a field changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import ai_program

if TYPE_CHECKING:
    from ai_program.checking import Result
    from ai_program.findings import Finding, Location

VERSION = 1


def render(result: Result) -> str:
    """Return the report as one JSON object."""
    snapshot = result.program.snapshot
    report = {
        "version": VERSION,
        "engine": ai_program.__version__,
        "stage": snapshot.stage,
        "today": snapshot.today,
        "tier": result.program.tier,
        "base": snapshot.base.commit,
        "head": snapshot.head.commit,
        "summary": {
            "errors": result.errors,
            "warnings": result.warnings,
            "waived": result.waived,
        },
        "findings": [_finding(finding) for finding in result.findings],
    }
    return json.dumps(report, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        **_location(finding.location),
        "message": finding.message,
        "remedy": finding.remedy,
        "related": [{**_location(at), "note": note} for at, note in finding.related],
        "waived_by": finding.waived_by,
    }


def _location(location: Location) -> dict[str, object]:
    return {
        "path": location.path,
        "line": location.line,
        "column": location.column,
        "end_column": location.end_column,
    }
