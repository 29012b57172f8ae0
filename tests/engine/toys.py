"""A small programme, and toy rules to judge it by."""

from __future__ import annotations

from ai_program.findings import Location
from ai_program.rules.base import Rule

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
