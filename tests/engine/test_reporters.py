"""What people and programs read, letter by letter."""

from __future__ import annotations

import json

import jsonschema
import pytest
from conftest import ROOT
from engine.repositories import TODAY
from engine.toys import PROGRAM

from ai_program.checking import Result
from ai_program.findings import Finding, Location
from ai_program.reporters import github, markdown, sarif, text
from ai_program.reporters import json as as_json


@pytest.fixture
def result(governed, check):
    """Return a result with an error, a warning and a waived finding."""
    governed.add(
        "decisions/exceptions/EXC-0001.yaml",
        """\
schema_version: 1
id: EXC-0001
rule: AIP901
path: contracts/a.odcs.yaml
reason: r
compensating_control: c
approver: "@grace"
created: "2026-11-01"
expires: "2026-11-30"
""",
    )
    governed.base = governed.commit()
    governed.add("contracts/b.odcs.yaml", "id: b\npurpose: TODO\nowner: b@example.org\n")
    return check(governed)


def test_text(result, governed):
    assert (
        text.render(result)
        == """\
AIP902 warning contracts/a.odcs.yaml:2:1  Owners are told
  the owner has no address
    2 | owner: TODO
      | ^^^^^
  do: tell them

AIP901 waived by EXC-0001 contracts/a.odcs.yaml:2:8  Nothing is left to do
  owner is TODO

AIP901 error contracts/b.odcs.yaml:2:10  Nothing is left to do
  purpose is TODO
    2 | purpose: TODO
      |          ^^^^
  do: write the value
1 error · 1 warning · 1 waived · `ai-program explain AIP901` says why
"""
    )


def test_personal_data_is_located_and_not_quoted(result):
    finding = Finding("AIP109", "error", Location("contracts/b.odcs.yaml", 3, 8, 21), "m", "d")
    shown = Result(result.program, [finding])
    said = text.render(shown)
    assert "contracts/b.odcs.yaml:3:8" in said
    assert "b@example.org" not in said


def test_related_places_name_the_base(governed, check):
    governed.base = governed.git("rev-parse", "--short=7", "HEAD")
    governed.add("contracts/a.odcs.yaml", "# new line\nid: a\nowner: TODO@\n")
    assert (
        text.render(check(governed))
        == f"""\
AIP901 error contracts/a.odcs.yaml:3:8  Nothing is left to do
  owner is TODO@
    3 | owner: TODO@
      |        ^^^^^
   base: contracts/a.odcs.yaml:2:8 at {governed.base}
  do: write the value
1 error · 0 warnings · `ai-program explain AIP901` says why
"""
    )


def test_text_in_colour(governed, check):
    lines = text.render(check(governed, select=("AIP901",)), colour=True).split("\n")
    assert lines[0] == (
        "\x1b[31;1mAIP901 error\x1b[0m \x1b[1mcontracts/a.odcs.yaml:2:8\x1b[0m"
        "  Nothing is left to do"
    )
    assert lines[3] == "      |        \x1b[31;1m^^^^\x1b[0m"
    assert lines[5] == "  \x1b[1mdo:\x1b[0m write the value"


def one(governed, check, location: Location, message: str = "m") -> list[str]:
    """Render one finding at a place."""
    program = check(governed, select=("AIP902",)).program
    return text.render(Result(program, [Finding("AIP901", "error", location, message, "r")])).split(
        "\n"
    )


def test_a_file_as_a_whole(governed, check):
    assert one(governed, check, Location("policies/data.yaml")) == [
        "AIP901 error policies/data.yaml  Nothing is left to do",
        "  m",
        "  do: r",
        "1 error · 0 warnings · `ai-program explain AIP901` says why",
        "",
    ]


def test_a_deleted_file_shows_the_base(governed, check):
    governed.git("rm", "-q", "contracts/a.odcs.yaml")
    assert one(governed, check, Location("contracts/a.odcs.yaml", 1, 5, 6))[2:4] == [
        "    1 | id: a",
        "      |     ^",
    ]


