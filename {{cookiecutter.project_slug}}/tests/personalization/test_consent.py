"""Data about people: who did not consent, or withdrew, or is too long ago, reaches no feature."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pandas as pd
import pytest
from ai_program import digests
from conftest import TOKEN
from conftest import Served
from conftest import publication
from oracles import Sum
from oracles import Truth
from starlette.testclient import TestClient

from {{ cookiecutter.package_name }} import decisions
from {{ cookiecutter.package_name }} import feature_store
from {{ cookiecutter.package_name }} import files
from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }} import observed
from {{ cookiecutter.package_name }} import pipeline
from {{ cookiecutter.package_name }} import predict
from {{ cookiecutter.package_name }} import privacy
from {{ cookiecutter.package_name }} import service
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.personalization import evaluation
from {{ cookiecutter.package_name }}.personalization import features
from {{ cookiecutter.package_name }}.personalization import offers
from {{ cookiecutter.package_name }}.personalization import serving
from {{ cookiecutter.package_name }}.personalization.features import CUSTOMER
from {{ cookiecutter.package_name }}.personalization.features import DATASET

REGISTER = "consent_register"


@pytest.fixture(scope="module")
def orders(found) -> pd.DataFrame:
    return pd.read_csv(found.sources[0].path, parse_dates=["date"])


@pytest.fixture(scope="module")
def register(found) -> pd.DataFrame:
    return pd.read_csv(found.sources[1].path, parse_dates=["given_on", "withdrawn_on"])


@pytest.fixture
def with_register(found, tmp_path):
    """Return settings with another register, which the policy declares."""

    def with_register(register: pd.DataFrame):
        path = tmp_path / "register.csv"
        register.to_csv(path, index=False, date_format="%Y-%m-%d")
        data = found.evaluation["data"]
        entry = data["more"][0] | {
            "path": str(path),
            "digest": digests.of_bytes(path.read_bytes()),
        }
        more = [entry, *data["more"][1:]]
        policy = found.evaluation | {"data": data | {"more": more}}
        return dataclasses.replace(found, evaluation=policy)

    return with_register


def customers(settings) -> set[int]:
    return set(features.build(ingest.tables(settings))[CUSTOMER].execute())


def agreed(register: pd.DataFrame) -> set[int]:
    """Look it up the slow way, row by row."""
    return {
        row.customer_id
        for row in register.itertuples()
        if row.purpose == "personalization" and pd.isna(row.withdrawn_on)
    }


def test_nobody_without_consent_reaches_a_feature(found, data, orders, register) -> None:
    used = {*data.training[CUSTOMER], *data.test[CUSTOMER]}
    assert used <= agreed(register)
    assert set(orders["customer_id"]) - agreed(register)  # there are such people
    served = serving.current(ingest.tables(found), found.features)
    assert set(served[CUSTOMER]) <= agreed(register)


def test_consent_to_another_purpose_is_none(found, data, register) -> None:
    newsletter = set(register[register["purpose"] == "newsletter"]["customer_id"])
    only = newsletter - agreed(register)
    assert only
    assert not only & {*data.training[CUSTOMER], *data.test[CUSTOMER]}


def test_a_withdrawn_consent_is_gone_at_the_next_run(found, data, register, with_register) -> None:
    leaving = int(data.test[CUSTOMER].iloc[0])
    before = customers(found)
    after = customers(with_register(withdrawn(register, leaving)))
    assert before - after == {leaving}
    assert after <= before


def test_a_withdrawal_that_is_still_to_come_changes_nothing(
    found, data, register, with_register
) -> None:
    changed = register.copy()
    changed.loc[changed["customer_id"] == data.test[CUSTOMER].iloc[0], "withdrawn_on"] = (
        pd.Timestamp("2011-12-10")
    )
    assert customers(with_register(changed)) == customers(found)


def test_an_empty_register_leaves_nobody(register, with_register) -> None:
    settings = with_register(register.head(0))
    assert ingest.tables(settings)[DATASET].count().execute() == 0


def test_without_a_register_nobody_s_data_is_used(found) -> None:
    consent = found.privacy["consent"] | {"register": None}
    settings = dataclasses.replace(found, privacy=found.privacy | {"consent": consent})
    with pytest.raises(RefusedError, match="nobody's data may be used"):
        ingest.tables(settings)


def test_a_second_purpose_needs_a_second_consent(found, register) -> None:
    consent = found.privacy["consent"] | {"purposes": ["personalization", "newsletter"]}
    settings = dataclasses.replace(found, privacy=found.privacy | {"consent": consent})
    both = register[register["withdrawn_on"].isna()].groupby("customer_id")["purpose"].nunique()
    assert customers(settings) <= set(both[both == 2].index)
    assert customers(settings) < customers(found)


def test_what_is_too_old_is_deleted(found, orders) -> None:
    days = found.privacy["retention"]["max_days"]
    oldest = orders["date"].max() - timedelta(days=days)
    assert (orders["date"] < oldest).any()  # the sample has such rows
    kept = ingest.tables(found)[DATASET]
    assert kept.date.min().execute() >= oldest
    delivered = ingest.delivered(found)[DATASET]
    rows = privacy.kept(delivered, found.contract).count().execute()
    assert rows == (orders["date"] >= oldest).sum()


def test_a_shorter_retention_deletes_more(found, orders) -> None:
    promises = [
        promise | {"value": 365} if promise["property"] == "retention" else promise
        for promise in found.contract["slaProperties"]
    ]
    contract = found.contract | {"slaProperties": promises}
    rows = privacy.kept(ingest.delivered(found)[DATASET], contract).count().execute()
    assert rows == (orders["date"] >= orders["date"].max() - timedelta(days=365)).sum()


def test_the_gate_sees_whoever_slipped_through(found, data) -> None:
    """Rows of one customer without consent are among those that were learned from."""
    assert violations(found, data) == 0
    stranger = next(iter(data.barred.people))
    slipped = data.training.head(3).assign(**{CUSTOMER: stranger})
    spoiled = dataclasses.replace(data, training=pd.concat([data.training, slipped]))
    assert violations(found, spoiled) == 3


def violations(found, data) -> float:
    judged = evaluation.Evaluation(data, Truth(), None, found.evaluation)
    (found_,) = [m for m in judged.measurements() if m["metric"] == "opt_out_violations"]
    return found_["value"]


def test_everybody_in_the_data_is_known_or_barred(found, data, orders, register) -> None:
    assert data.barred == privacy.barred(found, ingest.delivered(found))
    assert data.barred.people == {*orders["customer_id"], *register["customer_id"]} - agreed(
        register
    )


# What is answered.


@pytest.fixture(scope="module")
def leaving(found) -> int:
    """Somebody who consented to this purpose, and ordered within the last year."""
    return int(serving.current(ingest.tables(found), found.features)[CUSTOMER].iloc[7])


@pytest.fixture
def withdrew(register, with_register, leaving):
    """Settings whose register says that this person took the consent back."""
    return with_register(withdrawn(register, leaving))


def withdrawn(register: pd.DataFrame, person: int) -> pd.DataFrame:
    """Return the register in which this person took the consent back on the last day."""
    changed = register.copy()
    theirs = (changed["customer_id"] == person) & (changed["purpose"] == "personalization")
    assert theirs.any()
    changed.loc[theirs, "withdrawn_on"] = pd.Timestamp("2011-12-09")
    return changed


def popular(data) -> dict[str, list[int]]:
    return offers.popular(offers.logged(data.tables))


WHY = "no consent to personalization is in force"


@pytest.fixture(scope="module")
def before(found, tmp_path_factory) -> pd.DataFrame:
    """What a batch lists while the register is as it was delivered."""
    return batch(Served(tmp_path_factory.mktemp("before") / "served"), found)


def batch(served, settings) -> pd.DataFrame:
    _, rows = predict.now(dataclasses.replace(settings, root=served.root))
    return rows.set_index(CUSTOMER)


def test_a_batch_shows_them_what_is_popular(served, data, before, withdrew, leaving) -> None:
    after = batch(served, withdrew)
    assert before.loc[leaving, features.TARGET] > 0
    row = after.loc[leaving]
    assert pd.isna(row[features.TARGET])
    assert row[["reminder", "served_by", "why"]].tolist() == ["no", "fallback", WHY]
    assert json.loads(row["offers"]) == popular(data)
    records = [
        each
        for each in decisions.read(served.settings)
        if each["entity"] == {CUSTOMER: str(leaving)}
    ]
    (record,) = records
    assert (record["served_by"], record["model_version"]) == ("fallback", "most_popular")
    assert (record["why"], record["features"]) == (WHY, {})
    assert record["outcome"] == {"reminder": "no", "offers": popular(data)}
    assert (record["decision_type"], record["reviewer"]) == (None, None)


def test_a_withdrawal_changes_nobody_else_s_answer(served, before, withdrew, leaving) -> None:
    after = batch(served, withdrew)
    pd.testing.assert_frame_equal(
        after.drop(index=leaving).sort_index(), before.drop(index=leaving).sort_index()
    )


def test_a_batch_scores_exactly_those_who_consented(before, register) -> None:
    rows, scored = before, before[features.TARGET].notna()
    assert set(rows.index[scored]) <= agreed(register)
    assert not set(rows.index[~scored]) & agreed(register)
    assert rows["offers"].isna().equals(scored)
    assert set(rows.loc[~scored, "why"]) == {WHY}
    assert rows.index.is_unique


def test_nobody_is_listed_whose_rows_are_all_too_old(
    served, orders, register, with_register, leaving
) -> None:
    """In this register only one person stands, so everybody else comes from the orders."""
    settings = with_register(register[register["customer_id"] == leaving])
    days = settings.privacy["retention"]["max_days"]
    kept = orders[orders["date"] >= orders["date"].max() - timedelta(days=days)]
    assert set(batch(served, settings).index) == set(kept["customer_id"]) | {leaving}
    assert set(orders["customer_id"]) - set(kept["customer_id"])  # there are such people


def test_where_nobody_consented_that_is_said(register, with_register, served) -> None:
    with pytest.raises(RefusedError, match="nobody is left whose orders may be used"):
        batch(served, with_register(register.head(0)))


# What the service answers. It knows consents from the last publication.


@pytest.fixture
def asked(served):
    """Return a function that asks the service about people: by their rows, or by their keys."""
    served.release(Sum())
    files.write(served.root, publication())
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(service.create(served.settings, TOKEN), headers=headers) as http:

        def asked(*people: object, by: str = "rows") -> dict:
            more = served.row() if by == "rows" else {}
            body = [{CUSTOMER: each, features.TIME: "2011-12-10", **more} for each in people]
            answer = http.post("/predict", json={by: body})
            assert answer.status_code == 200, answer.text
            return answer.json()

        yield asked


@pytest.mark.parametrize("by", ["rows", "keys"])
def test_the_service_scores_nobody_without_consent(served, asked, data, leaving, by) -> None:
    stranger = min(data.barred.people)
    answer = asked(leaving, stranger, by=by)
    assert (answer["version"][:4], answer["served_by"]) == ("sum-", "release")
    known, barred = answer["predictions"]
    assert set(known) == {"record_id", "value", "reviewer"}
    assert known["value"] > 0
    shown = {"reminder": "no", "offers": popular(data)}
    assert barred == {
        "record_id": barred["record_id"],
        "value": None,
        "reviewer": None,
        "served_by": "fallback",
        "why": WHY,
        "shown": shown,
    }
    records = {each["record_id"]: each for each in decisions.read(served.settings)}
    record = records[barred["record_id"]]
    assert (record["served_by"], record["why"], record["features"]) == ("fallback", WHY, {})
    assert (record["outcome"], record["model_version"]) == (shown, "most_popular")
    assert record["entity"] == {CUSTOMER: str(stranger), features.TIME: "2011-12-10"}
    wanted = served.settings.oversight["decision_trace"]["fields"]
    assert set(wanted) <= set(record) == set(decisions.FIELDS)
    assert records[known["record_id"]]["features"]


def test_the_order_of_a_request_is_kept(asked, data, leaving) -> None:
    stranger = min(data.barred.people)
    answer = asked(stranger, leaving, "nobody knows this", leaving)
    assert [each["value"] is None for each in answer["predictions"]] == [True, False, True, False]


def test_who_asks_about_strangers_only_hears_who_answered(asked, data) -> None:
    answer = asked(*sorted(data.barred.people)[:3])
    assert (answer["version"], answer["served_by"]) == ("most_popular", "fallback")


def test_the_service_follows_a_withdrawal_at_the_next_publication(
    served, asked, withdrew, leaving
) -> None:
    assert asked(leaving)["predictions"][0]["value"] > 0
    folder = served.root / feature_store.FOLDER
    before = {path.name for path in folder.rglob("*.parquet")}
    feature_store.publish(dataclasses.replace(withdrew, root=served.root))
    for by in ("rows", "keys"):
        answer = asked(leaving, by=by)
        assert (answer["served_by"], answer["predictions"][0]["why"]) == ("fallback", WHY)
    # What was stored of them is gone.
    assert not before & {path.name for path in folder.rglob("*.parquet")}


def test_a_row_that_names_nobody_is_refused(served) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(service.create(served.settings, TOKEN), headers=headers) as http:
        for about in ({}, served.about | {CUSTOMER: None}, served.about | {features.TIME: None}):
            rows = [served.asked(), served.row() | about]
            answer = http.post("/predict", json={"rows": rows})
            assert answer.status_code == 422
            assert "row 1 does not name its customer_id and date" in answer.text
    assert list(decisions.read(served.settings)) == []


@pytest.mark.parametrize("damage", ["lost", "no JSON", "another purpose"])
def test_without_known_consents_nobody_is_answered(served, damage) -> None:
    path = served.root / feature_store.CONSENTS
    if damage == "lost":
        path.unlink()
    elif damage == "no JSON":
        path.write_text("{")
    else:
        served.rewrite("policies/data.yaml", "purposes: [personalization]", "purposes: [ranking]")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    body = {"rows": [served.row() | {CUSTOMER: "12347", features.TIME: "2011-12-10"}]}
    with TestClient(service.create(served.settings, TOKEN), headers=headers) as http:
        answer = http.post("/predict", json=body)
        assert (answer.status_code, http.get("/ready").status_code) == (503, 503)
        assert "nox -s features" in answer.json()["error"]


def test_a_view_that_names_no_person_is_not_served(found) -> None:
    entity = found.features["entity"] | {"keys": ["date"]}
    settings = dataclasses.replace(found, features=found.features | {"entity": entity})
    with pytest.raises(RefusedError, match="nobody could tell whose consent to look up"):
        service.create(settings, TOKEN)


def test_who_was_not_scored_does_not_count_as_watched(served, asked, data) -> None:
    asked(*sorted(data.barred.people)[:3])
    assert observed.decided(served.settings, pd.Timestamp.now("UTC")).rows.empty


def test_the_same_pipeline_counts_only_who_may_be_used(found, capsys) -> None:
    pipeline.prepare(found)
    rows = ingest.tables(found)[DATASET].count().execute()
    assert f"{rows:,} rows of {DATASET}" in capsys.readouterr().out
