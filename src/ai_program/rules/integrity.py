"""Integrity: the rules stay in force, and nobody switches them off unseen (AIP7xx).

A hook cannot stop the commit that removes it. These rules are therefore judged twice: on a laptop,
as advice, and by the policy workflow with the base's engine, as the wall.
"""

from __future__ import annotations

import sys

from ai_program import __version__, codeowners, digests, workflows
from ai_program.authority import missing
from ai_program.findings import Location
from ai_program.patterns import matcher
from ai_program.rules.base import Rule
from ai_program.rules.decisions import day

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ai_program.documents import Document
    from ai_program.exceptions import Waiver
    from ai_program.findings import Finding
    from ai_program.program import Person, Program, State
    from ai_program.snapshot import Tree

CONFIG = ".pre-commit-config.yaml"
LOCK = ".ai-program/lock.json"
_HISTORY = ".ai-program/history/"

HOOKS = ("ai-program", "ai-program-push")
# What may stand beside the id of a hook of ours: what people read, not what decides whether, on
# what, or with which program it runs.
_OF_HOOK = frozenset(("id", "name", "verbose"))
# The same for a hook from the package index, whose version is the team's.
_OF_TOOL_HOOK = frozenset(("name", "verbose", "description", "additional_dependencies"))
# What may follow the name in a requirement: nothing, a version, extras, a marker, an address.
_BEHIND_NAME = ("", "=", "<", ">", "~", "!", ";", "[", "@")
# prek reads this one before CONFIG.
_OTHER_CONFIGS = ("prek.toml",)
# Modules that a client of the hooks imports: Python's own (no program imports its tests) and these.
_IMPORTED = sys.stdlib_module_names - {"test"} | {
    *("ai_program", "cfgv", "identify", "nodeenv", "pre_commit", "sitecustomize", "usercustomize"),
    *("virtualenv", "yaml"),
}
_IMPORTABLE = (".py", ".pyc", ".pyd", ".so")
# Days for which an exception may wait for the change that needs it: it has to be merged before.
MAX_WAIT = 14
_MARKERS = (b"<<<<<<< ", b"||||||| ", b">>>>>>> ")
_LEFTOVERS = (".rej", ".orig")
_MAX_TEXT = 4 * 1024 * 1024
# An exception may go: what it waived counts again. Evidence has its own rules.
_MAY_GO = frozenset(("exception",))


