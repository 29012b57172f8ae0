"""Adopt: a table becomes the data of this programme; contract and features are proposed from it.

The file is copied to ``data/``, which git ignores, with names that columns may have. What is
proposed is what the data shows: types, missing values, keys, ranges. What it means is left to
people, and what may tell of a person has to be decided before anything is written.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml
from ai_program import digests

from .. import files
from ..errors import RefusedError
from ..settings import Settings, read

# The share of the days that is learned from; the rest comes later and is judged on.
LEARNED = 0.8
GOLDEN = 10
# How far off a golden row may be, as a share of the range: of a number, and of a yes/no.
TOLERANCE, TOLERANCE_YES_NO = 0.5, 0.9
FEWEST_ROWS, FEWEST_DAYS = 100, 10

_TYPES = {
    "BOOLEAN": ("boolean", "BOOLEAN"),
    "BIGINT": ("integer", "BIGINT"),
    "DOUBLE": ("number", "DOUBLE"),
    "DATE": ("date", "DATE"),
    "TIMESTAMP": ("timestamp", "TIMESTAMP"),
    "VARCHAR": ("string", "VARCHAR"),
}
_NUMBERS = ("BOOLEAN", "BIGINT", "DOUBLE")
_TIMES = ("DATE", "TIMESTAMP")

# Words in the names of columns that often tell of a person.
_PERSONAL = re.compile(
    r"(?:^|_)(?:name|surname|first|last|email|e_mail|mail|phone|mobile|address|street|zip|postcode|"
    r"postal|birth|birthday|born|age|gender|sex|ssn|passport|iban|ip|user|customer|client|employee|"
    r"patient|person|driver|member|account|religion|ethnicity|nationality|salary|income)(?:_|$)"
)
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


@dataclass(frozen=True, slots=True)
class Column:
    """A column, as the data shows it."""

    original: str
    name: str
    type: str  # of _TYPES
    missing: int
    distinct: int
    low: Any
    high: Any
    emails: int

    @property
    def suspicion(self) -> str | None:
        """Return why it may tell of a person, None if nothing says so."""
        if self.emails:
            return f"{self.emails} of its values are e-mail addresses"
        found = _PERSONAL.search(self.name)
        return f'its name has "{found[0].strip("_")}" in it' if found else None


def adopt(
    settings: Settings,
    file: Path,
    *,
    target: str,
    time: str | None,
    keys: Sequence[str],
    without: Sequence[str],
    harmless: Sequence[str],
) -> list[str]:
    """Make a CSV file the data of the programme; return the paths that were written.

    ``target``, ``time`` and ``keys`` name columns; ``without`` leaves columns out; ``harmless``
    says of columns that a person has looked at them and they tell of nobody.
    """
    if settings.evaluation["data"]["path"] is not None:
        raise RefusedError(
            f"{settings.evaluation['data']['path']} is the data already: its contract and "
            "policies/evaluation.yaml change by a commit, and by a decision where that breaks"
        )
    if not file.is_file():
        raise RefusedError(f"{file} is no file")
    table = _Table(file, without)
    columns = {column.name: column for column in table.columns}
    chosen = _Choice.of(columns, rows=table.rows, target=target, time=time, keys=keys, table=table)
    _require_decided(table.columns, harmless)
    contract = settings.contract
    name = str(contract["schema"][0]["name"])
    path = f"data/{name}.csv"
    view = _view(settings.features, table.columns, chosen)
    days, golden = table.days(chosen), table.golden(chosen)
    digest = table.copy(settings.root / path, table.columns)
    written = {
        f"contracts/{contract['id']}.odcs.yaml": _contract(contract, path, table, chosen),
        f"features/{view['id']}.yaml": _yaml("features", view, _FEATURES_SAY),
        f"tests/golden/{settings.model}.json": golden,
        "policies/evaluation.yaml": _evaluation(settings, path, digest, days, columns[target]),
    }
    files.write(settings.root, {where: text.encode() for where, text in written.items()})
    return [path, *written]


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which columns play a part of their own."""

    target: str
    time: str
    keys: tuple[str, ...]

    @classmethod
    def of(
        cls,
        columns: dict[str, Column],
        *,
        rows: int,
        target: str,
        time: str | None,
        keys: Sequence[str],
        table: _Table,
    ) -> _Choice:
        for name in (target, *filter(None, [time]), *keys):
            if name not in columns:
                raise RefusedError(f"there is no column {name}; there are {', '.join(columns)}")
        if columns[target].type not in _NUMBERS:
            raise RefusedError(
                f"{target} is {columns[target].type}: it has to be a number or a yes/no"
            )
        if columns[target].distinct < 2:
            raise RefusedError(f"{target} has one value only: there is nothing to predict")
        if time is None:
            time = next((c.name for c in columns.values() if c.type in _TIMES), None)
        if time is None or columns[time].type not in _TIMES or columns[time].missing:
            raise RefusedError(
                "a model is judged on rows that came after those it learned from, so one column "
                "holds the day or time of every row: name it with --time, as YYYY-MM-DD or with a "
                f"time of day{f' ({time} is {columns[time].type}' if time else ''}"
                f"{f', missing in {columns[time].missing} rows)' if time else ''}"
            )
        if not keys:
            unique = (
                c.name
                for c in columns.values()
                if c.distinct == rows and not c.missing and c.name != target
            )
            keys = [name for name in [next(unique, "")] if name]
        if not keys or not table.is_unique(keys):
            tried = f"{', '.join(keys)} does not" if keys else "no column does"
            raise RefusedError(
                f"a row needs a name of its own, and {tried} give it: --key COLUMN[,COLUMN]"
            )
        return cls(target, time, tuple(keys))


