"""Scale: how long the features take, and how much memory, as the data grows.

What it grows by is synthetic: copies of the delivered rows, kept apart by one column (``GROWS_BY``
of the features): other meters, articles, customers, or later times. Nothing can be learned from
them. Each measurement is a process of its own:

    python -m PACKAGE.scale FOLDER TARGET
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from . import compute, ingest
from .errors import RefusedError
from .settings import Settings, load
from .use_case import features


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What one engine took for one size: rows that came in, seconds, bytes if the system tells."""

    engine: str
    rows: int
    seconds: float
    memory: int | None

    def line(self) -> str:
        """Return it as a row of the table."""
        memory = f"{self.memory / 1e6:>10,.0f} MB" if self.memory else f"{'not told':>13}"
        return f"{self.rows:>12,}  {self.engine:<8}{self.seconds:>8.1f} s{memory}"


def measure(settings: Settings, sizes: Sequence[int]) -> Iterator[Measured]:
    """Yield what each engine takes for the features of so many copies."""
    for times in sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows = grow(settings, times, Path(folder))
            for engine in compute.ENGINES:
                yield _measured(settings, engine, rows, Path(folder))


def grow(settings: Settings, times: int, folder: Path) -> int:
    """Write so many copies of each source into a folder; return how many rows that are."""
    if times < 1:
        raise RefusedError(f"the data grows {times} times: that is at least once")
    rows, by = 0, features.GROWS_BY
    for source, target in zip(settings.sources, grown(settings, folder).sources, strict=True):
        # A source without that column says what all copies share.
        copies = times if by in target.types else 1
        with duckdb.connect() as connection:
            delivered = connection.read_csv(str(source.path), dtype=source.types)
            delivered.create_view("delivered")
            values = {name: f'"{name}"' for name in source.types}
            if by in target.types:
                values[by] = _apart(connection, by, source.types.get(by))
            chosen = ", ".join(f'{values[name]} AS "{name}"' for name in target.types)
            connection.sql(
                f"SELECT {chosen} FROM delivered, range({copies}) AS copies(number)"  # noqa: S608
            ).write_csv(str(target.path))
            rows += copies * len(delivered)
    return rows


def grown(settings: Settings, folder: Path) -> Settings:
    """Return the settings with the data of a folder that `grow` wrote."""
    data = {**settings.evaluation["data"], "path": str(folder / "0.csv")}
    more = [
        {**each, "path": str(folder / f"{number}.csv")}
        for number, each in enumerate(data.get("more", ()), start=1)
    ]
    contracts = copy.deepcopy(settings.contracts)
    if not any(features.GROWS_BY in source.types for source in settings.sources):
        first = contracts[data["contract"]]["schema"][0]["properties"]
        first.append({"name": features.GROWS_BY, "physicalType": "VARCHAR"})
    evaluation = {**settings.evaluation, "data": {**data, "more": more}}
    return dataclasses.replace(settings, evaluation=evaluation, contracts=contracts)


def _apart(delivered: duckdb.DuckDBPyConnection, by: str, kind: str | None) -> str:
    """Return the expression of the column that keeps a copy apart from the others."""
    if kind is None:
        return "'copy-' || number"
    if kind == "VARCHAR":
        return f"\"{by}\" || '-' || number"
    if kind in ("BIGINT", "INTEGER"):
        span = f'max("{by}") - min("{by}") + 1'
        expression = f'"{by}" + number * %d'
    elif kind in ("DATE", "TIMESTAMP"):
        span = f'max("{by}")::DATE - min("{by}")::DATE + 1'
        expression = f'("{by}" + to_days((number * %d)::INTEGER))::{kind}'
    else:
        raise RefusedError(f"rows are not kept apart by {by}, which is {kind}")
    ((found,),) = delivered.sql(f"SELECT {span} FROM delivered").fetchall()  # noqa: S608
    return expression % found


def _measured(settings: Settings, engine: str, rows: int, folder: Path) -> Measured:
    target = folder / engine
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(folder), str(target)], cwd=settings.root,
        env={**os.environ, compute.ENGINE: engine}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip()[-2000:]
        raise RefusedError(f"{engine} did not make the features of {rows:,} rows: {said}")
    said = json.loads(done.stdout.splitlines()[-1])
    return Measured(engine, rows, said["seconds"], said["memory"])


def _make(folder: Path, target: Path) -> dict[str, Any]:
    """Make the features of a folder's data on the engine that the environment names."""
    settings = grown(load(), folder)
    began = time.monotonic()
    features.build(ingest.tables(settings)).to_parquet(target)
    return {"seconds": time.monotonic() - began, "memory": _peak()}


def _peak() -> int | None:
    """Return the sum of the peaks of this process and all below it (Spark is one), in bytes.

    Linux keeps the peaks; None elsewhere.
    """
    peaks, parents = {}, {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            said = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:  # it has ended since
            continue
        parents[int(status.parent.name)] = int(said["PPid"])
        peaks[int(status.parent.name)] = int(said.get("VmHWM", "0 kB").split()[0]) * 1024
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(peaks[pid] for pid in ours) if peaks else None


if __name__ == "__main__":
    try:
        print(json.dumps(_make(*map(Path, sys.argv[1:]))))
    except RefusedError as error:
        sys.exit(f"refused: {error}")
