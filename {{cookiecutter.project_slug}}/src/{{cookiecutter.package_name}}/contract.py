"""Contract test: the data is what its contract promises, or nothing is trained on it."""

from __future__ import annotations

import json
import logging

from datacontract.data_contract import DataContract

from .errors import RefusedError
from .settings import Settings, Source


def verify(settings: Settings) -> int:
    """Run the checks of each contract against its data and return how many there are."""
    return sum(_verified(source) for source in settings.sources)


def _verified(source: Source) -> int:
    _require_declared_columns(source)
    contract = {
        **source.contract,
        "servers": [{**source.contract["servers"][0], "path": str(source.path)}],
        # Service levels are promises about live data: a historical sample is always late.
        "slaProperties": [],
    }
    logging.getLogger("datacontract").setLevel(logging.ERROR)
    run = DataContract(data_contract_str=json.dumps(contract)).test()
    # A check that could not be run has no result; that is no pass.
    checks = run.checks or []
    broken = [check for check in checks if check.result != "passed"]
    if broken or run.result != "passed" or not checks:
        reasons = [f"{check.name}: {check.reason}" for check in broken if check.reason]
        reasons = reasons or [log.message for log in run.logs or [] if log.level == "ERROR"]
        # DuckDB explains itself in paragraphs; how they begin says what is wrong, and where.
        said = "; ".join(" ".join(reason.split())[:300] for reason in reasons)
        raise RefusedError(f"the data breaks {source.reference}: {said}")
    return len(checks)


def _require_declared_columns(source: Source) -> None:
    """Refuse columns that the contract does not declare: nobody classified them."""
    declared = list(source.types)
    found = source.columns()
    if sorted(found) != sorted(declared):
        raise RefusedError(
            f"the data breaks {source.reference}: "
            f"it has the columns {', '.join(found)}, declared are {', '.join(declared)}"
        )
