"""Data about people: who did not consent, or withdrew, or is too long ago, reaches no feature."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pandas as pd
import pytest
from ai_program import digests
from oracles import Truth

from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }} import pipeline
from {{ cookiecutter.package_name }} import privacy
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.personalization import evaluation
from {{ cookiecutter.package_name }}.personalization import features
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
    changed = register.copy()
    theirs = (changed["customer_id"] == leaving) & (changed["purpose"] == "personalization")
    changed.loc[theirs, "withdrawn_on"] = pd.Timestamp("2011-12-09")
    before, after = customers(found), customers(with_register(changed))
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


def test_whoever_opted_out_gets_what_is_popular(found, data) -> None:
    rows = serving.current(ingest.tables(found), found.features)
    listed = serving.present(rows, Truth().predict(rows.assign(**{features.TARGET: 0.1})))
    popular = {"men": [3, 1]}
    stranger = next(iter(data.barred.people))
    assert serving.shown(stranger, listed, popular) == {
        "offers": popular,
        "reminder": False,
        "because": "what is popular",
    }
    known = int(rows[CUSTOMER].iloc[0])
    assert serving.shown(known, listed, popular)["reminder"] is True


def test_the_same_pipeline_counts_only_who_may_be_used(found, capsys) -> None:
    pipeline.prepare(found)
    rows = ingest.tables(found)[DATASET].count().execute()
    assert f"{rows:,} rows of {DATASET}" in capsys.readouterr().out
