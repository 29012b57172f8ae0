"""Register: everything about a new version goes where it stays.

The model goes to the store, its report and its registry entry to git, its numbers to the card.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import distributions
from typing import Any

import pandas as pd
from ai_program import digests, evidence

from . import files
from .artifacts import FORMAT, Artifact
from .errors import RefusedError
from .predictor import Predictor
from .settings import Settings
from .statistics import rounded
from .use_case import features

COMMAND = "nox -s pipeline -- --candidate {candidate}"


def packages() -> list[str]:
    """Return what is installed, by name and version, without addresses."""
    return sorted({f"{each.name.lower()}=={each.version}" for each in distributions()})


def entry(
    settings: Settings, artifact: Artifact, report: dict[str, Any], golden: pd.DataFrame
) -> dict[str, Any]:
    """Return the registry entry: how to make this version again, and what it answers."""
    made_from = artifact.provenance
    served = sorted({each["serves"] for each in report["gates"]} & _kpis(settings))
    return evidence.registry_entry(
        model=settings.model,
        version=report["model"]["version"],
        candidate=made_from["candidate"],
        artifact={"digest": artifact.digest, "size": artifact.size, "format": FORMAT},
        training_data=[
            {
                "contract": source.contract["id"],
                "version": source.contract["version"],
                "digest": source.digest,
            }
            for source in settings.sources
        ],
        features={"id": settings.features["id"], "version": settings.features["version"]},
        code={"commit": report["code"]["commit"], "digest": report["bindings"]["code"]},
        seed=settings.seed,
        packages=packages(),
        command=COMMAND.format(candidate=made_from["candidate"]),
        kpis=served or sorted(_kpis(settings)),
        owner=_owner(settings),
        evaluation={
            "path": f"{evidence.REPORTS}/{report['model']['version']}.json",
            "digest": report["digest"],
        },
        golden=answers(artifact, golden),
    )


def answers(artifact: Artifact, golden: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what a model answers to the golden rows: the proof that it is the same model."""
    predictions = artifact.model().predict(golden)
    inputs = golden[[*features.NAMES]].to_dict("records")
    return [
        {"input": row, "prediction": rounded(prediction)}
        for row, prediction in zip(inputs, predictions, strict=True)
    ]


def same_answers(model: Predictor, known: Iterable[dict[str, Any]]) -> bool:
    """Tell whether a model still answers what its registry entry says."""
    known = list(known)
    golden = pd.DataFrame([each["input"] for each in known])
    predictions = model.predict(golden)
    expected = [each["prediction"] for each in known]
    return all(
        abs(prediction - value) <= 1e-6 * max(1.0, abs(value))
        for prediction, value in zip(predictions, expected, strict=True)
    )


def write(settings: Settings, report: dict[str, Any], made: dict[str, Any]) -> bool:
    """Write report and entry; return False if both stand there already, byte for byte."""
    wanted = {
        made["evaluation"]["path"]: digests.pretty(report),
        f"{evidence.REGISTRY}/{made['version']}.json": digests.pretty(made),
    }
    missing = {path: data for path, data in wanted.items() if not (settings.root / path).exists()}
    for path, data in wanted.items():
        if path not in missing and (settings.root / path).read_bytes() != data:
            raise RefusedError(
                f"{path} stands there with other content, and evidence is never overwritten: this "
                "run was not repeatable, or the file was edited; see `git diff` and `git log`"
            )
    files.write(settings.root, missing)
    return bool(missing)


def update_card(settings: Settings, report: dict[str, Any]) -> None:
    """Put the numbers of this version between the markers of the model card."""
    path = settings.root / "models" / settings.model / "card.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    new = evidence.card_with(text, report)
    if new != text:
        files.write(settings.root, {path.relative_to(settings.root).as_posix(): new.encode()})


def _kpis(settings: Settings) -> set[str]:
    return {
        result["id"]
        for objective in settings.program["objectives"]
        for result in objective["key_results"]
    }


def _owner(settings: Settings) -> str:
    """Return who answers for the model."""
    for person in settings.program["people"]:
        if "accountable_owner" in person["roles"] and person["active"]:
            return str(person["handle"])
    raise RefusedError("policies/program.yaml names no active accountable_owner for the model")
