"""What a dataset, feature, model, KPI or release rests on: the chain that files declare.

Only what is written down is followed: a release names its model, data, features, report and
decision; a registry entry names what a model was made of; a view names its dataset. What is cited
and is not here is shown as missing, because that is the place where the chain is broken.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ai_program.findings import Location
from ai_program.git import Misuse
from ai_program.reporters.text import clean, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_program.documents import Document
    from ai_program.program import State

    Links = Iterator[tuple[str, "Node"]]

VERSION = 1


class Node:
    """Something that can be cited: what it is, how it is called, and where it stands."""

    __slots__ = ("doc", "keys", "kind", "location", "missing", "name")

    def __init__(
        self, kind: str, name: str, doc: Document | None = None, *keys: str | int, cited: str = ""
    ) -> None:
        self.kind = kind
        self.name = name
        self.doc = doc
        self.keys = keys
        self.missing = cited if doc is None else ""
        self.location = doc.at(*keys) if doc else Location("")

    @property
    def key(self) -> str:
        """Return what tells it from everything else."""
        return f"{self.kind}:{self.name}"

    def __repr__(self) -> str:
        return f"Node({self.key})"


class Graph:
    """Everything that can be traced in one state, and what each thing rests on."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.nodes: dict[str, Node] = {}
        for node in self._all():
            self.nodes.setdefault(node.key, node)

    def find(self, name: str) -> Node:
        """Return what has this name, or ``kind:name``; ``active`` is the release in force.

        Raises:
            Misuse: nothing has it, or several things have.

        """
        if name == "active":
            record = self.state.active.get("release") if self.state.active else None
            found = [n for n in self._of("release") if n.doc and n.doc.path == record]
            if not found:
                raise Misuse("no release is in force")
            return found[0]
        if name in self.nodes:
            return self.nodes[name]
        named = [node for node in self.nodes.values() if name in _names(node)]
        if len(named) == 1:
            return named[0]
        if named:
            listed = " or ".join(node.key for node in named)
            raise Misuse(f"{clean(name)} is ambiguous: say {clean(listed)}")
        known = ", ".join(node.key for node in self.nodes.values() if node.kind in _ROOTS)
        raise Misuse(f"nothing here is called {clean(name)}; there are {clean(known) or 'none'}")

    def links(self, node: Node) -> Links:
        """Yield what a thing rests on, each with how."""
        follow = {
            "release": self._release,
            "model": self._model,
            "report": self._report,
            "KPI": self._kpi,
            "features": self._features,
            "feature": self._feature,
            "dataset": self._dataset,
        }.get(node.kind)
        if follow and node.doc:
            yield from follow(node, node.doc)

    def _all(self) -> Iterator[Node]:
        state = self.state
        for doc in state.releases:
            yield Node("release", doc.path.rpartition("/")[2].removesuffix(".json"), doc)
        for kind, docs, key in (
            ("model", state.registry, "version"),
            ("features", state.features, "id"),
            ("dataset", state.contracts, "id"),
            ("decision", state.decisions, "id"),
            ("exception", state.exceptions, "id"),
        ):
            for doc in docs:
                if isinstance(doc.get(key), str):
                    yield Node(kind, doc.get(key), doc, key)
        for doc in state.reports:
            yield Node("report", doc.path, doc)
        for doc in state.features:
            for index, name in _listed(doc, "features", key="name"):
                yield Node("feature", f"{doc.get('id')}.{name}", doc, "features", index, "name")
        if state.program:
            objectives = state.program.get("objectives")
            for at in range(len(objectives) if isinstance(objectives, list) else 0):
                for index, name in _listed(state.program, "objectives", at, "key_results"):
                    keys = ("objectives", at, "key_results", index, "id")
                    yield Node("KPI", name, state.program, *keys)
        for kind, policy, part in (
            ("gate", state.evaluation, "gates"),
            ("source", state.data, "sources"),
        ):
            for index, name in _listed(policy, part) if policy else ():
                yield Node(kind, name, policy, part, index, "id")

    def _of(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind == kind]

    def _cited(self, kind: str, name: object) -> Iterator[Node]:
        """Find what is cited as ``name`` or ``name@version``; nothing is no citation."""
        if not isinstance(name, str):
            return
        bare, _, version = name.partition("@")
        node = self.nodes.get(f"{kind}:{bare}")
        if node is None:
            yield Node(kind, name, cited="nothing here has this name")
        elif version and node.doc and str(node.doc.get("version")) != version:
            there = node.doc.get("version")
            yield Node(kind, name, cited=f"{node.doc.path} has version {there}")
        else:
            yield node

    def _release(self, _: Node, doc: Document) -> Links:
        subject = doc.get("subject", 0, "name")
        version = subject.partition("/")[2] if isinstance(subject, str) else None
        said = ("predicate",)
        for how, kind, name in (
            ("puts in force", "model", version),
            ("was made with", "dataset", doc.get(*said, "data", "contract")),
            ("was made with", "features", doc.get(*said, "features")),
            ("was judged by", "report", doc.get(*said, "evaluation", "path")),
            ("was decided in", "decision", doc.get(*said, "decision")),
        ):
            yield from ((how, node) for node in self._cited(kind, name))
        for name in _list(doc.get(*said, "exceptions")):
            yield from (("needed", node) for node in self._cited("exception", name))

    def _model(self, _: Node, doc: Document) -> Links:
        for index in range(len(_list(doc.get("training_data")))):
            data = _versioned(doc.get("training_data", index), "contract")
            yield from (("was trained on", node) for node in self._cited("dataset", data))
        view = _versioned(doc.get("features"), "id")
        yield from (("takes", node) for node in self._cited("features", view))
        report = doc.get("evaluation", "path")
        yield from (("was judged by", node) for node in self._cited("report", report))

    def _report(self, _: Node, doc: Document) -> Links:
        for _index, name in _listed(doc, "gates"):
            yield from (("asked", node) for node in self._cited("gate", name))

    def _kpi(self, node: Node, _: Document) -> Links:
        for gate in self._of("gate"):
            if gate.doc and gate.doc.get(*gate.keys[:-1], "serves") == node.name:
                yield "is guarded by", gate
        for model in self._of("model"):
            if model.doc and node.name in _list(model.doc.get("kpis")):
                yield "is moved by", model
        for view in self._of("features"):
            if view.doc and node.name in _list(view.doc.get("serves")):
                yield "is served by", view

    def _features(self, _: Node, doc: Document) -> Links:
        yield from (("is made of", node) for node in self._cited("dataset", doc.get("source")))

    def _feature(self, node: Node, doc: Document) -> Links:
        inputs = ", ".join(map(str, _list(doc.get(*node.keys[:-1], "inputs"))))
        for dataset in self._cited("dataset", doc.get("source")):
            yield f"is made of {inputs} of" if inputs else "is made of", dataset

    def _dataset(self, _: Node, doc: Document) -> Links:
        for source in self._of("source"):
            if source.doc and source.doc.get(*source.keys[:-1], "contract") == doc.path:
                yield "comes from", source


