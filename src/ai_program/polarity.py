"""Polarity: whether a change of a governed document tightens or loosens what it promises.

A JSON Schema of the baseline says for each place which way is tighter (``x-polarity``) and by which
property the entries of a list are known (``x-key``). From these annotations alone two versions of a
document are compared, so a new guardrail needs an annotation and no code. The hook asks which
changes need a decision; the regeneration report tells a sprint what became tighter or looser.

It fails closed. What was promised and is missing, or has another type, is looser than before; a
place of a guardrail file that nobody has annotated may not change freely.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    Keys = tuple[str | int, ...]

TIGHTENED = "tightened"
LOOSENED = "loosened"
NEUTRAL = "neutral"

#: The polarities that a schema can declare by name, and what they mean to a reader.
POLARITIES = {
    "lower_is_tighter": "lower is tighter",
    "higher_is_tighter": "higher is tighter",
    "true_is_tighter": "true is tighter",
    "grows_tighter": "it may only grow",
    "shrinks_tighter": "it may only shrink",
    "fixed": "it is part of what was agreed",
    "set_once": "once set, it is part of what was agreed",
    NEUTRAL: "it promises nothing",
}

_SETS = ("grows_tighter", "shrinks_tighter")
_SHOWN = 60  # characters of a value in a sentence


class _Absent:
    """The value of a place that does not exist."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


class UnknownPolarityError(ValueError):
    """A schema declares a polarity that does not exist: the baseline is broken."""


class Change:
    """One place at which two versions of a document differ.

    ``pointer`` names the place by the keys of its entries (``gates[GATE-mape].limit``), so that it
    means the same after the entries moved. ``before_keys`` and ``after_keys`` are where it stands
    in each version; where it does not exist they name the nearest place that does.
    """

    __slots__ = ("after", "after_keys", "before", "before_keys", "direction", "pointer", "rule")

    def __init__(
        self,
        place: Place,
        before: object,
        after: object,
        direction: str,
        rule: str,
    ) -> None:
        self.pointer = place.pointer
        self.before_keys = place.before
        self.after_keys = place.after
        self.before = before
        self.after = after
        self.direction = direction
        self.rule = rule

    def __repr__(self) -> str:
        return f"Change({self.direction}: {describe(self)})"


class Place:
    """A place in both versions: its name for people and its keys in each document."""

    __slots__ = ("after", "before", "pointer")

    def __init__(self, pointer: str = "", before: Keys = (), after: Keys = ()) -> None:
        self.pointer = pointer
        self.before = before
        self.after = after

    def property(self, name: str) -> Place:
        """Return the place of a property of the object here."""
        label = name if _plain(name) else f'["{name}"]'
        joint = "." if self.pointer and _plain(name) else ""
        return Place(f"{self.pointer}{joint}{label}", (*self.before, name), (*self.after, name))

    def entry(self, key: object, before: int | None, after: int | None) -> Place:
        """Return the place of an entry of the list here, absent from a version without index."""
        return Place(
            f"{self.pointer}[{key}]",
            self.before if before is None else (*self.before, before),
            self.after if after is None else (*self.after, after),
        )


def compare(
    before: object, after: object, schema: dict[str, Any], *, unannotated: str = "fixed"
) -> list[Change]:
    """Return every place at which ``after`` differs from ``before``, and in which direction.

    A whole document that is missing is passed as ``ABSENT``. ``unannotated`` is the polarity of
    places about which the schema says nothing.
    """
    return list(_Comparison(schema, unannotated).differences(before, after, schema, Place(), None))


