"""The store gives back what was put in, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }}.artifacts import MODEL
from {{ cookiecutter.package_name }}.artifacts import Artifact
from {{ cookiecutter.package_name }}.artifacts import Store
from {{ cookiecutter.package_name }}.artifacts import pack
from {{ cookiecutter.package_name }}.errors import RefusedError


class Constant:
    """A model that always says the same."""

    def __init__(self, value: float) -> None:
        self.value = value

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.full(len(rows), self.value)


@pytest.fixture
def artifact() -> Artifact:
    return pack(Constant(1), {"candidate": "constant"})


@pytest.mark.parametrize("address", ["folder", "memory://models/of/ours"])
def test_what_is_put_in_comes_out(tmp_path, artifact, address) -> None:
    store = Store(address if "://" in address else str(tmp_path / address))
    store.put(artifact)
    store.put(artifact)
    found = store.get(artifact.digest)
    assert found.model().value == 1
    assert found.provenance == {"candidate": "constant"}


def test_a_digest_covers_model_and_provenance(artifact) -> None:
    other_model = pack(Constant(2), artifact.provenance)
    other_origin = pack(artifact.model(), {"candidate": "another"})
    assert len({artifact.digest, other_model.digest, other_origin.digest}) == 3
    assert pack(artifact.model(), artifact.provenance).digest == artifact.digest


class Exploit:
    """A pickle that would run a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def test_what_was_tampered_with_is_not_even_loaded(tmp_path, artifact) -> None:
    store = Store(str(tmp_path / "store"))
    store.put(artifact)
    evil = pack(Exploit(tmp_path / "owned"), {}).files[MODEL]
    Path(store.place(artifact.digest), MODEL).write_bytes(evil)
    with pytest.raises(RefusedError, match="tampered with, and is not loaded"):
        store.get(artifact.digest)
    assert not (tmp_path / "owned").exists()


def test_what_is_missing_is_refused_with_what_to_do(tmp_path, artifact) -> None:
    with pytest.raises(RefusedError, match=r"does not have sha256.*store\.address"):
        Store(str(tmp_path / "store")).get(artifact.digest)


def test_half_an_artifact_is_none(tmp_path, artifact) -> None:
    store = Store(str(tmp_path / "store"))
    store.put(artifact)
    Path(store.place(artifact.digest), MODEL).unlink()
    with pytest.raises(RefusedError, match="does not have"):
        store.get(artifact.digest)


def test_an_address_that_nothing_understands_is_refused() -> None:
    with pytest.raises(RefusedError, match="cannot be opened"):
        Store("carrier-pigeon://loft")
