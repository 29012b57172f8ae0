"""The workflows of the generated repository: what linters say, and what linters don't look at."""

import copy
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cases
import pytest

from ai_program import documents, gateshapes, workflows
from ai_program.program import Baseline

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "{{cookiecutter.project_slug}}" / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
# From public files, with the version that each commit carries.
ACTIONS = {
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "actions/upload-artifact": ("043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", "v7.0.1"),
    "actions/create-github-app-token": ("bcd2ba49218906704ab6c1aa796996da409d3eb1", "v3.2.0"),
    "actions/download-artifact": ("3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1"),
}


def load(path):
    return documents.parse(path.read_bytes(), path.name).value


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


each_workflow = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def test_the_nine_workflows_are_there():
    with_pipeline = {"drift", "drill", "evaluate", "promote", "rollback"}
    everywhere = {"ci", "governance-review", "policy", "template-upgrade"}
    assert {path.stem for path in FILES} == with_pipeline | everywhere


# What linters say ---------------------------------------------------------------------------------


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which(str(command[0]), path=str(Path(sys.executable).parent))
    assert program, f"{command[0]} is not installed: nox -s slow"
    return subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_zizmor_finds_nothing():
    done = run("zizmor", "--offline", "--persona", "auditor", FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@each_workflow
def test_actionlint_finds_nothing(path):
    done = run("jactionlint", "--shellcheck=", path)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.slow
def test_the_schema_of_github_accepts_them():
    done = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *FILES)
    assert done.returncode == 0, done.stdout + done.stderr


