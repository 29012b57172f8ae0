"""Nothing that was promised can be weakened unseen: every place of every governed file is mutated.

A repository is generated, a release is in force, and then one thing changes: a number becomes ten
times as large, a switch is turned, an entry of a list goes, a file is moved. A rule has to object,
or the mutation stands in ``mutations.yaml`` with the reason why it does no harm.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import cases
import pytest
import yaml

from ai_program import checking, documents
from ai_program.program import Baseline, Program
from ai_program.snapshot import Snapshot, Tree, matcher

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

BASELINE = Baseline()
TRIAGED = yaml.safe_load((Path(__file__).parent / "mutations.yaml").read_text(encoding="utf-8"))

# What promises stand in, and what proves that they were kept.
PROMISES = (
    "policies/*.yaml", "contracts/*", "features/*", "decisions/[0-9]*", "evidence/**",
    "models/registry/*",
)  # fmt: skip
# What holds them: who owns a file, what runs the rules, and what the tool made.
GATES = (
    ".github/CODEOWNERS", ".github/workflows/*", ".pre-commit-config.yaml",
    ".ai-program/lock.json",
)  # fmt: skip
# How people work is asked from the limited tier on, and all of it at the high one.
WORK = ("governance/*", "sprints/**")
CASES = [
    *(("demand", pattern) for pattern in (*PROMISES, *GATES)),
    *(("high", pattern) for pattern in (*PROMISES, *WORK)),
]
# In a parallel run each variant has a process, and keeps its parsed repository.
GROUPED = [
    pytest.param(variant, pattern, marks=pytest.mark.xdist_group(f"mutations of {variant}"))
    for variant, pattern in CASES
]
STAGES = ("commit", "push", "schedule")  # the scheduled review has rules of its own


# Mutations: what happens to a value, by its name.


def mutations(value: object) -> Iterator[tuple[str, object]]:
    """Yield what can happen to one value: the name of the mutation, and the value after it."""
    if isinstance(value, bool):
        yield "turned", not value
    elif isinstance(value, int | float):
        yield "raised", value * 10 + 1
        yield "lowered", value / 10 - 1
        yield "nudged up", value + (abs(value) * 0.01 if isinstance(value, float) else 1)
        yield "nudged down", value - (abs(value) * 0.01 if isinstance(value, float) else 1)
        yield "to zero", 0
        yield "to an extreme", 10**9
    elif isinstance(value, str):
        yield "changed", f"{value}x"
        yield "emptied", ""
    elif isinstance(value, list) and value:
        yield "emptied", []
    elif isinstance(value, dict) and value:
        yield "emptied", {}
    if value is not None:
        yield "to nothing", None


def places(value: object, keys: tuple = ()) -> Iterator[tuple]:
    """Yield the keys of every place of a value, itself excepted."""
    parts = value.items() if isinstance(value, dict) else ()
    parts = enumerate(value) if isinstance(value, list) else parts
    for key, part in parts:
        yield (*keys, key)
        yield from places(part, (*keys, key))


def mutants(value: object) -> Iterator[tuple[str, str, object]]:
    """Yield every mutant of a document: the place, the mutation, and the whole value after it."""
    for keys in places(value):
        part = value
        for key in keys:
            part = part[key]
        place = pointer(value, keys)
        for name, after in mutations(part):
            if after != part or type(after) is not type(part):
                yield place, name, _with(value, keys, after)
        yield place, "removed", _without(value, keys)


def pointer(value: object, keys: tuple) -> str:
    """Return the name of a place; entries of a list by their own names, if they have one."""
    name = ""
    for key in keys:
        value = value[key]
        if isinstance(key, int):
            known = value if isinstance(value, dict) else {}
            name += f"[{known.get('id') or known.get('handle') or '*'}]"
        else:
            name += f".{key}"
    return name.lstrip(".")


def _with(value: object, keys: tuple, after: object) -> object:
    value = copy.deepcopy(value)
    _around(value, keys)[keys[-1]] = after
    return value


def _without(value: object, keys: tuple) -> object:
    value = copy.deepcopy(value)
    del _around(value, keys)[keys[-1]]
    return value


def _around(value: object, keys: tuple) -> object:
    for key in keys[:-1]:
        value = value[key]
    return value


# Judging one mutant.


class Repository:
    """A repository with a release in force, and what one change of it makes the rules say."""

    def __init__(self, files: cases.Files, store: cases.Store) -> None:
        self.files = cases.with_evidence(files, cases.evidence_fixture.STATES["released"])
        self.store = store
        self.commit = store.commit_of(self.files, None, cases.AUTHOR, cases.GENERATED)
        self.base = store.state(self.files, self.commit)
        self.usual = {stage: self._errors(self.files, stage) for stage in STAGES}
        self.store.flush()

    def notices(self, files: cases.Files) -> bool:
        """Tell whether a rule objects to these files that does not object to the base."""
        with self.store.for_a_while():
            return any(self._errors(files, stage) - self.usual[stage] for stage in STAGES)

    def _errors(self, files: cases.Files, stage: str) -> set[tuple[str, str, str]]:
        entries = dict(self.base.entries)
        for path in entries.keys() - files.keys():
            del entries[path]
        entries |= self.store.entries_of(
            {path: each for path, each in files.items() if self.files.get(path) != each}
        )
        commit = None
        if stage != "commit":
            commit = self.store.commit_of(files, self.commit, cases.AUTHOR, cases.CHANGED)
        head = Tree(self.store, dict(sorted(entries.items())), commit, self.store.documents)
        snapshot = Snapshot(
            head if stage == "schedule" else self.base, head, today=cases.TODAY, stage=stage,
            git=self.store.git, ci=stage != "commit",
        )  # fmt: skip
        self.store.git.environ.update(GIT_AUTHOR_NAME="ada", GIT_AUTHOR_EMAIL=cases.AUTHOR)
        found = checking.check(Program(snapshot, BASELINE)).findings
        return {
            (each.code, each.location.path, each.message)
            for each in found
            if each.severity == "error" and each.waived_by is None
        }


def mutated(path: str, content: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yield every mutant of a file: the place, the mutation, and the bytes after it."""
    yield "", "emptied", b""
    if path.endswith("CODEOWNERS"):
        lines = content.splitlines(keepends=True)
        for number, line in enumerate(lines):
            if line.strip() and not line.startswith(b"#"):
                yield "line", "removed", b"".join(lines[:number] + lines[number + 1 :])
        return
    document = documents.parse(content, path)
    seen = set()
    for place, name, value in mutants(document.value):
        text = json.dumps(value)  # JSON is YAML
        if path.endswith(".md"):
            text = f"---\n{text}\n---\n{document.body}"
        if text not in seen:
            seen.add(text)
            yield place, name, text.encode()


