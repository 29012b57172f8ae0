"""The hooks as people meet them: real clients, a real ``git commit``, a real ``git push``.

Both clients install the engine from its address and commit, as on a colleague's machine; only the
address is answered by a folder.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import VARIANTS, environment, git, run_cookiecutter

pytestmark = pytest.mark.slow

ADDRESS = "https://github.com/ai-program/ai-program"
# What a client says about a hook that has nothing to say.
QUIET = re.compile(r".+?\.{3,}(\(.+\))?(Passed|Skipped)$")


@pytest.fixture(scope="module")
def env(tmp_path_factory, template):
    """Return the environment of somebody for whom the engine's address is a folder."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n"
        f'[url "{template.as_posix()}"]\n\tinsteadOf = {ADDRESS}\n'
    )
    caches = {"PRE_COMMIT_HOME": str(home / "pre-commit"), "PREK_HOME": str(home / "prek")}
    return environment(home, **caches, NO_COLOR="1", PRE_COMMIT_COLOR="never")


@pytest.fixture(scope="module")
def generated(tmp_path_factory, env, template):
    """Return a repository that pins the engine at its address, as after a push."""
    published = tmp_path_factory.mktemp("published") / "ai-program"
    git(template, "clone", "-q", str(template), str(published), env=env)
    git(published, "remote", "set-url", "origin", ADDRESS, env=env)
    baked = run_cookiecutter(
        published, tmp_path_factory.mktemp("generated"), "--no-input",
        "--config-file", str(VARIANTS["demand"]), env=env,
    )  # fmt: skip
    assert f'repo: "{ADDRESS}"' in (baked.path / ".pre-commit-config.yaml").read_text()
    return baked.path


