"""Writing evidence: each file whole or not at all, and the one that counts last."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path


def expire(paths: Iterable[Path], oldest: str) -> list[Path]:
    """Delete those of these files that were written before a day, YYYY-MM-DD; return them."""
    expired = [
        path
        for path in paths
        if path.is_file()
        and datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat() < oldest
    ]
    for path in expired:
        path.unlink()
    return expired


def write(root: Path, contents: dict[str, bytes]) -> None:
    """Write files in their order; each appears complete, with its name, or not at all.

    All are written beside their places first, so that a full disk or a missing right stops this
    before anything has changed.
    """
    halves: list[tuple[Path, Path]] = []
    try:
        for path, data in contents.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            half = target.with_name(f".{target.name}.half")
            halves.append((half, target))
            half.write_bytes(data)
        for half, target in halves:
            half.replace(target)
    finally:
        for half, _ in halves:
            half.unlink(missing_ok=True)
