"""A governed repository, and a baseline of toy rules to judge it by."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from engine.repositories import Repository

from ai_program import checking
from ai_program.findings import Location
from ai_program.program import Baseline
from ai_program.rules.base import Rule

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def repo(tmp_path) -> Repository:
    """Return an empty repository."""
    return Repository(tmp_path / "repo").init()


PROGRAM = """\
schema_version: 1
risk: {tier: limited}
objectives:
  - id: OBJ-1
    key_results:
      - {id: KPI-mae, target: 110}
people:
  - {handle: "@ada", emails: [ada@example.org], roles: [accountable_owner], active: true}
  - {handle: "@grace", emails: [Grace@example.org], roles: [validator], active: true}
  - {handle: "@old", emails: [old@example.org], roles: [sponsor], active: false}
"""


@pytest.fixture
def governed(repo) -> Repository:
    """Return a repository with a programme and its first commit."""
    repo.add("policies/program.yaml", PROGRAM)
    repo.add("contracts/a.odcs.yaml", "id: a\nowner: TODO\n")
    repo.commit()
    return repo


CATALOGUE = """\
- code: AIP901
  title: Nothing is left to do
  family: toy
  why: What is left to do is not done.
  do: write the value
  severity: {minimal: warning, limited: error, high: error}
  when: [commit]
  waivable: true
  controls: {}
- code: AIP902
  title: Owners are told
  family: toy
  why: Who is not told does not know.
  do: tell them
  severity: {minimal: "off", limited: warning, high: error}
  when: [commit]
  waivable: true
  controls: {}
- code: AIP903
  title: Nothing is pushed with a secret
  family: toy
  why: A pushed secret is a secret no more.
  do: take it out
  severity: {minimal: error, limited: error, high: error}
  when: [push]
  waivable: false
  controls: {eu_ai_act: ["15"]}
- code: AIP904
  title: Time passes
  family: toy
  why: It does.
  do: wait
  severity: {minimal: error, limited: error, high: error}
  when: [schedule]
  waivable: false
  controls: {}
"""


class AIP901(Rule):
    """Finds TODO in the contracts."""

    def check(self, program):
        for doc in program.head.contracts:
            for key, value in (doc.value or {}).items():
                if isinstance(value, str) and "TODO" in value:
                    before = program.base.tree.document(doc.path)
                    related = ((before.at(key), "base"),) if before else ()
                    yield self.finding(doc.at(key), f"{key} is {value}", related=related)


class AIP902(Rule):
    """Finds owners that are not addresses."""

    def check(self, program):
        for doc in program.head.contracts:
            if doc.get("owner") and "@" not in doc.get("owner"):
                yield self.finding(doc.key_at("owner"), "the owner has no address")


class AIP903(Rule):
    """Finds a file called secret."""

    def check(self, program):
        if "secret" in program.head.tree:
            yield self.finding(Location("secret"), "a secret is here", do="remove it")


class AIP904(Rule):
    """Always finds something."""

    def check(self, program):
        yield self.finding(Location(""), f"it is {program.snapshot.today}")


TOYS = {rule.code: rule for rule in (AIP901, AIP902, AIP903, AIP904)}


@pytest.fixture
def baseline(tmp_path) -> Baseline:
    """Return the project's baseline with the toy rules in place of its own."""
    root = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", root)
    (root / "rules.yaml").write_text(CATALOGUE)
    return Baseline(str(root))


@pytest.fixture
def check(baseline):
    """Return a function that judges a repository by the toy rules."""

    def run(repository: Repository, stage: str = "commit", **options) -> checking.Result:
        select = options.pop("select", ())
        find = options.pop("find", TOYS.__getitem__)
        program = repository.program(baseline, stage, **options)
        return checking.check(program, select=select, find=find)

    return run
