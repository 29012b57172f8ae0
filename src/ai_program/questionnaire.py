"""Makes what is made from the questions: cookiecutter.json, the answers' schema, docs/workshop.md.

``python -m ai_program.workshop --write`` writes them; a test holds them equal to the data. Single
choices become cookiecutter's choices, structured answers its JSON dicts with the default ``{}``,
because cookiecutter merges dicts and a default that is not empty could never be taken back.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ai_program import answers, workshop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

GUARD = "__guard"
CHECKED = "__checked"

#: Keys of cookiecutter.json that are the template's own and nobody's to answer.
PRIVATE_KEYS = frozenset(
    {"_extensions", "_new_lines", "_copy_without_render", GUARD, CHECKED, "__prompts__"}
)


def cookiecutter_json() -> dict[str, Any]:
    """Return the variables of the template, in the order in which cookiecutter treats them.

    The guard comes first: it can't be compiled without our extension, and a list within a list
    can't be replaced by a configuration file. So switching the extension off stops cookiecutter
    before it renders any answer.
    """
    variables: dict[str, Any] = {
        "_extensions": ["local_extensions.Workshop"],
        "_new_lines": "\n",
        "_copy_without_render": workshop.load("layout.yaml")["verbatim"],
        GUARD: [["{{ '' | md }}"]],
    }
    for key, question in workshop.questions().items():
        variables[key] = _default(key, question)
    variables[CHECKED] = {"answers": "{{ cookiecutter | checked }}"}
    variables["__prompts__"] = {
        key: _prompt(question) for key, question in workshop.questions().items()
    }
    return variables


def _default(key: str, question: dict[str, Any]) -> object:
    if question["type"] == "choice":
        return list(question["choices"])
    if question["type"] == "map":
        return {}
    if question["type"] == "boolean":
        return question["default"]
    if question["default"] in {"use_case", "today", "next_monday"}:
        return f"{{{{ cookiecutter | default_of('{key}') }}}}"
    return str(question["default"])


def _prompt(question: dict[str, Any]) -> object:
    text = question["question"]
    if question["type"] == "choice":
        return {"__prompt__": text, **question["choices"]}
    if question["type"] == "map":
        return f"{text} (JSON; Enter takes what the use case brings)"
    if question["type"] == "limit":
        return f"{text} (none, or a metric and its limit)"
    if question.get("optional"):
        return f"{text} (may be empty)"
    return text


# The schema ---------------------------------------------------------------------------------------


def schema() -> dict[str, Any]:
    """Return the JSON Schema of workshop.yaml: for editors, and a first check of its form."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/ai-program/ai-program/schemas/workshop.schema.json",
        "title": "The answers of the workshop",
        "description": "A configuration file of cookiecutter: the answers, and their sprint.",
        "type": "object",
        "required": ["default_context", "ai_program"],
        "additionalProperties": False,
        "properties": {
            "default_context": {
                "description": "The answers, by question.",
                "type": "object",
                "required": list(workshop.questions()),
                "additionalProperties": False,
                "properties": {
                    key: _property(question) for key, question in workshop.questions().items()
                },
            },
            "ai_program": {
                "description": "Which form the answers have, and for which sprint they were given.",
                "type": "object",
                "required": ["schema_version", "sprint"],
                "additionalProperties": False,
                "properties": {
                    "schema_version": {"const": 1},
                    "sprint": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
                },
            },
        },
    }


_FIELD: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": answers.MAX_TEXT},
    "number": {"type": ["number", "string"]},
    "date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    "person": {"type": "string", "maxLength": 400},
    "map": {"type": "object"},
}
_MAP: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-z][a-z0-9]*([_-][a-z0-9]+)*$"},
    "maxProperties": answers.MAX_ENTRIES,
}


def _property(question: dict[str, Any]) -> dict[str, Any]:
    described = {
        "title": question["question"],
        "description": f"{question['help']} Must hold: {question['must_hold']}.",
    }
    kind = question["type"]
    if kind == "text":
        return {**described, "type": "string", "minLength": 1, "maxLength": question["max_length"]}
    if kind == "choice":
        return {**described, "enum": list(question["choices"])}
    if kind == "boolean":
        return {**described, "type": "boolean"}
    if kind == "number":
        return {
            **described,
            "type": "integer",
            "minimum": question["minimum"],
            "maximum": question["maximum"],
        }
    if kind == "sprint":
        return {**described, "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}/[2-6]w$"}
    if kind == "map":
        return {**described, **_MAP, "additionalProperties": _entry(question)}
    return {**described, **_FIELD.get(kind, {"type": "string"})}


def _entry(question: dict[str, Any]) -> dict[str, Any]:
    if question["id"] == "security_requirements":
        return {"type": "boolean"}
    if question["id"] == "access_roles":
        roles = {"type": "array", "items": {"enum": [*workshop.ROLES, "*"]}}
        rights = {
            "type": "object",
            "required": ["read", "write"],
            "additionalProperties": False,
            "properties": {"read": roles, "write": roles},
        }
        return {
            "type": "object",
            "propertyNames": {"enum": list(workshop.ENVIRONMENTS)},
            "additionalProperties": rights,
        }
    return {
        "type": "object",
        "required": question["required"],
        "additionalProperties": False,
        "properties": {
            field: {"type": [*_types(_FIELD[kind]), "null"],
                    **{k: v for k, v in _FIELD[kind].items() if k != "type"}}
            for field, kind in question["entry"].items()
        },
    }  # fmt: skip


