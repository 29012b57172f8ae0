"""Digests: equal for equal content, different for anything else, and nothing makes them crash."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_program import digests

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
json_objects = st.dictionaries(st.text(), json_values, max_size=5)


def test_the_form_is_fixed_for_good() -> None:
    """Evidence outlives engines: these bytes and this digest must never change."""
    value = {"b": [1, 1.0, 0.1, True, None], "a": "Zoë"}
    assert digests.canonical(value) == rb'{"a":"Zo\u00eb","b":[1,1.0,0.1,true,null]}'
    assert digests.of_value(value) == (
        "sha256:df91ceb8b4d486e6cdb5e6c0416e2ec376831e35474779fc13c8acd9a5964a7f"
    )
    assert digests.of_bytes(b"") == (
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@given(json_objects)
def test_what_is_sealed_is_sealed_and_survives_a_file(value: dict[str, object]) -> None:
    sealed = digests.sealed(value)
    assert digests.is_sealed(sealed)
    assert digests.is_sealed(json.loads(digests.pretty(sealed)))
    assert digests.sealed(sealed) == sealed


@given(json_objects, st.text(), json_values)
def test_any_change_breaks_the_seal(value: dict[str, object], key: str, new: object) -> None:
    sealed = digests.sealed(value)
    changed = {**sealed, key: new}
    assert digests.is_sealed(changed) == (digests.canonical(changed) == digests.canonical(sealed))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"digest": None},
        {"digest": "sha256:xyz"},
        {"digest": "sha256:" + "0" * 64},
        {"digest": "sha256:" + "0" * 64, "x": float("nan")},
        {"digest": "sha256:" + "0" * 64, "x": object()},
        {"digest": "sha256:" + "0" * 64, 1: "a", "1": "b"},
    ],
)
def test_what_nobody_sealed_is_not_sealed(value: object) -> None:
    assert not digests.is_sealed(value)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_json_cannot_say_has_no_digest(bad: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        digests.canonical({"x": [bad]})


def test_a_tree_is_its_files_in_any_order() -> None:
    one, two = ("a.txt", digests.of_bytes(b"1")), ("b/c.txt", digests.of_bytes(b"2"))
    assert digests.of_tree([one, two]) == digests.of_tree([two, one])
    assert digests.of_tree([one, two]) != digests.of_tree([one])
    assert digests.of_tree([one]) != digests.of_tree([("z.txt", one[1])])
    assert digests.of_tree([("odd-\udcff", one[1])]) != digests.of_tree([one])


def test_the_hook_can_afford_to_import_it() -> None:
    """On the hook's path only json and one hash are paid for, and not OpenSSL."""
    code = (
        "import sys; import __future__, json; before = set(sys.modules) | {'_sha2', '_sha256'};"
        "import ai_program.digests, ai_program.verdict;"
        "print(sorted(set(sys.modules) - before - {'ai_program'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": "src"})  # fmt: skip
    assert done.stdout.strip() == (
        "['ai_program.digests', 'ai_program.hashes', 'ai_program.verdict']"
    )
