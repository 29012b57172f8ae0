"""Tables that no use case knows, as teams have them: made up, with the warts of real ones."""

from __future__ import annotations

import csv
import datetime as dt
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def deliveries(path: Path) -> Path:
    """Write orders with their delivery times: odd names, gaps, and a column with addresses."""
    draw = random.Random(7)
    time = dt.datetime(2025, 1, 1, 6)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        header = "Order No,Placed at,Distance (km),Parcels,Express,Courier e-mail,Minutes"
        rows.writerow(header.split(","))
        for number in range(4000):
            time += dt.timedelta(minutes=draw.randint(10, 60))
            distance, parcels = round(draw.uniform(0.5, 30), 1), draw.randint(1, 9)
            express = draw.random() < 0.3
            minutes = 12 + 3.1 * distance + 2 * parcels - 15 * express + draw.gauss(0, 6)
            rows.writerow([
                f"A{number:05d}", time.isoformat(" "), distance if draw.random() > 0.02 else "",
                parcels, str(express).lower(), f"c{number % 9}@example.org",
                round(max(5, minutes), 1),
            ])  # fmt: skip
    return path


def returns(path: Path) -> Path:
    """Write articles that were sent back or not: semicolons, days, a yes or no."""
    draw = random.Random(7)
    first = dt.date(2024, 3, 1)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["datum", "artikel", "preis", "größe", "zurück"])
        for number in range(6000):
            price, size = round(draw.lognormvariate(3, 0.6), 2), draw.choice([36, 38, 40, 42, 44])
            likely = 0.1 + 0.5 * (price > 30) + 0.2 * (size == 44)
            rows.writerow([
                first + dt.timedelta(days=number // 12), draw.randint(1, 400) * 10000 + number,
                price, size, int(draw.random() < likely),
            ])  # fmt: skip
    return path
