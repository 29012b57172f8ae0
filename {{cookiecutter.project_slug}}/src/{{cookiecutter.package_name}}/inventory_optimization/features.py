"""Features: one definition, as expressions, for training and for serving.

An order is made on Monday morning for the week that begins. So a feature of a week may use what was
sold up to the Sunday before, and the calendar; nothing else is known by then. A test holds every
feature to that.

`build` takes sales by article and day. A week that is still to come stands in them as one row per
article with units of NULL; that is the whole difference between training and serving.
"""

from __future__ import annotations

import ibis

DATASET = "sku_daily"
ARTICLE = "sku"
# What there is more of when the data grows (`nox -s scale`).
GROWS_BY = ARTICLE
# The Monday of the week, in a column named as in the contract.
TIME = "date"
TARGET = "units"
# What demand is measured against: models learn a week relative to the eight weeks before it.
LEVEL = "mean_8"
# The weeks with sales that an order needs behind it.
HISTORY = 8

_EIGHT, _FOUR, _ONE = (HISTORY, 1), (4, 1), (1, 1)


def build(tables: dict[str, ibis.Table]) -> ibis.Table:
    """Return article, week, features and units of each week that has enough history."""
    weeks = _weeks(tables[DATASET])
    before = ibis.window(group_by=ARTICLE, order_by=TIME)

    def over(value: ibis.Value, preceding: tuple[int, int]) -> ibis.Value:
        return value.over(ibis.window(group_by=ARTICLE, order_by=TIME, preceding=preceding))

    units = weeks[TARGET].cast("float64")
    table = weeks.mutate(
        weeks_before=ibis.row_number().over(before),
        last_week=units.lag(1).over(before),
        mean_4=over(units.mean(), _FOUR),
        mean_8=over(units.mean(), _EIGHT),
        median_8=over(units.median(), _EIGHT),
        high_8=over(units.quantile(0.8), _EIGHT),
        deviation_8=over(units.std(how="sample"), _EIGHT),
        idle_8=over((units == 0).cast("float64").mean(), _EIGHT),
        orders_4=over(weeks.orders.cast("float64").mean(), _FOUR),
        price=weeks.known_price.lag(1).over(before),
        price_8=over(weeks.price.mean(), _EIGHT),
        market=over(weeks.market.mean(), (2, 1)) / over(weeks.market.mean(), _EIGHT),
        week_of_year=weeks[TIME].week_of_year().cast("int64"),
    )
    table = table.mutate(
        price_change=ibis.coalesce(table.price / table.price_8 - 1, 0.0),
        units_per_order=(table.mean_4 + 1) / (table.orders_4 + 1),
    )
    enough = table.filter(table.weeks_before >= HISTORY)
    return enough.select(ARTICLE, TIME, *NAMES, TARGET).order_by([TIME, ARTICLE])


NAMES = (
    "last_week",
    "mean_4",
    "mean_8",
    "median_8",
    "high_8",
    "deviation_8",
    "idle_8",
    "units_per_order",
    "price",
    "price_change",
    "market",
    "week_of_year",
)


def _weeks(days: ibis.Table) -> ibis.Table:
    """Return each article in each week since its first sale, with zero where it did not sell.

    Weeks in which nothing at all was sold (the shop is closed at the turn of the year) are left
    out: they say nothing about demand.
    """
    sold = days.mutate(**{TIME: days.date.cast("timestamp").truncate("W")})
    sold = sold.group_by([ARTICLE, TIME]).aggregate(
        units=sold.units.sum(), orders=sold.orders.sum(), price=sold.price.median(), listed=True
    )
    begun = sold.group_by(ARTICLE).aggregate(begun=sold[TIME].min())
    every = begun.cross_join(sold.select(TIME).distinct())
    every = every.filter(every[TIME] >= every.begun)
    joined = every.left_join(sold, [ARTICLE, TIME]).select(
        ARTICLE, TIME, "units", "orders", "price", "listed"
    )
    found = joined.mutate(
        units=ibis.ifelse(joined.listed.isnull(), 0, joined.units),
        orders=ibis.ifelse(joined.listed.isnull(), 0, joined.orders),
    ).drop("listed")
    # What all articles sold together, each order of a size that nobody can expect cut off.
    market = found.group_by(TIME).aggregate(
        market=found.units.cast("float64").clip(upper=_UNEXPECTED).mean()
    )
    priced = found.mutate(
        change=found.price.count().over(
            ibis.window(group_by=ARTICLE, order_by=TIME, preceding=None, following=0)
        )
    )
    return priced.mutate(
        # The price of the last week with a sale, this one included.
        known_price=priced.price.max().over(ibis.window(group_by=[ARTICLE, "change"]))
    ).join(market, TIME)


# Units of one article in a week beyond which it was one buyer's order, and no market.
_UNEXPECTED = 5000
