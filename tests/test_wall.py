"""The wall: the policy workflow's own commands, on what somebody proposes who has read them.

The steps come from the workflow file and run as GitHub would run them: the base is checked out, the
proposed commit is a ref of the remote. Only addresses are answered by folders.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, VARIANTS, environment, git, run_cookiecutter

from ai_program import documents

pytestmark = pytest.mark.slow

ADDRESS = "https://github.com/ai-program/ai-program"
WORKFLOW = ROOT / "{{cookiecutter.project_slug}}" / ".github" / "workflows" / "policy.yml"
STEPS = documents.parse(WORKFLOW.read_bytes(), WORKFLOW.name).value["jobs"]["policy"]["steps"]


@pytest.fixture(scope="module")
def env(tmp_path_factory, template):
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n"
        f'[url "{template.as_posix()}"]\n\tinsteadOf = {ADDRESS}\n'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return environment(home, PATH=path, GITHUB_ACTIONS="true", CI="true")


@pytest.fixture(scope="module")
def remote(tmp_path_factory, template, env):
    """Return the repository on the server: its default branch was generated from the template."""
    published = tmp_path_factory.mktemp("published") / "ai-program"
    git(template, "clone", "-q", str(template), str(published), env=env)
    git(published, "remote", "set-url", "origin", ADDRESS, env=env)
    baked = run_cookiecutter(
        published, tmp_path_factory.mktemp("generated"), "--no-input",
        "--config-file", str(VARIANTS["demand"]), env=env,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("server") / "demand.git"
    git(baked.path, "clone", "-q", "--bare", str(baked.path), str(path), env=env)
    return path


@pytest.fixture
def proposal(remote, env, tmp_path):
    """Return a clone in which somebody prepares a pull request."""
    path = tmp_path / "proposal"
    git(remote, "clone", "-q", str(remote), str(path), env=env)
    return path


def judge(proposal, remote, env, tmp_path):
    """Propose what was prepared; run the workflow's commands on the default branch's checkout."""
    git(proposal, "add", "-A", env=env)
    git(proposal, "commit", "-qm", "A change", "--allow-empty", env=env)
    git(proposal, "push", "-qf", "origin", "HEAD:refs/pull/1/head", env=env)
    checkout = tmp_path / "checkout"
    git(remote, "clone", "-q", "--branch", "main", str(remote), str(checkout), env=env)
    values = {
        "GH_TOKEN": "none",
        "PROPOSED": "refs/pull/1/head",
        "HEAD": git(proposal, "rev-parse", "HEAD", env=env),
    }
    done = None
    for step in STEPS:
        command = step.get("run", "")
        if command and not command.startswith("python -m pip install"):
            chosen = {name: values[name] for name in step["env"]}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
                cwd=checkout, env={**env, **chosen}, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                break
    changed = git(checkout, "status", "--porcelain", "--ignored", env=env).splitlines()
    assert [line for line in changed if ".nox" not in line and "__pycache__" not in line] == []
    return done


def test_a_clean_proposal_passes(proposal, remote, env, tmp_path):
    (proposal / "README.md").write_text("# Changed\n")
    done = judge(proposal, remote, env, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_the_proposal_runs_and_all_of_it_is_judged(proposal, remote, env, tmp_path):
    """Hooks removed, a policy loosened, and a trap in whatever a careless check would start."""
    trap = tmp_path / "sprung"
    spring = f"open({str(trap)!r}, 'a').write(__file__)\n"
    for name in ("noxfile.py", "conftest.py", "setup.py", "sitecustomize.py", "yaml.py",
                 "nox.py", "ai_program/__init__.py", "ai_program/__main__.py"):  # fmt: skip
        (proposal / name).parent.mkdir(exist_ok=True)
        (proposal / name).write_text(spring)
    (proposal / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbackend-path = ["."]\n'
    )
    (proposal / ".gitattributes").write_text("* filter=trap\n")
    (proposal / ".pre-commit-config.yaml").write_text("repos: []\n")
    (proposal / ".github" / "workflows" / "policy.yml").write_text(
        "name: policy\non: push\njobs: {}\n"
    )
    policy = proposal / "policies" / "data.yaml"
    text = policy.read_text()
    policy.write_text(text.replace("max_days: 730", "max_days: 3600"))
    done = judge(proposal, remote, env, tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    assert not trap.exists(), trap.read_text()
    for code, path in (
        ("AIP701", ".pre-commit-config.yaml"),
        ("AIP702", ".github/workflows/policy.yml"),
        ("AIP208", "policies/data.yaml"),
    ):
        assert any(code in line and path in line for line in output.splitlines()), output


def test_the_pin_of_the_proposal_does_not_judge_the_proposal(proposal, remote, env, tmp_path):
    """Both pins moved to an engine that finds nothing: the base's engine still judges."""
    lock = proposal / ".ai-program" / "lock.json"
    config = proposal / ".pre-commit-config.yaml"
    for path in (lock, config):
        path.write_text(path.read_text().replace(ADDRESS, "https://github.com/mallory/ai-program"))
    done = judge(proposal, remote, env, tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    assert "AIP701" in output
    assert "the engine comes from https://github.com/mallory/ai-program" in output


def test_a_proposal_that_is_not_there_is_no_pass(proposal, remote, env, tmp_path):
    (proposal / "README.md").write_text("# Changed\n")
    git(proposal, "commit", "-qam", "Never pushed", env=env)
    lost = git(proposal, "rev-parse", "HEAD", env=env)
    checkout = tmp_path / "checkout"
    git(remote, "clone", "-q", str(remote), str(checkout), env=env)
    command = next(s["run"] for s in STEPS if s.get("run", "").startswith("nox"))
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=checkout, env={**env, "HEAD": lost}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "cannot decide" in done.stdout + done.stderr


def test_a_base_pinned_to_a_path_judges_nothing(remote, env, tmp_path):
    checkout = tmp_path / "checkout"
    git(remote, "clone", "-q", str(remote), str(checkout), env=env)
    lock = checkout / ".ai-program" / "lock.json"
    lock.write_text(lock.read_text().replace(ADDRESS, "/home/ada/ai-program"))
    command = next(s["run"] for s in STEPS if s.get("run", "").startswith("nox"))
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        cwd=checkout, env={**env, "HEAD": "HEAD"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "a path that only one machine has" in done.stdout + done.stderr
