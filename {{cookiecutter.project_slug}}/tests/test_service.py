"""The service answers who may ask, what can be answered, and writes each answer down."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import pytest
from conftest import TOKEN
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies
from oracles import Broken
from oracles import Sum
from pydantic import ValidationError
from starlette.testclient import TestClient

from {{ cookiecutter.package_name }} import breaker
from {{ cookiecutter.package_name }} import calls
from {{ cookiecutter.package_name }} import decisions
from {{ cookiecutter.package_name }} import feature_schema
from {{ cookiecutter.package_name }} import gateway
from {{ cookiecutter.package_name }} import inputs
from {{ cookiecutter.package_name }} import journal
from {{ cookiecutter.package_name }} import service
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.use_case import features

ALLOWED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def client(served) -> Callable[[], TestClient]:
    """Return a function that starts the service on what is released by then."""
    return lambda: TestClient(
        service.create(served.settings, TOKEN), headers=ALLOWED, raise_server_exceptions=False
    )


def trace(served) -> list[dict]:
    return list(decisions.read(served.settings))


# Who may ask.


@pytest.mark.parametrize("token", [None, "", "short", "ü" * 40, "a secret\nwith a line" * 3])
def test_it_does_not_start_without_a_secret(served, monkeypatch, token) -> None:
    monkeypatch.delenv(service.TOKEN, raising=False)
    if token is not None:
        monkeypatch.setenv(service.TOKEN, token)
    with pytest.raises(RefusedError, match="needs a secret"):
        service.serve(served.settings, host="127.0.0.1", port=0)


@pytest.mark.parametrize(
    "shown",
    [None, "", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer ", "ü"],
)
def test_who_shows_another_token_gets_nothing(served, client, shown) -> None:
    with client() as http:
        del http.headers["Authorization"]
        headers = {} if shown is None else {"Authorization": shown.encode()}
        answer = http.post("/predict", json={"rows": [served.asked()]}, headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert http.get("/openapi.json", headers=headers).status_code == 401
        assert http.get("/nothing", headers=headers).status_code == 401
        assert trace(served) == []


def test_probes_need_no_token(client) -> None:
    with client() as http:
        del http.headers["Authorization"]
        assert [http.get(path).status_code for path in gateway.OPEN] == [200, 200, 200]


# What is answered, and by whom.


def test_the_release_in_force_answers(served, client) -> None:
    version = served.release(Sum(7))
    with client() as http:
        row = served.row()
        answer = http.post("/predict", json={"rows": [served.asked()] * 2}).json()
        assert (answer["version"], answer["served_by"]) == (version, "release")
        assert [each["value"] for each in answer["predictions"]] == [sum(row.values()) + 7] * 2


def test_each_answer_has_a_record_with_everything_that_the_policy_wants(served, client) -> None:
    version = served.release(Sum())
    key = served.settings.keys[0]
    with client() as http:
        row, about = served.row(), served.about or {key: "known"}
        answer = http.post("/predict", json={"rows": [row | about]}).json()
    (record,) = trace(served)
    wanted = served.settings.oversight["decision_trace"]["fields"]
    assert set(wanted) <= set(record) == set(decisions.FIELDS)
    assert record["record_id"] == answer["predictions"][0]["record_id"]
    assert (record["model_version"], record["release"]) == (version, "evidence/releases/0001.json")
    assert (record["features"], record["outcome"]) == (row, sum(row.values()))
    assert record["exceptions"] == ["EX-0001"]
    assert record["policy_digest"].startswith("sha256:")
    assert record["latency_ms"] > 0
    known = {*served.settings.keys} == {*about} and key not in features.NAMES
    assert record["entity"] == (about if known else None)


def test_how_a_request_ended_is_kept_without_what_it_asked(served, client, monkeypatch) -> None:
    served.release(Sum())
    body = {"rows": [served.asked()]}
    with client() as http:
        assert http.post("/predict", json=body).status_code == 200
        assert http.post("/predict", json={"rows": []}).status_code == 422
        assert http.post("/predict", json=body, headers={"Authorization": "no"}).status_code == 401
        http.get("/ready")

        def full(*_: object, **__: object) -> None:
            raise OSError("no space is left")

        monkeypatch.setattr(decisions.Log, "write", full)
        assert http.post("/predict", json=body).status_code == 503
    kept = list(journal.read(calls.folder(served.settings)))
    assert [each["status"] for each in kept] == [200, 422, 503]
    assert {key for each in kept for key in each} == {"time", "status"}
    # What the caller got wrong says nothing about the service.
    assert [each["failed"] for each in calls.read(served.settings)] == [False, True]


def test_a_request_is_answered_where_its_end_cannot_be_written_down(served, client) -> None:
    served.release(Sum())
    folder = calls.folder(served.settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way", encoding="utf-8")
    with client() as http:
        assert http.post("/predict", json={"rows": [served.asked()]}).status_code == 200
        assert 'serving_failures_total{what="call_log"}' in http.get("/metrics").text


def test_before_the_first_release_the_rule_answers(served, client) -> None:
    with client() as http:
        answer = http.post("/predict", json={"rows": [served.asked()]}).json()
        assert (answer["version"], answer["served_by"]) == (served.settings.fallback, "fallback")
        assert http.get("/ready").json()["why"] == "nothing was released yet"


def test_the_next_release_answers_without_a_new_start(served, client) -> None:
    first = served.release(Sum(1))
    with client() as http:
        body = {"rows": [served.asked()]}
        assert http.post("/predict", json=body).json()["version"] == first
        second = served.release(Sum(2))
        assert http.post("/predict", json=body).json()["version"] == second


def test_the_breaker_takes_a_version_out_and_a_rollback_brings_another(served, client) -> None:
    before = served.release(Sum(1))
    served.release(Sum(2))
    with client() as http:
        body = {"rows": [served.asked()]}
        breaker.trip(served.settings, by=breaker_monitor(served), reason="errors doubled")
        assert http.post("/predict", json=body).json()["served_by"] == "fallback"
        ready = http.get("/ready").json()
        assert (ready["breaker"], ready["served_by"]) == ("open", "fallback")
        assert "errors doubled" in ready["why"]
        assert "\nbreaker_open 1.0" in http.get("/metrics").text
        assert served.release(Sum(1)) == before
        assert http.post("/predict", json=body).json()["version"] == before
        assert "\nbreaker_open 0.0" in http.get("/metrics").text
    assert [each["served_by"] for each in trace(served)] == ["fallback", "release"]


def breaker_monitor(served) -> str:
    return served.settings.monitoring["breaker"]["trips_on"][0]


@pytest.mark.parametrize("damage", ["lost", "tampered with", "other features"])
def test_what_cannot_be_served_is_answered_for_by_the_rule(served, client, damage) -> None:
    served.release(Sum(1))
    (place,) = (served.root / "store").iterdir()
    if damage == "lost":
        (place / "model.pkl").unlink()
    elif damage == "tampered with":
        (place / "model.pkl").write_bytes(b"something else")
    else:
        view = served.settings.features
        major = int(view["version"].partition(".")[0])
        name = next(path.name for path in (served.root / "features").iterdir())
        old, new = f"version: {view['version']}", f"version: {major + 1}.0.0"
        served.rewrite(f"features/{name}", old, new)
    with client() as http:
        answer = http.post("/predict", json={"rows": [served.asked()]})
        assert (answer.status_code, answer.json()["served_by"]) == (200, "fallback")
        assert http.get("/ready").json()["why"]


@pytest.mark.parametrize("answer", [None, float("nan"), float("inf")])
def test_a_model_that_gives_no_number_is_answered_for_by_the_rule(served, client, answer) -> None:
    version = served.release(Broken(1, answer))
    with client() as http:
        body = {"rows": [served.asked()]}
        found = [http.post("/predict", json=body).json()["served_by"] for _ in range(3)]
    assert found == ["release", "fallback", "fallback"]
    assert trace(served)[1]["why"] == f"{version} gave no number"


def test_without_a_record_there_is_no_answer(served, client) -> None:
    served.release(Sum())
    with client() as http:
        folder = decisions.folder(served.settings)
        folder.parent.mkdir(exist_ok=True)
        folder.write_text("a file where a folder should be", encoding="utf-8")
        answer = http.post("/predict", json={"rows": [served.asked()]})
        assert answer.status_code == 503
        assert answer.json() == {"error": "the answer cannot be recorded, so it is not given"}


def test_a_trace_that_nothing_writes_stops_the_service(served, client) -> None:
    served.rewrite("policies/oversight.yaml", "    - record_id\n", "    - record_id\n    - mood\n")
    with pytest.raises(RefusedError, match="wants the trace to hold mood"):
        client()


# What is not answered.

WRONG = [
    (lambda row, name: row.pop(name), "Field required"),
    (lambda row, name: row.update(surprise=1), "not permitted"),
    (lambda row, name: row.update({name: "12"}), "valid"),
    (lambda row, name: row.update({name: True}), "valid"),
    (lambda row, name: row.update({name: None}), "valid"),
    (lambda row, name: row.update({name: [1]}), "valid"),
    (lambda row, name: row.update({name: float("nan")}), "finite"),
    (lambda row, name: row.update({name: float("inf")}), "finite"),
    (lambda row, name: row.update({name: 10**400}), "finite|valid"),
]


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_a_row_that_is_not_as_declared(served, client, change, said) -> None:
    feature = next(
        each
        for each in served.settings.features["features"]
        if each["nulls"] == "forbidden" and each["dtype"] == "float64"
    )
    wrong = served.asked()
    change(wrong, feature["name"])
    with client() as http:
        body = json.dumps({"rows": [served.asked(), wrong]})
        answer = http.post("/predict", content=body)
        assert answer.status_code in (400, 422), answer.text
        problem = answer.json().get("problems", [{"where": "rows.1.", "what": said}])[0]
        assert problem["where"].startswith("rows.1.")
        assert pd.Series([problem["what"]]).str.contains(said).all(), problem
    assert trace(served) == []


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b"\xff\xfe", 400, "no JSON"),
        (b"[" * 100_000, 400, "no JSON"),
        (b"[]", 422, "should be an object"),
        (b"{}", 422, "give either rows or keys"),
        (b'{"rows": [], "keys": null}', 422, "at least 1 item"),
        (b'{"rows": {}}', 422, "valid array"),
        (b" " * (gateway.MAX_BODY + 1), 413, "at most"),
    ],
)
def test_a_body_that_is_none(client, body, status, said) -> None:
    with client() as http:
        answer = http.post("/predict", content=body)
        assert answer.status_code == status
        assert said in answer.text


def test_a_decision_of_an_unknown_kind(served, client) -> None:
    with client() as http:
        answer = http.post("/predict", json={"rows": [served.asked()], "decision_type": "coup"})
        assert (answer.status_code, trace(served)) == (422, [])


def test_too_many_rows(served, client) -> None:
    with client() as http:
        row = served.asked()
        assert http.post("/predict", json={"rows": [row] * inputs.MAX_ROWS}).status_code == 200
        answer = http.post("/predict", json={"rows": [row] * (inputs.MAX_ROWS + 1)})
        assert answer.status_code == 413
        assert answer.json() == {"error": "a request has at most 1000 rows"}


def test_a_body_that_does_not_say_how_long_it_is(client) -> None:
    with client() as http:
        endless = (b" " * 65536 for _ in range(gateway.MAX_BODY // 65536 + 1))
        assert http.post("/predict", content=endless).status_code == 413


def test_other_paths_and_methods(client) -> None:
    with client() as http:
        assert (http.get("/predict").status_code, http.get("/docs").status_code) == (405, 404)
        assert http.get("/docs").json() == {"error": "Not Found"}


@hypothesis_settings(max_examples=200, deadline=None)
@given(drawn=strategies.data())
def test_callers_are_held_to_what_the_training_data_is_held_to(found, drawn) -> None:
    """Whatever number stands in whichever feature, both say the same of it."""
    row = {}
    for feature in found.features["features"]:
        low, high = feature.get("range") or (None, None)
        edges = [edge + step for edge in (low, high) if edge is not None for step in (-1, 0, 1)]
        if feature["dtype"] == "int64":
            some = strategies.sampled_from(edges or [0]) | strategies.integers(-(2**63), 2**63 - 1)
            row[feature["name"]] = int(drawn.draw(some))
        else:
            some = strategies.sampled_from(edges or [0]) | strategies.floats(allow_infinity=False)
            row[feature["name"]] = float(drawn.draw(some))
    about = {key: "somebody" for key in found.keys if key not in row}
    text = json.dumps({"rows": [row | about]}).replace("NaN", "null")
    request = inputs.request_model(found)
    try:
        taken = inputs.frame(request.model_validate_json(text).rows, found)
    except ValidationError:
        taken = None
    frame = pd.DataFrame([row])
    try:
        feature_schema.check(frame, found.features, features.NAMES)
    except RefusedError:
        assert taken is None
    else:
        assert taken is not None
        pd.testing.assert_frame_equal(taken[[*row]], frame)


# What is measured.


def test_requests_and_predictions_are_counted(served, client) -> None:
    version = served.release(Sum())
    with client() as http:

        def count(name: str, **labels: str) -> float:
            named = ",".join(f'{label}="{value}"' for label, value in labels.items())
            start = name + "{" + named + "} "
            lines = http.get("/metrics").text.splitlines()
            return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))

        def counts() -> list[float]:
            return [
                count("serving_predictions_total", served_by="release", version=version),
                count("serving_requests_total", path="/predict", status="422"),
                count("serving_requests_total", path="other", status="404"),
            ]

        before = counts()
        http.post("/predict", json={"rows": [served.asked()] * 3})
        http.post("/predict", json={"rows": []})
        http.get("/a/path/that/nobody/knows")
        assert [now - then for now, then in zip(counts(), before, strict=True)] == [3, 1, 1]
        assert count("release_in_force", version=version) == 1
