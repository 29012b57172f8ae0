"""Feast: the published features as a feature repository that `feast apply` accepts.

Whoever runs Feast gets the table and its definitions; Feast itself is not needed here. A key that
is a time is text there, as `golden.names` has it, because Feast joins by its own time stamp. A view
without a time has been known since 1970.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from textwrap import dedent

import pandas as pd

from . import feature_store, golden
from .settings import Settings

FOLDER = "build/feast"
_TYPES = {
    "boolean": "Bool",
    "int64": "Int64",
    "float64": "Float64",
    "string": "String",
    "date": "UnixTimestamp",
    "timestamp": "UnixTimestamp",
}


def export(settings: Settings) -> Path:
    """Write the feature repository and return its folder."""
    table = feature_store.published(settings)
    folder = settings.root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    rows = _rows(settings, feature_store.read(table))
    rows.to_parquet(folder / "data" / "features.parquet", index=False)
    (folder / "feature_store.yaml").write_text(_store(settings), encoding="utf-8")
    (folder / "definitions.py").write_text(
        _definitions(settings, rows, table.lineage), encoding="utf-8"
    )
    return folder


def _rows(settings: Settings, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with their keys as Feast joins them, and the time when they were known."""
    time = feature_store.TIME
    known = rows[time] if time in rows.columns else pd.Timestamp(0)
    names = pd.DataFrame(golden.names(rows, settings.keys), columns=settings.keys)
    shown = rows.assign(event_timestamp=pd.to_datetime(known, utc=True))
    for key in settings.keys:
        if pd.api.types.is_datetime64_any_dtype(rows[key]):
            shown[key] = names[key]
    return shown


def _store(settings: Settings) -> str:
    project = "".join(each if each.isalnum() else "_" for each in settings.model)
    return dedent(f"""\
        project: {project}
        provider: local
        registry: data/registry.db
        online_store:
          type: sqlite
          path: data/online.db
        offline_store:
          type: file
        entity_key_serialization_version: 3
        """)


def _definitions(settings: Settings, rows: pd.DataFrame, lineage: str) -> str:
    """Return the Python file in which Feast finds its definitions."""
    view = settings.features
    keys = {
        key: "Int64" if pd.api.types.is_integer_dtype(rows[key]) else "String"
        for key in settings.keys
    }
    fields = keys | {each["name"]: _TYPES[each["dtype"]] for each in view["features"]}
    # Feast registers what it finds by a name at the top of this file.
    entities = "".join(
        f"entity_{place} = Entity(name={_text(key)}, join_keys=[{_text(key)}], "
        f"value_type=ValueType.{keys[key].upper()})\n"
        for place, key in enumerate(keys)
    )
    named = ", ".join(f"entity_{place}" for place in range(len(keys)))
    schema = "\n".join(
        f"        Field(name={_text(name)}, dtype={kind})," for name, kind in fields.items()
    )
    return (
        '"""Made by `nox -s feast` from features/; changes belong there."""\n\n'
        "from feast import Entity, FeatureView, Field, FileSource, ValueType\n"
        "from feast.types import Bool, Float64, Int64, String, UnixTimestamp\n\n"
        f"{entities}\n"
        f"{view['id']} = FeatureView(\n"
        f"    name={_text(view['id'])},\n"
        f"    entities=[{named}],\n"
        f"    schema=[\n{schema}\n    ],\n"
        "    source=FileSource(\n"
        '        path="data/features.parquet", timestamp_field="event_timestamp"\n'
        "    ),\n"
        f"    owner={_text(str(view['owner']))},\n"
        f"    tags={{'version': {_text(str(view['version']))}, 'lineage': {_text(lineage)}}},\n"
        ")\n"
    )


def _text(value: str) -> str:
    return json.dumps(value)