_ROOTS = frozenset(("release", "model", "KPI", "features", "dataset"))


def _names(node: Node) -> tuple[str, ...]:
    """Return what people call it, besides its key."""
    if node.kind == "feature":
        return (node.name, node.name.partition(".")[2])
    if node.kind == "release" and node.doc:
        return (node.name, node.name.lstrip("0"), node.doc.path)
    return (node.name,)


def _versioned(entry: object, key: str) -> str | None:
    if not isinstance(entry, dict) or not isinstance(entry.get(key), str):
        return None
    version = entry.get("version")
    return f"{entry[key]}@{version}" if version is not None else str(entry[key])


def _listed(doc: Document, *keys: str | int, key: str = "id") -> Iterator[tuple[int, str]]:
    for index, entry in enumerate(_list(doc.get(*keys))):
        name = entry.get(key) if isinstance(entry, dict) else None
        if isinstance(name, str):
            yield index, name


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


class Trace:
    """The part of a graph that one thing rests on."""

    def __init__(self, graph: Graph, root: Node) -> None:
        self.root = root
        self.nodes: dict[str, Node] = {}
        self.edges: dict[str, list[tuple[str, Node]]] = {}
        waiting = [root]
        while waiting:
            node = waiting.pop(0)
            if node.key not in self.nodes:
                self.nodes[node.key] = node
                self.edges[node.key] = list(graph.links(node))
                waiting += [target for _, target in self.edges[node.key]]

    @property
    def missing(self) -> list[Node]:
        """Return what is cited and is not here."""
        return [node for node in self.nodes.values() if node.missing]

    def as_text(self) -> str:
        """Return a tree; what has been shown is not opened again."""
        lines: list[str] = []
        shown: set[str] = set()
        waiting = [(0, "", self.root)]
        while waiting:
            depth, how, node = waiting.pop()
            edges = self.edges[node.key]
            again = bool(edges) and node.key in shown
            shown.add(node.key)
            where = f"MISSING: {node.missing}" if node.missing else place(node.location)
            lead = f"{'  ' * depth}{how} " if how else ""
            text = f"{lead}{node.kind} {node.name}  {where}{'  (see above)' if again else ''}"
            lines.append(clean(text))
            if not again:
                waiting += [(depth + 1, by, target) for by, target in reversed(edges)]
        return "\n".join(lines) + "\n"

    def as_json(self) -> str:
        """Return nodes and edges; the version rises when a field changes."""
        value = {
            "version": VERSION,
            "root": self.root.key,
            "nodes": [
                {
                    "key": node.key,
                    "kind": node.kind,
                    "name": node.name,
                    "path": node.location.path,
                    "line": node.location.line,
                    "missing": node.missing or None,
                }
                for node in self.nodes.values()
            ],
            "edges": [
                {"from": source, "how": how, "to": target.key}
                for source, edges in self.edges.items()
                for how, target in edges
            ],
        }
        return json.dumps(value, indent=2) + "\n"

    def as_mermaid(self) -> str:
        """Return a flowchart, from what rests to what it rests on."""
        ids = {key: f"n{number}" for number, key in enumerate(self.nodes)}
        lines = ["flowchart TD"]
        for key, node in self.nodes.items():
            broken = " is missing" if node.missing else ""
            lines.append(f'  {ids[key]}["{_label(f"{node.kind} {node.name}{broken}")}"]')
        for source, edges in self.edges.items():
            for how, target in edges:
                lines.append(f'  {ids[source]} -->|"{_label(how)}"| {ids[target.key]}')
        return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    """Quote text so that a flowchart shows it and does nothing else."""
    return "".join(c if c.isalnum() or c in " .,:/-_@" else f"#{ord(c)};" for c in clean(text))


def trace(state: State, name: str) -> Trace:
    """Return what the thing of this name rests on."""
    graph = Graph(state)
    return Trace(graph, graph.find(name))
