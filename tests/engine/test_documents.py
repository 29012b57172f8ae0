"""The reader of governed files: what it reads, what it refuses, and that it says where."""

from __future__ import annotations

import json
import time

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ai_program import documents, yaml_reader
from ai_program.documents import Document, DocumentError, parse


def value(text: str, path: str = "a.yaml") -> object:
    return parse(text.encode(), path).value


def span(location) -> tuple[int, int, int]:
    return location.line, location.column, location.end_column


# --- scalars ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("true", True),
        ("False", False),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("''", ""),
        ("2026-11-16", "2026-11-16"),
        ("22:22", "22:22"),
        ("1.10", 1.1),
        ("010", 10),
        ("0o10", 8),
        ("0xff", 255),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        (".5", 0.5),
        ("5.", 5.0),
        ("+7", 7),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        (".", "."),
        ("1.2.3", "1.2.3"),
        ('"1"', "1"),
        ("'true'", "true"),
        ("!!str 1", "1"),
        ("!!int '1'", 1),
        ("!!float 1", 1.0),
        ("! 1", "1"),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says(text, expected):
    found = value(f"key: {text}\n")["key"]
    assert found == expected
    assert type(found) is type(expected)


def test_keys_are_text_as_written():
    assert value("on: 1\n1: 2\ntrue: 3\n1.10: 4\n") == {"on": 1, "1": 2, "true": 3, "1.10": 4}


# --- what is refused, with its place ---------------------------------------------------------

REFUSED = {
    "duplicate key": ("a: 1\nb: 2\na: 3\n", "the key 'a' stands here twice", 3, 1),
    "duplicate key, other spelling": ("a: 1\n'a': 3\n", "the key 'a' stands here twice", 2, 1),
    "nested duplicate": ("x: {a: 1, a: 2}\n", "the key 'a' stands here twice", 1, 11),
    "anchor": ("a: &x 1\n", "an anchor (&) is not allowed; write the value out", 1, 4),
    "anchor on a list": ("a: &x [1]\n", "an anchor (&) is not allowed; write the value out", 1, 4),
    "alias": ("a: *x\n", "an alias (*) is not allowed; write the value out", 1, 4),
    "merge key": ("a: {<<: 1}\n", "a merge key (<<) is not allowed; write the values out", 1, 5),
    "own tag": ("a: !x 1\n", "the tag '!x' is not allowed", 1, 4),
    "python tag": (
        "a: !!python/object:os.system {}\n",
        "the tag 'tag:yaml.org,2002:python/object:os.system' is not allowed",
        1,
        4,
    ),
    "timestamp tag": (
        "a: !!timestamp 2026-01-01\n",
        "the tag 'tag:yaml.org,2002:timestamp' is not allowed",
        1,
        4,
    ),
    "tag that lies": ("a: !!int x\n", "'x' is not of the type that its tag names", 1, 4),
    "second document": ("a: 1\n---\nb: 2\n", "a second document (---) is not allowed", 2, 1),
    "directive": ("%YAML 1.1\n---\na: 1\n", "a directive (%YAML, %TAG) is not allowed", 1, 1),
    "list as key": ("? [a]\n: 1\n", "a key must be text, not a mapping or a list", 1, 3),
    "not a number": ("a: .nan\n", ".nan is not a number that can be compared", 1, 4),
    "infinite": ("a: -.inf\n", "-.inf is not a number that can be compared", 1, 4),
    "too large": ("a: 1e999\n", "1e999 is too large a number", 1, 4),
    "many digits": (f"a: {'9' * 101}\n", "a number of more than 100 digits", 1, 4),
    "tab": ("a:\n\t- 1\n", "found character that cannot start any token", 2, 1),
    "unclosed": ("a: [1\n", "did not find expected ',' or ']'", 2, 1),
    "control character": ("a: x\x1b[2J\n", "character U+001B is not allowed", 1, 5),
    "nul": ("a: \0\n", "character U+0000 is not allowed", 1, 4),
    "line separator": ("a: x\u2028y\n", "character U+2028 is not allowed", 1, 5),
    "inner byte order mark": ("a: \ufeffx\n", "character U+FEFF is not allowed", 1, 4),
    "old Mac lines": ("a: 1\rb: 2\n", "carriage return without line feed U+000D", 1, 5),
}


