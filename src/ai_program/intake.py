"""Between cookiecutter and the workshop: takes the answers in, refuses them in one message.

cookiecutter renders answers as templates, drops what follows a bad choice in a configuration file
with a warning, and ignores unknown keys. Its extensions are loaded before it renders anything, so
that is where the answers are examined first, as they were given (they stand in the frame of
``cookiecutter.main.cookiecutter``); those typed at the prompt are examined after the last question.
Nothing is written before both.
"""

from __future__ import annotations

import datetime as dt
import json
import shlex
import sys
from functools import lru_cache
from pathlib import Path

import yaml

from ai_program import escaping, naming, origin, workshop
from ai_program.answers import WrongAnswerError
from ai_program.examination import Examination, Problem, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType
    from typing import Any

REJECTED = "workshop.rejected.yaml"
# What a configuration file of cookiecutter may hold, besides our own block.
SECTIONS = ("default_context", "ai_program", "cookiecutters_dir", "replay_dir", "abbreviations")


class Run:
    """One run of cookiecutter: how it was called, as its own frame knows."""

    def __init__(self, frame: FrameType) -> None:
        self.frame = frame
        known = frame.f_locals
        self.template = str(known["template"])
        self.place = Path(known["repo_dir"]).resolve()
        self.checkout: str | None = known["checkout"]
        self.directory: str | None = known["directory"]
        self.no_input = bool(known["no_input"])
        self.replayed = bool(known["replay"])
        self.hooks = bool(known["accept_hooks"])
        self.output = str(known["output_dir"])
        self.replaces = bool(known["overwrite_if_exists"])
        self.config_file = known["config_file"]
        self.explicit = bool(self.config_file) or isinstance(known["default_config"], dict)
        self.config: Mapping[str, Any] = known["config_dict"]
        self.extra: Mapping[str, Any] = known["extra_context"] or {}

    def given(self) -> dict[str, Any]:
        """Return the answers as they were given, merged as cookiecutter merges them.

        A user's own ~/.cookiecutterrc serves other templates too: only our questions count there.
        """
        answers = {
            key: value
            for key, value in (self.config.get("default_context") or {}).items()
            if self.explicit or key in workshop.questions() or str(key) in _private()
        }
        return _merged(answers, self.extra)

    def again(self, path: Path) -> str:
        """Return the command that tries again with the kept answers."""
        words = ["cookiecutter", self.template]
        words += ["--checkout", self.checkout] if self.checkout else []
        words += ["--directory", self.directory] if self.directory else []
        words += ["--output-dir", self.output] if self.output not in {".", ""} else []
        words += ["--no-input"] if self.no_input else []
        return shlex.join([*words, "--config-file", path.name])


_runs: list[Run] = []  # the run in progress, at most one


def _frames(name: str) -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to see what was given
    while frame is not None:
        if frame.f_code.co_name == name and frame.f_globals.get("__name__", "").startswith(
            "cookiecutter."
        ):
            yield frame
        frame = frame.f_back


def admit(root: Path) -> None:
    """Refuse, before anything is rendered, a template or answers that can't be used.

    Called each time that cookiecutter makes an environment; outside of a run it does nothing.
    """
    frame = next(_frames("cookiecutter"), None)
    if frame is None or "config_dict" not in frame.f_locals:
        return
    if not _runs or _runs[0].frame is not frame:
        _runs[:] = [Run(frame)]
        _admit_template(_runs[0], root)
        if not _runs[0].replayed:
            _admit_given(_runs[0])
    if _runs[0].replayed and next(_frames("generate_files"), None) is not None:
        _admit_replayed(_runs[0], frame.f_locals["context"]["cookiecutter"])


def _admit_template(run: Run, root: Path) -> None:
    if run.place != root:
        _stop(
            f"The modules of the template in {root} are loaded in this process, so the one in\n"
            f"{run.place} can't be used. Run cookiecutter once per process."
        )
    if not run.hooks:
        _stop(
            "This template needs its hooks: without them the repository has no lock and no\n"
            "history. Run cookiecutter without --accept-hooks no."
        )
    try:
        _template(root)
    except origin.UnusableTemplateError as error:
        _stop(str(error))


