"""Bill of materials: what a release is made of, as an ML-BOM of CycloneDX 1.6.

One document for each promotion, in ``evidence/boms/``: the model with its card (what was measured,
what it is for, what limits it), the data that it learned from, and the packages that made it. It
says nothing that the report, the registry entry and the contract do not say; it says it in a form
that the tools of others read.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from typing import Any
from uuid import UUID

from ai_program import digests, evidence

from .artifacts import MODEL, Artifact
from .settings import Settings


def path(sequence: int) -> str:
    """Return where the bill of the release of this number stands."""
    return f"{evidence.BOMS}/{sequence:04d}.cdx.json"


def of_release(
    settings: Settings,
    statement: dict[str, Any],
    report: dict[str, Any],
    entry: dict[str, Any],
    artifact: Artifact,
) -> dict[str, Any]:
    """Return the bill of a release; the same release has the same bill, byte for byte."""
    said = statement["predicate"]
    model = _model(settings, report, entry, artifact)
    data = [_data(settings, each) for each in entry["training_data"]]
    packages = [_package(each) for each in entry["environment"]["packages"]]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The record's own digest, so that both name each other and neither holds anything random.
        "serialNumber": f"urn:uuid:{UUID(said['digest'].removeprefix('sha256:')[:32], version=4)}",
        "version": 1,
        "metadata": {
            "timestamp": said["created_at"],
            "component": model,
            "properties": [
                _property("release", evidence.release_path(said["sequence"])),
                _property("release-digest", said["digest"]),
                _property("decision", said["decision"]),
                _property("policies", said["policies"]),
                _property("features", said["features"]),
            ],
        },
        "components": [*data, *packages],
        "dependencies": [
            {
                "ref": model["bom-ref"],
                "dependsOn": [each["bom-ref"] for each in (*data, *packages)],
            }
        ],
    }


def _model(
    settings: Settings, report: dict[str, Any], entry: dict[str, Any], artifact: Artifact
) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"{entry['model']}/{entry['version']}",
        "name": entry["model"],
        "version": entry["version"],
        "manufacturer": {"name": settings.program["program"]["name"]},
        "authors": [{"name": entry["owner"]}],
        # What is loaded and run; the digest of the whole artifact, a tree of files, follows below.
        "hashes": [_hash(digests.of_bytes(artifact.files[MODEL]))],
        "properties": [
            _property("artifact", entry["artifact"]["digest"]),
            _property("code", entry["code"]["digest"]),
            # Said twice, so that whoever scans for secrets knows what the hexadecimal digits are.
            _property("commit", f"commit:{entry['code']['commit']}"),
            _property("environment", entry["environment"]["digest"]),
            _property("command", entry["command"]),
        ],
        "modelCard": _card(settings, report, entry),
    }


def _card(settings: Settings, report: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    description = settings.contract.get("description", {})
    limits = [description.get("limitations")]
    return {
        "modelParameters": {
            "architectureFamily": entry["candidate"],
            "datasets": [{"ref": _reference(each)} for each in entry["training_data"]],
            "inputs": [{"format": settings.features_reference}],
            "outputs": [{"format": "one number for each row"}],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [_metric(each) for each in report["measurements"]]
        },
        "considerations": {
            "useCases": [each["statement"] for each in settings.program["objectives"]],
            "technicalLimitations": [each for each in limits if each],
        },
    }


def _metric(each: dict[str, Any]) -> dict[str, Any]:
    against = f" against {each['compare_with']}" if each["compare_with"] else ""
    found: dict[str, Any] = {
        "type": f"{each['metric']}{against}",
        "value": f"{each['value']:g}",
        "confidenceInterval": {
            "lowerBound": f"{each['low']:g}",
            "upperBound": f"{each['high']:g}",
        },
    }
    return found | ({"slice": each["slice"]} if each["slice"] else {})


def _data(settings: Settings, trained_on: dict[str, Any]) -> dict[str, Any]:
    """Return the data as its contract describes it."""
    contract = settings.contracts[trained_on["contract"]]
    custom = {each["property"]: each["value"] for each in contract.get("customProperties", [])}
    licence = (custom.get("sample") or {}).get("licence")
    fields = contract["schema"][0]["properties"]
    classes = sorted({each["classification"] for each in fields if "classification" in each})
    personal = [
        each["name"]
        for each in fields
        if any(
            one["property"] == "personalData" and one["value"] != "none"
            for one in each.get("customProperties", [])
        )
    ]
    found: dict[str, Any] = {
        "type": "data",
        "bom-ref": _reference(trained_on),
        "name": trained_on["contract"],
        "version": trained_on["version"],
        "description": contract["name"],
        "hashes": [_hash(trained_on["digest"])],
        "data": [
            {
                "type": "dataset",
                "name": trained_on["contract"],
                "classification": ", ".join(classes) or "unclassified",
                "sensitiveData": personal,
                "governance": {
                    "owners": [
                        {"contact": {"name": each["username"]}}
                        for each in contract["team"]["members"]
                    ]
                },
            }
        ],
    }
    return found | ({"licenses": [{"license": {"name": licence}}]} if licence else {})


def _package(listed: str) -> dict[str, Any]:
    """Return a package; what else is known of it if the same version is installed here."""
    name, _, number = listed.partition("==")
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"{name}@{number}",
        "name": name,
        "version": number,
    }
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return found
    if installed.version != number:
        return found
    # What came from an address (the engine, this package) is in no index under its name.
    if installed.read_text("direct_url.json") is None:
        found["purl"] = f"pkg:pypi/{name.replace('_', '-')}@{number}"
    stated = installed.metadata.get("License-Expression")
    return found | ({"licenses": [{"expression": stated}]} if stated else {})


def _reference(trained_on: dict[str, Any]) -> str:
    return f"{trained_on['contract']}@{trained_on['version']}"


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest.removeprefix("sha256:")}


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"ai-program:{name}", "value": value}
