"""Whatever both sides do: each line that the team wrote stands in the result, or git still has it.

Edits on both sides are drawn at random, from a seed that is told when it fails. A line that the
team wrote may leave a file only where the file itself is the conflict (a binary one, or one whose
place is taken): then it is in the index, on the team's side.
"""

from __future__ import annotations

import random

import pytest
from regeneration.teams import numbered

from ai_program.regeneration import commands

NAMES = ("a.md", "docs/b.md", "docs/c.yaml", "deep/er/d.txt", "e")


def lines_of(rng: random.Random, name: str) -> list[str]:
    return [f"{name} line {number}" for number in range(rng.randint(3, 25))]


def edited(rng: random.Random, lines: list[str], who: str) -> list[str]:
    """Return lines with a few of them changed, added, taken away or moved."""
    result = list(lines)
    for turn in range(rng.randint(1, 4)):
        at = rng.randrange(len(result) + 1)
        what = rng.choice(("change", "add", "remove", "move"))
        if what == "add" or not result or at == len(result):
            result[at:at] = [f"{who} added {turn} at {at}"]
        elif what == "change":
            result[at] = f"{who} changed {turn} at {at}"
        elif what == "remove":
            del result[at : at + rng.randint(1, 3)]
        else:
            line = result.pop(at)
            result.insert(rng.randrange(len(result) + 1), line)
    return result


def version(rng: random.Random, files: dict[str, list[str]], who: str) -> dict[str, list[str]]:
    """Return what one side makes of the files."""
    result = {}
    for name, lines in files.items():
        what = rng.choice(("keep", "edit", "edit", "edit", "delete", "rename", "rename and edit"))
        if what == "delete":
            continue
        place = f"{who}/{name}" if "rename" in what else name
        result[place] = edited(rng, lines, who) if "edit" in what else lines
    if rng.random() < 0.5:
        result[f"new-{rng.randint(1, 2)}.md"] = [f"{who} wrote {number}" for number in range(4)]
    return result


def text(files: dict[str, list[str]]) -> dict[str, str]:
    return {name: "".join(f"{line}\n" for line in lines) for name, lines in files.items()}


@pytest.mark.parametrize("seed", range(12))
def test_no_line_of_the_team_is_lost(seed, make_team):
    rng = random.Random(seed)
    old = {name: lines_of(rng, name) for name in NAMES}
    ours, theirs = version(rng, old, "team"), version(rng, old, "template")
    team = make_team(text(old))
    team.edit({**dict.fromkeys(old), **text(ours)})
    before = team.everything()

    code = team.regenerate(text(theirs))
    assert code == (3 if team.unmerged() else 0)
    wrote = {line for lines in ours.values() for line in lines if line.startswith("team ")}
    staged = {
        line
        for each in team.repository.staged()[1]
        if each.ours
        for line in team.repository.read(each.ours.oid).decode().split("\n")
    }
    assert wrote - team.lines() - staged == set()
    added = {line for lines in theirs.values() for line in lines if line.startswith("template ")}
    assert added - team.lines() == set(), "nor is one of the template's"

    commands.abort(team.repository)
    assert team.everything() == before


def test_the_check_can_fail(make_team):
    """The same check sees a line that is gone."""
    team = make_team({"a.md": numbered()})
    team.edit({"a.md": numbered((3, "team wrote"))})
    assert team.regenerate({"a.md": numbered((9, "template"))}) == 0
    assert "team wrote" in team.lines()
    team.write({"a.md": numbered()})
    assert "team wrote" not in team.lines()
