"""Two libraries and two ways to compile give one verdict; what is wrong is said in plain words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_program import documents, paths, schemas
from ai_program.program import Baseline

ROOT = Path(paths.root())
NAMES = sorted(path.name.removesuffix(".schema.json") for path in ROOT.glob("schemas/*.json"))

WAIVER = {
    "schema_version": 1,
    "id": "EXC-0001",
    "rule": "AIP101",
    "path": "contracts/*.yaml",
    "reason": "r",
    "compensating_control": "c",
    "approver": "@grace",
    "created": "2026-11-01",
    "expires": "2026-11-30",
}


def explain(**changes) -> list:
    value = {**WAIVER, **changes}
    return schemas.validate("exception", {k: v for k, v in value.items() if v is not ...})


def test_a_value_that_fits():
    assert explain() == []
    assert schemas.validate("exception.schema.json", WAIVER) == []


@pytest.mark.parametrize(
    ("changes", "keys", "message"),
    [
        ({"rul": "AIP101"}, ("rul",), "the key 'rul' is unknown; is 'rule' meant?"),
        ({"zzzzz": 1}, ("zzzzz",), "the key 'zzzzz' is unknown"),
        ({"rule": ...}, (), "the key 'rule' is missing"),
        ({"reason": 3}, ("reason",), "3 is not text"),
        ({"reason": None}, ("reason",), "null is not text"),
        ({"reason": ["x"]}, ("reason",), '["x"] is not text'),
        ({"schema_version": 2}, ("schema_version",), "2 is not 1"),
        (
            {"rule": "AIP1"},
            ("rule",),
            '"AIP1" does not have the form ^AIP[0-9]{3}$ (The one rule that it waives)',
        ),
        ({"id": "x" * 100}, ("id",), f'"{"x" * 58}… does not have the form ^EXC-[0-9]{{4}}$'),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(changes, keys, message):
    assert explain(**changes) == [(keys, message)]


def test_several_problems_come_in_the_order_of_their_places():
    assert [keys for keys, _ in explain(rule=1, approver=2, created=3)] == [
        ("approver",),
        ("created",),
        ("rule",),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_one(name):
    schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text())
    jsonschema.validators.validator_for(schema).check_schema(schema)
    assert schemas.validate(name, "no governed file is a text") != []


def test_the_bundle_takes_all_of_our_dialect():
    others = [name for name in NAMES if schemas._DIALECT not in schemas._text(str(ROOT), name)]
    assert set(others) == schemas._OTHERS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(WAIVER)), JSON)
def test_one_verdict(key, value):
    """The bundle, the schema by itself, and the other library."""
    changed = {**WAIVER, key: value}
    alone = schemas._compile(schemas._text(str(ROOT), "exception")).is_valid(changed)
    schemas.prepare(NAMES, root=str(ROOT))
    assert (schemas.validate("exception", changed) == []) is alone
    schema = json.loads(schemas._text(str(ROOT), "exception"))
    assert jsonschema.Draft202012Validator(schema).is_valid(changed) is alone


def test_preparing_changes_no_verdict(tmp_path):
    """A repository's worth of schemas, one by one and as one."""
    values = [{}, [], None, WAIVER, {"schema_version": 1}]
    schemas._bundles.clear()
    alone = [[schemas.validate(name, value) for value in values] for name in NAMES]
    schemas.prepare(NAMES, root=str(ROOT))
    assert [[schemas.validate(name, value) for value in values] for name in NAMES] == alone


def test_an_unknown_schema_is_an_error():
    with pytest.raises(FileNotFoundError):
        schemas.validate("nothing", {})


def test_what_stands_in_while_importing_is_gone_afterwards():
    code = (
        "import sys; from ai_program import schemas; schemas._import_rust();"
        "assert not {'typing', 'email', 'email.utils'} & set(sys.modules);"
        "import typing, email.utils;"
        "assert typing.Any and email.utils.parsedate_to_datetime is not str;"
        "print(schemas._import_rust().validator_for('true').is_valid(1))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"


def test_an_import_that_needs_the_real_modules_gets_them(tmp_path):
    """A version that asks more of the stand-ins than they have."""
    (tmp_path / "jsonschema_rs.py").write_text("from typing import Any, TYPE_CHECKING\nx = Any\n")
    code = "from ai_program import schemas; print(schemas._import_rust().x)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": ":".join([str(tmp_path), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "typing.Any"


def test_the_kinds_of_the_layout_have_schemas():
    for kind in Baseline().layout["kinds"]:
        assert kind["schema"].removesuffix(".schema.json") in NAMES


# --- contracts of others -------------------------------------------------------------------------

OFFICIAL = sorted((Path(__file__).parents[1] / "odcs").glob("*.odcs.yaml"))


@pytest.mark.parametrize("path", OFFICIAL, ids=lambda path: path.name)
def test_the_examples_of_the_standard_are_accepted(path):
    contract = documents.parse(path.read_bytes(), path.name)
    assert schemas.validate("odcs", contract.value) == []


def test_a_contract_that_breaks_the_standard_is_not():
    contract = documents.parse(OFFICIAL[0].read_bytes(), OFFICIAL[0].name)
    assert schemas.validate("odcs", {**contract.value, "kind": "Contract"}) != []
