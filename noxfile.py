"""Every check of the project, by name: `nox` runs the fast default, `nox -s NAME` the others."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests"]

# Tests of one group share what is dear, so they stay in one process (tests/conftest.py).
PARALLEL = ("-n", "auto", "--dist", "loadgroup")
PYPROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, *groups: str) -> None:
    """Install the engine, editable, with the named dependency groups, bytecode compiled.

    Without bytecode every start of the engine is slower, which the tests would pay hundreds of
    times.
    """
    requirements = [
        requirement
        for group in groups
        for requirement in nox.project.dependency_groups(PYPROJECT, group)
    ]
    session.install("-e", ".", *requirements)
    session.run("python", "-m", "compileall", "-q", "src", silent=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Format and lint with ruff (`nox -s lint -- --fix` mends what it can)."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    fix = "--fix" in session.posargs
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the engine's types, strictly."""
    install(session, "lint")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the fast tests: rules, engine, questions, generation of every variant."""
    install(session, "test")
    session.run("pytest", "-m", "not slow", *PARALLEL, *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the slow tests: real clients, linters of the workflows, blocked commits, roll-out."""
    install(session, "test", "workflows", "deployment", "peer", "browser")
    session.run("pytest", "-m", "slow and not e2e", *PARALLEL, *session.posargs)


@nox.session
def e2e(session: nox.Session) -> None:
    """Generate, train, evaluate, promote twice, roll back: the whole way, as a user would."""
    install(session, "test", "deployment")
    session.run("pytest", "-m", "e2e", *PARALLEL, *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Print speed as ratios against named peers, all measured in this one run."""
    install(session, "test", "bench")
    # The benchmark compares processes, so that bytecode must exist on both sides.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    session.run("python", "-m", "compileall", "-q", session.virtualenv.location, silent=True)
    session.run("python", str(Path("bench") / "run.py"), *session.posargs, env=env)


@nox.session
def bench_regeneration(session: nox.Session) -> None:
    """Compare regeneration with other tools on the same cases (`-- --write`: into its page)."""
    install(session, "test", "bench")
    session.run("python", str(Path("bench") / "regeneration.py"), *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """Make the documentation's images again, with Chromium (`-- DIRECTORY`: of a repository)."""
    install(session, "test", "browser", "screenshots")
    session.run("python", str(Path("docs") / "screenshots.py"), *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write what is made from data: prompts, schemas, workshop and rule pages, shapes of gates."""
    install(session, "test")
    session.run("python", "-m", "ai_program.workshop", "--write")
    session.run("python", "-m", "ai_program.rulepages", "--write")
    session.run("python", "-m", "ai_program.gateshapes", "--write")
