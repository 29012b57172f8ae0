"""The command line.

Options are read by hand, because importing a parser of options would cost a clean commit more than
reading them. Every answer is an exit code: 0 clean, 1 findings, 2 wrong use or broken
configuration, 3 cannot decide, which is never a pass.
"""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from ai_program.checking import Result
    from ai_program.program import Program
    from ai_program.snapshot import Staged

CLEAN, FINDINGS, MISUSE, UNDECIDED = range(4)

USAGE = """\
usage: ai-program check [options]        judge the programme
       ai-program rules [--format json]  every rule: severity per tier, stage, what holds
       ai-program explain CODE           why a rule exists and how to satisfy it
       ai-program open [--format json]   what people still owe before a promotion
       ai-program readiness              what three teams have shown, and what is missing
       ai-program close --sprint NAME    close a sprint whose review says what it taught
       ai-program trace ID [--format text|json|mermaid]
                                         what a dataset, feature, model, KPI or release rests on
       ai-program report [--output FILE] [--today DAY]
                                         the programme on one page of HTML (build/report.html)
       ai-program pin [REV]              move the pins of this repository to a revision
       ai-program plan|regenerate|abort|status   merge other answers, or a newer template
       ai-program --version

options of check:
  --stage commit|push|schedule   which rules run (default: commit)
  --base REV --head REV          judge what the head changed since their merge base
                                 (default at commit: the index against HEAD)
  --select CODE[,CODE…]          run these rules only
  --format text|json|github|sarif|markdown
                                 how to report (default: text, one line if nothing blocks a commit)
  --output FILE                  write the report to a file, whole or not at all
  --today YYYY-MM-DD             the day to judge by (default: today, UTC)
  --no-cache                     do not believe an earlier clean run

exit codes: 0 clean, 1 findings, 2 wrong use, 3 cannot decide (never a pass)
"""

_CHECK: dict[str, tuple[str, ...] | None] = {
    "--stage": ("commit", "push", "schedule"),
    "--base": None,
    "--head": None,
    "--select": None,
    "--format": ("text", "json", "github", "sarif", "markdown"),
    "--output": None,
    "--today": None,
    "--no-cache": (),
}


class _WrongUse(Exception):  # noqa: N818 - said to a person
    """The command line makes no sense."""


def main() -> NoReturn:
    """Be the program: run the command of the command line and exit with its code.

    A short life needs no collection of garbage and no tidy end; both would cost a tenth of it.
    """
    gc.disable()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _command(list(arguments))
    except _WrongUse as error:
        return _say(f"{error}; `ai-program --help` lists what there is", MISUSE)
    except Exception as error:
        from ai_program import paths, snapshot

        if isinstance(error, snapshot.Misuse | paths.BrokenInstallationError):
            return _say(str(error), MISUSE)
        if isinstance(error, snapshot.CannotDecide):
            return _say(f"cannot decide: {error}", UNDECIDED)
        if isinstance(error, MemoryError):
            return _say(
                "cannot decide: what is committed needs more memory than there is", UNDECIDED
            )
        if os.environ.get("AI_PROGRAM_DEVELOPMENT"):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return _say(f"cannot decide: the engine broke: {reason}", UNDECIDED)


def _command(arguments: list[str]) -> int:
    command, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if command in {"-h", "--help", "help"} or "--help" in rest:
        sys.stdout.write(USAGE)
        return CLEAN
    if command == "check":
        return _check(_options(rest, _CHECK))
    if command == "--version":
        import ai_program

        sys.stdout.write(f"ai-program {ai_program.__version__}\n")
        return CLEAN
    if command == "explain":
        return _explain(rest)
    if command == "rules":
        return _rules(_options(rest, {"--format": ("text", "json")}))
    if command == "trace":
        name = rest.pop(0) if rest and not rest[0].startswith("-") else None
        options = _options(rest, {"--format": ("text", "json", "mermaid")})
        if not name:
            raise _WrongUse("trace takes the id of one thing first")
        return _trace(name, options.get("--format", "text"))
    if command == "open":
        return _open(_options(rest, {"--format": ("text", "json")}))
    if command == "report":
        return _page(_options(rest, {"--output": None, "--today": None}))
    if command == "readiness":
        return _readiness(_options(rest, {}))
    if command == "close":
        return _close(_options(rest, {"--sprint": None, "--today": None}))
    if command == "pin":
        from ai_program import pins

        return pins.main(rest)
    if command in {"plan", "regenerate", "abort", "status"}:
        from ai_program.regeneration import commands

        return commands.main(command, rest)
    raise _WrongUse(f"there is no command {command!r}")


