"""The compiled baseline is the baseline, whatever happens to the files that hold it."""

from __future__ import annotations

import os
import shutil
import sys

import pytest
from engine.toys import CATALOGUE

from ai_program import catalogue, compiled, documents
from ai_program.program import Baseline
from ai_program.snapshot import Misuse

TEXT = "a: [1, 0.5, true, null, text]\nb: {c: ü}\n"
VALUE = {"a": [1, 0.5, True, None, "text"], "b": {"c": "ü"}}


@pytest.fixture(autouse=True)
def writing(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def reads(monkeypatch):
    """Return the list that grows when a source is really read."""
    seen = []
    parse = documents.parse
    monkeypatch.setattr(documents, "parse", lambda *args: seen.append(args) or parse(*args))
    return seen


def kept(source):
    (path,) = (source.parent / "__pycache__").iterdir()
    return path


def test_it_is_read_once(source, reads):
    assert [compiled.load(str(source)) for _ in range(3)] == [VALUE] * 3
    assert len(reads) == 1


@pytest.mark.parametrize("change", ["size", "time", "copy"])
def test_a_changed_source_is_read_again(source, reads, change, tmp_path):
    compiled.load(str(source))
    if change == "size":
        source.write_text("a: 1\n")
    elif change == "time":
        old = source.stat()
        source.write_text(TEXT.replace("text", "TEXT"), encoding="utf-8")
        os.utime(source, ns=(old.st_atime_ns, old.st_mtime_ns + 1))
    else:
        shutil.copytree(source.parent, tmp_path / "copy")
        source = tmp_path / "copy" / "a.yaml"
        source.write_text("a: 1\n")
    value = compiled.load(str(source))
    assert len(reads) == 2
    assert value == documents.parse(source.read_bytes(), "a.yaml").value


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data.split(b"\n", 1)[0],
        lambda data: data.replace(b"text", b"TEXT"),
        lambda data: b"\n" + data,
        lambda data: bytes(len(data)),
        lambda data: data.split(b"\n", 1)[0] + b"\n" + bytes(range(256)),
    ],
)
def test_a_damaged_copy_is_not_believed(source, reads, damage):
    compiled.load(str(source))
    path = kept(source)
    path.write_bytes(damage(path.read_bytes()))
    assert compiled.load(str(source)) == VALUE
    assert len(reads) == 2


def test_every_single_flipped_bit_is_noticed(source):
    compiled.load(str(source))
    path = kept(source)
    data = path.read_bytes()
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(bytes(flipped))
        assert compiled.load(str(source)) == VALUE


def test_nothing_is_written_where_python_writes_no_bytecode(source, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert compiled.load(str(source)) == VALUE
    assert not (source.parent / "__pycache__").exists()


def test_nothing_is_written_where_nothing_can_be(source):
    (source.parent / "__pycache__").write_text("a file where the folder would be")
    assert [compiled.load(str(source)) for _ in range(2)] == [VALUE] * 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  title: Time passes\n", "", "the rule catalogue is incomplete: 'title'"),
        (
            "- code: AIP901",
            "- code: &a AIP901",
            "the rule catalogue cannot be read: 1:9: ",
        ),
        (", high: error}", "}", "the rule catalogue gives AIP901 no severity for each tier"),
        ("limited: error", "limited: no", "the rule catalogue gives AIP901 no severity"),
        (CATALOGUE, "3\n", "the rule catalogue is incomplete"),
        (CATALOGUE, "- 3\n", "the rule catalogue is incomplete"),
    ],
)
def test_a_broken_catalogue_is_wrong_configuration(tmp_path, old, new, message):
    (tmp_path / "rules.yaml").write_text(CATALOGUE.replace(old, new))
    with pytest.raises(Misuse) as caught:
        catalogue.load(str(tmp_path))
    assert str(caught.value).startswith(message)


def test_a_missing_catalogue_is_wrong_configuration(tmp_path):
    with pytest.raises(Misuse, match="the rule catalogue cannot be read"):
        catalogue.load(str(tmp_path))


def test_a_broken_baseline_is_wrong_configuration(tmp_path):
    (tmp_path / "tiers.yaml").write_text("a: [\n")
    with pytest.raises(Misuse, match=r"the baseline's tiers\.yaml cannot be read: 2:1: "):
        _ = Baseline(str(tmp_path)).tiers