class _Table:
    """The file as DuckDB reads it."""

    def __init__(self, file: Path, without: Sequence[str]) -> None:
        self.file = file
        self._connection = duckdb.connect()
        self._connection.execute("SET threads = 1")
        self._connection.execute("SET autoinstall_known_extensions = false")
        self._connection.execute("SET autoload_known_extensions = false")
        try:
            self._read = self._connection.read_csv(str(file), sample_size=-1, header=True)
            self._read.create_view("given")
            found = self._connection.execute("DESCRIBE given").fetchall()
        except duckdb.Error as error:
            said = " ".join(str(error).split())[:300]
            raise RefusedError(f"{file} cannot be read as CSV: {said}") from None
        names = _unique_names([str(row[0]) for row in found])
        unknown = sorted(set(without) - set(names))
        if unknown:
            raise RefusedError(
                f"there is no column {', '.join(unknown)}; there are {', '.join(names)}"
            )
        kept = [
            (str(row[0]), name, _type_of(str(row[1])))
            for row, name in zip(found, names, strict=True)
            if name not in without
        ]
        chosen = ", ".join(f"{_quoted(old)}::{kind} AS {_quoted(new)}" for old, new, kind in kept)
        self._connection.execute(f"CREATE TABLE kept AS SELECT {chosen} FROM given")  # noqa: S608
        self.rows = int(self._one("SELECT count(*) FROM kept"))
        if self.rows < FEWEST_ROWS:
            raise RefusedError(f"{file} has {self.rows} rows: {FEWEST_ROWS} are the fewest")
        self.columns = [self._column(*each) for each in kept]

    def is_unique(self, keys: Sequence[str]) -> bool:
        """Tell whether these columns together name each row."""
        listed = ", ".join(map(_quoted, keys))
        found = self._one(f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM kept)")  # noqa: S608
        return int(found) == self.rows and not any(
            column.missing for column in self.columns if column.name in keys
        )

    def copy(self, target: Path, columns: Sequence[Column]) -> str:
        """Write the columns that are kept, text as it stood, and return the digest of the file."""
        listed = ", ".join(f"{_quoted(c.original)} AS {_quoted(c.name)}" for c in columns)
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(f".{target.name}.half")
        try:
            text = self._connection.read_csv(
                str(self.file), sample_size=-1, header=True, all_varchar=True
            )
            text.create_view("as_text")
            self._connection.execute(
                f"COPY (SELECT {listed} FROM as_text) TO {_literal(str(half))} (HEADER)"  # noqa: S608
            )
            half.replace(target)
        finally:
            half.unlink(missing_ok=True)
        return digests.of_bytes(target.read_bytes())

    def days(self, chosen: _Choice) -> tuple[str, str, str]:
        """Return the last day to learn from, and the first and last day to judge on."""
        days = self._days(chosen)
        if len(days) < FEWEST_DAYS:
            raise RefusedError(
                f"{chosen.time} spans {len(days)} days with a known {chosen.target}; fewer than "
                f"{FEWEST_DAYS} cannot be split into a past and a future"
            )
        place = min(len(days) - 2, int(len(days) * LEARNED) - 1)
        return days[place], days[place + 1], days[-1]

    def golden(self, chosen: _Choice) -> str:
        """Return typical rows of the test days, with what became of them."""
        _, first, last = self.days(chosen)
        named = {c.name: c for c in self.columns}
        listed = ", ".join(
            f"strftime({_quoted(key)}, '%Y-%m-%dT%H:%M') AS {_quoted(key)}"
            if named[key].type in _TIMES
            else f"{_quoted(key)}::VARCHAR AS {_quoted(key)}"
            for key in chosen.keys
        )
        target, time = _quoted(chosen.target), _quoted(chosen.time)
        order = ", ".join(map(_quoted, chosen.keys))
        rows = self._connection.execute(
            f"""
            SELECT {listed}, {target}::DOUBLE AS value FROM kept
            WHERE {target} IS NOT NULL AND {time}::DATE BETWEEN {_literal(first)}::DATE
              AND {_literal(last)}::DATE
            ORDER BY abs({target}::DOUBLE - (SELECT avg({target}::DOUBLE) FROM kept)), {order}
            LIMIT {GOLDEN}
            """  # noqa: S608 - every name is quoted
        ).fetchall()
        names = (*chosen.keys, chosen.target)
        about = (
            "Rows of the test days that are as usual as rows get, proposed when the data was "
            "adopted. Replace them by cases that somebody knows well."
        )
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return json.dumps({"about": about, "rows": found}, indent=2, ensure_ascii=False) + "\n"

    def _days(self, chosen: _Choice) -> list[str]:
        target, time = _quoted(chosen.target), _quoted(chosen.time)
        return [
            str(row[0])
            for row in self._connection.execute(
                f"SELECT DISTINCT {time}::DATE::VARCHAR AS day FROM kept "  # noqa: S608
                f"WHERE {target} IS NOT NULL ORDER BY day"
            ).fetchall()
        ]

    def _column(self, original: str, name: str, kind: str) -> Column:
        quoted = _quoted(name)
        ordered = kind in (*_NUMBERS, *_TIMES)
        row = self._connection.execute(
            f"""
            SELECT count(*) - count({quoted}), count(DISTINCT {quoted}),
                   {f"min({quoted})" if ordered else "NULL"},
                   {f"max({quoted})" if ordered else "NULL"},
                   count(*) FILTER (regexp_matches({quoted}::VARCHAR, {_literal(_EMAIL)}))
            FROM kept
            """  # noqa: S608 - every name is quoted
        ).fetchone()
        missing, distinct, low, high, emails = row or (0, 0, None, None, 0)
        return Column(original, name, kind, missing, distinct, low, high, emails)

    def _one(self, query: str) -> Any:
        row = self._connection.execute(query).fetchone()
        return row[0] if row else None


