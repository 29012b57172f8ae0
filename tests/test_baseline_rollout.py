"""An organisation changes its baseline, tags it, raises the pin: the new baseline is in force.

The changes are those that docs/baseline.md shows.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, VARIANTS, environment, git, run_cookiecutter

pytestmark = pytest.mark.slow

ADDRESS = "https://git.example.org/acme/ai-program"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n"
        f'[url "{(home / "fork").as_posix()}"]\n\tinsteadOf = {ADDRESS}\n'
    )
    return environment(home, PRE_COMMIT_HOME=str(home / "pre-commit"), PRE_COMMIT_COLOR="never")


@pytest.fixture(scope="module")
def fork(template, env):
    """Return the organisation's own copy of the baseline."""
    path = Path(env["HOME"]) / "fork"
    git(template, "clone", "-q", str(template), str(path), env=env)
    return path


@pytest.fixture(scope="module")
def governed(fork, env, tmp_path_factory):
    """Return a repository that was generated from the fork, with its hooks installed."""
    clone = tmp_path_factory.mktemp("clone") / "ai-program"
    git(fork, "clone", "-q", ADDRESS, str(clone), env=env)
    baked = run_cookiecutter(
        clone, tmp_path_factory.mktemp("generated"), "--no-input",
        "--config-file", str(VARIANTS["demand"]), env=env,
    )  # fmt: skip
    run(BIN / "pre-commit", "install", at=baked.path, env=env)
    return baked.path


def run(*command, at, env):
    return subprocess.run(
        [str(word) for word in command],
        cwd=at,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def shown():
    """Return what the page changes: for each change the old line and the new one."""
    page = (ROOT / "docs" / "baseline.md").read_text(encoding="utf-8")
    return re.findall(r"```diff\n-(.*)\n\+(.*)\n```", page)


def test_a_rule_of_its_own_is_held_by_its_cases_and_has_a_page(template, env, tmp_path):
    """The rule, its class and its cases are those that the page shows."""
    fork = tmp_path / "fork"
    git(template, "clone", "-q", str(template), str(fork), env=env)
    page = (ROOT / "docs" / "baseline.md").read_text(encoding="utf-8")
    words, cases = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    edit(fork / "policies" / "rules.yaml", "- code: AIP201\n", f"{words}\n- code: AIP201\n")
    with (fork / "src/ai_program/rules/data.py").open("a", encoding="utf-8") as module:
        module.write(f"\n\n{code}")
    (fork / "tests/rules/AIP190.yaml").write_text(cases, encoding="utf-8")
    git(fork, "commit", "-qam", "Ask for a domain", env=env)

    env = {**env, "PYTHONPATH": str(fork / "src")}
    done = run(sys.executable, "-m", "ai_program.rulepages", "--write", at=fork, env=env)
    assert done.returncode == 0, done.stderr
    assert "Every contract belongs to a domain" in (fork / "docs/rules/AIP190.md").read_text()
    done = run(
        sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "tests/test_rules.py",
        "tests/test_rulepages.py", "-k", "AIP190 or catalogue or rulepages or complete",
        at=fork, env=env,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("AIP190-valid-as_generated", "AIP190-invalid-a_domain_of_its_own"):
        assert f"test_case[{name}] PASSED" in done.stdout


def test_raising_the_pin_rolls_the_baseline_out(fork, governed, env):
    done = run(BIN / "pre-commit", "run", "--all-files", at=governed, env=env)
    assert done.returncode == 0, done.stdout + done.stderr

    floor, repair = shown()

    # The governance officer raises a floor and releases the baseline.
    edit(fork / "policies" / "tiers.yaml", *floor)
    git(fork, "commit", "-qam", "More resamples", env=env)
    git(fork, "tag", "-am", "Baseline 7", "v7.0.0", env=env)

    # Nothing changes for a repository until somebody raises its pin.
    done = run(BIN / "pre-commit", "run", "--all-files", at=governed, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run(BIN / "ai-program", "pin", at=governed, env=env)
    assert done.returncode == 0, done.stderr
    released = git(fork, "rev-parse", "v7.0.0^{commit}")
    assert f"→ {released[:12]}" in done.stdout
    assert git(governed, "diff", "--name-only", env=env).split() == [
        ".ai-program/lock.json", ".pre-commit-config.yaml",
    ]  # fmt: skip

    # The commit that raises it is judged by what it brings.
    git(governed, "add", "-A", env=env)
    done = run("git", "commit", "-m", "Raise the baseline", at=governed, env=env)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "policies/evaluation.yaml" in done.stderr
    assert "5000" in done.stderr
    assert "AIP70" not in done.stderr

    edit(governed / "policies" / "evaluation.yaml", *repair)
    git(governed, "add", "-A", env=env)
    done = run("git", "commit", "-m", "Raise the baseline", at=governed, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
