"""Settings: what the governed files say, read once at the start.

Nothing that a policy decides stands in code. The files are read by the engine's own reader, so that
a value means to the pipeline what it means to the hook.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_program import documents, paths

from .errors import RefusedError


@dataclass(frozen=True, slots=True)
class Source:
    """One file of data, the digest that the policy declares, and the contract that describes it."""

    name: str
    path: Path
    digest: str
    contract: dict[str, Any]

    @property
    def table(self) -> str:
        """Return the name of the table that the contract describes."""
        return str(self.contract["schema"][0]["name"])

    @property
    def types(self) -> dict[str, str]:
        """Return the types that the contract declares, in the words of DuckDB, by column."""
        fields = self.contract["schema"][0]["properties"]
        return {str(each["name"]): str(each["physicalType"]) for each in fields}

    def columns(self) -> list[str]:
        """Return the names in the header of the file."""
        opened = gzip.open if self.path.suffix == ".gz" else open
        with opened(self.path, "rt", encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])

    @property
    def reference(self) -> str:
        """Return the contract with its version."""
        return f"{self.contract['id']}@{self.contract['version']}"


@dataclass(frozen=True, slots=True)
class Settings:
    """The repository's root and the values of its governed files."""

    root: Path
    program: dict[str, Any]
    privacy: dict[str, Any]
    evaluation: dict[str, Any]
    release: dict[str, Any]
    monitoring: dict[str, Any]
    oversight: dict[str, Any]
    contracts: dict[str, dict[str, Any]]
    features: dict[str, Any]
    layout: dict[str, Any]

    @property
    def model(self) -> str:
        """Return the name of the model."""
        return str(self.evaluation["model"])

    @property
    def seed(self) -> int:
        """Return the seed of everything random."""
        return int(self.evaluation["statistics"]["seed"])

    @property
    def sources(self) -> list[Source]:
        """Return the files of data: the one that features are made of first, then the others."""
        data = self.evaluation["data"]
        return [
            Source(
                each["path"],
                self.root / each["path"],
                each["digest"],
                self.contracts[each["contract"]],
            )
            for each in (data, *data.get("more", ()))
        ]

    @property
    def split(self) -> dict[str, Any]:
        """Return which rows are learned from and judged on: the dates, and the rolling window."""
        window = self.release["retraining"]["window_days"]
        return {**self.evaluation["data"], "window_days": window}

    @property
    def data(self) -> Path:
        """Return where the data that features are made of stands."""
        return self.sources[0].path

    @property
    def contract(self) -> dict[str, Any]:
        """Return the contract of the data that features are made of."""
        return self.contracts[self.evaluation["data"]["contract"]]

    @property
    def contract_reference(self) -> str:
        """Return that contract with its version."""
        return f"{self.contract['id']}@{self.contract['version']}"

    @property
    def features_reference(self) -> str:
        """Return the feature view with its version."""
        return f"{self.features['id']}@{self.features['version']}"

    @property
    def keys(self) -> list[str]:
        """Return the fields that name a row of the feature view."""
        return [str(key) for key in self.features["entity"]["keys"]]

    @property
    def store(self) -> str:
        """Return the address of the model store; a folder stands below the root."""
        address = str(self.release["store"]["address"])
        return address if "://" in address else str(self.root / address)

    @property
    def fallback(self) -> str:
        """Return the rule that answers when there is no model to go back to."""
        return str(self.release["rollback"]["fallback"])


def load(root: Path | None = None) -> Settings:
    """Read the settings of the repository that the current directory belongs to."""
    root = root or find_root(Path.cwd())
    evaluation = read(root, "policies/evaluation.yaml")
    return Settings(
        root=root,
        program=read(root, "policies/program.yaml"),
        privacy=read(root, "policies/data.yaml"),
        evaluation=evaluation,
        release=read(root, "policies/release.yaml"),
        monitoring=read(root, "policies/monitoring.yaml"),
        oversight=read(root, "policies/oversight.yaml"),
        contracts={
            name: read(root, f"contracts/{name}.odcs.yaml")
            for name in [
                evaluation["data"]["contract"],
                *(each["contract"] for each in evaluation["data"].get("more", ())),
            ]
        },
        features=_features(root, evaluation["data"]["contract"]),
        layout=_parse(Path(paths.root(), "layout.yaml"), "layout.yaml"),
    )


def find_root(start: Path) -> Path:
    """Return the nearest directory upwards that is a governed repository."""
    for directory in (start, *start.parents):
        if (directory / ".ai-program" / "lock.json").is_file():
            return directory
    raise RefusedError("this is no governed repository: run it in the one that was generated")


def read(root: Path, path: str) -> dict[str, Any]:
    """Return the value of a governed file."""
    return _parse(root / path, path)


def _parse(file: Path, path: str) -> dict[str, Any]:
    try:
        value = documents.parse(file.read_bytes(), path).value
    except FileNotFoundError:
        raise RefusedError(f"{path} is missing") from None
    except documents.DocumentError as error:
        raise RefusedError(f"{path}:{error.line}: {error.message}") from None
    if not isinstance(value, dict):
        raise RefusedError(f"{path} holds no settings")
    return value


def _features(root: Path, contract: str) -> dict[str, Any]:
    """Return the feature view that is made from the contract's data."""
    for file in sorted((root / "features").glob("*.yaml")):
        view = read(root, f"features/{file.name}")
        if str(view["source"]).partition("@")[0] == contract:
            return view
    raise RefusedError(f"no feature view in features/ is made from {contract}")