class AIP701(Rule):
    """The hooks run: ours, unchanged, from one pin that everything agrees on."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Judge the configuration of the hooks, and the pins."""
        head = program.head
        for path in _OTHER_CONFIGS:
            if path in head.tree:
                yield self.finding(
                    Location(path),
                    f"prek reads this file instead of {CONFIG}, with other hooks",
                    do=f"keep the hooks in {CONFIG} and delete this file",
                )
        yield from self._stand_ins(head.tree)
        config = head.tree.document(CONFIG)
        if config is None or not isinstance(config.get("repos"), list):
            yield self.finding(
                Location(CONFIG),
                _unreadable(head.tree, CONFIG, "it lists no hooks"),
                do="restore the file; `pre-commit install` switches the hooks on again",
            )
        else:
            yield from self._whole_config(config)
            yield from self._our_hooks(config, head.lock)
            yield from self._secret_scan(config, program)
        yield from self._bare_names(head)
        yield from self._pin(program)

    def _stand_ins(self, tree: Tree) -> Iterator[Finding]:
        """Find what Python would import in place of a module of the hooks' client.

        The client is started with ``python -m``, which looks into the top folder first: a
        ``yaml.py`` there that ends the program is a hook that always passes.
        """
        for path in tree.entries:
            name, slash, rest = path.partition("/")
            importable = rest == "__init__.py" if slash else name.endswith(_IMPORTABLE)
            module = name.partition(".")[0]
            if importable and module in _IMPORTED:
                yield self.finding(
                    Location(path),
                    f"Python would import it in place of {module} wherever a hook is started here",
                    do="give it another name, or put it below src/",
                )

    def _whole_config(self, config: Document) -> Iterator[Finding]:
        """Judge the settings on top of the file, which reach into every hook."""
        for key in ("files", "exclude"):
            if key in config.value:
                yield self.finding(
                    config.key_at(key),
                    f"`{key}` on top keeps files from every hook",
                    do=f"write `{key}` at the one hook that needs it",
                )
        for key, needed in (
            ("default_install_hook_types", ("pre-commit", "pre-merge-commit", "pre-push")),
            ("default_stages", ("pre-commit",)),
        ):
            given = config.get(key, default=list(needed) if key == "default_stages" else [])
            left_out = [
                stage for stage in needed if not isinstance(given, list) or stage not in given
            ]
            if left_out:
                yield self.finding(
                    config.key_at(key) if key in config.value else config.at("repos"),
                    f"`{key}` leaves out {' and '.join(left_out)}",
                    do=f"write {key}: [{', '.join(needed)}]",
                )
        version = config.get("default_language_version", "python")
        if version is not None and not _is_python(version):
            yield self.finding(
                config.at("default_language_version", "python"),
                f"every hook would run in `{version}`, which may be any program",
                do="name a version of Python, such as python3.12",
            )
        skipped = config.get("ci", "skip", default=[])
        for index, name in enumerate(skipped if isinstance(skipped, list) else ()):
            if name in HOOKS:
                yield self.finding(config.at("ci", "skip", index), f"`ci.skip` leaves out `{name}`")

    def _our_hooks(self, config: Document, lock: Document | None) -> Iterator[Finding]:
        source = lock.get("engine", "source") if lock else None
        for r, repo in enumerate(config.get("repos")):
            if isinstance(repo, dict) and repo.get("repo") == source:
                yield from self._rev(config, r, lock)
        found = set()
        for place, hook in _hooks(config):
            name = hook.get("id")
            if name not in HOOKS:
                continue
            found.add(name)
            origin = config.get(*place[:2], "repo")
            if origin != source:
                yield self.finding(
                    config.at(*place[:2], "repo"),
                    f"the hook `{name}` comes from {origin}, "
                    f"the engine of this repository from {source}",
                    do="take the hook from the engine's own address and revision",
                )
                continue
            for key, value in hook.items():
                if key in _OF_HOOK or (key == "language_version" and _is_python(value)):
                    continue
                yield self.finding(
                    config.key_at(*place, key),
                    f"`{key}` changes when or how the hook `{name}` runs",
                    do=f"delete `{key}`; the engine's own manifest says what the hook needs",
                )
        for name in HOOKS:
            if name not in found:
                yield self.finding(
                    config.key_at("repos"),
                    f"the hook `{name}` is gone",
                    do=f"list `- id: {name}` under `repo: {source}`",
                )

    def _rev(self, config: Document, index: int, lock: Document | None) -> Iterator[Finding]:
        rev = config.get("repos", index, "rev")
        locked = lock.get("engine", "rev") if lock else None
        at = config.at("repos", index, "rev")
        if not _is_commit(rev):
            yield self.finding(
                at,
                f"rev `{rev}` is a name that can be moved to other code",
                do="pin the full commit id: `ai-program pin REV` finds and writes it",
            )
        elif lock is not None and rev != locked:
            yield self.finding(
                at,
                f"rev {_short(rev)} is not the engine that {LOCK} names, {_short(locked)}",
                do="change both pins together: `ai-program pin REV`",
                related=((lock.at("engine", "rev"), "the other pin"),),
            )

    def _secret_scan(self, config: Document, program: Program) -> Iterator[Finding]:
        """Find out whether the promised scan for secrets still runs."""
        states = (program.head.security, program.base.security)
        if not any(doc and doc.get("requirements", "secret_scanning") is True for doc in states):
            return
        forms = program.baseline.value("workflows.yaml")["secret_scans"]
        name = forms[0]["id"]
        hooks = [(place, hook) for place, hook in _hooks(config) if hook.get("id") == name]
        if not hooks:
            yield self.finding(
                config.key_at("repos"),
                f"the hook `{name}` is gone, and policies/security.yaml promises it",
                do=f"put the hook `{name}` back",
            )
        for place, hook in hooks:
            departures = [
                [key for key in {*hook, *form} - _OF_TOOL_HOOK if hook.get(key) != form.get(key)]
                for form in forms
            ]
            closest = min(departures, key=len)
            for key in sorted(closest):
                pointer = f"{CONFIG}#{name}.{key}"
                if missing(program, pointer, hook.get(key)) is not None:
                    yield self.finding(
                        config.key_at(*place, key) if key in hook else config.at(*place),
                        f"`{key}` changes what the scan for secrets looks at",
                        do=f"take it back, or record a decision that authorises {pointer}",
                    )

    def _bare_names(self, head: State) -> Iterator[Finding]:
        """Find the engine taken by a bare package name, which is whoever registers it."""
        path = "pyproject.toml"
        if path not in head.tree:
            return
        rev = head.lock.get("engine", "rev") if head.lock else None
        text = head.tree.read(path).decode("utf-8", "replace")
        for number, line in enumerate(text.split("\n"), start=1):
            if line.lstrip().startswith("name"):
                continue  # a programme may be called like the tool
            for word in (*line.split('"')[1::2], *line.split("'")[1::2]):
                name, at, address = word.partition("@")
                name = name.strip().lower().replace("_", "-").replace(".", "-").partition("[")[0]
                if not name.startswith("ai-program") or name[10:].lstrip()[:1] not in _BEHIND_NAME:
                    continue
                start = line.index(word) + 1
                place = Location(path, number, start, start + len(word))
                if not at:
                    yield self.finding(
                        place,
                        f"`{word}` is a bare package name: whoever registers it runs here",
                        do=f"leave it out; the sessions install the engine that {LOCK} names",
                    )
                elif rev is not None and f"@{rev}" not in address:
                    yield self.finding(
                        place, f"`{word}` is not the engine that {LOCK} names, {_short(rev)}"
                    )

    def _pin(self, program: Program) -> Iterator[Finding]:
        lock, before = program.head.lock, program.base.lock
        if lock is None:
            return
        source = lock.get("engine", "source")
        old = before.get("engine", "source") if before and not is_local(before) else source
        if source != old:
            pointer = f"{LOCK}#engine.source"
            reason = missing(program, pointer, source)
            if reason:
                yield self.finding(
                    lock.at("engine", "source"),
                    f"the engine comes from {source} instead of {old}: {reason}",
                    do=f"record a decision that authorises {pointer}, or keep {old}",
                )
        if is_local(lock):
            yield self.finding(
                lock.at("engine", "rev"),
                f"the engine is pinned to {source} at {_short(lock.get('engine', 'rev'))}, "
                "which only this machine can fetch",
                do="push ai-program where colleagues reach it, then "
                "`ai-program pin REV --source ADDRESS`",
                severity="warning" if program.snapshot.stage == "commit" else None,
            )


