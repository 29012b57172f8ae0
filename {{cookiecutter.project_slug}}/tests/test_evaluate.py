"""What all evaluations share: slices, golden rows, and no silence about what was not measured."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from oracles import Truth

from {{ cookiecutter.package_name }} import evaluate
from {{ cookiecutter.package_name }} import golden
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.use_case import evaluation
from {{ cookiecutter.package_name }}.use_case import features

ROWS = pd.DataFrame({"hour": range(24), "place": ["north", "south"] * 12})


def test_what_cannot_be_measured_is_refused_and_not_left_out(data, found) -> None:
    gate = found.evaluation["gates"][0] | {"metric": "elegance"}
    policy = found.evaluation | {"gates": [gate]}
    with pytest.raises(RefusedError, match="elegance"):
        evaluation.Evaluation(data, Truth(), None, policy).measurements()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("hour in 17..21", {17, 18, 19, 20, 21}),
        ("hour in 0..0", {0}),
        ("hour in [3, 5]", {3, 5}),
        ("place in [north, west]", set(range(0, 24, 2))),
    ],
)
def test_slices(where, expected) -> None:
    assert set(ROWS["hour"][evaluate.rows_where(ROWS, where)]) == expected


@pytest.mark.parametrize("where", ["mood in 1..2", "hour == 3", "hour in", "__class__ in [1]"])
def test_a_slice_that_means_nothing_is_refused(where) -> None:
    with pytest.raises(RefusedError, match="slice"):
        evaluate.rows_where(ROWS, where)


def test_golden_rows_say_what_the_data_says(data) -> None:
    known = data.test[features.TARGET].to_numpy(dtype=float)[data.golden.positions]
    np.testing.assert_array_equal(known, data.golden.expected)
    assert len(known) >= 10


def test_a_golden_row_that_the_test_does_not_have_is_refused(data, found, tmp_path) -> None:
    row = dict.fromkeys(found.keys, "never") | {features.TARGET: 1}
    path = tmp_path / "golden.json"
    path.write_text(json.dumps({"rows": [row]}))
    policy = found.evaluation | {"golden": {"path": str(path), "tolerance": 0.1}}
    other = dataclasses.replace(found, evaluation=policy)
    with pytest.raises(RefusedError, match="never is not among the rows"):
        golden.find(data.test, other, features.TARGET)
