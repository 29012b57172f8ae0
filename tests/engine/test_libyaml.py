"""The parser without its package: the same events, and the package as good as new afterwards."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ai_program import libyaml


def run(code: str, *first: str) -> str:
    """Run code in a process of its own, in which nothing of PyYAML is imported yet."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": ":".join([*first, *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_rest_stays_away():
    code = (
        "import sys; from ai_program import yaml_reader;"
        "print(yaml_reader.value('a: [1, on]'), [m for m in sys.modules if m.startswith('yaml')])"
    )
    assert run(code) == (
        "{'a': [1, 'on']} ['yaml.error', 'yaml.events', 'yaml.nodes', 'yaml.tokens', 'yaml._yaml']"
    )


def test_the_package_is_as_good_as_new():
    code = """
from ai_program import yaml_reader
from ai_program.documents import DocumentError
import yaml
assert yaml.__with_libyaml__
assert yaml.safe_load("a: 2026-01-01")["a"].year == 2026
assert yaml.load("a: [1]", yaml.CSafeLoader) == {"a": [1]}
assert yaml.dump({"a": 1}, Dumper=yaml.CSafeDumper) == "a: 1\\n"
for loader in (yaml.SafeLoader, yaml.CSafeLoader):
    for text in ("a: [", "a: b: c", "a: *x", "\\x00"):
        try:
            yaml.load(text, loader)
        except yaml.YAMLError:
            continue
        raise AssertionError(text)
try:
    yaml_reader.value("a: [")
except DocumentError as error:
    print(error)
"""
    assert run(code) == "2:1: did not find expected node content"


def test_a_package_that_is_there_is_used():
    code = (
        "import yaml; from ai_program import libyaml;"
        "print(libyaml.events is yaml.events, libyaml.errors is yaml.error, sys.modules['yaml'])"
    )
    assert run(f"import sys; {code}").startswith("True True <module 'yaml' from")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # The C library looks for a name that the bare package does not have.
        ('"scanner": "ScannerError"', '"scanner": "ScannersError"'),
        ('("error", "events", "nodes", "tokens")', '("error", "events", "nodes")'),
        # The package is not one of files.
        ("PathFinder.find_spec(", "str.find("),
    ],
)
def test_where_it_does_not_work_the_whole_package_serves(tmp_path, old, new):
    text = Path(libyaml.__file__).read_text()
    assert old in text
    (tmp_path / "changed.py").write_text(text.replace(old, new))
    code = (
        "import sys, changed, yaml;"
        "print(changed.Parser.__module__, changed.events is yaml.events, yaml.safe_load('a: [1]'))"
    )
    assert run(code, str(tmp_path)).split(" ", 1)[1] == "True {'a': [1]}"


def test_without_the_c_library_the_slow_parser_serves(tmp_path):
    """A package whose C library is missing."""
    package = Path(yaml.__file__).parent
    shutil.copytree(
        package, tmp_path / "yaml", ignore=shutil.ignore_patterns("_yaml*", "__pycache__")
    )
    code = (
        "from ai_program import libyaml, yaml_reader\n"
        "print(yaml_reader.value('a: [1, on]'), libyaml.Parser.__name__)\n"
    )
    assert run(code, str(tmp_path)) == "{'a': [1, 'on']} SafeLoader"
