"""Safe ways into documents that may hold anything.

AIP001 says what is malformed; every other rule reads what is well-formed and passes over the rest,
so that a hostile value never crashes it and one mistake is reported once.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Location

    Keys = tuple[str | int, ...]


def text(value: object) -> str:
    """Return a text without space around it; "" for anything else."""
    return value.strip() if isinstance(value, str) else ""


def texts(value: object) -> list[str]:
    """Return the texts of a list; nothing for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def number(value: object) -> int | float | None:
    """Return a number; None for anything else, true and false included."""
    return value if type(value) in (int, float) else None  # type: ignore[return-value]


def entries(doc: Document | None, *keys: str | int) -> Iterator[tuple[Keys, dict[str, Any]]]:
    """Yield the mappings of a list, each with its keys."""
    found = doc.get(*keys) if doc is not None else None
    for index, entry in enumerate(found if isinstance(found, list) else ()):
        if isinstance(entry, dict):
            yield (*keys, index), entry


def items(doc: Document | None, *keys: str | int) -> Iterator[tuple[Keys, str]]:
    """Yield the texts of a list, each with its keys."""
    found = doc.get(*keys) if doc is not None else None
    for index, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, str):
            yield (*keys, index), item


def mappings(docs: list[Document]) -> list[Document]:
    """Return the documents that hold a mapping, as all governed ones do."""
    return [doc for doc in docs if isinstance(doc.value, dict)]


def top(doc: Document, key: str) -> Location:
    """Return where a key of the whole document stands; its id's place, if the key is missing."""
    return doc.key_at(key) if key in doc.value else doc.at("id")


def unique(docs: list[Document], key: str = "id") -> dict[str, Document]:
    """Return documents by their id; of two with the same one, the first."""
    found: dict[str, Document] = {}
    for doc in docs:
        name = doc.get(key)
        if isinstance(name, str):
            found.setdefault(name, doc)
    return found


def joined(names: list[str] | set[str] | frozenset[str], most: int = 6) -> str:
    """Return names as one enumeration, in order, cut where it gets long."""
    ordered = sorted(names)
    shown = ordered[:most]
    more = len(ordered) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def near(name: str, known: Iterable[str]) -> str:
    """Return "; is … meant?" for a name that looks like a known one, else ""."""
    import difflib

    match = difflib.get_close_matches(name, list(known), n=1)
    return f"; is {match[0]} meant?" if match else ""


def shown(value: object) -> str:
    """Return a value for a message, as YAML would write it, cut where it gets long."""
    from ai_program.polarity import shown as written

    return written(value)
