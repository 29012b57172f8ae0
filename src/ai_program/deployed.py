"""Deployed: how a manifest says which release it runs; the pipeline writes it, AIP304 reads it."""

from __future__ import annotations

import re

# The annotation of a workload: the digest of the release record, zeros before the first one.
ANNOTATION = "ai-program/release"
NONE = f"sha256:{64 * '0'}"

_LINE = re.compile(rf'^(\s*"?{ANNOTATION}"?:\s*"?)sha256:[0-9a-f]{{64}}', re.MULTILINE)


def manifest_with(text: str, digest: str) -> str:
    """Return a manifest whose workloads name the release with this digest, and nothing else new."""
    return _LINE.sub(rf"\g<1>{digest}", text)
