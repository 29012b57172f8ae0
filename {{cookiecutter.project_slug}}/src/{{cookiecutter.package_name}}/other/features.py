"""Features: what the feature view declares, made from the columns that the contract declares.

Nothing about the data stands in code. The contract names the target and the time (custom properties
``target`` and ``time``); a feature is one of these, by its name and inputs:

    {name: distance, inputs: [distance]}             the column itself
    {name: TIME_hour, TIME_weekday, inputs: [TIME]}  a part of the time
    {name: TARGET_before, inputs: [TARGET, TIME]}    the mean of the target on all earlier days

Whatever else is declared is refused, until it is added to `build` with a test.
"""

from __future__ import annotations

import ibis

from .. import settings
from ..errors import RefusedError

_SETTINGS = settings.load()
_PROPERTIES = {each["property"]: each["value"] for each in _SETTINGS.contract["customProperties"]}

DATASET = str(_SETTINGS.contract["schema"][0]["name"])
TIME = str(_PROPERTIES["time"])
TARGET = str(_PROPERTIES["target"])
# What there is more of when the data grows (`nox -s scale`).
GROWS_BY = TIME
BEFORE = f"{TARGET}_before"
KEYS = tuple(_SETTINGS.keys)
NAMES = tuple(str(each["name"]) for each in _SETTINGS.features["features"])


def build(tables: dict[str, ibis.Table]) -> ibis.Table:
    """Return keys, time, features and target of each row that has earlier days to look back on."""
    table = tables[DATASET]
    rows = table.mutate(day=table[TIME].cast("timestamp").truncate("D"))
    days = rows.group_by("day").aggregate(
        total=rows[TARGET].cast("float64").sum(), known=rows[TARGET].count()
    )
    earlier = ibis.window(order_by="day", preceding=(None, 1))
    days = days.select(
        "day", **{BEFORE: days.total.sum().over(earlier) / days.known.sum().over(earlier)}
    )
    rows = rows.join(days, "day")
    made = rows.mutate(**{name: _feature(rows, name) for name in NAMES})
    columns = dict.fromkeys((*KEYS, TIME, *NAMES))
    target = rows[TARGET].cast("float64") if TARGET not in NAMES else made[TARGET]
    found = made.select(*columns, **{TARGET: target})
    return found.filter(found[BEFORE].notnull()).order_by(TIME, *KEYS)


def _feature(rows: ibis.Table, name: str) -> ibis.Value:
    """Return one declared feature."""
    declared = next(each for each in _SETTINGS.features["features"] if each["name"] == name)
    inputs = list(declared["inputs"])
    if name == BEFORE:
        return rows[BEFORE].cast("float64")
    if name == f"{TIME}_hour" and inputs == [TIME]:
        return rows[TIME].cast("timestamp").hour().cast("int64")
    if name == f"{TIME}_weekday" and inputs == [TIME]:
        return rows[TIME].day_of_week.index().cast("int64")
    if inputs == [name] and name in rows.columns and name not in (TARGET, TIME):
        return rows[name].cast(declared["dtype"])
    raise RefusedError(
        f"features/{_SETTINGS.features['id']}.yaml declares {name} from {', '.join(inputs)}, which "
        "no code makes: add it to features.py of the use case, with a test"
    )
