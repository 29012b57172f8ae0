"""What files are, whatever they are called, and the people in them."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import tarfile
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_program import scanning
from ai_program.scanning import look

CSV = b"ts,demand_kw\n" + b"".join(b"2012-01-01 %02d:00:00,1300.6\n" % hour for hour in range(24))
LONG = CSV + CSV + CSV
IBAN = b"DE89370400440532013000"
CARD = b"4111111111111111"


def zipped(name, content=b"x" * 100):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("customers.csv"), io.BytesIO())
    return file.getvalue()


@pytest.mark.parametrize(
    ("path", "data", "kind"),
    [
        ("data/a.csv", CSV, "table"),
        ("data/a.csv.gz", gzip.compress(CSV, mtime=0), "table"),
        ("data/a.csv.bz2", bz2.compress(CSV), "table"),
        ("data/a.csv.xz", lzma.compress(CSV), "table"),
        ("notes.txt", LONG, "table"),
        ("src/a.py", LONG, "table"),
        ("picture.png", gzip.compress(LONG, mtime=0), "table"),
        ("a.json", json.dumps([{"a": 1}] * 50).encode(), "table"),
        ("a.json", json.dumps({"rows": [[1, 2]] * 50}).encode(), "table"),
        ("a.json", json.dumps({"a": list(range(50)), "b": list(range(50))}).encode(), "table"),
        ("a.json", json.dumps({str(i): {"a": 1} for i in range(50)}).encode(), "table"),
        ("a.txt", b'{"a": 1}\n' * 5, "table"),
        ("a.json", b'{"a": [1, 2, 3]}', "text"),
        ("a.json", b"[" * 100_000, "text"),
        ("README.md", b"# Title\n\nProse, with commas.\n" * 40, "text"),
        ("a.ipynb", b'{"cells": []}', "notebook"),
        ("a.dat", pickle.dumps({"a": 1}), "model"),
        ("a.dat.gz", gzip.compress(pickle.dumps([1]), mtime=0), "model"),
        ("a.txt", b"\x89HDF\r\n\x1a\n" + b"\0" * 8, "model"),
        ("a.bin", zipped("archive/data.pkl"), "model"),
        ("a.onnx", b"\x08\x07\x12", "model"),
        ("a.pkl", b"text", "model"),
        ("a.bin", (20).to_bytes(8, "little") + b'{"a":{"dtype":"F32"}}', "model"),
        ("a.pkl", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\n",
         "harmless"),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0", "harmless"),
        ("a.parquet", b"PAR1\0\0", "unreadable"),
        ("a.py", b"PAR1\0\0", "unreadable"),
        ("a.zip", zipped("customers.csv"), "unreadable"),
        ("a.tar", tarred(), "unreadable"),
        ("a.csv.gz.gz", gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), "unreadable"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0)[:-10], "unreadable"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0) + b"customers", "unreadable"),
        ("a.csv.zst", b"\x28\xb5\x2f\xfd\0", "unreadable"),
        ("a.csv", CSV.decode().encode("utf-16"), "unreadable"),
        ("a.gz", b"plain", "unreadable"),
        ("a.bin", b"\0\1\2", "unreadable"),
    ],
)  # fmt: skip
def test_kind(path, data, kind):
    assert look(data, path).kind == kind, look(data, path)


def test_rows_are_counted_without_the_header_and_empty_lines():
    assert look(CSV + b"\n\n", "a.csv").rows == 24
    assert look(CSV.replace(b"\n", b"\r"), "a.csv").rows == 24
    assert look(b'{"a": 1}\n{"a": 2}\n', "a.jsonl").rows == 2
    assert look(gzip.compress(CSV, mtime=0), "a.csv.gz").rows == 24


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_bomb_is_left_packed(pack):
    bomb = pack(b"\0" * (scanning.MAX_UNPACKED + 1))
    started = time.perf_counter()
    content = look(bomb, "data/sample.csv.gz")
    assert content.kind == "unreadable"
    assert content.what == "holds more than 32 MiB when it is unpacked"
    assert time.perf_counter() - started < 5


def test_many_small_members_do_not_take_for_ever():
    content = look(gzip.compress(b"", mtime=0) * 50_000, "a.csv.gz")
    assert content.what == "holds more than 1,000 packed parts"


@pytest.mark.parametrize(
    ("cell", "what"),
    [
        (b"ada@lovelace.de", "an e-mail address"),
        (b'"ada@lovelace.de"', "an e-mail address"),
        (b" ada@lovelace.de ", "an e-mail address"),
        (b"mailto:ada@lovelace.de", "an e-mail address"),
        (b"Ada Lovelace <ada@lovelace.de>", "an e-mail address"),
        (b"ADA+tag@SUB.LOVELACE.CO.UK", "an e-mail address"),
        (b"ada@example.org", None),
        (b"ada@team.example", None),
        (b"write to ada@lovelace.de today", None),
        (b"@property", None),
        (IBAN, "an account number (IBAN)"),
        (b"DE89 3704 0044 0532 0130 00", "an account number (IBAN)"),
        (IBAN.lower(), "an account number (IBAN)"),
        (b"DE88370400440532013000", None),
        (b"XX89370400440532013000", None),
        (CARD, "a card number"),
        (b"4111 1111 1111 1111", "a card number"),
        (b"4111-1111-1111-1111", "a card number"),
        (b"'" + CARD + b"'", "a card number"),
        (CARD + b".0", "a card number"),
        (b"378282246310005", "a card number"),
        (b"4111111111111112", None),
        (b"1234567812345670", None),
        (b"0." + CARD, None),
        (CARD + b".25", None),
        (b"-" + CARD, None),
        (b"4006381333931", None),
        (b"2012-01-01 00:00:00", None),
    ],
)
def test_cells(cell, what):
    for separator in (b",", b";", b"\t", b"|"):
        row = separator.join((b"1", cell, b"x"))
        hits = look(b"a\n" + row + b"\n", "a.csv").hits
        assert [hit.what for hit in hits] == ([what] if what else []), row
        if what:
            assert hits[0].line == 2


def test_the_span_is_the_value():
    (hit,) = look("a,b\nä,ada@lovelace.de\n".encode(), "a.csv").hits
    assert (hit.line, hit.column, hit.end_column) == (2, 3, 18)


def test_json_numbers_and_texts():
    lines = b'{"card": 4111111111111111, "to": "ada@lovelace.de"}\n' * 2
    assert {hit.what for hit in look(lines, "a.jsonl").hits} == {
        "a card number",
        "an e-mail address",
    }


def test_hits_are_limited():
    assert len(look(b"ada@lovelace.de\n" * 1000, "a.csv").hits) == scanning.MAX_HITS


def test_notebooks_are_read_in_code_and_outputs_and_not_in_pictures():
    outputs = [
        {"data": {"text/html": ["<td>ada@lovelace.de</td>\n", "<td>4111 1111 1111 1111</td>"]}},
        {"text": ["0  DE89370400440532013000  x\n"]},
        {"data": {"image/png": "eve@lovelace.de"}},
    ]
    notebook = {"cells": [{"source": ["bob = 'bob@lovelace.de'"], "outputs": outputs}]}
    hits = look(json.dumps(notebook, indent=1).encode(), "a.ipynb").hits
    assert sorted(hit.what for hit in hits) == [
        "a card number",
        "an account number (IBAN)",
        "an e-mail address",
        "an e-mail address",
    ]
    assert all(hit.line for hit in hits)


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.json", "a.ipynb", "a", "a.csv.gz"]))
def test_nothing_crashes(data, path):
    look(data, path)
    look(gzip.compress(data, mtime=0), path)
