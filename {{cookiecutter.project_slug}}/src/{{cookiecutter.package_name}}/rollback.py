"""Rollback: the release before comes back into force, or the fallback when there is none.

It needs no approval and no clean tree, because it is for the worst moment. Nothing is undone: a new
record says what is in force from now on, and why.
"""

from __future__ import annotations

from typing import Any

from ai_program import evidence

from . import engine, pipeline, record, releases, repository
from .artifacts import Store
from .errors import RefusedError
from .settings import Settings, read
from .use_case import rules


def rollback(settings: Settings, *, reason: str) -> dict[str, Any]:
    """Go back one release and return the new record."""
    repository.require_commit(settings.root)
    program = engine.program(settings.root)
    author = record.known_author(settings, program)
    history = releases.records(settings)
    if not history:
        raise RefusedError("nothing was ever released, so there is nothing to go back from")
    _, version, _ = evidence.released(history[-1])
    if rules.is_rule(releases.registry_entry(settings, version)["candidate"]):
        raise RefusedError(f"{version} is in force: it is the fallback, and nothing is behind it")
    parts = {"author": author, "approvals": [], "reason": reason}
    target = history[-1]["predicate"]["rollback_target"]
    if target["kind"] == "release":
        try:
            return _to_release(settings, program, target["release"], parts)
        except _GoneError as error:
            print(f"The release before cannot come back: {error}")
            print(f"The fallback answers instead: {settings.fallback}")
    return _to_fallback(settings, program, history[-1], parts)


class _GoneError(RefusedError):
    """The release before is lost or does not fit any more."""


def _to_release(
    settings: Settings, program: Any, path: str, parts: dict[str, Any]
) -> dict[str, Any]:
    """Put an earlier release in force again; what it said then holds again."""
    before = read(settings.root, path)
    _, version, digest = evidence.released(before)
    try:
        record.require_servable(settings, Store(settings.store), version)
    except RefusedError as error:
        raise _GoneError(str(error)) from None
    said = before["predicate"]
    return record.write(
        settings,
        program,
        action="rollback",
        subject=(version, digest),
        report=read(settings.root, said["evaluation"]["path"]),
        parts={
            key: said[key]
            for key in ("data", "features", "policies", "decision", "review", "rollback_target")
        }
        | parts,
    )


def _to_fallback(
    settings: Settings, program: Any, current: dict[str, Any], parts: dict[str, Any]
) -> dict[str, Any]:
    """Put the rule without a model in force, evaluated like any model so that it has a report."""
    data = pipeline.prepare(settings)
    rule = rules.Rule(settings.fallback)
    report, artifact = pipeline.judge_and_register(
        settings, data, settings.fallback, rule, needs_champion=False
    )
    version = report["model"]["version"]
    written = (f"{evidence.REPORTS}/{version}.json", f"{evidence.REGISTRY}/{version}.json")
    back = {"kind": "fallback", "release": None, "artifact": artifact.digest, "retrieved": True}
    return record.write(
        settings,
        program,
        action="rollback",
        subject=(version, artifact.digest),
        report=report,
        parts={key: current["predicate"][key] for key in ("decision", "review")}
        | {"rollback_target": back}
        | parts,
        more={path: (settings.root / path).read_bytes() for path in written},
    )