class AIP702(Rule):
    """The gates in CI keep their structure, and no other workflow undermines them."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Judge every workflow and action of the repository, and the ruleset."""
        expected = program.baseline.value("workflows.yaml")
        generated = _generated(program)
        wall = expected["policy_workflow"]
        yield from self._policy_workflow(program, wall, expected["policy_digests"])
        for path in expected["gates"]:
            if path in generated and path not in program.head.tree:
                yield self.finding(
                    Location(path), "the gate is gone", do="restore the file, or regenerate"
                )
        for path in program.head.tree.glob(".github/workflows/*.y*ml"):
            if path != wall:
                yield from self._workflow(program, path, expected)
        yield from self._actions(program)
        yield from self._ruleset(program, expected, generated)

    def _policy_workflow(
        self, program: Program, path: str, known: Sequence[str]
    ) -> Iterator[Finding]:
        """Hold the wall itself to the engine's own digests: the lock could be edited with it."""
        tree = program.head.tree
        if path not in tree:
            yield self.finding(Location(path), "the policy workflow is gone")
        elif _digest(tree, path) not in known:
            yield self.finding(
                Location(path),
                "the policy workflow is not one that ai-program ships",
                do="restore the file; a new version of it comes with regeneration",
            )

    def _workflow(
        self, program: Program, path: str, expected: Mapping[str, Any]
    ) -> Iterator[Finding]:
        document = program.head.tree.document(path)
        if document is None or not isinstance(document.value, dict):
            yield self.finding(
                Location(path), _unreadable(program.head.tree, path, "it is no workflow")
            )
            return
        problems = workflows.faults(
            document.value,
            checks=[check for check, home in expected["checks"].items() if home != path],
            releases={word: home for word, home in expected["releases"].items() if home != path},
        )
        for keys, message in problems:
            yield self.finding(_place(document, keys), message)
        variables = frozenset(expected["variables"])
        shapes = expected["gates"].get(path, ())
        departures = [workflows.departures(document.value, s, variables) for s in shapes]
        for keys, message in _fewest(departures):
            yield self.finding(_place(document, keys), message)

    def _actions(self, program: Program) -> Iterator[Finding]:
        """Hold the repository's own composite actions to pins, as a workflow."""
        for document in program.head.tree.documents(".github/**/action.y*ml"):
            steps = document.get("runs", "steps")
            for index, step in enumerate(steps if isinstance(steps, list) else ()):
                for keys, message in workflows.unpinned(("runs", "steps", index), step):
                    yield self.finding(_place(document, keys), message)

    def _ruleset(
        self, program: Program, expected: Mapping[str, Any], generated: Iterable[str]
    ) -> Iterator[Finding]:
        wanted = expected["ruleset"]
        path = wanted["path"]
        document = program.head.tree.document(path)
        if document is None:
            yield self.finding(
                Location(path),
                _unreadable(program.head.tree, path, "it is empty"),
                do="restore the file; `nox -s protect` puts it in force",
            )
            return
        checks = [check for check, home in expected["checks"].items() if home in generated]
        for keys, message in workflows.ruleset_gaps(document.value, wanted, checks):
            yield self.finding(
                _place(document, keys),
                message,
                do="take the change back; `nox -s protect` puts this file in force",
            )