def describe(change: Change) -> str:
    """Return the change as a sentence part: ``GATE-mape: limit raised from 0.05 to 0.09``."""
    entry, bracket, field = change.pointer.rpartition("]")
    name = field.lstrip(".") if bracket else change.pointer
    key = entry.rpartition("[")[2]
    if bracket and not name:  # the entry itself
        name, key = (f"{entry.rpartition('[')[0]}: {key}"), ""
    subject = f"{key}: {name}" if key else name or "the document"
    if change.after is ABSENT:
        return f"{subject} removed" + (
            "" if _is_entry(change, change.before) else f" (it was {shown(change.before)})"
        )
    if change.before is ABSENT:
        return f"{subject} added" + (
            "" if _is_entry(change, change.after) else f" ({shown(change.after)})"
        )
    verb = "changed"
    if _is_number(change.before) and _is_number(change.after):
        verb = "raised" if change.after > change.before else "lowered"  # type: ignore[operator]
    return f"{subject} {verb} from {shown(change.before)} to {shown(change.after)}"


def shown(value: object) -> str:
    """Return a value as it would stand in YAML, cut to fit a sentence."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else repr(value)
    if isinstance(value, str) and (not text.isprintable() or _reads_otherwise(text)):
        text = repr(text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class _Comparison:
    """Walks two versions along one schema."""

    __slots__ = ("root", "unannotated")

    def __init__(self, root: dict[str, Any], unannotated: str) -> None:
        self.root = root
        self.unannotated = unannotated

    def differences(
        self,
        before: object,
        after: object,
        schema: dict[str, Any],
        place: Place,
        siblings: tuple[object, object] | None,
    ) -> Iterator[Change]:
        """Yield the differences at and below a place.

        ``siblings`` are the objects that hold the two values, for a polarity that depends on a
        neighbour.
        """
        if same(before, after):
            return
        inside = self._inside(before, after, schema, place)
        if inside is None:
            polarity = self._annotation(schema, "x-polarity") or self.unannotated
            direction, rule = _direction(polarity, before, after, siblings)
            yield Change(place, before, after, direction, rule)
        elif type(before) is type(after):
            yield from inside
        else:
            yield Change(place, before, after, _as_one(inside, after), "")

    def _inside(
        self, before: object, after: object, schema: dict[str, Any], place: Place
    ) -> Iterator[Change] | None:
        """Return the differences of the parts, if the values have parts that can be compared.

        What is no object counts as an empty one where the other version has an object.
        """
        if isinstance(before, list) and isinstance(after, list):
            if self._annotation(schema, "x-key") is not None:
                return self._of_entries(before, after, schema, place)
            polarity = self._annotation(schema, "x-polarity") or self.unannotated
            return _of_sets(before, after, polarity, place) if polarity in _SETS else None
        if isinstance(before, list) or not (isinstance(before, dict) or isinstance(after, dict)):
            return None
        return self._of_objects(
            before if isinstance(before, dict) else {},
            after if isinstance(after, dict) else {},
            schema,
            place,
        )

    def _of_objects(
        self, before: dict[str, Any], after: dict[str, Any], schema: dict[str, Any], place: Place
    ) -> Iterator[Change]:
        for name in (*before, *(name for name in after if name not in before)):
            yield from self.differences(
                before.get(name, ABSENT),
                after.get(name, ABSENT),
                self._property(schema, name),
                place.property(str(name)),
                (before, after),
            )

    def _of_entries(
        self, before: list[Any], after: list[Any], schema: dict[str, Any], place: Place
    ) -> Iterator[Change]:
        """Compare lists whose entries have names: moving one changes nothing."""
        names = self._annotation(schema, "x-key")
        names = names if isinstance(names, list) else [names]
        polarity = self._annotation(schema, "x-polarity") or self.unannotated
        items = self._annotation(schema, "items") or {}
        old, new = _by_key(before, names), _by_key(after, names)
        for key in (*old, *(key for key in new if key not in old)):
            ours, theirs = old.get(key, []), new.get(key, [])
            paired = min(len(ours), len(theirs))
            for left, right in zip(ours, theirs, strict=False):
                here = place.entry(key, left, right)
                yield from self.differences(before[left], after[right], items, here, None)
            for left in ours[paired:]:
                here = place.entry(key, left, None)
                yield Change(here, before[left], ABSENT, *_membership(polarity, removed=True))
            for right in theirs[paired:]:
                here = place.entry(key, None, right)
                direction, rule = _membership(polarity, removed=False)
                if right != theirs[0]:  # which of the two holds is anybody's guess
                    direction, rule = LOOSENED, "the name is taken"
                yield Change(here, ABSENT, after[right], direction, rule)

    def _views(self, schema: object) -> Iterator[dict[str, Any]]:
        """Yield the schema and what it refers to or is combined from."""
        waiting, seen = [schema], []
        while waiting:
            view = waiting.pop(0)
            if not isinstance(view, dict) or view in seen:
                continue
            seen.append(view)
            yield view
            if "$ref" in view:
                waiting.append(self._resolve(view["$ref"]))
            for combined in ("allOf", "anyOf", "oneOf"):
                waiting.extend(view.get(combined, ()))

    def _resolve(self, reference: str) -> object:
        """Follow a reference inside the schema."""
        node: Any = self.root
        for part in reference.removeprefix("#").split("/")[1:]:
            node = node.get(part) if isinstance(node, dict) else None
        return node

    def _annotation(self, schema: dict[str, Any], name: str) -> Any:  # noqa: ANN401 - any JSON
        return next((view[name] for view in self._views(schema) if name in view), None)

    def _property(self, schema: dict[str, Any], name: str) -> dict[str, Any]:
        for view in self._views(schema):
            found = view.get("properties", {}).get(name)
            if isinstance(found, dict):
                return found
        found = self._annotation(schema, "additionalProperties")
        return found if isinstance(found, dict) else {}


def same(left: object, right: object) -> bool:
    """Tell whether two values are equal in JSON: unlike in Python, ``true`` is not ``1``."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def _as_one(parts: Iterator[Change], after: object) -> str:
    """Judge a block that came, went or became something else, by its loosest part.

    Whoever removes a whole block is asked for one decision, not for one per line.
    """
    found = {change.direction for change in parts}
    replaced = not _is_missing(after) and not isinstance(after, dict)
    if LOOSENED in found or (replaced and TIGHTENED in found):
        return LOOSENED
    return TIGHTENED if TIGHTENED in found else NEUTRAL