def _admit_given(run: Run) -> None:
    """Examine what a configuration file or the command line gave.

    With --no-input nothing else will be answered, so everything is judged at once. Otherwise the
    prompts can still mend an answer, except what cookiecutter would not carry to them as given.
    """
    given = run.given()
    problems = _misread(run) + _private_keys(given)
    outcome = workshop.examine({k: v for k, v in given.items() if str(k) not in _private()})
    problems += outcome.problems
    if run.no_input:
        problems += _taken(run, outcome)
    elif all(problem.carried for problem in problems):
        return
    else:
        problems = [p for p in problems if p.question.split(".")[0] in given or not p.carried]
    if problems:
        _refuse(run, given, problems)


def _admit_replayed(run: Run, context: Mapping[str, Any]) -> None:
    """Judge a replay: its answers skip the prompts, and its derived names could be anything."""
    given = {key: context[key] for key in workshop.questions() if key in context}
    outcome = workshop.examine(given)
    problems = [*outcome.problems, *_taken(run, outcome)]
    if not problems:
        names = _names(_facts(given))
        problems = [
            Problem(key, f"{context.get(key)!r} does not follow from the answers", value)
            for key, value in names.items()
            if context.get(key) != value
        ]
    if problems:
        _refuse(run, given, problems)


def _private() -> frozenset[str]:
    """Return the keys of cookiecutter.json that are not questions: nobody's to answer."""
    from ai_program import questionnaire

    return questionnaire.PRIVATE_KEYS


def _private_keys(given: Mapping[str, Any]) -> list[Problem]:
    return [
        Problem(str(key), "is the template's own setting", "leave it out", carried=False)
        for key in given
        if str(key) in _private()
    ]


def _misread(run: Run) -> list[Problem]:
    """Find what cookiecutter reads past in a configuration file."""
    if not run.explicit:
        return []
    problems = [
        Problem(
            str(section),
            "is not a section of a configuration file",
            "answers stand below default_context:",
            carried=False,
        )
        for section in run.config
        if section not in SECTIONS
    ]
    block = run.config.get("ai_program")
    if block is not None and (not isinstance(block, dict) or block.get("schema_version") != 1):
        problems.append(
            Problem(
                "ai_program",
                "has another schema_version than this template",
                "schema_version: 1",
                carried=False,
            )
        )
    return problems + _duplicates(run.config_file)


