"""Releases on record: what is in force, what came before, and what each record says."""

from __future__ import annotations

from typing import Any

from ai_program import evidence

from .errors import RefusedError
from .settings import Settings, read


def active(settings: Settings) -> dict[str, Any] | None:
    """Return the record in force, None if nothing was ever released."""
    if not (settings.root / evidence.ACTIVE).is_file():
        return None
    return read(settings.root, read(settings.root, evidence.ACTIVE)["release"])


def in_force(settings: Settings) -> dict[str, str] | None:
    """Return version, digest and record of what is in force, as a report names its champion."""
    record = active(settings)
    if record is None:
        return None
    _, version, digest = evidence.released(record)
    release = evidence.release_path(record["predicate"]["sequence"])
    return {"version": version, "digest": digest, "release": release}


def records(settings: Settings) -> list[dict[str, Any]]:
    """Return all records in their order, or refuse if their chain is broken."""
    paths = sorted((settings.root / evidence.RELEASES).glob("[0-9]*.json"))
    found = [(f"{evidence.RELEASES}/{path.name}", path) for path in paths]
    statements = [(name, read(settings.root, name)) for name, _ in found]
    pointer = (
        read(settings.root, evidence.ACTIVE)
        if (settings.root / evidence.ACTIVE).is_file()
        else None
    )
    for name, statement in statements:
        for keys, why in evidence.release_problems(statement):
            raise RefusedError(f"{name}: {'.'.join(map(str, keys))}: {why}")
    for name, keys, why in evidence.chain_problems(statements, pointer):
        raise RefusedError(
            f"the chain of releases is broken at {name} {'.'.join(map(str, keys))}: {why}"
        )
    return [statement for _, statement in statements]


def registry_entry(settings: Settings, version: str) -> dict[str, Any]:
    """Return the registry entry of a version."""
    return read(settings.root, f"{evidence.REGISTRY}/{version}.json")
