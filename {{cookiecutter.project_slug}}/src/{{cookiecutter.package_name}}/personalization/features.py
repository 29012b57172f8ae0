"""Features: one definition, as expressions, for training and for serving.

A row is a customer on a day (a snapshot): what the year before that day says about them, and
whether they ordered within the 90 days that begin with it. A snapshot knows no order of its own day
or later; a test holds every feature to that.

`build` takes the orders that may be used: those of customers who consented, not older than the
retention allows (see the module privacy). The country stands in the rows, to compare groups by it,
and is no feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import ibis

from ..errors import RefusedError

DATASET = "customer_orders"
CUSTOMER = "customer_id"
# What there is more of when the data grows (`nox -s scale`).
GROWS_BY = CUSTOMER
TIME = "date"
TARGET = "ordered_within_90_days"
# Compared, and never an input.
GROUP = "country"
HORIZON = 90
# Every snapshot has all of this behind it, so that a feature means the same in each of them.
HISTORY = 365

NAMES = (
    "recency_days",
    "frequency",
    "monetary",
    "basket_items",
    "tenure_days",
    "recent_orders",
    "gap_days",
    "overdue",
)


def build(tables: dict[str, ibis.Table]) -> ibis.Table:
    """Return all customers on the first day of each month that has a history and a known future."""
    orders = tables[DATASET]
    first, last = _ends(orders)
    begins, ends = first + timedelta(days=HISTORY), last - timedelta(days=HORIZON - 1)
    months = range(begins.year * 12 + begins.month - 1, ends.year * 12 + ends.month)
    days = [date(month // 12, month % 12 + 1, 1) for month in months]
    return at(orders, [day for day in days if begins <= day <= ends])


def now(tables: dict[str, ibis.Table]) -> ibis.Table:
    """Return all customers on the day after the data ends; what they do next is unknown."""
    orders = tables[DATASET]
    _, last = _ends(orders)
    return at(orders, [last + timedelta(days=1)]).drop(TARGET)


def at(orders: ibis.Table, days: Sequence[date]) -> ibis.Table:
    """Return the customers of the year before each of these days, as that day knows them."""
    snapshots = ibis.memtable({"snapshot": list(days)}, schema={"snapshot": "date"})
    table = orders.cross_join(snapshots)
    table = table.mutate(
        age=table.snapshot.delta(table.date.cast("date"), unit="day").cast("int64")
    )
    seen = table.filter((table.age >= 1) & (table.age <= HISTORY))
    customers = seen.group_by(CUSTOMER, "snapshot").aggregate(
        recency_days=seen.age.min(),
        frequency=seen.invoice.nunique(),
        monetary=seen.value.sum(),
        basket_items=seen["items"].mean(),
        tenure_days=seen.age.max(),
        recent_orders=seen.invoice.nunique(where=seen.age <= HORIZON),
        **{GROUP: seen[GROUP].argmax(seen.date)},
    )
    between = customers.tenure_days - customers.recency_days
    gap = ibis.ifelse(
        customers.frequency > 1,
        between.cast("float64") / (customers.frequency - 1).nullif(0),
        float(HISTORY),
    )
    customers = customers.mutate(gap_days=gap)
    customers = customers.mutate(
        # One order a day at most makes a rhythm.
        overdue=customers.recency_days / ibis.greatest(customers.gap_days, 1.0)
    )
    coming = table.filter((table.age <= 0) & (table.age > -HORIZON))
    returned = coming.select(CUSTOMER, "snapshot").distinct().mutate(returned=1)
    labelled = customers.left_join(returned, [CUSTOMER, "snapshot"])
    labelled = labelled.mutate(**{TARGET: labelled.returned.fill_null(0).cast("int64")})
    labelled = labelled.rename({TIME: "snapshot"})
    return labelled.select(CUSTOMER, TIME, GROUP, *NAMES, TARGET).order_by(TIME, CUSTOMER)


def _ends(orders: ibis.Table) -> tuple[date, date]:
    found = orders.aggregate(first=orders.date.min(), last=orders.date.max()).execute()
    if found["first"].isna()[0]:
        raise RefusedError("nobody is left whose orders may be used, so nobody can be scored")
    return tuple(found[name][0].date() for name in ("first", "last"))
