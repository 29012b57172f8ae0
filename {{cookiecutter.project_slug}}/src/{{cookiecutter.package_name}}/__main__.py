"""The commands behind the sessions of the noxfile."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ai_program import evidence

from . import breaker, releases, repository, settings
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

    _model_parsers(commands)

    command = commands.add_parser("predict", help="answer what the use case asks for now")
    command.set_defaults(run=_predict)

    _serving_parsers(commands)

    command = commands.add_parser("adopt", help="make a CSV file the data of this programme")
    command.add_argument("file", type=Path, help="the CSV file; its copy is not committed")
    command.add_argument("--target", required=True, help="the column that is predicted")
    command.add_argument("--time", help="the column with the day or time (default: the first)")
    command.add_argument("--key", default="", help="the columns that name a row, apart by commas")
    command.add_argument("--without", default="", help="columns to leave out, apart by commas")
    command.add_argument("--harmless", default="",
                         help="columns that were looked at and tell of nobody")  # fmt: skip
    command.set_defaults(run=_adopt)

    command = commands.add_parser("trace", help="say what one answer came from, line by line")
    command.add_argument("keys", nargs="*", metavar="KEY", help="what names it in `predict`")
    command.set_defaults(run=_trace)

    command = commands.add_parser("monitor", help="judge what runs by policies/monitoring.yaml")
    command.add_argument("--replay", action="store_true",
                         help="let the release in force answer the test rows again")  # fmt: skip
    command.set_defaults(run=_monitor)

    command = commands.add_parser("catalogue", help="show datasets, features and models on a page")
    command.set_defaults(run=_catalogue)

    command = commands.add_parser("scale", help="measure the features as the data grows")
    command.add_argument("--times", type=int, nargs="+", default=[1, 10, 100],
                         help="how many copies of the data (default: 1 10 100)")  # fmt: skip
    command.set_defaults(run=_scale)

    command = commands.add_parser("status", help="say what is in force")
    command.set_defaults(run=_status)
    return parser


def _model_parsers(commands: Any) -> None:
    """Add the commands that make a version, put it in force, and take it back."""
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

    command = commands.add_parser("retrain", help="learn again if that is due, by the same gates")
    command.add_argument("--check", action="store_true", help="only say whether it is due")
    command.add_argument("--today", type=date.fromisoformat, help="the day to judge by")
    command.set_defaults(run=_retrain)


def _serving_parsers(commands: Any) -> None:
    """Add what has to do with answers: the service, its features, the breaker, reviews."""
    command = commands.add_parser("serve", help="answer over HTTP")
    command.add_argument("--host", default="127.0.0.1", help="where to listen (default: here)")
    command.add_argument("--port", type=int, default=8080, help="default: 8080")
    command.set_defaults(run=_serve)

    command = commands.add_parser("load", help="ask the running service from many callers")
    command.add_argument("--url", default="http://127.0.0.1:8080", help="where it listens")
    command.add_argument("--requests", type=int, default=1000, help="default: 1000")
    command.add_argument("--callers", type=int, default=4, help="at once (default: 4)")
    command.set_defaults(run=_load)

    command = commands.add_parser("features", help="publish the features that serving looks up")
    command.set_defaults(run=_features)

    command = commands.add_parser("feast", help="write the published features for Feast")
    command.set_defaults(run=_feast)

    command = commands.add_parser("trip", help="take the version in force out at once")
    command.add_argument("--reason", required=True, help="what is wrong")
    command.set_defaults(run=_trip)

    command = commands.add_parser("reset", help="let a version answer again that was taken out")
    command.add_argument("--approve", required=True, metavar="@PERSON", help="who approves")
    command.add_argument("--reason", required=True, help="why it may answer again")
    command.add_argument("--version", help="which (default: the one in force)")
    command.set_defaults(run=_reset)

    command = commands.add_parser("review", help="decide what the policy leaves to people")
    _review_parser(command)

    command = commands.add_parser("expire", help="delete decisions that were kept long enough")
    command.set_defaults(run=_expire)


def _review_parser(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="WHAT")

    command = commands.add_parser("list", help="show what waits, the earliest first")
    command.set_defaults(run=_review_list)

    command = commands.add_parser("approve", help="let a decision stand")
    command.set_defaults(run=_review_approve)
    _decides(command)

    command = commands.add_parser("override", help="put another value in its place")
    command.set_defaults(run=_review_override)
    _decides(command)
    command.add_argument("--value", required=True, type=_value, help="what holds instead")

    command = commands.add_parser("decide", help="decide without seeing what the system says")
    command.set_defaults(run=_review_override)
    _decides(command)
    command.add_argument("--value", required=True, type=_value, help="what you would decide")

    command = commands.add_parser("summary", help="write what people made of it, as evidence")
    command.add_argument("--until", help="the last day, YYYY-MM-DD (default: yesterday)")
    command.set_defaults(run=_review_summary)


def _decides(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", help="the decision, or the beginning of its id")
    command.add_argument("--reason", required=True, help="why")


def _value(text: str) -> Any:
    """Return a value of the command line: JSON if it is some, else a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


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


