"""Catalogue: datasets, features and models on one page, each with its owner and what it is for.

The page is made of the contracts, feature views, registry, reports and releases of this repository,
and links to the page that datacontract-cli makes of each contract. It loads nothing from anywhere
and is the same for the same files.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ai_program import evidence
from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from . import files, releases
from .settings import Settings, read

FOLDER = "var/catalogue"
INDEX = f"{FOLDER}/index.html"

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL | re.IGNORECASE)
# Whatever a page still names, it gets nothing from there; what needs a script is not shown.
_CLOSED = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
    "<style>#diagram, button { display: none !important }</style>"
)


def write(settings: Settings) -> Path:
    """Write the catalogue and return the path of its page."""
    facts = _facts(settings)
    # Much of a contract is optional: what is not there stays empty.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True,
        undefined=ChainableUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    page = environment.get_template("catalogue.html.j2").render(facts)
    pages = {
        f"{FOLDER}/contracts/{each['id']}.html": _contract_page(each).encode()
        for each in facts["contracts"]
    }
    files.write(settings.root, {**pages, INDEX: page.encode() + b"\n"})
    return settings.root / INDEX


def _facts(settings: Settings) -> dict[str, Any]:
    """Return everything that the page shows."""
    contracts = _all(settings, "contracts/*.odcs.yaml")
    views = _all(settings, "features/*.yaml")
    in_force = releases.in_force(settings)
    return {
        "programme": settings.program["program"],
        "contracts": [_contract(each, views) for each in contracts],
        "views": views,
        "models": [
            _model(settings, each, in_force)
            for each in _all(settings, f"{evidence.REGISTRY}/*.json")
        ],
        "card": f"models/{settings.model}/card.md",
        "model": settings.model,
        "fallback": settings.fallback,
        "kpis": {
            result["id"]: result
            for objective in settings.program["objectives"]
            for result in objective["key_results"]
        },
    }


def _all(settings: Settings, pattern: str) -> list[dict[str, Any]]:
    """Return the values of all files of a kind, in the order of their names."""
    paths = sorted(settings.root.glob(pattern))
    return [read(settings.root, path.relative_to(settings.root).as_posix()) for path in paths]


def _contract(contract: dict[str, Any], views: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a contract with its own properties by name, and who is made of it."""
    fields = [
        {**field, **_custom(field), "table": table["name"]}
        for table in contract["schema"]
        for field in table["properties"]
    ]
    made = [view["id"] for view in views if _name(view["source"]) == contract["id"]]
    return {**contract, "own": _custom(contract), "fields": fields, "made": made}


def _custom(value: dict[str, Any]) -> dict[str, Any]:
    """Return the custom properties of something in a contract, by name."""
    return {each["property"]: each["value"] for each in value.get("customProperties", [])}


def _name(reference: str) -> str:
    return str(reference).partition("@")[0]


def _model(
    settings: Settings, entry: dict[str, Any], in_force: dict[str, str] | None
) -> dict[str, Any]:
    """Return a registry entry with the verdict of its report."""
    report = read(settings.root, entry["evaluation"]["path"])
    serves = in_force is not None and in_force["version"] == entry["version"]
    return {**entry, "verdict": report["verdict"], "in_force": serves}


def _contract_page(contract: dict[str, Any]) -> str:
    """Return datacontract-cli's page of a contract, without the scripts that it would fetch."""
    from datacontract.data_contract import DataContract  # a heavy import

    plain = {key: contract[key] for key in contract if key not in ("own", "fields", "made")}
    page = DataContract(data_contract_str=json.dumps(plain)).export(export_format="html")
    return _SCRIPT.sub("", str(page)).replace("<head>", f"<head>{_CLOSED}", 1)
