"""Digests: the one way in which the harness and the hook say that two things are the same.

Everything here is a pure function of bytes and JSON values. The hook recomputes what the pipeline
wrote, so both call these functions and neither has its own idea of a digest.
"""

from __future__ import annotations

import json

from ai_program.hashes import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


def canonical(value: object) -> bytes:
    r"""Return the compact JSON form over which digests are taken.

    Text is escaped to ASCII, so that a lone surrogate (JSON can say ``"\ud800"``, and git can hold
    a path that is not UTF-8) has a digest like any other text.

    Raises:
        ValueError: the value holds NaN or an infinity, which JSON does not have.
        TypeError: the value holds something that is not JSON.

    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def pretty(value: object) -> bytes:
    """Return the form in which evidence is written to a file: for people, and for ``git diff``."""
    text = json.dumps(value, sort_keys=True, indent=2, allow_nan=False, ensure_ascii=False)
    return text.encode() + b"\n"


def of_bytes(data: bytes) -> str:
    """Return the digest of a file's content."""
    return "sha256:" + sha256(data).hexdigest()


def of_value(value: object) -> str:
    """Return the digest of a JSON value, whatever the order of its keys."""
    return of_bytes(canonical(value))


def of_tree(files: Iterable[tuple[str, str]]) -> str:
    """Return the digest of a set of files, given as pairs of path and content digest."""
    return of_value(sorted([path, content] for path, content in files))


def is_digest(value: object) -> bool:
    """Tell whether the value has the form of a digest made here."""
    return (
        isinstance(value, str)
        and len(value) == 71
        and value.startswith("sha256:")
        and not value[7:].strip("0123456789abcdef")
    )


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy that carries the digest of everything else in it under ``digest``."""
    bare = {key: item for key, item in value.items() if key != "digest"}
    return {**bare, "digest": of_value(bare)}


def is_sealed(value: object) -> bool:
    """Tell whether the value is an object that carries the digest of its own content."""
    if not isinstance(value, dict) or not is_digest(value.get("digest")):
        return False
    try:
        return bool(sealed(value)["digest"] == value["digest"])
    except (TypeError, ValueError, RecursionError):  # not JSON: nobody can have sealed it
        return False
