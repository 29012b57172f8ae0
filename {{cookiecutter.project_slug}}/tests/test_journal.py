"""What a journal was given is there again, whatever happened in between."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }} import journal
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.journal import Journal


def test_what_many_writers_write_at_once_is_all_there(tmp_path) -> None:
    writers = [Journal(tmp_path), Journal(tmp_path)]

    def write(number: int) -> None:
        for count in range(50):
            writers[number % 2].append([{"writer": number, "count": count, "text": "é\n" * 100}])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sorted((each["writer"], each["count"]) for each in journal.read(tmp_path))
    assert found == [(number, count) for number in range(6) for count in range(50)]


def test_a_record_that_was_cut_off_is_none_and_a_damaged_one_is_told(tmp_path) -> None:
    writer = Journal(tmp_path)
    writer.append([{"count": 1}])
    (path,) = tmp_path.iterdir()
    with path.open("ab") as file:
        file.write(b'{"count": 2')
    assert list(journal.read(tmp_path)) == [{"count": 1}]
    with path.open("ab") as file:
        file.write(b"\n")
    with pytest.raises(RefusedError, match=r"jsonl:2 is damaged"):
        list(journal.read(tmp_path))


def test_records_come_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    """A disk that takes half of what it is given."""
    writer = Journal(tmp_path)
    writer.append([{"count": 1}])
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[: len(data) // 2]))
    with pytest.raises(OSError, match="disk is full"):
        writer.append([{"count": 2}, {"count": 3}])
    monkeypatch.undo()
    writer.append([{"count": 4}])
    assert [each["count"] for each in journal.read(tmp_path)] == [1, 4]


def test_no_number_is_no_record(tmp_path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        Journal(tmp_path).append([{"count": float("nan")}])
    assert list(journal.read(tmp_path)) == []


def test_each_day_has_files_of_its_own_that_expire(tmp_path, monkeypatch) -> None:
    writer = Journal(tmp_path)
    for day in ("2026-12-30", "2026-12-31", "2027-01-01"):
        monkeypatch.setattr(journal, "now", lambda day=day: f"{day}T12:00:00.000Z")
        writer.append([{"day": day}])
    assert [each["day"] for each in journal.read(tmp_path, "2026-12-31")] == [
        "2026-12-31",
        "2027-01-01",
    ]
    assert [path.name[:10] for path in journal.expire(tmp_path, 1)] == ["2026-12-30"]
    assert [each["day"] for each in journal.read(tmp_path)] == ["2026-12-31", "2027-01-01"]


def test_a_record_is_one_line(tmp_path) -> None:
    Journal(tmp_path).append([{"text": "two\nlines\u2028and more"}])
    (path,) = tmp_path.iterdir()
    (line,) = Path(path).read_bytes().splitlines()
    assert json.loads(line)["text"] == "two\nlines\u2028and more"
