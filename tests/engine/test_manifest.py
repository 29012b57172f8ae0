"""The hooks that this repository offers: one for each stage, and nothing skips them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ai_program import cli

HOOKS = {
    hook["id"]: hook
    for hook in yaml.safe_load(
        (Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml").read_text()
    )
}


def test_there_are_two():
    assert list(HOOKS) == ["ai-program", "ai-program-push"]


@pytest.mark.parametrize("name", HOOKS)
def test_it_always_runs_once_in_one_process(name):
    hook = HOOKS[name]
    assert hook["language"] == "python"
    assert hook["always_run"] is True
    assert hook["pass_filenames"] is False
    assert hook["require_serial"] is True
    assert not {"files", "types", "types_or", "exclude", "exclude_types", "args"} & hook.keys()


@pytest.mark.parametrize("name", HOOKS)
def test_its_command_exists(name):
    program, command, *rest = HOOKS[name]["entry"].split()
    assert (program, command) == ("ai-program", "check")
    assert cli._options(rest, cli._CHECK)


def test_stages():
    assert HOOKS["ai-program"]["stages"] == ["pre-commit", "pre-merge-commit"]
    assert HOOKS["ai-program-push"]["stages"] == ["pre-push"]
