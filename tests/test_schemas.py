"""The schemas of governed files: strict, self-contained, and explicit about what is a promise."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import jsonschema_rs
import pytest
import yaml

POLICIES = Path(__file__).parents[1] / "policies"
SCHEMAS = {path.name: json.loads(path.read_text()) for path in POLICIES.glob("schemas/*.json")}
# Made by others, or from the questions, and held to their own rules.
OURS = {n: s for n, s in SCHEMAS.items() if n not in ("odcs.schema.json", "workshop.schema.json")}
GUARDRAILS = ["program", "data", "security", "evaluation", "release", "monitoring", "oversight"]


def resolved(schema, root):
    return root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def subschemas(schema, place=""):
    """Yield every schema within a schema, with its place."""
    yield place, schema
    for key in ("properties", "$defs"):
        for name, part in schema.get(key, {}).items():
            yield from subschemas(part, f"{place}/{key}/{name}")
    for key in ("items", "additionalProperties", "if", "then", "else", "not"):
        if isinstance(schema.get(key), dict):
            yield from subschemas(schema[key], f"{place}/{key}")
    for key in ("allOf", "anyOf", "oneOf", "prefixItems"):
        for index, part in enumerate(schema.get(key, [])):
            if isinstance(part, dict):
                yield from subschemas(part, f"{place}/{key}/{index}")


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_both_validators_take_the_schema(name):
    schema = SCHEMAS[name]
    jsonschema.validators.validator_for(schema).check_schema(schema)
    jsonschema_rs.validator_for(schema)


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_object_says_which_keys_it_has(name):
    loose = [
        place
        for place, schema in subschemas(OURS[name])
        if schema.get("type") == "object"
        and "additionalProperties" not in schema
        and not place.endswith(("/input", "/answers"))  # a row of data; the answers have a schema
    ]
    assert loose == []


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_person_reading_it_in_an_editor_learns_what_the_file_is_for(name):
    schema = OURS[name]
    assert schema["title"]
    assert schema["description"].endswith(".")
    assert schema["$id"].endswith(f"/{name}")


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_schema_needs_no_other_file_and_carries_nothing_unused(name):
    text = json.dumps(OURS[name])
    references = {part.partition('"')[0] for part in text.split('"$ref": "')[1:]}
    assert references == {f"#/$defs/{definition}" for definition in OURS[name].get("$defs", {})}


def test_a_definition_means_the_same_in_every_schema():
    """A copy in each file keeps editors working offline; it must not become a variant."""
    meanings: dict[str, dict[str, str]] = {}
    for name, schema in OURS.items():
        for definition, body in schema.get("$defs", {}).items():
            meanings.setdefault(definition, {})[name] = json.dumps(body, sort_keys=True)
    assert [d for d, bodies in meanings.items() if len(set(bodies.values())) > 1] == []


@pytest.mark.parametrize("kind", GUARDRAILS)
def test_every_place_of_a_policy_says_which_way_is_tighter(kind):
    """A place about which nothing is said may not change at all, which would surprise its owner."""
    root = SCHEMAS[f"{kind}.schema.json"]

    def silent(schema, place):
        for name, given in schema.get("properties", {}).items():
            part = {**resolved(given, root), **given}
            here = f"{place}.{name}" if place else name
            if "properties" in part:
                yield from silent(part, here)
                continue
            items = resolved(part.get("items", {}), root)
            if "properties" in items:
                yield from silent(items, f"{here}[]")
                if "x-key" not in part:
                    yield f"{here}: no key"
            options = [resolved(option, root) for option in part.get("anyOf", [])]
            if not any("x-polarity" in view for view in (part, *options)):
                yield here

    assert list(silent(root, "")) == []


def test_whoever_owes_something_says_who_and_until_when():
    """Wherever a status can be open, an open one needs owner, due date and a note."""
    open_places = [
        (name, place)
        for name, root in OURS.items()
        for place, schema in subschemas(root)
        if "open" in resolved(schema.get("properties", {}).get("status", {}), root).get("enum", [])
    ]
    assert len(open_places) >= 10
    for name, place in open_places:
        schema = OURS[name]
        for part in place.split("/")[1:]:
            schema = schema[part] if isinstance(schema, dict) else schema[int(part)]
        when_open = [
            set(rule["then"]["required"]) | set(schema["required"])
            for rule in schema["allOf"]
            if rule["if"]["properties"].get("status") == {"const": "open"}
            and rule["then"] is not True
        ]
        assert any({"owner", "due", "note"} <= required for required in when_open), (name, place)


def test_enumerations_hold_exactly_what_the_workshop_can_answer():
    questions = {
        question["id"]: question
        for question in yaml.safe_load((POLICIES / "workshop.yaml").read_text())["questions"]
    }

    def choices(question):
        return set(questions[question]["choices"]) - {"suggested"}

    program = SCHEMAS["program.schema.json"]["properties"]
    risk = program["risk"]["properties"]
    data = SCHEMAS["data.schema.json"]["properties"]
    evaluation = SCHEMAS["evaluation.schema.json"]["properties"]
    decision_type = SCHEMAS["oversight.schema.json"]["properties"]["decision_types"]["items"]
    assert set(program["program"]["properties"]["use_case"]["enum"]) == choices("use_case")
    assert set(program["program"]["properties"]["legal_context"]["enum"]) == choices(
        "legal_context"
    )
    assert set(risk["annex_area"]["enum"]) == choices("annex_area")
    assert set(risk["person_impact"]["enum"]) == choices("person_impact")
    assert set(risk["autonomy"]["enum"]) == choices("autonomy")
    assert set(risk["tier"]["enum"]) == choices("risk_tier")
    assert set(risk["prohibited_practices"]["properties"]["status"]["enum"]) == choices(
        "prohibited_screen"
    )
    assert set(data["personal_data"]["enum"]) == choices("personal_data")
    assert set(data["lawful_basis"]["enum"]) == choices("lawful_basis")
    assert set(evaluation["explainability"]["properties"]["method"]["enum"]) == choices(
        "explainability_method"
    )
    assert set(evaluation["fairness"]["properties"]["metric"]["enum"]) - {"none"} == set(
        questions["fairness_metric"]["metrics"]
    )
    assert set(decision_type["properties"]["mode"]["enum"]) == choices("human_review_mode")


def test_the_promises_of_the_contract_standard_are_the_published_ones():
    """The schema of the standard is copied, never edited."""
    odcs = SCHEMAS["odcs.schema.json"]
    assert odcs["title"] == "Open Data Contract Standard (ODCS)"
    assert "v3.1.0" in odcs["properties"]["apiVersion"]["enum"]
