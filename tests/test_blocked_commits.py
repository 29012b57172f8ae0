"""Every rule blocks a real `git commit` in a real repository, and the mended state commits.

The cases of ``tests/rules`` prove each rule against repositories in memory. Here the first case of
each that a hook can see is played through the clients that people use: cookiecutter generates,
pre-commit installs the hook from the pinned revision, git commits. Done for the default example and
for a high tier.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cases
import evidence_fixture
import pytest
from conftest import environment, git

from ai_program import documents
from ai_program.program import Baseline

pytestmark = pytest.mark.slow

CATALOGUE = Baseline().rules
BIN = Path(sys.executable).parent
CONFIG = ".pre-commit-config.yaml"


@pytest.fixture(scope="module")
def env(identified_home, tmp_path_factory):
    """Return an environment in which pre-commit keeps its environments for this module."""
    home = str(tmp_path_factory.mktemp("pre-commit"))
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    # Outside CI, so that a pin which only this machine can fetch warns at commit.
    return environment(identified_home, PRE_COMMIT_HOME=home, PATH=path, CI="")


@pytest.fixture(scope="module", params=["demand", "high"])
def hooked(request, rendered, env, tmp_path_factory):
    """Return the name of a variant and a repository of it with its hooks installed."""
    copy = tmp_path_factory.mktemp("hooked") / request.param
    shutil.copytree(rendered(request.param), copy, symlinks=True)
    run(copy, env, sys.executable, "-m", "pre_commit", "install", "--install-hooks")
    return request.param, copy


def run(where: Path, env: dict[str, str], *command: str, ok: bool = True) -> str:
    done = subprocess.run(
        command, cwd=where, env=env, stdin=subprocess.DEVNULL, check=False, text=True,
        encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
    )  # fmt: skip
    assert (done.returncode == 0) == ok, f"{command} exited {done.returncode}:\n{done.stdout}"
    return done.stdout


def write(where: Path, files: cases.Files) -> None:
    """Make the work tree and the index hold exactly these files."""
    for path in git(where, "ls-files").splitlines():
        if path not in files:
            (where / path).unlink()
    for path, (mode, content) in files.items():
        target = where / path
        if target.is_symlink() or (target.is_file() and target.read_bytes() != content):
            target.unlink()
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            if mode == cases.LINK:
                target.symlink_to(content.decode())
            else:
                target.write_bytes(content)
    git(where, "add", "--all")
    git(where, "add", "--force", "--", *files)


def steps(edits: object) -> list[dict]:
    return edits if isinstance(edits, list) else [edits or {}]


def applicable(code: str, variant: str, generated: cases.Files):
    """Return the first case of a rule that fits this repository: (case, base, head).

    Cases that name no variant are written for the default example; most also fit another. A case
    that names its day cannot be played on another.
    """
    program = documents.parse(generated["policies/program.yaml"][1], "policies/program.yaml")
    if CATALOGUE[code].severity[program.get("risk", "tier")] != "error":
        pytest.skip("it blocks nothing at this tier")
    dated = True
    for kind, case in cases.load(cases.RULES / f"{code}.yaml"):
        severities = {each["severity"] for each in case.get("expect", ())}
        if kind != "invalid" or "error" not in severities or case.get("today"):
            continue
        dated = False
        if case.get("first"):
            continue
        if case.get("variant", variant) != variant:
            continue
        try:
            state = evidence_fixture.STATES[case.get("state", "scaffolded")]
            base = cases.with_evidence(generated, state)
            for step in steps(case.get("base")):
                base = cases.edited(base, step)
            head = base
            for step in steps(case.get("edit")):
                head = cases.edited(head, step)
        except (AssertionError, KeyError):
            continue
        if any(mode == cases.SUBMODULE for mode, _ in head.values()):
            continue
        return case, base, head
    if dated:
        pytest.skip("each of its cases has its day")
    pytest.fail(f"no case of {code} fits this repository")


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_violation_is_blocked_and_the_mended_state_commits(code, hooked, env):
    variant, where = hooked
    start = git(where, "rev-parse", "HEAD")
    generated = cases.read(where)
    case, base, head = applicable(code, variant, generated)
    try:
        if base != generated:
            write(where, base)
            run(where, env, "git", "commit", "--quiet", "--no-verify", "-m", "What was there")
        before = git(where, "rev-parse", "HEAD")
        write(where, head)
        # What takes the hook away is not stopped by the hook; the policy workflow runs the command.
        switched_off = head.get(CONFIG) != base.get(CONFIG)
        if case.get("stage", "commit") == "commit" and not switched_off:
            said = run(where, env, "git", "commit", "-m", "A violation", ok=False)
            assert git(where, "rev-parse", "HEAD") == before
        else:
            run(where, env, "git", "commit", "--quiet", "--no-verify", "-m", "A violation")
            stage = "push" if switched_off else case["stage"]
            said = run(
                where, env, sys.executable, "-m", "ai_program", "check",
                "--stage", stage, "--base", before, "--head", "HEAD", ok=False,
            )  # fmt: skip
        assert f"{code} error" in said
        for expected in case["expect"]:
            assert expected["path"] in said
            if variant == case.get("variant", "demand"):
                assert expected["message"].partition("sha256:")[0] in said
        assert "  do: " in said

        git(where, "reset", "--quiet", "--hard", before)
        write(where, base)
        with (where / "README.md").open("a", encoding="utf-8") as readme:
            readme.write(f"\nMended: {code}.\n")
        if base == generated:
            said = run(where, env, "git", "commit", "-a", "-m", "The mended state")
            assert "error" not in said
    finally:
        git(where, "reset", "--quiet", "--hard", start)
        git(where, "clean", "-qfd")


def test_a_clean_commit_prints_at_most_one_line(hooked, env):
    _, where = hooked
    with (where / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("\nOne more sentence.\n")
    run(where, env, "git", "commit", "-a", "-m", "A clean change")
    said = run(where, env, sys.executable, "-m", "ai_program", "check", "--stage", "commit")
    assert len(said.splitlines()) <= 1