def test_a_place_that_is_not_there(governed, check):
    for at in (Location("nowhere", 3, 1, 2), Location("contracts/a.odcs.yaml", 99, 1, 2)):
        assert len(one(governed, check, at)) == 5
    assert one(governed, check, Location(""))[0].split("  ")[0] == "AIP901 error (the repository)"


def test_wide_characters_keep_the_mark_in_place(governed, check):
    governed.add("contracts/a.odcs.yaml", 'id: "需要予測 é"  # TODO\n')
    lines = one(governed, check, Location("contracts/a.odcs.yaml", 1, 5, 13))
    assert lines[2] == '    1 | id: "需要予測 é"  # TODO'
    assert lines[3] == "      |     ^^^^^^^^^^^^"


def test_a_long_line_is_cut_around_the_mark(governed, check):
    governed.add("contracts/a.odcs.yaml", f"id: {'x' * 300} MARK {'y' * 300}\n")
    lines = one(governed, check, Location("contracts/a.odcs.yaml", 1, 306, 310))
    assert lines[2].startswith("    1 | …xxx")
    assert lines[2].endswith("yyy…")
    start = lines[3].index("^")
    assert lines[2][start : start + 4] == "MARK"
    assert lines[3].count("^") == 4
    assert max(map(len, lines)) < 125


def test_a_mark_longer_than_the_line_is_cut(governed, check):
    governed.add("contracts/a.odcs.yaml", f"id: {'x' * 300}\n")
    lines = one(governed, check, Location("contracts/a.odcs.yaml", 1, 5, 305))
    assert max(map(len, lines)) < 125
    assert len(lines[3]) <= len(lines[2])


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\nb\tc", "a b c"),
        ("a\u202eb", r"a\u202eb"),
        ("a\u2028b\x85c", r"a\u2028b\x85c"),
        ("a\r::error::b", r"a\x0d::error::b"),
        ("by\udcffte", r"by\xffte"),
        ("\U000e0041", r"\U000e0041"),
        ("ü 需 é 😀", "ü 需 é 😀"),
    ],
)
def test_nothing_moves_the_cursor_hides_or_reorders(governed, check, raw, shown):
    assert text.clean(raw) == shown
    first, message, *_ = one(governed, check, Location(raw), raw)
    assert first.startswith(f"AIP901 error {shown} ")
    assert message == f"  {shown}"


def test_the_brief_report_is_one_line(governed, check):
    assert text.brief(check(governed, select=("AIP902",))) == (
        "AIP902 contracts/a.odcs.yaml:2:1  the owner has no address · 0 errors · 1 warning\n"
    )
    assert text.brief(check(governed, select=("AIP904",))) == ""


def test_json(result, governed):
    report = json.loads(as_json.render(result))
    assert {key: report[key] for key in report if key != "findings"} == {
        "version": 1,
        "engine": "0.1.0",
        "stage": "commit",
        "today": TODAY,
        "tier": "limited",
        "base": governed.base,
        "head": None,
        "summary": {"errors": 1, "warnings": 1, "waived": 1},
    }
    assert report["findings"][1] == {
        "code": "AIP901",
        "severity": "error",
        "path": "contracts/a.odcs.yaml",
        "line": 2,
        "column": 8,
        "end_column": 12,
        "message": "owner is TODO",
        "remedy": "write the value",
        "related": [
            {
                "path": "contracts/a.odcs.yaml",
                "line": 2,
                "column": 8,
                "end_column": 12,
                "note": "base",
            }
        ],
        "waived_by": "EXC-0001",
    }


def test_github(result):
    assert github.render(result, fence="guess-me-not") == (
        "::error file=contracts/b.odcs.yaml,line=2,endLine=2,col=10,endColumn=14,"
        "title=AIP901 Nothing is left to do::purpose is TODO%0Ado: write the value\n"
        "::warning file=contracts/a.odcs.yaml,line=2,endLine=2,col=1,endColumn=6,"
        "title=AIP902 Owners are told::the owner has no address%0Ado: tell them\n"
        f"::stop-commands::guess-me-not\n{text.render(result)}::guess-me-not::\n"
    )


