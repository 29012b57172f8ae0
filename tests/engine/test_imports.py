"""What a clean commit imports: this list is the hook's speed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Each of these costs more than the whole of what a clean run does by itself, or drags in others
# that do.
EXPENSIVE = frozenset(
    (
        "argparse", "asyncio", "concurrent.futures", "csv", "dataclasses", "difflib", "email",
        "hashlib", "http", "importlib", "importlib.metadata", "importlib.resources", "inspect",
        "jsonschema",
        "logging", "pathlib", "pickle", "platform", "random", "shutil", "socket", "ssl",
        "statistics", "subprocess", "tempfile", "textwrap", "threading", "traceback", "typing",
        "unittest", "urllib.parse", "uuid", "zipfile",
    )
)  # fmt: skip
# Ours that have nothing to do in a clean commit.
IDLE = frozenset(
    f"ai_program.{name}"
    for name in (
        "exceptions", "generation", "lock", "owed", "pins", "reporters.catalogue",
        "reporters.github", "reporters.json", "reporters.markdown", "reporters.sarif", "standing",
        "tracing", "workshop",
        "workshop",
    )
)  # fmt: skip
SCRIPT = """
import sys
from ai_program import cli
code = cli.run(sys.argv[1:])
print(code, *sys.modules)
"""


def imported(repository, *arguments: str, script: str = SCRIPT) -> tuple[int, set[str]]:
    """Run the command in a process of its own: its exit code, and the modules it imported."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", script, *arguments],
        cwd=repository,
        # Without `site` nothing of this environment's own set-up is counted.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "CI": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    code, *modules = done.stdout.splitlines()[-1].split()
    return int(code), set(modules)


@pytest.fixture
def fresh(rendered):
    """Return a freshly generated repository."""
    return rendered("demand")


def test_a_clean_commit_imports_nothing_expensive(fresh):
    code, modules = imported(fresh, "check", "--no-cache")
    assert code == 0
    assert sorted(modules & EXPENSIVE) == []
    assert sorted(modules & IDLE) == []
    assert {"yaml._yaml", "jsonschema_rs"} <= modules
    assert not {"yaml", "yaml.constructor", "yaml.reader", "yaml.resolver"} & modules


def test_a_remembered_commit_imports_next_to_nothing(fresh):
    known = "from ai_program import clean\nclean.said = lambda state: ''\n"
    code, modules = imported(fresh, "check", script=known + SCRIPT)
    assert code == 0
    assert sorted(modules & (EXPENSIVE | IDLE)) == []
    assert not modules & {"re", "yaml._yaml", "jsonschema_rs", "ai_program.rules"}


def test_the_command_line_itself_imports_nothing(fresh):
    assert not imported(fresh, "--version")[1] & {"re", "yaml._yaml", "ai_program.snapshot"}


def test_the_list_is_not_empty_words(fresh):
    """The same look at a command that may take its time finds what it should."""
    modules = imported(fresh, "explain", "AIP001")[1]
    assert "textwrap" in modules & EXPENSIVE
