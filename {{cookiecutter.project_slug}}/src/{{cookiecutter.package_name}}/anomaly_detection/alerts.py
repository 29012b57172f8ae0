"""Alerts: when somebody is called, and when what happens still belongs to the last call.

Readings that are off come in flocks. One call is enough for a flock, so an alert stays the last one
until `COOL_DOWN` has passed without another reading that is off. Anomalies that lie closer together
than that are one episode: what one call can find.
"""

from __future__ import annotations

import numpy as np

COOL_DOWN = np.timedelta64(15, "m")


def first_of_each(times: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Return which readings begin a flock: they are off, and for `COOL_DOWN` none was before."""
    found = np.zeros(len(times), dtype=bool)
    places = np.flatnonzero(off)
    if len(places):
        found[places] = np.diff(times[places], prepend=times[places[0]] - COOL_DOWN) >= COOL_DOWN
    return found
