"""Public holidays of the grid area: known years ahead, so a forecast may use them.

The sample comes from Portugal. Another grid area has other days: replace them here.
"""

from __future__ import annotations

from datetime import date, timedelta

# Corpus Christi, Republic, All Saints and Restoration were working days from 2013 to 2015.
_FIXED = ((1, 1), (4, 25), (5, 1), (6, 10), (8, 15), (12, 8), (12, 25))
_SUSPENDED = ((10, 5), (11, 1), (12, 1))
_SUSPENSION = range(2013, 2016)


def easter(year: int) -> date:
    """Return Easter Sunday (the anonymous Gregorian computus)."""
    golden, century, rest = year % 19, year // 100, year % 100
    moon = (
        19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15
    ) % 30
    week = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    shift = (golden + 11 * moon + 22 * week) // 451
    month, day = divmod(moon + week - 7 * shift + 114, 31)
    return date(year, month, day + 1)


def holidays(first: int, last: int) -> list[date]:
    """Return the public holidays of these years, in order."""
    found = []
    for year in range(first, last + 1):
        fixed = _FIXED if year in _SUSPENSION else (*_FIXED, *_SUSPENDED)
        found += [date(year, month, day) for month, day in fixed]
        found += [easter(year) - timedelta(days=2), easter(year)]
        if year not in _SUSPENSION:
            found.append(easter(year) + timedelta(days=60))
    return sorted(found)
