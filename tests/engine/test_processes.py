"""Both ways to start a program behave the same."""

from __future__ import annotations

import os
import sys

import pytest

from ai_program import processes

SCRIPT = """\
import sys
for line in iter(sys.stdin.readline, ""):
    print("got " + line, end="", flush=True)
sys.exit(3)
"""
ECHO = (sys.executable, "-c", SCRIPT)


@pytest.fixture(params=["spawn", "popen"], autouse=True)
def way(request, monkeypatch):
    if request.param == "popen":
        monkeypatch.delattr(os, "posix_spawnp", raising=False)


def test_a_conversation():
    process = processes.start(ECHO, dict(os.environ), ask=True)
    process.ask(b"one\ntwo\n")
    assert process.line() == b"got one"
    assert process.read(7) == b"got two"
    assert process.end() == 3
    assert process.end() == 3


def test_a_program_without_input():
    process = processes.start((*ECHO[:2], "print('x' * 200_000)"), dict(os.environ), ask=False)
    assert len(process.rest()) == 200_001
    assert process.end() == 0


def test_the_end_of_the_answers():
    process = processes.start((*ECHO[:2], "print('one')"), dict(os.environ), ask=False)
    assert process.line() == b"one"
    assert process.line() == b""
    assert process.read(3) == b""


def test_no_such_program():
    with pytest.raises(FileNotFoundError):
        processes.start(("no-such-program-anywhere",), dict(os.environ), ask=True)