def _require_decided(columns: Sequence[Column], harmless: Sequence[str]) -> None:
    """Refuse columns that may tell of a person, until a person has looked at them."""
    open_still = [c for c in columns if c.suspicion and c.name not in harmless]
    if open_still:
        lines = "".join(f"\n  {column.name}: {column.suspicion}" for column in open_still)
        names = ",".join(column.name for column in open_still)
        raise RefusedError(
            f"these columns may tell of a person, and a person decides:{lines}\n"
            f"leave them out (--without {names}), or look at them and say that they tell of nobody "
            f"(--harmless {names}). A programme that needs personal data says so in workshop.yaml "
            "first (personal_data, lawful_basis), and its contract is written by hand"
        )


# What is written.

_CONTRACT_SAYS = """\
# The data contract of {id}, in the Open Data Contract Standard.
# Proposed from {rows:,} rows: types, keys and missing values are as they were found. Say what each
# field means, and give it the classification that it deserves.
# A change that breaks a consumer needs a new major version and a decision.
"""
_FEATURES_SAY = """\
#
# One definition for training and serving. A feature says which fields of the contract it is made of
# and is at least as confidential as they are; what policies/data.yaml bans is never one.
"""


def _contract(contract: dict[str, Any], path: str, table: _Table, chosen: _Choice) -> str:
    """Return the contract with the fields as they were found."""
    dataset = contract["schema"][0]
    keys = list(chosen.keys)
    properties = [
        {
            "name": column.name,
            "description": f"{column.original}, as found in the data",
            "logicalType": _TYPES[column.type][0],
            "physicalType": _TYPES[column.type][1],
            **(
                {"primaryKey": True, "primaryKeyPosition": keys.index(column.name) + 1}
                if column.name in keys
                else {}
            ),
            "required": column.missing == 0,
            "unique": keys == [column.name],
            "criticalDataElement": column.name in (*keys, chosen.time, chosen.target),
            "classification": "internal",
            "customProperties": [{"property": "personalData", "value": "none"}],
            **_quality(column, str(dataset["name"]), chosen),
        }
        for column in table.columns
    ]
    server = {"server": "local", "type": "local", "environment": "development", "path": path,
              "format": "csv"}  # fmt: skip
    said = [
        each for each in contract["customProperties"] if each["property"] not in ("time", "target")
    ]
    freshness = [
        {**each, "description": f"Age of the newest {chosen.time}"}
        if each["property"] == "freshness"
        else each
        for each in contract.get("slaProperties", [])
    ]
    adopted = {
        **contract,
        "status": "active",
        "servers": [server],
        "schema": [{**dataset, "properties": properties}],
        "slaProperties": freshness,
        "customProperties": [
            *said,
            {"property": "time", "value": chosen.time},
            {"property": "target", "value": chosen.target},
        ],
    }
    head = _CONTRACT_SAYS.format(id=contract["id"], rows=table.rows)
    return _yaml("odcs", adopted, "#\n" + head)


