"""Contracts as the rules read them."""

import json

import pytest

from ai_program import contracts, documents


def contract(**value):
    return documents.parse(json.dumps(value).encode(), "contracts/a.odcs.yaml")


def test_fields_are_found_at_every_depth_with_the_pointer_that_a_decision_names():
    street = {"name": "street", "logicalType": "string"}
    doc = contract(
        schema=[
            {
                "name": "orders",
                "properties": [
                    {"name": "address", "properties": [street]},
                    {"name": "lines", "items": {"properties": [{"name": "price"}]}},
                    {"name": "tags", "map": {"key": {}, "value": {"name": "tag"}}},
                ],
            }
        ]
    )
    found = {field.name: field.pointer for field in contracts.fields(doc)}
    orders = "schema[orders].properties"
    assert found == {
        "address": f"{orders}[address]",
        "address.street": f"{orders}[address].properties[street]",
        "lines": f"{orders}[lines]",
        "lines.[items]": f"{orders}[lines].items",
        "lines.[items].price": f"{orders}[lines].items.properties[price]",
        "tags": f"{orders}[tags]",
        "tags.[key]": f"{orders}[tags].map.key",
        "tags.[value]": f"{orders}[tags].map.value",
    }
    assert all(doc.get(*field.keys) == field.entry for field in contracts.fields(doc))


def test_custom_properties_are_found_by_name():
    doc = contract(customProperties=["odd", {"property": "owner", "value": "@lin"}])
    assert contracts.custom(doc.value, "owner") == (("customProperties", 1, "value"), "@lin")
    assert contracts.custom(doc.value, "source") is None
    assert contracts.custom([], "owner") is None


@pytest.mark.parametrize(
    ("version", "parts"),
    [
        ("1.0.0", (1, 0, 0)),
        ("10.20.30", (10, 20, 30)),
        ("1.0", None),
        ("v1.0.0", None),
        ("01.0.0", None),
        ("1.0.0-rc1", None),
        ("1.0.-1", None),
        ("1.0.٣", None),
        ("1.0." + "9" * 5000, None),
        (1.0, None),
        (None, None),
    ],
)
def test_versions(version, parts):
    assert contracts.semver(version) == parts
