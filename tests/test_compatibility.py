"""The direction of a change: what breaks somebody, and that the way back is the opposite."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_program.compatibility import OPPOSITE, contract_changes, feature_changes

DEMAND = {
    "name": "demand_kw",
    "logicalType": "number",
    "physicalType": "decimal(10,2)",
    "required": True,
    "logicalTypeOptions": {"minimum": 0, "maximum": 1000},
    "customProperties": [{"property": "unit", "value": "kW"}],
    "quality": [
        {"name": "no gaps", "metric": "nullValues", "mustBeLessThan": 5, "unit": "rows"},
        {"metric": "duplicateValues", "mustBe": 0},
    ],
}
REGION = {
    "name": "region",
    "logicalType": "string",
    "quality": [
        {
            "metric": "invalidValues",
            "arguments": {"validValues": ["north", "south"]},
            "mustBe": 0,
        }
    ],
}
CONTRACT = {"schema": [{"name": "demand", "properties": [DEMAND, REGION]}]}
VIEW = {
    "id": "hourly",
    "entity": {"name": "grid", "keys": ["ts"]},
    "features": [
        {"name": "lag_24", "dtype": "float32", "nulls": "forbidden", "range": [0, 100]},
        {"name": "hour", "dtype": "int32", "nulls": "allowed", "range": [None, 23]},
    ],
}


def edited(document, *keys, to=None, drop=False):
    """Return a copy with one value replaced or dropped."""
    result = copy.deepcopy(document)
    place = result
    for key in keys[:-1]:
        place = place[key]
    if drop:
        del place[keys[-1]]
    else:
        place[keys[-1]] = to
    return result


FIELD = ("schema", 0, "properties", 0)
BREAKING = [
    (("schema", 0, "properties", 1), "drop", "field region was removed"),
    (("schema", 0), "drop", "table demand was removed"),
    ((*FIELD, "name"), "load_kw", "field demand_kw was removed"),
    (
        (*FIELD, "logicalType"),
        "integer",
        "type of field demand_kw changed from number to integer",
    ),
    ((*FIELD, "logicalType"), "string", "type of field demand_kw changed from number to string"),
    (
        (*FIELD, "physicalType"),
        "decimal(8,2)",
        "physical type of field demand_kw changed from decimal(10,2) to decimal(8,2)",
    ),
    (("schema", 0, "properties", 1, "required"), True, "field region became required"),
    (
        ("schema", 0, "properties", 1, "quality", 0, "arguments", "validValues"),
        ["north"],
        "lost south",
    ),
    ((*FIELD, "customProperties", 0, "value"), "MW", "unit of field demand_kw changed from kW"),
    ((*FIELD, "customProperties"), "drop", "unit of field demand_kw (kW) was removed"),
    ((*FIELD, "quality", 0), "drop", "quality check no gaps of field demand_kw was dropped"),
    (
        (*FIELD, "quality", 1),
        "drop",
        "quality check duplicateValues of field demand_kw was dropped",
    ),
    (
        (*FIELD, "quality", 0, "mustBeLessThan"),
        6,
        "quality check no gaps of field demand_kw was loosened",
    ),
    ((*FIELD, "quality", 0, "severity"), "info", "was loosened"),
    ((*FIELD, "quality", 0, "unit"), "percent", "was changed"),
    ((*FIELD, "quality", 0, "metric"), "rowCount", "was changed"),
    (
        (*FIELD, "logicalTypeOptions", "minimum"),
        1,
        "minimum of field demand_kw changed from 0 to 1",
    ),
    ((*FIELD, "logicalTypeOptions", "maximum"), 999, "maximum of field demand_kw changed"),
    ((*FIELD, "logicalTypeOptions", "multipleOf"), 5, "multipleOf of field demand_kw (5)"),
]


@pytest.mark.parametrize(("keys", "value", "said"), BREAKING, ids=[row[2] for row in BREAKING])
def test_breaking(keys, value, said):
    after = edited(CONTRACT, *keys, to=value, drop=value == "drop")
    changes = contract_changes(CONTRACT, after)
    assert [change for change in changes if change.breaking and said in change.what], changes


WIDENING = [
    ((*FIELD, "required"), False),
    ((*FIELD, "physicalType"), "decimal(12,4)"),
    ((*FIELD, "logicalTypeOptions", "minimum"), -1),
    ((*FIELD, "logicalTypeOptions"), {}),
    (
        ("schema", 0, "properties", 1, "quality", 0, "arguments", "validValues"),
        ["north", "south", "west"],
    ),
    ((*FIELD, "quality", 0, "mustBeLessThan"), 4),
    (("schema", 0, "properties"), [DEMAND, REGION, {"name": "price", "logicalType": "number"}]),
    (("schema", 0, "quality"), [{"metric": "rowCount", "mustBeGreaterThan": 0}]),
]


@pytest.mark.parametrize(("keys", "value"), WIDENING)
def test_widening_and_its_inverse_are_opposites(keys, value):
    after = edited(CONTRACT, *keys, to=value)
    there, back = contract_changes(CONTRACT, after), contract_changes(after, CONTRACT)
    assert there
    assert not any(change.breaking for change in there), there
    assert all(change.breaking for change in back), back


def test_order_and_prose_change_nothing():
    after = copy.deepcopy(CONTRACT)
    after["schema"][0]["properties"].reverse()
    after["schema"][0]["properties"][1]["quality"].reverse()
    after["schema"][0]["properties"][0]["description"] = "where"
    after["schema"][0]["properties"][1]["quality"][0]["description"] = "no row twice"
    assert contract_changes(CONTRACT, after) == []


def test_a_change_names_its_place_in_both_documents():
    after = edited(CONTRACT, "schema", 0, "properties", to=[REGION, {**DEMAND, "unique": True}])
    after["schema"][0]["properties"][1]["logicalType"] = "integer"
    type_change = contract_changes(CONTRACT, after)[0]
    assert type_change.after == ("schema", 0, "properties", 1, "logicalType")
    assert type_change.before == ("schema", 0, "properties", 0, "logicalType")


@pytest.mark.parametrize(
    ("keys", "value", "direction"),
    [
        (("features", 0, "dtype"), "float64", "wider"),
        (("features", 0, "dtype"), "float16", "narrower"),
        (("features", 0, "dtype"), "int32", "different"),
        (("features", 0, "nulls"), "allowed", "wider"),
        (("features", 1, "nulls"), "forbidden", "narrower"),
        (("features", 0, "range"), [0, 200], "wider"),
        (("features", 1, "range"), [0, 23], "narrower"),
        (("features", 1, "range"), [None, None], "wider"),
        (("entity", "keys"), ["ts", "site"], "different"),
        (("id",), "daily", "narrower"),
    ],
)
def test_feature_views(keys, value, direction):
    assert feature_changes(VIEW, edited(VIEW, *keys, to=value))[0].direction == direction


# --- properties ----------------------------------------------------------------------------------

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
numbers = st.integers(-3, 3)
check = st.fixed_dictionaries(
    {"metric": st.sampled_from(["nullValues", "rowCount"])},
    optional={
        "name": st.sampled_from(["a", "b"]),
        "mustBeLessThan": numbers,
        "mustBeBetween": st.tuples(numbers, numbers).map(list),
        "severity": st.sampled_from(["info", "warning", "error", "odd"]) | json,
        "arguments": st.fixed_dictionaries(
            {}, optional={"validValues": st.lists(st.sampled_from("xyz")) | json}
        ),
    },
)
field = st.fixed_dictionaries(
    {"name": st.sampled_from(["p", "q", "r"])},
    optional={
        "logicalType": st.sampled_from(["integer", "number", "string"]) | json,
        "physicalType": st.sampled_from(["int", "bigint", "varchar(2)", "varchar(9)", "varchar"]),
        "required": st.booleans() | json,
        "unique": st.booleans(),
        "enum": st.lists(st.sampled_from("xyz")),
        "logicalTypeOptions": st.dictionaries(
            st.sampled_from(["minimum", "maximum", "pattern", "format"]), numbers | json
        ),
        "customProperties": st.lists(
            st.fixed_dictionaries({"property": st.just("unit"), "value": st.sampled_from("ab")})
        ),
        "quality": st.lists(check, max_size=3),
    },
)
contract = st.fixed_dictionaries(
    {
        "schema": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["t", "u"])},
                optional={
                    "properties": st.lists(field, max_size=4),
                    "quality": st.lists(check, max_size=2),
                },
            ),
            max_size=3,
        )
    }
)


@given(contract)
def test_a_contract_is_compatible_with_itself(value):
    assert contract_changes(value, copy.deepcopy(value)) == []


@given(contract, contract)
def test_the_way_back_is_the_opposite(one, other):
    there = {(OPPOSITE[c.direction], c.before, c.after) for c in contract_changes(one, other)}
    back = {(c.direction, c.after, c.before) for c in contract_changes(other, one)}
    assert there == back


@given(json, json)
def test_hostile_values_are_compared_without_a_crash(one, other):
    contract_changes(one, {"schema": [{"name": "t", "properties": [other, one]}]})
    contract_changes({"schema": one}, {"schema": other})
    feature_changes(one, other)
    feature_changes({"id": "v", "features": [one]}, {"id": "v", "features": other})
