"""The commands behind the sessions of the noxfile."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from ai_program import evidence

from . import releases, settings
from .errors import RefusedError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 refused."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(settings.load(), options))
    except RefusedError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("pipeline", help="train, evaluate and register a candidate")
    command.add_argument("--candidate", default=None, help="what to train (default: the first)")
    command.set_defaults(run=_pipeline)

    command = commands.add_parser("promote", help="put an evaluated version in force")
    command.add_argument("--version", help="which, if several may be promoted")
    command.add_argument("--approve", action="append", default=[], metavar="@PERSON",
                         help="who approves; several apart by spaces, or given again")  # fmt: skip
    command.add_argument("--decision", help="the decision it rests on (default: the newest)")
    command.add_argument("--reason", default="it passes every gate", help="why now")
    command.set_defaults(run=_promote)

    command = commands.add_parser("rollback", help="go back to the release before")
    command.add_argument("--reason", default="not said at the time", help="what went wrong")
    command.set_defaults(run=_rollback)

    command = commands.add_parser("drill", help="cause a fault in a copy, and go back there")
    command.add_argument("--fault", help="which (default: all, one after another)")
    command.set_defaults(run=_drill)

    command = commands.add_parser("predict", help="answer what the use case asks for now")
    command.set_defaults(run=_predict)

    command = commands.add_parser("status", help="say what is in force")
    command.set_defaults(run=_status)
    return parser


def _pipeline(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import pipeline, train

    candidate = options.candidate or train.DEFAULT
    if candidate not in train.CHOICES:
        raise RefusedError(f"there is no candidate {candidate}: {', '.join(train.CHOICES)}")
    began = time.monotonic()
    report = pipeline.run(found, candidate)
    version = report["model"]["version"]
    print(f"\n{version}: {report['verdict']} ({time.monotonic() - began:.0f} s)")
    for outcome in report["outcomes"]:
        print(f"  {outcome['outcome']:<14} {outcome['gate']:<18} {outcome['reason']}")
    print(f"\nThe report is {evidence.REPORTS}/{version}.json.")
    if report["verdict"] == "pass":
        print('Next: git add --all && git commit -m "Evaluate"')
        print("      nox -s promote -- --approve @somebody")
        return 0
    print("It cannot be promoted. The report is evidence all the same: commit it or drop it.")
    return 1


def _promote(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import promotion

    made = promotion.promote(
        found,
        version=options.version,
        approvers=" ".join(options.approve).split(),
        decision=options.decision,
        reason=options.reason,
    )
    _say(made)
    return 0


def _rollback(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import rollback

    began = time.monotonic()
    made = rollback.rollback(found, reason=options.reason)
    _say(made)
    if made["predicate"]["evaluation"]["verdict"] == "pass":
        print("Golden predictions are the same as at its release.")
    print(f"That took {time.monotonic() - began:.0f} s.")
    return 0


def _drill(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import drill, faults

    chosen = [options.fault] if options.fault else [*faults.FAULTS]
    if not set(chosen) <= set(faults.FAULTS):
        raise RefusedError(f"there is no fault {options.fault}: {', '.join(faults.FAULTS)}")
    held = drill.drill(found, chosen)
    print()
    for path, made in held.items():
        seconds, minutes = made["seconds_to_restore"], made["limit_minutes"]
        took = "no good answer" if seconds is None else f"{made['served_by']} after {seconds:g} s"
        print(f"{made['outcome']}  {took}, {minutes} min are promised: {path}")
    print('Next: git add --all && git commit -m "Hold a drill", and write its day under')
    print("      breaker.tested_on in policies/monitoring.yaml")
    return int(any(made["outcome"] == "failed" for made in held.values()))


def _predict(found: settings.Settings, _: argparse.Namespace) -> int:
    from . import predict

    name, rows = predict.now(found)
    print(f"# {name}")
    print(rows.to_csv(index=False), end="")
    return 0


def _status(found: settings.Settings, _: argparse.Namespace) -> int:
    history = releases.records(found)
    if not history:
        print(f"nothing was released yet; {found.fallback} answers")
    for each in history:
        said = each["predicate"]
        version = evidence.released(each)[1]
        mark = "in force" if each is history[-1] else ""
        print(
            f"{said['sequence']:>4}  {said['created_at']}  {said['action']:<8}  {version}  {mark}"
        )
    return 0


def _say(statement: dict[str, Any]) -> None:
    said = statement["predicate"]
    _, version, _ = evidence.released(statement)
    path = evidence.release_path(said["sequence"])
    print(f"{version} is in force: {path} ({said['action']})")
    print(f'Next: git add --all && git commit -m "{said["action"].capitalize()} {version}"')


if __name__ == "__main__":
    sys.exit(main())