class AIP703(Rule):
    """Every governed file belongs to whom the charter names, as GitHub reads CODEOWNERS."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Ask of every governed file who has to agree to a change."""
        tree = program.head.tree
        path = next((place for place in codeowners.PLACES if place in tree), None)
        if path is None:
            yield self.finding(
                Location(codeowners.PLACES[0]),
                "nobody owns the governed files: there is no CODEOWNERS",
            )
            return
        content = tree.read(path)
        if len(content) > codeowners.MAX_BYTES:
            yield self.finding(Location(path), "GitHub does not load a file larger than 3 MB")
            return
        lines = codeowners.parse(content.decode("utf-8", "replace"))
        seen: set[tuple[int, str]] = set()
        judged: set[str] = set()
        for entry in program.baseline.value("ownership.yaml")["owners"]:
            role = entry["role"]
            for governed in tree.glob(entry["path"]):
                if governed in judged:
                    continue
                judged.add(governed)
                line = codeowners.deciding(lines, governed)
                number = line.number if line else 0
                key = (number, role if line and line.owners else "")
                if key in seen:
                    continue  # one line, one finding for each role
                for message in _ownership_gaps(program.head, governed, role, line):
                    seen.add(key)
                    yield self.finding(_line_place(path, line), message)


class AIP704(Rule):
    """Nothing is quietly taken back: versions, and governed files."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Compare versions, and look for governed files that are gone."""
        lock, before = program.head.lock, program.base.lock
        if lock and before:
            yield from self._versions(program, lock, before)
        yield from self._schema_versions(program)
        yield from self._gone(program)
        if program.snapshot.stage == "schedule":
            yield from self._controls(program)

    def _versions(self, program: Program, lock: Document, before: Document) -> Iterator[Finding]:
        for keys in (("lock_version",), ("template", "version"), ("engine", "version")):
            new, old = lock.get(*keys), before.get(*keys)
            name = ".".join(keys)
            if _version(new) < _version(old) and missing(program, f"{LOCK}#{name}", new):
                yield self.finding(
                    lock.at(*keys),
                    f"{name} goes back from {old} to {new}",
                    do=f"keep {old}, or record a decision that authorises {LOCK}#{name}",
                    related=((before.at(*keys), "the base"),),
                )
        pinned = min(lock.get("engine", "version"), before.get("engine", "version"), key=_version)
        if _version(__version__) < _version(pinned):
            yield self.finding(
                lock.at("engine", "version"),
                f"this is engine {__version__}, and the pin says {pinned}: an older one was pinned",
            )

    def _schema_versions(self, program: Program) -> Iterator[Finding]:
        for path, change in program.snapshot.changed.items():
            if change != "M" or not path.endswith((".yaml", ".json", ".md")):
                continue
            document, before = program.head.tree.document(path), program.base.tree.document(path)
            if document is None or before is None:
                continue
            new, old = document.get("schema_version"), before.get("schema_version")
            if isinstance(old, int) and isinstance(new, int) and new < old:
                yield self.finding(
                    document.at("schema_version"),
                    f"schema_version goes back from {old} to {new}",
                    do=f"keep {old}",
                    related=((before.at("schema_version"), "the base"),),
                )

    def _gone(self, program: Program) -> Iterator[Finding]:
        changed = program.snapshot.changed
        gone = [path for path, change in changed.items() if change == "D"]
        kinds = [k for k in program.baseline.layout["kinds"] if k["kind"] not in _MAY_GO]
        tests = [[matcher(pattern) for pattern in kind["paths"]] for kind in kinds] if gone else []
        for path in gone:
            scope = next((t for t in tests if any(matches(path) for matches in t)), None)
            if scope is None or _moved_to(program, path, scope):
                continue
            if missing(program, path, None) is not None:
                yield self.finding(
                    Location(path),
                    "the governed file is deleted, or moved to where no rule looks",
                    do=f"restore it, or record a decision that authorises {path}, to: null",
                )

    def _controls(self, program: Program) -> Iterator[Finding]:
        """Say that the identifiers which rules map to were not compared for a year."""
        oldest = min(
            control["as_of"]
            for controls in program.baseline.controls["controls"].values()
            for control in controls.values()
        )
        if _days(oldest, program.snapshot.today) > 365:
            lock = program.head.lock
            yield self.finding(
                lock.key_at("engine") if lock else Location(LOCK),
                f"the engine's control identifiers are as of {oldest}, more than a year ago",
                do="raise the pin: `ai-program pin REV`",
                severity="warning",
            )


