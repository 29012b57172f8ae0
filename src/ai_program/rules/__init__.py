"""The rules, by family; a module is imported when one of its rules runs."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ai_program.rules.base import Rule

# The first digit of a code names its family.
FAMILIES = {
    "0": "foundation",
    "1": "data",
    "2": "evaluation",
    "3": "release",
    "4": "operation",
    "5": "decisions",
    "6": "sprints",
    "7": "integrity",
}
# Some families fill two modules: data and its use, averages and what they hide, what runs and what
# people look at.
ELSEWHERE = {
    **dict.fromkeys(("AIP104", "AIP105", "AIP110"), "privacy"),
    **dict.fromkeys(("AIP202", "AIP204", "AIP205"), "behaviour"),
    **dict.fromkeys(("AIP406", "AIP407", "AIP408", "AIP409"), "review"),
}


def find(code: str) -> type[Rule]:
    """Return the class that checks a rule.

    Raises:
        LookupError: no module has it.

    """
    family = FAMILIES.get(code[3:4])
    if family is None:
        raise LookupError(f"no family has the rule {code}")
    module = f"ai_program.rules.{ELSEWHERE.get(code, family)}"
    __import__(module)  # importlib would have to be imported for it
    rule: type[Rule] | None = getattr(sys.modules[module], code, None)
    if rule is None:
        raise LookupError(f"{module} has no rule {code}")
    return rule
