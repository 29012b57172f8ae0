"""The features are the same whether DuckDB makes them or Spark, and what cannot run says so."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import compute
from {{ cookiecutter.package_name }} import feature_schema
from {{ cookiecutter.package_name }} import ingest
from {{ cookiecutter.package_name }} import scale
from {{ cookiecutter.package_name }} import settings
from {{ cookiecutter.package_name }}.errors import RefusedError
from {{ cookiecutter.package_name }}.use_case import features

has_pyspark = importlib.util.find_spec("pyspark") is not None
needs_spark = pytest.mark.skipif(
    not has_pyspark or not (shutil.which("java") or os.environ.get("JAVA_HOME")),
    reason="it needs pyspark and Java 17: nox -s scale",
)


@pytest.fixture
def made(monkeypatch):
    """Return a function that makes the features of settings on an engine."""

    def made(engine: str, found: settings.Settings) -> pd.DataFrame:
        monkeypatch.setenv(compute.ENGINE, engine)
        tables = ingest.tables(found)
        if engine == compute.SPARK:
            from pyspark.sql import SparkSession

            # Many small parts, as a large file has: the results must not depend on how it is cut.
            session = SparkSession.active()
            session.conf.set("spark.sql.files.maxPartitionBytes", 200_000)
        return feature_schema.frame(features.build(tables), found.features, features.NAMES)

    return made


@needs_spark
@pytest.mark.parametrize("copies", [None, 3])
def test_spark_makes_the_features_of_duckdb(found, made, tmp_path, copies) -> None:
    """Sums that are added in another order may differ in the last bit, and nothing else does."""
    if copies:
        scale.grow(found, copies, tmp_path)
        found = scale.grown(found, tmp_path)
    expected = made("duckdb", found)
    pd.testing.assert_frame_equal(made("spark", found), expected, rtol=1e-12, atol=0)


def test_copies_are_told_apart(found, made, tmp_path) -> None:
    rows = scale.grow(found, 2, tmp_path)
    copied = scale.grown(found, tmp_path)
    assert rows > sum(len(table.execute()) for table in ingest.delivered(found).values())
    by = features.GROWS_BY
    seen = made("duckdb", copied)
    assert not seen.duplicated().any()
    if by not in made("duckdb", found):
        # Each has the features of the original.
        original = made("duckdb", found)
        for _, one in seen.groupby(by):
            copy = one.drop(columns=by).reset_index(drop=True)
            pd.testing.assert_frame_equal(copy, original)


def test_an_unknown_engine_is_refused(found, monkeypatch) -> None:
    monkeypatch.setenv(compute.ENGINE, "pandas")
    with pytest.raises(RefusedError, match=r"pandas: it is duckdb .* or spark"):
        ingest.tables(found)


@pytest.mark.skipif(has_pyspark, reason="pyspark is installed here")
def test_spark_is_refused_where_it_is_not_installed(found, monkeypatch) -> None:
    monkeypatch.setenv(compute.ENGINE, "spark")
    with pytest.raises(RefusedError, match="pyspark is not installed here"):
        ingest.tables(found)


@pytest.mark.skipif(not has_pyspark, reason="pyspark is not installed here")
def test_spark_is_refused_where_there_is_no_java(found, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv(compute.ENGINE, "spark")
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(RefusedError, match="there is no Java on PATH or in JAVA_HOME"):
        ingest.tables(found)
