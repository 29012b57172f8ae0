"""What the generated noxfile works out by itself: the engine's address, what GitHub lacks."""

from __future__ import annotations

import copy
import importlib.util
import json
import sys
import types

import pytest

REV = "1a" * 20


@pytest.fixture
def noxfile(demand, monkeypatch, tmp_path):
    """Return the noxfile as a module, in an empty repository; nox itself is not needed for that."""

    def session(function=None, **_):
        return function or (lambda function: function)

    stub = types.ModuleType("nox")
    stub.session, stub.Session, stub.options = session, object, types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "nox", stub)
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("generated_noxfile", demand / "noxfile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("https://github.com/org/ai-program", "git+https://github.com/org/ai-program"),
        ("ssh://git@host/org/ai-program.git", "git+ssh://git@host/org/ai-program.git"),
        ("git@github.com:org/ai-program.git", "git+ssh://git@github.com/org/ai-program.git"),
        ("/srv/git/ai-program", "git+file:///srv/git/ai-program"),
        ("/srv/a b/ai-program", "git+file:///srv/a%20b/ai-program"),
        ("file:///srv/ai-program", "git+file:///srv/ai-program"),
    ],
)
def test_the_engine_is_installed_by_address_and_commit(noxfile, tmp_path, source, address) -> None:
    lock = tmp_path / ".ai-program" / "lock.json"
    lock.parent.mkdir()
    lock.write_text(json.dumps({"engine": {"source": source, "rev": REV}}))
    assert noxfile.engine() == f"ai-program @ {address}@{REV}"


@pytest.fixture
def ruleset(demand) -> dict:
    return json.loads((demand / ".github" / "rulesets" / "main.json").read_text())


def rule(there: dict, kind: str) -> dict:
    return next(rule for rule in there["rules"] if rule["type"] == kind)


def test_a_ruleset_that_has_more_is_fine(noxfile, ruleset) -> None:
    there = copy.deepcopy(ruleset) | {"id": 7, "created_at": "2026-11-22"}
    there["rules"].append({"type": "required_signatures"})
    assert noxfile.lacks(there, ruleset) == set()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda there: there.update(enforcement="disabled"), "enforcement"),
        (lambda there: there["rules"].remove(rule(there, "deletion")), "rules.deletion"),
        (lambda there: there["bypass_actors"].append({"actor_id": 1}), "bypass_actors"),
        (
            lambda there: rule(there, "pull_request")["parameters"].update(
                required_approving_review_count=0
            ),
            "rules.pull_request",
        ),
        (
            lambda there: rule(there, "required_status_checks")["parameters"][
                "required_status_checks"
            ].pop(),
            "rules.required_status_checks",
        ),
    ],
)
def test_a_ruleset_that_somebody_weakened_is_named(noxfile, ruleset, change, place) -> None:
    there = copy.deepcopy(ruleset)
    change(there)
    assert noxfile.lacks(there, ruleset) == {f"ruleset.{place}"}
