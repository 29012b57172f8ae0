"""Features: the readings of one moment, as they come.

A reading is judged by itself, without those before it: the order of the sample is not the order in
which it was recorded, so that whatever looked at the past would learn what is not there.
"""

from __future__ import annotations

import ibis

DATASET = "sensor_readings"
TIME = "ts"
TARGET = "anomaly"
# What there is more of when the data grows (`nox -s scale`).
GROWS_BY = TIME
# The channels, with the same names as in the contract.
NAMES = tuple(f"f{channel}" for channel in range(1, 10))


def build(tables: dict[str, ibis.Table]) -> ibis.Table:
    """Return time, channels and label of each reading, in their order."""
    readings = tables[DATASET]
    channels = {name: readings[name].cast("float64") for name in NAMES}
    return readings.select(TIME, **channels, **{TARGET: readings[TARGET]}).order_by(TIME)
