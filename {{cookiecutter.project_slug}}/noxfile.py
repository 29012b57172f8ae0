"""Everything that people and workflows run here, by name: ``nox -l`` lists it.

All sessions share one environment, ``.venv``. It is made by ``nox -s setup`` and made again when
``pyproject.toml`` or the pin of the engine changes; sessions that need it see to that themselves.
What runs on Spark (``FEATURE_ENGINE=spark``, ``nox -s scale``) has one of its own, ``.venv-spark``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "test", "check"]

WITH_SPARK = Path(".venv-spark")
VENV = WITH_SPARK if os.environ.get("FEATURE_ENGINE") == "spark" else Path(".venv")
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / "python"
LOCK = Path(".ai-program/lock.json")
RULESET = Path(".github/rulesets/main.json")
RULESETS = "repos/{owner}/{repo}/rulesets"  # gh fills in which repository this is

# Nothing here phones home, and compiled modules start in a third of the time.
QUIET = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
UNWANTED = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")


# What stands in this repository.


def lock() -> dict:
    """Return the lock: how this repository was generated, and which engine judges it."""
    return json.loads(LOCK.read_text(encoding="utf-8"))


def package() -> str | None:
    """Return the name of the package that has the pipeline, None where there is none yet."""
    found = sorted(Path("src").glob("*/pipeline.py"))
    return found[0].parent.name if found else None


def engine() -> str:
    """Return the requirement of the engine: an address and a commit, never a bare name."""
    pin = lock()["engine"]
    source = pin["source"]
    if "://" not in source:
        host, colon, path = source.partition(":")
        is_scp = colon and "/" not in host and "\\" not in host and len(host) > 1
        source = f"ssh://{host}/{path}" if is_scp else Path(source).absolute().as_uri()
    return f"ai-program @ git+{source}@{pin['rev']}"


def wanted(environment: Path = VENV) -> list[str]:
    """Return what the shared environment holds: the package with its stack, tools, engine."""
    tool = engine().replace("ai-program", "ai-program[report]", 1)
    if package():
        return ["--editable", ".[dev,spark]" if environment == WITH_SPARK else ".[dev]", tool]
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["optional-dependencies"]["dev"], tool]


def state(environment: Path = VENV) -> str:
    """Return the digest of all that the environment depends on."""
    parts = [Path("pyproject.toml").read_bytes(), *(part.encode() for part in wanted(environment))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


# The environments.


def run(session: nox.Session, *command: str | Path, **options: object) -> object:
    """Run a command outside nox's own environments."""
    environment = {**os.environ, **QUIET}
    for name in UNWANTED:
        environment.pop(name, None)
    options = {"env": environment, "include_outer_env": False, "external": True, **options}
    return session.run(*map(str, command), **options)


