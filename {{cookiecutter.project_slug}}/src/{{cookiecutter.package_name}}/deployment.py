"""Deployment: manifests name the release in force, so that merging its record rolls it out.

Promotion and rollback write the annotation of each workload in the commit of the record, and leave
the rest of a manifest alone; rule AIP304 compares it with the release in force.
"""

from __future__ import annotations

from ai_program import deployed

from .settings import Settings

FOLDER = "deploy"


def naming(settings: Settings, digest: str) -> dict[str, bytes]:
    """Return the manifests that name another release than this one, with this one in its place."""
    found = {}
    for file in sorted((settings.root / FOLDER).rglob("*")):
        if file.suffix not in (".yaml", ".yml", ".json") or not file.is_file():
            continue
        text = file.read_bytes().decode("utf-8", errors="surrogateescape")
        named = deployed.manifest_with(text, digest)
        if named != text:
            path = file.relative_to(settings.root).as_posix()
            found[path] = named.encode("utf-8", errors="surrogateescape")
    return found
