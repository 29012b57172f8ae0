"""Compute: where the expressions of the features run, DuckDB or Spark.

The expressions are one and the same, and so are their results (``nox -s scale`` proves it). DuckDB
is the default. With ``FEATURE_ENGINE=spark`` in the environment it is Spark: on this machine, or on
the cluster that Spark's own settings name (``SPARK_REMOTE``, ``MASTER``, ``SPARK_CONF_DIR``). There
every executor reads the data at the path that it has here.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis

from .errors import RefusedError
from .settings import Source

ENGINE = "FEATURE_ENGINE"
DUCKDB, SPARK = ENGINES = ("duckdb", "spark")
# Each of these says where Spark runs; without one it runs here.
ELSEWHERE = ("SPARK_REMOTE", "MASTER", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS")
_HERE = {
    "spark.master": "local[*]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def reader() -> Callable[[Source], ibis.Table]:
    """Return what reads a source as a table, on the engine that the environment names."""
    name = os.environ.get(ENGINE) or DUCKDB
    if name not in ENGINES:
        raise RefusedError(f"{ENGINE} is {name}: it is {DUCKDB} (the default) or {SPARK}")
    return _on_duckdb() if name == DUCKDB else _on_spark()


def _on_duckdb() -> Callable[[Source], ibis.Table]:
    connection = ibis.duckdb.connect()
    # One thread, so that sums are added in one order and a second run gives the same bytes.
    connection.raw_sql("SET threads = 1")
    return lambda source: connection.read_csv(
        source.path, table_name=source.table, types=source.types
    )


def _on_spark() -> Callable[[Source], ibis.Table]:
    session = _session()
    from ibis.backends.pyspark.datatypes import PySparkSchema
    from ibis.backends.sql.datatypes import DuckDBType

    # That sets Spark's time zone to UTC. Arrow keeps to it; other ways of bringing rows here go by
    # the clock of this machine, and lose an hour each spring.
    arrow = "spark.sql.execution.arrow.pyspark"
    connection = ibis.pyspark.connect(
        session, **{f"{arrow}.enabled": "true", f"{arrow}.fallback.enabled": "false"}
    )

    def read(source: Source) -> ibis.Table:
        # Spark goes by the order of columns, contracts by their names. What is not declared is
        # read as text, and refused by the contract test.
        types = {
            name: DuckDBType.from_string(source.types.get(name, "VARCHAR"))
            for name in source.columns()
        }
        return connection.read_csv(
            # A bare path would be one of the cluster's own file system.
            source.path.absolute().as_uri(),
            schema=PySparkSchema.from_ibis(ibis.schema(types)),
            inferSchema=False,
            enforceSchema=False,
            # As DuckDB: a value of another type is an error, and a quote is written twice.
            mode="FAILFAST",
            escape='"',
        )

    return read


def _session() -> Any:
    """Return a session of Spark, or say what is missing."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise RefusedError(
            f"{ENGINE} is {SPARK}, and pyspark is not installed here: run it by nox, which makes "
            "an environment with it, or `python -m pip install -e '.[spark]'`"
        ) from None
    if not os.environ.get("SPARK_REMOTE") and not _java():
        raise RefusedError(
            f"{ENGINE} is {SPARK}, and there is no Java on PATH or in JAVA_HOME: install Java 17, "
            "or name a cluster in SPARK_REMOTE"
        )
    builder = SparkSession.builder
    if not any(os.environ.get(each) for each in ELSEWHERE):
        for key, value in _HERE.items():
            builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # whatever Java, Py4J or gRPC raise
        said = " ".join(str(error).split())[:300]
        raise RefusedError(f"Spark does not start; it needs Java 17 or newer: {said}") from error
    logging.getLogger("pyspark").setLevel(logging.ERROR)
    return session


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home, "bin")) if home else None)
