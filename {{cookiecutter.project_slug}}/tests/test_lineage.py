"""Every stage tells what it read and wrote, as OpenLineage has it; and never stops for that."""

from __future__ import annotations

import json
import os

import pytest

from {{ cookiecutter.package_name }} import lineage
from {{ cookiecutter.package_name }} import pipeline


@pytest.fixture
def events(served, monkeypatch):
    """Let events be written, and return those that a repository has."""
    for name in [each for each in os.environ if each.startswith("OPENLINEAGE_")]:
        monkeypatch.delenv(name)  # the client adds some by itself
    lineage._client.cache_clear()
    yield lambda: [
        json.loads(line) for line in (served.root / lineage.FILE).read_text().splitlines()
    ]
    lineage._client.cache_clear()


def told(event) -> tuple[list[str], list[str]]:
    return tuple([each["name"] for each in event[side]] for side in ("inputs", "outputs"))


def test_a_stage_says_that_it_begins_and_what_it_was_made_from(served, events) -> None:
    with pipeline.stage(served.settings, "features") as line:
        line.reads("readings", "sha256:1")
        line.writes("view", "1.0.0")
    start, complete = events()
    assert [start["eventType"], complete["eventType"]] == ["START", "COMPLETE"]
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert complete["job"]["name"] == f"{served.settings.model}.features"
    assert told(start) == ([], [])
    assert told(complete) == (["readings"], ["view"])
    version = complete["inputs"][0]["facets"]["version"]
    assert version["datasetVersion"] == "sha256:1"
    assert complete["schemaURL"].startswith("https://openlineage.io/spec/2-")


def test_stages_of_one_process_belong_together(served, events) -> None:
    for name in ("ingest", "contract"):
        with pipeline.stage(served.settings, name):
            pass
    found = events()
    assert len({each["run"]["runId"] for each in found}) == 2
    assert len({each["run"]["facets"]["parent"]["run"]["runId"] for each in found}) == 1


def test_a_stage_that_stops_says_why(served, events) -> None:
    with pytest.raises(ValueError, match="no rows"), pipeline.stage(served.settings, "ingest"):
        raise ValueError("no rows")
    _, failed = events()
    assert failed["eventType"] == "FAIL"
    assert failed["run"]["facets"]["errorMessage"]["message"] == "no rows"


def test_a_catalogue_that_cannot_be_reached_stops_nothing(served, events, monkeypatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    with pipeline.stage(served.settings, "ingest") as line:
        line.result = "done"
    assert not (served.root / lineage.FILE).exists()


def test_a_place_that_cannot_be_written_stops_nothing(served, events, capsys) -> None:
    (served.root / lineage.FILE).mkdir(parents=True)
    with pipeline.stage(served.settings, "ingest"):
        pass
    assert "the lineage is not complete" in capsys.readouterr().err