def _options(arguments: list[str], known: dict[str, tuple[str, ...] | None]) -> dict[str, str]:
    """Read ``--name value`` and ``--name=value``; an option without choices takes no value."""
    options: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name not in known:
            raise _WrongUse(f"{name!r} is no option of this command")
        choices = known[name]
        if choices == ():
            if equals:
                raise _WrongUse(f"{name} takes no value")
        elif not equals:
            if not rest:
                raise _WrongUse(f"{name} needs a value")
            value = rest.pop(0)
        if choices and value not in choices:
            raise _WrongUse(f"{name} is one of {', '.join(choices)}, not {value!r}")
        if name in options and name != "--select":
            raise _WrongUse(f"{name} stands here twice")
        options[name] = f"{options[name]},{value}" if name in options else value
    return options


def _check(options: dict[str, str]) -> int:
    stage = options.get("--stage", "commit")
    base, head = options.get("--base"), options.get("--head")
    if head is not None and base is None and stage == "commit":
        raise _WrongUse("--head needs --base")
    today = _today(options.get("--today"))
    # Only the plain question of the hook is answered from memory, and never in CI.
    plain = stage == "commit" and not _in_ci() and not options.keys() - {"--stage", "--today"}
    state = ""
    staged = None
    if plain:
        from ai_program import clean, snapshot

        staged = snapshot.Staged(snapshot.Git())
        state = clean.state(staged, today)
        said = clean.said(state)
        if said is not None:
            sys.stdout.write(said)
            return CLEAN
    program = _program(stage, today, base, head, staged)

    from ai_program import checking

    select = tuple(filter(None, options.get("--select", "").split(",")))
    result = checking.check(program, select=select)
    _report(result, options)
    if state and not result.errors and program.snapshot.follows:
        clean.remember(state, _passed(result))
    return FINDINGS if result.errors else CLEAN


def _program(
    stage: str,
    today: str,
    base: str | None = None,
    head: str | None = None,
    staged: Staged | None = None,
) -> Program:
    from ai_program import snapshot
    from ai_program.program import Baseline, Program

    git = staged.git if staged else snapshot.Git()
    taken = snapshot.take(
        git, stage=stage, today=today, base=base, head=head, ci=_in_ci(), staged=staged
    )
    return Program(taken, Baseline())


def _today(given: str | None) -> str:
    if given is None:
        import time

        return time.strftime("%Y-%m-%d", time.gmtime())
    from datetime import date

    try:
        if date.fromisoformat(given).isoformat() == given:
            return given
    except ValueError:
        pass
    raise _WrongUse(f"--today is a day, YYYY-MM-DD, not {given!r}")


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def _report(result: Result, options: dict[str, str]) -> None:
    form = options.get("--format")
    output = options.get("--output")
    if form is None and output is None and not result.errors:
        sys.stdout.write(_passed(result))
        return
    report = _rendered(result, form or "text", to_file=output is not None)
    if output is None:
        sys.stdout.write(report)
        return
    from ai_program.reporters import text

    _write(output, report)
    sys.stdout.write(text.summary(result) + "\n")


def _passed(result: Result) -> str:
    """Return what is said when nothing blocks: at commit one line at most, else one line."""
    if not result.findings and result.program.snapshot.stage == "commit":
        return ""
    from ai_program.reporters import text

    return text.brief(result) if result.findings else text.summary(result) + "\n"


def _write(output: str, report: str) -> None:
    """Write a file that nobody ever sees half of; what is no file (a pipe) is written as it is."""
    from ai_program.snapshot import Misuse

    target = os.path.realpath(output)
    whole = os.path.isfile(target) or not os.path.exists(target)  # noqa: PTH110, PTH113
    written = f"{target}.{os.getpid()}.part" if whole else target
    try:
        try:
            with open(  # noqa: PTH123
                written, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
            ) as file:
                file.write(report)
            if whole:
                os.replace(written, target)  # noqa: PTH105
        except BaseException:
            if whole and os.path.exists(written):  # noqa: PTH110
                os.unlink(written)  # noqa: PTH108
            raise
    except OSError as error:
        raise Misuse(f"cannot write {output}: {error.strerror}") from None


def _rendered(result: Result, form: str, *, to_file: bool) -> str:
    if form == "json":
        from ai_program.reporters import json

        return json.render(result)
    if form == "sarif":
        from ai_program.reporters import sarif

        return sarif.render(result)
    if form == "markdown":
        from ai_program.reporters import markdown

        return markdown.render(result)
    if form == "github":
        from ai_program.reporters import github

        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            from ai_program.reporters import markdown

            with open(summary, "a", encoding="utf-8") as file:  # noqa: PTH123
                file.write(markdown.render(result))
        return github.render(result, fence=os.urandom(16).hex())
    from ai_program.reporters import text

    colour = not to_file and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return text.render(result, colour=colour)


