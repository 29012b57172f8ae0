"""The rule pages: made from the catalogue and the cases, so that they say what the rules do.

Run from a checkout: ``python -m ai_program.rulepages`` says which pages are stale, with ``--write``
it writes them. The example of a page is the first case that the rule's tests refuse, and its mended
form is what that case replaced.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ai_program import paths
from ai_program.program import Baseline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_program.catalogue import Rule

FAMILIES = {
    "foundation": "Foundation: the programme's documents can be read, agree, and name real people",
    "data": "Data: what contracts promise, and what neither models nor git may see",
    "evaluation": "Evaluation: what a model has to show, and that nobody lowers the bar unseen",
    "release": "Release: what comes into force, on whose word, and how to get back",
    "operation": "Operation: what happens when it goes wrong",
    "decisions": "Decisions: who agreed to what, and for how long",
    "sprints": "Sprints: work that leads to what was promised",
    "integrity": "Integrity: nobody switches the rules off unseen",
}
FRAMEWORKS = {
    "nist_ai_rmf_1_0": "NIST AI RMF 1.0",
    "iso_42001": "ISO/IEC 42001:2023",
    "eu_ai_act": "EU AI Act",
    "ml_test_score": "ML Test Score",
}
STAGES = {
    "commit": "at every commit, and everywhere later",
    "push": "at every push and pull request, and in the scheduled run",
    "schedule": "in the scheduled run",
}
LANGUAGES = {
    "json": "json",
    "md": "markdown",
    "py": "python",
    "toml": "toml",
    "yaml": "yaml",
    "yml": "yaml",
}
MADE = "<!-- Made by `python -m ai_program.rulepages --write` from policies/ and tests/rules/. -->"


def pages(baseline: Baseline, cases: Path) -> dict[str, str]:
    """Return every page by its file name."""
    rules = baseline.rules.values()
    made = {f"{rule.code}.md": _page(rule, _example(cases / f"{rule.code}.yaml")) for rule in rules}
    made["README.md"] = _index(baseline)
    return made


def _page(rule: Rule, example: list[str]) -> str:
    lines = [
        f"# {rule.code}: {rule.title}",
        "",
        MADE,
        "",
        rule.why,
        "",
        "## What to do",
        "",
        f"{_sentence(rule.do)}",
        "",
        *example,
        "## When and how hard",
        "",
        f"- It runs {_when(rule)}.",
        f"- {_severity(rule)}",
        f"- {_waiving(rule)}",
        "",
        "## Maps to",
        "",
        *(
            f"- {name}: {', '.join(_place(one, framework) for one in rule.controls[framework])}"
            for framework, name in FRAMEWORKS.items()
            if rule.controls.get(framework)
        ),
        "",
        "A mapping shows whoever audits where to look; it does not say that a control is met.",
    ]
    return "\n".join(lines) + "\n"


def _place(control: str, framework: str) -> str:
    article = framework == "eu_ai_act" and control[0].isdigit()
    return f"Art. {control}" if article else control


def _when(rule: Rule) -> str:
    first = next(stage for stage in STAGES if stage in rule.when)
    return STAGES[first]


def _severity(rule: Rule) -> str:
    by: dict[str, list[str]] = {}
    for tier, severity in rule.severity.items():
        by.setdefault(severity, []).append(tier)
    words = {"error": "An error", "warning": "A warning", "off": "Off"}
    return (
        "; ".join(
            f"{words[severity]} in every tier"
            if len(by) == 1
            else f"{words[severity]} in the {_and(tiers)} {'tier' if len(tiers) == 1 else 'tiers'}"
            for severity, tiers in by.items()
        )
        + "."
    )


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if words[1:] else words[0]


def _waiving(rule: Rule) -> str:
    if rule.waivable:
        return (
            "A dated exception under `decisions/exceptions/` can waive it, once it is on the base."
        )
    return "No exception can waive it."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


# --- examples ----------------------------------------------------------------------------------


def _example(path: Path) -> list[str]:
    """Return the section with a refused and a mended state, nothing without a case."""
    case = _case(path)
    if case is None:
        return []
    finding = case["expect"][0]
    refused, mended = [], []
    for name, edit in _edits(case):
        bad, good = _states(name, edit)
        refused += bad
        mended += good
    span = finding.get("span", "")
    place = f" `{span}`" if span and "\n" not in span else ""
    return [
        "## Example",
        "",
        f"Refused: {case['name']}.",
        "",
        *refused,
        f"> {finding['path']}{place}: {finding['message']}",
        "",
        "Mended:",
        "",
        *mended,
    ]


def _case(path: Path) -> dict[str, Any] | None:
    """Choose the case that shows most in least: the first one that only replaces text."""
    if not path.is_file():
        return None
    cases = yaml.safe_load(path.read_bytes()).get("invalid") or []
    refused = [case for case in cases if case["expect"] and case.get("edit")]
    plain = [case for case in refused if all("replace" in edit for _, edit in _edits(case))]
    return next(iter(plain or refused), None)


def _edits(case: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    steps = case["edit"]
    for step in steps if isinstance(steps, list) else [steps]:
        for path, edits in step.items():
            for edit in edits if isinstance(edits, list) else [edits]:
                yield path, edit


def _states(path: str, edit: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return how an edit reads in the refused and in the mended state."""
    gone = [f"`{path}` without it.", ""]
    if path == "evidence":
        lies = {key: value for key, value in edit.items() if isinstance(value, dict)}
        written = [f"The pipeline's `{name}` writes evidence." for name in list(edit)[:1]]
        claims = _block("", _yaml(lies), "yaml")[2:] if lies else [""]
        return [*written, *(["It is made to say:", ""] if lies else []), *claims], [
            "The evidence as the pipeline writes it.",
            "",
        ]
    if "replace" in edit or "pattern" in edit:
        refused, mended = edit["with"], edit.get("replace", edit.get("pattern", ""))
        lacks = [f"`{path}` lacks what stands below.", ""]
        return _block(path, refused) if refused.strip() else lacks, _block(path, mended)
    if "write" in edit or "append" in edit:
        text = edit.get("write", edit.get("append", "")) + edit.get("rows", "")
        return _block(path, text) if text.strip() else [f"`{path}` is empty.", ""], gone
    if "delete" in edit:
        return [f"`{path}` is deleted.", ""], [f"`{path}` is there.", ""]
    if "move" in edit:
        return [f"`{path}` becomes `{edit['move']}`.", ""], [f"`{path}` stays where it is.", ""]
    if "decision" in edit:
        return _block(path, _yaml(edit["decision"]), "yaml"), [f"`{path}`, complete.", ""]
    return _block(path, _yaml(edit), "yaml"), gone


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def _block(path: str, text: str, language: str = "") -> list[str]:
    """Return a snippet of a file, indented as little as its lines allow."""
    lines = text.strip("\n").split("\n")
    depths = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    if not language and len(depths) > 1 and depths[0] == 0:
        # The text begins inside of its first line: show that at the depth of the next one.
        depths[0] = depths[1]
        lines[0] = " " * depths[1] + lines[0]
    shift = min(depths)
    return [
        f"`{path}`:",
        "",
        f"```{language or LANGUAGES.get(path.rpartition('.')[2], 'text')}",
        *(line[shift:].rstrip() for line in lines),
        "```",
        "",
    ]


