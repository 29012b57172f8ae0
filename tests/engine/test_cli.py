"""The command line: exit codes, options, output, and that a clean commit is silent."""

from __future__ import annotations

import json
import re

import pytest
from engine.repositories import TODAY
from engine.toys import TOYS

from ai_program import cli, paths, rules

CLEAN = "id: a\nowner: a@example.org\n"
WARNED = "id: a\nowner: a\n"


@pytest.fixture
def run(governed, baseline, monkeypatch, capsys):
    """Return a function that runs a command in the governed repository: code, output, errors."""
    monkeypatch.chdir(governed.path)
    monkeypatch.setattr(paths, "root", lambda: baseline.root)
    monkeypatch.setattr(rules, "find", TOYS.__getitem__)
    monkeypatch.delenv("AI_PROGRAM_DEVELOPMENT", raising=False)
    for name in list(cli.os.environ):
        if name.startswith(("GIT", "PRE_COMMIT", "CI")):
            monkeypatch.delenv(name)
    for name, value in governed.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(governed.path.parent / "cache"))

    def command(*arguments: str) -> tuple[int, str, str]:
        if arguments[:1] == ("check",) and "--today" not in arguments:
            arguments = ("check", "--today", TODAY, *arguments[1:])
        code = cli.run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def test_a_clean_commit_is_silent(governed, run):
    governed.add("contracts/a.odcs.yaml", CLEAN)
    assert run("check") == (0, "", "")


def test_a_warned_commit_is_one_line(governed, run):
    governed.add("contracts/a.odcs.yaml", WARNED)
    code, out, err = run("check")
    assert (code, err) == (0, "")
    assert out == (
        "AIP902 contracts/a.odcs.yaml:2:1  the owner has no address · 0 errors · 1 warning\n"
    )


def test_a_blocked_commit_says_everything(governed, run):
    code, out, err = run("check")
    assert (code, err) == (1, "")
    assert out.startswith("AIP902 warning contracts/a.odcs.yaml:2:1  Owners are told\n")
    assert out.endswith("1 error · 1 warning · `ai-program explain AIP901` says why\n")
    assert "\x1b" not in out


def test_a_format_that_is_asked_for_is_whole(governed, run):
    governed.add("contracts/a.odcs.yaml", WARNED)
    assert run("check", "--format", "text")[1].count("\n") == 6
    assert json.loads(run("check", "--format=json")[1])["summary"]["warnings"] == 1


def test_a_clean_push_says_so(governed, run):
    governed.add("contracts/a.odcs.yaml", CLEAN)
    governed.commit()
    assert run("check", "--stage", "push") == (0, "0 errors · 0 warnings\n", "")


def test_revisions(governed, run):
    first = governed.git("rev-parse", "HEAD")
    governed.add("contracts/a.odcs.yaml", CLEAN)
    governed.commit()
    governed.add("contracts/a.odcs.yaml", "TODO: TODO\n")
    assert run("check", "--base", first, "--head", "HEAD", "--stage", "push")[0] == 0
    assert run("check", "--base", "HEAD", "--head", first, "--stage", "push")[0] == 1
    assert run("check", "--base", "HEAD", "--head", "HEAD")[0] == 0


def test_select(run):
    assert run("check", "--select", "AIP902")[0] == 0
    assert run("check", "--select", "AIP902,AIP901")[0] == 1
    assert run("check", "--select", "AIP902", "--select=AIP901")[0] == 1
    code, out, err = run("check", "--select", "AIP999")
    assert (code, out) == (2, "")
    assert err == (
        "ai-program: there is no rule AIP999; the rules are AIP901, AIP902, AIP903, AIP904\n"
    )


def test_output_goes_to_a_file(governed, run):
    code, out, _ = run("check", "--format", "json", "--output", "report.json")
    assert code == 1
    assert out == "1 error · 1 warning · `ai-program explain AIP901` says why\n"
    assert json.loads((governed.path / "report.json").read_text())["summary"]["errors"] == 1
    code, _, err = run("check", "--output", "no/such/folder")
    assert code == 2
    assert err == "ai-program: cannot write no/such/folder: No such file or directory\n"


