"""Drifted data is caught, noise is not, and a breach leads to what the policy says."""

from __future__ import annotations

import dataclasses
import subprocess
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from ai_program import evidence

from {{ cookiecutter.package_name }} import breaker
from {{ cookiecutter.package_name }} import decisions
from {{ cookiecutter.package_name }} import distribution
from {{ cookiecutter.package_name }} import golden
from {{ cookiecutter.package_name }} import monitor
from {{ cookiecutter.package_name }} import observed
from {{ cookiecutter.package_name }} import windows
from {{ cookiecutter.package_name }}.journal import Journal
from {{ cookiecutter.package_name }}.observed import Observed
from {{ cookiecutter.package_name }}.use_case import features

NOW = pd.Timestamp("2027-01-04T00:00:00Z")
IN_FORCE = {"version": "v1", "digest": "sha256:0", "release": "evidence/releases/0001.json"}


def policy(found, kind) -> dict:
    return next(each for each in found.monitoring["monitors"] if each["kind"] == kind)


def judge(found, data, rows, source=observed.DECISIONS) -> monitor.Judge:
    """Return a judge of these rows, who knows what the release in force learned from."""
    made = monitor.Judge(found, data, Observed(source, NOW, rows), IN_FORCE)
    made.__dict__["reference"] = distribution.describe(found, data.training)
    return made


def spread(rows, over: timedelta) -> pd.DataFrame:
    """Return rows as they were observed, evenly over a stretch of time that ends now."""
    steps = np.arange(len(rows))[::-1] * (over / len(rows))
    return rows.assign(
        **{
            windows.TIME: NOW - pd.to_timedelta(steps),
            observed.VERSION: "v1",
            observed.LATENCY: 1.0,
            observed.ANSWER: 0.0,
            observed.NAME: None,
        }
    ).reset_index(drop=True)


def drawn(found, data, seed) -> pd.DataFrame:
    """Return as many rows of training as fill the windows of the drift monitor, drawn at random."""
    watched = policy(found, "data_drift")
    n = 2 * watched["min_rows"] * watched["consecutive"]
    rows = data.training[[*features.NAMES]].sample(n, replace=True, random_state=seed)
    return spread(rows, windows.length(watched["window"]) * watched["consecutive"])


@pytest.mark.parametrize("seed", range(5))
def test_a_resample_of_what_was_learned_from_is_no_drift(found, data, seed) -> None:
    said = judge(found, data, drawn(found, data, seed)).monitor(policy(found, "data_drift"))
    assert said["outcome"] == "within"
    assert said["consecutive"] == 0


def test_each_feature_that_leaves_its_range_is_drift(found, data) -> None:
    rows, watched = drawn(found, data, 1), policy(found, "data_drift")
    for name in distribution.drifting(found):
        trained = data.training[name]
        beyond = rows[name] + 2 * (trained.max() - trained.min())
        said = judge(found, data, rows.assign(**{name: beyond})).monitor(watched)
        assert said["outcome"] == "breached", name
        assert said["consecutive"] == watched["consecutive"]
        assert said["detail"].startswith(f"{name} is furthest")


def test_features_that_are_missing_are_drift(found, data) -> None:
    name = distribution.drifting(found)[0]
    rows = drawn(found, data, 1).assign(**{name: np.nan})
    said = judge(found, data, rows).monitor(policy(found, "data_drift"))
    assert said["outcome"] == "breached"


def test_the_seasons_of_training_are_no_drift(found, data) -> None:
    """Whatever window of training came in again, the model has learned from it."""
    described = distribution.describe(found, data.training)
    if any(each["usual"] is None for each in described["features"].values()):
        pytest.skip("training is too short to know its seasons")
    watched = policy(found, "data_drift")
    times = data.training[features.TIME]
    numbers = (times.max() - times) // windows.length(watched["window"])
    for number in (1, 5, 9):
        part = data.training[numbers == number]
        reading = judge(found, data, part)._distance(part, watched)
        assert not reading.beyond