def _rules(options: dict[str, str]) -> int:
    from ai_program.program import Baseline
    from ai_program.reporters import catalogue

    render = catalogue.as_json if options.get("--format") == "json" else catalogue.as_text
    sys.stdout.write(render(Baseline().rules.values()))
    return CLEAN


def _explain(arguments: list[str]) -> int:
    from ai_program.program import TIERS, Baseline
    from ai_program.snapshot import Misuse

    if len(arguments) != 1:
        raise _WrongUse("explain takes the code of one rule")
    rules = Baseline().rules
    rule = rules.get(arguments[0].upper())
    if rule is None:
        raise Misuse(f"there is no rule {arguments[0]}; the rules are {', '.join(rules)}")
    import textwrap

    severities = [f"{tier} {rule.severity[tier]}" for tier in TIERS]
    waivable = "a dated exception can waive it" if rule.waivable else "nothing can waive it"
    sys.stdout.write(f"{rule.code}  {rule.title}\n\n")
    for paragraph in (rule.why, f"do: {rule.do}"):
        sys.stdout.write(textwrap.fill(" ".join(paragraph.split()), 88) + "\n\n")
    sys.stdout.write(f"severity: {', '.join(severities)}\n")
    sys.stdout.write(f"runs at: {', '.join(rule.when)}; {waivable}\n")
    for name, identifiers in rule.controls.items():
        if identifiers:
            listed = identifiers if isinstance(identifiers, str) else ", ".join(identifiers)
            sys.stdout.write(f"maps to {name}: {listed}\n")
    return CLEAN


def _trace(name: str, form: str) -> int:
    from ai_program import tracing

    found = tracing.trace(_program("commit", _today(None)).head, name)
    if form == "json":
        report = found.as_json()
    else:
        report = found.as_mermaid() if form == "mermaid" else found.as_text()
    sys.stdout.write(report)
    # A chain with a hole in it is not one to lean on.
    return FINDINGS if found.missing else CLEAN


def _page(options: dict[str, str]) -> int:
    from ai_program import dashboard

    output = options.get("--output", "build/report.html")
    page = dashboard.render(_program("commit", _today(options.get("--today"))))
    folder = os.path.dirname(os.path.realpath(output))  # noqa: PTH120
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    _write(output, page)
    sys.stdout.write(f"{output}\n")
    return CLEAN


def _open(options: dict[str, str]) -> int:
    from ai_program.owed import owed

    program = _program("commit", _today(None))
    items = owed(program.head, program.baseline)
    if options.get("--format") == "json":
        import json

        listed = [
            {
                "path": item.location.path, "line": item.location.line, "name": item.name,
                "owner": item.owner, "due": item.due, "note": item.note,
            }
            for item in items
        ]  # fmt: skip
        sys.stdout.write(json.dumps({"version": 1, "open": listed}, indent=2) + "\n")
        return CLEAN
    from ai_program.reporters.text import clean, place

    for item in items:
        late = " (late)" if item.due and item.due < program.snapshot.today else ""
        sys.stdout.write(f"{clean(item.due)}{late}  {clean(item.owner)}  {place(item.location)}\n")
        sys.stdout.write(f"  {clean(item.name)}: {clean(item.note)}\n")
    count = f"{len(items)} open" if items else "nothing is open"
    sys.stdout.write(f"{count}\n")
    return CLEAN


def _readiness(_: dict[str, str]) -> int:
    from ai_program import readiness
    from ai_program.reporters.text import clean

    program = _program("commit", _today(None))
    if program.head.readiness is None:
        sys.stdout.write(f"sprints/readiness.yaml is not there; tier {program.tier} needs none\n")
        return CLEAN
    answers = readiness.review(program)
    for line in readiness.as_text(answers):
        sys.stdout.write(f"{clean(line)}\n")
    return FINDINGS if any(each.missing for each in answers) else CLEAN


def _close(options: dict[str, str]) -> int:
    from pathlib import Path

    from ai_program import closing

    sprint = options.get("--sprint")
    if not sprint:
        raise _WrongUse("close takes the sprint: --sprint NAME")
    written = closing.close(Path(), sprint, _today(options.get("--today")))
    sys.stdout.write("".join(f"written: {path}\n" for path in written))
    sys.stdout.write(f"{sprint} is closed. Next: git add --all && git commit\n")
    return CLEAN


def _say(text: str, code: int) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"ai-program: {text.rstrip()}\n")
    return code
