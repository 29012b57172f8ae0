"""Privacy: what policies/data.yaml says about data on people, done to the rows themselves.

Two things, in this order. A row that is older than its contract keeps it (the service level
``retention``, whose ``element`` names the day of a row) is deleted. Where the lawful basis is
consent, every table with people in it loses the rows of those who did not consent to each purpose,
or who withdrew.

"Today" is the day of the newest row of the data, so that a run on one delivery can be repeated; the
next delivery moves it on.

The register of consents is a source like others: one row for each person and purpose, the columns
``purpose``, ``given_on``, ``withdrawn_on`` (empty while the consent is in force), and one more
primary key that names the person in every other table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import ibis

from .errors import RefusedError
from .settings import Settings, Source

REQUIRED = ("purpose", "given_on", "withdrawn_on")


@dataclass(frozen=True, slots=True)
class Barred:
    """People in the delivered data whose rows may not be used, and the column that names them."""

    column: str
    people: frozenset[Any]


def permitted(settings: Settings, delivered: dict[str, ibis.Table]) -> dict[str, ibis.Table]:
    """Return the tables with those rows only that may be used."""
    found = retained(settings, delivered)
    if not needs_consent(settings):
        return found
    register = register_of(settings)
    person, agreed = person_key(register), agreeing(settings, delivered)
    return {
        name: table.semi_join(agreed, person)
        if name != register.table and person in table.columns
        else table
        for name, table in found.items()
    }


def retained(settings: Settings, delivered: dict[str, ibis.Table]) -> dict[str, ibis.Table]:
    """Return the tables without the rows that are older than their contracts keep them."""
    return {
        source.table: kept(delivered[source.table], source.contract) for source in settings.sources
    }


def barred(settings: Settings, delivered: dict[str, ibis.Table]) -> Barred | None:
    """Return who stands in the delivered data without a consent in force; None if none is needed.

    It is looked up person by person, not with the joins of `permitted`: the evaluation counts by it
    whether anybody slipped through.
    """
    if not needs_consent(settings):
        return None
    person = person_key(register_of(settings))
    agreed = set(agreeing(settings, delivered)[person].execute())
    people = [
        set(table[person].execute()) for table in delivered.values() if person in table.columns
    ]
    return Barred(person, frozenset(set().union(*people) - agreed))


def named_by(settings: Settings) -> str | None:
    """Return which key of the feature view names a person who has to consent; None if nobody has.

    Where it is none of its keys, nobody can be asked about: whose consent to look up is not known.
    """
    if not needs_consent(settings):
        return None
    person = person_key(register_of(settings))
    if person not in settings.keys:
        raise RefusedError(
            f"the lawful basis of policies/data.yaml is consent, and {person} is no key of "
            f"features/{settings.features['id']}.yaml: nobody could tell whose consent to look up"
        )
    return person


def agreed(settings: Settings, delivered: dict[str, ibis.Table]) -> list[str]:
    """Return by name, as text, who agreed to every purpose; the answer of serving rests on it."""
    person = person_key(register_of(settings))
    return sorted(str(each) for each in agreeing(settings, delivered)[person].execute())


def no_consent(settings: Settings) -> str:
    """Return, for the trace of a decision, why somebody is not scored."""
    purposes = " and ".join(settings.privacy["consent"]["purposes"])
    return f"no consent to {purposes} is in force"


def needs_consent(settings: Settings) -> bool:
    """Tell whether the data is about people and its lawful basis is their consent."""
    about_people = any(
        custom["property"] == "personalData" and custom["value"] != "none"
        for contract in settings.contracts.values()
        for each in contract["schema"][0]["properties"]
        for custom in each.get("customProperties", ())
    )
    return about_people and settings.privacy["lawful_basis"] == "consent"


def kept(table: ibis.Table, contract: dict[str, Any]) -> ibis.Table:
    """Return the rows that are not older than the contract keeps them."""
    for promise in contract.get("slaProperties", ()):
        if promise["property"] == "retention" and "element" in promise:
            day = table[promise["element"].rpartition(".")[2]]
            newest = day.max().execute()
            return table.filter(day >= newest - timedelta(days=_days(promise, contract)))
    return table


def register_of(settings: Settings) -> Source:
    """Return the register of consents; without one nobody's data may be used."""
    named = settings.privacy["consent"]["register"]
    for source in settings.sources:
        if named == f"contracts/{source.contract['id']}.odcs.yaml":
            return source
    raise RefusedError(
        "the lawful basis of policies/data.yaml is consent, and consent.register names no contract "
        "of a source in policies/evaluation.yaml: nobody's data may be used"
    )


def person_key(register: Source) -> str:
    """Return the column that names a person, in the register and in every other table."""
    properties = register.contract["schema"][0]["properties"]
    keys = [each["name"] for each in properties if each.get("primaryKey")]
    names = [each["name"] for each in properties]
    people = [key for key in keys if key != "purpose"]
    if len(people) != 1 or not set(REQUIRED) <= set(names):
        raise RefusedError(
            f"the register {register.contract['id']} needs the columns {', '.join(REQUIRED)}, and "
            "a primary key of the person and the purpose"
        )
    return str(people[0])


def agreeing(settings: Settings, delivered: dict[str, ibis.Table]) -> ibis.Table:
    """Return the people who agreed to every purpose that policies/data.yaml names."""
    register = register_of(settings)
    return consenting(
        delivered[register.table],
        person_key(register),
        settings.privacy["consent"]["purposes"],
        today(delivered, settings),
    )


def consenting(register: ibis.Table, person: str, purposes: list[str], on: Any) -> ibis.Table:
    """Return the people whose consent to every purpose is in force on this day."""
    given = register.given_on <= on
    not_withdrawn = register.withdrawn_on.isnull() | (register.withdrawn_on > on)
    in_force = register.filter(given & not_withdrawn & register.purpose.isin(purposes))
    counted = in_force.group_by(person).aggregate(purposes=in_force.purpose.nunique())
    return counted.filter(counted.purposes == len(set(purposes))).select(person)


def today(delivered: dict[str, ibis.Table], settings: Settings) -> Any:
    """Return the day of the newest row of all tables whose contract says how long rows are kept."""
    days = [
        delivered[source.table][promise["element"].rpartition(".")[2]].max().execute()
        for source in settings.sources
        for promise in source.contract.get("slaProperties", ())
        if promise["property"] == "retention" and "element" in promise
    ]
    if not days:
        raise RefusedError(
            "no contract says under retention which element is the day of a row, so nobody knows "
            "which consents are in force"
        )
    return max(days)


def _days(promise: dict[str, Any], contract: dict[str, Any]) -> int:
    if promise.get("unit") not in ("d", "day", "days"):
        raise RefusedError(f"the retention of {contract['id']} is not a number of days (unit: d)")
    return int(promise["value"])
