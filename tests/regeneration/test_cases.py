"""Each way in which a template and a team can meet, played by git for real.

A case says what the template was and became, what the team did, and what is there afterwards. Of
every case the plan must have said the same, and the abort must bring everything back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from regeneration.teams import File, Files, numbered

from ai_program.regeneration.rendering import digest

CLEAN, CONFLICTS = 0, 3
A = "docs/a.md"


@dataclass(frozen=True)
class Case:
    """What the template and the team do to a file, and what comes of it."""

    old: Files
    new: Files
    team: dict[str, File | None] = field(default_factory=dict)
    moves: tuple[str, str] | None = None
    expect: dict[str, File | None] = field(default_factory=dict)  # the whole file; None: gone
    holds: dict[str, tuple[str, ...]] = field(default_factory=dict)  # lines that are in it
    conflicts: dict[str, str] = field(default_factory=dict)  # path: reason


ADDED = "the team and the template both added it"
SAME_PLACE = "both changed the same place"
TEAM_DELETED = "the team deleted or moved it, the template changed it"
TEMPLATE_DELETED = "the template deleted or moved it, the team changed it"

CASES = {
    "unchanged": Case(
        old={A: numbered()}, new={A: numbered((2, "new"))}, expect={A: numbered((2, "new"))}
    ),
    "team edit elsewhere": Case(
        old={A: numbered()},
        new={A: numbered((2, "template"))},
        team={A: numbered((9, "team"))},
        expect={A: numbered((2, "template"), (9, "team"))},
    ),
    "same line": Case(
        old={A: numbered()},
        new={A: numbered((5, "template"))},
        team={A: numbered((5, "team"))},
        holds={A: ("team", "line 5", "template")},
        conflicts={A: SAME_PLACE},
    ),
    "same line, same change": Case(
        old={A: numbered()},
        new={A: numbered((5, "both"))},
        team={A: numbered((5, "both"))},
        expect={A: numbered((5, "both"))},
    ),
    "adjacent line": Case(
        old={A: numbered()},
        new={A: numbered((5, "template"))},
        team={A: numbered((6, "team"))},
        holds={A: ("team", "template", "line 5", "line 6")},
        conflicts={A: SAME_PLACE},
    ),
    "team deleted, template unchanged": Case(
        old={A: numbered(), "docs/b.md": "b\n"},
        new={A: numbered(), "docs/b.md": "c\n"},
        team={A: None},
        expect={A: None, "docs/b.md": "c\n"},
    ),
    "team deleted, template changed": Case(
        old={A: numbered()},
        new={A: numbered((5, "template"))},
        team={A: None},
        expect={A: numbered((5, "template"))},
        conflicts={A: TEAM_DELETED},
    ),
    "template deleted, team untouched": Case(
        old={A: numbered(), "docs/b.md": "b\n"}, new={"docs/b.md": "b\n"}, expect={A: None}
    ),
    "template deleted, team edited": Case(
        old={A: numbered()},
        new={},
        team={A: numbered((5, "team"))},
        expect={A: numbered((5, "team"))},
        conflicts={A: TEMPLATE_DELETED},
    ),
    "template renamed": Case(
        old={A: numbered()},
        new={"docs/b.md": numbered((2, "template"))},
        expect={A: None, "docs/b.md": numbered((2, "template"))},
    ),
    "template renamed, team edited": Case(
        old={A: numbered()},
        new={"docs/b.md": numbered((2, "template"))},
        team={A: numbered((9, "team"))},
        expect={A: None, "docs/b.md": numbered((2, "template"), (9, "team"))},
    ),
    "template renamed, team edited the same line": Case(
        old={A: numbered()},
        new={"docs/b.md": numbered((2, "template"))},
        team={A: numbered((2, "team"))},
        holds={"docs/b.md": ("team", "template", "line 2")},
        conflicts={"docs/b.md": SAME_PLACE},
    ),
    "team renamed": Case(
        old={A: numbered()},
        new={A: numbered((2, "template"))},
        moves=(A, "guide/a.md"),
        expect={A: None, "guide/a.md": numbered((2, "template"))},
    ),
    "team renamed and edited": Case(
        old={A: numbered()},
        new={A: numbered((2, "template"))},
        team={A: None, "guide/a.md": numbered((9, "team"))},
        expect={A: None, "guide/a.md": numbered((2, "template"), (9, "team"))},
    ),
    "new template file, team's own file": Case(
        old={},
        new={A: "template\n"},
        team={A: "team\n"},
        holds={A: ("team", "template")},
        conflicts={A: ADDED},
    ),
    "new template file, the same in the team": Case(
        old={}, new={A: "same\n"}, team={A: "same\n"}, expect={A: "same\n"}
    ),
    "new file": Case(old={}, new={A: "new\n"}, expect={A: "new\n"}),
    "the team's own file": Case(
        old={A: "a\n"}, new={A: "b\n"}, team={"own.txt": "own\n"},
        expect={A: "b\n", "own.txt": "own\n"},
    ),
    "the team's own file in a folder that the template renamed": Case(
        old={"docs/a.md": numbered(), "docs/b.md": numbered((1, "b"))},
        new={"guide/a.md": numbered(), "guide/b.md": numbered((1, "b"))},
        team={"docs/own.md": "own\n"},
        expect={"guide/own.md": "own\n", "docs/own.md": None},
        conflicts={"guide/own.md": "it was moved: say where it belongs"},
    ),
    "binary, template changed": Case(
        old={"a.bin": b"\0\1"}, new={"a.bin": b"\0\2"}, expect={"a.bin": b"\0\2"}
    ),
    "binary, both changed": Case(
        old={"a.bin": b"\0\1"},
        new={"a.bin": b"\0\2"},
        team={"a.bin": b"\0\3"},
        expect={"a.bin": b"\0\3"},
        conflicts={"a.bin": SAME_PLACE},
    ),
    "mode, template changed": Case(
        old={"run": numbered()},
        new={"run": ("100755", numbered())},
        team={"run": numbered((5, "team"))},
        expect={"run": ("100755", numbered((5, "team")))},
    ),
    "mode, team changed": Case(
        old={"run": numbered()},
        new={"run": numbered((5, "template"))},
        team={"run": ("100755", numbered())},
        expect={"run": ("100755", numbered((5, "template")))},
    ),
    "symlink, template changed": Case(
        old={"to": ("120000", "a")}, new={"to": ("120000", "b")}, expect={"to": ("120000", "b")}
    ),
    "symlink, both changed": Case(
        old={"to": ("120000", "a")},
        new={"to": ("120000", "b")},
        team={"to": ("120000", "c")},
        expect={"to": ("120000", "c")},
        conflicts={"to": SAME_PLACE},
    ),
    "file turned directory": Case(
        old={"docs": "a file\n"},
        new={"docs/a.md": "in a folder\n"},
        expect={"docs/a.md": "in a folder\n"},
    ),
    "file turned directory, team edited": Case(
        old={"docs": numbered()},
        new={"docs/a.md": "in a folder\n"},
        team={"docs": numbered((5, "team"))},
        expect={"docs/a.md": "in a folder\n"},
        holds={"docs~HEAD": ("team",)},
        conflicts={"docs~HEAD": TEMPLATE_DELETED},
    ),
    "symlink turned file": Case(
        old={"to": ("120000", "a")}, new={"to": numbered()}, expect={"to": numbered()}
    ),
    "file turned symlink, team edited": Case(
        old={"to": numbered()},
        new={"to": ("120000", "a")},
        team={"to": numbered((5, "team"))},
        holds={"to~HEAD": ("team",)},
        conflicts={"to": "it was moved: say where it belongs", "to~HEAD": TEMPLATE_DELETED},
    ),
    "mode, both changed, and lines": Case(
        old={"run": numbered()},
        new={"run": ("100755", numbered((2, "template")))},
        team={"run": ("100755", numbered((9, "team")))},
        expect={"run": ("100755", numbered((2, "template"), (9, "team")))},
    ),
    "directory turned file": Case(
        old={"docs/a.md": numbered()}, new={"docs": "a file\n"}, expect={"docs": "a file\n"}
    ),
    "CRLF of the team": Case(
        old={A: numbered()},
        new={A: numbered((2, "template"))},
        team={
            A: numbered((9, "team")).replace("\n", "\r\n"),
            ".gitattributes": "docs/* text eol=crlf\n",
        },
        holds={A: ("template", "team")},
    ),
    "CRLF as it is": Case(
        old={A: numbered().replace("\n", "\r\n")},
        new={A: numbered((2, "template")).replace("\n", "\r\n")},
        team={A: numbered((9, "team")).replace("\n", "\r\n")},
        expect={A: numbered((2, "template"), (9, "team")).replace("\n", "\r\n")},
    ),
    "names beyond ASCII": Case(
        old={"docs/Übersicht ☃.md": numbered()},
        new={"docs/Übersicht ☃.md": numbered((2, "neu"))},
        team={"docs/Übersicht ☃.md": numbered((9, "Zeile vom team"))},
        expect={"docs/Übersicht ☃.md": numbered((2, "neu"), (9, "Zeile vom team"))},
    ),
    "names with spaces, quotes and tabs": Case(
        old={'a "b"\tc': numbered()},
        new={'a "b"\tc': numbered((2, "template"))},
        expect={'a "b"\tc': numbered((2, "template"))},
    ),
    "managed": Case(
        old={"managed/a": "1\n"}, new={"managed/a": "2\n"}, expect={"managed/a": "2\n"}
    ),
    "managed, team edited": Case(
        old={"managed/a": "1\n"},
        new={"managed/a": "2\n"},
        team={"managed/a": "team\n"},
        expect={"managed/a": "2\n"},
    ),
    "managed, team deleted": Case(
        old={"managed/a": "1\n"}, new={"managed/a": "1\n"}, team={"managed/a": None},
        expect={"managed/a": "1\n"},
    ),
    "managed, new and gone": Case(
        old={"managed/a": "1\n"}, new={"managed/b": "2\n"},
        expect={"managed/a": None, "managed/b": "2\n"},
    ),
    "seeded, template changed": Case(
        old={"src/a.py": "1\n", A: "a\n"}, new={"src/a.py": "2\n", A: "b\n"},
        expect={"src/a.py": "1\n"},
    ),
    "seeded, team deleted": Case(
        old={"src/a.py": "1\n", A: "a\n"}, new={"src/a.py": "2\n", A: "b\n"},
        team={"src/a.py": None}, expect={"src/a.py": None},
    ),
    "seeded, gone from the template": Case(
        old={"src/a.py": "1\n", A: "a\n"}, new={A: "b\n"}, expect={"src/a.py": "1\n"}
    ),
    "seeded, new": Case(old={}, new={"src/a.py": "1\n"}, expect={"src/a.py": "1\n"}),
    "seeded, new, team's own file": Case(
        old={A: "a\n"}, new={"src/a.py": "1\n", A: "b\n"}, team={"src/a.py": "own\n"},
        expect={"src/a.py": "own\n"},
    ),
    "a deleted file and a seeded one like it": Case(
        old={A: numbered(), "seeded/a": numbered((1, "seeded"))},
        new={A: numbered((5, "template")), "seeded/a": numbered((1, "seeded"))},
        team={A: None},
        expect={"seeded/a": numbered((1, "seeded")), A: numbered((5, "template"))},
        conflicts={A: TEAM_DELETED},
    ),
    "the package's folder renamed": Case(
        old={"src/one/a.py": numbered((1, "import one")), "src/one/b.py": numbered((1, "b"))},
        new={"src/two/a.py": numbered((1, "import two")), "src/two/b.py": numbered((1, "b"))},
        team={"src/one/a.py": numbered((1, "import one"), (9, "team"))},
        expect={
            "src/two/a.py": numbered((1, "import two"), (9, "team")),
            "src/two/b.py": numbered((1, "b")),
            "src/one/a.py": None,
        },
    ),
    "the package's folder renamed, tests beside it": Case(
        old={
            "src/one/a.py": numbered((1, "import one")),
            "seeded/test_a.py": numbered((1, "from one import a"), (2, "from one import b")),
            "seeded/other.py": "someone\n",
            "seeded/said.md": "one\n",
        },
        new={
            "src/two/a.py": numbered((1, "import two")),
            "seeded/test_a.py": numbered((1, "from two import a"), (2, "from two import b")),
            "seeded/other.py": "sometwo\n",
            "seeded/said.md": "two\n",
        },
        team={
            "seeded/test_a.py": numbered(
                (1, "from one import a"), (2, "from one import b"), (9, "team")
            ),
            "seeded/test_own.py": "from one import a  # team\n",
        },
        expect={
            "src/two/a.py": numbered((1, "import two")),
            "seeded/test_a.py": numbered(
                (1, "from two import a"), (2, "from two import b"), (9, "team")
            ),
            "seeded/test_own.py": "from one import a  # team\n",
            "seeded/other.py": "someone\n",
            "seeded/said.md": "one\n",
        },
    ),
    "the package's folder renamed, a test that the team changed there": Case(
        old={"src/one/a.py": numbered(), "seeded/test_a.py": numbered((5, "from one import a"))},
        new={"src/two/a.py": numbered(), "seeded/test_a.py": numbered((5, "from two import a"))},
        team={"seeded/test_a.py": numbered((5, "from one import a, team"))},
        holds={"seeded/test_a.py": ("from one import a, team", "from two import a")},
        conflicts={"seeded/test_a.py": SAME_PLACE},
    ),
    "the package's folder renamed, a test that the team deleted": Case(
        old={"src/one/a.py": numbered(), "seeded/test_a.py": "import one\n"},
        new={"src/two/a.py": numbered(), "seeded/test_a.py": "import two\n"},
        team={"seeded/test_a.py": None},
        expect={"seeded/test_a.py": None},
    ),
    "from seeded to merged": Case(
        old={"docs/x": "x\n", "seeded/a": numbered()}, new={"docs/x": "y\n"},
        team={"seeded/a": numbered((3, "team"))}, expect={"seeded/a": numbered((3, "team"))},
    ),
    "no newline at the end": Case(
        old={A: "a\nb\nc\nd\ne"}, new={A: "a2\nb\nc\nd\ne"}, team={A: "a\nb\nc\nd\ne2"},
        expect={A: "a2\nb\nc\nd\ne2"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_expected_and_can_be_undone(name, make_team, capsys):
    case = CASES[name]
    team = make_team(case.old)
    team.edit(case.team)
    if case.moves:
        team.move(*case.moves)
    wrote = team.lines()
    before = team.everything()

    planned = team.plan(case.new)
    plan = capsys.readouterr().out
    assert team.everything() == before, "a plan changes nothing"

    code = team.regenerate(case.new)
    said = capsys.readouterr().out
    assert code == planned == (CONFLICTS if case.conflicts else CLEAN), said
    assert team.unmerged() == case.conflicts
    for path, reason in case.conflicts.items():
        assert f"C {_shown(path)}: {reason}" in plan
        assert f"C {_shown(path)}: {reason}" in said
    for path, file in case.expect.items():
        assert_is(team, path, file)
    for path, lines in case.holds.items():
        assert set(lines) <= {line.rstrip("\r") for line in team.read(path).split("\n")}
    replaced = {"team"} if name == "managed, team edited" else set()
    assert not {line for line in wrote if "team" in line or line == "own"} - team.lines() - replaced

    assert team.regenerate(case.new) == code, "a second run changes nothing"
    assert team.git("log", "--format=%s", "-1") != "Regenerate", "the commit is the user's"
    abort(team)
    assert team.everything() == before


def test_imports_of_a_renamed_package_that_the_team_wrote_are_listed(make_team, capsys):
    old = {"src/one/a.py": numbered(), "seeded/test_a.py": "import one\nfrom os import path\n"}
    new = {"src/two/a.py": numbered(), "seeded/test_a.py": "import two\nfrom os import path\n"}
    team = make_team(old)
    team.edit({
        "seeded/test_a.py": "import one\nfrom os import path\nimport one.own\n",
        "seeded/test_own.py": "def test():\n    from one.own import a\n    import one\n",
        "seeded/alien.py": "import one_more\nimport someone\n",
    })  # fmt: skip
    team.plan(new)
    said = capsys.readouterr().out
    assert "seeded/test_a.py: a line of the team imports one, which is two now" in said
    assert "seeded/test_own.py: 2 lines of the team import one, which is two now" in said
    assert "alien" not in said
    assert team.regenerate(new) == CLEAN
    assert said.split("notes")[1].split("\n\n")[0] in capsys.readouterr().out
    assert team.lock()["files"]["seeded/test_a.py"]["digest"] == digest(
        b"import two\nfrom os import path\n"
    )


def _shown(path: str) -> str:
    return path.replace("\t", "?")


def assert_is(team, path, file):
    if file is None:
        assert team.read(path) is None, path
    elif isinstance(file, tuple) and file[0] == "120000":
        assert team.read(path) == f"-> {file[1]}"
    else:
        mode, content = file if isinstance(file, tuple) else (None, file)
        content = content.encode() if isinstance(content, str) else content
        assert (team.root / path).read_bytes() == content, path
        if mode:
            assert team.git("ls-files", "--stage", "--", path).startswith(mode)


def abort(team):
    from ai_program.regeneration import commands

    assert commands.abort(team.repository) == 0
