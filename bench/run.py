"""Speed, as ratios of whole processes against named peers, measured in turns in one run.

Absolute seconds differ from machine to machine; the ratio of two commands that ran in turns holds.
Every row prints both medians, so that nobody has to trust the ratio alone. No test depends on it.

    nox -s bench                 the hook, its peers, many contracts, generation
    nox -s bench -- --pipeline   and the first run of the pipeline (installs its environment)
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ai_program import documents

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE.parent
BIN = Path(sys.executable).parent
RUNS = 15
ORIGIN = "https://example.org/ai-program.git"

Action = Callable[[], None]


def process(*command: str | Path, cwd: Path, ok: Iterable[int] = (0,), **env: str) -> Action:
    """Return an action that runs one whole process and refuses an unexpected exit code."""
    words = [str(word) for word in command]

    def run() -> None:
        done = subprocess.run(
            words, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False
        )
        if done.returncode not in tuple(ok):
            message = f"{' '.join(words)} exited {done.returncode}:\n{done.stdout}{done.stderr}"
            raise SystemExit(message)

    return run


def seconds(action: Action) -> float:
    """Return the wall-clock seconds of one run."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(title: str, ours: Action, theirs: Action, *, runs: int = RUNS, goal: str = "") -> None:
    """Run both in turns after one warm-up each and print medians and the median ratio."""
    ours(), theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    left, right = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{title:<62} {left:8.3f} s {right:8.3f} s {ratio:7.2f} x  {goal}", flush=True)


def git(where: Path, *arguments: str) -> None:
    """Run git quietly with an identity of the benchmark's own."""
    identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=where, check=True, capture_output=True)


def committed_template(room: Path) -> Path:
    """Copy this checkout as it is into a repository with one commit, so that it can be pinned.

    Git takes it for the address of a colleague's, because a pin that only one machine can fetch is
    warned about on every commit.
    """
    copy = room / "template"
    listing = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=TEMPLATE,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (TEMPLATE / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TEMPLATE / name, copy / name)
    git(room, "init", "-q", "-b", "main", str(copy))
    git(copy, "add", "-A")
    git(copy, "commit", "-q", "-m", "Benchmark")
    git(copy, "remote", "add", "origin", ORIGIN)
    git(copy, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(copy, "config", "--global", f"url.{copy}.insteadOf", ORIGIN)
    return copy


def generate(template: Path, room: Path) -> Path:
    """Generate the demand-forecasting example and return its directory."""
    process(
        BIN / "cookiecutter",
        template,
        "--no-input",
        "--config-file",
        template / "examples" / "demand-forecast.workshop.yaml",
        "--output-dir",
        room,
        cwd=room,
    )()
    (made,) = (path for path in room.iterdir() if path.is_dir())
    if subprocess.run(
        ["git", "rev-parse", "-q", "--verify", "HEAD"], cwd=made, capture_output=True, check=False
    ).returncode:
        git(made, "commit", "-q", "--no-verify", "-m", "Generated")
    return made


def plain_template(generated: Path, room: Path) -> Path:
    """Make a cookiecutter template with the same text files and nothing to do but to copy."""
    plain = room / "plain"
    inside = plain / "{{cookiecutter.slug}}"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=generated, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, tracked.split("\0")):
        target = inside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        data = (generated / name).read_bytes()
        if b"\0" not in data:
            data = b"".join(data.split(b"{{"))
            data = data.replace(b"{%", b"").replace(b"{#", b"")
        target.write_bytes(data)
    (plain / "cookiecutter.json").write_text('{"slug": "plain"}\n', encoding="utf-8")
    return plain


def hook(generated: Path) -> None:
    """Compare the hook's own process with its floor and its peers on the same files."""
    check = ("check", "--stage", "commit")
    floor = process(sys.executable, "-c", "import yaml", cwd=generated)
    # CI is unset: with it the engine would distrust its cache, which is what the first row asks
    # for by name.
    cold = process(BIN / "ai-program", *check, "--no-cache", cwd=generated, CI="")
    clean = process(BIN / "ai-program", *check, cwd=generated, CI="")
    compare("hook, nothing cached / import yaml", cold, floor, goal="(goal 2.5)")
    compare("hook, nothing changed / import yaml", clean, floor)
    first = generated.parent / "first"
    shutil.copytree(generated, first)
    git(first, "update-ref", "-d", "HEAD")
    before = process(BIN / "ai-program", *check, "--no-cache", cwd=first, CI="")
    compare("hook, first commit / import yaml", before, floor)

    schemas = generated / ".ai-program" / "schemas"
    policies = sorted((generated / "policies").glob("*.yaml"))
    peers = [
        process(
            BIN / "check-jsonschema",
            "--no-cache",
            "--schemafile",
            schemas / f"{policy.stem}.schema.json",
            policy,
            cwd=generated,
        )
        for policy in policies
    ]

    def one_per_schema() -> None:
        for peer in peers:
            peer()

    compare(
        f"hook / check-jsonschema on the {len(policies)} policies alone",
        cold,
        one_per_schema,
        runs=5,
    )
    hooks = ("run", "ai-program", "--all-files")
    for client in ("pre-commit", "prek"):
        through = process(BIN / client, *hooks, cwd=generated, CI="")
        compare(f"hook through {client} / hook itself", through, cold, runs=7)


