"""Ingest: the data that the policy names, byte for byte, as tables."""

from __future__ import annotations

import ibis
from ai_program import digests

from .errors import RefusedError
from .settings import Settings


def verify(settings: Settings) -> str:
    """Return the digest of the data, which has to be the one that the policy declares."""
    declared = settings.evaluation["data"]["digest"]
    try:
        digest = digests.of_bytes(settings.data.read_bytes())
    except FileNotFoundError:
        path = settings.evaluation["data"]["path"]
        raise RefusedError(f"the data {path} of policies/evaluation.yaml is missing") from None
    if digest != declared:
        raise RefusedError(
            f"{settings.evaluation['data']['path']} has the digest {digest}, "
            f"policies/evaluation.yaml declares {declared}: "
            "bring the declared data, or declare the new one"
        )
    return digest


def tables(settings: Settings) -> dict[str, ibis.Table]:
    """Return the data as tables of DuckDB by their names, with the types of their contract."""
    schema = settings.contract["schema"][0]
    types = {each["name"]: each["physicalType"] for each in schema["properties"]}
    connection = ibis.duckdb.connect()
    # One thread, so that sums are added in one order and a second run gives the same bytes.
    connection.raw_sql("SET threads = 1")
    name = schema["name"]
    return {name: connection.read_csv(settings.data, table_name=name, types=types)}
