"""CODEOWNERS is read as GitHub reads it: cases of its own documentation, and traps."""

import time

import pytest

from ai_program import codeowners


def owners(text: str, path: str) -> tuple[str, ...] | None:
    line = codeowners.deciding(codeowners.parse(text), path)
    return None if line is None else line.owners


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param("* @a", "x/y.z", ("@a",), id="a star is about every file"),
        pytest.param("*.js @j", "a/b.js", ("@j",), id="an ending, in any folder"),
        pytest.param("*.js @j", "a/b.jsx", None, id="an ending is an ending"),
        pytest.param("/build/logs/ @d", "build/logs/a/b", ("@d",), id="a folder at the root"),
        pytest.param("/build/logs/ @d", "x/build/logs/a", None, id="anchored at the root"),
        pytest.param("docs/* d@e.org", "docs/a.md", ("d@e.org",), id="the files of a folder"),
        pytest.param("docs/* d@e.org", "docs/b/a.md", None, id="but not of its folders"),
        pytest.param("apps/ @o", "x/apps/y/z", ("@o",), id="a folder anywhere"),
        pytest.param("docs/x/ @o", "y/docs/x/a", None, id="a slash within anchors"),
        pytest.param("**/logs @o", "logs/c", ("@o",), id="two stars stand for nothing"),
        pytest.param("**/logs @o", "a/b/logs/c", ("@o",), id="two stars stand for folders"),
        pytest.param("a/**/z @q", "a/b/c/z", ("@q",), id="two stars in the middle"),
        pytest.param("policies/** @z", "policies/a/b", ("@z",), id="two stars at the end"),
        pytest.param("/policies @q", "policies/x", ("@q",), id="a name is also a folder"),
        pytest.param("/policies/ @q", "policies", None, id="a folder is not a file"),
        pytest.param("/** @a", "q/w", ("@a",), id="everything below the root"),
        pytest.param("p?l/ @a", "pol/x", ("@a",), id="one character"),
        pytest.param("/p\\ q @a", "p q", ("@a",), id="an escaped space"),
        pytest.param("/A @a", "a", None, id="upper and lower case differ"),
        pytest.param("*.js @j # why\n", "b.js", ("@j",), id="a comment at the end"),
        pytest.param("# *.js @j\n", "b.js", None, id="a comment"),
        pytest.param("/a @one @two u@e.org", "a", ("@one", "@two", "u@e.org"), id="several"),
    ],
)
def test_a_pattern_matches_as_on_github(text, path, expected):
    assert owners(text, path) == expected


def test_the_last_line_that_matches_decides():
    assert owners("*.js @j\n* @x\n", "a.js") == ("@x",)


def test_a_last_line_without_owners_takes_the_path_from_everybody():
    assert owners("/apps/ @o\n/apps/github\n", "apps/github/x") == ()


@pytest.mark.parametrize(
    "line", ["!/policies/ @m", "/polic[i]es/ @m", "/policies/ m", "/policies/ @"]
)
def test_a_line_that_github_skips_is_skipped(line):
    assert owners(f"/policies/ @a\n{line}\n", "policies/x.yaml") == ("@a",)


def test_a_pattern_too_long_to_judge_counts_as_taking_everything_from_everybody():
    assert owners(f"* @a\n/{'a' * 600} @b\n", "policies/x.yaml") == ()


def test_hostile_patterns_take_no_time():
    text = ("**/" * 160 + "x @a\n") * 50 + "*a" * 249 + " @a\n"
    start = time.monotonic()
    owners(text, "/".join(["abcdefghij"] * 10))
    owners(text, "a" * 4000 + "b")
    assert time.monotonic() - start < 2
