"""For code scanning: the findings in SARIF 2.1.0, with every rule of the catalogue.

Waived results are left out: somebody answered for them, and a list of alerts is no place to ask
again. Fingerprints are the uploader's: it makes them from the lines, which outlive a message.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import ai_program
from ai_program.reporters.text import clean

if TYPE_CHECKING:
    from ai_program.catalogue import Rule
    from ai_program.checking import Result
    from ai_program.findings import Finding, Location

VERSION = "2.1.0"
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
# SARIF needs a file for each result; a finding about the repository stands at the file that any
# governed repository has.
_REPOSITORY = "policies/program.yaml"


def render(result: Result) -> str:
    """Return the report as one SARIF log with one run."""
    indices = {code: index for index, code in enumerate(result.rules)}
    snapshot = result.program.snapshot
    run = {
        "tool": {
            "driver": {
                "name": "ai-program",
                "semanticVersion": ai_program.__version__,
                "rules": [_rule(rule, result.program.tier) for rule in result.rules.values()],
            }
        },
        "automationDetails": {"id": f"ai-program/{snapshot.stage}/"},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, indices, snapshot.base.commit)
            for finding in result.findings
            if finding.waived_by is None
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": VERSION, "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule, tier: str) -> dict[str, object]:
    severity = rule.severity[tier]
    return {
        "id": rule.code,
        "shortDescription": {"text": _quoted(rule.title)},
        "fullDescription": {"text": _quoted(rule.why)},
        "help": {"text": _quoted(rule.do)},
        "defaultConfiguration": (
            {"enabled": False} if severity == "off" else {"enabled": True, "level": severity}
        ),
        "properties": {"tags": [rule.family]},
    }


def _result(finding: Finding, indices: dict[str, int], base: str | None) -> dict[str, object]:
    result: dict[str, object] = {"ruleId": finding.code}
    if finding.code in indices:
        result["ruleIndex"] = indices[finding.code]
    result |= {
        "level": finding.severity,
        "message": {"text": f"{_quoted(finding.message)}\ndo: {_quoted(finding.remedy)}"},
        "locations": [_location(finding.location)],
    }
    if finding.related:
        result["relatedLocations"] = [
            {**_location(at), "message": {"text": _quoted(_note(note, base))}}
            for at, note in finding.related
        ]
    return result


def _note(note: str, base: str | None) -> str:
    return f"{note} at {base[:7]}" if base and note.startswith("base") else note


def _location(location: Location) -> dict[str, object]:
    path = (location.path or _REPOSITORY).encode("utf-8", "surrogateescape")
    physical: dict[str, object] = {
        "artifactLocation": {"uri": quote(path), "uriBaseId": _ROOT},
    }
    if location.line:
        region = {"startLine": location.line}
        if location.column:
            region["startColumn"] = location.column
            region["endColumn"] = max(location.end_column, location.column)
        physical["region"] = region
    return {"physicalLocation": physical}


def _quoted(value: str) -> str:
    """Return text that a viewer takes for neither placeholders nor links.

    SARIF doubles braces. It has no way to say that a bracket is only a bracket, so what would be
    a link gets a space.
    """
    text = clean(value)
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")
