"""The rule pages say what the catalogue and the cases say today."""

from pathlib import Path

from ai_program import rulepages
from ai_program.program import Baseline

PROJECT = Path(__file__).resolve().parents[1]
BASELINE = Baseline()
MADE = rulepages.pages(BASELINE, PROJECT / "tests" / "rules")


def test_the_pages_are_up_to_date():
    stale = rulepages.stale(PROJECT / "docs" / "rules", MADE)
    assert stale == [], "run python -m ai_program.rulepages --write"


def test_every_rule_has_a_page_with_an_example():
    for code in BASELINE.rules:
        page = MADE[f"{code}.md"]
        assert "Refused: " in page, code
        assert "Mended:" in page, code
        assert f"[{code}]({code}.md)" in MADE["README.md"]


def test_every_family_of_the_catalogue_is_in_the_index():
    assert {rule.family for rule in BASELINE.rules.values()} <= set(rulepages.FAMILIES)


def test_a_page_that_belongs_to_no_rule_is_stale(tmp_path):
    for name, text in MADE.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert rulepages.stale(tmp_path, MADE) == []
    (tmp_path / "AIP999.md").write_text("# Once\n")
    (tmp_path / "AIP001.md").unlink()
    assert rulepages.stale(tmp_path, MADE) == ["AIP001.md", "AIP999.md"]
