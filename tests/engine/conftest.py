"""A governed repository, and a baseline of toy rules to judge it by."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from engine.repositories import Repository
from engine.toys import CATALOGUE, PROGRAM, TOYS

from ai_program import checking
from ai_program.program import Baseline

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def repo(tmp_path) -> Repository:
    """Return an empty repository."""
    return Repository(tmp_path / "repo").init()


@pytest.fixture
def governed(repo) -> Repository:
    """Return a repository with a programme and its first commit."""
    repo.add("policies/program.yaml", PROGRAM)
    repo.add("contracts/a.odcs.yaml", "id: a\nowner: TODO\n")
    repo.commit()
    return repo


@pytest.fixture(scope="session")
def baseline(tmp_path_factory) -> Baseline:
    """Return the project's baseline with the toy rules in place of its own."""
    root = tmp_path_factory.mktemp("baseline") / "policies"
    shutil.copytree(ROOT / "policies", root)
    (root / "rules.yaml").write_text(CATALOGUE)
    return Baseline(str(root))


@pytest.fixture
def check(baseline):
    """Return a function that judges a repository by the toy rules."""

    def run(repository: Repository, stage: str = "commit", **options) -> checking.Result:
        select = options.pop("select", ())
        find = options.pop("find", TOYS.__getitem__)
        program = repository.program(baseline, stage, **options)
        return checking.check(program, select=select, find=find)

    return run
