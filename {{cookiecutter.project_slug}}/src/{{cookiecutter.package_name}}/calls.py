"""Calls: how each request for predictions ended, as the monitor of failed answers reads it.

The log of decisions holds answers only. A request that got none stands here: its time, to the
second, and its status, and nothing of what was asked or by whom. A request that the service could
not have answered, because the caller sent something else, says nothing about the service.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import journal
from .settings import Settings

FIRST_ERROR_OF_A_CALLER, FIRST_ERROR_OF_OURS = 400, 500


def folder(settings: Settings) -> Path:
    """Return where the records stand."""
    return settings.root / "var" / "calls"


def record(status: int) -> dict[str, Any]:
    """Return what is kept of a request."""
    return {"time": journal.now()[:19] + "Z", "status": status}


def read(settings: Settings, since: str = "") -> Iterator[dict[str, Any]]:
    """Yield when each request came that could be answered, and whether it failed here."""
    for each in journal.read(folder(settings), since):
        if not FIRST_ERROR_OF_A_CALLER <= each["status"] < FIRST_ERROR_OF_OURS:
            yield {"time": each["time"], "failed": each["status"] >= FIRST_ERROR_OF_OURS}


def expire(settings: Settings) -> list[Path]:
    """Delete what is as old as decisions may become and return the files."""
    days = int(settings.privacy["retention"]["decision_log_days"])
    return journal.expire(folder(settings), days)