def test_a_file_is_written_whole_or_not_at_all(governed, run, monkeypatch):
    report = governed.path / "report.json"
    report.write_text("the report of yesterday")
    before = sorted(path.name for path in governed.path.iterdir())

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(cli.os, "replace", full)
        code, out, err = run("check", "--format", "sarif", "--output", "report.json")
    assert (code, out) == (2, "")
    assert err == "ai-program: cannot write report.json: No space left on device\n"
    assert report.read_text() == "the report of yesterday"
    assert sorted(path.name for path in governed.path.iterdir()) == before
    assert run("check", "--format", "sarif", "--output", "report.json")[0] == 1
    assert json.loads(report.read_text())["version"] == "2.1.0"
    assert sorted(path.name for path in governed.path.iterdir()) == before


@pytest.mark.skipif(cli.os.name == "nt", reason="links need a privilege there")
def test_a_link_stays_a_link(governed, run):
    (governed.path / "link.md").symlink_to("report.md")
    assert run("check", "--format", "markdown", "--output", "link.md")[0] == 1
    assert (governed.path / "link.md").is_symlink()
    assert (governed.path / "report.md").read_text().startswith("### ai-program: 1 error")


def test_rules_are_listed(run):
    assert run("rules") == (
        0,
        """\
code    minimal  limited  high   runs at   waivable  what holds
AIP901  warning  error    error  commit    yes       Nothing is left to do
AIP902  off      warning  error  commit    yes       Owners are told
AIP903  error    error    error  push      no        Nothing is pushed with a secret
AIP904  error    error    error  schedule  no        Time passes
""",
        "",
    )
    code, out, _ = run("rules", "--format", "json")
    listed = json.loads(out)
    assert (code, listed["version"]) == (0, 1)
    assert [rule["code"] for rule in listed["rules"]] == ["AIP901", "AIP902", "AIP903", "AIP904"]
    assert listed["rules"][2] == {
        "code": "AIP903",
        "title": "Nothing is pushed with a secret",
        "family": "toy",
        "why": "A pushed secret is a secret no more.",
        "do": "take it out",
        "severity": {"minimal": "error", "limited": "error", "high": "error"},
        "when": ["push"],
        "waivable": False,
        "controls": {"eu_ai_act": ["15"]},
    }


def test_github_writes_the_summary_of_the_step(governed, run, monkeypatch):
    summary = governed.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    code, out, _ = run("check", "--format", "github")
    assert code == 1
    fences = re.findall(r"^::stop-commands::([0-9a-f]{32})$", out, re.MULTILINE)
    assert len(fences) == 1
    assert out.endswith(f"\n::{fences[0]}::\n")
    assert summary.read_text().startswith("### ai-program: 1 error")


def test_colour_on_a_terminal_unless_unwanted(run, monkeypatch):
    monkeypatch.setattr(cli.sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31;1mAIP901 error\x1b[0m" in run("check")[1]
    assert "\x1b" not in run("check", "--format", "json")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("check")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("chekc",), "there is no command 'chekc'"),
        (("check", "--stgae", "push"), "'--stgae' is no option of this command"),
        (("check", "here"), "'here' is no option of this command"),
        (("check", "--stage", "pull"), "--stage is one of commit, push, schedule, not 'pull'"),
        (("check", "--stage"), "--stage needs a value"),
        (("check", "--format="), "--format is one of text, json, github, sarif, markdown, not ''"),
        (("check", "--no-cache=1"), "--no-cache takes no value"),
        (("check", "--stage", "push", "--stage", "push"), "--stage stands here twice"),
        (("check", "--today", "yesterday"), "--today is a day, YYYY-MM-DD, not 'yesterday'"),
        (("check", "--today", "20261122"), "--today is a day, YYYY-MM-DD, not '20261122'"),
        (("check", "--head", "HEAD"), "--head needs --base"),
        (("rules", "--format", "xml"), "--format is one of text, json, not 'xml'"),
        (("explain",), "explain takes the code of one rule"),
        (("explain", "AIP000"), "there is no rule AIP000"),
        (("check", "--base=-x", "--head=HEAD"), "'-x' is not a revision"),
    ],
)
def test_wrong_use_is_said_and_is_not_a_finding(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"ai-program: {message}")
    assert err.count("\n") == 1