def test_drift_takes_all_windows_in_a_row(found, data) -> None:
    name, watched = distribution.drifting(found)[0], policy(found, "data_drift")
    if watched["consecutive"] == 1:
        pytest.skip("one window is enough here")
    rows = drawn(found, data, 1)
    newest = rows[windows.TIME] > NOW - windows.length(watched["window"])
    said = judge(found, data, rows.assign(**{name: rows[name].mask(newest, 1e9)})).monitor(watched)
    assert (said["outcome"], said["consecutive"]) == ("within", 1)


def test_few_rows_say_nothing(found, data) -> None:
    watched = policy(found, "data_drift")
    rows = drawn(found, data, 1).tail(watched["min_rows"] - 1)
    said = judge(found, data, rows.assign(**dict.fromkeys(features.NAMES, 1e9))).monitor(watched)
    assert (said["outcome"], said["value"]) == ("inconclusive", None)
    assert f"{watched['min_rows']:,} are needed" in said["detail"]


def test_without_a_release_nothing_is_known_to_have_drifted(found, data) -> None:
    rows = drawn(found, data, 1)
    made = monitor.Judge(found, data, Observed(observed.DECISIONS, NOW, rows), None)
    assert made.monitor(policy(found, "data_drift"))["outcome"] == "inconclusive"


@pytest.mark.parametrize(("factor", "outcome"), [(0.5, "within"), (2, "breached")])
def test_latency_is_held_to_its_limit(found, data, factor, outcome) -> None:
    watched = policy(found, "latency")
    rows = drawn(found, data, 1).head(3 * watched["min_rows"])
    rows = spread(rows[[*features.NAMES]], windows.length(watched["window"]))
    rows[observed.LATENCY] = watched["limit"] * factor
    said = judge(found, data, rows).monitor(watched)
    assert (said["outcome"], said["value"]) == (outcome, watched["limit"] * factor)


@pytest.mark.parametrize(("failed", "outcome"), [(0, "within"), (1, "within"), (50, "breached")])
def test_answers_that_fail_are_held_to_their_limit(found, data, failed, outcome) -> None:
    watched = policy(found, "errors")
    n = 10 * watched["min_rows"]
    seen = observed.called(
        {"time": time.isoformat(), "failed": number < failed}
        for number, time in enumerate(pd.date_range(end=NOW, periods=n, freq="s"))
    )
    made = monitor.Judge(
        found, data, Observed(observed.DECISIONS, NOW, drawn(found, data, 1), seen), IN_FORCE
    )
    said = made.monitor(watched)
    assert (said["outcome"], said["n"]) == (outcome, n)
    assert said["value"] == pytest.approx(failed / n)


def test_a_service_that_nobody_calls_is_not_known_to_answer(found, data) -> None:
    said = judge(found, data, drawn(found, data, 1)).monitor(policy(found, "errors"))
    assert (said["outcome"], said["value"]) == ("inconclusive", None)
    assert "0 requests" in said["detail"]


def test_windows_follow_each_other_without_a_gap() -> None:
    hours = pd.DataFrame({windows.TIME: pd.date_range(end=NOW, periods=72, freq="h")})
    parts = list(windows.newest(hours, NOW, windows.length("24h"), 3))
    assert [len(part) for part in parts] == [24, 24, 24]
    assert parts[0][windows.TIME].max() == NOW
    assert not set(parts[0].index) & set(parts[1].index)


@pytest.mark.parametrize(
    ("text", "length"), [("15min", {"minutes": 15}), ("24h", {"hours": 24}), ("7d", {"days": 7})]
)
def test_the_length_of_a_window(text, length) -> None:
    assert windows.length(text) == timedelta(**length)


# From the log of decisions to the breaker.


class Sum:
    """A model that learned nothing worth mentioning."""

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return rows[list(features.NAMES)].sum(axis=1).to_numpy(dtype=float)