def _quality(column: Column, table: str, chosen: _Choice) -> dict[str, Any]:
    """Return what has to hold of a field that others rest on, if it held."""
    if column.name not in (*chosen.keys, chosen.time, chosen.target):
        return {}
    slug = column.name.replace("_", "-")
    if column.missing == 0:
        query = f"SELECT COUNT(*) FROM {table} WHERE {_quoted(column.name)} IS NULL"  # noqa: S608
        check = {"name": f"{slug}-known", "description": f"Each row has its {column.name}"}
        return {"quality": [{**check, "type": "sql", "query": query, "mustBe": 0,
                             "dimension": "completeness"}]}  # fmt: skip
    query = f"SELECT COUNT(*) FROM {table} WHERE NOT isfinite({_quoted(column.name)}::DOUBLE)"  # noqa: S608
    check = {"name": f"{slug}-finite", "description": f"A known {column.name} is a number"}
    return {"quality": [{**check, "type": "sql", "query": query, "mustBe": 0,
                         "dimension": "conformity"}]}  # fmt: skip


def _view(view: dict[str, Any], columns: Sequence[Column], chosen: _Choice) -> dict[str, Any]:
    """Return the feature view: numbers and yes/no as they are, parts of the time, the past."""
    found = {key: value for key, value in view.items() if key not in ("status", "due", "note")}
    return {
        **found,
        "entity": {**view["entity"], "keys": list(chosen.keys)},
        "features": list(_features(columns, chosen)),
    }


def _features(columns: Sequence[Column], chosen: _Choice) -> Iterator[dict[str, Any]]:
    time = next(column for column in columns if column.name == chosen.time)
    for column in columns:
        taken = (chosen.target, chosen.time, *chosen.keys)
        if column.name in taken or column.type not in _NUMBERS or column.distinct < 2:
            continue
        yield {
            "name": column.name,
            "description": f"{column.original}, as found in the data",
            "dtype": "float64",
            "inputs": [column.name],
            **_harmless(),
            "nulls": "allowed" if column.missing else "forbidden",
            **(
                {"range": [0, 1]}
                if column.type == "BOOLEAN"
                else {"unbounded": f"it went from {column.low} to {column.high}; agree on a range"}
            ),
        }
    parts = {"weekday": ([0, 6], "Day of the week, Monday is 0")}
    if time.type == "TIMESTAMP":
        parts["hour"] = ([0, 23], "Hour of the day")
    for part, (reach, what) in parts.items():
        yield {
            "name": f"{chosen.time}_{part}", "description": what, "dtype": "int64",
            "inputs": [chosen.time], **_harmless(), "nulls": "forbidden", "range": reach,
        }  # fmt: skip
    yield {
        "name": f"{chosen.target}_before",
        "description": f"Mean {chosen.target} of all earlier days",
        "dtype": "float64",
        "inputs": [chosen.target, chosen.time],
        **_harmless(),
        "nulls": "forbidden",
        "unbounded": "a mean of what was seen before",
    }


