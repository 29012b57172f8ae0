"""What people are shown of many answers, and where the others are."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import predict


def answers(n: int) -> pd.DataFrame:
    return pd.DataFrame({"key": range(n), "value": [each / 2 for each in range(n)]})


@pytest.fixture
def here(found, tmp_path):
    return dataclasses.replace(found, root=tmp_path)


def test_few_answers_are_shown_whole(here) -> None:
    rows = answers(predict.SHOWN)
    assert predict.text(here, rows) == rows.to_csv(index=False)
    assert not (here.root / predict.WHOLE).exists()


def test_of_many_answers_the_first_are_shown_and_all_are_in_a_file(here) -> None:
    rows = answers(4_000)
    *lines, last = predict.text(here, rows).splitlines()
    assert lines == rows.to_csv(index=False).splitlines()[: predict.SHOWN + 1]
    assert last == f"# the first 30 of 4,000 rows; all of them: {predict.WHOLE}"
    pd.testing.assert_frame_equal(pd.read_csv(here.root / predict.WHOLE), rows)
