"""Tracking: MLflow shows runs, versions and what is in force; git and the store hold the truth.

The database is made again from `models/registry/` and `evidence/releases/` whenever it lacks
something, so losing it loses nothing. A version's source is its place in the store, relative to the
repository, so a moved repository still loads its models:

    mlflow.sklearn.load_model("models:/demand_forecast@champion")
"""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

from ai_program import evidence

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

from .settings import Settings, read

DATABASE = "mlflow.db"
ALIAS = "champion"


def sync(settings: Settings) -> None:
    """Bring MLflow up to date: every registered version, and the alias on what is in force."""
    # How a new database comes about is told in many lines that nobody needs.
    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.ERROR)
    client = MlflowClient(f"sqlite:///{(settings.root / DATABASE).as_posix()}")
    known = _versions(client, settings.model)
    for file in sorted((settings.root / evidence.REGISTRY).glob("*.json")):
        entry = read(settings.root, f"{evidence.REGISTRY}/{file.name}")
        if entry["version"] not in known:
            known[entry["version"]] = _register(client, settings, entry)
    if (settings.root / evidence.ACTIVE).is_file():
        version = read(settings.root, evidence.ACTIVE)["version"]
        client.set_registered_model_alias(settings.model, ALIAS, known[version])


def _versions(client: MlflowClient, model: str) -> dict[str, str]:
    """Return MLflow's number of each version that it has."""
    try:
        client.get_registered_model(model)
    except MlflowException:
        client.create_registered_model(model)
    found = client.search_model_versions(f"name = '{model}'")
    return {each.tags["version"]: each.version for each in found}


def _register(client: MlflowClient, settings: Settings, entry: dict[str, Any]) -> str:
    """Record the run that made a version, and the version; return its number."""
    report = read(settings.root, entry["evaluation"]["path"])
    tags = {
        "version": entry["version"],
        "digest": entry["artifact"]["digest"],
        "verdict": report["verdict"],
        "commit": entry["code"]["commit"],
        "report": entry["evaluation"]["path"],
    }
    run = client.create_run(_experiment(client, settings), run_name=entry["version"], tags=tags)
    client.log_param(run.info.run_id, "candidate", entry["candidate"])
    client.log_param(run.info.run_id, "seed", entry["seed"])
    client.log_param(run.info.run_id, "data", entry["training_data"][0]["digest"])
    for each in report["measurements"]:
        parts = (each["metric"], each["compare_with"], each["slice"])
        client.log_metric(run.info.run_id, ".".join(filter(None, parts)), each["value"])
    client.set_terminated(run.info.run_id)
    address = str(settings.release["store"]["address"])
    source = f"{address}/{entry['artifact']['digest'].removeprefix('sha256:')}"
    made = client.create_model_version(settings.model, source, run.info.run_id, tags=tags)
    return str(made.version)


def _experiment(client: MlflowClient, settings: Settings) -> str:
    found = client.get_experiment_by_name(settings.model)
    if found is not None:
        return str(found.experiment_id)
    # Runs keep no files of their own: models are in the store, reports in git.
    return str(client.create_experiment(settings.model, artifact_location=Path("store").as_posix()))
