"""A template in a repository of its own, and what the real cookiecutter generates from it.

``rendered(name)`` returns a generated repository, made once in a session; tests only read it. The
variants are named below, and each is a fixture too. ``bake(...)`` generates one more, for itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# A busy machine is no failure: what a test takes is for the benchmarks.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
# The prompt's default of the workshop's date, in every test: 2026-11-16.
EPOCH = "1794787200"

#: Name of a variant: its configuration file, or its answers.
VARIANTS: dict[str, Path | dict] = {
    "demand": EXAMPLES / "demand-forecast.workshop.yaml",
    "high": EXAMPLES / "high-risk.workshop.yaml",
    "draft": {},
    "personalization": {"use_case": "personalization"},
    "anomaly_detection": {"use_case": "anomaly_detection"},
    "inventory_optimization": {"use_case": "inventory_optimization"},
    "other": {"use_case": "other"},
}
USE_CASES = (
    "demand_forecasting",
    "personalization",
    "anomaly_detection",
    "inventory_optimization",
    "other",
)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the slow tests of a file in one process of a parallel run: they share what is dear."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.name))


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment without anything of the person who runs the tests."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GIT_", "COOKIECUTTER", "AI_PROGRAM", "PYTEST_"))
    }
    return {
        **kept,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "SOURCE_DATE_EPOCH": EPOCH,
        "PWD": "",
        **more,
    }


def git(directory: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    """Run git and return what it says, without the newline at its end."""
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=env,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip()


def working_tree() -> list[str]:
    """List the files of the project as they stand, committed or not."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-coz", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    return [
        path for path in os.fsdecode(listed.stdout).split("\0") if path and (ROOT / path).is_file()
    ]


def copy_of_template(target: Path, env: dict[str, str]) -> Path:
    """Commit the project's files as they stand in a repository of their own."""
    for path in working_tree():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target / path)
    git(target, "init", "--quiet", "--initial-branch=main", env=env)
    git(target, "add", "--all", env=env)
    git(
        target,
        "-c",
        "user.name=Template",
        "-c",
        "user.email=template@example.org",
        "commit",
        "--quiet",
        "--message",
        "The template as it stands",
        env=env,
    )
    return target


@dataclass(frozen=True, slots=True)
class Baked:
    """What a run of cookiecutter left behind."""

    directory: Path  # where it ran
    output: str
    returncode: int

    @property
    def path(self) -> Path:
        """The one directory that was generated."""
        assert self.returncode == 0, self.output
        found = [entry for entry in self.directory.iterdir() if (entry / "workshop.yaml").is_file()]
        assert len(found) == 1, self.output
        return found[0]


def run_cookiecutter(
    template: Path | str,
    directory: Path,
    *arguments: str,
    env: dict[str, str],
    typed: str | None = None,
    umask: int = -1,
) -> Baked:
    """Run the real command in a directory; ``typed`` is what somebody answers at the prompts."""
    directory.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(template), *arguments],
        cwd=directory, env=env, input=typed, text=True, encoding="utf-8", umask=umask,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120,
        **({} if typed is not None else {"stdin": subprocess.DEVNULL}),
    )  # fmt: skip
    return Baked(directory, done.stdout, done.returncode)