@pytest.mark.parametrize("case", REFUSED)
def test_yaml_that_is_refused(case):
    text, message, line, column = REFUSED[case]
    with pytest.raises(DocumentError) as caught:
        parse(text.encode(), "a.yaml")
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    ("data", "message", "place"),
    [
        (b"\xff\xfea\x00", "is UTF-16; save it as UTF-8", (1, 1)),
        (b"\xef\xbb\xbfa: 1", "begins with a byte order mark", (1, 1)),
        ("a: 1\nb: grün".encode("latin-1"), "byte 0xfc is not UTF-8", (2, 6)),
        (b"a: \xed\xa0\x80", "byte 0xed is not UTF-8", (1, 4)),
    ],
)
@pytest.mark.parametrize("path", ["a.yaml", "a.json", "a.md"])
def test_other_encodings_are_refused(data, message, place, path):
    with pytest.raises(DocumentError) as caught:
        parse(data, path)
    assert caught.value.message.startswith(message)
    assert (caught.value.line, caught.value.column) == place


def test_size_is_bounded():
    parse(b"a" * documents.MAX_BYTES, "a.yaml")
    with pytest.raises(DocumentError, match=r"4,194,305 bytes are too many"):
        parse(b"a" * (documents.MAX_BYTES + 1), "a.yaml")


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_depth_is_bounded(path):
    def nested(depth: int) -> bytes:
        return b"[" * depth + b"]" * depth

    parse(nested(documents.MAX_DEPTH), path)
    with pytest.raises(DocumentError, match="deeper than 64"):
        parse(nested(documents.MAX_DEPTH + 1), path)


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_the_number_of_values_is_bounded(path):
    data = b"[" + b"1," * documents.MAX_NODES + b"1]"
    with pytest.raises(DocumentError, match="has more than 200,000 values"):
        parse(data, path)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b"{a: " * 200_000,
        b"- " * 200_000,
        b"? " * 200_000,
        b"a: [" * 200_000,
        b"- [" * 200_000,
        b"!" * 100_000,
        b"&a " * 100_000,
        b"\n".join(b" " * depth + b"a:" for depth in range(1500)),
        b'{"a":' * 200_000,
    ],
)
@pytest.mark.parametrize("path", ["a.yaml", "a.json", "a.md"])
def test_a_bomb_is_refused_soon_and_in_few_words(data, path):
    started = time.perf_counter()
    with pytest.raises(DocumentError) as caught:
        parse(b"---\n" + data if path == "a.md" else data, path)
    assert time.perf_counter() - started < 2
    assert len(caught.value.message) < 200


def test_the_pure_parser_gives_the_same(monkeypatch):
    text = "a: [1, {b: on}]\nc: 'x'\nd:\n- e\n"
    fast = parse(text.encode(), "a.yaml")
    monkeypatch.setattr(yaml_reader, "_Parser", yaml.SafeLoader)
    slow = parse(text.encode(), "a.yaml")
    assert slow.value == fast.value
    for keys in [("a", 1, "b"), ("c",), ("d", 0)]:
        assert span(slow.at(*keys)) == span(fast.at(*keys))


# --- JSON ------------------------------------------------------------------------------------

REFUSED_JSON = {
    "trailing comma": ('{"a": 1,}', 1),
    "comment": ('{"a": 1} // no', 1),
    "single quotes": ("{'a': 1}", 1),
    "bare word": ("{a: 1}", 1),
    "not a number": ('{"a": NaN}', 0),
    "infinite": ('{"a": -Infinity}', 0),
    "too large": ('{"a": 1e999}', 0),
    "many digits": ('{"a": ' + "9" * 5000 + "}", 0),
    "duplicate": ('{"a": 1,\n "b": {"c": 1, "c": 2}}', 2),
    "half a surrogate pair": ('{"a": "\\ud800"}', 0),
    "empty": ("", 1),
    "two values": ("1 2", 1),
}


@pytest.mark.parametrize("case", REFUSED_JSON)
def test_json_is_strict(case):
    text, line = REFUSED_JSON[case]
    with pytest.raises(DocumentError) as caught:
        parse(text.encode(), "a.json")
    assert caught.value.line == line


def test_a_duplicate_json_key_is_shown():
    with pytest.raises(DocumentError) as caught:
        parse(b'{"a": 1,\n "b": {"c": 1, "c": 2}}', "a.json")
    assert caught.value.message == "the key 'c' stands here twice"
    assert (caught.value.line, caught.value.column) == (2, 16)


def test_a_surrogate_pair_is_one_character():
    assert value('{"a": "\\ud83d\\ude00"}', "a.json") == {"a": "😀"}


# --- places ----------------------------------------------------------------------------------