class AIP705(Rule):
    """Files of the tool are as the tool wrote them."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Compare managed files with the lock, and the lock's entries with the base's."""
        lock, before = program.head.lock, program.base.lock
        if lock is None:
            return  # AIP001 says why
        tree = program.head.tree
        for path, entry in _managed(lock).items():
            if path not in tree:
                yield self.finding(Location(path), "the tool's file is gone")
            elif tree.entries[path].mode != entry.get("mode"):
                yield self.finding(Location(path), f"its mode is no longer {entry.get('mode')}")
            elif _digest(tree, path) != entry.get("digest"):
                yield self.finding(Location(path), "it is not as ai-program wrote it")
        if before and before.get("template", "commit") == lock.get("template", "commit"):
            for path, entry in _managed(before).items():
                if lock.get("files", path) != entry:
                    yield self.finding(
                        lock.key_at("files", path),
                        f"the entry of {path} changed, but nothing was regenerated",
                        do="take the lock back; only generation writes it",
                        related=((before.key_at("files", path), "the base"),),
                    )


class AIP706(Rule):
    """No regeneration and no merge stands half done."""

    def check(self, program: Program) -> Iterator[Finding]:
        """Look for leftovers, conflict markers, and answers without their consequences."""
        tree = program.head.tree
        lock, before = program.head.lock, program.base.lock
        listed = lock.get("files") if lock else None
        for path in tree.entries:
            if path.endswith(_LEFTOVERS):
                yield self.finding(
                    Location(path),
                    "is what a failed patch or merge leaves behind",
                    do="take over what is still needed, then delete the file",
                )
        everything = program.snapshot.stage == "schedule"
        candidates = tree.entries if everything else program.snapshot.changed
        governed = [
            matcher(pattern)
            for kind in program.baseline.layout["kinds"]
            for pattern in kind["paths"]
        ]
        for path in candidates:
            if path in tree and (
                path in (listed or ()) or any(matches(path) for matches in governed)
            ):
                yield from self._markers(tree, path)
        if (
            lock
            and before
            and lock.get("answers") != before.get("answers")
            and lock.get("files") == before.get("files")
        ):
            yield self.finding(
                lock.key_at("answers"),
                "the answers changed in the lock, and no file that follows from them did",
                do="take the lock back, and regenerate from workshop.yaml",
            )
        if lock and before and not _regenerated(program):
            yield from self._template(lock, before)

    def _template(self, lock: Document, before: Document) -> Iterator[Finding]:
        """Hold the template's address: the next regeneration runs code from there."""
        for key in ("source", "commit", "version", "dirty", "local"):
            new, old = lock.get("template", key), before.get("template", key)
            if new != old and new is not None:  # AIP001 says what is missing
                yield self.finding(
                    lock.at("template", key),
                    f"template.{key} changed from {_said(old)} to {_said(new)}, "
                    "and nothing was regenerated",
                    do="take it back; `ai-program regenerate --source ADDRESS` moves to another",
                    related=((before.at("template", key), "the base"),),
                )

    def _markers(self, tree: Tree, path: str) -> Iterator[Finding]:
        if tree.entries[path].mode not in {"100644", "100755"} or tree.size(path) > _MAX_TEXT:
            return
        content = tree.read(path)
        if not any(marker in content for marker in _MARKERS):
            return
        for number, line in enumerate(content.split(b"\n"), start=1):
            if line.startswith(_MARKERS):
                yield self.finding(
                    Location(path, number, 1, len(line.decode("utf-8", "replace")) + 1),
                    "a conflict is not resolved",
                    do="decide what holds, delete the markers, and look at the whole file again",
                )
                return


