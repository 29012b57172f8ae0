"""Training sees what was known then, serving what is published now, and both see the same."""

from __future__ import annotations

import dataclasses
import os
from datetime import datetime
from datetime import timedelta

import pandas as pd
import pytest
from ai_program import digests
from conftest import TOKEN
from conftest import Served
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies
from oracles import Sum
from starlette.testclient import TestClient

from {{ cookiecutter.package_name }} import feature_schema
from {{ cookiecutter.package_name }} import feature_store
from {{ cookiecutter.package_name }} import files
from {{ cookiecutter.package_name }} import golden
from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }} import privacy
from {{ cookiecutter.package_name }} import service
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.use_case import features

DIGEST = "sha256:" + "0" * 64
START = datetime(2027, 1, 1)

# Training: nothing of the future.

ENTITIES = strategies.sampled_from(["a", "b", None])
MOMENTS = strategies.integers(0, 12).map(lambda hours: START + timedelta(hours=hours))
ROWS = strategies.lists(
    strategies.tuples(strategies.sampled_from("ab"), MOMENTS, strategies.integers(0, 99)),
    unique_by=lambda row: row[:2],
    max_size=20,
)
SPINE = strategies.lists(strategies.tuples(ENTITIES, MOMENTS), min_size=1, max_size=20)


def joined(spine: list, rows: list) -> list[tuple]:
    found = feature_store.point_in_time(
        pd.DataFrame(spine, columns=["who", "at"]).astype({"at": "datetime64[us]", "who": "str"}),
        pd.DataFrame(rows, columns=["who", "at", "x"]).astype(
            {"at": "datetime64[us]", "who": "str", "x": "float64"}
        ),
        ["who"],
        "at",
        ["x"],
    )
    return [
        (None if pd.isna(moment) else moment.to_pydatetime(), None if pd.isna(x) else x)
        for moment, x in zip(found[feature_store.KNOWN_AT], found["x"], strict=True)
    ]


@hypothesis_settings(max_examples=60, deadline=None)
@given(rows=ROWS, spine=SPINE)
def test_each_moment_sees_the_last_row_that_is_not_after_it(rows, spine) -> None:
    expected = []
    for who, at in spine:
        known = [(moment, x) for one, moment, x in rows if one == who and moment <= at]
        expected.append(max(known, default=(None, None)))
    assert joined(spine, rows) == expected


@hypothesis_settings(max_examples=60, deadline=None)
@given(rows=ROWS, spine=SPINE, later=ROWS)
def test_what_becomes_known_later_changes_nothing(rows, spine, later) -> None:
    last = max(at for _, at in spine)
    known = {row[:2] for row in rows}
    future = [row for row in later if row[1] > last and row[:2] not in known]
    assert joined(spine, rows) == joined(spine, rows + future)


def test_other_columns_of_the_spine_stay_with_their_rows(tmp_path) -> None:
    spine = pd.DataFrame({"at": [START, START - timedelta(hours=1)], "label": [1.5, 2.5]})
    rows = pd.DataFrame({"at": [START], "x": [7.0]})
    found = feature_store.point_in_time(spine, rows, [], "at", ["x"])
    assert found["label"].tolist() == [1.5, 2.5]
    assert found["x"].tolist()[0] == 7
    assert pd.isna(found["x"].tolist()[1])


# Tables: by what they are made of.


@pytest.fixture
def rows(served) -> pd.DataFrame:
    return pd.DataFrame([served.row()])


def test_the_same_inputs_are_the_same_table(served, rows) -> None:
    found = served.settings
    table = feature_store.put(found, DIGEST, rows)
    assert feature_store.put(found, DIGEST, rows) == table
    assert feature_store.get(found, table.lineage) == table
    pd.testing.assert_frame_equal(feature_store.read(table)[[*rows]], rows)
    assert table.manifest["view"] == found.features_reference
    assert len(list(table.path.parent.glob("*.parquet"))) == 1


def test_other_inputs_are_another_table(served, rows) -> None:
    found = served.settings
    changed = {**found.features, "owner": "somebody else"}
    names = {
        feature_store.put(found, DIGEST, rows).lineage,
        feature_store.put(found, DIGEST.replace("0", "1"), rows).lineage,
        feature_store.put(found, DIGEST, rows, "serving").lineage,
        feature_store.put(dataclasses.replace(found, features=changed), DIGEST, rows).lineage,
    }
    assert len(names) == 4


