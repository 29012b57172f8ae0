"""The repository's own settings and data, read once; tests only read them."""

from __future__ import annotations

import dataclasses
import functools
import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from ai_program import digests
from ai_program import evidence

from {{ cookiecutter.package_name }} import artifacts
from {{ cookiecutter.package_name }} import feature_store
from {{ cookiecutter.package_name }} import files
from {{ cookiecutter.package_name }} import pipeline
from {{ cookiecutter.package_name }} import privacy
from {{ cookiecutter.package_name }} import register
from {{ cookiecutter.package_name }} import settings
from {{ cookiecutter.package_name }}.evaluate import Data

TOKEN = "a-secret-of-the-tests-with-enough-length"  # noqa: S105
ROOT = Path(__file__).resolve().parents[1]
os.environ["OPENLINEAGE_DISABLED"] = "true"  # what tests do is no lineage of anything


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs data, in a programme that has adopted none yet."""
    if settings.load(ROOT).evaluation["data"]["path"] is None:
        reason = "there is no data yet: nox -s adopt"
        for item in items:
            if {"found", "published"} & {*getattr(item, "fixturenames", ())}:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def found() -> settings.Settings:
    return settings.load(ROOT)


@pytest.fixture(scope="session")
def data(found) -> Data:
    """The rows that the pipeline learns from and judges on."""
    return pipeline.prepare(found)


@pytest.fixture
def with_rows(found, tmp_path) -> Callable[..., settings.Settings]:
    """Return settings whose data has other lines, and a policy that declares them."""

    def with_rows(change) -> settings.Settings:
        content = found.data.read_bytes()
        content = gzip.decompress(content) if found.data.suffix == ".gz" else content
        lines = content.decode().splitlines()
        path = tmp_path / "data.csv"
        path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")
        policy = {"path": str(path), "digest": digests.of_bytes(path.read_bytes())}
        data = found.evaluation["data"] | policy
        return dataclasses.replace(found, evaluation=found.evaluation | {"data": data})

    return with_rows


def governed(root: Path) -> settings.Settings:
    """Make a repository with the policies, the data and the code of this one."""
    for folder in (".ai-program", "contracts", "features", "policies"):
        shutil.copytree(ROOT / folder, root / folder)
    for folder in ("data", "src"):
        (root / folder).symlink_to(ROOT / folder)
    return settings.load(root)


@functools.cache
def publication() -> dict[str, bytes]:
    """Publish the features of the sample, once for all tests; return the files of that."""
    with TemporaryDirectory() as place:
        root = Path(place, "published")
        feature_store.publish(governed(root))
        found = [path for path in (root / feature_store.FOLDER).rglob("*") if path.is_file()]
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


class Served:
    """A repository to serve from: the policies of this one, and releases of its own.

    Where people have to consent, it has published who did, and no features.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0
        if privacy.named_by(governed(root)):
            consents = {feature_store.CONSENTS: publication()[feature_store.CONSENTS]}
            files.write(root, consents)

    @property
    def settings(self) -> settings.Settings:
        return settings.load(self.root)

    def row(self, **changed: object) -> dict[str, object]:
        """Return a row that is as the feature view declares it."""
        row = {}
        for feature in self.settings.features["features"]:
            low, _ = feature.get("range") or (None, None)
            row[feature["name"]] = int(low or 0) if feature["dtype"] == "int64" else low or 0.0
        return row | changed

    @functools.cached_property
    def about(self) -> dict[str, object]:
        """Return what a row has to say of whom it is about: somebody who consented."""
        person = privacy.named_by(self.settings)
        if person is None:
            return {}
        agreed = feature_store.consents(self.settings).agreed
        return dict.fromkeys(self.settings.keys, "2027-01-01") | {person: min(agreed)}

    def asked(self, **changed: object) -> dict[str, object]:
        """Return a row as a caller sends it."""
        return self.row(**changed) | self.about

    def release(self, model: object, candidate: str = "sum") -> str:
        """Put a model in force, without the questions of a promotion; return its version."""
        found = self.settings
        made_for = {"features": found.features_reference, "contract": found.contract_reference}
        artifact = artifacts.pack(model, made_for)
        artifacts.Store(found.store).put(artifact)
        version = evidence.version_name(candidate, artifact.digest)
        golden = register.answers(artifact, pd.DataFrame([self.row()]))
        entry = {
            "version": version,
            "candidate": candidate,
            "artifact": {"digest": artifact.digest},
            "golden": golden,
        }
        self.count += 1
        statement = evidence.release_statement(
            model=found.model,
            version=version,
            artifact=artifact.digest,
            predicate={
                "sequence": self.count,
                "previous": None,
                "action": "promote",
                "data": {"contract": found.contract_reference, "digest": digests.of_bytes(b"")},
                "exceptions": ["EX-0001"],
            },
        )
        contents = {
            f"{evidence.REGISTRY}/{version}.json": entry,
            evidence.release_path(self.count): statement,
            evidence.ACTIVE: evidence.active(self.count, statement),
        }
        files.write(self.root, {path: digests.pretty(value) for path, value in contents.items()})
        return version

    def rewrite(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def served(tmp_path) -> Served:
    return Served(tmp_path / "served")
