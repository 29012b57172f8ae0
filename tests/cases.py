"""Rule cases: edits of a generated repository, and exactly what the engine says about them.

A case is data (``tests/rules/<CODE>.yaml``), so that it can be read beside the rule:

    valid:
      - name: a tighter target
        variant: demand            # a repository that tests/conftest.py generates
        state: scaffolded          # of the base: a state of tests/evidence_fixture.py
        base: {...}                # edits that are committed before; a list: several commits
        edit:                      # path -> one edit or a list of them; a list: one after another,
                                   # which at push are several commits
          policies/program.yaml: {replace: "target: 110", with: "target: 105"}
        stage: commit              # commit, push or schedule
        today, author, ci          # the day, who commits, whether in CI
        first: true                # there is no commit before this one
        select: [AIP601]           # the only rules that are asked
    invalid:
      - name: a target that is worse than the baseline
        edit: ...
        expect:                    # all findings of the rule that the file is named after
          - {path: policies/program.yaml, line: "target: 200", span: "200",
             severity: error, message: "..."}
        also: [AIP003]             # other rules that object; without it none may

An edit is ``replace``/``with`` (exact text that stands there once), ``write``, ``append``,
``delete``, ``move``, ``link`` (a symbolic link), ``submodule``, ``base64``, or ``decision`` (what a
decision record says that is not usual); with ``write`` also ``rows`` and ``times`` (a line, and how
often) and ``gzip``. Under the key ``evidence`` stand steps of tests/evidence_fixture.py, which are
taken after the other edits and are bound to them.

The repository lives in memory, with the object ids that git would give: a case takes milliseconds.
Its objects are written to a real repository only where a rule asks git for history.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import re
import zlib
from pathlib import Path

import evidence_fixture
import yaml

from ai_program import checking
from ai_program.program import Program
from ai_program.snapshot import Entry, Git, Objects, Snapshot, Tree

RULES = Path(__file__).parent / "rules"
TODAY = "2026-11-22"
AUTHOR = "ada@example.org"
# Noon of the days on which the repository, its base and the change were committed.
GENERATED, BASED, CHANGED = 1763380800 + 31536000, 1763467200 + 31536000, 1763553600 + 31536000

PLAIN, LINK, SUBMODULE = "100644", "120000", "160000"
Files = dict[str, tuple[str, bytes]]


# --- the repository ------------------------------------------------------------------------------


class _LazyGit(Git):
    """Git in the repository that holds what has been made so far."""

    def __init__(self, directory: Path, store: Store) -> None:
        super().__init__(str(directory))
        self._store = store

    def _line(self, arguments):
        self._store.flush()
        return super()._line(arguments)


class Store(Objects):
    """Git objects in memory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(_LazyGit(directory, self))
        self.git = self._git
        self.documents: dict = {}
        self._objects: dict[str, tuple[str, bytes]] = {}
        self._unwritten: set[str] = set()
        self._directory = directory
        Git(str(directory.parent)).ask("init", "--quiet", "--bare", str(directory))

    def add(self, kind: str, content: bytes) -> str:
        oid = hashlib.sha1(f"{kind} {len(content)}\0".encode() + content).hexdigest()
        if oid not in self._objects:
            self._objects[oid] = (kind, content)
            self._unwritten.add(oid)
        return oid

    @contextlib.contextmanager
    def for_a_while(self):
        """Forget afterwards what is added here; who adds ten thousand states runs out of memory."""
        kept = self._objects, self._unwritten, self.documents
        self._objects, self._unwritten, self.documents = (each.copy() for each in kept)
        try:
            yield
        finally:
            self._objects, self._unwritten, self.documents = kept

    def query(self, names):
        for name in names:
            oid = name.removesuffix("^{commit}")
            kind, content = self._objects.get(oid, ("", b""))
            yield (oid, kind, content) if kind else None

    def flush(self) -> None:
        for oid in self._unwritten:
            kind, content = self._objects[oid]
            path = self._directory / "objects" / oid[:2] / oid[2:]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(f"{kind} {len(content)}\0".encode() + content, 1))
        self._unwritten.clear()

    def entries_of(self, files: Files) -> dict[str, Entry]:
        return {
            path: Entry(mode, content.decode() if mode == SUBMODULE else self.add("blob", content))
            for path, (mode, content) in sorted(files.items())
        }

    def commit_of(self, files: Files, parent: str | None, author: str, time: int) -> str:
        tree = self._tree(self.entries_of(files))
        who = f"{author.partition('@')[0]} <{author}> {time} +0000"
        lines = [f"tree {tree}", *([f"parent {parent}"] if parent else [])]
        text = "\n".join([*lines, f"author {who}", f"committer {who}", "", "A change", ""])
        return self.add("commit", text.encode())

    def _tree(self, entries: dict[str, Entry]) -> str:
        """Write the tree objects; git orders a folder as if its name ended with a slash."""
        names: dict[str, tuple[str, str]] = {}
        folders: dict[str, dict[str, Entry]] = {}
        for path, entry in entries.items():
            folder, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(folder, {})[rest] = entry
            else:
                names[folder] = (entry.mode, entry.oid)
        for folder, inner in folders.items():
            names[folder + "/"] = ("40000", self._tree(inner))
        content = b"".join(
            f"{mode} {name.rstrip('/')}\0".encode() + bytes.fromhex(oid)
            for name, (mode, oid) in sorted(names.items())
        )
        return self.add("tree", content)

    def state(self, files: Files, commit: str | None) -> Tree:
        return Tree(self, self.entries_of(files), commit, self.documents)


