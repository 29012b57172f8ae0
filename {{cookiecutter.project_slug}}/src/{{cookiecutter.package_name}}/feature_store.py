"""Feature store: tables of features by version and lineage, for training and for serving.

A table is a Parquet file ``var/features/<view>@<version>/<lineage>.parquet`` beside a manifest. Its
lineage follows from what it was made of: the data and what policies allow of it, the feature view
and the code that transforms one into the other. So the same inputs are the same table, and another
table says so by its name.

    put        keeps a table
    as_of      training: for each entity and time, what was known then and nothing later
    publish    makes the table that serving looks up in, the rows to answer now included
    Online     serving: rows by the keys of their entity

Where people have to consent, a publication says who did, and what everybody else is shown; and it
deletes what is stored of other data, because somebody may stand there who has withdrawn since.

The one definition of the features is `features.build` of the use case; nothing is defined here.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pandas as pd
from ai_program import digests

from . import answering, feature_schema, files, golden, ingest, privacy
from .answering import Instead
from .errors import RefusedError
from .settings import Settings
from .use_case import features, serving

FOLDER = "var/features"
PUBLISHED = f"{FOLDER}/published.json"
CONSENTS = f"{FOLDER}/consents.json"
# The column with the moment at which a row of features was known; None if the view has no time.
TIME: str | None = getattr(features, "TIME", None)
KNOWN_AT = "feature_time"


class UnknownError(RefusedError):
    """Rows were asked for that the published table does not have."""


@dataclass(frozen=True, slots=True)
class Table:
    """A stored table: its lineage id, its file, and what its manifest says."""

    lineage: str
    path: Path
    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Consents:
    """Who consented by the time of a publication, as text, and what everybody else is shown."""

    agreed: frozenset[str]
    instead: Instead


def lineage(settings: Settings, data_digest: str, kind: str) -> dict[str, str]:
    """Return what a table is made of; its digest is the lineage id."""
    transform = settings.root / str(settings.features["transform"])
    return {
        "kind": kind,
        "view": settings.features_reference,
        "schema": digests.of_value(settings.features),
        "data": data_digest,
        "allowed": digests.of_value(
            [
                settings.privacy["lawful_basis"],
                settings.privacy.get("consent"),
                [contract.get("slaProperties") for contract in settings.contracts.values()],
            ]
        ),
        "code": digests.of_bytes(transform.read_bytes()) if transform.is_file() else "none",
    }


def put(settings: Settings, data_digest: str, rows: pd.DataFrame, kind: str = "history") -> Table:
    """Keep rows of features; what is there already stays as it is."""
    made_of = lineage(settings, data_digest, kind)
    name = digests.of_value(made_of).removeprefix("sha256:")[:16]
    folder = settings.root / FOLDER / settings.features_reference
    path, manifest = folder / f"{name}.parquet", folder / f"{name}.json"
    if not manifest.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        half = folder / f".half-{uuid4().hex}"
        with duckdb.connect() as connection:
            connection.register("rows", rows)
            connection.execute(f"COPY rows TO '{_quoted(half)}' (FORMAT parquet)")
        content = digests.of_bytes(half.read_bytes())
        half.replace(path)
        said = {"lineage": name, **made_of, "rows": len(rows), "content": content}
        files.write(folder, {manifest.name: digests.pretty(said)})
    return get(settings, name)


def get(settings: Settings, name: str) -> Table:
    """Return a table whose content is what its manifest says, or refuse."""
    folder = settings.root / FOLDER / settings.features_reference
    path = folder / f"{name}.parquet"
    try:
        manifest = json.loads((folder / f"{name}.json").read_bytes())
        is_whole = digests.of_bytes(path.read_bytes()) == manifest["content"]
    except (OSError, ValueError, KeyError, TypeError):
        raise RefusedError(f"there is no table of features {name}: `nox -s features`") from None
    if not is_whole:
        raise RefusedError(f"{path} was damaged: delete it and its .json, then `nox -s features`")
    return Table(name, path, manifest)


def read(table: Table) -> pd.DataFrame:
    """Return the rows of a table."""
    with duckdb.connect() as connection:
        return connection.read_parquet(str(table.path)).df()


def as_of(settings: Settings, table: Table, spine: pd.DataFrame) -> pd.DataFrame:
    """Return the spine with the features that were known at each of its moments.

    The spine has the keys of the entity, one of them the time, and whatever else (labels, for
    instance). Rows keep their order; ``feature_time`` says when the features were known, and is
    missing like them where nothing was known yet.
    """
    if TIME is None:
        raise RefusedError(f"{settings.features_reference} has no time to join by")
    entity = [key for key in settings.keys if key != TIME]
    return point_in_time(spine, read(table), entity, TIME, [*features.NAMES])


def point_in_time(
    spine: pd.DataFrame, rows: pd.DataFrame, entity: list[str], time: str, names: list[str]
) -> pd.DataFrame:
    """Join to each row of the spine the last row of its entity that is not after it."""
    kept = [column for column in spine.columns if column not in names]
    same = "".join(f"spine.{_name(key)} = known.{_name(key)} AND " for key in entity)
    shown = ", ".join(
        [*(f"spine.{_name(column)}" for column in kept),
         f"known.{_name(time)} AS {KNOWN_AT}",
         *(f"known.{_name(name)}" for name in names)]
    )  # fmt: skip
    question = (
        f"SELECT {shown} FROM spine ASOF LEFT JOIN known "  # noqa: S608, names of a governed file
        f"ON {same}spine.{_name(time)} >= known.{_name(time)} ORDER BY spine.place_in_spine"
    )
    with duckdb.connect() as connection:
        connection.register("spine", spine.assign(place_in_spine=range(len(spine))))
        connection.register("known", rows)
        return connection.execute(question).df()


# Serving.


def publish(settings: Settings) -> Table:
    """Make the table that serving looks up in: all rows of the past, and those to answer now."""
    digest = ingest.verify(settings)
    delivered = ingest.delivered(settings)
    tables = privacy.permitted(settings, delivered)
    past = feature_schema.frame(features.build(tables), settings.features, features.NAMES)
    now = serving.current(tables, settings.features)
    columns = [*dict.fromkeys([*settings.keys, *features.NAMES])]
    rows = pd.concat([past[columns], now[columns]], ignore_index=True)
    # Where a key has no time in it, only what holds now can be looked up.
    rows = rows.drop_duplicates(settings.keys, keep="last", ignore_index=True)
    table = put(settings, digest, rows, "serving")
    pointer = {"view": settings.features_reference, "lineage": table.lineage}
    contents = {PUBLISHED: digests.pretty(pointer)}
    if privacy.named_by(settings) is None:
        (settings.root / CONSENTS).unlink(missing_ok=True)
        files.write(settings.root, contents)
        return table
    said = {
        "purposes": settings.privacy["consent"]["purposes"],
        "agreed": privacy.agreed(settings, delivered),
        "instead": asdict(answering.instead(settings, tables)),
    }
    files.write(settings.root, {CONSENTS: digests.pretty(said), **contents})
    _forget(settings, table)
    return table


def _forget(settings: Settings, kept: Table) -> None:
    """Delete the tables that were made of other data than this one, or when more was allowed."""
    for manifest in (settings.root / FOLDER).glob("*/*.json"):
        said = json.loads(manifest.read_bytes())
        if any(said.get(each) != kept.manifest[each] for each in ("data", "allowed")):
            manifest.with_suffix(".parquet").unlink(missing_ok=True)
            manifest.unlink()


def unpublished(settings: Settings) -> list[Path]:
    """Return the files of all tables but the published one; they can be made again."""
    try:
        name = json.loads((settings.root / PUBLISHED).read_bytes())["lineage"]
    except (OSError, ValueError, KeyError, TypeError):
        name = None
    return [path for path in sorted((settings.root / FOLDER).glob("*/*")) if path.stem != name]


def published(settings: Settings) -> Table:
    """Return the published table, which has to be one of the view as it is now."""
    try:
        pointer = json.loads((settings.root / PUBLISHED).read_bytes())
        view, name = pointer["view"], pointer["lineage"]
    except (OSError, ValueError, KeyError, TypeError):
        raise RefusedError("no features are published: `nox -s features`") from None
    if view != settings.features_reference:
        raise RefusedError(
            f"{view} is published, and this is {settings.features_reference}: `nox -s features`"
        )
    return get(settings, name)


def consents(settings: Settings) -> Consents:
    """Return what the publication says about consents, which have to be to what is done now."""
    try:
        said = json.loads((settings.root / CONSENTS).read_bytes())
        purposes, agreed = said["purposes"], frozenset(said["agreed"])
        instead = Instead(**said["instead"])
    except (OSError, ValueError, KeyError, TypeError):
        raise RefusedError("nobody knows who consented before `nox -s features` ran") from None
    wanted = settings.privacy["consent"]["purposes"]
    if sorted(purposes) != sorted(wanted):
        raise RefusedError(
            f"who consented to {', '.join(purposes)} is published, and policies/data.yaml wants "
            f"{', '.join(wanted)}: `nox -s features`"
        )
    return Consents(agreed, instead)


class Online:
    """Rows of the published table by their keys; a new publication is seen at once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._pointer = settings.root / PUBLISHED
        self._seen: int | None = None
        self._rows: duckdb.DuckDBPyConnection | None = None
        self._consents: Consents | None = None
        self._consents_seen: int | None = None
        self._needs_consent = privacy.named_by(settings) is not None
        self._times: set[str] = set()
        self._lock = threading.Lock()

    def rows(self, keys: list[dict[str, Any]]) -> pd.DataFrame:
        """Return the row of each key, in their order, with the types of the view."""
        names = self.settings.keys
        with self._lock:
            online = self._current()
            wanted = [_joined(self._named(name, key[name]) for name in names) for key in keys]
            online.register("wanted", pd.DataFrame({"name": wanted, "place": range(len(wanted))}))
            found = online.execute(
                "SELECT online.* FROM wanted LEFT JOIN online USING (name) ORDER BY place"
            ).df()
        missing = [key for key, is_missing in zip(keys, found["found"].isna(), strict=True)
                   if is_missing]  # fmt: skip
        if missing:
            raise UnknownError(f"no features are published for {json.dumps(missing[0])}")
        return found.drop(columns=["name", "found"])

    def consents(self) -> Consents | None:
        """Return who consented, and what everybody else is shown; None if nobody has to."""
        if not self._needs_consent:
            return None
        with self._lock:
            seen = _changed(self.settings.root / CONSENTS)
            if self._consents is None or seen != self._consents_seen:
                self._consents, self._consents_seen = consents(self.settings), seen
            return self._consents

    def _current(self) -> duckdb.DuckDBPyConnection:
        seen = _changed(self._pointer)
        if self._rows is None or seen != self._seen:
            self._rows, self._seen = self._load(published(self.settings)), seen
        return self._rows

    def _named(self, key: str, value: Any) -> str:
        """Return a part of a key as `golden.names` has it: a time up to the minute, or a text."""
        if key not in self._times:
            return str(value)
        try:
            return pd.Timestamp(str(value)).strftime(golden.MINUTE)
        except ValueError:
            raise UnknownError(f"{key} is a time, and {value!r} is none") from None

    def _load(self, table: Table) -> duckdb.DuckDBPyConnection:
        rows = read(table)
        keys = self.settings.keys
        self._times = {key for key in keys if pd.api.types.is_datetime64_any_dtype(rows[key])}
        names = [_joined(name) for name in golden.names(rows, keys)]
        connection = duckdb.connect()
        connection.register("loaded", rows.assign(name=names, found=True))
        connection.execute("CREATE TABLE online AS FROM loaded")
        connection.execute("CREATE UNIQUE INDEX by_name ON online (name)")
        connection.unregister("loaded")
        return connection


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _joined(parts: Any) -> str:
    return json.dumps([*parts])


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
