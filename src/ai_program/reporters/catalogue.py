"""The rules themselves, for ``ai-program rules``: a table for people, JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ai_program.catalogue import TIERS

if TYPE_CHECKING:
    from collections.abc import Collection

    from ai_program.catalogue import Rule

VERSION = 1


def as_text(rules: Collection[Rule]) -> str:
    """Return one line for each rule under a line of headings, in columns."""
    rows: list[tuple[str, ...]] = [("code", *TIERS, "runs at", "waivable", "what holds")]
    rows += [
        (
            rule.code,
            *(rule.severity[tier] for tier in TIERS),
            ", ".join(rule.when),
            "yes" if rule.waivable else "no",
            rule.title,
        )
        for rule in rules
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in rows
    )


def as_json(rules: Collection[Rule]) -> str:
    """Return the catalogue as one JSON object; the version rises when a field changes."""
    listed = [
        {
            "code": rule.code,
            "title": rule.title,
            "family": rule.family,
            "why": rule.why,
            "do": rule.do,
            "severity": rule.severity,
            "when": list(rule.when),
            "waivable": rule.waivable,
            "controls": rule.controls,
        }
        for rule in rules
    ]
    return json.dumps({"version": VERSION, "rules": listed}, indent=2, ensure_ascii=False) + "\n"