TEXT = """\
# a comment
schema_version: 1
gates:
  - {id: GATE-mape, limit: 0.05, slice: null}
  - id: GATE-peak
    limit: 0.09   # tight
    note: |
      several
      lines
empty:
people: []
"""


@pytest.mark.parametrize(
    ("keys", "marked"),
    [
        ((), "schema_version: 1"),
        (("schema_version",), "1"),
        (("gates",), "- {id: GATE-mape, limit: 0.05, slice: null}"),
        (("gates", 0), "{id: GATE-mape, limit: 0.05, slice: null}"),
        (("gates", 0, "limit"), "0.05"),
        (("gates", 0, "slice"), "null"),
        (("gates", 1), "id: GATE-peak"),
        (("gates", 1, "limit"), "0.09"),
        (("gates", 1, "note"), "|"),
        (("empty",), "empty"),
        (("people",), "[]"),
        (("gates", 1, "absent"), "id: GATE-peak"),
        (("gates", 7, "limit"), "- {id: GATE-mape, limit: 0.05, slice: null}"),
        (("absent",), "schema_version: 1"),
    ],
)
def test_the_place_of_a_value(keys, marked):
    at = parse(TEXT.encode(), "a.yaml").at(*keys)
    assert TEXT.split("\n")[at.line - 1][at.column - 1 : at.end_column - 1] == marked


@pytest.mark.parametrize(
    ("keys", "marked"),
    [
        (("gates",), "gates"),
        (("gates", 0, "limit"), "limit"),
        (("gates", 1, "note"), "note"),
        (("gates", 1), "id: GATE-peak"),
        (("absent",), "schema_version: 1"),
    ],
)
def test_the_place_of_a_key(keys, marked):
    at = parse(TEXT.encode(), "a.yaml").key_at(*keys)
    assert TEXT.split("\n")[at.line - 1][at.column - 1 : at.end_column - 1] == marked


def test_places_in_json():
    text = '{"a": [1, {"b c": "x\\"}y"}],\n "d": {}, "e": []}\n'
    doc = parse(text.encode(), "a.json")
    lines = text.split("\n")

    def marked(location):
        return lines[location.line - 1][location.column - 1 : location.end_column - 1]

    assert marked(doc.at("a")) == '[1, {"b c": "x\\"}y"}]'
    assert marked(doc.at("a", 0)) == "1"
    assert marked(doc.at("a", 1, "b c")) == '"x\\"}y"'
    assert marked(doc.key_at("a", 1, "b c")) == '"b c"'
    assert marked(doc.at("d")) == "{}"
    assert marked(doc.at("e")) == "[]"


def test_get_walks_as_far_as_it_can():
    doc = parse(TEXT.encode(), "a.yaml")
    assert doc.get("gates", 0, "limit") == 0.05
    assert doc.get("gates", -1, "id") == "GATE-peak"
    assert doc.get("gates", 2, "id") is None
    assert doc.get("gates", "id", default=3) == 3
    assert doc.get("schema_version", "x") is None
    assert doc.get("empty", default=3) is None


# --- Markdown --------------------------------------------------------------------------------

MARKDOWN = """\
---
id: DEC-0001
status: accepted
---
# Title

## Context
why
### Detail
more

```
## not a heading
```
## Outcome ##

## Context
again
"""


def test_markdown_has_front_matter_and_sections():
    doc = parse(MARKDOWN.encode(), "a.md")
    assert doc.value == {"id": "DEC-0001", "status": "accepted"}
    assert (doc.at("status").line, doc.at("status").column) == (3, 9)
    assert doc.body_line == 5
    assert doc.sections() == {
        "Context": (7, "why\n### Detail\nmore\n\n```\n## not a heading\n```"),
        "Outcome": (15, ""),
    }


def test_a_heading_has_the_anchor_that_github_gives_it():
    body = "# One, two\n\n## A-b _c_ #\nx\n### Deeper\ny\n## Deeper\n```\n# no\n```\n#no\n"
    assert parse(body.encode(), "a.md").anchors() == {
        "one-two": "x\ny\n```\n# no\n```\n#no",
        "a-b-_c_": "x\ny",
        "deeper": "y",
        "deeper-1": "```\n# no\n```\n#no",
    }


def test_markdown_without_front_matter():
    doc = parse(b"# Title\n\n## One\ntext\n", "a.md")
    assert doc.value is None
    assert doc.sections() == {"One": (3, "text")}
    assert span(doc.at("id")) == (1, 1, 8)