def install(session: nox.Session, environment: Path, requirements: list[str]) -> None:
    """Make an environment afresh, with uv if there is one, else with venv and pip."""
    shutil.rmtree(environment, ignore_errors=True)
    python = environment / SCRIPTS.relative_to(VENV) / "python"
    uv = shutil.which("uv")
    if uv:
        run(session, uv, "venv", "--quiet", environment)
        run(session, uv, "pip", "install", "--quiet", "--compile-bytecode",
            "--python", python, *requirements)  # fmt: skip
    else:
        run(session, shutil.which("python3") or "python", "-m", "venv", environment)
        # What came with Python may be too old to understand an address of git as a requirement.
        run(session, python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
        run(session, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            *requirements)  # fmt: skip


def ready(session: nox.Session, environment: Path = VENV) -> None:
    """See to it that the environment is there and up to date."""
    stamp = environment / "set-up-for"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != state(environment):
        session.log(f"Setting up {environment}, once; later runs find it ready.")
        install(session, environment, wanted(environment))
        stamp.write_text(state(environment), encoding="utf-8")


def pipeline_command(session: nox.Session, command: str) -> None:
    """Run a command of the pipeline's package."""
    name = package()
    if name is None:
        use_case = lock()["answers"]["use_case"]
        session.error(f"no pipeline yet for {use_case}: `nox -s open` lists what is owed first")
    ready(session)
    run(session, PYTHON, "-m", name, command, *session.posargs)


@nox.session
def setup(session: nox.Session) -> None:
    """Make the shared environment, or bring it up to date."""
    ready(session)
    session.log("The environment is ready.")


# Models: each prints what it does, and `-- --help` says what else it takes.


@nox.session
def adopt(session: nox.Session) -> None:
    """Make a CSV file the data of a programme of your own: `-- FILE --target COLUMN`."""
    pipeline_command(session, "adopt")


@nox.session
def pipeline(session: nox.Session) -> None:
    """Ingest, test against the contract, make features, train, evaluate, register."""
    pipeline_command(session, "pipeline")


@nox.session
def promote(session: nox.Session) -> None:
    """Put an evaluated version in force: `nox -s promote -- --approve @somebody`."""
    pipeline_command(session, "promote")


@nox.session
def rollback(session: nox.Session) -> None:
    """Go back to the release before, or to the fallback when there is none."""
    pipeline_command(session, "rollback")


@nox.session
def retrain(session: nox.Session) -> None:
    """Train again if the policy or a monitor says that it is due; `-- --check` only says so."""
    pipeline_command(session, "retrain")


@nox.session
def drill(session: nox.Session) -> None:
    """Cause faults in a copy, go back there, and record how long it took: `-- --fault NAME`."""
    pipeline_command(session, "drill")


@nox.session
def predict(session: nox.Session) -> None:
    """Answer what the use case asks for now, with the release in force."""
    pipeline_command(session, "predict")


@nox.session
def serve(session: nox.Session) -> None:
    """Answer over HTTP with the release in force: `-- --port 8080`; see README.md, Serving."""
    pipeline_command(session, "serve")


@nox.session
def load(session: nox.Session) -> None:
    """Ask the running service from many callers at once: p50, p95, p99 and errors."""
    pipeline_command(session, "load")


@nox.session
def features(session: nox.Session) -> None:
    """Publish the features that the service looks up by the keys of their entity."""
    pipeline_command(session, "features")


@nox.session
def feast(session: nox.Session) -> None:
    """Write the published features as a repository of Feast, into build/feast/."""
    pipeline_command(session, "feast")


@nox.session
def review(session: nox.Session) -> None:
    """Decide what is left to people: `-- list`, `-- approve ID --reason "…"`, `-- --help`."""
    pipeline_command(session, "review")


@nox.session
def trip(session: nox.Session) -> None:
    """Take the version in force out at once: `nox -s trip -- --reason "…"`."""
    pipeline_command(session, "trip")


@nox.session
def reset(session: nox.Session) -> None:
    """Let it answer again: `nox -s reset -- --approve @somebody --reason "…"`."""
    pipeline_command(session, "reset")


@nox.session
def expire(session: nox.Session) -> None:
    """Delete decisions, answers and features kept as long as policies/data.yaml says."""
    pipeline_command(session, "expire")


@nox.session
def trace(session: nox.Session) -> None:
    """Say what one answer came from, down to the lines of the data: `nox -s trace -- KEY`."""
    pipeline_command(session, "trace")


@nox.session
def monitor(session: nox.Session) -> None:
    """Judge what runs by policies/monitoring.yaml; `-- --replay` lets the test rows come in."""
    pipeline_command(session, "monitor")


@nox.session
def catalogue(session: nox.Session) -> None:
    """Show datasets, features and models on one page, which loads nothing from anywhere."""
    pipeline_command(session, "catalogue")


@nox.session
def scale(session: nox.Session) -> None:
    """Hold Spark to the features of DuckDB, and measure both as the data grows: `-- --times 1 10`.

    Java 17 has to be there; the rest is installed into an environment of its own.
    """
    name = package()
    if name is None:
        session.error("there is no pipeline yet")
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        session.error("Spark needs Java 17, on PATH or in JAVA_HOME")
    ready(session, WITH_SPARK)
    python = WITH_SPARK / SCRIPTS.relative_to(VENV) / "python"
    run(session, python, "-m", "pytest", "--quiet", "tests/test_compute.py")
    run(session, python, "-m", name, "scale", *session.posargs)


@nox.session
def status(session: nox.Session) -> None:
    """Say what is in force, since when, and what lies behind it."""
    pipeline_command(session, "status")


@nox.session
def store(session: nox.Session) -> None:
    """Bring the models that were in force from GitHub; `-- --keep` keeps those that are here.

    Workflows start without the default store, a folder that git does not hold, so each model is a
    release of its own on GitHub. Nobody has to trust that place: a model is loaded only if its
    digest is the one on record.
    """
    policy = Path("policies/release.yaml").read_text(encoding="utf-8")
    found = re.search(r"""^store:\n  address: ["']?([^"'\n]+)""", policy, re.MULTILINE)
    if found is None or "://" in found[1]:
        session.skip("policies/release.yaml names a store that workflows reach by themselves")
    for digest in released():
        tag, place = f"model-{digest[:12]}", Path(found[1], digest)
        if "--keep" in session.posargs:
            seen = subprocess.run(["gh", "release", "view", tag], capture_output=True, check=False)
            if place.is_dir() and seen.returncode:
                run(session, "gh", "release", "create", tag, *sorted(place.iterdir()),
                    "--latest=false", "--title", tag, "--notes", f"The model {digest}")  # fmt: skip
        elif not place.is_dir():
            half = place.with_name(f".half-{digest}")
            shutil.rmtree(half, ignore_errors=True)
            run(session, "gh", "release", "download", tag, "--dir", half)
            half.replace(place)


def part(module: str) -> str | None:
    """Return the full name of a module that only some use cases have, None where it is not."""
    found = sorted(Path("src").glob(f"*/*/{module}.py"))
    return ".".join(found[0].relative_to("src").with_suffix("").parts) if found else None


if part("stream"):

    @nox.session
    def stream(session: nox.Session) -> None:
        """Follow a stream of events, tell of alerts, let people decide; `-- --help` says how."""
        ready(session)
        run(session, PYTHON, "-m", part("stream"), *session.posargs)


def released() -> list[str]:
    """Return the digests of all models that were ever in force."""
    records = sorted(Path("evidence/releases").glob("[0-9]*.json"))
    subjects = (json.loads(path.read_text(encoding="utf-8"))["subject"][0] for path in records)
    return list(dict.fromkeys(subject["digest"]["sha256"] for subject in subjects))


# Quality.


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff (`nox -s lint -- --fix` mends what it can)."""
    ready(session)
    fix = "--fix" in session.posargs
    run(session, SCRIPTS / "ruff", "check", *(["--fix"] if fix else []), ".")
    run(session, SCRIPTS / "ruff", "format", *([] if fix else ["--check"]), ".")


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests."""
    if not list(Path("tests").glob("**/test_*.py")):
        session.skip("there is no code here yet, so there are no tests")
    ready(session)
    run(session, PYTHON, "-m", "pytest", *session.posargs)


@nox.session
def hooks(session: nox.Session) -> None:
    """Run every hook on every file, as a commit would."""
    if not shutil.which("pre-commit"):
        session.error("pre-commit is not installed: python -m pip install pre-commit")
    run(session, "pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)


# Governance.


@nox.session
def report(session: nox.Session) -> None:
    """Write the programme on one page, for those who sponsor it: build/report.html."""
    ready(session)
    run(session, SCRIPTS / "ai-program", "report", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Judge what is staged by the rules, as the hook does at each commit."""
    ready(session)
    run(session, SCRIPTS / "ai-program", "check", *session.posargs)


@nox.session(name="open")
def open_items(session: nox.Session) -> None:
    """List what people still owe before a promotion."""
    ready(session)
    run(session, SCRIPTS / "ai-program", "open", *session.posargs)


@nox.session
def readiness(session: nox.Session) -> None:
    """Say what three teams have shown before a release, and what is missing."""
    ready(session)
    run(session, SCRIPTS / "ai-program", "readiness", *session.posargs)


@nox.session
def close(session: nox.Session) -> None:
    """Close a sprint whose review says what it taught: `-- --sprint NAME`."""
    ready(session)
    run(session, SCRIPTS / "ai-program", "close", *session.posargs)


@nox.session
def policy(session: nox.Session) -> None:
    """Judge a change by the rules, with the engine alone (what the policy workflow runs)."""
    if os.environ.get("GITHUB_ACTIONS") == "true" and "git+file:" in engine():
        session.error(
            f"{LOCK} pins the engine to a path that only one machine has: push ai-program where "
            "everybody reaches it, then `ai-program pin REV --source ADDRESS`"
        )
    stage = [] if "--stage" in session.posargs else ["--stage", "push"]
    with tempfile.TemporaryDirectory() as folder:
        # A fresh environment of its own: nothing that ran here before has a say in the verdict.
        environment = Path(folder) / "venv"
        install(session, environment, [engine()])
        tool = environment / SCRIPTS.relative_to(VENV) / "ai-program"
        form = ["--format", "github"] if os.environ.get("GITHUB_ACTIONS") == "true" else []
        run(session, tool, "check", *stage, *form, *session.posargs)


@nox.session
def protect(session: nox.Session) -> None:
    """Require the checks and reviews on GitHub; `-- --check` only says whether they are."""
    if not shutil.which("gh"):
        session.error(
            "gh, the command line of GitHub, is not installed: https://cli.github.com. "
            f"Or import {RULESET} by hand: Settings, Rules, Rulesets, New, Import"
        )
    ruleset = json.loads(RULESET.read_text(encoding="utf-8"))
    listed = github(session, RULESETS)
    found = next((each for each in listed if each["name"] == ruleset["name"]), None)
    if "--check" in session.posargs:
        if found is None:
            session.error(f"no ruleset {ruleset['name']} on GitHub: run `nox -s protect`")
        there = github(session, f"{RULESETS}/{found['id']}")
        missing = sorted(lacks(there, ruleset))
        if missing:
            session.error(f"GitHub does not require what {RULESET} says: {', '.join(missing)}")
        session.log(f"GitHub requires what {RULESET} says.")
        return
    address = f"{RULESETS}/{found['id']}" if found else RULESETS
    github(session, address, "--method", "PUT" if found else "POST", "--input", str(RULESET))
    session.log(f"GitHub now requires what {RULESET} says.")
    session.log(
        "Left to do by hand: under Settings, Actions let workflows create pull requests; under "
        "Settings, Environments restrict `production` to the default branch and name its reviewers "
        "(on a private repository that needs a plan that has them)."
    )


def github(session: nox.Session, address: str, *options: str) -> list | dict:
    """Ask GitHub, or stop with what it said."""
    done = subprocess.run(
        ["gh", "api", address, *options], capture_output=True, text=True, check=False
    )
    if done.returncode:
        session.error(
            f"GitHub refused: {done.stderr.strip()}. Rulesets need an administrator's token, and "
            "on private repositories a plan that has them"
        )
    return json.loads(done.stdout)


def lacks(there: object, wanted: object, place: str = "ruleset") -> set[str]:
    """Name the places where what is there falls short of what is wanted; more is fine."""
    if isinstance(wanted, dict):
        if not isinstance(there, dict):
            return {place}
        return {
            name
            for key, value in wanted.items()
            for name in lacks(there.get(key), value, f"{place}.{wanted.get('type', key)}")
        }
    if isinstance(wanted, list):
        found = there if isinstance(there, list) else []
        return {
            f"{place}.{each['type']}" if isinstance(each, dict) and "type" in each else place
            for each in wanted
            if all(lacks(one, each) for one in found)
        } | ({place} if place.endswith("bypass_actors") and found != wanted else set())
    return set() if there == wanted else {place}


# Regeneration: changed answers, or a newer release of the template.

CONFLICTS = 3
UPGRADE = Path("build/upgrade")


def regeneration(
    session: nox.Session, *command: str, codes: tuple[int, ...] = (0,), silent: bool = False
) -> object:
    """Run a command of the engine that renders the template, in an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        install(session, environment, [engine().replace("ai-program", "ai-program[regenerate]", 1)])
        tool = environment / SCRIPTS.relative_to(VENV) / "ai-program"
        return run(session, tool, *command, success_codes=codes, silent=silent)


@nox.session
def plan(session: nox.Session) -> None:
    """Say what `nox -s regenerate` would change, file by file (`-- --to REV`)."""
    regeneration(session, "plan", *session.posargs, codes=(0, CONFLICTS))


@nox.session
def regenerate(session: nox.Session) -> None:
    """Merge changed answers, or a newer template, onto a branch: `-- --sprint NAME [--to REV]`."""
    regeneration(session, "regenerate", *session.posargs)


@nox.session
def abort(session: nox.Session) -> None:
    """Take back a regeneration that is not committed yet."""
    regeneration(session, "abort")


@nox.session
def upgrade(session: nox.Session) -> None:
    """Merge the newest release; keep plan and patch (what the workflow template-upgrade runs)."""
    shutil.rmtree(UPGRADE, ignore_errors=True)
    command = ("regenerate", "--sprint", "template-upgrade", "--upgrade", "--to", "latest")
    said = regeneration(session, *command, codes=(0, CONFLICTS), silent=True)
    staged = git("diff", "--cached", "--binary", "HEAD")
    unmerged = git("ls-files", "--unmerged")
    outcome = "conflicts" if unmerged else "merged" if staged else "nothing"
    UPGRADE.mkdir(parents=True)
    (UPGRADE / "plan.md").write_text(f"```text\n{said}\n```\n", encoding="utf-8")
    (UPGRADE / "outcome").write_text(f"outcome={outcome}\n", encoding="utf-8")
    (UPGRADE / "upgrade.patch").write_bytes(staged if outcome == "merged" else b"")
    session.log(f"{said}\nOutcome: {outcome}")


def git(*arguments: str) -> bytes:
    """Return what git says."""
    return subprocess.run(["git", *arguments], stdout=subprocess.PIPE, check=True).stdout
