"""Adopting a table: what the data shows is proposed, what it means is asked."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from datetime import datetime
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from ai_program import digests

from {{ cookiecutter.package_name }} import settings
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.other import adopt

ROOT = Path(__file__).resolve().parents[2]
HEADER = "Order No,Placed at,Distance (km),Express,Courier,Minutes"


@pytest.fixture
def repository(tmp_path) -> settings.Settings:
    """Return a copy of this repository's governed files that has adopted nothing yet."""
    for folder in ("contracts", "features", "policies", ".ai-program"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    found = settings.load(tmp_path)
    data = found.evaluation["data"] | {"path": None}
    return dataclasses.replace(found, evaluation=found.evaluation | {"data": data})


def lines(rows: int = 400) -> list[str]:
    draw = random.Random(7)  # noqa: S311
    time = datetime(2025, 1, 1, 6)
    found = [HEADER]
    for number in range(rows):
        time += timedelta(hours=draw.randint(1, 3))
        distance = "" if number % 50 == 0 else draw.randint(1, 30)
        express = str(draw.random() < 0.3).lower()
        minutes = "" if number > rows - 5 else draw.randint(10, 90)
        found.append(f"A{number:04d},{time},{distance},{express},c{number % 9},{minutes}")
    return found


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "deliveries.csv"
    path.write_text("\n".join(lines()) + "\n")
    return path


def run(repository: settings.Settings, file: Path, **changed) -> list[str]:
    options = {"target": "minutes", "time": None, "keys": [], "without": [], "harmless": []}
    return adopt.adopt(repository, file, **(options | changed))


def everything(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_what_the_data_shows_is_proposed(repository, file) -> None:
    written = run(repository, file)
    assert all((repository.root / path).is_file() for path in written)
    made = settings.load(repository.root)
    fields = {each["name"]: each for each in made.contract["schema"][0]["properties"]}
    assert {name: each["physicalType"] for name, each in fields.items()} == {
        "order_no": "VARCHAR",
        "placed_at": "TIMESTAMP",
        "distance_km": "BIGINT",
        "express": "BOOLEAN",
        "courier": "VARCHAR",
        "minutes": "BIGINT",
    }
    assert fields["order_no"]["primaryKey"]
    assert [fields[name]["required"] for name in ("placed_at", "distance_km")] == [True, False]
    features = {each["name"]: each for each in made.features["features"]}
    assert list(features) == [
        "distance_km",
        "express",
        "placed_at_weekday",
        "placed_at_hour",
        "minutes_before",
    ]
    assert features["distance_km"]["nulls"] == "allowed"
    assert made.keys == ["order_no"]


def test_training_lies_before_the_test_and_the_bytes_are_on_record(repository, file) -> None:
    run(repository, file)
    made = settings.load(repository.root)
    data = made.evaluation["data"]
    assert data["train_until"] < data["test_from"] < data["test_until"]
    assert data["digest"] == digests.of_bytes(made.data.read_bytes())
    assert "status" not in data
    rows = json.loads((made.root / made.evaluation["golden"]["path"]).read_text())["rows"]
    assert len(rows) == adopt.GOLDEN
    assert set(rows[0]) == {"order_no", "minutes"}


def test_values_stay_as_they_stood(repository, file) -> None:
    """Names are made fit for a contract; what stands below them is not touched."""
    run(repository, file, without=["courier"])
    copied = (repository.root / "data/observations.csv").read_text().splitlines()
    assert copied[0] == "order_no,placed_at,distance_km,express,minutes"
    assert copied[1:3] == [
        ",".join(part for place, part in enumerate(line.split(",")) if place != 4)
        for line in lines()[1:3]
    ]


def test_comments_and_all_other_lines_of_the_policy_stay(repository, file) -> None:
    path = repository.root / "policies/evaluation.yaml"
    before = path.read_text().splitlines()
    run(repository, file)
    after = path.read_text().splitlines()
    assert set(before) - set(after) <= {
        line for line in before if line.startswith("  ") and not line.lstrip().startswith("#")
    }


def test_the_same_file_is_adopted_to_the_same_bytes(repository, file, tmp_path) -> None:
    run(repository, file)
    first = everything(repository.root)
    run(repository, file)
    assert everything(repository.root) == first


@pytest.mark.parametrize(
    ("change", "options", "reason"),
    [
        (lambda rows: rows[:50], {}, "has 49 rows"),
        (lambda rows: [], {}, "has 0 rows"),
        (lambda rows: rows, {"target": "hours"}, "there is no column hours; there are order_no"),
        (lambda rows: rows, {"target": "courier"}, "courier is VARCHAR: it has to be a number"),
        (lambda rows: rows, {"time": "courier"}, r"name it with --time.*courier is VARCHAR"),
        (lambda rows: rows, {"keys": ["courier"]}, "courier does not give it: --key"),
        (lambda rows: rows, {"without": ["order_no", "placed_at"]}, "name it with --time"),
        (lambda rows: rows, {"without": ["nothing"]}, "there is no column nothing"),
        (
            lambda rows: [row.rpartition(",")[0] + ",7" for row in rows[1:]],
            {"target": "column_7"},
            "there is no column column_7|one value only",
        ),
    ],
)
def test_what_cannot_be_adopted_is_refused_and_changes_nothing(
    repository, file, change, options, reason
) -> None:
    file.write_text("\n".join(change(lines())) + "\n")
    before = everything(repository.root)
    with pytest.raises(RefusedError, match=reason):
        run(repository, file, **options)
    assert everything(repository.root) == before


def test_what_is_no_table_is_refused(repository, tmp_path) -> None:
    path = tmp_path / "picture.csv"
    path.write_bytes(bytes(range(256)) * 50)
    with pytest.raises(RefusedError, match=r"cannot be read as CSV|fewest|there is no column"):
        run(repository, path)
    with pytest.raises(RefusedError, match="is no file"):
        run(repository, tmp_path / "gone.csv")


@pytest.mark.parametrize(
    ("header", "value", "reason"),
    [
        ("Contact", "c@example.org", "contact: 400 of its values are e-mail addresses"),
        ("Customer Name", "Ada", 'customer_name: its name has "customer" in it'),
        ("birth-date", "1990-01-01", 'birth_date: its name has "birth" in it'),
    ],
)
def test_a_person_decides_about_columns_that_may_tell_of_a_person(
    repository, file, header, value, reason
) -> None:
    head, *rows = lines()
    file.write_text("\n".join([f"{head},{header}", *(f"{row},{value}" for row in rows)]) + "\n")
    before = everything(repository.root)
    with pytest.raises(RefusedError, match=reason):
        run(repository, file)
    assert everything(repository.root) == before
    name = reason.partition(":")[0]
    run(repository, file, harmless=[name])
    properties = settings.load(repository.root).contract["schema"][0]["properties"]
    assert name in [each["name"] for each in properties]


def test_data_is_adopted_once(repository, file) -> None:
    run(repository, file)
    with pytest.raises(RefusedError, match=r"data/observations.csv is the data already"):
        run(settings.load(repository.root), file)


def test_names_are_made_fit_and_stay_apart(repository, file) -> None:
    head, *rows = lines()
    for old, new in (("Distance (km)", "Größe"), ("Courier", "GROSSE!"), ("Express", "2nd")):
        head = head.replace(old, new)
    file.write_text("\n".join([head, *rows]) + "\n")
    run(repository, file)
    text = (repository.root / "contracts/observations.odcs.yaml").read_text()
    names = [each["name"] for each in yaml.safe_load(text)["schema"][0]["properties"]]
    assert names == ["order_no", "placed_at", "grosse", "column_2nd", "grosse_2", "minutes"]
