"""The life of a model, from the first run to the last way back, by the commands that people type.

One repository is generated, set up and led through its stages of life, each kept as a copy:

    scaffolded ─► evaluated ─► released ─► challenged ─► replaced ─► rolled_back ─► fallen_back

Every commit on the way passes the real hooks. The tests then look at the stages, and ask in each
for what has to be refused.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import git
from life import NOX, Done, Repository, people

from ai_program import digests, evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.xdist_group("pipeline")]

PACKAGE = "demand_forecasting"
APPROVED = ("promote", "--approve", "@grace")


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("stages")


@pytest.fixture(scope="module")
def env(identified_home, tmp_path_factory) -> dict[str, str]:
    return people(identified_home, tmp_path_factory.mktemp("pre-commit"))


@pytest.fixture(scope="module")
def story(demand, env, told) -> dict[str, Repository | Done]:
    """Live through all stages; stages are repositories, what commands said stands beside them."""
    repository = Repository(told / "repository" / "demand-forecasting", env)
    shutil.copytree(demand, repository.path)
    found: dict[str, Repository | Done] = {}

    def step(name: str, done: Done, expected: int = 0) -> None:
        sys.stdout.write(f"\n=== {name} ({done.seconds:.0f} s)\n{done.output}")
        assert done.returncode == expected, f"{name}: {done.output}"
        found[name] = done

    def stage(name: str) -> None:
        found[name] = repository.copy(told / name)

    step("install hooks", repository.run("pre-commit", "install"))
    step("setup", repository.nox("setup"))
    stage("scaffolded")
    step("pipeline", repository.nox("pipeline"))
    step("commit evaluation", repository.commit("Evaluate"))
    stage("evaluated")
    step("pipeline again", repository.nox("pipeline"))
    step("promote", repository.nox(*APPROVED))
    step("commit promotion", repository.commit("Promote"))
    stage("released")
    step("ridge", repository.nox("pipeline", "--candidate", "ridge"), expected=1)
    step("commit ridge", repository.commit("Evaluate ridge"))
    stage("outdone")
    step("extra trees", repository.nox("pipeline", "--candidate", "extra_trees"))
    step("commit challenge", repository.commit("Evaluate extra trees"))
    stage("challenged")
    step("promote challenger", repository.nox(*APPROVED))
    step("commit replacement", repository.commit("Promote extra trees"))
    stage("replaced")
    step("rollback", repository.nox("rollback", "--reason", "peaks were missed"))
    step("commit rollback", repository.commit("Roll back"))
    stage("rolled_back")
    step("fall back", repository.nox("rollback"))
    step("commit fallback", repository.commit("Fall back"))
    stage("fallen_back")
    return found


@pytest.fixture
def at(story, tmp_path) -> Callable[[str], Repository]:
    """Return a function that gives a copy of a stage to do with as one likes."""
    count = itertools.count()
    return lambda stage: story[stage].copy(tmp_path / f"{next(count)}-{stage}")


# What each stage has to show.


def test_each_stage_of_the_pipeline_says_what_it_did(story) -> None:
    for name in ("ingest", "contract", "features", "train", "evaluate", "register"):
        assert f"\n{name} " in story["pipeline"].output


def test_the_default_candidate_passes_every_gate(story) -> None:
    report = story["evaluated"].report("gradient-boosting")
    assert report["verdict"] == "pass"
    assert report["code"]["dirty"] is False
    assert list(evidence.report_problems(report)) == []


def test_a_second_run_writes_the_same_bytes(story) -> None:
    """The tree was clean before and is clean after: evidence is never written over."""
    assert "as before" in story["pipeline again"].output
    assert len(list((story["released"].path / evidence.REPORTS).glob("*.json"))) == 1


def test_a_candidate_that_is_not_sure_to_be_better_is_refused(story) -> None:
    assert "inconclusive" in story["ridge"].output
    assert "cannot be promoted" in story["ridge"].output
    assert story["outdone"].report("ridge")["champion"]["version"].startswith("gradient-boosting")


def test_each_release_follows_the_one_before(story) -> None:
    repository = story["fallen_back"]
    paths = sorted((repository.path / evidence.RELEASES).glob("0*.json"))
    records = [(f"{evidence.RELEASES}/{path.name}", json.loads(path.read_text())) for path in paths]
    assert list(evidence.chain_problems(records, repository.json(evidence.ACTIVE))) == []
    assert [
        (record["predicate"]["action"], evidence.released(record)[1].rpartition("-")[0])
        for _, record in records
    ] == [
        ("promote", "gradient-boosting"),
        ("promote", "extra-trees"),
        ("rollback", "gradient-boosting"),
        ("rollback", "last-week-same-hour"),
    ]
    kinds = [record["predicate"]["rollback_target"]["kind"] for _, record in records]
    assert kinds == ["fallback", "release", "fallback", "fallback"]


def test_kpis_are_recorded_with_each_release(story) -> None:
    repository = story["fallen_back"]
    actuals = [repository.json(f"{evidence.ACTUALS}/{number:04d}.json") for number in (1, 2, 3, 4)]
    assert all(map(digests.is_sealed, actuals))
    assert [each["deployment_success_rate"] for each in actuals] == [1.0, 1.0, 0.5, 0.5]
    values = {each["kpi"]: each["value"] for each in actuals[0]["actuals"]}
    measured = {
        (each["metric"], each["slice"], each["compare_with"]): each["value"]
        for each in repository.report("gradient-boosting")["measurements"]
    }
    assert values["KPI-mae"] == measured["mae", None, None]
    assert values["KPI-deployment-success-rate"] == 1.0


def test_the_card_shows_what_was_evaluated_last(story) -> None:
    card = (story["challenged"].path / "models/demand_forecast/card.md").read_text()
    version = story["challenged"].report("extra-trees")["model"]["version"]
    assert f"Version `{version}`, verdict **pass**" in card


def test_after_a_rollback_the_old_model_answers_as_it_did(story) -> None:
    before, after = (story[name].ask("predict") for name in ("released", "rolled_back"))
    other = story["replaced"].ask("predict")
    assert before.returncode == 0
    assert len(before.output.splitlines()) == 26
    assert before.output == after.output != other.output


def test_the_fallback_answers_without_a_model(story) -> None:
    shutil.rmtree(story["scaffolded"].path / "store", ignore_errors=True)
    before, after = (story[name].ask("predict") for name in ("scaffolded", "fallen_back"))
    assert before.output.splitlines()[1:] == after.output.splitlines()[1:]


def test_the_environment_is_small_enough(story) -> None:
    environment = (story["scaffolded"].path / ".venv").resolve()
    size = sum(file.lstat().st_size for file in environment.rglob("*") if file.is_file())
    sys.stdout.write(f"\nthe environment has {size / 1e6:.0f} MB\n")
    assert size < 1e9


def test_what_was_generated_passes_its_own_sessions(story) -> None:
    for session in ("lint", "test", "check", "report", "predict"):
        done = story["scaffolded"].nox(session)
        assert done.returncode == 0, done.output
        sys.stdout.write(f"\n{session}: {done.seconds:.0f} s\n")


# MLflow mirrors what git and the store say.

LOAD = """
import json, sys, mlflow, pandas
mlflow.set_tracking_uri("sqlite:///mlflow.db")
model = mlflow.sklearn.load_model("models:/demand_forecast@champion")
golden = json.load(open(f"models/registry/{sys.argv[1]}.json"))["golden"]
answers = model.predict(pandas.DataFrame([each["input"] for each in golden]))
assert all(abs(a - g["prediction"]) < 1e-3 for a, g in zip(answers, golden)), answers
"""


@pytest.mark.parametrize("stage", ["released", "replaced", "rolled_back", "fallen_back"])
def test_a_moved_repository_still_loads_what_is_in_force(at, stage) -> None:
    repository = at(stage)
    done = repository.python("-W", "ignore", "-c", LOAD, repository.in_force())
    assert done.returncode == 0, done.output


def test_a_lost_mlflow_database_is_made_again(at) -> None:
    repository = at("replaced")
    (repository.path / "mlflow.db").unlink()
    assert repository.ask("rollback").returncode == 0
    done = repository.python("-W", "ignore", "-c", LOAD, repository.in_force())
    assert done.returncode == 0, done.output


# A drill leaves the repository as it is, but for its record.

FAULTS = {
    "bad_metric": "release", "corrupted_artifact": "release", "broken_contract": "release",
    "missing_target": "fallback", "incompatible_contract": "fallback",
}  # fmt: skip


def drills(repository: Repository) -> list[dict]:
    found = sorted((repository.path / evidence.DRILLS).glob("*.json"))
    return [json.loads(path.read_text()) for path in found]


@pytest.mark.parametrize(
    ("stage", "stand_ins"),
    [("evaluated", ["from", "to"]), ("released", ["from"]), ("replaced", [])],
)
def test_a_drill_goes_back_and_says_how_long_it_took(at, stage, stand_ins) -> None:
    repository = at(stage)
    store = {path.name for path in (repository.path / "store").iterdir()}
    done = repository.nox("drill")
    assert done.returncode == 0, done.output
    sys.stdout.write(done.output)
    held = drills(repository)
    assert {each["fault"]: each["served_by"] for each in held} == FAULTS
    for each in held:
        assert list(evidence.drill_problems(each)) == []
        assert each["stand_ins"] == stand_ins
        assert str(repository.path) not in str(each)
        assert 0 < each["seconds_to_restore"] <= 60 * each["limit_minutes"]
    changed = git(repository.path, "status", "--porcelain", env=repository.env).splitlines()
    assert {line[:18] for line in changed} == {"?? evidence/drills"}
    assert {path.name for path in (repository.path / "store").iterdir()} == store
    assert repository.commit("Hold a drill").returncode == 0


def test_a_monitor_that_notices_nothing_fails_the_drill(at) -> None:
    repository = at("replaced")
    policy = repository.path / "policies/monitoring.yaml"
    policy.write_text(policy.read_text().replace("limit: 0.08", "limit: 99"))
    repository.commit("Look away", "--no-verify")
    done = repository.ask("drill", "--fault", "bad_metric")
    assert done.returncode == 1, done.output
    (held,) = drills(repository)
    assert (held["outcome"], held["breaker_tripped"]) == ("failed", False)
    assert held["steps"][-1]["detail"].startswith("no monitor that the breaker trips on")


def test_a_drill_is_about_what_is_committed(at) -> None:
    repository = at("released")
    (repository.path / "deploy/README.md").write_text("Otherwise.\n")
    refused(repository, "drill", said="a drill is about what is committed, and deploy/README.md")
    refused(at("released"), "drill", "--fault", "fire", said="there is no fault fire: bad_metric,")


def test_every_command_of_the_runbook_works(at) -> None:
    repository = at("replaced")
    text = (repository.path / "runbooks/rollback.md").read_text()
    commands = re.findall(r"^\$ nox -s (\w+)$", text, re.MULTILINE)
    assert commands == ["rollback", "drill"]
    assert text.count("```console") == text.count("\n$ ") == len(commands)
    for command in commands:
        done = repository.nox(command)
        assert done.returncode == 0, done.output
        assert repository.commit(f"Run {command}").returncode == 0


def test_a_version_learns_again_when_that_is_due(at) -> None:
    repository, later = at("released"), ("--today", "2099-01-01")
    assert "need not learn again yet, 2" in repository.ask("retrain").output
    done = repository.ask("retrain", *later)
    assert (done.returncode, "nothing new to learn from" in done.output) == (1, True), done.output
    policy = repository.path / "policies/release.yaml"
    policy.write_text(policy.read_text().replace("window_days: null", "window_days: 400"))
    repository.commit("Learn from the last 400 days", "--no-verify")
    done = repository.ask("retrain", *later)
    assert "and 28 days are the most" in done.output
    assert "gradient_boosting on 9,600 rows" in done.output
    assert len(list((repository.path / evidence.REPORTS).glob("*.json"))) == 2


def test_a_promotion_says_what_it_is_made_of_and_what_is_deployed(story) -> None:
    from cyclonedx.schema import SchemaVersion  # in the session e2e only
    from cyclonedx.validation.json import JsonStrictValidator

    repository = story["replaced"]
    text = (repository.path / "evidence/boms/0002.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill, record = json.loads(text), repository.json(evidence.release_path(2))
    model = bill["metadata"]["component"]
    assert model["version"] == repository.in_force()
    packages = {(each["name"], each["version"]) for each in bill["components"]}
    entry = repository.json(f"{evidence.REGISTRY}/{repository.in_force()}.json")
    assert {tuple(each.split("==")) for each in entry["environment"]["packages"]} < packages
    manifest = (repository.path / "deploy/kubernetes/deployment.yaml").read_text()
    assert f'ai-program/release: "{record["predicate"]["digest"]}"' in manifest
    after = story["fallen_back"]
    manifest = (after.path / "deploy/kubernetes/deployment.yaml").read_text()
    assert after.json(evidence.ACTIVE)["digest"] in manifest


# The release is served.

ALIVE = """
import sys, urllib.request
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/health", timeout=5)
"""

ASKED = """
import json, sys, urllib.error, urllib.request
port, version, token = sys.argv[1:]
golden = json.load(open(f"models/registry/{version}.json"))["golden"]
body = json.dumps({"rows": [each["input"] for each in golden]}).encode()
headers = {"Authorization": f"Bearer {token}"}
request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", body, headers)
try:
    answer = json.load(urllib.request.urlopen(request, timeout=30))
