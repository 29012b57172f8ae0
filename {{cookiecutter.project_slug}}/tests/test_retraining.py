"""Learning again: by the calendar, or because a monitor would say so."""

from __future__ import annotations

import dataclasses
import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import evaluate
from {{ cookiecutter.package_name }} import readings
from {{ cookiecutter.package_name }} import retraining

MONITOR = {"id": "MON-x", "metric": "x", "direction": "lower", "limit": 0.2, "min_rows": 100}


def observation(release: str, outcome: str, source: str = "decisions") -> dict:
    said = {"monitor": "MON-drift", "metric": "psi", "value": 0.31, "limit": 0.2}
    return {"release": release, "source": source, "monitors": [said | {"outcome": outcome}]}


@pytest.mark.parametrize(
    ("record", "is_due"),
    [
        (observation("evidence/releases/0001.json", "breached"), True),
        (observation("evidence/releases/0001.json", "within"), False),
        (observation("evidence/releases/0002.json", "breached"), False),
        (observation("evidence/releases/0001.json", "breached", "replay"), False),
    ],
)
def test_observed_drift_of_the_release_in_force_makes_it_due(
    found, tmp_path, record, is_due
) -> None:
    folder = tmp_path / "evidence/observations"
    folder.mkdir(parents=True)
    (folder / "2026-11-01.json").write_text(json.dumps(observation("", "breached")))
    (folder / "2026-11-02.json").write_text(json.dumps(record))
    copied = dataclasses.replace(found, root=tmp_path)
    said = list(retraining._observed(copied, "evidence/releases/0001.json"))
    assert bool(said) is is_due
    if said:
        assert "MON-drift read psi 0.31 (evidence/observations/2026-11-02.json)" in said[0]


def test_the_policy_says_until_when_a_version_may_answer(found) -> None:
    def latest(days: int | None) -> date | None:
        policy = found.release | {"retraining": found.release["retraining"] | {"every_days": days}}
        return retraining._latest(dataclasses.replace(found, release=policy), "2026-11-01")

    assert latest(28) == date(2026, 11, 29)
    assert latest(None) is None


@pytest.mark.parametrize(
    ("change", "value", "n", "is_broken"),
    [
        ({}, 0.2, 100, False),
        ({}, 0.21, 100, True),
        ({}, 0.21, 99, False),
        ({}, float("nan"), 100, True),
        ({"direction": "higher"}, 0.2, 100, False),
        ({"direction": "higher"}, 0.19, 100, True),
    ],
)
def test_a_limit_is_broken_beyond_it_and_on_enough_rows(change, value, n, is_broken) -> None:
    assert readings.breaks(MONITOR | change, value, n) is is_broken


def test_only_the_window_is_learned_from() -> None:
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", "2024-03-31"), "value": np.arange(91)})
    dates = {"train_until": "2024-02-29", "test_from": "2024-03-01", "test_until": "2024-03-31"}
    learned, judged = evaluate.split_by_day(days, "day", dates | {"window_days": 7})
    assert learned["day"].dt.strftime("%m-%d").tolist() == [f"02-{day}" for day in range(23, 30)]
    everything, same = evaluate.split_by_day(days, "day", dates | {"window_days": None})
    assert len(everything) == 60
    assert same.equals(judged)
