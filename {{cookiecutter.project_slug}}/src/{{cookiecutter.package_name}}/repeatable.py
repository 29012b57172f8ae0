"""Repeatable: what is computed here gives the same bytes on every run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def repeatable() -> Iterator[None]:
    """Compute on one thread: sums are added in one order, and small models gain nothing by more."""
    with threadpool_limits(limits=1):
        yield
