"""KPIs follow from the records, cards from the reports, and files appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from ai_program import digests
from ai_program import evidence

from {{ cookiecutter.package_name }} import files
from {{ cookiecutter.package_name }} import kpis


def record(action: str, day: str = "2026-11-30") -> dict:
    return {"predicate": {"action": action, "created_at": f"{day}T08:00:00Z"}}


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ("p", 1.0),
        ("pp", 1.0),
        ("ppr", 0.5),
        ("ppprp", 0.75),
        ("ppprr", 0.666667),
        ("pr", 0.0),
    ],
)
def test_the_share_of_promotions_that_stayed(actions, expected) -> None:
    names = {"p": "promote", "r": "rollback"}
    assert kpis.success_rate([record(names[each]) for each in actions]) == expected


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        (["2026-11-23"], 7),
        (["2026-10-01", "2026-11-23"], 7),
        (["2026-11-23", "2027-01-04"], 7),
        (["2026-12-01"], 0),
        ([], 0),
    ],
)
def test_days_from_the_sprint_to_the_release(starts, expected) -> None:
    assert kpis.time_to_market(record("promote"), starts) == expected


def test_kpis_are_measured_or_unknown_and_never_guessed() -> None:
    result = {"unit": "kW", "direction": "decrease", "target": 70, "source": "evidence/kpis"}
    program = {
        "objectives": [
            {
                "key_results": [
                    {"id": "KPI-mae", **result},
                    {"id": "KPI-satisfaction", **result},
                ]
            }
        ]
    }
    measurements = [
        {"metric": "mae", "slice": "peak", "compare_with": None, "value": 1.0},
        {"metric": "mae", "slice": None, "compare_with": None, "value": 72.5},
    ]
    found = kpis.actuals(
        release="evidence/releases/0001.json",
        program=program,
        report={"measurements": measurements},
        records=[record("promote")],
        sprint_starts=[],
    )
    assert digests.is_sealed(found)
    assert [(each["value"], each["met"]) for each in found["actuals"]] == [
        (72.5, False),
        (None, None),
    ]


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder would be needed")
    with pytest.raises(OSError, match="blocked"):
        files.write(tmp_path, {"evidence/one.json": b"1", "blocked/two.json": b"2"})
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["blocked"]
    files.write(tmp_path, {"evidence/one.json": b"1"})
    assert (tmp_path / "evidence/one.json").read_bytes() == b"1"


def test_the_card_shows_what_was_measured() -> None:
    report = {
        "model": {"version": "ridge-0123abcd"},
        "verdict": "pass",
        "statistics": {"confidence": 0.95},
        "measurements": [
            {"metric": "mape", "slice": None, "compare_with": None, "value": 0.0321, "low": 0.025,
             "high": 0.044, "n": 2160},
        ],
    }  # fmt: skip
    assert evidence.card_block(report).splitlines()[-1] == (
        "| mape | all rows | 0.0321 | 0.025 to 0.044 | 2160 |"
    )