def _of_sets(
    before: list[Any], after: list[Any], polarity: object, place: Place
) -> Iterator[Change]:
    """Compare lists whose order and repetitions say nothing."""
    old, new = ({_identity(item): n for n, item in enumerate(each)} for each in (before, after))
    for identity, index in old.items():
        if identity not in new:
            here = place.entry(shown(before[index]), index, None)
            yield Change(here, before[index], ABSENT, *_membership(polarity, removed=True))
    for identity, index in new.items():
        if identity not in old:
            here = place.entry(shown(after[index]), None, index)
            yield Change(here, ABSENT, after[index], *_membership(polarity, removed=False))


def _membership(polarity: object, *, removed: bool) -> tuple[str, str]:
    """Judge that an entry of a list went or came."""
    if polarity == NEUTRAL:
        return NEUTRAL, POLARITIES[NEUTRAL]
    if polarity == "fixed":
        return LOOSENED, POLARITIES["fixed"]
    if polarity not in _SETS:
        raise UnknownPolarityError(f"a list cannot have the polarity {polarity!r}")
    loosened = removed is (polarity == "grows_tighter")
    return (LOOSENED if loosened else TIGHTENED), POLARITIES[str(polarity)]


def _direction(
    polarity: object, before: object, after: object, siblings: tuple[object, object] | None
) -> tuple[str, str]:
    """Judge that one value became another, and say by which rule."""
    if isinstance(polarity, dict) and "by" in polarity:
        polarity = _by_neighbour(polarity, siblings)
    rule = _rule(polarity)
    if polarity == NEUTRAL:
        return NEUTRAL, rule
    if polarity == "fixed" or (polarity == "set_once" and not _is_unset(before)):
        return LOOSENED, rule
    if polarity == "set_once":
        return (NEUTRAL if _is_unset(after) else TIGHTENED), rule
    old, new = _strength(polarity, before), _strength(polarity, after)
    if new is None:
        return LOOSENED, rule
    if old is None:
        return (LOOSENED if _is_missing(after) else TIGHTENED), rule
    if old == new:
        return NEUTRAL, rule
    return (TIGHTENED if new > old else LOOSENED), rule