def _retrain(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import retraining

    due = retraining.due(found, options.today or datetime.now(UTC).date())
    if not due.reasons:
        until = f", {due.latest} at the latest" if due.latest else ""
        print(f"{due.version} need not learn again yet{until}.")
        return 0
    print("It is time to learn again:", *due.reasons, sep="\n  ")
    if options.check:
        return 0
    return _pipeline(found, argparse.Namespace(candidate=due.candidate))


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


def _adopt(found: settings.Settings, options: argparse.Namespace) -> int:
    try:
        from .other import adopt
    except ModuleNotFoundError:
        raise RefusedError(
            "this use case comes with its data: another source is connected in its contract"
        ) from None
    written = adopt.adopt(
        found,
        options.file,
        target=options.target,
        time=options.time,
        keys=[*filter(None, options.key.split(","))],
        without=[*filter(None, options.without.split(","))],
        harmless=[*filter(None, options.harmless.split(","))],
    )
    print("\n".join(adopt.said(found, written)))
    return 0


def _predict(found: settings.Settings, _: argparse.Namespace) -> int:
    from . import predict

    answerer, rows = predict.now(found)
    if answerer.why and answerer.name == found.fallback and answerer.record:
        print(f"{answerer.released} does not answer: {answerer.why}", file=sys.stderr)
    print(f"# {answerer.name}")
    print(predict.text(found, rows), end="")
    return 0


def _serve(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import service

    service.serve(found, host=options.host, port=options.port)
    return 0


def _load(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import load

    if min(options.requests, options.callers) < 1:
        raise RefusedError("there is nothing to ask: --requests and --callers are at least 1")
    measured = load.load(
        found,
        url=options.url,
        token=os.environ.get("SERVING_TOKEN", ""),
        requests=options.requests,
        callers=options.callers,
    )
    print(measured.text())
    return 1 if measured.errors else 0


def _features(found: settings.Settings, _: argparse.Namespace) -> int:
    from . import feature_store

    table = feature_store.publish(found)
    print(f"{table.manifest['rows']:,} rows of {found.features_reference}, table {table.lineage}")
    return 0


def _feast(found: settings.Settings, _: argparse.Namespace) -> int:
    from . import feast_export

    folder = feast_export.export(found)
    print(f"{folder} is written. Next, where Feast is installed: feast -c {folder} apply")
    return 0


def _scale(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import ingest, scale

    ingest.verify(found)
    by = scale.features.GROWS_BY
    print(f"The features of {found.features_reference}, from synthetic copies that differ in {by}.")
    print("Time from the start of the engine to the written Parquet file; memory of all its")
    print("processes, each at its peak.")
    print(f"{'rows':>12}  {'engine':<8}{'time':>10}{'peak memory':>13}")
    for measured in scale.measure(found, options.times):
        print(measured.line(), flush=True)
    return 0


def _trip(found: settings.Settings, options: argparse.Namespace) -> int:
    version = breaker.trip(found, by=repository.author(found.root), reason=options.reason)
    print(f"{version} is taken out, and {found.fallback} answers from the next request on.")
    print("Next: nox -s rollback, and an incident if anybody acted on a wrong answer:")
    print("      runbooks/incident.md")
    return 0


def _reset(found: settings.Settings, options: argparse.Namespace) -> int:
    version = breaker.reset(
        found,
        author=repository.author(found.root),
        approver=options.approve,
        reason=options.reason,
        version=options.version,
    )
    print(f"{version or 'Whatever is in force'} answers again from the next request on.")
    return 0


def _review_list(found: settings.Settings, _: argparse.Namespace) -> int:
    from . import review

    waiting, now = review.waiting(found), datetime.now(UTC)
    for entry in waiting:
        value = "(decide without it)" if entry.is_blind else entry.value
        late = "late" if entry.due < now else f"due {entry.due:%Y-%m-%d %H:%M}"
        print(f"{entry.trace_id}  {entry.decision_type}  {value}  {entry.role}  {late}")
        print(f"    {entry.reason}")
    print(f"{len(waiting)} wait for a decision")
    return 0


def _review_approve(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import review

    review.approve(found, options.id, by=repository.author(found.root), reason=options.reason)
    print("It stands.")
    return 0


def _review_override(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import review

    agree = review.override(
        found, options.id, by=repository.author(found.root), value=options.value,
        reason=options.reason,
    )  # fmt: skip
    print("You and the system agree." if agree else f"{options.value} holds instead.")
    return 0


def _review_summary(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import review

    path = review.summarise(found, until=options.until)
    print(f'{path} is written. Next: git add {path} && git commit -m "Summarise reviews"')
    return 0


def _expire(found: settings.Settings, _: argparse.Namespace) -> int:
    from . import calls, decisions, feature_store, files, journal, predict

    kept = int(found.privacy["retention"]["decision_log_days"])
    oldest = journal.oldest(kept)
    copies = files.expire([found.root / predict.WHOLE, *feature_store.unpublished(found)], oldest)
    deleted = [*decisions.expire(found), *calls.expire(found), *copies]
    print(
        f"{len(deleted)} files of decisions, calls, answers and features deleted; they are kept "
        f"for {kept} days"
    )
    return 0


def _trace(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import trace

    print("\n".join(trace.lines(trace.trace(found, options.keys))))
    return 0


def _monitor(found: settings.Settings, options: argparse.Namespace) -> int:
    from . import monitor

    record, done = monitor.run(found, replay=options.replay)
    source = "what the test rows would be answered" if options.replay else "the log of decisions"
    print(f"\n{source}, up to {record['until']}")
    for each in record["monitors"]:
        value = "-" if each["value"] is None else f"{each['value']:.4g}"
        said = f"{each['metric']} {value} (limit {each['limit']:g})"
        print(f"  {each['outcome']:<13} {each['monitor']:<14} {said:<32} {each['detail']}")
    print("", *done, sep="\n")
    return int(any(each["outcome"] == monitor.BREACHED for each in record["monitors"]))


def _catalogue(found: settings.Settings, _: argparse.Namespace) -> int:
    from . import catalogue

    print(f"The catalogue is {catalogue.write(found).relative_to(found.root).as_posix()}.")
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
    current = releases.in_force(found)
    opened = breaker.opened(found, current["version"]) if current else None
    print(
        f"the breaker is open ({opened}); {found.fallback} answers" if opened else "breaker closed"
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
