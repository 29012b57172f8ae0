"""Ingest: the data that the policy names, byte for byte, as tables."""

from __future__ import annotations

import ibis
from ai_program import digests, evidence

from . import compute, privacy
from .errors import RefusedError
from .settings import Settings, Source


def verify(settings: Settings) -> str:
    """Return the digest of the data, whose every source is the one that the policy declares."""
    if settings.evaluation["data"]["path"] is None:
        raise RefusedError(
            "policies/evaluation.yaml names no data yet: `nox -s adopt -- FILE --target COLUMN` "
            "makes a CSV file the data of this programme"
        )
    return evidence.data_digest([(each.name, _verified(each)) for each in settings.sources])


def _verified(source: Source) -> str:
    try:
        digest = digests.of_bytes(source.path.read_bytes())
    except FileNotFoundError:
        raise RefusedError(
            f"the data {source.name} of policies/evaluation.yaml is missing"
        ) from None
    if digest != source.digest:
        raise RefusedError(
            f"{source.name} has the digest {digest}, policies/evaluation.yaml declares "
            f"{source.digest}: bring the declared data, or declare the new one"
        )
    return digest


def tables(settings: Settings) -> dict[str, ibis.Table]:
    """Return what may be used of the data, as tables by their names.

    The columns have the types of their contract. What policies/data.yaml says about data on people
    holds for the rows themselves: nothing after this sees one that may not be used.
    """
    return privacy.permitted(settings, delivered(settings))


def delivered(settings: Settings) -> dict[str, ibis.Table]:
    """Return all rows as they were delivered, whether they may be used or not."""
    read = compute.reader()
    return {source.table: read(source) for source in settings.sources}