def test_no_repository_is_wrong_use(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert run("check") == (2, "", "ai-program: this is not a git repository\n")


def test_nothing_governed_is_wrong_use(repo, run):
    repo.git("rm", "-q", "-r", "-f", ".")
    repo.add("README.md", "# Hello\n")
    repo.commit()
    code, out, err = run("check")
    assert (code, out) == (2, "")
    assert err.startswith("ai-program: nothing here is governed")
    assert err.count("\n") == 1


def test_what_cannot_be_decided_is_no_pass(governed, run):
    code, out, err = run("check", "--stage", "push", "--base", "0" * 40)
    assert (code, out) == (3, "")
    assert err.startswith("ai-program: cannot decide: there is no commit 0000")


def test_a_broken_rule_is_no_pass(run, monkeypatch):
    class AIP901(TOYS["AIP901"]):
        def check(self, program):
            raise RuntimeError("oh\nno")

    monkeypatch.setattr(rules, "find", {**TOYS, "AIP901": AIP901}.__getitem__)
    assert run("check") == (
        3,
        "",
        "ai-program: cannot decide: rule AIP901 broke: RuntimeError: oh no\n",
    )


def test_too_little_memory_is_no_pass(run, monkeypatch):
    class AIP901(TOYS["AIP901"]):
        def check(self, program):
            raise MemoryError

    monkeypatch.setattr(rules, "find", {**TOYS, "AIP901": AIP901}.__getitem__)
    assert run("check") == (
        3,
        "",
        "ai-program: cannot decide: what is committed needs more memory than there is\n",
    )


def test_a_broken_engine_is_no_pass(run, monkeypatch):
    monkeypatch.setattr(cli, "_check", lambda _: 1 / 0)
    assert run("check") == (
        3,
        "",
        "ai-program: cannot decide: the engine broke: ZeroDivisionError: division by zero\n",
    )


def test_a_broken_installation_is_said(run, monkeypatch):
    def root():
        raise paths.BrokenInstallationError("install it again")

    monkeypatch.setattr(paths, "root", root)
    assert run("check") == (2, "", "ai-program: install it again\n")


def test_explain(run):
    assert run("explain", "aip903") == (
        0,
        """\
AIP903  Nothing is pushed with a secret

A pushed secret is a secret no more.

do: take it out

severity: minimal error, limited error, high error
runs at: push; nothing can waive it
maps to eu_ai_act: 15
""",
        "",
    )


def test_open(governed, run):
    governed.add(
        "governance/impact-assessment.md",
        '---\nstatus: open\nowner: "@grace"\ndue: "2026-12-01"\nnote: ask the council\n---\n',
    )
    governed.add(
        "policies/data.yaml",
        "sources:\n"
        '  - {id: meters, status: open, owner: "@ada", due: "2026-11-20", note: name the owner}\n'
        "  - {id: weather, status: done}\n",
    )
    governed.add("sprints/sprint-01/backlog.yaml", "items: [{id: ITEM-01, status: open}]\n")
    assert run("open") == (
        0,
        """\
2026-11-20 (late)  @ada  policies/data.yaml:2:26
  meters: name the owner
2026-12-01  @grace  governance/impact-assessment.md:2:9
  impact-assessment: ask the council
2 open
""",
        "",
    )
    assert json.loads(run("open", "--format", "json")[1])["open"][0] == {
        "path": "policies/data.yaml",
        "line": 2,
        "name": "meters",
        "owner": "@ada",
        "due": "2026-11-20",
        "note": "name the owner",
    }


def test_nothing_open(run):
    assert run("open") == (0, "nothing is open\n", "")


def test_help_and_version(run):
    assert run()[1].startswith("usage: ai-program check")
    assert run("--help") == run()
    assert run("explain", "--help") == run()
    assert run("check", "--help") == run()
    assert run("--version") == (0, "ai-program 0.1.0\n", "")


def test_pin_is_another_module(run, monkeypatch):
    seen = []
    from ai_program import pins

    monkeypatch.setattr(pins, "main", lambda arguments: seen.append(arguments) or 0)
    assert run("pin", "v0.2.0")[0] == 0
    assert seen == [["v0.2.0"]]
