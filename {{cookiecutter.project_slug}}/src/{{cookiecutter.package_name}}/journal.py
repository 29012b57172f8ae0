"""Journals: append-only records below ``var/``, one JSON object on each line.

Each writer has a file of its own, named by its first day, so that writers never mix their lines. A
record is handed to the operating system before `append` returns: it outlives the process, whatever
kills that. A failure of the machine itself may cost the last seconds.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from .errors import RefusedError


def now() -> str:
    """Return the time in UTC, to the millisecond; such times sort as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Journal:
    """One writer of a journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer = uuid4().hex[:12]
        self._day = ""
        self._file = -1
        self._lock = threading.Lock()

    def append(self, records: Iterable[dict[str, Any]]) -> None:
        """Write records, all of them or none; OSError if that is not possible."""
        data = b"".join(
            json.dumps(record, allow_nan=False, ensure_ascii=False).encode() + b"\n"
            for record in records
        )
        with self._lock:
            self._open(now()[:10])
            begin = os.lseek(self._file, 0, os.SEEK_END)
            try:
                if os.write(self._file, data) != len(data):
                    raise OSError("the journal could not be written: the disk is full")
            except OSError:
                os.ftruncate(self._file, begin)  # half a record would be no record
                raise

    def close(self) -> None:
        """Close the file; the next record opens it again."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file, self._day = -1, ""

    def _open(self, day: str) -> None:
        """Begin a file with each day, so that whole files can be deleted when their time is up."""
        if day == self._day:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{day}-{self._writer}.jsonl"
        new = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._day = new, day


def read(folder: Path, since: str = "") -> Iterator[dict[str, Any]]:
    """Yield all records from the day ``since`` (YYYY-MM-DD) on, file by file.

    The end of a file that has no line end was cut off by a kill: nobody got an answer from it.
    """
    for path in sorted(folder.glob("*.jsonl")):
        if path.name[:10] < since:
            continue
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    yield json.loads(line)
                except ValueError:
                    raise RefusedError(f"{path}:{number} is damaged: it holds no record") from None


def oldest(days: int) -> str:
    """Return the first day that is kept, YYYY-MM-DD, where so many days are."""
    return (date.fromisoformat(now()[:10]) - timedelta(days=days)).isoformat()


def expire(folder: Path, days: int) -> list[Path]:
    """Delete the files whose last record is older than so many days; return them."""
    first = oldest(days)
    expired = [path for path in sorted(folder.glob("*.jsonl")) if path.name[:10] < first]
    for path in expired:
        path.unlink()
    return expired
