"""Speed, as ratios of whole processes against named peers, measured in turns in one run.

Absolute seconds differ from machine to machine; the ratio of two commands that ran in turns holds.
Every row prints both medians, so that nobody has to trust the ratio alone. No test depends on it.

    nox -s bench                 the hook, its peers, many contracts, generation, the use cases
    nox -s bench -- hook scale   only these parts
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ai_program import documents, evidence

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE.parent
sys.path.append(str(TEMPLATE / "tests"))
import tables  # noqa: E402

BIN = Path(sys.executable).parent
PARTS = ("hook", "scale", "generation", "use-cases")
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


def generate(template: Path, room: Path, example: str = "demand-forecast") -> Path:
    """Generate an example and return its directory."""
    process(
        BIN / "cookiecutter",
        template,
        "--no-input",
        "--config-file",
        template / "examples" / f"{example}.workshop.yaml",
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


@dataclass(frozen=True)
class UseCase:
    """A generated programme whose first minute is measured."""

    answers: str
    adopt: tuple[str, ...] = ()  # what its data is adopted with, where it brings none


USE_CASES = {
    "demand_forecasting": UseCase("demand-forecast"),
    "personalization": UseCase("personalization"),
    "anomaly_detection": UseCase("anomaly-detection"),
    "inventory_optimization": UseCase("inventory"),
    "other": UseCase("own-data", adopt=("--target", "minutes", "--without", "courier_e_mail")),
}
ROW = "{:<62} {:>10} {:>10} {:>10} {:>10}"


def use_cases(template: Path, room: Path) -> None:
    """Print what the first run of each use case takes, and of which size its environment is."""
    print(ROW.format("", "set-up", "first run", "memory", "disk"))
    for name, use_case in USE_CASES.items():
        made = generate(template, fresh(room / name), use_case.answers)
        set_up = seconds(process(BIN / "nox", "-s", "setup", cwd=made))
        if use_case.adopt:
            table = tables.deliveries(room / "table.csv")
            process(BIN / "nox", "-s", "adopt", "--", table, *use_case.adopt, cwd=made)()
            git(made, "add", "--all")
            git(made, "commit", "-q", "--no-verify", "-m", "Adopt")
        first = seconds(process(BIN / "nox", "-s", "pipeline", cwd=made))
        (package,) = (path.parent.name for path in made.glob("src/*/pipeline.py"))
        python = made / ".venv" / "bin" / "python"
        memory = peak([str(python), "-m", package, "pipeline"], made)
        files = (path.lstat() for path in (made / ".venv").rglob("*") if path.is_file())
        disk = sum(file.st_size for file in files) / 1e6
        print(
            ROW.format(
                f"{name} (goals 60 s, 1,024 MB, 1,000 MB)", f"{set_up:.1f} s", f"{first:.1f} s",
                f"{memory:.0f} MB", f"{disk:.0f} MB",
            ),
            flush=True,
        )  # fmt: skip
        if name == "demand_forecasting":
            serving(made, python, package)
        shutil.rmtree(made / ".venv")


TOKEN = "a-token-of-the-benchmark-that-is-long-enough"  # noqa: S105
REQUESTS = 400


def serving(made: Path, python: Path, package: str) -> None:
    """Release the model, and compare how fast our service and mlflow's answer for it."""
    git(made, "add", "--all")
    git(made, "commit", "-q", "--no-verify", "-m", "Evaluate")
    process(BIN / "nox", "-s", "promote", "--", "--approve", "@grace", cwd=made)()
    active = json.loads((made / evidence.ACTIVE).read_text(encoding="utf-8"))
    entry = made / evidence.REGISTRY / f"{active['version']}.json"
    rows = [each["input"] for each in json.loads(entry.read_text(encoding="utf-8"))["golden"]]
    ours = [json.dumps({"rows": [row]}).encode() for row in rows]
    split = ({"columns": list(row), "data": [list(row.values())]} for row in rows)
    theirs = [json.dumps({"dataframe_split": each}).encode() for each in split]
    (model,) = (path.name for path in (made / "models").iterdir() if (path / "card.md").is_file())
    serve = [python, "-m", "mlflow", "models", "serve", "--env-manager", "local", "--host",
             "127.0.0.1", "--model-uri", f"models:/{model}@champion", "--port"]  # fmt: skip
    served(made, "ours", [python, "-m", package, "serve", "--port"], "/predict", ours)
    served(made, "mlflow models serve", serve, "/invocations", theirs)


def served(made: Path, name: str, command: list, path: str, bodies: list[bytes]) -> None:
    """Start a service and print how long its answers take, asked by one and by eight at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        **os.environ,
        "SERVING_TOKEN": TOKEN,
        "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db",
        # mlflow looks for its server's program there.
        "PATH": f"{made / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    server = subprocess.Popen(
        [*command, str(port)], cwd=made, env=env, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not answers(port):
            if server.poll() is not None:
                raise SystemExit(f"{name} did not start")
            time.sleep(0.2)
        for callers in (1, 8):
            times = asked(port, path, bodies, callers)
            parts = statistics.quantiles(times, n=100)
            shown = ", ".join(f"p{part} {parts[part - 1]:.1f} ms" for part in (50, 95, 99))
            errors = callers * (REQUESTS // callers) - len(times)
            print(f"    {name}, {callers} at once: {shown}, {errors} errors", flush=True)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def answers(port: int) -> bool:
    """Tell whether somebody listens."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def asked(port: int, path: str, bodies: list[bytes], callers: int) -> list[float]:
    """Ask from so many threads, each on its own connection; return milliseconds of the answers."""
    times: list[float] = []
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}

    def call(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for number in range(first, first + REQUESTS // callers):
            began = time.perf_counter()
            connection.request("POST", path, bodies[number % len(bodies)], headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == http.HTTPStatus.OK:
                times.append(1000 * (time.perf_counter() - began))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def main() -> None:
    """Run the benchmarks in a temporary directory and under a home of their own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all, unless named")
    parts = parser.parse_args().parts or PARTS
    with tempfile.TemporaryDirectory(prefix="ai-program-bench-") as name:
        room = Path(name)
        os.environ["HOME"] = str(fresh(room / "home"))
        git(room, "config", "--global", "user.name", "Ada")
        git(room, "config", "--global", "user.email", "ada@example.org")
        template = committed_template(fresh(room / "source"))
        generated = generate(template, fresh(room / "made"))
        if set(parts) - {"use-cases"}:
            print(f"{'':<62} {'ours':>10} {'theirs':>10}   ratio")
        if "hook" in parts:
            hook(generated)
        if "scale" in parts:
            scale(generated, fresh(room / "scale"))
        if "generation" in parts:
            generation(template, generated, fresh(room / "generation"))
        if "use-cases" in parts:
            use_cases(template, fresh(room / "use-cases"))


if __name__ == "__main__":
    main()