class AIP707(Rule):
    """An exception is there because it is needed: it waives something."""

    after_exceptions = True

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield the exceptions in force that waive nothing, of those that this run can judge."""
        if not program.base.exceptions:
            return
        from ai_program import exceptions

        findings = [finding for found in program.found.values() for finding in found]
        used = {finding.waived_by for finding in findings}
        waivers = [w for w in exceptions.of_base(program) if w.problem is None]
        for waiver in waivers:
            if waiver.id in used or waiver.doc.path not in program.head.tree:
                continue
            others = {f.waived_by for f in findings if waiver.waives(f) and f.waived_by}
            message = self._unused(program, waiver, ", ".join(sorted(others)))
            if message is not None:
                doc = program.head.tree.document(waiver.doc.path)
                at = doc.at("rule") if doc else Location(waiver.doc.path)
                yield self.finding(at, f"{waiver.id} {message}")

    @staticmethod
    def _unused(program: Program, waiver: Waiver, others: str) -> str | None:
        """Return how it is unused; None where that cannot be said, or not yet."""
        snapshot = program.snapshot
        rule = program.baseline.rules[waiver.rule]
        if rule.severity[program.tier] == "off":
            return f"waives {waiver.rule}, which is off at tier {program.tier}"
        created, today = day(waiver.doc.get("created")), day(snapshot.today)
        waits = created is not None and today is not None and today - created <= MAX_WAIT
        if waits or waiver.rule not in program.found:
            return None
        if snapshot.stage != "schedule":
            # A rule may find at a later stage what it does not find here, and one that compares
            # two states finds nothing where nothing changed.
            later = {"commit": ("push", "schedule"), "push": ("schedule",)}[snapshot.stage]
            if set(later).intersection(rule.when) or not any(
                map(matcher(waiver.path), snapshot.changed)
            ):
                return None
        if others:
            return f"waives only what {others} waives"
        return f"waives nothing: {waiver.rule} has no finding at {waiver.path}"


# --- Words about states ---------------------------------------------------------------------


def is_local(lock: Document) -> bool:
    """Tell whether only this machine can fetch the engine: it comes from a path."""
    source = str(lock.get("engine", "source")).lower()
    if source.startswith(("https://", "http://", "ssh://", "git://")):
        return False
    host, colon, path = source.partition(":")
    # git@host:path is an address; a single letter before the colon is a drive.
    return not colon or len(host) == 1 or path.startswith("//") or "/" in host or "\\" in host


def _fewest(alternatives: Iterable[Iterator[workflows.Problem]]) -> list[workflows.Problem]:
    """Return the problems of the best alternative; most often the first has none."""
    best: list[workflows.Problem] | None = None
    for alternative in alternatives:
        problems = list(alternative)
        if best is None or len(problems) < len(best):
            best = problems
        if not best:
            break
    return best or []


def _hooks(config: Document) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yield every hook of the configuration with its place."""
    for r, repo in enumerate(config.get("repos")):
        hooks = repo.get("hooks") if isinstance(repo, dict) else None
        for h, hook in enumerate(hooks if isinstance(hooks, list) else ()):
            if isinstance(hook, dict):
                yield ("repos", r, "hooks", h), hook


