"""Bindings: the digests of what a report judged, as one state of the repository has them.

The pipeline computes them from the tracked files before it writes a report; the hook computes them
again from git's objects.
"""

from __future__ import annotations

from ai_program import digests, evidence
from ai_program.documents import DocumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ai_program.program import Baseline, State
    from ai_program.snapshot import Tree

# The environment stands in no file; the registry entry lists what the digest is made of.
UNCHECKED = "environment"


def of(state: State, baseline: Baseline) -> dict[str, str]:
    """Return the digest of each group of files, and of the evaluation data if git has it."""
    groups = baseline.layout["bindings"]
    patterns = [pattern for group in groups.values() for pattern in group]
    tree = state.tree
    paths = [p for p in tree.entries if any(evidence.matches(p, each) for each in patterns)]
    tree.load(paths)
    found = evidence.bind(((path, _content(tree, path)) for path in paths), groups)
    data = data_digest(state)
    return found if data is None else {**found, "data": data}


def data_digest(state: State) -> str | None:
    """Return the digest of the evaluation data; None where a source has none yet."""
    sources = [(path, digest_of(state, path, said)) for _, path, said in state.data_sources()]
    known = [(path, digest) for path, digest in sources if digest is not None]
    return evidence.data_digest(known) if known and len(known) == len(sources) else None


def digest_of(state: State, path: str, declared: object) -> str | None:
    """Return the digest of a source; the declared one where git does not have it."""
    if path in state.tree:
        return digests.of_bytes(_content(state.tree, path))
    return declared if isinstance(declared, str) else None


def topology(state: State, baseline: Baseline) -> str:
    """Return the digest of how models are deployed, which a drill was about."""
    tree, patterns = state.tree, baseline.layout["topology"]
    paths = [path for path in tree.entries if any(evidence.matches(path, p) for p in patterns)]
    tree.load(paths)
    return evidence.topology(((path, _content(tree, path)) for path in paths), patterns)


def _content(tree: Tree, path: str) -> bytes:
    """Return a file's bytes; what is no file has a content that no pipeline can have read."""
    try:
        return tree.read(path)
    except DocumentError as error:
        return f"unreadable: {error.message}".encode()
