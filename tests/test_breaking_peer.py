"""AIP102 and the `breaking` command of datacontract-cli, on one table of changes.

The two ask different questions. datacontract-cli tells from which side a change hurts: a consumer
meets data that was not promised, a producer fails checks that passed before. AIP102 asks whether
somebody else's code or model has to change: it joins what takes something away or demands more, and
lets a promise grow. Where it says otherwise than either side, the row says why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_compatibility import CONTRACT, DEMAND, FIELD, REGION, edited

from ai_program.compatibility import contract_changes

pytestmark = pytest.mark.slow

HEAD = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "d", "version": "1.0.0",
        "status": "active"}  # fmt: skip
BEFORE = {**HEAD, **CONTRACT}
PEER = Path(sys.executable).with_name("datacontract")
DROP = object()
PRICE = {"name": "price", "logicalType": "number"}
OTHER = ("schema", 0, "properties", 1)

# What changes, to what; whom it hurts according to datacontract-cli; whether AIP102 calls it
# breaking; and, where that is not the same, why.
TABLE = {
    "a field goes": (OTHER, DROP, "consumer", True, ""),
    "a field is renamed": ((*FIELD, "name"), "load_kw", "consumer producer", True, ""),
    "another type": ((*FIELD, "logicalType"), "integer", "consumer producer", True, ""),
    "a smaller size": ((*FIELD, "physicalType"), "decimal(8,2)", "consumer producer", True, ""),
    "a check is dropped": ((*FIELD, "quality", 0), DROP, "consumer", True, ""),
    "a check is loosened": (
        (*FIELD, "quality", 0, "mustBeLessThan"), 6, "consumer", True, "",
    ),
    "a field becomes required": ((*OTHER, "required"), True, "producer", True, ""),
    "fewer values are valid": (
        (*OTHER, "quality", 0, "arguments", "validValues"), ["north"], "producer", True, "",
    ),
    "another unit": (
        (*FIELD, "customProperties", 0, "value"), "MW", "", True,
        "a unit is a custom property, which it does not test; every number would be wrong",
    ),
    "a larger size": (
        (*FIELD, "physicalType"), "decimal(12,4)", "consumer producer", False,
        "it takes any other type for an incompatible one; every old value fits",
    ),
    "nulls are allowed": (
        (*FIELD, "required"), False, "consumer", False,
        "from required to optional widens, and a feature has a null policy of its own",
    ),
    "a lower minimum": (
        (*FIELD, "logicalTypeOptions", "minimum"), -1, "consumer", False,
        "a wider range widens, and a feature has a range of its own",
    ),
    "a further valid value": (
        (*OTHER, "quality", 0, "arguments", "validValues"), ["north", "south", "west"],
        "consumer", False,
        "an enumeration that grows widens; shrinking it breaks",
    ),
    "a check is tightened": (
        (*FIELD, "quality", 0, "mustBeLessThan"), 4, "producer", False,
        "whoever reads the data gets more than before; the producer's pipeline says if it fails",
    ),
    "a field is added": (
        ("schema", 0, "properties"), [DEMAND, REGION, PRICE], "producer", False,
        "nobody reads it yet; the producer's contract test says if it is missing",
    ),
    "only prose": ((*FIELD, "description"), "Mean demand", "", False, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_verdicts_agree_or_the_difference_is_explained(name, tmp_path):
    keys, value, hurt, breaking, why = TABLE[name]
    after = edited(BEFORE, *keys, to=value, drop=value is DROP)
    assert {side for side in ("consumer", "producer") if hurts(side, after, tmp_path)} == set(
        hurt.split()
    )
    assert any(change.breaking for change in contract_changes(BEFORE, after)) == breaking
    assert bool(why) == (breaking != bool(hurt))


def hurts(side: str, after: dict, where: Path) -> bool:
    """Ask datacontract-cli, which reads JSON as the YAML that it is."""
    for name, contract in (("before", BEFORE), ("after", after)):
        (where / f"{name}.odcs.yaml").write_text(json.dumps(contract), encoding="utf-8")
    done = subprocess.run(
        [PEER, "breaking", "before.odcs.yaml", "after.odcs.yaml", "--perspective", side],
        cwd=where, env={**os.environ, "DO_NOT_TRACK": "1"}, check=False, capture_output=True,
        text=True, encoding="utf-8", timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    assert "Perspective" in done.stdout
    return done.returncode == 1
