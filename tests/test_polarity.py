"""Two versions of a document are compared by what the schema says is tighter."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_program import polarity
from ai_program.polarity import ABSENT, LOOSENED, NEUTRAL, TIGHTENED, compare, describe

BY_DIRECTION = {"by": "direction", "higher": "higher_is_tighter", "lower": "lower_is_tighter"}
SCHEMA = {
    "type": "object",
    "properties": {
        "gates": {
            "x-key": "id",
            "x-polarity": "grows_tighter",
            "items": {"$ref": "#/$defs/gate"},
        },
        "retention": {
            "type": "object",
            "properties": {"max_days": {"x-polarity": "lower_is_tighter"}},
        },
        "mode": {"x-polarity": {"ordered": ["none", "sample", "before_effect"]}},
        "banned": {"x-polarity": "grows_tighter"},
        "purposes": {"x-polarity": "shrinks_tighter"},
        "access": {
            "x-key": ["dataset", "environment"],
            "x-polarity": "shrinks_tighter",
            "items": {"properties": {"write": {"x-polarity": "shrinks_tighter"}}},
        },
        "requirements": {"additionalProperties": {"x-polarity": "true_is_tighter"}},
        "note": {"x-polarity": "neutral"},
        "where": {"x-polarity": "fixed"},
        "fairness": {
            "properties": {
                "metric": {"x-polarity": "set_once"},
                "limit": {"x-polarity": {"by": "metric", "ratio": "higher_is_tighter"}},
            }
        },
        "data": {"properties": {"test_from": {"x-polarity": "set_once"}}},
    },
    "$defs": {
        "gate": {
            "properties": {
                "id": {"x-polarity": "fixed"},
                "direction": {"x-polarity": "fixed"},
                "limit": {"anyOf": [{"type": "null"}, {"x-polarity": BY_DIRECTION}]},
                "min_rows": {"x-polarity": "higher_is_tighter"},
            }
        }
    },
}
DOCUMENT = {
    "gates": [
        {"id": "GATE-mape", "direction": "lower", "limit": 0.05, "min_rows": 100},
        {"id": "GATE-gain", "direction": "higher", "limit": 0.25, "min_rows": 100},
    ],
    "retention": {"max_days": 730},
    "mode": "sample",
    "banned": ["age", "sex"],
    "purposes": ["forecast"],
    "access": [{"dataset": "d", "environment": "production", "write": ["data_owner"]}],
    "requirements": {"secret_scanning": True, "network_isolation": False},
    "note": "as agreed",
    "where": "hour in 17..21",
    "fairness": {"metric": "none", "limit": None},
    "data": {"test_from": "2014-10-03"},
}


def changed(edit):
    after = deepcopy(DOCUMENT)
    edit(after)
    return [(c.pointer, c.direction) for c in compare(DOCUMENT, after, SCHEMA)]


def set_(*keys, to):
    def edit(document):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = to

    return edit


def drop(*keys):
    def edit(document):
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return edit


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (set_("gates", 0, "limit", to=0.09), [("gates[GATE-mape].limit", LOOSENED)]),
        (set_("gates", 0, "limit", to=0.04), [("gates[GATE-mape].limit", TIGHTENED)]),
        (set_("gates", 1, "limit", to=0.1), [("gates[GATE-gain].limit", LOOSENED)]),
        (set_("gates", 1, "limit", to=0.3), [("gates[GATE-gain].limit", TIGHTENED)]),
        (set_("gates", 0, "limit", to=None), [("gates[GATE-mape].limit", LOOSENED)]),
        (set_("gates", 0, "limit", to="0.05"), [("gates[GATE-mape].limit", LOOSENED)]),
        (set_("gates", 0, "limit", to=float("nan")), [("gates[GATE-mape].limit", LOOSENED)]),
        (set_("gates", 0, "limit", to=True), [("gates[GATE-mape].limit", LOOSENED)]),
        (set_("gates", 0, "limit", to=0), [("gates[GATE-mape].limit", TIGHTENED)]),
        (drop("gates", 0, "limit"), [("gates[GATE-mape].limit", LOOSENED)]),
        (drop("gates", 0), [("gates[GATE-mape]", LOOSENED)]),
        (set_("gates", 0, to="GATE-mape"), [("gates[GATE-mape]", LOOSENED)]),
        (drop("gates"), [("gates", LOOSENED)]),
        (set_("gates", to={}), [("gates", LOOSENED)]),
        (drop("retention"), [("retention", LOOSENED)]),
        (set_("retention", to="long"), [("retention", LOOSENED)]),
        (set_("retention", "max_days", to=731), [("retention.max_days", LOOSENED)]),
        (set_("mode", to="none"), [("mode", LOOSENED)]),
        (set_("mode", to="before_effect"), [("mode", TIGHTENED)]),
        (set_("mode", to="monitor"), [("mode", LOOSENED)]),
        (set_("banned", to=["sex"]), [("banned[age]", LOOSENED)]),
        (set_("banned", to=["sex", "age", "zip"]), [("banned[zip]", TIGHTENED)]),
        (set_("banned", to=None), [("banned", LOOSENED)]),
        (set_("purposes", to=["forecast", "ads"]), [("purposes[ads]", LOOSENED)]),
        (set_("purposes", to=[]), [("purposes[forecast]", TIGHTENED)]),
        (drop("purposes"), [("purposes", LOOSENED)]),
        (
            set_("access", 0, "write", to=["data_owner", "developer"]),
            [("access[d,production].write[developer]", LOOSENED)],
        ),
        (drop("access", 0), [("access[d,production]", TIGHTENED)]),
        (
            set_("access", 0, "environment", to="*"),
            [("access[d,production]", TIGHTENED), ("access[d,*]", LOOSENED)],
        ),
        (
            set_("requirements", "secret_scanning", to=False),
            [("requirements.secret_scanning", LOOSENED)],
        ),
        (drop("requirements", "network_isolation"), [("requirements.network_isolation", NEUTRAL)]),
        (set_("requirements", "new one", to=True), [('requirements["new one"]', TIGHTENED)]),
        (set_("note", to="else"), [("note", NEUTRAL)]),
        (set_("where", to="hour in 3..4"), [("where", LOOSENED)]),
        (set_("unheard_of", to=1), [("unheard_of", LOOSENED)]),
        (
            set_("fairness", to={"metric": "ratio", "limit": 0.8}),
            [("fairness.metric", TIGHTENED), ("fairness.limit", TIGHTENED)],
        ),
        (set_("data", "test_from", to="2014-12-24"), [("data.test_from", LOOSENED)]),
        (set_("data", "test_from", to=None), [("data.test_from", LOOSENED)]),
        (lambda d: d["gates"].reverse(), []),
        (lambda d: d["banned"].reverse(), []),
        (lambda d: d["banned"].append("age"), []),
        (set_("retention", "max_days", to=730.0), []),
    ],
)
def test_each_kind_of_place_knows_which_way_is_tighter(edit, expected):
    assert changed(edit) == expected


def test_turning_the_direction_does_not_make_a_limit_tighter():
    def edit(document):
        document["gates"][0].update(direction="higher", limit=0.09)

    assert changed(edit) == [
        ("gates[GATE-mape].direction", LOOSENED),
        ("gates[GATE-mape].limit", LOOSENED),
    ]


def test_a_second_entry_of_the_same_name_loosens():
    twin = {"id": "GATE-mape", "direction": "lower", "limit": 0.9, "min_rows": 1}
    assert changed(lambda d: d["gates"].append(twin)) == [("gates[GATE-mape]", LOOSENED)]


def test_a_second_entry_before_the_first_does_not_hide_behind_it():
    twin = {"id": "GATE-mape", "direction": "lower", "limit": 0.9, "min_rows": 100}
    assert ("gates[GATE-mape].limit", LOOSENED) in changed(lambda d: d["gates"].insert(0, twin))


def test_places_are_found_in_both_versions_after_entries_moved():
    after = deepcopy(DOCUMENT)
    after["gates"].reverse()
    after["gates"][1]["limit"] = 0.06
    (change,) = compare(DOCUMENT, after, SCHEMA)
    assert (change.before_keys, change.after_keys) == (
        ("gates", 0, "limit"),
        ("gates", 1, "limit"),
    )


def test_a_removed_entry_points_at_its_list():
    after = deepcopy(DOCUMENT)
    del after["gates"][0]
    (change,) = compare(DOCUMENT, after, SCHEMA)
    assert (change.before_keys, change.after_keys) == (("gates", 0), ("gates",))
    assert change.after is ABSENT


def test_a_missing_document_is_one_change():
    (change,) = compare(DOCUMENT, ABSENT, SCHEMA)
    assert (change.pointer, change.direction) == ("", LOOSENED)
    (change,) = compare({"note": "x"}, ABSENT, SCHEMA)
    assert change.direction == NEUTRAL


def test_what_nobody_annotated_can_be_declared_free():
    assert compare({"x": 1}, {"x": 2}, {}, unannotated="neutral")[0].direction == NEUTRAL


@pytest.mark.parametrize("annotation", ["lower", {"ordered": "abc"}, {"if": 1}, 3])
def test_an_unknown_polarity_is_an_error_of_the_baseline(annotation):
    schema = {"properties": {"x": {"x-polarity": annotation}}}
    with pytest.raises(polarity.UnknownPolarityError):
        compare({"x": 1}, {"x": 2}, schema)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (set_("gates", 0, "limit", to=0.09), "GATE-mape: limit raised from 0.05 to 0.09"),
        (set_("gates", 0, "limit", to=None), "GATE-mape: limit changed from 0.05 to null"),
        (drop("gates", 0, "limit"), "GATE-mape: limit removed (it was 0.05)"),
        (drop("gates", 0), "gates: GATE-mape removed"),
        (drop("retention"), "retention removed"),
        (set_("retention", "max_days", to=60), "retention.max_days lowered from 730 to 60"),
        (set_("purposes", to=["forecast", "ads"]), "purposes: ads added"),
        (set_("mode", to="none"), "mode changed from sample to none"),
        (set_("mode", to="a\nb" * 50), "mode changed from sample to 'a\\nba\\nb"),
        (drop("mode"), "mode removed (it was sample)"),
        (
            set_("access", 0, "write", to=["data_owner", "developer"]),
            "access[d,production].write: developer added",
        ),
    ],
)
def test_a_change_reads_as_a_sentence(edit, sentence):
    after = deepcopy(DOCUMENT)
    edit(after)
    (change,) = compare(DOCUMENT, after, SCHEMA)
    assert describe(change).startswith(sentence)
    assert len(describe(change)) < 200


numbers = st.none() | st.integers(-5, 5) | st.floats(-5, 5)
gates = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["GATE-a", "GATE-b", "GATE-c"]), "direction": st.just("lower")},
        optional={"limit": numbers, "min_rows": numbers},
    ),
    unique_by=lambda gate: gate["id"],
)
words = st.lists(st.sampled_from(["a", "b", "c"]))
documents = st.fixed_dictionaries(
    {},
    optional={
        "gates": gates,
        "retention": st.fixed_dictionaries({}, optional={"max_days": numbers}),
        "mode": st.none() | st.sampled_from(["none", "sample", "before_effect"]),
        "banned": words,
        "purposes": words,
        "requirements": st.dictionaries(st.sampled_from(["x", "y"]), st.none() | st.booleans()),
        "note": st.text(),
    },
)
OPPOSITE = {TIGHTENED: LOOSENED, LOOSENED: TIGHTENED, NEUTRAL: NEUTRAL}


def summary(before, after):
    return {c.pointer: c.direction for c in compare(before, after, SCHEMA)}


@given(documents, documents)
def test_a_change_and_its_inverse_are_opposite(before, after):
    there, back = summary(before, after), summary(after, before)
    blocks = {p for p in there if p in ("gates", "retention", "requirements")}
    for pointer in there.keys() - blocks:
        # A gate that comes with its direction is new; one that goes took it away.
        assert back[pointer] == OPPOSITE[there[pointer]], pointer
    assert there.keys() == back.keys()


@given(documents)
def test_nothing_changes_where_nothing_changed(document):
    assert compare(document, deepcopy(document), SCHEMA) == []


@given(documents, st.randoms())
def test_the_order_of_keys_and_entries_changes_nothing(document, random):
    shuffled = {key: document[key] for key in random.sample(sorted(document), len(document))}
    for value in shuffled.values():
        if isinstance(value, list):
            random.shuffle(value)
    assert compare(document, shuffled, SCHEMA) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
hostile = documents | st.dictionaries(st.sampled_from(sorted(DOCUMENT)), json_values)


@given(hostile, hostile)
def test_hostile_values_never_crash(before, after):
    for change in compare(before, after, SCHEMA):
        assert change.direction in OPPOSITE
        assert describe(change)


@given(documents, documents, documents)
def test_a_document_cannot_be_loosened_by_tightening_in_steps(first, second, third):
    steps = (summary(first, second), summary(second, third))
    if all(direction != LOOSENED for step in steps for direction in step.values()):
        assert LOOSENED not in summary(first, third).values()