def read(directory: Path) -> Files:
    """Return the tracked files of a generated repository."""
    status, output, reason = Git(str(directory)).ask("ls-files", "-s", "-z")
    assert status == 0, reason
    found: Files = {}
    for line in filter(None, output.decode().split("\0")):
        meta, _, path = line.partition("\t")
        found[path] = (meta.split()[0], (directory / path).read_bytes())
    return found


# --- edits ---------------------------------------------------------------------------------------


def edited(files: Files, edits: dict, commit: str | None = None) -> Files:
    """Return the files after the edits of a case, which come on top of a commit."""
    files = dict(files)
    edits = dict(edits or {})
    steps = edits.pop("evidence", [])
    for path, given in edits.items():
        for edit in given if isinstance(given, list) else [given]:
            _apply(files, path, dict(edit))
    return with_evidence(files, steps, commit)


def with_evidence(files: Files, steps: list[dict], commit: str | None = None) -> Files:
    """Return the files with what these steps of the pipeline write."""
    plain = {path: content for path, (mode, content) in files.items() if mode == PLAIN}
    made = evidence_fixture.apply(plain, steps, commit)
    return {**files, **{path: (PLAIN, content) for path, content in made.items()}}


def _apply(files: Files, path: str, edit: dict) -> None:
    mode, content = files.get(path, (PLAIN, b""))
    if "replace" in edit:
        old, new = edit.pop("replace").encode(), edit.pop("with").encode()
        assert content.count(old) == 1, f"{path}: {content.count(old)} times {old.decode()!r}"
        files[path] = (mode, content.replace(old, new))
    elif "pattern" in edit:
        pattern, new = edit.pop("pattern").encode(), edit.pop("with").encode()
        assert len(re.findall(pattern, content)) == 1, f"{path}: {pattern!r} is not there once"
        files[path] = (mode, re.sub(pattern, lambda _: new, content))
    elif "write" in edit:
        text = edit.pop("write").encode() + edit.pop("rows", "").encode() * edit.pop("times", 1)
        files[path] = (mode, gzip.compress(text, mtime=0) if edit.pop("gzip", False) else text)
    elif "append" in edit:
        assert path in files, f"{path} does not exist"
        files[path] = (mode, content + edit.pop("append").encode())
    elif "delete" in edit:
        edit.pop("delete")
        del files[path]
    elif "move" in edit:
        files[edit.pop("move")] = files.pop(path)
    elif "link" in edit:
        files[path] = (LINK, edit.pop("link").encode())
    elif "submodule" in edit:
        edit.pop("submodule")
        files[path] = (SUBMODULE, b"1" * 40)
    elif "decision" in edit:
        files[path] = (mode, evidence_fixture.decision(path, edit.pop("decision")))
    elif "base64" in edit:
        files[path] = (mode, base64.b64decode(edit.pop("base64")))
    assert not edit, f"{path}: unknown edit {sorted(edit)}"