def _rule(polarity: object) -> str:
    if isinstance(polarity, str) and polarity in POLARITIES:
        return POLARITIES[polarity]
    if isinstance(polarity, dict) and isinstance(polarity.get("ordered"), list):
        return " < ".join(shown(step) for step in polarity["ordered"])
    raise UnknownPolarityError(f"no such polarity: {polarity!r}")


def _by_neighbour(polarity: dict[str, Any], siblings: tuple[object, object] | None) -> object:
    """Return the polarity that the neighbour's value selects, if both versions agree on it."""
    choices = [
        each.get(polarity["by"]) if isinstance(each, dict) else None for each in siblings or ()
    ]
    if len(choices) == 2 and isinstance(choices[0], str) and choices[0] == choices[1]:
        return polarity.get(choices[0], "set_once")
    return "set_once"


def _strength(polarity: object, value: object) -> tuple[int, float] | None:
    """Return how strong a promise the value is; None if it has the wrong type.

    No value promises nothing, which is weaker than any value.
    """
    if _is_missing(value):
        return (0, 0.0)
    if isinstance(polarity, dict):
        steps = [index for index, step in enumerate(polarity["ordered"]) if same(step, value)]
        return (1, float(steps[0])) if steps else None
    if polarity == "true_is_tighter":
        return ((1, 1.0) if value else (0, 0.0)) if isinstance(value, bool) else None
    if polarity in ("lower_is_tighter", "higher_is_tighter"):
        if not _is_number(value):
            return None
        return (1, float(value) if polarity == "higher_is_tighter" else -float(value))  # type: ignore[arg-type]
    # A set against something that is no list.
    return (1, 0.0) if isinstance(value, list) else None


def _by_key(entries: Sequence[object], names: Sequence[str]) -> dict[str, list[int]]:
    """Return the indices of the entries of each name; an entry without a name is passed over.

    The schema reports it, and whatever it replaced is seen as removed.
    """
    found: dict[str, list[int]] = {}
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            parts = [entry.get(name) for name in names]
            if all(isinstance(part, (str, int)) for part in parts):
                found.setdefault(",".join(shown(part) for part in parts), []).append(index)
    return found


def _identity(value: object) -> str:
    """Return a text that is equal for what is the same in JSON."""
    if isinstance(value, dict):
        items = sorted(f"{key!r}:{_identity(item)}" for key, item in value.items())
        return f"{{{','.join(items)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_identity, value))}]"
    if isinstance(value, float) and value.is_integer():
        return repr(int(value))
    return repr(value)


def _is_missing(value: object) -> bool:
    return value is None or value is ABSENT


def _is_unset(value: object) -> bool:
    """Tell whether nothing was chosen yet; schemas write that as null or ``none``."""
    return _is_missing(value) or value == "none"


def _is_number(value: object) -> bool:
    """Tell whether the value is a finite number."""
    return type(value) in (int, float) and -1e300 < value < 1e300  # type: ignore[operator]


def _is_entry(change: Change, value: object) -> bool:
    """Tell whether the value needs no mention, because the pointer says it or it is too long."""
    return isinstance(value, (dict, list)) or change.pointer.endswith("]")


def _reads_otherwise(text: str) -> bool:
    """Tell whether text without quotes would be taken for something else."""
    try:
        float(text or "0")
    except ValueError:
        return text in ("null", "true", "false")
    return True


def _plain(name: str) -> bool:
    return name.replace("-", "_").isidentifier()