def test_the_summary_of_the_step(result):
    assert (
        markdown.render(result)
        == """\
### ai-program: 1 error · 1 warning · 1 waived · `ai-program explain AIP901` says why

| rule | where | what | do |
|---|---|---|---|
| AIP901 error | `contracts/b.odcs.yaml:2:10` | `purpose is TODO` | `write the value` |
| AIP902 warning | `contracts/a.odcs.yaml:2:1` | `the owner has no address` | `tell them` |
| AIP901 waived by `EXC-0001` | `contracts/a.odcs.yaml:2:8` | `owner is TODO` | `write the value` |
"""
    )


def test_a_clean_step_has_a_summary_too(governed, check):
    result = check(governed, select=("AIP904",))
    assert markdown.render(result) == "### ai-program: 0 errors · 0 warnings\n\n"


def test_annotations_are_escaped(governed, check):
    program = check(governed, select=("AIP904",)).program
    at = Location("a,b:c%\n.yaml", 1, 1, 2)
    finding = Finding("AIP901", "error", at, "x\r\n::set-env::%0A y", "a, b: c")
    line = github.render(Result(program, [finding]), fence="f").split("\n")[0]
    assert line == (
        "::error file=a%2Cb%3Ac%25 .yaml,line=1,endLine=1,col=1,endColumn=2,"
        "title=AIP901 Nothing is left to do::x\\x0d%0A::set-env::%250A y%0Ado: a, b: c"
    )


@pytest.mark.parametrize(
    ("raw", "cell"),
    [
        ("<img src=x> [a](b) @team www.a.example", "`<img src=x> [a](b) @team www.a.example`"),
        ("a | b", r"`a \| b`"),
        ("a `b` c", "``a `b` c``"),
        ("``", "``` `` ```"),
        ("`", "`` ` ``"),
        (" a", "`  a `"),
        ("a\n# b\x1b\u202e", r"`a # b\x1b\u202e`"),
        ("", ""),
        ("x" * 700, f"`{'x' * 599}…`"),
    ],
)
def test_markdown_is_quoted(governed, check, raw, cell):
    program = check(governed, select=("AIP904",)).program
    finding = Finding("AIP901", "error", Location("a|b"), raw, "r")
    row = markdown.render(Result(program, [finding])).split("\n")[-2]
    assert row == rf"| AIP901 error | `a\|b` | {cell} | `r` |"


def test_markdown_fits_in_a_comment_and_counts_what_does_not(governed, check):
    program = check(governed, select=("AIP904",)).program
    for message, shown in (("m", 200), ("|" * 700, 48)):
        findings = [
            Finding("AIP901", "error", Location("a", line, 1, 2), message, "r")
            for line in range(1, 301)
        ]
        report = markdown.render(Result(program, findings))
        assert len(report) < 65_536
        assert report.count("\n| AIP9") == shown
        assert report.endswith(f"|\n\n+{300 - shown} more\n")


def test_json_keeps_to_its_schema(result):
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    report = json.loads(as_json.render(result))
    validator.validate(report)
    for spoilt in (report | {"version": 2}, report | {"more": 1}):
        assert not validator.is_valid(spoilt)
    report["findings"][0]["severity"] = "off"
    assert not validator.is_valid(report)


def test_sarif(result, governed):
    log = json.loads(sarif.render(result))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["AIP901", "AIP902", "AIP903", "AIP904"]
    assert rules[1] == {
        "id": "AIP902",
        "shortDescription": {"text": "Owners are told"},
        "fullDescription": {"text": "Who is not told does not know."},
        "help": {"text": "tell them"},
        "defaultConfiguration": {"enabled": True, "level": "warning"},
        "properties": {"tags": ["toy"]},
    }
    # The waived one is not there.
    assert [(found["ruleId"], found["level"]) for found in run["results"]] == [
        ("AIP902", "warning"),
        ("AIP901", "error"),
    ]
    assert all(rules[found["ruleIndex"]]["id"] == found["ruleId"] for found in run["results"])
    assert run["results"][1] == {
        "ruleId": "AIP901",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": "purpose is TODO\ndo: write the value"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": "contracts/b.odcs.yaml",
                        "uriBaseId": "%SRCROOT%",
                    },
                    "region": {"startLine": 2, "startColumn": 10, "endColumn": 14},
                }
            }
        ],
    }