# --- index -------------------------------------------------------------------------------------


def _index(baseline: Baseline) -> str:
    lines = [
        "# The rules",
        "",
        MADE,
        "",
        "Each rule has a code; `ai-program explain CODE` prints what its page says. An error",
        "blocks, a warning is said, and which it is depends on the programme's risk tier.",
        "",
        "The pages name the controls that a rule maps to; `policies/controls.yaml` says to which",
        "version an identifier belongs, and since when it applies.",
        "",
    ]
    for family, meaning in FAMILIES.items():
        rules = [rule for rule in baseline.rules.values() if rule.family == family]
        if not rules:
            continue
        tiers = list(baseline.tiers["order"])
        lines += [
            f"## {meaning}",
            "",
            f"| code | holds that | {' | '.join(tiers)} | can be waived |",
            f"|---|---|{'---|' * len(tiers)}---|",
            *(
                f"| [{rule.code}]({rule.code}.md) | {rule.title} | "
                f"{' | '.join(rule.severity[tier] for tier in tiers)} | "
                f"{'yes' if rule.waivable else 'no'} |"
                for rule in rules
            ),
            "",
        ]
    return "\n".join(lines).rstrip("\n") + "\n"


def stale(directory: Path, made: dict[str, str]) -> list[str]:
    """Return the names of the pages that differ, are missing, or belong to no rule."""
    there = {path.name for path in directory.glob("*.md")}
    different = {
        name
        for name, text in made.items()
        if name not in there or (directory / name).read_text(encoding="utf-8") != text
    }
    return sorted(different | (there - set(made)))


def main(arguments: list[str]) -> int:
    """Write the pages, or say which ones are stale."""
    project = Path(paths.root()).parent
    directory = project / "docs" / "rules"
    made = pages(Baseline(), project / "tests" / "rules")
    names = stale(directory, made)
    if arguments == ["--write"]:
        directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            if name in made:
                (directory / name).write_text(made[name], encoding="utf-8")
            else:
                (directory / name).unlink()
        return 0
    if names:
        print("stale:", ", ".join(names), "- run python -m ai_program.rulepages --write")
    return 1 if names else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
