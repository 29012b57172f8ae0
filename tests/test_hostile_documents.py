"""Whatever stands in a governed file, a rule gives findings or none, and never breaks.

Somebody who can make a rule break has switched it off: a broken rule cannot decide, and a person
who waits for a release looks for a way around it.
"""

from __future__ import annotations

import copy
import json

import cases
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_program import checking, documents
from ai_program.patterns import matcher
from ai_program.program import Baseline, Program
from ai_program.snapshot import Snapshot

BASELINE = Baseline()
RULES = [code for code in BASELINE.rules if code[3] in "23456"]
WITH_EVERYTHING = {
    "evidence": cases.evidence_fixture.STATES["rolled_back"],
    "decisions/0002-more.md": {
        "decision": {
            "authorises": [{"change": "policies/evaluation.yaml#gates[GATE-mape].limit", "to": 1}],
            "supersedes": "DEC-0001",
        }
    },
    "decisions/exceptions/EXC-0001.yaml": {
        "write": json.dumps(
            {
                "schema_version": 1,
                "id": "EXC-0001",
                "rule": "AIP601",
                "path": "sprints/sprint-01/plan.yaml",
                "reason": "holidays",
                "compensating_control": "a look every week",
                "approver": "@grace",
                "created": "2026-11-18",
                "expires": "2026-12-18",
            }
        )
    },
}
FILES = [
    "policies/*.yaml", "contracts/*.yaml", "features/*.yaml", "sprints/sprint-01/*.yaml",
    "runbooks/rollback.md", "decisions/000*.md", "decisions/exceptions/*.yaml",
    "governance/*.yaml", "evidence/*/*.json", "models/registry/*.json", ".ai-program/lock.json",
]  # fmt: skip

plain = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        10**40,
        1e308,
        "",
        "x",
        "2026-02-31",
        "2026-11-20",
        "@grace",
        "é\u202e",
    ]
)
hostile = plain | st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "status", "limit", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return cases.Store(tmp_path_factory.mktemp("objects") / "repository.git")


@pytest.fixture(scope="module")
def released(demand):
    """Return a repository with one of each kind of file, and its documents by path."""
    files = cases.edited(cases.read(demand), WITH_EVERYTHING)
    found = {}
    for path, (_, content) in files.items():
        if any(matcher(pattern)(path) for pattern in FILES):
            found[path] = documents.parse(content, path)
    return files, found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_value_breaks_a_rule(released, store, data):
    files, found = released
    changed = dict(files)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(sorted(found)))
        value = copy.deepcopy(found[path].value)
        place, key = data.draw(st.sampled_from(list(_places(value))))
        place[key] = data.draw(hostile)
        changed[path] = ("100644", _written(found[path], value))
    base = store.commit_of(files, None, "ada@example.org", cases.GENERATED)
    before, after = (files, changed) if data.draw(st.booleans()) else (changed, files)
    stage = data.draw(st.sampled_from(["commit", "push", "schedule"]))
    if before is changed:
        base = store.commit_of(changed, None, "ada@example.org", cases.GENERATED)
    head = store.commit_of(after, base, "ada@example.org", cases.CHANGED)
    snapshot = Snapshot(
        store.state(after if stage == "schedule" else before, base),
        store.state(after, None if stage == "commit" else head),
        today=cases.TODAY,
        stage=stage,
        git=store.git,
        author="ada@example.org" if stage == "commit" else None,
    )
    checking.check(Program(snapshot, BASELINE), select=RULES)  # raises where a rule breaks


def _places(value):
    """Yield every place of a document that can hold something else."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])


def _written(doc, value) -> bytes:
    text = json.dumps(value)
    return (f"---\n{text}\n---\n{doc.body}" if doc.path.endswith(".md") else text).encode()