def survivors(repository: Repository, path: str) -> set[tuple[str, str, str]]:
    """Return the mutants of a file that no rule noticed: its path, the place, the mutation."""
    mode, content = repository.files[path]
    found = set()
    for place, name, after in mutated(path, content):
        if not repository.notices({**repository.files, path: (mode, after)}):
            found.add((path, place, name))
    rest = {other: each for other, each in repository.files.items() if other != path}
    if not repository.notices(rest):
        found.add((path, "", "deleted"))
    if not repository.notices({**rest, f"old/{path}": (mode, content)}):
        found.add((path, "", "moved"))
    return found


def explains(entry: dict, survivor: tuple[str, str, str]) -> bool:
    """Tell whether an entry of the list says why this survivor does no harm."""
    path, place, name = survivor
    return (
        fnmatchcase(path, entry["path"])
        and name in entry["mutations"]
        and any(_is_at(place, pattern) for pattern in entry["places"])
    )


@functools.cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", r"[^.\[\]]*"))


def _is_at(place: str, pattern: str) -> bool:
    """Match a place: ``*`` is a part of one key, ``**`` any number of keys."""
    return _expression(pattern).fullmatch(place) is not None


def unneeded(entry: dict, found: set[tuple[str, str, str]]) -> list[str]:
    """Return the places and mutations of an entry that explain no survivor."""
    survived = [each for each in found if explains(entry, each)]
    places = {place for _, place, _ in survived}
    return [
        *(each for each in entry["places"] if not any(_is_at(place, each) for place in places)),
        *(each for each in entry["mutations"] if each not in {name for *_, name in survived}),
    ]


@pytest.fixture(scope="module")
def found(rendered, once, tmp_path_factory):
    """Return a function that returns the survivors among the files of a pattern.

    They are found once, whichever process of a parallel run asks first.
    """

    @functools.cache
    def repository(variant: str) -> Repository:
        store = cases.Store(tmp_path_factory.mktemp("objects") / "repository.git")
        return Repository(cases.read(rendered(variant)), store)

    def survived(variant: str, pattern: str) -> list[tuple[str, str, str]]:
        files, matches = repository(variant).files, matcher(pattern)
        paths = [path for path in sorted(files) if matches(path) and not path.endswith("README.md")]
        assert paths, f"no file matches {pattern}"
        return sorted({each for path in paths for each in survivors(repository(variant), path)})

    def found(variant: str, pattern: str) -> set[tuple[str, str, str]]:
        def make(folder: Path) -> None:
            (folder / "survivors.json").write_text(json.dumps(survived(variant, pattern)))

        name = re.sub(r"\W+", "-", f"survivors-{variant}-{pattern}")
        made = once(name, make, minutes=60) / "survivors.json"
        return set(map(tuple, json.loads(made.read_text(encoding="utf-8"))))

    return found


@pytest.mark.parametrize(("variant", "pattern"), GROUPED)
def test_no_rule_overlooks_a_weakening(found, variant, pattern):
    survived = found(variant, pattern)
    assert [
        each for each in sorted(survived) if not any(explains(entry, each) for entry in TRIAGED)
    ] == []


@pytest.mark.xdist_group("mutations of demand")
def test_every_explanation_is_needed_and_says_why(found):
    survived = set().union(*(found(*case) for case in CASES))
    for entry in TRIAGED:
        assert set(entry) == {"path", "places", "mutations", "why"}
        assert entry["why"].strip()
    stale = [(entry["path"], entry["why"], unneeded(entry, survived)) for entry in TRIAGED]
    assert [each for each in stale if each[-1]] == []


def test_an_explanation_that_nothing_needs_is_found():
    entry = {
        "path": "*.yaml",
        "places": ["gates[*].limit", "**.note"],
        "mutations": ["raised", "changed"],
    }
    found = {("a.yaml", "gates[G].limit", "raised"), ("a.yaml", "x.note", "emptied")}
    assert unneeded(entry, found) == ["**.note", "changed"]
    assert unneeded(entry, {*found, ("b.yaml", "x.note", "changed")}) == []