def _duplicates(path: str | None) -> list[Problem]:
    """Find answers that a file gives twice, of which YAML takes the last without a word."""
    try:
        with Path(path or "").open(encoding="utf-8") as file:
            top = yaml.compose(file, yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return []  # cookiecutter has read it, or it was not a file
    problems = []
    stack = [top]
    seen_nodes = set()
    while stack:
        node = stack.pop()
        if id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                stack.append(value)
                if key.value in seen:
                    problems.append(
                        Problem(
                            str(key.value),
                            f"stands twice (line {key.start_mark.line + 1})",
                            "one answer",
                            carried=False,
                        )
                    )
                seen.add(str(key.value))
    return problems


def _taken(run: Run, outcome: Examination) -> list[Problem]:
    """Refuse a directory that exists while the answers can still be kept: it is the user's."""
    try:
        slug = naming.slug_of(outcome.answers["program_name"])
    except (KeyError, WrongAnswerError):
        return []
    target = Path(run.output, slug)
    if run.replaces or not target.exists():
        return []
    return [
        Problem(
            "program_name",
            f"the directory {target} exists",
            "another name, another --output-dir, or move the directory",
        )
    ]


def _merged(default: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(default)
    for key, value in extra.items():
        old = result.get(key)
        result[key] = (
            _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return result


# Filters ------------------------------------------------------------------------------------------


def default_of(answers: Mapping[str, Any], question: str) -> object:
    """Filter: the default of a question, given the answers so far."""
    return workshop.default_of(question, answers)


def checked(answers: dict[str, Any]) -> str:
    """Filter: examine all answers after the last question, and name what follows from them.

    cookiecutter renders the variable with this filter twice: before the maps are asked, when there
    is nothing to judge yet, and after them.
    """
    if any(question not in answers for question in workshop.questions()):
        return ""
    given = {key: answers[key] for key in workshop.questions()}
    outcome = workshop.examine(given)
    problems = outcome.problems + (_taken(_runs[0], outcome) if _runs else [])
    if problems:
        _refuse(_runs[0] if _runs else None, given, problems)
    answers.update(_names(_facts(given)))
    return "yes"


def programme(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Filter: the facts of the programme; see ``workshop`` for what they are."""
    facts = _facts({key: answers[key] for key in workshop.questions()})
    template = _template(Path(__file__).resolve().parents[2])
    return {
        **facts,
        "template": template,
        "engine": {
            "source": template["source"],
            "rev": template["commit"],
            "version": template["version"],
        },
    }


def _names(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that stand in paths of the template."""
    return {
        "project_slug": facts["slug"],
        "package_name": facts["package"],
        "dataset_name": facts["dataset"]["id"],
        "feature_view": facts["features"]["id"],
        "model_name": facts["model"]["name"],
    }


def _facts(given: Mapping[str, Any]) -> dict[str, Any]:
    return _cached_facts(json.dumps(given, default=str))


@lru_cache(maxsize=4)
def _cached_facts(given: str) -> dict[str, Any]:
    return workshop.resolve(json.loads(given))


@lru_cache(maxsize=2)
def _template(root: Path) -> dict[str, Any]:
    return origin.describe(root)


# Refusal ------------------------------------------------------------------------------------------


def _stop(message: str) -> None:
    from cookiecutter.exceptions import FailedHookException

    raise FailedHookException(message)


def _refuse(run: Run | None, given: Mapping[str, Any], problems: list[Problem]) -> None:
    """Stop with one message that holds every problem, and keep the answers for another try."""
    unique = list({(p.question, p.wrong): p for p in problems}.values())
    if run is None:
        raise RefusedError(unique)
    count = f"{len(unique)} problem{'s' if len(unique) > 1 else ''}"
    lines = [f"Nothing was generated: the answers of the workshop have {count}.", ""]
    for problem in unique:
        lines += [f"  {problem.question}: {problem.wrong}", f"    right: {problem.right}"]
    lines += ["", *_kept(run, given, unique)]
    _stop("\n".join(lines))


def _kept(run: Run, given: Mapping[str, Any], problems: list[Problem]) -> list[str]:
    """Keep the answers beside the user's other files, and say how to go on."""
    content = rejected(given, problems)
    for number in range(1, 1000):
        path = Path(REJECTED if number == 1 else f"workshop.rejected-{number}.yaml")
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(content)
        except FileExistsError:
            continue
        except OSError as error:
            return [
                f"Your answers could not be kept in {path.resolve()} ({error.strerror}):",
                "",
                content,
            ]
        return [
            f"Your answers are kept in {path.name}. Mend them there, then:",
            f"  {run.again(path)}",
        ]
    return [
        "Your answers could not be kept: too many rejected files are here already.",
        "",
        content,
    ]


def rejected(given: Mapping[str, Any], problems: list[Problem]) -> str:
    """Return a configuration file with the answers, each problem above the answer that has it."""
    lines = [
        "# Answers of the workshop that could not be used; each refused one says why.\n",
        "default_context:\n",
    ]
    order = [key for key in workshop.questions() if key in given]
    order += [key for key in given if key not in order and str(key) not in _private()]
    for key in order:
        lines.extend(
            f"  # refused: {problem}\n"
            for problem in problems
            if problem.question.partition(".")[0] == str(key)
        )
        try:
            lines.append(escaping.yaml_block({str(key): dated(given[key])}, 2))
        except (ValueError, TypeError, RecursionError):  # no JSON: infinite, deep, or an object
            lines.append(
                f"  {escaping.yaml_value(str(key))}: {escaping.yaml_value(repr(given[key]))}\n"
            )
    return "".join(lines)


def dated(value: object) -> object:
    """Return a value with its dates as text, as answers have them."""
    if isinstance(value, dict):
        return {str(key): dated(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [dated(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value
