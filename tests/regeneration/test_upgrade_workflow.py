"""The workflow ``template-upgrade``, played: its own steps, on a server that is a folder.

Jobs, conditions, variables and commands come from the workflow file of the generated repository.
What only GitHub has stands in: checkouts are clones, artifacts are folders, and ``gh`` writes down
how it was called. An expression that the player does not know fails the test.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import VARIANTS, environment, git, run_cookiecutter
from regeneration.test_quarters import upgrade

from ai_program import documents

pytestmark = pytest.mark.slow

ADDRESS = "https://github.com/ai-program/ai-program"
WORKFLOW = ".github/workflows/template-upgrade.yml"
BRANCH = "template-upgrade/77"
ISSUE = "A newer release of the template waits for a person"

GH = """\
#!/bin/sh
# Writes down how it was called, the body that it was given, and answers like gh.
{ printf '%s' "$GH_REPO $GH_TOKEN"; printf ' | %s' "$@"; echo; } >> "$GH_LOG/calls"
if [ "$1 $2" = "issue list" ]; then cat "$GH_LOG/open"; fi
while [ $# -gt 0 ]; do
  if [ "$1" = "--body-file" ]; then cp "$2" "$GH_LOG/body"; fi
  shift
done
"""


@dataclass
class Server:
    """The platform, as far as the workflow knows it."""

    repository: Path  # bare
    folder: Path
    env: dict[str, str]
    app: str = "the-app"
    artifacts: dict[str, Path] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        log, tools = self.folder / "gh", self.folder / "bin"
        log.mkdir(parents=True)
        tools.mkdir()
        (log / "open").write_text("\n")
        (tools / "gh").write_text(GH)
        (tools / "gh").chmod(0o755)
        path = f"{tools}{os.pathsep}{self.env['PATH']}"
        self.env = {**self.env, "PATH": path, "GH_LOG": str(log)}
        self.context = {
            "github.ref_name": "main",
            "github.repository": "org/programme",
            "github.run_id": "77",
            "github.token": "token-of-the-job",
            "vars.TEMPLATE_UPGRADE_APP": self.app,
        }

    def git(self, *arguments: str) -> str:
        return git(self.repository, *arguments, env=self.env)

    def calls(self) -> list[str]:
        path = self.folder / "gh" / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def body(self) -> str:
        return (self.folder / "gh" / "body").read_text()

    def play(self) -> list[str]:
        """Run the jobs whose conditions hold, and return their names."""
        text = self.git("show", f"main:{WORKFLOW}").encode()
        jobs = documents.parse(text, WORKFLOW).value["jobs"]
        played = []
        for name, job in jobs.items():
            assert set(job.get("needs", [])) <= set(jobs)
            if "if" in job and not self.holds(job["if"]):
                continue
            self.run(name, job)
            played.append(name)
        return played

    def run(self, name: str, job: dict) -> None:
        place = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        place.mkdir()
        outputs = place.with_suffix(".outputs")
        for step in job["steps"]:
            action = step.get("uses", "").partition("@")[0]
            given = {key: self.filled(value) for key, value in step.get("with", {}).items()}
            if action == "actions/checkout":
                assert given["fetch-depth"] == "0"
                git(self.folder, "clone", "-q", str(self.repository), str(place), env=self.env)
            elif action == "actions/upload-artifact":
                kept = self.folder / f"artifact-{name}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(place / given["path"], kept)
                self.artifacts[given["name"]] = kept
            elif action == "actions/download-artifact":
                target = place / given.get("path", ".")
                shutil.copytree(self.artifacts[given["name"]], target, dirs_exist_ok=True)
            elif action == "actions/create-github-app-token":
                assert given["client-id"] == self.app
                self.context |= {
                    f"steps.{step['id']}.outputs.token": "token-of-the-app",
                    f"steps.{step['id']}.outputs.app-slug": "upgrader",
                }
            elif action:
                assert action == "actions/setup-python"
            elif not step["run"].startswith("python -m pip install"):
                chosen = {key: self.filled(value) for key, value in step.get("env", {}).items()}
                outputs.write_text("")
                done = subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                    cwd=place, env={**self.env, "GITHUB_OUTPUT": str(outputs), **chosen},
                    capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                )  # fmt: skip
                assert done.returncode == 0, done.stdout + done.stderr
                for line in outputs.read_text().splitlines():
                    key, _, value = line.partition("=")
                    self.context[f"steps.{step['id']}.outputs.{key}"] = value
        for key, value in job.get("outputs", {}).items():
            self.context[f"needs.{name}.outputs.{key}"] = self.filled(value)

    def filled(self, value: object) -> str:
        secrets = {"secrets.TEMPLATE_UPGRADE_KEY": "key"}
        known = {**self.context, **secrets}
        return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: known[found[1]], str(value))

    def holds(self, condition: str) -> bool:
        """Tell whether a condition holds: comparisons, joined by && within ||."""
        text = re.sub(r"[\w-]+(?:\.[\w-]+)+", lambda f: f"'{self.context[f[0]]}'", condition)
        comparison = re.compile(r"'([^']*)' (==|!=) '([^']*)'")
        text = comparison.sub(lambda f: str((f[1] == f[3]) == (f[2] == "==")), text)
        groups = [part.strip(" ()").split(" && ") for part in text.split(" || ")]
        assert {word for group in groups for word in group} <= {"True", "False"}, text
        return any("False" not in group for group in groups)


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    published = tmp_path_factory.mktemp("published") / "ai-program"
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n"
        f'[url "{published.as_posix()}"]\n\tinsteadOf = {ADDRESS}\n'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return environment(home, PATH=path, CI="true", GITHUB_ACTIONS="true", PUBLISHED=str(published))


@pytest.fixture(scope="module")
def generated(template, env, tmp_path_factory):
    """Return a repository that was generated from the release before the newest one."""
    published = Path(env["PUBLISHED"])
    git(template, "clone", "-q", str(template), str(published), env=env)
    git(published, "remote", "set-url", "origin", ADDRESS, env=env)
    git(published, "tag", "-am", "0.1.0", "v0.1.0", env=env)
    baked = run_cookiecutter(
        published, tmp_path_factory.mktemp("generated"), "--no-input",
        "--config-file", str(VARIANTS["demand"]), env=env,
    )  # fmt: skip
    workflow = published / "{{cookiecutter.project_slug}}" / WORKFLOW
    workflow.write_text(workflow.read_text().replace("timeout-minutes: 15", "timeout-minutes: 20"))
    upgrade(published, env)
    return baked.path


@pytest.fixture
def server(generated, env, tmp_path):
    """Return the platform with the generated repository on it."""
    repository = tmp_path / "server.git"
    git(generated, "clone", "-q", "--bare", str(generated), str(repository), env=env)
    return Server(repository, tmp_path / "platform", env)


def commit(server: Server, path: str, old: str, new: str) -> None:
    """Push a commit of the team to the default branch."""
    clone = server.folder / "team"
    server.git("clone", "-q", str(server.repository), str(clone))
    text = (clone / path).read_text()
    assert text.count(old) == 1
    (clone / path).write_text(text.replace(old, new))
    git(clone, "commit", "-qam", "The team works", env=server.env)
    git(clone, "push", "-q", "origin", "main", env=server.env)


def test_a_newer_release_is_proposed_once_and_with_its_plan(server, env):
    commit(server, "runbooks/incident.md", "## Verify\n", "## Verify\n\nAsk the night shift.\n")
    main = server.git("rev-parse", "main")
    assert server.play() == ["regenerate", "propose"]
    assert server.git("rev-parse", "main") == main
    assert server.git("rev-parse", f"{BRANCH}^") == main
    assert server.git("log", "-1", "--format=%an <%ae> %s", BRANCH) == (
        "upgrader[bot] <upgrader[bot]@users.noreply.github.com> Upgrade the template"
    )
    (call,) = server.calls()
    assert call == (
        "org/programme token-of-the-app | pr | create | --base | main | --head | "
        f"{BRANCH} | --title | Upgrade the template | --body-file | build/upgrade/plan.md"
    )
    body = server.body()
    assert "R runbooks/incident.md → runbooks/emergency.md" in body
    assert f"M {WORKFLOW}" in body
    assert "neutral   policies/monitoring.yaml: MON-latency: runbook changed from" in body
    assert "By hand it is `nox -s regenerate -- --sprint NAME --to latest`." in body
    assert "git commit" not in body, "whoever reads it has nothing staged"
    # What was pushed is the whole merge: the team's line, the template's, the new pin.
    assert "Ask the night shift." in server.git("show", f"{BRANCH}:runbooks/emergency.md")
    assert "First, take a breath." in server.git("show", f"{BRANCH}:runbooks/rollback.md")
    assert "timeout-minutes: 20" in server.git("show", f"{BRANCH}:{WORKFLOW}")
    newest = git(server.folder, "ls-remote", ADDRESS, "refs/tags/v0.2.0^{}", env=env).split()[0]
    lock = json.loads(server.git("show", f"{BRANCH}:.ai-program/lock.json"))
    assert lock["template"]["commit"] == lock["engine"]["rev"] == newest

    # Once it is merged there is nothing to propose, and nothing is opened.
    server.git("update-ref", "refs/heads/main", BRANCH)
    server.git("branch", "-D", BRANCH)
    assert server.play() == ["regenerate"]
    assert server.calls() == [call]
    assert server.git("branch", "--format=%(refname:short)") == "main"


def test_without_an_app_one_issue_has_the_plan(server):
    server.context["vars.TEMPLATE_UPGRADE_APP"] = ""
    assert server.play() == ["regenerate", "report"]
    looked, opened = server.calls()
    assert looked.startswith("org/programme token-of-the-job | issue | list | --state | open")
    assert opened == (
        f"org/programme token-of-the-job | issue | create | --title | {ISSUE} "
        "| --body-file | plan.md"
    )
    assert "R runbooks/incident.md → runbooks/emergency.md" in server.body()
    assert server.git("branch", "--format=%(refname:short)") == "main", "nothing was pushed"


def test_conflicts_are_said_in_the_one_issue_and_nothing_is_pushed(server):
    commit(server, "runbooks/rollback.md", "## Verify\n", "## Verify\n\nAsk the night shift.\n")
    (server.folder / "gh" / "open").write_text("12\n")
    assert server.play() == ["regenerate", "report"]
    assert server.calls()[1:] == [
        "org/programme token-of-the-job | issue | comment | 12 | --body-file | plan.md"
    ]
    assert "C runbooks/rollback.md: both changed the same place" in server.body()
    assert server.git("branch", "--format=%(refname:short)") == "main"
