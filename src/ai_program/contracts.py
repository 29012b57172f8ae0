"""Data contracts as the rules read them: the Open Data Contract Standard plus what it leaves open.

The standard has no place for the owner, the KPIs and consumers that a dataset serves, the sample in
git and whether a field is personal data. These stand in ``customProperties``, by name.
"""

from __future__ import annotations

from ai_program import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Location

    Keys = tuple[str | int, ...]

# From the least to the most sensitive.
CLASSIFICATIONS = ("public", "internal", "confidential", "restricted")
PERSONAL_DATA = ("none", "indirect", "direct", "special")
# What leads from a field to the fields inside it.
_INSIDE = ("properties", "items", "map")


class Field:
    """A field of a contract, at any depth."""

    __slots__ = ("entry", "keys", "names", "pointer")

    def __init__(
        self, entry: Mapping[str, Any], keys: Keys, names: tuple[str, ...], pointer: str
    ) -> None:
        self.entry = entry
        self.keys = keys
        self.names = names  # the table's, then the way down
        self.pointer = pointer

    @property
    def name(self) -> str:
        """Return the name within its table."""
        return ".".join(self.names[1:])


def fields(doc: Document) -> list[Field]:
    """Return every field of a contract: columns, parts of columns, items of lists."""
    found: list[Field] = doc.once("fields", lambda: list(_fields(doc)))
    return found


def _fields(doc: Document) -> Iterator[Field]:
    stack: list[Field] = []
    for keys, table in values.entries(doc, "schema"):
        name = values.text(table.get("name"))
        stack.extend(_parts(Field(table, keys, (name,), f"schema[{name}]")))
    while stack:
        field = stack.pop(0)
        yield field
        stack[:0] = _parts(field)


def _parts(field: Field) -> list[Field]:
    found: list[Field] = []
    if field.entry.keys().isdisjoint(_INSIDE):  # as in most fields
        return found
    part: Any
    properties = field.entry.get("properties")
    for index, part in enumerate(properties if isinstance(properties, list) else ()):
        if isinstance(part, dict):
            name = values.text(part.get("name"))
            found.append(
                Field(
                    part,
                    (*field.keys, "properties", index),
                    (*field.names, name),
                    f"{field.pointer}.properties[{name}]",
                )
            )
    for way in (("items",), ("map", "key"), ("map", "value")):
        part = field.entry
        for key in way:
            part = part.get(key) if isinstance(part, dict) else None
        if isinstance(part, dict):
            found.append(
                Field(
                    part,
                    (*field.keys, *way),
                    (*field.names, f"[{way[-1]}]"),
                    f"{field.pointer}.{'.'.join(way)}",
                )
            )
    return found


def custom(entry: object, name: str) -> tuple[Keys, Any] | None:
    """Return a custom property of a contract, table or field: its relative keys and its value."""
    properties = entry.get("customProperties") if isinstance(entry, dict) else None
    for index, item in enumerate(properties if isinstance(properties, list) else ()):
        if isinstance(item, dict) and item.get("property") == name:
            return ("customProperties", index, "value"), item.get("value")
    return None


def value(doc: Document, name: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Return the value of a custom property of the whole contract, None if it has none."""
    found = custom(doc.value, name)
    return None if found is None else found[1]


def place(doc: Document, name: str) -> Location:
    """Return where a custom property stands; where they begin, if the contract lacks it."""
    found = custom(doc.value, name)
    return doc.at(*found[0]) if found else values.top(doc, "customProperties")


def consumers(doc: Document) -> list[str]:
    """Return the ids of the feature views that the contract says read the data."""
    return values.texts(value(doc, "consumers"))


def split(reference: object) -> tuple[str, str]:
    """Split ``electricity_demand@1.0.0`` into name and version."""
    name, _, version = values.text(reference).partition("@")
    return name, version


def semver(version: object) -> tuple[int, int, int] | None:
    """Return major, minor and patch; None for what is no such version."""
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) != 3 or not all(
        part.isascii() and part.isdigit() and len(part) < 10 and str(int(part)) == part
        for part in parts
    ):
        return None
    major, minor, patch = map(int, parts)
    return major, minor, patch
