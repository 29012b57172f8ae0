"""What a new version of a data contract or a feature view changes, and in which direction.

Two versions are flattened into elements (tables, fields, features) with facets (type, bounds, unit,
quality checks), and each kind of facet knows how two of its values compare. So a change has a
direction, and the same comparison the other way round has the opposite one:

narrower / wider    fewer or more values are allowed than before
weaker / stronger   less or more is promised about the values than before
different           neither contains the other

Old data does not fit what is narrower, readers are let down by what is weaker, and nobody knows
what becomes of what is different: these three break somebody. Pure functions over plain values,
which may be malformed: what is not understood is left to the schema, or counts as different.

Imported only when a contract or a feature view has changed.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Direction = Literal["narrower", "wider", "weaker", "stronger", "different"]
Key = str | int
Keys = tuple[Key, ...]

OPPOSITE: dict[Direction, Direction] = {
    "narrower": "wider",
    "wider": "narrower",
    "weaker": "stronger",
    "stronger": "weaker",
    "different": "different",
}
BREAKING = frozenset({"narrower", "weaker", "different"})


class Change(NamedTuple):
    """One difference: its direction, in words, and where it stands in either document.

    What is ``gone`` has no place in the newer document; ``after`` then leads to the list (a key,
    not a value) that would hold it.
    """

    direction: Direction
    what: str
    after: Keys
    before: Keys
    gone: bool = False

    @property
    def breaking(self) -> bool:
        """Tell whether somebody who relied on the old version is let down."""
        return self.direction in BREAKING


class Facet(NamedTuple):
    """One property of an element that can change, with its place relative to the element."""

    kind: str
    value: object
    keys: Keys
    gone: Keys  # where to point when the other version no longer has it


_NOTHING = Facet("statement", None, (), ())


class Element(NamedTuple):
    """Something that consumers address by name: a table, a field, a feature."""

    label: str
    keys: Keys
    parts: Keys  # where elements inside of it are listed
    facets: Mapping[str, Facet]


Path = tuple[str, ...]
Elements = dict[Path, Element]


def contract_changes(before: object, after: object) -> list[Change]:
    """Return how two versions of an Open Data Contract differ for those who use the data."""
    return _changes(_contract(before), _contract(after), ("schema",))


def feature_changes(before: object, after: object) -> list[Change]:
    """Return how two versions of a feature view differ for the models that read it."""
    return _changes(_feature_view(before), _feature_view(after), ("id",))


# --- comparing ---------------------------------------------------------------------------------


def _changes(before: Elements, after: Elements, top: Keys) -> list[Change]:
    """Compare element by element; what is inside of a removed or added one goes with it."""
    found: list[Change] = []
    for path, old in before.items():
        new, around = after.get(path), after.get(path[:-1])
        if new is not None:
            found += _facet_changes(old, new)
        elif around is not None or len(path) == 1:
            place = around.parts if around else _level_or(top, old)
            found.append(Change("narrower", f"{old.label} was removed", place, old.keys, gone=True))
    for path, new in after.items():
        around = before.get(path[:-1])
        if path not in before and (around is not None or len(path) == 1):
            place = around.parts if around else _level_or(top, new)
            found.append(Change("wider", f"{new.label} was added", new.keys, place))
    return found


def _level_or(top: Keys, element: Element) -> Keys:
    """Return the list that holds an element of the top."""
    return (_LEVELS,) if element.keys[:1] == (_LEVELS,) else top


def _facet_changes(old: Element, new: Element) -> Iterator[Change]:
    for name in [*old.facets, *(name for name in new.facets if name not in old.facets)]:
        was, now = old.facets.get(name), new.facets.get(name)
        # A facet that one side lacks counts as "not said" there, at the place that would hold it.
        facet = was or now or _NOTHING
        absent = facet._replace(value=None, keys=facet.gone)
        gone = now is None
        was, now = was or absent, now or absent
        direction = _COMPARE[facet.kind](was.value, now.value)
        if direction is not None:
            what = _words(f"{name} of {old.label}", facet.kind, direction, was.value, now.value)
            yield Change(direction, what, new.keys + now.keys, old.keys + was.keys, gone)


def _words(of: str, kind: str, direction: Direction, was: object, now: object) -> str:
    """Say in one clause what happened to the facet."""
    if kind == "required":
        return f"{of.partition(' of ')[2]} became {'required' if now else 'optional'}"
    if kind == "check":
        if now is None or was is None:
            return f"{of} was {'dropped' if now is None else 'added'}"
        if direction == "different":
            return f"{of} was changed"
        return f"{of} was {'loosened' if direction == 'weaker' else 'tightened'}"
    if kind == "values" and isinstance(was, frozenset) and isinstance(now, frozenset):
        lost, gained = _listed(was - now), _listed(now - was)
        clauses = [f"lost {lost}"] * bool(lost) + [f"gained {gained}"] * bool(gained)
        return f"{of} {' and '.join(clauses)}"
    if was is None or now is None:
        value = now if was is None else was
        shown = f" ({_listed(value) if isinstance(value, frozenset) else _shown(value)})"
        return f"{of}{shown} was {'added' if was is None else 'removed'}"
    return f"{of} changed from {_shown(was)} to {_shown(now)}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _listed(values: frozenset[str]) -> str:
    return ", ".join(sorted(values))


# --- one comparison for each kind of facet; None stands for "not said" ---------------------------


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _ordered(was: object, now: object) -> int | None:
    """Compare two bounds: numbers with numbers, texts (dates) with texts; None: not comparable."""
    old, new = _number(was), _number(now)
    if old is not None and new is not None:
        return (new > old) - (new < old) if new == new and old == old else None  # noqa: PLR0124
    if isinstance(was, str) and isinstance(now, str):
        return (now > was) - (now < was)
    return 0 if was == now else None


def _lower_bound(was: object, now: object) -> Direction | None:
    if was is None or now is None:
        return None if was is now else "narrower" if was is None else "wider"
    order = _ordered(was, now)
    return "different" if order is None else "narrower" if order > 0 else "wider" if order else None


def _upper_bound(was: object, now: object) -> Direction | None:
    direction = _lower_bound(was, now)
    if direction is None or was is None or now is None:
        return direction
    return OPPOSITE[direction]


def _constraint(was: object, now: object) -> Direction | None:
    """Compare something that excludes values when it is said: a pattern, a format."""
    if was == now:
        return None
    return "narrower" if was is None else "wider" if now is None else "different"


def _level(was: object, now: object, *, lower: bool) -> Direction | None:
    """Compare a number that says how good a service is."""
    if was == now:
        return None
    if not _is_number(was) or not _is_number(now):
        return _statement(was, now)
    return "stronger" if (now < was) is lower else "weaker"  # type: ignore[operator]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _statement(was: object, now: object) -> Direction | None:
    """Compare something that informs when it is said: a unit, a key, a time zone."""
    if was == now:
        return None
    return "stronger" if was is None else "weaker" if now is None else "different"


def _required(was: object, now: object) -> Direction | None:
    if bool(was) == bool(now):
        return None
    return "narrower" if now else "wider"


def _promise(was: object, now: object) -> Direction | None:
    if bool(was) == bool(now):
        return None
    return "stronger" if now else "weaker"


def _values(was: object, now: object) -> Direction | None:
    if not isinstance(was, frozenset) or not isinstance(now, frozenset):
        return _constraint(was, now)
    if was == now:
        return None
    return "narrower" if now < was else "wider" if now > was else "different"


_WIDER_TYPES: tuple[tuple[str, ...], ...] = (
    ("integer", "number"),
    ("tinyint", "smallint", "int", "bigint", "hugeint"),
    ("utinyint", "usmallint", "uinteger", "ubigint"),
    ("real", "float", "double"),
    ("int8", "int16", "int32", "int64"),
    ("uint8", "uint16", "uint32", "uint64"),
    ("float16", "float32", "float64"),
)
_TYPE = re.compile(r"([a-z0-9_ ]+?)\s*(?:\(\s*(\d{1,9})\s*(?:,\s*(\d{1,9})\s*)?\))?")


def _type(was: object, now: object) -> Direction | None:
    if was is None or now is None or not isinstance(was, str) or not isinstance(now, str):
        return _statement(was, now)
    old, new = _TYPE.fullmatch(was.strip().lower()), _TYPE.fullmatch(now.strip().lower())
    if old is None or new is None:
        return None if was == now else "different"
    if old[1] == new[1]:
        return _size((old[2], old[3]), (new[2], new[3]))
    for chain in _WIDER_TYPES:
        if old[1] in chain and new[1] in chain:
            return "wider" if chain.index(new[1]) > chain.index(old[1]) else "narrower"
    return "different"


def _size(
    was: tuple[str | None, str | None], now: tuple[str | None, str | None]
) -> Direction | None:
    """Compare varchar(20) with varchar(10), decimal(10,2) with decimal(12,2)."""
    if was == now:
        return None
    if was[1] is None and now[1] is None:
        return _upper_bound(was[0] and int(was[0]), now[0] and int(now[0]))
    if None in was or None in now:
        return "different"
    (p0, s0), (p1, s1) = [(int(p or 0), int(s or 0)) for p, s in (was, now)]
    if p1 - s1 >= p0 - s0 and s1 >= s0:
        return "wider"
    if p1 - s1 <= p0 - s0 and s1 <= s0:
        return "narrower"
    return "different"


class _Check(NamedTuple):
    """A quality check: what it measures, and the values that it accepts."""

    subject: str
    severity: object
    operators: tuple[tuple[str, object], ...]


# As (place of the end, whether the end itself is excluded): a bigger start and a smaller end accept
# less. Each operator gives the start, the end or both.
_START = {"mustBeGreaterThan": 1, "mustBeGreaterOrEqualTo": 0}
_END = {"mustBeLessThan": -1, "mustBeLessOrEqualTo": 0}
_OPERATORS = (*_START, *_END, "mustBe", "mustNotBe", "mustBeBetween", "mustNotBeBetween")
_SEVERITIES = ("info", "warning", "error")
_INFINITY = float("inf")


def _accepted(check: _Check) -> tuple[tuple[float, int], tuple[float, int]] | None:
    """Return the interval of accepted values, if it is one."""
    if len(check.operators) != 1:
        return None
    operator, value = check.operators[0]
    number = _number(value)
    if number is not None and number == number:  # noqa: PLR0124
        if operator in _START:
            return (number, _START[operator]), (_INFINITY, 0)
        if operator in _END:
            return (-_INFINITY, 0), (number, _END[operator])
        if operator == "mustBe":
            return (number, 0), (number, 0)
    if operator == "mustBeBetween" and isinstance(value, list) and len(value) == 2:
        low, high = _number(value[0]), _number(value[1])
        if low is not None and high is not None:
            return (low, 0), (high, 0)
    return None


def _check(was: object, now: object) -> Direction | None:
    if not isinstance(was, _Check) or not isinstance(now, _Check):
        return _statement(was, now)
    if was == now:
        return None
    if was.subject != now.subject:
        return "different"
    directions = {_severity(was.severity, now.severity), _acceptance(was, now)} - {None}
    return directions.pop() if len(directions) == 1 else "different"


def _severity(was: object, now: object) -> Direction | None:
    if was == now:
        return None
    if was not in _SEVERITIES or now not in _SEVERITIES:
        return "different"
    stronger = _SEVERITIES.index(str(now)) > _SEVERITIES.index(str(was))
    return "stronger" if stronger else "weaker"


def _acceptance(was: _Check, now: _Check) -> Direction | None:
    if was.operators == now.operators:
        return None
    old, new = _accepted(was), _accepted(now)
    if old is None or new is None:
        return "different"
    if old == new:
        return None
    if new[0] >= old[0] and new[1] <= old[1]:
        return "stronger"
    if new[0] <= old[0] and new[1] >= old[1]:
        return "weaker"
    return "different"


_COMPARE: dict[str, Callable[[object, object], Direction | None]] = {
    "type": _type,
    "required": _required,
    "promise": _promise,
    "values": _values,
    "lower": _lower_bound,
    "upper": _upper_bound,
    "constraint": _constraint,
    "statement": _statement,
    "time": partial(_level, lower=True),
    "share": partial(_level, lower=False),
    "check": _check,
}


# --- flattening --------------------------------------------------------------------------------


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _fingerprint(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _unique(path: Path, known: Mapping[Path, object]) -> Path:
    """Keep a second element of the same name apart; another rule reports that there are two."""
    number = 2
    free = path
    while free in known:
        free = (*path[:-1], f"{path[-1]}#{number}")
        number += 1
    return free


def _contract(contract: object) -> Elements:
    elements: Elements = {}
    for index, table in enumerate(_items(_mapping(contract).get("schema"))):
        name = _mapping(table).get("name")
        if isinstance(name, str):
            path = _unique((name,), elements)
            keys: Keys = ("schema", index)
            parts: Keys = (*keys, "properties")
            elements[path] = Element(f"table {name}", keys, parts, _checks(_mapping(table)))
            _fields(_mapping(table).get("properties"), path, parts, elements)
    _service_levels(_items(_mapping(contract).get(_LEVELS)), elements)
    return elements


_LEVELS = "slaProperties"
# Service levels of the standard, by the long or short name. How long data is kept is the policy's.
_TIMES = frozenset(
    ("freshness", "latency", "ly", "frequency", "fy", "errorRate", "er", "timeToDetect", "td",
     "timeToNotify", "tn", "timeToRepair", "tr")
)  # fmt: skip
_SHARES = frozenset(("availability", "av", "throughput", "th"))


def _service_levels(levels: Sequence[object], elements: Elements) -> None:
    for index, entry in enumerate(levels):
        level = _mapping(entry)
        name = level.get("property")
        if isinstance(name, str) and name in _TIMES | _SHARES:
            kind = "time" if name in _TIMES else "share"
            keys: Keys = (_LEVELS, index)
            facets = {
                "value": Facet(kind, level.get("value"), ("value",), ()),
                "unit": Facet("statement", level.get("unit"), ("unit",), ()),
            }
            path = _unique((f"service level {name}",), elements)
            elements[path] = Element(f"service level {name}", keys, keys, facets)


def _fields(properties: object, parent: Path, keys: Keys, elements: Elements) -> None:
    for index, entry in enumerate(_items(properties)):
        name = _mapping(entry).get("name")
        if isinstance(name, str):
            _field(_mapping(entry), _unique((*parent, name), elements), (*keys, index), elements)


def _field(entry: Mapping[str, object], path: Path, keys: Keys, elements: Elements) -> None:
    parts: Keys = (*keys, "properties")
    elements[path] = Element(f"field {'.'.join(path[1:])}", keys, parts, _field_facets(entry))
    _fields(entry.get("properties"), path, parts, elements)
    if isinstance(entry.get("items"), dict):
        _field(_mapping(entry["items"]), (*path, "[]"), (*keys, "items"), elements)
    for part in ("key", "value"):
        inner = _mapping(entry.get("map")).get(part)
        if isinstance(inner, dict):
            _field(inner, (*path, f"[{part}]"), (*keys, "map", part), elements)


_OPTIONS = {
    "minimum": "lower",
    "exclusiveMinimum": "lower",
    "minLength": "lower",
    "minItems": "lower",
    "minProperties": "lower",
    "maximum": "upper",
    "exclusiveMaximum": "upper",
    "maxLength": "upper",
    "maxItems": "upper",
    "maxProperties": "upper",
    "pattern": "constraint",
    "format": "constraint",
    "multipleOf": "constraint",
    "uniqueItems": "promise",
}


def _field_facets(entry: Mapping[str, object]) -> dict[str, Facet]:
    facets = {
        "type": Facet("type", entry.get("logicalType"), ("logicalType",), ()),
        "physical type": Facet("type", entry.get("physicalType"), ("physicalType",), ()),
        "physical name": Facet(
            "statement", entry.get("physicalName", entry.get("name")), ("physicalName",), ()
        ),
        "required": Facet("required", entry.get("required"), ("required",), ()),
        "uniqueness": Facet("promise", entry.get("unique"), ("unique",), ()),
        "primary key": Facet("promise", entry.get("primaryKey"), ("primaryKey",), ()),
    }
    if isinstance(entry.get("enum"), list):
        values = frozenset(
            _shown(_mapping(item).get("value", item)) for item in _items(entry["enum"])
        )
        facets["allowed values"] = Facet("values", values, ("enum",), ())
    for option, value in _mapping(entry.get("logicalTypeOptions")).items():
        kind = _OPTIONS.get(option, "statement")
        facets[option] = Facet(kind, value, ("logicalTypeOptions", option), ())
    for index, item in enumerate(_items(entry.get("customProperties"))):
        if _mapping(item).get("property") == "unit" and "unit" not in facets:
            keys: Keys = ("customProperties", index, "value")
            facets["unit"] = Facet(
                "statement", _mapping(item).get("value"), keys, ("customProperties",)
            )
    return {**facets, **_checks(entry)}


# What a check is called, who runs it when and what it costs do not change what it promises.
_COSMETIC = {
    "authoritativeDefinitions",
    "businessImpact",
    "description",
    "dimension",
    "id",
    "name",
    "schedule",
    "scheduler",
    "severity",
    "tags",
}


def _checks(entry: Mapping[str, object]) -> dict[str, Facet]:
    facets: dict[str, Facet] = {}
    for index, item in enumerate(_items(entry.get("quality"))):
        if not isinstance(item, dict):
            continue
        subject = {
            key: value
            for key, value in item.items()
            if key not in _COSMETIC and key not in _OPERATORS and key != "arguments"
        }
        arguments = dict(_mapping(item.get("arguments")))
        valid = arguments.pop("validValues", None)
        subject["arguments"] = arguments
        fingerprint = _fingerprint(subject)
        named = item.get("name") or item.get("id")
        title = named if isinstance(named, str) else _check_title(item, fingerprint)
        name = _unique((f"quality check {title}",), {(known,): None for known in facets})[0]
        keys: Keys = ("quality", index)
        check = _Check(
            fingerprint,
            item.get("severity", "error"),
            tuple((key, item[key]) for key in _OPERATORS if key in item),
        )
        facets[name] = Facet("check", check, keys, ("quality",))
        if isinstance(valid, list):
            values = frozenset(_shown(value) for value in valid)
            where: Keys = (*keys, "arguments", "validValues")
            facets[f"valid values in {name}"] = Facet("values", values, where, ("quality",))
    return facets


def _check_title(item: Mapping[str, object], fingerprint: str) -> str:
    """Name a check that has no name by what it measures, or else by everything that it says."""
    metric = item.get("metric")
    if isinstance(metric, str) and not item.get("arguments"):
        return metric
    return fingerprint


def _feature_view(view: object) -> Elements:
    view = _mapping(view)
    name = view.get("id")
    if not isinstance(name, str):
        return {}
    entity = _mapping(view.get("entity"))
    facets = {
        "entity": Facet("statement", entity.get("name"), ("entity", "name"), ("entity",)),
        "entity keys": Facet("statement", entity.get("keys"), ("entity", "keys"), ("entity",)),
    }
    elements: Elements = {(name,): Element(f"feature view {name}", (), ("features",), facets)}
    for index, feature in enumerate(_items(view.get("features"))):
        title = _mapping(feature).get("name")
        if isinstance(title, str):
            path = _unique((name, title), elements)
            keys: Keys = ("features", index)
            elements[path] = Element(
                f"feature {title}", keys, keys, _feature_facets(_mapping(feature))
            )
    return elements


def _feature_facets(feature: Mapping[str, object]) -> dict[str, Facet]:
    facets = {
        "type": Facet("type", feature.get("dtype"), ("dtype",), ()),
        "required": Facet("required", feature.get("nulls") == "forbidden", ("nulls",), ()),
        "unit": Facet("statement", feature.get("unit"), ("unit",), ()),
    }
    bounds = _items(feature.get("range"))
    if len(bounds) == 2:
        facets["lower end of the range"] = Facet("lower", bounds[0], ("range", 0), ())
        facets["upper end of the range"] = Facet("upper", bounds[1], ("range", 1), ())
    return facets
