"""Signatures are verified offline, and never taken for good where they cannot be."""

from __future__ import annotations

import evidence_fixture as fixture
import pytest

from ai_program import signatures
from ai_program.git import CannotDecide

RECORD = "evidence/releases/0001.json"
PEOPLE = b"""people:
  - {handle: "@grace", emails: [grace@example.org]}
"""


@pytest.fixture(scope="module")
def files():
    base = {"policies/program.yaml": PEOPLE, RECORD: b"a release"}
    steps = [{"trust": ["@grace"]}, {"sign": RECORD, "by": ["@grace"]}]
    return fixture.apply(base, steps)


def verify(files, data=b"a release", principals=("grace@example.org",)):
    signature = files[signatures.path_of(RECORD, "@grace")]
    return signatures.verified(data, signature, files[signatures.ALLOWED], principals)


def test_the_key_of_the_person_over_these_bytes(files):
    assert verify(files)
    assert not verify(files, data=b"another release")
    assert not verify(files, principals=["sofia@example.org"])
    assert not verify(files, principals=[])


def test_without_ssh_keygen_nothing_is_decided(files, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotDecide, match="there is no ssh-keygen to verify them"):
        verify(files)


def test_a_team_has_a_plain_file_name():
    assert signatures.path_of(RECORD, "@org/team") == "evidence/approvals/0001.org.team.sig"
