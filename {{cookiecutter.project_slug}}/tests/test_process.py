"""The service as a process: killed, ended, and started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import ROOT
from conftest import TOKEN
from oracles import Sum

from {{ cookiecutter.package_name }} import decisions
from {{ cookiecutter.package_name }} import load

PACKAGE = decisions.__name__.partition(".")[0]


class Process:
    """A service that was started, and what its callers got."""

    def __init__(self, served, port: int, process: subprocess.Popen) -> None:
        self.served, self.port, self.process = served, port, process
        self.answered: list[str] = []
        self.failed: list[str] = []

    def ask(self, rows: int = 1) -> None:
        """Ask once, and note the records that were named in the answer."""
        body = json.dumps({"rows": [self.served.asked()] * rows}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/predict", body, {"Authorization": f"Bearer {TOKEN}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                found = json.loads(answer.read())
        except (OSError, ValueError) as error:
            self.failed.append(repr(error))
        else:
            self.answered += [each["record_id"] for each in found["predictions"]]

    def ask_on_and_on(self) -> None:
        while self.process.poll() is None:
            self.ask(rows=3)

    def recorded(self) -> list[str]:
        return [record["record_id"] for record in decisions.read(self.served.settings)]


def command(port: int) -> list[str]:
    """Return what `nox -s serve` runs."""
    return [sys.executable, "-m", PACKAGE, "serve", "--port", str(port)]


def environment() -> dict[str, str]:
    """Return an environment with the token, in which the models of the tests can be loaded."""
    places = [Path(__file__).parent, ROOT / "src", os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(map(str, places))
    return {**os.environ, "SERVING_TOKEN": TOKEN, "PYTHONPATH": path}


@contextmanager
def running(served) -> Iterator[Process]:
    """Start the service, and see to it that it ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(command(port), cwd=served.root, env=environment())
    found = Process(served, port, process)
    try:
        while not is_alive(port):
            assert process.poll() is None, "the service ended before it began"
            time.sleep(0.05)
        yield found
    finally:
        process.kill()
        process.wait()


def is_alive(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return True
    except OSError:
        return False


def under_load(process: Process) -> list[threading.Thread]:
    """Let callers ask without end, and return when answers have come."""
    callers = [threading.Thread(target=process.ask_on_and_on) for _ in range(4)]
    for caller in callers:
        caller.start()
    while len(process.answered) < 60:
        assert process.process.poll() is None
        time.sleep(0.01)
    return callers


def test_no_answer_is_lost_when_the_process_is_killed(served) -> None:
    served.release(Sum())
    with running(served) as process:
        callers = under_load(process)
        process.process.send_signal(signal.SIGKILL)
        for caller in callers:
            caller.join()
        recorded = process.recorded()
    assert len(process.answered) >= 60
    assert set(process.answered) <= set(recorded)
    assert len(recorded) == len(set(recorded))
    # Each caller may have had one question under way, which nobody got an answer to.
    assert len(set(recorded) - set(process.answered)) <= 3 * len(callers)
    with running(served) as again:
        again.ask()
    assert len(again.answered) == 1
    assert set(again.recorded()) == {*recorded, *again.answered}


def test_whoever_asked_before_the_end_gets_an_answer(served) -> None:
    served.release(Sum())
    with running(served) as process:
        callers = under_load(process)
        process.process.send_signal(signal.SIGTERM)
        process.process.wait(timeout=30)
        for caller in callers:
            caller.join()
        recorded = process.recorded()
    assert process.process.returncode in (0, -signal.SIGTERM)
    assert set(process.answered) == set(recorded)


def test_a_port_that_is_taken_is_told(served) -> None:
    with running(served) as process:
        other = subprocess.run(
            command(process.port), cwd=served.root, env=environment(),
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert other.returncode != 0
        assert "address already in use" in other.stderr
        assert "Traceback" not in other.stderr


def test_many_callers_are_answered_and_what_goes_wrong_is_counted(served) -> None:
    served.release(Sum())
    with running(served) as process:
        asked = {"url": f"http://127.0.0.1:{process.port}", "requests": 40, "callers": 4}
        found = load.load(served.settings, token=TOKEN, **asked)
        assert (len(found.milliseconds), sum(found.errors.values())) == (40, 0)
        assert len(process.recorded()) == 40
        assert "p95" in found.text()
        assert "errors: none" in found.text()
        refused = load.load(served.settings, token="another", **asked)  # noqa: S106
        assert refused.errors == {"status 401": 40}
    gone = load.load(served.settings, token=TOKEN, **asked)
    assert gone.errors == {"ConnectionRefusedError": 40}
    assert "errors: 40 times ConnectionRefusedError" in gone.text()