except urllib.error.HTTPError as error:
    print(error.code)
else:
    near = all(
        abs(got["value"] - known["prediction"]) < 1e-3
        for got, known in zip(answer["predictions"], golden, strict=True)
    )
    print(answer["served_by"], near)
"""


def test_the_release_is_served_until_the_breaker_takes_it_out(at) -> None:
    repository, token = at("released"), "a-secret-of-this-test-that-is-long-enough"
    shutil.rmtree(repository.path / "var", ignore_errors=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [str(repository.path / ".venv/bin/python"), "-m", PACKAGE, "serve", "--port", str(port)],
        cwd=repository.path,
        env={**repository.env, "PYTHONPATH": str(repository.path / "src"), "SERVING_TOKEN": token},
    )

    def asked(shown: str = token) -> str:
        done = repository.python("-c", ASKED, str(port), repository.in_force(), shown)
        return done.output.splitlines()[-1]

    try:
        while repository.python("-c", ALIVE, str(port)).returncode:
            assert server.poll() is None
        assert asked("another") == "401"
        assert asked() == "release True"
        assert repository.ask("trip", "--reason", "peaks were missed").returncode == 0
        assert asked() == "fallback False"
        status = repository.ask("status")
        assert "the breaker is open" in status.output, status.output
        reset = ("reset", "--reason", "it was the meter", "--approve")
        refused(repository, *reset, "@ada", said="@ada may not approve the reset of the breaker")
        assert repository.ask(*reset, "@grace").returncode == 0
        assert asked() == "release True"
    finally:
        server.terminate()
        server.wait(timeout=60)
    (journal,) = (repository.path / "var/decisions").glob("*.jsonl")
    served = [json.loads(line)["served_by"] for line in journal.read_text().splitlines()]
    assert list(dict.fromkeys(served)) == ["release", "fallback"]


def test_feast_accepts_the_published_features(at, tmp_path) -> None:
    repository = at("scaffolded")
    for command in ("features", "feast"):
        done = repository.ask(command)
        assert done.returncode == 0, done.output
    environment = tmp_path / "feast"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    install = [environment / "bin/python", "-m", "pip", "install", "--quiet", "feast==0.67.0"]
    subprocess.run(install, check=True)
    folder = str(repository.path / "build/feast")
    done = repository.run(str(environment / "bin/feast"), "-c", folder, "apply")
    assert done.returncode == 0, done.output
    assert "Created feature view hourly_demand" in done.output


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17")
def test_spark_makes_the_features_of_duckdb(at) -> None:
    """In another time zone too: the features are those of the hours as they are written."""
    done = at("scaffolded").run(*NOX, "-s", "scale", "--", "--times", "1", TZ="America/New_York")
    assert done.returncode == 0, done.output
    sys.stdout.write(done.output)
    assert re.search(r"^ +26,304  spark ", done.output, re.MULTILINE)
    assert "1 skipped" in done.output  # that pyspark is missing, and nothing else


# What is refused.


def refused(repository: Repository, *command: str, said: str, **more: str) -> None:
    """Ask for something that has to be refused: one message, exit 1, and nothing was written."""
    before = git(repository.path, "status", "--porcelain", env=repository.env)
    done = repository.ask(*command, **more)
    assert (done.returncode, done.output.count("refused: ")) == (1, 1), done.output
    assert "Traceback" not in done.output
    assert said in done.output, done.output
    assert git(repository.path, "status", "--porcelain", env=repository.env) == before


def rewritten(repository: Repository, path: str, change: Callable[[dict], None]) -> None:
    """Edit evidence by hand, seal it again, and get it committed past the hooks."""
    value = repository.json(path)
    change(value)
    repository.write(path, digests.sealed(value))
    repository.commit("Nothing to see here", "--no-verify")


def test_a_dirty_tree(at) -> None:
    repository = at("evaluated")
    (repository.path / "README.md").write_text("changed\n")
    refused(repository, *APPROVED, said="not everything is committed (README.md)")


def test_nothing_evaluated(at) -> None:
    refused(at("scaffolded"), *APPROVED, said="nothing was evaluated yet: run `nox -s pipeline`")


def test_an_unknown_version(at) -> None:
    refused(at("evaluated"), *APPROVED, "--version", "best-one", said="no report of best-one")


def test_no_approval(at) -> None:
    refused(at("evaluated"), "promote", said="0 of 1 approvals: somebody else than ada@example.org")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("@ada", "@ada is the author"),
        ("ada@example.org", "ada@example.org is the author"),
        ("@omar", "@omar has none of the roles that approve"),
        ("@nobody", "@nobody is not declared"),
    ],
)
def test_an_approval_that_does_not_count(at, name, reason) -> None:
    refused(at("evaluated"), "promote", "--approve", name, said=reason)


def test_a_stranger(at) -> None:
    repository = at("evaluated")
    git(repository.path, "config", "user.email", "eve@example.org", env=repository.env)
    refused(repository, *APPROVED, said="eve@example.org (git config user.email) belongs to nobody")
    released = at("released")
    git(released.path, "config", "user.email", "eve@example.org", env=released.env)
    refused(released, "rollback", said="eve@example.org")


def test_a_verdict_that_is_not_pass(at) -> None:
    refused(at("outdone"), *APPROVED, said="the verdict is inconclusive (GATE-improvement")


def test_what_is_in_force_already(at) -> None:
    refused(at("released"), *APPROVED, said="it is in force already")


@pytest.mark.parametrize(
    ("path", "group"),
    [
        (f"src/{PACKAGE}/demand_forecasting/rules.py", "code"),
        ("pyproject.toml", "code"),
        ("policies/monitoring.yaml", "policies"),
        ("features/hourly_demand.yaml", "features"),
        ("contracts/electricity_demand.odcs.yaml", "contracts"),
    ],
)
def test_a_report_about_other_files(at, path, group) -> None:
    repository = at("evaluated")
    with (repository.path / path).open("a") as file:
        file.write("# a remark\n")
    repository.commit("Remark", "--no-verify")
    refused(repository, *APPROVED, said=f"it judged other {group} than are committed")


def test_a_report_against_another_champion(at) -> None:
    """Ridge was compared with gradient boosting, and since then extra trees came into force."""
    repository = at("replaced")
    version = repository.report("ridge")["model"]["version"]
    refused(repository, *APPROVED, "--version", version, said="compared with something else")


def test_a_report_from_a_dirty_tree(at) -> None:
    repository = at("scaffolded")
    with (repository.path / f"src/{PACKAGE}/demand_forecasting/rules.py").open("a") as file:
        file.write("\n\n# a remark\n")
    assert repository.ask("pipeline").returncode == 0
    assert repository.commit("Remark and evaluation").returncode == 0
    refused(repository, *APPROVED, said="it was written while files were not committed")


def test_an_old_report(at) -> None:
    repository = at("scaffolded")
    assert repository.ask("pipeline").returncode == 0
    repository.commit("Evaluate", "--no-verify", GIT_COMMITTER_DATE="2020-01-01T00:00:00Z")
    refused(repository, *APPROVED, said="days old, and 180 are allowed")


def test_a_forged_report(at) -> None:
    repository = at("outdone")
    report = repository.report("ridge")
    path = f"{evidence.REPORTS}/{report['model']['version']}.json"

    def forge(value: dict) -> None:
        value["verdict"] = "pass"

    rewritten(repository, path, forge)
    refused(repository, *APPROVED, said="it says pass, its numbers say inconclusive")


def test_a_forged_report_that_fits_together(at) -> None:
    """Numbers, outcomes, verdict and registry agree: only history knows that they were others."""
    repository = at("outdone")
    report = repository.report("ridge")
    path = f"{evidence.REPORTS}/{report['model']['version']}.json"

    def forge(value: dict) -> None:
        for each in value["measurements"]:
            if each["metric"] == "mae_improvement":
                each.update(low=0.1)
            if each["metric"] == "mae_change":
                each.update(low=-0.05, value=0.0, high=0.05)
        again = evidence.report(**{key: value[key] for key in FORGED})
        value.update(outcomes=again["outcomes"], verdict=again["verdict"])

    rewritten(repository, path, forge)
    assert repository.report("ridge")["verdict"] == "pass"
    refused(repository, *APPROVED, said="the registry has the digest of another report")

    def follow(value: dict) -> None:
        value["evaluation"]["digest"] = repository.report("ridge")["digest"]

    rewritten(repository, f"{evidence.REGISTRY}/{report['model']['version']}.json", follow)
    refused(repository, *APPROVED, said=f"AIP207 {path}: evidence was edited")


FORGED = ("model", "champion", "bindings", "code", "statistics", "gates", "measurements")


def test_a_broken_chain(at) -> None:
    repository = at("challenged")

    def forge(value: dict) -> None:
        value["predicate"]["approvals"] = []

    rewritten(repository, evidence.release_path(1), forge)
    refused(repository, *APPROVED, said="0001.json: predicate.digest")
    refused(repository, "rollback", said="0001.json: predicate.digest")


def test_no_way_back(at) -> None:
    repository = at("challenged")
    shutil.rmtree(repository.place(repository.report("gradient-boosting")["model"]["digest"]))
    refused(repository, *APPROVED, said="there would be no way back: the store")


def test_a_model_that_is_not_in_the_store(at) -> None:
    repository = at("challenged")
    shutil.rmtree(repository.place(repository.report("extra-trees")["model"]["digest"]))
    refused(repository, *APPROVED, said="does not have sha256:")


def test_a_model_that_was_exchanged(at) -> None:
    repository = at("challenged")
    places = [
        repository.place(repository.report(name)["model"]["digest"])
        for name in ("extra-trees", "gradient-boosting")
    ]
    shutil.copy(places[1] / "model.pkl", places[0] / "model.pkl")
    refused(repository, *APPROVED, said="damaged or tampered with, and is not loaded")


def test_an_unknown_candidate(at) -> None:
    command = ("pipeline", "--candidate", "oracle")
    refused(at("scaffolded"), *command, said="there is no candidate oracle: gradient_boosting,")


def test_other_data_than_the_policy_declares(at) -> None:
    repository = at("scaffolded")
    with (repository.path / "data/sample/electricity_hourly.csv.gz").open("ab") as file:
        file.write(b" ")
    refused(repository, "pipeline", said="policies/evaluation.yaml declares sha256:")


def test_a_repository_without_a_commit(at) -> None:
    repository = at("scaffolded")
    shutil.rmtree(repository.path / ".git")
    git(repository.path, "init", "--quiet", env=repository.env)
    refused(repository, "pipeline", said="nothing is committed here yet")


def test_going_back_from_nothing(at) -> None:
    refused(at("scaffolded"), "rollback", said="nothing was ever released")


def test_going_back_behind_the_fallback(at) -> None:
    refused(at("fallen_back"), "rollback", said="it is the fallback, and nothing is behind it")


# What still works when it has to.


def test_a_release_before_that_is_lost_is_replaced_by_the_fallback(at) -> None:
    repository = at("replaced")
    shutil.rmtree(repository.path / "store")
    done = repository.ask("rollback")
    assert done.returncode == 0, done.output
    assert "The release before cannot come back: the store" in done.output
    assert repository.in_force().startswith("last-week-same-hour-")
    assert repository.commit("Fall back").returncode == 0


def test_a_release_before_that_no_longer_fits_is_replaced_by_the_fallback(at) -> None:
    repository = at("replaced")
    path = repository.path / "features/hourly_demand.yaml"
    path.write_text(path.read_text().replace("version: 1.0.0", "version: 2.0.0", 1))
    # The card still names the old features, which is a finding, and no reason to wait.
    repository.commit("Another generation of features", "--no-verify")
    done = repository.ask("rollback")
    assert done.returncode == 0, done.output
    assert "was made for hourly_demand@1.0.0, and there is hourly_demand@2.0.0 now" in done.output
    assert repository.in_force().startswith("last-week-same-hour-")


def test_a_rollback_does_not_wait_for_a_clean_tree(at) -> None:
    repository = at("replaced")
    (repository.path / "README.md").write_text("in the middle of something\n")
    done = repository.ask("rollback")
    assert done.returncode == 0, done.output
    assert repository.in_force().startswith("gradient-boosting-")


def test_after_the_fallback_a_model_can_be_promoted_again(at) -> None:
    repository = at("fallen_back")
    assert repository.ask("pipeline").returncode == 0
    repository.commit("Evaluate against the fallback")
    done = repository.ask(*APPROVED)
    assert done.returncode == 0, done.output
    assert repository.commit("Promote").returncode == 0
    target = repository.json(evidence.release_path(5))["predicate"]["rollback_target"]
    assert target["kind"] == "release"
    assert repository.ask("rollback").returncode == 0
    assert repository.in_force().startswith("last-week-same-hour-")


# Other programmes.


def variant(repository: Path, story, tmp_path: Path, env) -> tuple[Repository, str]:
    """Return a copy of another variant that borrows the environment, and its package's name."""
    target = tmp_path / repository.name
    shutil.copytree(repository, target)
    (package,) = (path.parent.name for path in target.glob("src/*/pipeline.py"))
    return Repository(target, env).borrow(story["scaffolded"]), package


def test_a_draft(draft, story, tmp_path, env) -> None:
    repository, package = variant(draft, story, tmp_path, env)
    assert repository.ask("pipeline", package=package).returncode == 0
    repository.commit("Evaluate", "--no-verify")
    refused(repository, *APPROVED, package=package, said="nothing of a draft is promoted")


def test_open_documents_at_the_high_tier(high, story, tmp_path, env) -> None:
    repository, package = variant(high, story, tmp_path, env)
    refused(repository, *APPROVED, package=package, said="are still open, which the high tier")
