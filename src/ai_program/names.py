"""Whether a name says what another one says, however it is spelled.

A banned trait does not get harmless by being called ``customer_Gender``, ``genderCode`` or
``customergender``.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Shorter traits hide in ordinary words ("race" in "trace", "age" in "storage"), so they count only
# as words of their own.
_LONG = 6
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\dA-Za-z_]+")


@lru_cache(maxsize=1024)  # every feature is held against every trait
def words(name: str) -> tuple[str, ...]:
    """Split a name at separators, digits and capitals: lower case, singular."""
    return tuple(_singular(word.lower()) for word in _WORDS.findall(name))


def means(name: str, trait: str) -> bool:
    """Tell whether a name contains a trait: as words, or run together if it is long enough."""
    has, wanted = words(name), words(trait)
    if not wanted:
        return False
    size = len(wanted)
    if any(has[at : at + size] == wanted for at in range(len(has) - size + 1)):
        return True
    together = "".join(wanted)
    return len(together) >= _LONG and together in "".join(has)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
