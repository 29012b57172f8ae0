"""Every state that a git repository can be in: the right answer, or a clear refusal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from engine.repositories import Repository

from ai_program import git, snapshot
from ai_program.documents import DocumentError
from ai_program.snapshot import CannotDecide, Misuse

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs names that Windows refuses")


# --- at commit -------------------------------------------------------------------------------


def test_the_first_commit_is_compared_with_nothing(repo):
    repo.add("a.yaml", "a: 1\n")
    taken = repo.take()
    assert taken.base.entries == {}
    assert taken.base.commit is None
    assert taken.changed == {"a.yaml": "A"}
    assert taken.head.document("a.yaml").value == {"a": 1}


def test_the_index_is_judged_and_not_the_directory(repo):
    repo.add("a.yaml", "a: 1\n").add("b.yaml", "b: 1\n")
    repo.commit()
    repo.add("a.yaml", "a: 2\n")
    repo.write("a.yaml", "a: 3\n").write("untracked.yaml", "x: 1\n")
    (repo.path / "b.yaml").unlink()
    taken = repo.take()
    assert taken.changed == {"a.yaml": "M"}
    assert taken.head.document("a.yaml").value == {"a": 2}
    assert taken.base.document("a.yaml").value == {"a": 1}
    assert "untracked.yaml" not in taken.head
    assert taken.head.document("b.yaml").value == {"b": 1}


def test_deletion_rename_and_change_of_mode(repo):
    repo.add("gone.md", "x").add("old.md", "some text\n").add("run.sh", "x")
    repo.commit()
    repo.git("rm", "-q", "gone.md")
    repo.git("mv", "old.md", "new.md")
    repo.git("update-index", "--chmod=+x", "run.sh")
    assert repo.take().changed == {"gone.md": "D", "new.md": "A", "old.md": "D", "run.sh": "M"}


@posix
def test_commit_all_uses_its_own_index(repo):
    """What a hook of ``git commit -a`` sees: an index of another name."""
    repo.add("a.yaml", "a: 1\n")
    repo.commit()
    repo.write("a.yaml", "a: 2\n")
    hook = repo.path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\nenv | grep ^GIT_INDEX_FILE= > "$(dirname "$0")/seen"\nexit 1\n')
    hook.chmod(0o755)
    repo.git("commit", "-q", "-a", "-m", "x", check=False)
    name = (hook.parent / "seen").read_text().strip().partition("=")[2]
    assert name.endswith("index.lock")
    # The lock is gone with the commit, so the same is staged once more under another name.
    other = str(repo.path / "other-index")
    repo.git("read-tree", "HEAD", GIT_INDEX_FILE=other)
    repo.git("add", "-u", GIT_INDEX_FILE=other)
    taken = repo.take(environ={"GIT_INDEX_FILE": other})
    assert taken.head.document("a.yaml").value == {"a": 2}
    assert repo.take().head.document("a.yaml").value == {"a": 1}


def test_a_worktree_has_its_own_index_and_head(repo, tmp_path):
    repo.add("a.yaml", "a: 1\n")
    repo.commit()
    repo.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    tree = Repository(tmp_path / "tree")
    tree.add("b.yaml", "b: 1\n")
    git_dir = tree.git("rev-parse", "--absolute-git-dir")
    assert tree.take(environ={"GIT_DIR": git_dir}).changed == {"b.yaml": "A"}
    assert tree.take().changed == {"b.yaml": "A"}
    assert repo.take().changed == {}


def test_a_subdirectory_judges_the_whole_repository(repo):
    repo.add("a.yaml", "a: 1\n").add("sub/b.yaml", "b: 1\n")
    taken = Repository(repo.path / "sub").take()
    assert list(taken.head.entries) == ["a.yaml", "sub/b.yaml"]


def test_a_sha256_repository(tmp_path):
    repo = Repository(tmp_path / "r").init("--object-format=sha256")
    repo.add("d/a.yaml", "a: 1\n").add("d/empty", "")
    assert repo.take().changed == {"d/a.yaml": "A", "d/empty": "A"}
    base = repo.commit()
    repo.add("d/a.yaml", "a: 2\n")
    taken = repo.take()
    assert taken.base.commit == base
    assert len(base) == 64
    assert taken.base.document("d/a.yaml").value == {"a": 1}
    assert taken.changed == {"d/a.yaml": "M"}


def test_a_merge_in_progress_is_judged_when_it_is_resolved(repo):
    repo.add("a.yaml", "a: 1\n")
    repo.commit()
    repo.git("checkout", "-q", "-b", "side")
    repo.add("a.yaml", "a: 2\n").add("b.yaml", "b: 1\n")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.add("a.yaml", "a: 3\n")
    repo.commit()
    repo.git("merge", "-q", "side", check=False)
    with pytest.raises(CannotDecide, match=r"the merge of a\.yaml is not finished"):
        repo.take()
    repo.add("a.yaml", "a: 4\n")
    assert repo.take().changed == {"a.yaml": "M", "b.yaml": "A"}


def test_intent_to_add_is_not_part_of_the_commit(repo):
    repo.add("kept", "x").add("was-empty", "")
    repo.commit()
    repo.write("meant.yaml", "a: 1\n").git("add", "-N", "meant.yaml")
    repo.add("really-empty.yaml", "").add("kept", "")
    taken = repo.take()
    assert taken.changed == {"kept": "M", "really-empty.yaml": "A"}
    assert "was-empty" in taken.head
    assert "meant.yaml" not in taken.head


def test_intent_to_add_before_the_first_commit(repo):
    repo.write("meant.yaml", "a: 1\n").git("add", "-N", "meant.yaml")
    repo.add("really-empty.yaml", "")
    assert list(repo.take().head.entries) == ["really-empty.yaml"]


@posix
def test_links_and_submodules_are_not_followed(repo, tmp_path):
    outside = tmp_path / "outside.yaml"
    outside.write_text("a: 1\n")
    (repo.path / "link.yaml").symlink_to(outside)
    repo.git("add", "link.yaml")
    inner = Repository(tmp_path / "inner").init()
    inner.add("x.yaml", "x: 1\n")
    commit = inner.commit()
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    taken = repo.take()
    assert taken.head.document("link.yaml") is None
    assert taken.head.problem("link.yaml").message == "is a symbolic link, which is not followed"
    assert taken.head.read("link.yaml") == str(outside).encode()
    assert taken.head.entries["sub"].mode == "160000"
    assert taken.head.size("sub") == 0
    with pytest.raises(DocumentError, match="is a submodule"):
        taken.head.read("sub")


@posix
def test_odd_file_names(repo):
    names = ["a\nb.yaml", 'q"uote.yaml', "tab\t.yaml", "ü.yaml", " lead.yaml", "-dash.yaml"]
    for name in names:
        repo.write(name, f"name: {len(name)}\n")
    raw = os.fsencode(repo.path) + b"/by\xffte.yaml"
    Path(os.fsdecode(raw)).write_bytes(b"a: 1\n")
    repo.git("add", "-A")
    expected = {*names, "by\udcffte.yaml"}
    assert set(repo.take().head.entries) == expected
    repo.commit()
    taken = repo.take()
    assert set(taken.base.entries) == expected
    assert taken.changed == {}
    assert taken.base.document("by\udcffte.yaml").value == {"a": 1}
    assert taken.history.first("a\nb.yaml") is not None
    assert taken.history.first("by\udcffte.yaml") is not None


def test_a_large_blob_is_passed_over(repo, monkeypatch):
    monkeypatch.setattr(git, "MAX_BLOB", 1000)
    monkeypatch.setattr(git, "MAX_HELD", 500)
    repo.add("big.yaml", b"a: " + b"x" * 2000).add("small.yaml", "a: 1\n")
    head = repo.take().head
    assert head.size("big.yaml") == 2003
    assert head.document("big.yaml") is None
    assert head.problem("big.yaml").message == "2,003 bytes are too many to be read"
    assert head.document("small.yaml").value == {"a": 1}


def test_large_blobs_are_held_one_at_a_time(repo, monkeypatch):
    monkeypatch.setattr(git, "MAX_HELD", 1000)
    sizes = {"a.csv": 999, "b.csv": 1500, "c.csv": 2500, "d.csv": 1}
    for path, size in sizes.items():
        repo.add(path, path[0] * size)
    head = repo.take().head
    head.load(sizes)
    for _ in range(2):
        for path, size in sizes.items():
            assert head.size(path) == size
            assert head.read(path) == path[0].encode() * size
    objects = head._objects
    held = [each for each in objects._blobs.values() if isinstance(each, bytes)]
    assert sum(map(len, held)) == 1000
    assert objects._large[1] == b"c" * 2500


def test_many_objects_do_not_fill_the_pipes(repo):
    for number in range(1500):
        repo.write(f"d{number % 30}/f{number}.md", f"{number}\n" * 200)
    repo.git("add", "-A")
    repo.commit()
    taken = repo.take()
    taken.head.load(taken.head.entries)
    assert taken.base.entries.keys() == taken.head.entries.keys()
    assert taken.changed == {}
    assert taken.head.read("d7/f7.md") == b"7\n" * 200


# --- what cannot be decided ------------------------------------------------------------------


def objects_of(repo: Repository):
    return (file for file in (repo.path / ".git" / "objects").glob("??/*") if file.is_file())


def test_a_missing_blob_is_not_a_pass(repo):
    repo.add("a.yaml", "a: 1\n")
    oid = repo.git("rev-parse", ":a.yaml")
    (repo.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(CannotDecide, match=f"the object {oid} is missing"):
        repo.take().head.read("a.yaml")


@pytest.mark.parametrize("revision", ["HEAD", "HEAD^{tree}", "HEAD:d"])
def test_a_missing_commit_or_tree_is_not_an_empty_base(repo, revision):
    repo.add("d/a.yaml", "a: 1\n")
    repo.commit()
    oid = repo.git("rev-parse", revision)
    (repo.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(CannotDecide, match="missing"):
        repo.take()


def test_a_corrupt_object_is_not_a_pass(repo):
    repo.add("a.yaml", "a: 1\n")
    oid = repo.git("rev-parse", ":a.yaml")
    file = repo.path / ".git" / "objects" / oid[:2] / oid[2:]
    file.chmod(0o644)
    file.write_bytes(b"rubbish")
    with pytest.raises(CannotDecide):
        repo.take().head.read("a.yaml")


def test_a_corrupt_index_is_not_a_pass(repo):
    repo.add("a.yaml", "a: 1\n")
    (repo.path / ".git" / "index").write_bytes(b"rubbish")
    with pytest.raises(CannotDecide, match="index file"):
        repo.take()


def test_somebody_elses_repository_is_not_a_pass(repo):
    with pytest.raises(CannotDecide, match="dubious ownership"):
        repo.take(environ={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})


def test_a_replaced_object_is_not_believed(repo):
    repo.add("a.yaml", "a: 1\n").add("b.yaml", "a: 2\n")
    repo.commit()
    repo.git("replace", repo.git("rev-parse", ":a.yaml"), repo.git("rev-parse", ":b.yaml"))
    taken = repo.take()
    assert taken.head.document("a.yaml").value == {"a": 1}
    assert taken.base.document("a.yaml").value == {"a": 1}


def test_nothing_is_fetched_for_a_partial_clone(repo, tmp_path):
    repo.add("a.yaml", "a: 1\n")
    repo.commit()
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = Repository(tmp_path / "clone")
    clone.path.mkdir()
    url = repo.path.as_uri()
    clone.git("clone", "-q", "--filter=blob:none", "--no-checkout", url, ".")
    clone.git("read-tree", "HEAD")
    with pytest.raises(CannotDecide):
        clone.take().head.read("a.yaml")


def test_a_split_index(repo):
    repo.add("a.yaml", "a: 1\n")
    repo.git("update-index", "--split-index")
    repo.add("b.yaml", "b: 1\n")
    assert list(repo.take().head.entries) == ["a.yaml", "b.yaml"]


def test_no_repository(tmp_path):
    with pytest.raises(Misuse, match="this is not a git repository"):
        Repository(tmp_path).take(environ={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})


def test_no_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Misuse, match="git is not installed"):
        Repository(tmp_path).take()


def test_a_bare_repository_has_no_index(tmp_path):
    repo = Repository(tmp_path / "r.git").init("--bare")
    with pytest.raises(Misuse, match="no index in a bare repository"):
        repo.take()


# --- between commits -------------------------------------------------------------------------


@pytest.fixture
def forked(repo):
    """Return a repository in which main and side have both moved on from their merge base."""
    repo.add("a.yaml", "a: 1\n")
    repo.fork = repo.commit("fork")
    repo.git("checkout", "-q", "-b", "side")
    repo.add("side.yaml", "b: 1\n")
    repo.side = repo.commit("side", GIT_AUTHOR_EMAIL="Eve@Example.org")
    repo.git("checkout", "-q", "main")
    repo.add("main.yaml", "c: 1\n")
    repo.main = repo.commit("main")
    return repo


def test_the_base_is_the_merge_base(forked):
    taken = forked.take("push", base="main", head="side")
    assert (taken.base.commit, taken.head.commit) == (forked.fork, forked.side)
    assert taken.changed == {"side.yaml": "A"}
    assert taken.author == "Eve@Example.org"
    assert taken.authors == {"eve@example.org"}


def test_revisions_at_commit_stage(forked):
    taken = forked.take("commit", base="main", head="side")
    assert taken.changed == {"side.yaml": "A"}


def test_pre_commit_says_what_is_pushed(forked):
    environ = {"PRE_COMMIT_FROM_REF": forked.fork, "PRE_COMMIT_TO_REF": forked.side}
    taken = forked.take("push", environ=environ)
    assert (taken.base.commit, taken.head.commit) == (forked.fork, forked.side)
    assert forked.take("commit", environ=environ).head.commit is None


def test_pushing_everything_is_compared_with_nothing(forked):
    taken = forked.take("push")
    assert taken.base.commit is None
    assert taken.head.commit == forked.main


def test_a_push_is_compared_with_its_upstream(forked):
    forked.git("branch", "-q", "--set-upstream-to=side", "main")
    taken = forked.take("push")
    assert (taken.base.commit, taken.head.commit) == (forked.fork, forked.main)


def test_the_schedule_judges_the_head_by_itself(forked):
    taken = forked.take("schedule")
    assert taken.base.commit == taken.head.commit == forked.main
    assert taken.changed == {}


def test_a_criss_cross_has_some_merge_base(forked):
    forked.git("merge", "-q", "-m", "m1", "side")
    forked.git("checkout", "-q", "side")
    forked.git("merge", "-q", "-m", "m2", forked.main)
    taken = forked.take("push", base="main", head="side")
    assert taken.changed


def test_unrelated_histories_cannot_be_compared(forked):
    forked.git("checkout", "-q", "--orphan", "other")
    forked.commit()
    with pytest.raises(CannotDecide, match="have no commit in common"):
        forked.take("push", base="main", head="other")


@pytest.mark.parametrize("revision", ["nowhere", "0" * 40, "main:a.yaml", "HEAD~99"])
def test_a_revision_that_is_not_there(forked, revision):
    with pytest.raises(CannotDecide, match="there is no commit"):
        forked.take("push", base=revision, head="side")
    with pytest.raises(CannotDecide, match="there is no commit"):
        forked.take("push", base="main", head=revision)


@pytest.mark.parametrize("revision", ["--output=x", "a\nb", ""])
def test_a_revision_that_is_none(forked, revision):
    with pytest.raises(Misuse, match="is not a revision"):
        forked.take("push", base=revision, head="side")


def test_a_shallow_clone_cannot_be_compared(forked, tmp_path):
    forked.git("merge", "-q", "-m", "m", "side")
    clone = Repository(tmp_path / "clone")
    clone.path.mkdir()
    url = forked.path.as_uri()
    clone.git("clone", "-q", "--depth=1", "--no-single-branch", url, ".")
    with pytest.raises(CannotDecide, match="set fetch-depth: 0"):
        clone.take("push", base="origin/side", head="HEAD")
    with pytest.raises(CannotDecide, match="set fetch-depth: 0"):
        clone.take("push", base="HEAD~2", head="HEAD")
    with pytest.raises(CannotDecide, match="set fetch-depth: 0"):
        _ = clone.take().history.first("a.yaml")
    assert clone.take().changed == {}


# --- history ---------------------------------------------------------------------------------


def test_history_of_a_path(repo):
    repo.add("decisions/1.md", "one")
    first = repo.commit(GIT_COMMITTER_DATE="2026-11-01T23:30:00-0500")
    repo.add("decisions/1.md", "two").add("other", "x")
    second = repo.commit(GIT_AUTHOR_EMAIL="eve@example.org")
    history = repo.take().history
    assert [commit.oid for commit in history.commits("decisions/1.md")] == [second, first]
    assert history.first("decisions/1.md").committed_on == "2026-11-02"
    assert history.commits("decisions/1.md")[0].author == "eve@example.org"
    assert history.first("absent") is None


def test_history_before_the_first_commit(repo):
    repo.add("a", "x")
    assert repo.take().history.first("a") is None


def test_history_sees_what_a_merge_itself_brought(forked):
    forked.git("merge", "-q", "--no-commit", "side")
    forked.add("evil.yaml", "x: 1\n")
    merge = forked.commit("merge")
    history = forked.take().history
    assert history.first("evil.yaml").oid == merge
    assert history.first("side.yaml").oid == forked.side


def test_the_state_of_another_commit(forked):
    tree = forked.take().at(forked.side)
    assert tree.document("side.yaml").value == {"b": 1}
    with pytest.raises(CannotDecide):
        forked.take().at("0" * 40)


def test_who_commits(repo):
    repo.add("a", "x")
    assert repo.take().author == "ada@example.org"
    assert repo.take(environ={"GIT_AUTHOR_EMAIL": "eve@example.org"}).author == "eve@example.org"
    repo.git("config", "user.email", "conf@example.org")
    repo.git("config", "user.name", "Conf")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_AUTHOR_NAME"):
        del repo.environ[name]
    assert repo.take().author == "conf@example.org"
    repo.git("config", "--unset", "user.email")
    repo.git("config", "user.useConfigOnly", "true")
    taken = repo.take(environ={"EMAIL": ""})
    assert taken.author is None
    assert taken.authors == frozenset()


# --- nothing of the repository is executed ---------------------------------------------------


@posix
def test_nothing_is_executed(forked, tmp_path):
    proof = tmp_path / "executed"
    script = tmp_path / "evil.sh"
    script.write_text(f'#!/bin/sh\necho "$0 $@" >> {proof}\ncat\n')
    script.chmod(0o755)
    for name in (
        "core.fsmonitor", "diff.external", "core.pager", "pager.log", "diff.evil.textconv",
        "diff.evil.command", "filter.evil.clean", "filter.evil.smudge", "gpg.program",
        "core.sshCommand", "uploadpack.packObjectsHook", "core.alternateRefsCommand",
    ):  # fmt: skip
        forked.git("config", name, str(script))
    forked.git("config", "log.showSignature", "true")
    for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-commit"):
        hook = forked.path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script.read_text())
        hook.chmod(0o755)
    forked.write(".gitattributes", "* diff=evil filter=evil\n")
    forked.git("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c",
               "filter.evil.clean=cat", "add", ".gitattributes")  # fmt: skip
    forked.git("update-index", "--add", "--cacheinfo",
               f"100644,{forked.git('hash-object', '-w', '--stdin')},new-empty")  # fmt: skip
    proof.unlink(missing_ok=True)
    for taken in (forked.take(), forked.take("push", base="main", head="side")):
        assert taken.changed
        assert taken.authors
        assert taken.history.first("a.yaml")
    assert not proof.exists()


# --- patterns --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a.yaml", ["a.yaml"], ["b/a.yaml", "a.yaml2", "aXyaml"]),
        ("c/*.odcs.yaml", ["c/x.odcs.yaml", "c/.odcs.yaml"], ["c/d/x.odcs.yaml", "c/x.yaml"]),
        ("src/**", ["src/a", "src/a/b"], ["srcs/a", "src"]),
        ("**", ["a", "a/b"], []),
        ("**/*.py", ["a.py", "b/a.py", "b/c/a.py"], ["a.pyc"]),
        ("src/**/*.py", ["src/a.py", "src/b/a.py"], ["a.py", "src/a.txt"]),
        ("models/*/card.md", ["models/x/card.md"], ["models/card.md", "models/x/y/card.md"]),
        ("d/[0-9]*.md", ["d/1.md", "d/0001-a.md"], ["d/a.md", "d/x/1.md"]),
        ("d/[!0-9]*.md", ["d/a.md"], ["d/1.md"]),
        ("a?c", ["abc"], ["ac", "a/c"]),
        ("ab*ba", ["abba", "abxba"], ["aba", "ab/ba"]),
        ("a+(b).yaml", ["a+(b).yaml"], ["aab.yaml"]),
        ("d/*", ["d/a\nb"], ["d/a/b"]),
    ],
)
def test_patterns(pattern, matching, others):
    matches = snapshot.matcher(pattern)
    assert [path for path in matching if not matches(path)] == []
    assert [path for path in others if matches(path)] == []