def test_a_damaged_table_is_refused(served, rows) -> None:
    found = served.settings
    table = feature_store.put(found, DIGEST, rows)
    table.path.write_bytes(table.path.read_bytes() + b"\0")
    with pytest.raises(RefusedError, match="was damaged"):
        feature_store.get(found, table.lineage)
    with pytest.raises(RefusedError, match="there is no table of features"):
        feature_store.get(found, "unheard-of")


def test_old_tables_expire_but_for_the_one_that_is_served(served, rows) -> None:
    found = served.settings
    kept = feature_store.put(found, DIGEST, rows)
    old, new = (feature_store.put(found, DIGEST.replace("0", each), rows) for each in "12")
    pointer = {"view": found.features_reference, "lineage": kept.lineage}
    files.write(found.root, {feature_store.PUBLISHED: digests.pretty(pointer)})
    for table in (kept, old):
        for path in table.path.parent.glob(f"{table.lineage}.*"):
            os.utime(path, (0, 0))
    gone = files.expire(feature_store.unpublished(found), "2026-01-01")
    assert {path.name for path in gone} == {f"{old.lineage}.json", f"{old.lineage}.parquet"}
    assert feature_store.published(found) == kept
    assert feature_store.get(found, new.lineage) == new


# Serving: the published rows, by their keys.


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Served:
    """A repository with published features of the real sample, and a release."""
    served = Served(tmp_path_factory.mktemp("published") / "served")
    feature_store.publish(served.settings)
    served.release(Sum())
    return served


@pytest.fixture(scope="module")
def known(published) -> pd.DataFrame:
    """The rows of the past, made as training makes them."""
    found = published.settings
    return feature_schema.frame(
        features.build(ingest.tables(found)), found.features, features.NAMES
    ).drop_duplicates(found.keys, keep="last")


def keys_of(found, rows: pd.DataFrame) -> list[dict]:
    return [dict(zip(found.keys, name, strict=True)) for name in golden.names(rows, found.keys)]


def test_serving_looks_up_what_training_learned_from(published, known) -> None:
    found = published.settings
    some = known.sample(50, random_state=7)
    looked_up = feature_store.Online(found).rows(keys_of(found, some))
    columns = [*features.NAMES]
    if feature_store.TIME in found.keys:
        pd.testing.assert_frame_equal(looked_up[columns], some[columns].reset_index(drop=True))
    assert looked_up[columns].dtypes.equals(some[columns].dtypes)


def test_a_key_is_answered_and_an_unknown_one_is_named(published, known) -> None:
    found = published.settings
    (key,) = keys_of(found, known.tail(1))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(service.create(found, TOKEN), headers=headers) as http:
        answer = http.post("/predict", json={"keys": [key, key]})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["predictions"]) == 2
        # Of somebody unknown nobody knows that they consented: that is another answer.
        part = next(each for each in found.keys if each != privacy.named_by(found))
        for name, value in (("nobody", "nobody knows this"), ("time", "1900-01-01T00:00")):
            unknown = http.post("/predict", json={"keys": [key, {**key, part: value}]})
            assert (name, unknown.status_code) == (name, 404)
            assert value.partition(" ")[0] in unknown.text
        assert http.post("/predict", json={"keys": [{}]}).status_code == 422


def test_without_a_publication_there_is_nothing_to_look_up(served) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    found = served.settings
    with TestClient(service.create(found, TOKEN), headers=headers) as http:
        key = dict.fromkeys(found.keys, "x") | served.about
        answer = http.post("/predict", json={"keys": [key]})
        assert answer.status_code == 503
        assert "nox -s features" in answer.json()["error"]


def test_a_new_publication_is_seen_at_once(published, known) -> None:
    found = published.settings
    online = feature_store.Online(found)
    keys = keys_of(found, known.tail(1))
    assert len(online.rows(keys)) == 1
    pointer = published.root / feature_store.FOLDER / "published.json"
    before = pointer.read_bytes()
    pointer.write_bytes(before.replace(b"lineage", b"lost"))
    with pytest.raises(RefusedError, match="no features are published"):
        online.rows(keys)
    pointer.write_bytes(before)
    assert len(online.rows(keys)) == 1
