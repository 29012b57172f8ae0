"""Evidence: what the pipeline writes down, and how anyone can see that it is true.

Six kinds of file, each built here and checked here, so that the pipeline and the hook cannot
disagree about them:

- a *report* (``evidence/evaluations/``) says how a model did against the gates of its day. It
  embeds the gates, and it is bound by digests to the files that it judged. It holds no clock.
- a *registry entry* (``models/registry/``) says how to make a model version again.
- a *release record* (``evidence/releases/``) says what came into force, when, by whom. It is an
  in-toto statement; each names the digest of the one before, and ``active.json`` names the last.
- a *drill record* (``evidence/drills/``) says how long it took to take a release back.
- a *review summary* (``evidence/reviews/``) says what people made of what they reviewed.
- an *observation* (``evidence/observations/``) says what each monitor said on one day.

Builders return JSON objects. Checks yield problems: the keys of the value that is wrong, and why.
The schemas hold the forms; the checks here hold what a schema cannot say.
"""

from __future__ import annotations

import itertools
import re

from ai_program import digests, verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    Keys = tuple[str | int, ...]
    Problem = tuple[Keys, str]

SCHEMA_VERSION = 1

REPORTS = "evidence/evaluations"
RELEASES = "evidence/releases"
ACTUALS = "evidence/kpis"
DRILLS = "evidence/drills"
BOMS = "evidence/boms"
REVIEWS = "evidence/reviews"
OBSERVATIONS = "evidence/observations"
REGISTRY = "models/registry"
ACTIVE = f"{RELEASES}/active.json"

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
RELEASE_TYPE = "https://github.com/ai-program/ai-program/release/v1"


# Bindings: which files a report judged.


def matches(path: str, pattern: str) -> bool:
    """Tell whether a path belongs to a pattern: a path itself, or ``folder/**``."""
    if pattern.endswith("/**"):
        return path.startswith(pattern[:-2])
    return path == pattern