def test_sarif_names_the_base_of_related_places(governed, check):
    governed.base = governed.git("rev-parse", "--short=7", "HEAD")
    governed.add("contracts/a.odcs.yaml", "# new line\nid: a\nowner: TODO@\n")
    (found,) = json.loads(sarif.render(check(governed)))["runs"][0]["results"]
    (related,) = found["relatedLocations"]
    assert related["message"] == {"text": f"base at {governed.base}"}
    assert related["physicalLocation"]["region"]["startLine"] == 2


def test_a_rule_that_is_off_is_off_in_sarif(repo, check):
    repo.add("policies/program.yaml", PROGRAM.replace("limited", "minimal"))
    (run,) = json.loads(sarif.render(check(repo)))["runs"]
    assert run["tool"]["driver"]["rules"][1]["defaultConfiguration"] == {"enabled": False}


@pytest.mark.parametrize(
    ("location", "uri", "region"),
    [
        (Location(""), "policies/program.yaml", None),
        (Location("a b/ü:[%].yaml"), "a%20b/%C3%BC%3A%5B%25%5D.yaml", None),
        (Location("by\udcffte"), "by%FFte", None),
        (Location("a", 3), "a", {"startLine": 3}),
        (Location("a", 3, 5, 5), "a", {"startLine": 3, "startColumn": 5, "endColumn": 5}),
    ],
)
def test_places_in_sarif(governed, check, location, uri, region):
    program = check(governed, select=("AIP904",)).program
    report = sarif.render(Result(program, [Finding("AIP901", "error", location, "m", "r")]))
    (found,) = json.loads(report)["runs"][0]["results"]
    place = found["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri
    assert place.get("region") == region


def test_text_in_sarif_is_neither_placeholder_nor_link(governed, check):
    program = check(governed, select=("AIP904",)).program
    message = "{0} [here](https://a.example)\x1b\nb"
    finding = Finding("AIP901", "error", Location("a"), message, "r")
    (found,) = json.loads(sarif.render(Result(program, [finding])))["runs"][0]["results"]
    assert found["message"]["text"] == ("{{0}} [here] (https://a.example)\\x1b b\ndo: r")


def test_the_worst_come_first_and_the_rest_is_counted(repo, check):
    repo.add("policies/program.yaml", PROGRAM)
    for number in range(13):
        repo.add(f"contracts/{number:02}.odcs.yaml", "owner: TODO\n")
    result = check(repo)
    lines = github.render(result, fence="f").split("\n")
    annotations = lines[: lines.index("::stop-commands::f")]
    assert [line.split(" ")[0] for line in annotations] == ["::error"] * 10 + ["::warning"] * 10
    assert annotations[9] == "::error title=ai-program::+4 more; the log has all of them"
    assert annotations[19] == "::warning title=ai-program::+4 more; the log has all of them"
    assert markdown.render(result).count("\n| AIP9") == 26


def test_what_the_change_wrote_comes_before_what_stood_there(repo, check):
    repo.add("policies/program.yaml", PROGRAM)
    repo.add("contracts/a.odcs.yaml", "id: a\npurpose: TODO\n")
    repo.add("contracts/b.odcs.yaml", "purpose: TODO\n")
    repo.base = repo.commit()
    repo.add("contracts/b.odcs.yaml", "id: b\npurpose: TODO\n")
    repo.add("contracts/c.odcs.yaml", "purpose: TODO\n")
    lines = github.render(check(repo, select=["AIP901"]), fence="f").split("\n")
    named = [line.partition("contracts/")[2][:1] for line in lines if line.startswith("::error")]
    assert named == ["c", "b", "a"]