# --- judging -------------------------------------------------------------------------------------

KEYS = {"name", "variant", "state", "base", "edit", "stage", "today", "author", "ci", "first",
        "select", "expect", "also"}  # fmt: skip


class _Loader(yaml.CSafeLoader):
    """Reads cases: with anchors, which spare repetition, and with dates as text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def load(path: Path) -> list[tuple[str, dict]]:
    """Return the cases of a file: (valid or invalid, case)."""
    cases = yaml.load(path.read_bytes(), _Loader)
    found = []
    for kind in ("valid", "invalid"):
        for case in cases.get(kind) or ():
            unknown = set(case) - KEYS
            assert not unknown, f"{path.name}: {case.get('name')}: unknown {sorted(unknown)}"
            assert (kind == "invalid") == ("expect" in case), f"{path.name}: {case['name']}"
            found.append((kind, case))
    return found


def judge(case: dict, generated: Files, store: Store, baseline) -> checking.Result:
    """Apply the edits of a case and judge the change as its stage would."""
    author = case.get("author", AUTHOR)
    stage = case.get("stage", "commit")
    state = evidence_fixture.STATES[case.get("state", "scaffolded")]
    files = with_evidence(generated, state)
    commit = None if case.get("first") else store.commit_of(files, None, AUTHOR, GENERATED)
    steps = case.get("base") or []
    for step in steps if isinstance(steps, list) else [steps]:
        files = edited(files, step)
        commit = store.commit_of(files, commit, AUTHOR, BASED)
    before = store.state({} if case.get("first") else files, commit)
    steps = case.get("edit") or [{}]
    for step in steps if isinstance(steps, list) else [steps]:
        files = edited(files, step, commit)
        if stage != "commit":
            commit = store.commit_of(files, commit, author, CHANGED)
    after = store.state(files, None if stage == "commit" else commit)
    if stage != "commit":
        before = after if stage == "schedule" else before
    snapshot = Snapshot(
        before,
        after,
        today=case.get("today", TODAY),
        stage=stage,
        git=store.git,
        ci=case.get("ci", stage != "commit"),
    )
    store.git.environ.update(GIT_AUTHOR_NAME=author.partition("@")[0], GIT_AUTHOR_EMAIL=author)
    return checking.check(Program(snapshot, baseline), select=case.get("select", ()))


def told(result: checking.Result, code: str) -> list[dict]:
    """Return the findings of a rule as a case would expect them."""
    head = result.program.snapshot.head
    found = []
    for finding in result.findings:
        if finding.code == code:
            at = finding.location
            line = ""
            if at.line and at.path in head:
                line = head.read(at.path).decode(errors="replace").split("\n")[at.line - 1]
            found.append({
                "path": at.path,
                "line": line.strip(),
                "span": line[at.column - 1 : at.end_column - 1] if at.line else "",
                "severity": finding.severity,
                "message": finding.message,
            })  # fmt: skip
    return [{key: _without_digest(text) for key, text in each.items()} for each in found]


def _without_digest(text: str) -> str:
    """Cut digests, which change with every word of the template: ``sha256:…``."""
    return re.sub(r"sha256:[0-9a-f]{64}", "sha256:…", text)