def bind(files: Iterable[tuple[str, bytes]], groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the tree digest of each group of files, given every tracked path with its content."""
    members: dict[str, list[tuple[str, str]]] = {name: [] for name in groups}
    for path, content in files:
        for name, patterns in groups.items():
            if any(matches(path, pattern) for pattern in patterns):
                members[name].append((path, digests.of_bytes(content)))
    return {name: digests.of_tree(found) for name, found in members.items()}


def data_digest(sources: Sequence[tuple[str, str]]) -> str:
    """Return the digest of the evaluation data, given each source's path and content digest.

    One source has the digest of its file; several have that of the set.
    """
    return sources[0][1] if len(sources) == 1 else digests.of_tree(sources)


def topology(files: Iterable[tuple[str, bytes]], patterns: Sequence[str]) -> str:
    """Return the digest of how models are deployed, given every tracked path with its content.

    Which release a manifest names is no part of it: that changes with each release.
    """
    masked = ((path, re.sub(rb"sha256:[0-9a-f]{64}", b"sha256:", data)) for path, data in files)
    return bind(masked, {"topology": patterns})["topology"]


# Reports.


def version_name(candidate: str, artifact: str) -> str:
    """Return the name of a model version: what kind of model, and the start of its digest."""
    return f"{candidate.replace('_', '-')}-{artifact.removeprefix('sha256:')[:8]}"


def report(
    *,
    model: Mapping[str, Any],
    champion: Mapping[str, Any] | None,
    bindings: Mapping[str, str],
    code: Mapping[str, Any],
    statistics: Mapping[str, Any],
    gates: Sequence[Mapping[str, Any]],
    measurements: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return a report with its outcomes and verdict, sealed."""
    judgement = verdict.judge(gates, measurements, champion=champion is not None)
    return digests.sealed(
        {
            "schema_version": SCHEMA_VERSION,
            "verdict_scheme": verdict.SCHEME,
            "model": dict(model),
            "champion": None if champion is None else dict(champion),
            "bindings": dict(bindings),
            "code": dict(code),
            "statistics": dict(statistics),
            "gates": [dict(gate) for gate in gates],
            "measurements": [dict(each) for each in measurements],
            "outcomes": judgement.outcomes,
            "verdict": judgement.verdict,
        }
    )


def report_problems(found: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what contradicts itself in a report; its verdict is computed again."""
    if found.get("verdict_scheme") != verdict.SCHEME:
        yield ("verdict_scheme",), f"the scheme is not {verdict.SCHEME}, so nothing can be judged"
        return
    judgement = verdict.judge(
        found.get("gates") or (),
        found.get("measurements") or (),
        champion=found.get("champion") is not None,
    )
    if found.get("verdict") != judgement.verdict:
        yield ("verdict",), f"it says {found.get('verdict')}, its numbers say {judgement.verdict}"
    if found.get("outcomes") != judgement.outcomes:
        yield _first_difference(found.get("outcomes"), judgement.outcomes)
    model = found.get("model")
    if isinstance(model, dict) and model.get("version") != version_name(
        str(model.get("candidate")), str(model.get("digest"))
    ):
        yield ("model", "version"), "the version does not name its candidate and digest"
    if not digests.is_sealed(found):
        yield ("digest",), "the digest is not that of the report"


def _first_difference(stored: object, computed: list[dict[str, str]]) -> Problem:
    """Say which outcome is not what the numbers say."""
    if isinstance(stored, list):
        for index, (old, new) in enumerate(zip(stored, computed, strict=False)):
            if old != new:
                return ("outcomes", index), f"{new['gate']}: the numbers say {new['outcome']}"
    return ("outcomes",), f"there are {len(computed)} gates and not as many outcomes"


# Model cards.

CARD_BEGIN, CARD_END = "<!-- metrics:begin -->", "<!-- metrics:end -->"


def card_with(card: str, found: Mapping[str, Any]) -> str:
    """Return a model card with the numbers of this report between its markers."""
    before, begin, rest = card.partition(CARD_BEGIN)
    _, end, after = rest.partition(CARD_END)
    return f"{before}{begin}\n{card_block(found)}{end}{after}" if end else card


def card_block(found: Mapping[str, Any]) -> str:
    """Return the numbers of a report as the model card shows them."""
    confidence = f"{found['statistics']['confidence']:.0%}"
    lines = [
        f"Version `{found['model']['version']}`, verdict **{found['verdict']}**:",
        "",
        f"| measured | on | value | {confidence} interval | rows |",
        "|---|---|---|---|---|",
    ]
    for each in found["measurements"]:
        against = f" against {each['compare_with']}" if each["compare_with"] else ""
        interval = f"{each['low']:.4g} to {each['high']:.4g}"
        lines.append(
            f"| {each['metric']}{against} | {each['slice'] or 'all rows'} | {each['value']:.4g} "
            f"| {interval if each['low'] != each['high'] else ''} | {each['n']} |"
        )
    return "\n".join(lines) + "\n"


# The registry.


def registry_entry(
    *,
    model: str,
    version: str,
    candidate: str,
    artifact: Mapping[str, Any],
    training_data: Sequence[Mapping[str, Any]],
    features: Mapping[str, Any],
    code: Mapping[str, Any],
    seed: int,
    packages: Sequence[str],
    command: str,
    kpis: Sequence[str],
    owner: str,
    evaluation: Mapping[str, Any],
    golden: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the entry of one model version, sealed: all that is needed to make it again."""
    return digests.sealed(
        {
            "schema_version": SCHEMA_VERSION,
            "model": model,
            "version": version,
            "candidate": candidate,
            "artifact": dict(artifact),
            "training_data": [dict(each) for each in training_data],
            "features": dict(features),
            "code": dict(code),
            "seed": seed,
            "environment": environment(packages),
            "command": command,
            "kpis": list(kpis),
            "owner": owner,
            "evaluation": dict(evaluation),
            "golden": [dict(each) for each in golden],
        }
    )


def environment(packages: Iterable[str]) -> dict[str, Any]:
    """Return the installed packages (``name==version``, no addresses) and their digest."""
    listed = sorted(set(packages))
    return {"digest": digests.of_value(listed), "packages": listed}


def registry_problems(found: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what contradicts itself in a registry entry."""
    artifact, packages = found.get("artifact"), found.get("environment")
    if isinstance(artifact, dict) and found.get("version") != version_name(
        str(found.get("candidate")), str(artifact.get("digest"))
    ):
        yield ("version",), "the version does not name its candidate and digest"
    if isinstance(packages, dict) and packages != _environment_of(packages.get("packages")):
        yield ("environment", "digest"), "the digest is not that of the sorted list of packages"
    if not digests.is_sealed(found):
        yield ("digest",), "the digest is not that of the entry"


def _environment_of(packages: object) -> dict[str, Any] | None:
    if isinstance(packages, list) and all(isinstance(each, str) for each in packages):
        return environment(packages)
    return None


# Release records.


def release_path(sequence: int) -> str:
    """Return where the record of this number stands."""
    return f"{RELEASES}/{sequence:04d}.json"


def release_statement(
    *, model: str, version: str, artifact: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a release record; the digest in its predicate covers subject and predicate."""
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [
            {
                "name": f"{model}/{version}",
                "digest": {"sha256": artifact.removeprefix("sha256:")},
            }
        ],
        "predicateType": RELEASE_TYPE,
        "predicate": {"schema_version": SCHEMA_VERSION, **predicate},
    }
    return _with_digest(statement)


def release_digest(statement: Mapping[str, Any]) -> str:
    """Return the digest of a record: of all of it except the place where its digest stands."""
    predicate = {key: item for key, item in statement["predicate"].items() if key != "digest"}
    return digests.of_value({**statement, "predicate": predicate})


def _with_digest(statement: dict[str, Any]) -> dict[str, Any]:
    predicate = {**statement["predicate"], "digest": release_digest(statement)}
    return {**statement, "predicate": predicate}


def release_problems(statement: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what contradicts itself in one release record."""
    if statement.get("_type") != STATEMENT_TYPE:
        yield ("_type",), "it is not an in-toto statement, version 1"
    if statement.get("predicateType") != RELEASE_TYPE:
        yield ("predicateType",), "it is not a release record"
    predicate = statement.get("predicate")
    if not isinstance(predicate, dict):
        yield ("predicate",), "it says nothing about the release"
        return
    try:
        sealed = predicate.get("digest") == release_digest(statement)
    except (TypeError, ValueError, RecursionError):
        sealed = False
    if not sealed:
        yield ("predicate", "digest"), "the digest is not that of the record"


def released(statement: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return model, version and artifact digest that a (valid) record put in force."""
    subject = statement["subject"][0]
    model, _, version = subject["name"].partition("/")
    return model, version, f"sha256:{subject['digest']['sha256']}"


def active(sequence: int, statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``active.json`` says when this record is in force."""
    return {
        "schema_version": SCHEMA_VERSION,
        "sequence": sequence,
        "release": release_path(sequence),
        "digest": statement["predicate"]["digest"],
        "version": released(statement)[1],
    }


def chain_problems(
    statements: Sequence[tuple[str, Mapping[str, Any]]], pointer: Mapping[str, Any] | None
) -> Iterator[tuple[str, Keys, str]]:
    """Yield path, keys and reason of each break in the chain of records.

    ``statements`` are all records with their paths, sorted by path; ``pointer`` is the content of
    ``active.json`` or None when there is none. Each record is taken to be valid by itself.
    """
    previous: str | None = None
    for sequence, (path, statement) in enumerate(statements, start=1):
        predicate = statement["predicate"]
        if path != release_path(sequence):
            yield path, (), f"record {sequence} of the chain should be {release_path(sequence)}"
        if predicate.get("sequence") != sequence:
            yield path, ("predicate", "sequence"), f"it is record {sequence} of the chain"
        if predicate.get("previous") != previous:
            yield path, ("predicate", "previous"), "it does not follow the record before it"
        previous = predicate.get("digest")
    if pointer is None:
        if statements:
            yield ACTIVE, (), "there are releases, and nothing says which is in force"
        return
    if not statements:
        yield ACTIVE, ("release",), "the release in force has no record"
        return
    for key, value in active(len(statements), statements[-1][1]).items():
        if pointer.get(key) != value:
            yield ACTIVE, (key,), f"the last record is in force, so this has to be {value}"


# Drills and reviews.


def drill_path(started_at: str, fault: str) -> str:
    """Return where the record of a drill stands: its time in UTC, and what was caused."""
    day, _, time = started_at.rstrip("Z").partition("T")
    return f"{DRILLS}/{day}-{time.replace(':', '')}-{fault}.json"


def drill(
    *,
    fault: str,
    started_at: str,
    finished_at: str,
    served: Mapping[str, Any],
    restored: Mapping[str, Any] | None,
    steps: Sequence[Mapping[str, Any]],
    breaker_tripped: bool,
    golden_match: bool | None,
    seconds_to_restore: float | None,
    limit_minutes: int,
    topology: str,
    environment: str,
    stand_ins: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the record of a drill; whether it passed follows from what happened.

    ``stand_ins`` says which of ``from`` and ``to`` were in force in the drill only.
    """
    record = {
        "schema_version": SCHEMA_VERSION,
        "fault": fault,
        "started_at": started_at,
        "finished_at": finished_at,
        "from": dict(served),
        "to": None if restored is None else dict(restored),
        "stand_ins": list(stand_ins),
        "steps": [dict(step) for step in steps],
        "breaker_tripped": breaker_tripped,
        "served_by": "fallback" if restored is None else "release",
        "golden_match": golden_match,
        "seconds_to_restore": seconds_to_restore,
        "limit_minutes": limit_minutes,
        "topology": topology,
        "environment": environment,
    }
    failed = next(drill_failures(record), None)
    return digests.sealed({**record, "outcome": "failed" if failed else "passed"})


def drill_failures(found: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield why a drill, whose record has the form of its schema, did not pass."""
    for index, step in enumerate(found["steps"]):
        if step["outcome"] != "passed":
            yield ("steps", index, "outcome"), f"{step['step']} failed"
    if not found["breaker_tripped"]:
        yield ("breaker_tripped",), "the breaker did not trip"
    if found["golden_match"] is False:
        yield ("golden_match",), "other predictions came back than the golden ones"
    seconds, minutes = found["seconds_to_restore"], found["limit_minutes"]
    if seconds is None:
        yield ("seconds_to_restore",), "no good answer came back"
    elif seconds > 60 * minutes:
        yield ("seconds_to_restore",), f"it took {seconds:g} s, {minutes} min are allowed"


def drill_problems(found: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what contradicts itself in the record of a drill that has the form of its schema."""
    if not digests.is_sealed(found):
        yield ("digest",), "the digest is not that of the record"
    failure = next(drill_failures(found), None)
    if found["outcome"] == "passed" and failure is not None:
        keys, why = failure
        yield keys, f"it is called passed, and {why}"
    seconds = _seconds(found["started_at"], found["finished_at"])
    if seconds is None or seconds < 0:
        yield ("finished_at",), "it is over before it begins"
    elif found["seconds_to_restore"] is not None and found["seconds_to_restore"] > seconds + 1:
        yield ("seconds_to_restore",), f"the whole drill took {seconds:g} s"


def _seconds(begin: str, end: str) -> float | None:
    """Return the time between two moments, None if one of them is none."""
    from datetime import datetime

    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    except ValueError:
        return None


def review_summary(
    *,
    period: tuple[str, str],
    decisions: int,
    queued: int,
    reviewed: int,
    overridden: int,
    blind: int,
    agreed: int,
    oldest_open_hours: float | None,
) -> dict[str, Any]:
    """Return what people made of what they reviewed; ``blind`` are those of the bias check."""
    return digests.sealed(
        {
            "schema_version": SCHEMA_VERSION,
            "period": {"from": period[0], "to": period[1]},
            "decisions": decisions,
            "queued": queued,
            "reviewed": reviewed,
            "overridden": overridden,
            "override_rate": _share(overridden, reviewed),
            "bias_check": {"sample": blind, "agreement": _share(agreed, blind)},
            "oldest_open_hours": oldest_open_hours,
        }
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def review_problems(found: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what contradicts itself in a summary that has the form of its schema."""
    if not digests.is_sealed(found):
        yield ("digest",), "the digest is not that of the summary"
    if found["period"]["from"] > found["period"]["to"]:
        yield ("period", "to"), "it is over before it begins"
    counted = ("decisions", "queued", "reviewed", "overridden")
    for whole, part in itertools.pairwise(counted):
        if found[part] > found[whole]:
            yield (part,), f"{found[part]} {part} of {found[whole]} {whole}"
    if found["bias_check"]["sample"] > found["reviewed"]:
        yield (
            ("bias_check", "sample"),
            f"{found['bias_check']['sample']} sampled of {found['reviewed']} reviewed",
        )
    rate = _share(found["overridden"], found["reviewed"])
    if found["override_rate"] != rate:
        yield ("override_rate",), f"{found['overridden']} of {found['reviewed']} is {rate}"
    if (found["bias_check"]["agreement"] is None) != (found["bias_check"]["sample"] == 0):
        yield (
            ("bias_check", "agreement"),
            "there is an agreement if, and only if, there is a sample",
        )


# Observations.


def observation_path(day: str) -> str:
    """Return where the record of what the monitors said on a day stands."""
    return f"{OBSERVATIONS}/{day}.json"


def observation(
    *,
    day: str,
    source: str,
    until: str,
    release: str | None,
    monitors: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what each monitor said; ``until`` is the moment to which the newest window reaches."""
    return digests.sealed(
        {
            "schema_version": SCHEMA_VERSION,
            "day": day,
            "source": source,
            "until": until,
            "release": release,
            "monitors": [dict(monitor) for monitor in monitors],
        }
    )


def observation_problems(found: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what contradicts itself in an observation that has the form of its schema."""
    if not digests.is_sealed(found):
        yield ("digest",), "the digest is not that of the observation"
    for index, each in enumerate(found["monitors"]):
        value, limit = each["value"], each["limit"]
        lower = each["direction"] == "lower"
        beyond = value is not None and (value > limit if lower else value < limit)
        if each["outcome"] == "breached" and not beyond:
            yield ("monitors", index, "outcome"), f"{value} does not break the limit of {limit}"
        elif each["outcome"] == "breached" and each["consecutive"] < each["required"]:
            yield (
                ("monitors", index, "outcome"),
                f"{each['consecutive']} windows in a row, {each['required']} make a breach",
            )
        elif each["outcome"] == "within" and value is None:
            yield ("monitors", index, "outcome"), "nothing was measured, so nothing is within"