def test_front_matter_needs_its_end():
    with pytest.raises(DocumentError, match="no closing line"):
        parse(b"---\nid: 1\n", "a.md")


def test_an_error_in_front_matter_has_the_line_of_the_file():
    with pytest.raises(DocumentError) as caught:
        parse(b"---\nid: 1\nid: 2\n---\n", "a.md")
    assert (caught.value.line, caught.value.column) == (3, 1)


def test_windows_lines():
    doc = parse(MARKDOWN.replace("\n", "\r\n").encode(), "a.md")
    assert doc.value == {"id": "DEC-0001", "status": "accepted"}
    assert doc.line(2) == "id: DEC-0001"
    assert doc.sections()["Context"][0] == 7
    assert span(parse(b"a: |\r\n  x\r\nb: 1\r\n", "a.yaml").at("a")) == (1, 4, 5)


def test_an_empty_file_has_no_value_and_no_line():
    doc = parse(b"", "a.yaml")
    assert doc.value is None
    assert span(doc.at()) == (0, 0, 0)


# --- properties ------------------------------------------------------------------------------

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(
        st.characters(
            codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\ufeff"
        ).filter(str.isprintable),
        max_size=20,
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz -:#", max_size=6), inner)
    ),
    max_leaves=20,
)


def paths_of(value: object, keys: tuple[str | int, ...] = ()):
    yield keys
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_of(item, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths_of(item, (*keys, index))


def within(doc: Document, text: str) -> None:
    lines = text.split("\n")
    for keys in paths_of(doc.value):
        for at in (doc.at(*keys), doc.key_at(*keys)):
            if at.line:
                assert 1 <= at.line <= len(lines)
                assert 1 <= at.column < at.end_column <= len(lines[at.line - 1]) + 2


@given(VALUES, st.sampled_from([None, 0, 2]))
def test_json_means_what_json_means(value, indent):
    text = json.dumps(value, indent=indent, ensure_ascii=indent is None)
    doc = parse(text.encode(), "a.json")
    assert doc.value == value
    within(doc, text)
    for keys in paths_of(value):
        at = doc.at(*keys)
        item = doc.get(*keys)
        if not isinstance(item, dict | list):
            written = text.split("\n")[at.line - 1][at.column - 1 : at.end_column - 1]
            assert json.loads(written) == item


@given(VALUES)
def test_yaml_reads_back_what_a_writer_wrote(value):
    # The writer thinks in YAML 1.1: what it leaves plain may be something else in 1.2. Quoting
    # every scalar takes that difference away.
    text = yaml.safe_dump(value, allow_unicode=True, default_style='"')
    doc = parse(text.encode(), "a.yaml")
    assert doc.value == value
    within(doc, text)


def read(data: bytes, path: str) -> None:
    """Hold the reader to its promise: a document with places inside the text, or one error."""
    error = None
    try:
        within(parse(data, path), data.decode(errors="replace"))
    except DocumentError as caught:
        error = caught
    if error:
        assert 0 <= error.line <= data.count(b"\n") + 2
        assert 0 < len(error.message) < 300


@given(st.binary(max_size=200), st.sampled_from(["a.yaml", "a.json", "a.md"]))
@example(b"\xef\xbb\xbf", "a.yaml")
@example(b"a: !!int 0o", "a.yaml")
@example(b"? a\n: b\n? c", "a.yaml")
@example(b"--- >\n", "a.yaml")
@example(b"...\n...\n", "a.yaml")
@example(b"a: \xc2\x85b", "a.yaml")
@example(b"---\n---", "a.md")
@example(b'"\\', "a.json")
def test_any_bytes_give_a_document_or_one_error(data, path):
    read(data, path)


SNIPPETS = st.lists(
    st.sampled_from(
        ["a", "b", ": ", "- ", "\n", "  ", "[", "]", "{", "}", ",", "&x ", "*x", "!t ", "|\n",
         ">\n", "'", '"', "#", "? ", "---\n", "...\n", "<<", "1", ".nan", "\t", "%", "\\", "é", "~"]
    ),
    max_size=25,
)  # fmt: skip


@given(SNIPPETS, st.sampled_from(["a.yaml", "a.md"]))
@example(pieces=["---\n", "#"], path="a.yaml")
def test_yaml_shaped_text_gives_a_document_or_one_error(pieces, path):
    text = "".join(pieces)
    if path == "a.md":
        text = f"---\n{text}\n---\n"
    read(text.encode(), path)