@each_workflow
def test_an_ignored_finding_says_why(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if "zizmor: ignore" in line:
            assert re.search(r"# zizmor: ignore\[[a-z-]+\] \w+( \S+){4,}", line), line


# What linters don't look at -----------------------------------------------------------------------


@each_workflow
def test_it_is_copied_verbatim(path):
    text = path.read_text(encoding="utf-8")
    assert "cookiecutter" not in text
    assert not re.search(r"(?<!\$)\{\{|\{%|\{#", text)


@each_workflow
def test_actions_are_pinned_to_known_commits_with_their_version(path):
    text = path.read_text(encoding="utf-8")
    for name, commit, version in re.findall(r"uses: (\S+)@(\S+)(?: # (\S+))?", text):
        assert ACTIONS[name] == (commit, version)
    assert text.count("uses: ") == len(re.findall(r"uses: \S+@[0-9a-f]{40} # v\d", text))


@each_workflow
def test_tokens_do_the_least(path):
    workflow = load(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        writing = {scope for scope, level in job["permissions"].items() if level != "read"}
        allowed = {
            "promote": {"contents", "pull-requests"},
            "rollback": {"contents", "pull-requests"},
            "drift": {"issues"},
            "drill": {"issues"},
            "governance-review": {"issues"},
            "template-upgrade": {"issues"},
        }.get(path.stem, set())
        assert writing <= allowed, name
        if writing:
            assert name in {"report", "propose"}, "code of the repository never sees a write token"


@each_workflow
def test_every_job_ends_and_every_run_has_its_group(path):
    workflow = load(path)
    assert workflow["concurrency"]["group"]
    assert all(0 < job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


@each_workflow
def test_checkouts_keep_no_token_and_have_the_history(path):
    for step in steps(load(path)):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
            assert step["with"]["fetch-depth"] == 0


@each_workflow
def test_commands_hold_no_expression_so_that_nobody_can_write_into_them(path):
    assert not [step["run"] for step in steps(load(path)) if "${{" in step.get("run", "")]


@each_workflow
def test_set_up_then_one_command(path):
    for name, job in load(path)["jobs"].items():
        commands = [step["run"] for step in job["steps"] if "run" in step]
        sessions = [command for command in commands if command.startswith("nox ")]
        assert len([each for each in sessions if "nox -s store" not in each]) <= 1, name


def test_the_sessions_exist():
    noxfile = (FOLDER.parents[1] / "noxfile.py").read_text(encoding="utf-8")
    sessions = set(re.findall(r"@nox\.session\ndef (\w+)", noxfile))
    for path in FILES:
        for step in steps(load(path)):
            named = re.match(r"nox -s ([\w ]+?)( --|$)", step.get("run", ""))
            assert named is None or set(named[1].split()) <= sessions, step["run"]


@pytest.mark.parametrize("name", ["ci", "evaluate", "policy"])
def test_a_required_workflow_always_reports(name):
    triggers = workflows.triggers_of(load(FOLDER / f"{name}.yml"))
    assert {"merge_group", "push"} < set(triggers)
    for event in {"pull_request", "pull_request_target", "merge_group"} & set(triggers):
        assert triggers[event] == {}, "a filter would leave the check pending, or never run it"


def test_the_aggregate_job_needs_every_other_job():
    jobs = load(FOLDER / "ci.yml")["jobs"]
    assert jobs["ci"]["if"] == "always()"
    assert set(jobs["ci"]["needs"]) == set(jobs) - {"ci"}


@pytest.mark.parametrize(
    ("needs", "passes"),
    [
        ('{"a": {"result": "success"}, "b": {"result": "success"}}', True),
        ('{"a": {"result": "success"}, "b": {"result": "skipped"}}', False),
        ('{"a": {"result": "success"}, "b": {"result": "cancelled"}}', False),
        ('{"a": {"result": "failure"}}', False),
        ("{}", False),
    ],
)
@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is on GitHub's runners, not here")
def test_the_aggregate_job_passes_only_if_every_job_succeeded(needs, passes):
    command = load(FOLDER / "ci.yml")["jobs"]["ci"]["steps"][0]["run"]
    done = subprocess.run(
        ["bash", "-e", "-c", command], env={"NEEDS": needs, "PATH": "/usr/bin:/bin"}, check=False
    )
    assert (done.returncode == 0) is passes


@pytest.mark.parametrize("name", ["promote", "rollback"])
def test_releases_queue_up_and_wait_for_a_person(name):
    workflow = load(FOLDER / f"{name}.yml")
    assert list(workflow["on"]) == ["workflow_dispatch"]
    assert workflow["concurrency"] == {"group": "release", "queue": "max"}
    assert any(job.get("environment") == "production" for job in workflow["jobs"].values())


@pytest.mark.parametrize("name", ["drift", "drill", "governance-review", "template-upgrade"])
def test_scheduled_workflows_have_no_inputs_which_would_be_null(name):
    text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    assert "inputs" not in text
    assert load(FOLDER / f"{name}.yml")["on"]["workflow_dispatch"] is None


# The wall -----------------------------------------------------------------------------------------


def test_the_policy_workflow_never_checks_out_the_proposed_commit():
    job = load(FOLDER / "policy.yml")["jobs"]["policy"]
    checkouts = [s for s in job["steps"] if s.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == 1
    ref = checkouts[0]["with"]["ref"]
    assert "head" not in ref
    # `before` of a pull request's payload is a commit of the proposer.
    assert "github.event_name == 'push' && !github.event.created && github.event.before" in ref
    assert ref.count("before") == 1
    for step in job["steps"]:
        assert "checkout" not in step.get("run", "")
        assert "secrets." not in str(step)
    assert job["permissions"] == {"contents": "read"}


def test_only_the_policy_workflow_runs_with_the_bases_token():
    for path in FILES:
        privileged = {"pull_request_target", "workflow_run"} & set(load(path)["on"])
        assert bool(privileged) is (path.stem == "policy")


# The shapes that rule AIP702 compares with --------------------------------------------------------


def test_the_shapes_follow_from_the_template():
    policies = ROOT / "policies"
    written = (policies / "workflows.yaml").read_text(encoding="utf-8")
    assert written == gateshapes.render(policies), "python -m ai_program.gateshapes --write"


@each_workflow
def test_the_template_keeps_its_own_shapes(path):
    expected = load(ROOT / "policies" / "workflows.yaml")
    name = f".github/workflows/{path.name}"
    if name == expected["policy_workflow"]:
        return
    checks = [check for check, home in expected["checks"].items() if home != name]
    releases = {word: home for word, home in expected["releases"].items() if home != name}
    workflow, variables = load(path), frozenset(expected["variables"])
    assert list(workflows.departures(workflow, expected["gates"][name][0], variables)) == []
    assert list(workflows.faults(workflow, checks, releases)) == []


def test_the_scan_for_secrets_is_the_templates(demand):
    config = load(demand / ".pre-commit-config.yaml")
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    scan = next(hook for hook in hooks if hook["id"] == "detect-secrets")
    expected = load(ROOT / "policies" / "workflows.yaml")["secret_scans"][0]
    assert {key: scan[key] for key in scan if key in expected} == expected


def test_what_an_earlier_template_had_stays_accepted_on_demand(tmp_path):
    """The pin may rise without regeneration: a new engine meets the workflows of old templates."""
    policies = tmp_path / "policies"
    policies.mkdir()
    shutil.copy(ROOT / "policies" / "workflows.yaml", policies)
    folder = tmp_path / FOLDER.relative_to(ROOT)
    shutil.copytree(FOLDER, folder)
    before = load(policies / "workflows.yaml")
    for name in ("ci.yml", "policy.yml"):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("nox -s ", "nox --session "), encoding="utf-8")
    ci = ".github/workflows/ci.yml"

    for keep, earlier in ((False, 0), (True, 1)):
        (policies / "made.yaml").write_text(gateshapes.render(policies, keep=keep))
        made = load(policies / "made.yaml")
        assert "nox --session hooks" in str(made["gates"][ci][0])
        assert made["gates"][ci][1:] == before["gates"][ci][:earlier]
        assert made["policy_digests"][1:] == before["policy_digests"][:earlier]
        unchanged = ".github/workflows/drift.yml"
        assert made["gates"][unchanged] == before["gates"][unchanged]


class NewerBaseline(Baseline):
    """A baseline whose gates do more than those of the repositories that it judges."""

    def value(self, name):
        found = super().value(name)
        if name != "workflows.yaml":
            return found
        newest = copy.deepcopy(found["gates"][".github/workflows/ci.yml"][0])
        newest["jobs"]["audit"] = newest["jobs"]["hooks"]
        newest["jobs"]["ci"]["needs"].append("audit")
        earlier = found["gates"][".github/workflows/ci.yml"]
        return found | {"gates": found["gates"] | {".github/workflows/ci.yml": [newest, *earlier]}}


@pytest.mark.parametrize(
    ("edit", "messages"),
    [
        ({}, []),
        (
            {"replace": "needs: [hooks, tests]", "with": "needs: [hooks]"},
            ["job `ci`: no longer needs `tests`"],
        ),
    ],
)
def test_a_repository_of_an_earlier_template_is_judged_by_its_own_shape(
    edit, messages, demand, tmp_path
):
    case = {"name": "", "edit": {".github/workflows/ci.yml": edit} if edit else {}}
    store = cases.Store(tmp_path / "objects.git")
    result = cases.judge(case, cases.read(demand), store, NewerBaseline())
    found = [finding.message for finding in result.findings if finding.code == "AIP702"]
    assert found == messages


@pytest.mark.parametrize(
    ("crons", "comes"),
    [
        (["17 5 * * 1"], True),
        (["*/15 0-8/2,20 * jan-MAR sun,Fri"], True),
        (["0 0 29 2 *"], True),
        (["5/10 0 31 * *"], True),
        (["0 0 31 4,6,9,11 *"], False),
        (["0 0 30-31 2 *"], False),
        (["0 0 30 2 1"], True),  # every Monday of February
        (["60 0 * * *"], False),
        (["0 24 * * *"], False),
        (["0 0 0 * *"], False),
        (["0 0 * 13 *"], False),
        (["0 0 * * 7"], False),
        (["0 0 * * 1x"], False),
        (["0 0 * * MONDAY"], False),
        (["0 0 * * 5-1"], False),
        (["*/0 0 * * *"], False),
        (["0 0 * *"], False),
        (["0 0 * * ²"], False),
        (["@daily"], False),
        ([], False),
        ([5], False),
        (["0 0 31 2 *", "0 0 1 2 *"], True),
        (["0 0 1 2 *", "soon"], False),
    ],
)
def test_a_schedule_names_times_that_come(crons, comes):
    assert workflows._has_time({"schedule": [{"cron": cron} for cron in crons]}) is comes