# The least that anybody has to do who reads contracts and judges them by a schema. The values are
# given, so that only the parser's events count.
FLOOR = """
import json, sys
from pathlib import Path
import jsonschema_rs
from yaml.cyaml import CParser
schema, values, folder = sys.argv[1:]
for path in Path(folder).glob("dataset_*.yaml"):
    parser = CParser(path.read_text(encoding="utf-8"))
    while parser.get_event() is not None:
        pass
text = Path(schema).read_text(encoding="utf-8")
judge = jsonschema_rs.validator_for(text, validate_formats=False)
assert all(map(judge.is_valid, json.loads(Path(values).read_text(encoding="utf-8"))))
"""
SOURCE = Path("contracts") / "electricity_demand.odcs.yaml"


def grown(generated: Path, contracts: int, room: Path) -> Path:
    """Copy the repository and commit so many contracts more; one of them is changed again."""
    target = room / f"{contracts}-contracts"
    shutil.copytree(generated, target)
    text = (generated / SOURCE).read_text(encoding="utf-8")
    for number in range(contracts):
        name = f"dataset_{number:04}"
        path = target / "contracts" / f"{name}.odcs.yaml"
        path.write_text(text.replace("electricity_demand", name), encoding="utf-8")
    git(target, "add", "-A")
    git(target, "commit", "-q", "--no-verify", "-m", "Grow")
    path = target / "contracts" / "dataset_0000.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# Changed.\n", encoding="utf-8")
    git(target, "add", "-A")
    return target


def peak(command: list[str], cwd: Path) -> float:
    """Return the peak memory of one process in megabytes."""
    child = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.DEVNULL, env={**os.environ, "CI": ""}
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} exited {child.returncode}")
    return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def scale(generated: Path, room: Path) -> None:
    """Compare what many contracts cost with the floor, with a peer, and with few contracts."""
    one, some, many = (grown(generated, number, room) for number in (1, 500, 5000))
    check = (BIN / "ai-program", "check", "--stage", "commit")
    cold = {where: process(*check, "--no-cache", cwd=where, CI="") for where in (one, some, many)}
    schema = some / ".ai-program" / "schemas" / "odcs.schema.json"
    paths = sorted((some / "contracts").glob("dataset_*.yaml"))
    values = room / "values.json"
    read = [documents.parse(path.read_bytes(), path.name).value for path in paths]
    values.write_text(json.dumps(read), encoding="utf-8")
    floor = process(sys.executable, "-c", FLOOR, schema, values, some / "contracts", cwd=some)
    peer = process(BIN / "check-jsonschema", "--no-cache", "--schemafile", schema, *paths, cwd=some)
    compare("500 contracts, nothing cached / start, read, events, validate", cold[some], floor,
            goal="(goal 3.5)")  # fmt: skip
    compare("check-jsonschema / 500 contracts, nothing cached", peer, cold[some], runs=3,
            goal="(goal 25)")  # fmt: skip
    compare("one changed file among 5,000 contracts / among few", cold[many], cold[one], runs=3,
            goal="(goal 1.5)")  # fmt: skip
    compare("5,000 contracts / 500 contracts", cold[many], cold[some], runs=3, goal="(linear: 10)")
    least, most = (peak([*map(str, check), "--no-cache"], where) for where in (some, many))
    print(f"{'peak memory per 1,000 contracts':<62} {(most - least) / 4.5:8.1f} MB", flush=True)


def generation(template: Path, generated: Path, room: Path) -> None:
    """Compare generation with plain cookiecutter on the same number of files."""
    plain = plain_template(generated, room)
    counter = iter(range(1000))

    def ours() -> None:
        generate(template, fresh(room / f"ours-{next(counter)}"))

    def theirs() -> None:
        process(
            BIN / "cookiecutter",
            plain,
            "--no-input",
            "--output-dir",
            fresh(room / f"theirs-{next(counter)}"),
            cwd=room,
        )()

    compare(
        "generation / cookiecutter with as many plain files", ours, theirs, runs=5, goal="(goal 2)"
    )


def fresh(path: Path) -> Path:
    """Make and return an empty directory."""
    path.mkdir(parents=True)
    return path


def pipeline(generated: Path) -> None:
    """Print how long the set-up and the first run of the pipeline take."""
    session = process(BIN / "nox", "-s", "setup", cwd=generated)
    print(f"{'set-up of the environment':<62} {seconds(session):8.1f} s", flush=True)
    session = process(BIN / "nox", "-s", "pipeline", cwd=generated)
    print(f"{'first run of the pipeline':<62} {seconds(session):8.1f} s  (goal 60)", flush=True)


def main() -> None:
    """Run the benchmarks in a temporary directory and under a home of their own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pipeline", action="store_true", help="also time the first pipeline run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ai-program-bench-") as name:
        room = Path(name)
        os.environ["HOME"] = str(fresh(room / "home"))
        template = committed_template(fresh(room / "source"))
        generated = generate(template, fresh(room / "made"))
        print(f"{'':<62} {'ours':>10} {'theirs':>10}   ratio")
        hook(generated)
        scale(generated, fresh(room / "scale"))
        generation(template, generated, fresh(room / "generation"))
        if options.pipeline:
            pipeline(generated)


if __name__ == "__main__":
    main()
