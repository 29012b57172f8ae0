"""Records: what promotion and rollback have in common when they put something in force."""

from __future__ import annotations

from typing import Any

from ai_program import digests, evidence, exceptions
from ai_program.program import Program

from . import bom, deployment, engine, files, kpis, register, releases, repository
from .artifacts import Artifact, Store
from .errors import RefusedError
from .settings import Settings, read
from .use_case import rules


def known_author(settings: Settings, program: Program) -> str:
    """Return the address of whoever asks, who has to be declared and active."""
    author = repository.author(settings.root)
    person = program.head.person(author)
    if person is None or not person.active:
        raise RefusedError(
            f"{author} (git config user.email) belongs to nobody who is declared and active in "
            "policies/program.yaml, and a release names its author"
        )
    return author


def require_servable(settings: Settings, store: Store, version: str) -> Artifact:
    """Return a version from the store that fits today's data and answers as it always did."""
    entry = releases.registry_entry(settings, version)
    artifact = store.get(entry["artifact"]["digest"])
    today = {"contract": settings.contract_reference, "features": settings.features_reference}
    for name, reference in today.items():
        made_for = artifact.provenance[name]
        if _major(made_for) != _major(reference):
            raise RefusedError(f"{version} was made for {made_for}, and there is {reference} now")
    if not register.same_answers(artifact.model(), entry["golden"]):
        raise RefusedError(
            f"{version} does not give the golden answers that it was registered with"
        )
    return artifact


def way_back(settings: Settings, store: Store) -> dict[str, Any]:
    """Return where a rollback from the next release will lead, tried: there is always a way."""
    in_force = releases.in_force(settings)
    if in_force is None:
        rules.Rule(settings.fallback)
        return {"kind": "fallback", "release": None, "artifact": None, "retrieved": True}
    try:
        require_servable(settings, store, in_force["version"])
    except RefusedError as error:
        raise RefusedError(f"there would be no way back: {error}") from None
    return {
        "kind": "release",
        "release": in_force["release"],
        "artifact": in_force["digest"],
        "retrieved": True,
    }


def write(
    settings: Settings,
    program: Program,
    *,
    action: str,
    subject: tuple[str, str],
    report: dict[str, Any],
    parts: dict[str, Any],
    more: dict[str, bytes] | None = None,
) -> dict[str, Any]:
    """Write a record with its KPIs, and then that it is in force; return the record.

    ``more`` is what else belongs to the same commit and is written already.
    """
    statement, contents = compose(
        settings, program, action=action, subject=subject, report=report, parts=parts
    )
    recorded = {**(more or {}), **contents}
    named = deployment.naming(settings, statement["predicate"]["digest"])
    # A rollback waits for what it writes itself, and for nothing that is wrong elsewhere.
    only = recorded if action == "rollback" else None
    engine.require_lawful(settings.root, {**named, **recorded}, only=only)
    files.write(settings.root, {**named, **contents})
    _follow(settings)
    return statement


def compose(
    settings: Settings,
    program: Program,
    *,
    action: str,
    subject: tuple[str, str],
    report: dict[str, Any],
    parts: dict[str, Any],
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a record, and the files that put it in force, the one that counts last."""
    history = releases.records(settings)
    sequence = len(history) + 1
    version, digest = subject
    statement = evidence.release_statement(
        model=settings.model,
        version=version,
        artifact=digest,
        predicate={
            "sequence": sequence,
            "previous": history[-1]["predicate"]["digest"] if history else None,
            "action": action,
            "created_at": engine.now(),
            "data": {
                "contract": settings.contract_reference,
                "digest": report["bindings"]["data"],
            },
            "features": settings.features_reference,
            "policies": report["bindings"]["policies"],
            "evaluation": {
                "path": f"{evidence.REPORTS}/{version}.json",
                "digest": report["digest"],
                "verdict": report["verdict"],
            },
            "exceptions": [
                waiver.id for waiver in exceptions.of_head(program) if waiver.problem is None
            ],
            **parts,
        },
    )
    path = evidence.release_path(sequence)
    actuals = kpis.actuals(
        release=path,
        program=settings.program,
        report=report,
        records=[*history, statement],
        sprint_starts=[
            read(settings.root, file.relative_to(settings.root).as_posix())["start"]
            for file in sorted((settings.root / "sprints").glob("*/plan.yaml"))
        ],
    )
    contents = {
        path: digests.pretty(statement),
        f"{evidence.ACTUALS}/{sequence:04d}.json": digests.pretty(actuals),
    }
    if action == "promote":
        entry = releases.registry_entry(settings, version)
        artifact = Store(settings.store).get(digest)
        made_of = bom.of_release(settings, statement, report, entry, artifact)
        contents[bom.path(sequence)] = digests.pretty(made_of)
    contents[evidence.ACTIVE] = digests.pretty(evidence.active(sequence, statement))
    return statement, contents


def _follow(settings: Settings) -> None:
    """Let MLflow's alias follow. It is a mirror: a broken one must not undo a release."""
    try:
        from . import tracking

        tracking.sync(settings)
    except Exception as error:  # whatever MLflow raises
        print(f"note: MLflow does not show it yet ({error}); the record in git is what counts")


def _major(reference: str) -> tuple[str, str]:
    name, _, version = reference.partition("@")
    return name, version.partition(".")[0]