def _generated(program: Program) -> set[str]:
    """Return the files that the tool wrote once, by either lock: one change can't unlist them."""
    found: set[str] = set()
    for lock in (program.head.lock, program.base.lock):
        files = lock.get("files") if lock else None
        found.update(files if isinstance(files, dict) else ())
    return found


def _managed(lock: Document) -> dict[str, Any]:
    files = lock.get("files")
    return {
        path: entry
        for path, entry in (files.items() if isinstance(files, dict) else ())
        if isinstance(entry, dict) and entry.get("class") == "managed"
    }


def _regenerated(program: Program) -> bool:
    """Tell whether the change brings an entry of the history: then the template may move."""
    return any(
        how == "A" and path.startswith(_HISTORY) for path, how in program.snapshot.changed.items()
    )


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _digest(tree: Tree, path: str) -> str | None:
    """Return the digest of a regular file; nothing else has one."""
    if tree.entries[path].mode not in {"100644", "100755"}:
        return None
    return digests.of_bytes(tree.read(path))


def _moved_to(program: Program, path: str, scope: Sequence[Any]) -> bool:
    """Tell whether the document lives on under another name that the same rules look at."""
    old = program.base.tree
    name = _identity(old.document(path))
    for other, change in program.snapshot.changed.items():
        if change == "A" and any(matches(other) for matches in scope):
            new = program.head.tree
            if new.entries[other].oid == old.entries[path].oid:
                return True
            if name is not None and _identity(new.document(other)) == name:
                return True
    return False


def _identity(document: Document | None) -> object:
    return document.get("id") if document else None


def _ownership_gaps(
    state: State, path: str, role: str, line: codeowners.Line | None
) -> Iterator[str]:
    if line is None:
        yield f"no line covers {path}, so nobody has to agree to a change"
        return
    if not line.owners:
        yield f"this line takes {path} from everybody, so nobody has to agree to a change"
        return
    people = [(owner, _owner(state, owner)) for owner in line.owners]
    if not any(person and person.active and role in person.roles for _, person in people):
        wanted = [p.handle for p in state.people.values() if p.active and role in p.roles]
        yield (
            f"{path} belongs to {' and '.join(line.owners)}; "
            f"a change to it needs the {role} ({', '.join(wanted) or 'nobody is'})"
        )
        return
    for owner, person in people:
        if person is None or not person.active or not set(person.roles) - {"developer"}:
            yield f"{owner} alone could agree to a change of {path}, and holds no role for it"


def _owner(state: State, owner: str) -> Person | None:
    """Return whom an owner names; GitHub does not tell upper from lower case."""
    found = state.person(owner)
    return found or next(
        (p for p in state.people.values() if p.handle.lower() == owner.lower()), None
    )


def _line_place(path: str, line: codeowners.Line | None) -> Location:
    if line is None:
        return Location(path)
    start = len(line.text) - len(line.text.lstrip())
    return Location(path, line.number, start + 1, len(line.text.rstrip()) + 1)


def _place(document: Document, keys: tuple[str | int, ...]) -> Location:
    """Return where the keys stand: the value's line if it is short, the key's otherwise."""
    value = document.get(*keys)
    return document.key_at(*keys) if isinstance(value, dict | list) else document.at(*keys)


def _unreadable(tree: Tree, path: str, otherwise: str) -> str:
    if path not in tree:
        return "the file is gone"
    problem = tree.problem(path)
    return f"the file cannot be judged: {problem.message if problem else otherwise}"


def _is_commit(rev: object) -> bool:
    return isinstance(rev, str) and len(rev) in {40, 64} and not rev.strip("0123456789abcdef")


def _is_python(version: object) -> bool:
    """Tell whether this names a version of Python rather than a program."""
    return isinstance(version, str) and not version.removeprefix("python").strip("0123456789.")


def _short(rev: object) -> str:
    return rev[:12] if _is_commit(rev) and isinstance(rev, str) else f"`{rev}`"


def _version(value: object) -> tuple[int, ...]:
    """Return a version as numbers that compare; what is none comes before all."""
    parts = str(value).split(".")
    return tuple(int(part) for part in parts) if all(p.isdecimal() for p in parts) else ()


def _days(start: str, end: str) -> int:
    from datetime import date

    return (date.fromisoformat(end) - date.fromisoformat(start)).days
