"""PyYAML's event parser, without the rest of PyYAML.

The package imports its readers, resolvers, constructors and writers, whose regular expressions take
twice as long to compile as all documents of a fresh repository take to read. The C parser needs
none of them, only the names of their errors. So it is imported into a bare package of that name,
which is gone afterwards: whoever imports ``yaml`` next gets all of it. Where this does not work
(another layout, no C library), the whole package serves.
"""

from __future__ import annotations

import sys

# `importlib` would bring in more than it gives.
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What the parser's module looks up by name while it is imported.
_ERRORS = {
    "composer": "ComposerError", "constructor": "ConstructorError", "emitter": "EmitterError",
    "parser": "ParserError", "reader": "ReaderError", "representer": "RepresenterError",
    "scanner": "ScannerError", "serializer": "SerializerError",
}  # fmt: skip


def _alone() -> tuple[Any, Any, Any]:
    """Import the parser, its events and its errors, and nothing else."""
    spec = PathFinder.find_spec("yaml")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("yaml is not a package of files")
    module = type(sys)
    bare = module("yaml")
    bare.__path__ = spec.submodule_search_locations
    sys.modules["yaml"] = bare
    try:
        errors, events, *_ = map(_part, ("error", "events", "nodes", "tokens"))
        for name, error in _ERRORS.items():
            # Only the reader's error has no place of its own.
            base = errors.YAMLError if name == "reader" else errors.MarkedYAMLError
            part = module(name)
            setattr(part, error, type(error, (base,), {}))
            setattr(bare, name, part)
        parser = _part("_yaml").CParser
    finally:
        del sys.modules["yaml"]
    return parser, events, errors


def _part(name: str) -> Any:  # noqa: ANN401 - modules of a package without types
    __import__(f"yaml.{name}")
    return sys.modules[f"yaml.{name}"]


def _whole() -> tuple[Any, Any, Any]:
    """Import PyYAML as it is, and its C parser if it has one."""
    import yaml

    try:
        from yaml._yaml import CParser
    except ImportError:  # the same events, slower
        return yaml.SafeLoader, yaml.events, yaml.error
    return CParser, yaml.events, yaml.error


def _import() -> tuple[Any, Any, Any]:
    if "yaml" not in sys.modules:
        try:
            return _alone()
        except Exception:  # noqa: BLE001 - whatever it is, the whole package does not need it
            for name in [name for name in sys.modules if name.startswith("yaml.")]:
                del sys.modules[name]
    return _whole()


Parser, events, errors = _import()
