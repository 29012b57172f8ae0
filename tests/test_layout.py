"""The layout: every file of the template has one owner, every governed file one schema."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from ai_program.snapshot import matcher

ROOT = Path(__file__).parents[1]
TEMPLATE = "{{cookiecutter.project_slug}}"
LAYOUT = yaml.safe_load((ROOT / "policies/layout.yaml").read_text())
USE_CASES = {path.stem for path in (ROOT / "policies/use_cases").glob("*.yaml")}
# Files that generation writes beside those of the template.
WRITTEN = [".ai-program/schemas/*.json", "workshop.yaml"]
# Names in paths of the template, as one use case fills them.
NAMES = {
    "{{cookiecutter.package_name}}": "demand_forecasting",
    "{{cookiecutter.dataset_name}}": "electricity_demand",
    "{{cookiecutter.feature_view}}": "hourly_demand",
    "{{cookiecutter.model_name}}": "demand_forecast",
}


def template_files():
    """Return the template's files as git sees them, with the names of one use case."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", TEMPLATE],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    found = []
    for path in filter(None, listed):
        if (ROOT / path).exists():
            name = path.removeprefix(f"{TEMPLATE}/")
            for variable, value in NAMES.items():
                name = name.replace(variable, value)
            found.append(name)
    return found


FILES = template_files()
ENTRIES = [(entry, p, matcher(p)) for entry in LAYOUT["template"] for p in entry["paths"]]


def test_no_file_of_the_template_is_ignored_by_git():
    """An ignored file is on the author's disk and in nobody's clone."""
    on_disk = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / TEMPLATE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    ignored = subprocess.run(
        ["git", "check-ignore", "-z", "--stdin"],
        cwd=ROOT, input="\0".join(sorted(on_disk)), capture_output=True, check=False, text=True,
    ).stdout  # fmt: skip
    assert ignored == ""


@pytest.mark.parametrize("path", FILES)
def test_each_file_of_the_template_belongs_to_exactly_one_entry(path):
    first, *others = [pattern for _, pattern, matches in ENTRIES if matches(path)]
    assert not others or (first == path and len(others) == 1)


@pytest.mark.parametrize("pattern", [p for _, p, _ in ENTRIES if p not in WRITTEN])
def test_each_pattern_of_the_template_has_a_file(pattern):
    assert any(matcher(pattern)(path) for path in FILES)


def test_each_entry_names_a_class_and_use_cases_that_exist():
    for entry in LAYOUT["template"]:
        assert entry.keys() <= {"class", "when", "paths"}
        assert entry["class"] in ("managed", "merged", "seeded")
        assert set(entry.get("when", {})) <= {"use_case", "tier"}
        assert set(entry.get("when", {}).get("use_case", [])) <= USE_CASES


def test_files_that_only_some_use_cases_have_are_those_of_a_pipeline():
    with_pipeline = {
        name
        for name in USE_CASES
        if yaml.safe_load((ROOT / f"policies/use_cases/{name}.yaml").read_text())["pipeline"]
    }
    for entry in LAYOUT["template"]:
        if "use_case" in entry.get("when", {}):
            named = set(entry["when"]["use_case"])
            assert named == with_pipeline or (len(named) == 1 and named <= with_pipeline)


@pytest.mark.parametrize("kind", LAYOUT["kinds"], ids=lambda kind: kind["kind"])
def test_each_kind_is_described_completely(kind):
    assert kind.keys() <= {"kind", "paths", "schema", "format", "required_when", "sections"}
    assert (ROOT / "policies/schemas" / kind["schema"]).is_file()
    assert kind["format"] in ("yaml", "json", "markdown")
    assert ("sections" in kind) == (kind["format"] == "markdown")
    required = kind["required_when"]
    assert required in ("always", "never") or (
        required.keys() == {"tier"} and set(required["tier"]) < {"minimal", "limited", "high"}
    )


def test_every_schema_describes_some_kind():
    described = {kind["schema"] for kind in LAYOUT["kinds"]}
    assert described == {path.name for path in (ROOT / "policies/schemas").glob("*.json")}


def test_what_is_required_is_in_the_template_and_evidence_is_not():
    """Generation adds the answers' own files; evidence comes from tools only."""
    generated = {"lock", "workshop"}
    for kind in LAYOUT["kinds"]:
        present = any(matcher(pattern)(path) for pattern in kind["paths"] for path in FILES)
        if kind["kind"] not in generated:
            assert present == (kind["required_when"] != "never"), kind["kind"]


def test_what_a_report_is_bound_to_is_in_the_template():
    for group, patterns in LAYOUT["bindings"].items():
        assert any(matcher(pattern)(path) for pattern in patterns for path in FILES), group