def _types(form: dict[str, Any]) -> list[str]:
    return form["type"] if isinstance(form["type"], list) else [form["type"]]


# The page -----------------------------------------------------------------------------------------

_INTRODUCTION = """\
<!-- Made from policies/workshop.yaml by `python -m ai_program.workshop --write`. -->
# The workshop

{minutes} minutes with the people who decide: sponsor, accountable owner, data owner, validator,
operations, and somebody who keeps the time. Each answer decides something in the repository that
is generated from it, and the hooks hold the programme to it from then on. Who can't answer a
question yet presses Enter: the default follows from the use case.

Answer at the prompts, or write the answers down and hand them over:

```console
$ cookiecutter gh:ORGANISATION/ai-program
$ cookiecutter gh:ORGANISATION/ai-program --no-input --config-file demand-forecast.workshop.yaml
```

Complete answers to start from are in [examples/](../examples/).

- **Refused**: nothing is written, one message lists every problem, and the answers are kept in
  `workshop.rejected.yaml` for another try.
- **Draft**: a programme that nobody has screened for banned practices, or whose people are still
  the placeholders, is generated, trains and evaluates, and can't be promoted. `--no-input` alone
  gives one.
- A person is a handle, an e-mail address, or both: `@ada ada@example.org`.
- A map (KPIs, sources, access, security, guardrails) is written as YAML in a file and as JSON at
  the prompt. Left empty it is the use case's own set; otherwise it is the whole set.
  The prompts ask for maps after everything else.
- Answers can be given in the command too (`sponsor=@ada`). A choice that does not exist is then
  stopped by cookiecutter itself, with its own message; in a file or at a prompt, by ours.
- `suggested` follows from the use case and from the other answers. The generated `workshop.yaml`
  says what it became.

"""

_REFUSALS = """\
## What is refused

- a practice that Art. 5(1) of the EU AI Act bans;
- a tier below the floor that the answers imply (`policies/tiers.yaml` says which implies what);
- an accountable owner who is also the validator;
- special categories of personal data as a feature, or without the six recorded safeguards;
- personal data without a legal basis;
- acts with a legal effect that can't be undone and that nobody reviews before;
- a protected trait taken off the list of banned features;
- a security requirement of the tier switched off, or a wildcard that may write to production;
- a target that does not beat its baseline;
- guardrails without the comparisons that the use case needs, or with a limit that is not finite;
- a choice or a question that does not exist, an answer that stands twice;
- template syntax, control characters and parts of a path in an answer.

"""


def page() -> str:
    """Return the page that describes the workshop."""
    return "".join(_page())


def _page() -> Iterator[str]:
    sections = workshop.load("workshop.yaml")["sections"]
    yield _INTRODUCTION.format(minutes=sum(section["minutes"] for section in sections))
    number = 0
    for letter, section in zip("ABCDEFGHIJ", sections, strict=False):
        yield f"## {letter}. {section['title']} ({section['minutes']} minutes)\n\n"
        for key, question in workshop.questions().items():
            if question["section"] == section["id"]:
                number += 1
                yield from _described(number, key, question)
    yield _REFUSALS
    yield "## What each use case brings\n\n"
    yield "| use case | tier | needs | tier up when | pipeline |\n|---|---|---|---|---|\n"
    for use_case in workshop.use_cases():
        profile = workshop.profile(use_case)
        yield (
            f"| `{use_case}` | {profile['tier']} | {', '.join(profile['needs'])} | "
            f"{profile['tier_up_when']} | {'yes' if profile['pipeline'] else 'to come'} |\n"
        )


def _described(number: int, key: str, question: dict[str, Any]) -> Iterator[str]:
    yield f"### {number}. {question['question']}\n\n`{key}`. {question['help']}\n\n"
    if question["type"] == "choice":
        yield from (f"- `{choice}`: {text}\n" for choice, text in question["choices"].items())
        yield "\n"
    if question["type"] == "limit":
        yield from (
            f"- `{metric}`: {form['title']} ({form['better']} is better)\n"
            for metric, form in question["metrics"].items()
        )
        yield "\n"
    default = {"use_case": "what the use case brings", "today": "today",
               "next_monday": "the Monday after the workshop, for four weeks"}.get(
        question["default"], f"`{json.dumps(question['default'])}`")  # fmt: skip
    lands = ", ".join(
        f"`{place}`" if "/" in place or "." in place else place for place in question["lands_in"]
    )
    yield f"Default: {default}. Must hold: {question['must_hold']}. Lands in: {lands}.\n\n"


# Writing ------------------------------------------------------------------------------------------


def made(root: Path) -> dict[Path, str]:
    """Return every file that is made from the questions, with its text."""
    return {
        root / "cookiecutter.json": _json(cookiecutter_json()),
        root / "policies" / "schemas" / "workshop.schema.json": _json(schema()),
        root / "docs" / "workshop.md": page(),
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or say which of them differ from the questions."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given not in ([], ["--write"]):
        sys.stderr.write("usage: python -m ai_program.workshop [--write]\n")
        return 2
    stale = 0
    for path, text in made(Path(__file__).resolve().parents[2]).items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if given:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        stale += 1
        sys.stdout.write(f"{'written' if given else 'differs'}: {path}\n")
    return 0 if given else min(stale, 1)