@pytest.fixture
def wrong(served, data, monkeypatch):
    """Settings of a repository whose release answers nonsense, and its log of decisions."""
    version = served.release(Sum())
    settings = served.settings
    watched = policy(settings, "prediction_quality")
    reach = windows.length(watched["window"]) * watched["consecutive"]
    rows = data.test.tail(2 * watched["min_rows"] * watched["consecutive"])
    times = spread(rows, reach)[windows.TIME].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    names = [dict(zip(settings.keys, n, strict=True)) for n in golden.names(rows, settings.keys)]
    # Far off, and the other way round where the answer is a yes or no.
    answers = 100 * (1 - rows[features.TARGET].to_numpy(dtype=float))
    inputs = rows[[*features.NAMES]].astype(object)
    records = [
        {
            "time": time, "model_version": version, "latency_ms": 1.0, "outcome": answer,
            "entity": name, "features": features_,
        }
        for time, answer, name, features_ in zip(
            times, answers, names, inputs.where(inputs.notna(), None).to_dict("records"),
            strict=True,
        )
    ]  # fmt: skip
    journal = Journal(decisions.folder(settings))
    journal.append(records)
    journal.close()
    monkeypatch.setattr(monitor, "now", lambda: NOW.strftime("%Y-%m-%dT%H:%M:%SZ"))
    monkeypatch.setattr(monitor.pipeline, "prepare", lambda _: data)
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "Begin"]):
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        subprocess.run(["git", *identity, *command], cwd=settings.root, check=True)
    return settings, version


def test_bad_answers_trip_the_breaker(wrong) -> None:
    settings, version = wrong
    record, done = monitor.run(settings, replay=False)
    said = {each["monitor"]: each for each in record["monitors"]}
    quality = said[policy(settings, "prediction_quality")["id"]]
    assert quality["outcome"] == "breached", quality
    assert breaker.opened(settings, version) is not None
    assert any("taken out" in line for line in done)
    path = settings.root / evidence.observation_path("2027-01-04")
    assert path.is_file()
    assert list(evidence.observation_problems(record)) == []
    assert record["source"] == "decisions"


def test_a_replay_trips_nothing(wrong) -> None:
    settings, version = wrong
    record, _ = monitor.run(settings, replay=True)
    assert record["source"] == "replay"
    assert breaker.opened(settings, version) is None
    said = {each["monitor"]: each for each in record["monitors"]}
    assert said[policy(settings, "latency")["id"]]["outcome"] == "inconclusive"


def test_another_version_is_not_blamed_for_the_answers_of_this_one(wrong, served) -> None:
    settings, _ = wrong
    version = served.release(Sum(), candidate="another")
    record, _ = monitor.run(settings, replay=False)
    said = {each["monitor"]: each for each in record["monitors"]}
    assert said[policy(settings, "prediction_quality")["id"]]["outcome"] == "inconclusive"
    assert breaker.opened(settings, version) is None


def test_two_runs_say_the_same_and_what_is_committed_stays(wrong) -> None:
    settings, _ = wrong
    first, second = (monitor.run(settings, replay=True)[0] for _ in range(2))
    assert first == second
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["add", "evidence"], ["commit", "--quiet", "-m", "Observe"]):
        subprocess.run(["git", *identity, *command], cwd=settings.root, check=True)
    path = settings.root / evidence.observation_path(first["day"])
    kept = path.read_bytes()
    _, done = monitor.run(settings, replay=False)
    assert path.read_bytes() == kept
    assert "stays as it is" in done[-1]


def test_an_answer_without_truth_is_not_judged(found, data) -> None:
    rows = spread(data.test.tail(50), timedelta(days=1))
    rows[observed.NAME] = golden.names(data.test.tail(50), found.keys)
    rows.loc[0, observed.NAME] = ("nobody",)
    known = observed.with_truth(rows, data, found)
    assert len(known) == 49
    unknown = dataclasses.replace(data, test=data.test.head(0), training=data.training.head(1))
    assert observed.with_truth(rows, unknown, found).empty
