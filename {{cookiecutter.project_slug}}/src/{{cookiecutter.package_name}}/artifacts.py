"""Artifacts: models with their provenance, in a store addressed by digest.

An artifact is a folder: the model, what it was made from, and MLflow's description of it. Its
digest covers all three, so a digest in a release record says which model, made from what. The
store is a folder or any address that fsspec knows. Nothing is read from it without its digest being
checked, because a model is a pickle, and a pickle is code.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import fsspec
from ai_program import digests

from .errors import RefusedError
from .predictor import Predictor

FORMAT = "mlflow-sklearn"
MODEL, PROVENANCE, DESCRIPTION = "model.pkl", "provenance.json", "MLmodel"

# MLflow loads what this describes. It names no time, no run and no absolute path, so that the same
# model has the same bytes everywhere.
_MLMODEL = f"""\
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: {MODEL}
    predict_fn: predict
  sklearn:
    pickled_model: {MODEL}
    serialization_format: pickle
"""


@dataclass(frozen=True, slots=True)
class Artifact:
    """The files of an artifact, in memory."""

    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        """Return the digest of all files."""
        return digests.of_tree((name, digests.of_bytes(data)) for name, data in self.files.items())

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return sum(map(len, self.files.values()))

    @property
    def provenance(self) -> dict[str, Any]:
        """Return what the model was made from."""
        return json.loads(self.files[PROVENANCE])

    def model(self) -> Predictor:
        """Return the model; only what came through the store's check gets here."""
        return pickle.loads(self.files[MODEL])


def pack(model: Predictor, provenance: dict[str, Any]) -> Artifact:
    """Return a model and what it was made from as an artifact."""
    return Artifact(
        {
            MODEL: pickle.dumps(model, protocol=5),
            PROVENANCE: digests.pretty(provenance),
            DESCRIPTION: _MLMODEL.encode(),
        }
    )


class Store:
    """Artifacts by digest, at an address."""

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self._files, self._root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise RefusedError(f"the store {address} cannot be opened: {error}") from None

    def put(self, artifact: Artifact) -> None:
        """Keep an artifact; it appears under its digest whole or not at all."""
        place = self.place(artifact.digest)
        if self._files.exists(place):
            return
        half = f"{self._root}/.half-{uuid4().hex}"
        self._files.makedirs(half, exist_ok=True)
        for name, data in artifact.files.items():
            self._files.pipe_file(f"{half}/{name}", data)
        self._files.mv(half, place, recursive=True)

    def get(self, digest: str) -> Artifact:
        """Return an artifact whose content has this digest, or refuse."""
        place = self.place(digest)
        try:
            names = (MODEL, PROVENANCE, DESCRIPTION)
            artifact = Artifact({name: self._files.cat_file(f"{place}/{name}") for name in names})
        except (OSError, ValueError):
            raise RefusedError(
                f"the store {self.address} does not have {digest}: bring its files back, or set "
                "store.address in policies/release.yaml to the store that has them"
            ) from None
        if artifact.digest != digest:
            raise RefusedError(
                f"the store {self.address} has other content under {digest}: it was damaged or "
                "tampered with, and is not loaded"
            )
        return artifact

    def place(self, digest: str) -> str:
        """Return where an artifact stands."""
        return f"{self._root}/{digest.removeprefix('sha256:')}"
