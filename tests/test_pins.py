"""``ai-program pin``: both pins move together, to a commit that cannot move, or neither does."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, environment, git

from ai_program import pins
from ai_program.git import CannotDecide, Misuse

CONFIG = """\
# A comment that stays.
repos:
  - repo: "{source}"   # the engine
    rev: "{rev}"
    hooks:
      - id: ai-program
      - id: ai-program-push
  - repo: local
    hooks: []
"""
LOCK = """\
{{
  "engine": {{"rev": "{rev}", "source": "{source}", "version": "0.1.0"}},
  "template": {{"commit": "{rev}", "local": true, "source": "{source}"}}
}}
"""


@pytest.fixture
def env(tmp_path, monkeypatch):
    """Return an environment with an identity, which pins.main gets too."""
    found = environment(tmp_path / "home")
    (tmp_path / "home" / ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@example.org\n")
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def engine(tmp_path, env):
    """Return a repository of the engine with the tags v0.1.0, v0.9.0 and v0.10.0."""
    path = tmp_path / "engine"
    (path / "src" / "ai_program").mkdir(parents=True)
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", path)
    git(path, "init", "-q", "-b", "main", env=env)
    for version in ("0.1.0", "0.9.0", "0.10.0"):
        module = path / "src" / "ai_program" / "__init__.py"
        module.write_text(f'__version__ = "{version}"\n')
        git(path, "add", "-A", env=env)
        git(path, "commit", "-qm", version, env=env)
        git(path, "tag", "-am", version, f"v{version}", env=env)
    return path


def commit(path, revision):
    return git(path, "rev-parse", f"{revision}^{{commit}}")


@pytest.fixture
def governed(tmp_path, engine, env, monkeypatch):
    """Return a repository whose engine is pinned to v0.1.0; the tests stand in a folder of it."""
    path = tmp_path / "governed"
    (path / ".ai-program").mkdir(parents=True)
    facts = {"source": engine.as_posix(), "rev": commit(engine, "v0.1.0")}
    (path / ".pre-commit-config.yaml").write_text(CONFIG.format(**facts))
    (path / ".ai-program" / "lock.json").write_text(LOCK.format(**facts))
    git(path, "init", "-q", env=env)
    monkeypatch.chdir(path / ".ai-program")
    return path


def pinned(governed):
    """Return what both files say: the revisions and the sources."""
    lock = json.loads((governed / ".ai-program" / "lock.json").read_text())["engine"]
    lines = (governed / ".pre-commit-config.yaml").read_text().splitlines()
    config = {line.split(":")[0].strip(" -"): line.split('"')[1] for line in lines[2:4]}
    assert (config["repo"], config["rev"]) == (lock["source"], lock["rev"])
    return lock


@pytest.mark.parametrize("revision", ["v0.9.0", "main~1", "short", "full"])
def test_a_revision_is_written_as_the_commit_that_it_names(governed, engine, revision, capsys):
    wanted = commit(engine, "v0.9.0")
    given = {"short": wanted[:9], "full": wanted}.get(revision, revision)
    assert pins.main([given]) == 0
    assert pinned(governed) == {"source": engine.as_posix(), "rev": wanted, "version": "0.9.0"}
    said = capsys.readouterr().out
    assert f"{commit(engine, 'v0.1.0')[:12]} → {wanted[:12]} (version 0.9.0)" in said
    assert "only this machine can fetch it" in said


def test_without_a_revision_it_is_the_highest_release(governed, engine):
    assert pins.main([]) == 0
    assert pinned(governed)["rev"] == commit(engine, "v0.10.0")


def test_nothing_else_of_the_files_changes(governed, engine):
    old, new = commit(engine, "v0.1.0"), commit(engine, "v0.9.0")
    paths = (governed / ".pre-commit-config.yaml", governed / ".ai-program" / "lock.json")
    expected = [
        path.read_text().replace(f'rev: "{old}"', f'rev: "{new}"')
        .replace(f'"rev": "{old}"', f'"rev": "{new}"')
        .replace('"version": "0.1.0"', '"version": "0.9.0"')
        for path in paths
    ]  # fmt: skip
    pins.main(["v0.9.0"])
    assert [path.read_text() for path in paths] == expected


def test_the_engine_moves_to_an_address_that_colleagues_reach(governed, engine, env):
    address = "https://example.org/acme/ai-program"
    git(engine, "config", "--global", f"url.{engine.as_posix()}.insteadOf", address, env=env)
    assert pins.main(["v0.9.0", "--source", address]) == 0
    assert pinned(governed)["source"] == address
    template = json.loads((governed / ".ai-program" / "lock.json").read_text())["template"]
    assert template == {"commit": commit(engine, "v0.1.0"), "local": False, "source": address}


def test_it_works_inside_a_hook_of_another_repository(governed, engine, monkeypatch):
    monkeypatch.setenv("GIT_INDEX_FILE", str(engine / ".git" / "index"))
    assert pins.main(["v0.9.0"]) == 0
    assert pinned(governed)["version"] == "0.9.0"


def test_staying_says_so(governed, engine, capsys):
    assert pins.main(["v0.1.0"]) == 0
    assert capsys.readouterr().out == f"the pins stay at {commit(engine, 'v0.1.0')} (0.1.0)\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["v9.9.9"], "has no revision v9.9.9 that a branch or a tag keeps"),
        (["1234567890123456789012345678901234567890"], "has no revision 1234567"),
        (["main", "main"], "'main' makes no sense here"),
        (["--force"], "'--force' makes no sense here"),
        (["--source"], "--source needs an address"),
        (["--source=--upload-pack=touch x", "main"], "is neither a revision nor an address"),
        (["v0.1.0^{tree}"], "has no revision"),
    ],
)
def test_what_makes_no_sense_is_refused(governed, arguments, reason):
    before = pinned(governed)
    with pytest.raises(Misuse, match=reason.replace("^", r"\^")):
        pins.main(arguments)
    assert pinned(governed) == before


def test_a_commit_that_no_branch_keeps_is_refused(governed, engine, env):
    (engine / "x").write_text("x")
    git(engine, "add", "-A", env=env)
    git(engine, "commit", "-qm", "lost", env=env)
    lost = commit(engine, "HEAD")
    git(engine, "reset", "-q", "--hard", "HEAD~1", env=env)
    with pytest.raises(Misuse, match="that a branch or a tag keeps"):
        pins.main([lost])


def test_what_is_no_engine_is_refused(governed, engine, env):
    (engine / ".pre-commit-hooks.yaml").write_text("- id: ai-program\n")
    git(engine, "commit", "-qam", "no push hook", env=env)
    with pytest.raises(Misuse, match="is no engine with the hooks ai-program and ai-program-push"):
        pins.main(["main"])


def test_no_release_needs_a_revision(governed, engine, env):
    git(engine, "tag", "-d", "v0.1.0", "v0.9.0", "v0.10.0", env=env)
    with pytest.raises(Misuse, match="has no release"):
        pins.main([])


def test_an_engine_out_of_reach_is_no_verdict(governed):
    with pytest.raises(CannotDecide, match="cannot be reached"):
        pins.main(["main", "--source", str(Path("/nowhere/at/all"))])


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        (".ai-program/lock.json", None, "is this a generated repository"),
        (".ai-program/lock.json", "{", r"lock\.json:1"),
        (".pre-commit-config.yaml", "repos: []\n", "takes no hook from"),
    ],
)
def test_a_repository_without_pins_is_refused(governed, path, text, reason):
    (governed / path).unlink() if text is None else (governed / path).write_text(text)
    with pytest.raises(Misuse, match=reason):
        pins.main(["v0.9.0"])