def _harmless() -> dict[str, str]:
    return {"classification": "internal", "personal_data": "none"}


def _evaluation(
    settings: Settings, path: str, digest: str, days: tuple[str, str, str], target: Column
) -> str:
    """Return the evaluation policy with the data; every other line stays as it is."""
    where = "policies/evaluation.yaml"
    text = (settings.root / where).read_text(encoding="utf-8")
    train_until, test_from, test_until = days
    values = {
        "path": path, "digest": digest, "train_until": f'"{train_until}"',
        "test_from": f'"{test_from}"', "test_until": f'"{test_until}"',
    }  # fmt: skip
    block = re.search(r"^data:\n(?:[ #].*\n|\n)+", text, re.MULTILINE)
    golden = re.search(r"^golden:\n(?:[ #].*\n?)+", text, re.MULTILINE)
    if block is None or golden is None:
        raise RefusedError(f"{where} has no data or golden rows where they are expected")
    data = block[0]
    for key, value in values.items():
        data = re.sub(rf"^  {key}: .*$", f"  {key}: {value}", data, flags=re.MULTILINE)
    data = re.sub(r"^  (?:status|owner|due|note): .*\n", "", data, flags=re.MULTILINE)
    known = golden[0]
    for key, value in {
        "path": f"tests/golden/{settings.model}.json",
        "tolerance": TOLERANCE_YES_NO if target.distinct == 2 else TOLERANCE,
    }.items():
        known = re.sub(rf"^  {key}: .*$", f"  {key}: {value}", known, flags=re.MULTILINE)
    return text.replace(block[0], data).replace(golden[0], known)


def _yaml(schema: str, value: dict[str, Any], said: str) -> str:
    head = f"# yaml-language-server: $schema=../.ai-program/schemas/{schema}.schema.json\n{said}"
    return head + yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Writes YAML as people do: items of a list are indented, short plain lists stay on a line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def represent_sequence(self, tag: str, sequence: Any, flow_style: Any = None) -> Any:
        plain = not any(isinstance(each, dict | list) for each in sequence)
        return super().represent_sequence(tag, sequence, flow_style=plain)


# Names.


def _type_of(found: str) -> str:
    if found in _TYPES:
        return found
    if found.endswith("INT") or found in ("INTEGER", "HUGEINT"):
        return "BIGINT"
    if found.startswith("DECIMAL") or found == "FLOAT":
        return "DOUBLE"
    return "TIMESTAMP" if found.startswith("TIMESTAMP") else "VARCHAR"


def _unique_names(originals: Sequence[str]) -> list[str]:
    """Return names that contracts and features may have, one for each column."""
    found: list[str] = []
    for original in originals:
        letters = unicodedata.normalize("NFKD", original.casefold())
        plain = letters.encode("ascii", "ignore").decode()
        name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "column"
        name = name if name[0].isalpha() else f"column_{name}"
        number = 1
        while (name if number == 1 else f"{name}_{number}") in found:
            number += 1
        found.append(name if number == 1 else f"{name}_{number}")
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def said(settings: Settings, written: Sequence[str]) -> Iterator[str]:
    """Yield what the user reads when it is done."""
    view = read(settings.root, f"features/{settings.features['id']}.yaml")
    names = [each["name"] for each in view["features"]]
    yield f"{written[0]} is the data of this programme; git ignores it, its digest is on record."
    yield f"Proposed: {', '.join(written[1:])}."
    yield f"Features: {', '.join(names)}."
    yield "Read them beside the data (`git diff`), say what each field means, then:"
    yield '  git add --all && git commit -m "Adopt the data"'
    yield "  nox -s pipeline"
