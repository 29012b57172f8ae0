"""Wording of the dashboard: names of files and policies as people read them."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_ABBREVIATIONS = frozenset({"auc", "ctr", "kpi", "mae", "mape", "psi", "roi"})


def words(name: object) -> str:
    """Return a name of a policy as words; what is an abbreviation looks like one."""
    parts = str(name or "").split("_")
    return " ".join(part.upper() if part in _ABBREVIATIONS else part for part in parts)


def breakable(name: object) -> Markup:
    """Return an identifier or a path that may go on in the next line between its parts."""
    return Markup("<wbr>").join(re.split(r"(?<=[/_-])|(?=[@#])", str(name or "")))


def prose(text: object) -> Markup:
    """Return a sentence: what stands in backticks is code, and a number keeps its per cent sign."""
    said = str(escape(text)).replace(" %", "\N{NO-BREAK SPACE}%")
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", said))  # noqa: S704 - it was escaped