@pytest.fixture(params=["pre-commit", "prek"])
def repository(request, generated, env, tmp_path):
    """Return a clone of the generated repository with the hooks of one client installed."""
    path = tmp_path / "repository"
    git(tmp_path, "clone", "-q", str(generated), str(path), env=env)
    client = Path(sys.executable).parent / request.param
    done = subprocess.run(
        [str(client), "install"], cwd=path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for hook in ("pre-commit", "pre-merge-commit", "pre-push"):
        assert (path / ".git" / "hooks" / hook).is_file(), done.stdout
    return path


def commit(path, env, *options):
    return subprocess.run(
        ["git", "commit", "-m", "A change", *options],
        cwd=path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


def edit(path, name, old, new):
    text = (path / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (path / name).write_text(text.replace(old, new), encoding="utf-8")


def write_more(path):
    """Change what no rule has an opinion about."""
    readme = path / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")


def loosen(path):
    """Raise a limit by a factor of ten."""
    edit(path, "policies/data.yaml", "max_days: 730", "max_days: 3600")


def refused(done, path, code, env, before):
    """The commit is not there, and the message names code, file, line and remedy."""
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert git(path, "rev-parse", "HEAD", env=env) == before
    assert re.search(rf"{code} error \S+(:\d+:\d+)?  \w", output), output
    assert re.search(r"^ +do: \w", output, re.MULTILINE), output
    assert re.search(r"`ai-program explain AIP\d{3}` says why", output), output
    assert "Traceback" not in output


@pytest.fixture
def before(repository, env):
    return git(repository, "rev-parse", "HEAD", env=env)


def test_a_clean_commit_says_no_more_than_one_line_for_each_hook(repository, env, before):
    write_more(repository)
    git(repository, "add", "README.md", env=env)
    done = commit(repository, env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(repository, "rev-parse", "HEAD~1", env=env) == before
    lines = [
        line for line in (done.stderr + done.stdout).splitlines()
        if not line.startswith(("[INFO]", "[main ", " 1 file changed"))
    ]  # fmt: skip
    assert all(QUIET.match(line) for line in lines), done.stderr
    assert sum(line.startswith("ai-program") for line in lines) == 1


def test_every_hook_is_green_on_every_file(repository, env):
    hook = (repository / ".git" / "hooks" / "pre-commit").read_text()
    client = Path(sys.executable).parent / ("prek" if "prek" in hook else "pre-commit")
    for stage in ("pre-commit", "pre-push"):
        done = subprocess.run(
            [str(client), "run", "--all-files", "--hook-stage", stage],
            cwd=repository, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    assert git(repository, "status", "--porcelain", env=env) == ""


def test_a_violation_is_refused_and_its_repair_is_not(repository, env, before):
    loosen(repository)
    git(repository, "add", "-A", env=env)
    refused(commit(repository, env), repository, "AIP208", env, before)
    edit(repository, "policies/data.yaml", "max_days: 3600", "max_days: 365")
    git(repository, "add", "-A", env=env)
    done = commit(repository, env)
    # Tightening is free; that the answers say something else is another rule's business.
    assert "AIP208" not in done.stdout + done.stderr


def test_a_commit_that_only_deletes_is_judged(repository, env, before):
    git(repository, "rm", "-q", "runbooks/incident.md", env=env)
    refused(commit(repository, env), repository, "AIP704", env, before)


def test_commit_all_is_judged(repository, env, before):
    loosen(repository)
    refused(commit(repository, env, "--all"), repository, "AIP208", env, before)


def test_commit_of_a_path_is_judged(repository, env, before):
    loosen(repository)
    refused(commit(repository, env, "policies/data.yaml"), repository, "AIP208", env, before)


def test_what_is_not_committed_is_not_judged(repository, env):
    loosen(repository)
    (repository / "contracts" / "untracked.odcs.yaml").write_text("nonsense: [")
    write_more(repository)
    git(repository, "add", "README.md", env=env)
    done = commit(repository, env)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_worktree_is_judged_from_a_folder_within(repository, env, before, tmp_path):
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", "-b", "other", str(tree), env=env)
    loosen(tree)
    git(tree, "add", "-A", env=env)
    refused(commit(tree / "policies", env), tree, "AIP208", env, before)


def test_a_merge_without_conflicts_is_judged(repository, env):
    write_more(repository)
    git(repository, "commit", "-qam", "More", "--no-verify", env=env)
    before = git(repository, "rev-parse", "HEAD", env=env)
    git(repository, "switch", "-qc", "other", "HEAD~1", env=env)
    loosen(repository)
    git(repository, "commit", "-qam", "Loosen", "--no-verify", env=env)
    git(repository, "switch", "-q", "main", env=env)
    done = subprocess.run(
        ["git", "merge", "--no-edit", "other"],
        cwd=repository, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    refused(done, repository, "AIP208", env, before)


def test_what_passed_the_commit_unseen_is_refused_at_the_push(repository, env, generated, tmp_path):
    remote = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(generated), str(remote), env=env)
    git(repository, "remote", "set-url", "origin", str(remote), env=env)
    before = git(remote, "rev-parse", "main", env=env)
    loosen(repository)
    assert commit(repository, env, "--all", "--no-verify").returncode == 0
    done = subprocess.run(
        ["git", "push", "origin", "main"],
        cwd=repository, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    refused(done, remote, "AIP208", env, before)


def test_the_engine_imports_nothing_of_the_repository(repository, env, before):
    fake = repository / "ai_program"
    fake.mkdir()
    for path in (fake / "__init__.py", repository / "jsonschema_rs.py"):
        path.write_text("raise SystemExit(0)\n")
    loosen(repository)
    git(repository, "add", "policies/data.yaml", env=env)
    refused(commit(repository, env), repository, "AIP208", env, before)


def test_what_silences_a_client_is_found_by_the_policy_check(repository, env):
    """``python -m pre_commit`` imports from the top folder first; the wall does not start there."""
    (repository / "yaml.py").write_text("raise SystemExit(0)\n")
    loosen(repository)
    git(repository, "add", "-A", env=env)
    commit(repository, env, "--no-verify")
    engine = Path(sys.executable).parent / "ai-program"
    done = subprocess.run(
        [str(engine), "check", "--stage", "push", "--base", "HEAD~1", "--head", "HEAD"],
        cwd=repository, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "AIP701 error yaml.py" in done.stdout
    assert "AIP208 error policies/data.yaml" in done.stdout
