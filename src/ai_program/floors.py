"""Floors: what a tier demands at least, whatever was answered and whoever decides.

``policies/tiers.yaml`` of the baseline names places of governed files and the limit of each tier.
A place may stand for each entry of a list (``gates[*].min_rows``), and then ``where`` picks those
that are meant.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.program import Program

    Keys = tuple[str | int, ...]

_KINDS = {"at_least": "at least", "at_most": "at most", "equals": ""}


class Breach:
    """A value on the wrong side of its tier's floor."""

    __slots__ = ("doc", "keys", "message")

    def __init__(self, doc: Document, keys: Keys, message: str) -> None:
        self.doc = doc
        self.keys = keys
        self.message = message


def breaches(program: Program, path: str | None = None) -> Iterator[Breach]:
    """Yield what lies below the tier's floors, in one file or in all that have floors."""
    tier = program.tier
    for floor in program.baseline.tiers["floors"]:
        file, _, place = floor["pointer"].partition("#")
        kind = next(kind for kind in _KINDS if kind in floor)
        bound = floor[kind].get(tier)
        doc = program.head.tree.document(file) if path in (None, file) else None
        if bound is None or doc is None or not isinstance(doc.value, dict):
            continue
        for keys, name in _places(doc, place, floor.get("where", {})):
            value = doc.get(*keys)
            if not _holds(kind, value, bound):
                from ai_program.polarity import shown

                wanted = f"{_KINDS[kind]} {shown(bound)}".strip()
                is_what = "missing" if value is None else shown(value)
                yield Breach(
                    doc,
                    keys,
                    f"{name} is {is_what}, the {tier} tier needs {wanted}: {floor['why']}",
                )


def _holds(kind: str, value: object, bound: Any) -> bool:  # noqa: ANN401 - number or boolean
    """Tell whether a value keeps a floor; what is missing or of another type does not."""
    if kind == "equals":
        return value is bound
    if type(value) not in (int, float):
        return False
    return bool(value >= bound if kind == "at_least" else value <= bound)


def _places(doc: Document, place: str, where: dict[str, object]) -> Iterator[tuple[Keys, str]]:
    """Yield the keys that a pointer means, each with its name for people."""
    head, each, tail = place.partition("[*].")
    keys = tuple(head.split("."))
    if not each:
        yield keys, head
        return
    entries = doc.get(*keys)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and all(entry.get(key) == at for key, at in where.items()):
            name = entry.get("id")
            label = name if isinstance(name, str) else f"{head}[{index}]"
            yield (*keys, index, *tail.split(".")), f"{label}: {tail}"
