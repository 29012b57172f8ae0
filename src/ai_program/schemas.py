"""Whether a value fits the schema of its kind, and if not, why.

Two libraries, one verdict: jsonschema-rs decides, because it judges hundreds of documents while
the other is still being imported; jsonschema explains the few that fail. Neither is imported
before there is something to judge.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from jsonschema.exceptions import ValidationError

    from ai_program.documents import Value

    Keys = tuple[str | int, ...]

_SUFFIX = ".schema.json"
_SHOWN = 60  # characters of a value in a message
_TYPES = {
    "string": "text", "object": "a mapping", "array": "a list", "integer": "a whole number",
    "number": "a number", "boolean": "true or false", "null": "null",
}  # fmt: skip

# Ships as the standard wrote it, in an older dialect, so it cannot join the others.
_OTHERS = frozenset(("odcs",))
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_validators: dict[tuple[str, str], Any] = {}
_bundles: dict[str, tuple[Any, frozenset[str]]] = {}


def prepare(schemas: Iterable[str], *, root: str) -> None:
    """Compile the schemas that are about to be asked for as one.

    Together they cost less than half of what they cost one by one.
    """
    _, prepared = _bundles.get(root, (None, frozenset[str]()))
    wanted = prepared.union(schema.removesuffix(_SUFFIX) for schema in schemas)
    if wanted != prepared:
        _bundles[root] = _bundle(root, wanted), wanted


def validate(schema: str, value: Value, *, root: str | None = None) -> list[tuple[Keys, str]]:
    """Return where and why a value does not fit a schema of the baseline; nothing if it does.

    The schema is named as in the layout (``program.schema.json``) or without its suffix. The keys
    lead to the value that is wrong, or to the key that should not be there.
    """
    name = schema.removesuffix(_SUFFIX)
    if root is None:
        from ai_program import paths

        root = paths.root()
    bundle, prepared = _bundles.get(root, (None, frozenset[str]()))
    if name in prepared and name not in _OTHERS and bundle.is_valid({name: value}):
        return []
    if (root, name) not in _validators:
        _validators[root, name] = _compile(_text(root, name))
    validator = _validators[root, name]
    if validator.is_valid(value):
        return []
    return explain(_text(root, name), value) or [
        (tuple(error.instance_path), error.message) for error in validator.iter_errors(value)
    ]


def explain(schema: str, value: Value) -> list[tuple[Keys, str]]:
    """Return the reasons of a value that does not fit, in words, in the order of their places."""
    import json

    import jsonschema

    parsed = json.loads(schema)
    validator = jsonschema.validators.validator_for(parsed)(parsed)
    found: dict[tuple[Keys, str], None] = {}
    for error in validator.iter_errors(value):
        best = jsonschema.exceptions.best_match([error]) or error
        for reason in _reasons(best):
            found[reason] = None
    return sorted(found, key=lambda reason: ([str(key) for key in reason[0]], reason[1]))


def _text(root: str, name: str) -> str:
    with open(f"{root}/schemas/{name}{_SUFFIX}", encoding="utf-8") as file:  # noqa: PTH123
        return file.read()


def _bundle(root: str, names: frozenset[str]) -> Value:
    """Return a validator that has each of these schemas as a property of the same name."""
    ours = sorted(names - _OTHERS)
    definitions = ",".join(f'"{name}":{_text(root, name)}' for name in ours)
    properties = ",".join(f'"{name}":{{"$ref":"#/$defs/{name}"}}' for name in ours)
    return _compile(
        f'{{"$schema":"{_DIALECT}","$defs":{{{definitions}}},"properties":{{{properties}}}}}'
    )


def _compile(text: str) -> Value:
    return _import_rust().validator_for(text, validate_formats=False)


def _import_rust() -> Value:
    """Import jsonschema-rs without what it never uses.

    While it is imported, it reads the date of its own build with ``email.utils`` (which brings in
    sockets, random numbers and addresses) and one constant of ``typing``. Both together cost more
    than all the rest of a clean run, so stand-ins serve for that moment.
    """
    if "jsonschema_rs" in sys.modules:
        return sys.modules["jsonschema_rs"]
    stand_ins = {}
    for name, attribute, value in (
        ("email", "__path__", []),
        ("email.utils", "parsedate_to_datetime", str),
        ("typing", "TYPE_CHECKING", False),
    ):
        if name not in sys.modules:
            stand_ins[name] = type(sys)(name)
            setattr(stand_ins[name], attribute, value)
    sys.modules.update(stand_ins)
    try:
        import jsonschema_rs
    except (AttributeError, ImportError):  # it needs more than it did: give it the real ones
        sys.modules.pop("jsonschema_rs", None)
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
    import jsonschema_rs

    return jsonschema_rs


def _reasons(error: ValidationError) -> list[tuple[Keys, str]]:
    """Say in the words of whoever wrote the file what one error means."""
    keys: Keys = tuple(error.absolute_path)
    value = error.validator
    wanted: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if value in {"additionalProperties", "unevaluatedProperties"} and isinstance(instance, dict):
        known = schema.get("properties", {})
        unknown = [key for key in instance if key not in known and _unexpected(key, error)]
        return [((*keys, key), f"the key {key!r} is unknown{_near(key, known)}") for key in unknown]
    if value == "required":
        missing = [key for key in wanted if key not in instance]
        return [(keys, f"the key {key!r} is missing") for key in missing]
    if value == "type":
        types = [wanted] if isinstance(wanted, str) else wanted
        words = " or ".join(_TYPES.get(name, name) for name in types)
        return [(keys, f"{_shown(instance)} is not {words}")]
    if value == "enum":
        return [(keys, f"{_shown(instance)} is not one of {', '.join(map(_shown, wanted))}")]
    if value == "const":
        return [(keys, f"{_shown(instance)} is not {_shown(wanted)}")]
    if value == "pattern":
        description = schema.get("description")
        means = f" ({description.rstrip('.')})" if description else ""
        return [(keys, f"{_shown(instance)} does not have the form {wanted}{means}")]
    if value in {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}:
        words = {
            "minimum": "less than", "maximum": "more than",
            "exclusiveMinimum": "not more than", "exclusiveMaximum": "not less than",
        }[str(value)]  # fmt: skip
        return [(keys, f"{_shown(instance)} is {words} {_shown(wanted)}")]
    if value in {"minItems", "minLength", "minProperties"}:
        return [(keys, f"{_shown(instance)} has fewer than {wanted}")]
    if value in {"maxItems", "maxLength", "maxProperties"}:
        return [(keys, f"{_shown(instance)} has more than {wanted}")]
    if value == "uniqueItems":
        return [(keys, "an entry stands here twice")]
    return [(keys, _cut(error.message))]


def _unexpected(key: str, error: ValidationError) -> bool:
    """Whether a key is one of those that the error is about (and not allowed by a pattern)."""
    return repr(key) in error.message


def _near(key: str, known: object) -> str:
    import difflib

    names = [name for name in known if isinstance(name, str)] if isinstance(known, dict) else []
    match = difflib.get_close_matches(key, names, n=1)
    return f"; is {match[0]!r} meant?" if match else ""


def _shown(value: object) -> str:
    import json

    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