def config_file(directory: Path, answers: dict, name: str = "answers.yaml") -> Path:
    """Write answers as a configuration file (JSON is YAML)."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(json.dumps({"default_context": answers}), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Return a function that makes a directory once, for all processes of a parallel run.

    ``make(directory)`` fills it; whoever comes second waits and reads.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    shared = base / "shared"
    shared.mkdir(exist_ok=True)

    def once(name: str, make: Callable[[Path], None], *, minutes: float = 2) -> Path:
        directory = shared / name
        done, failed = shared / f"{name}.done", shared / f"{name}.failed"
        try:
            directory.mkdir()
        except FileExistsError:
            for _ in range(int(600 * minutes)):
                if done.exists() or failed.exists():
                    break
                time.sleep(0.1)
        else:
            try:
                make(directory)
            except BaseException:
                failed.touch()
                raise
            done.touch()
        assert done.exists(), f"{name} could not be made by another process"
        return directory

    return once


@pytest.fixture(scope="session")
def identified_home(once) -> Path:
    """Return a home directory where git knows who somebody is."""
    config = "[user]\n\tname = Ada\n\temail = ada@example.org\n"
    return once("home", lambda home: (home / ".gitconfig").write_text(config) and None)


@pytest.fixture(scope="session")
def template(once, identified_home) -> Path:
    """Return the template as a clean repository: what stands in the working tree, committed."""
    env = environment(identified_home)

    def make(directory: Path) -> None:
        target = copy_of_template(directory / "ai-program", env)
        # Every run imports the template's modules; compiled ones are ignored by git.
        for place in ("src", "local_extensions.py"):
            command = [sys.executable, "-m", "compileall", "-q", str(target / place)]
            subprocess.run(command, check=True)

    return once("template", make) / "ai-program"


@pytest.fixture
def bake(template, identified_home, tmp_path):
    """Return a function that generates a repository as a user would."""

    def bake(
        *arguments: str,
        config: Path | None = None,
        typed: str | None = None,
        env: dict[str, str] | None = None,
        into: Path | None = None,
        umask: int = -1,
        **answers: object,
    ) -> Baked:
        directory = into or tmp_path / "out"
        if answers:
            config = config_file(tmp_path / "config", answers)
        words = [*arguments, *([] if typed is not None else ["--no-input"])]
        words += ["--config-file", str(config)] if config else []
        return run_cookiecutter(
            template,
            directory,
            *words,
            typed=typed,
            umask=umask,
            env=env or environment(identified_home),
        )

    return bake


@pytest.fixture(scope="session")
def rendering(once, template, identified_home):
    """Return a function that returns the run that generated a variant; each runs once."""

    def rendering(name: str) -> Baked:
        wanted = VARIANTS[name]

        def make(directory: Path) -> None:
            config = wanted if isinstance(wanted, Path) else config_file(directory, wanted)
            words = ["--no-input", "--config-file", str(config)]
            env = environment(identified_home)
            baked = run_cookiecutter(template, directory / "out", *words, env=env)
            (directory / "output.txt").write_text(baked.output, encoding="utf-8")
            (directory / "returncode").write_text(str(baked.returncode))

        directory = once(name, make)
        output = (directory / "output.txt").read_text(encoding="utf-8")
        return Baked(directory / "out", output, int((directory / "returncode").read_text()))

    return rendering


@pytest.fixture(scope="session")
def rendered(rendering):
    """Return a function that returns the repository of a variant; tests only read it."""
    return lambda name: rendering(name).path


@pytest.fixture(scope="session")
def demand(rendered) -> Path:
    """Return the repository of the demand-forecasting example: minimal tier, promotable."""
    return rendered("demand")


@pytest.fixture(scope="session")
def high(rendered) -> Path:
    """Return the repository of the high-risk example."""
    return rendered("high")


@pytest.fixture(scope="session")
def draft(rendered) -> Path:
    """Return the repository of --no-input."""
    return rendered("draft")


@pytest.fixture(scope="session")
def personalization(rendered) -> Path:
    """Return the repository of a use case with personal data."""
    return rendered("personalization")


@pytest.fixture(scope="session")
def anomaly_detection(rendered) -> Path:
    """Return the repository of a use case at the limited tier, with a pipeline."""
    return rendered("anomaly_detection")


@pytest.fixture(scope="session")
def inventory_optimization(rendered) -> Path:
    """Return the repository of inventory optimisation, as its profile answers the workshop."""
    return rendered("inventory_optimization")


@pytest.fixture(scope="session")
def other(rendered) -> Path:
    """Return the repository of a use case that the baseline does not know."""
    return rendered("other")
