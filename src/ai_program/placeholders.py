"""What makes a text a placeholder: words that stand where somebody meant to write something later.

One definition for the answers of the workshop and for the rule on governed files, so that an answer
that is accepted can't make a fresh repository fail its own hook.
"""

from __future__ import annotations

import re

# Angle brackets are a placeholder where they stand alone: not array<string>, a < b, models/<id>.
_INSIDE = re.compile(
    r"\b(?:TODO|TBD|TBA|FIXME|XXX|CHANGEME)\b|(?i:\blorem ipsum\b)|\{\{|\{%|\{#|\?\?\?"
    r"|(?<![\w/=.\]-])<[A-Za-z][^<>@:/]*>(?![\w/])"
)
_WHOLE = frozenset((
    "todo", "tbd", "tba", "fixme", "xxx", "changeme", "change me", "placeholder", "fill in",
    "to be done", "to be defined", "to be determined", "to be decided", "to be filled in",
    "to be written", "your text here", "lorem", "",
))  # fmt: skip


def placeholder(text: str) -> str:
    """Return what makes a text a placeholder; "" if it is a value."""
    found = _INSIDE.search(text)
    if found:
        return found.group()
    plain = text.replace(".", "").replace("…", "").replace("?", "").strip(" -_*()[]<>").lower()
    return text.strip() if text.strip() and plain in _WHOLE else ""
