"""The lock of a generated repository: which template made it, from which answers, file by file.

It is what later questions are asked against: was a managed file edited, which files may be
generated again, at which revision do the rules stand. It is written by the tool alone.
"""

from __future__ import annotations

import hashlib
import json

from ai_program.patterns import matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

PATH = ".ai-program/lock.json"
VERSION = 1


class UnlistedFileError(Exception):
    """The layout does not say whose a generated file is."""


def read(root: Path) -> dict[str, Any]:
    """Return the lock of the repository at ``root``."""
    lock: dict[str, Any] = json.loads((root / PATH).read_text(encoding="utf-8"))
    return lock


def write(root: Path, lock: Mapping[str, Any]) -> None:
    """Write a lock in its one form, so that equal locks are equal files."""
    path = root / PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(lock), encoding="utf-8", newline="\n")


def text(lock: Mapping[str, Any]) -> str:
    """Return a lock in its one form.

    Keys keep their order: that of the answers is the order of gates and KPIs in what is rendered
    from them, and regeneration renders them again.
    """
    return json.dumps(lock, indent=2, ensure_ascii=False) + "\n"


def build(
    facts: Mapping[str, Any], root: Path, files: Iterable[str], layout: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the lock of freshly generated files."""
    return {
        "lock_version": VERSION,
        "template": facts["template"],
        "engine": facts["engine"],
        "answers": facts["answers"],
        "files": {path: entry(root, path, layout) for path in sorted(files) if path != PATH},
    }


def entry(root: Path, path: str, layout: Mapping[str, Any]) -> dict[str, str]:
    """Return class, git mode and digest of one file; git's mode knows only the executable bit."""
    file = root / path
    return {
        "class": owner(path, layout),
        "mode": "100755" if file.stat().st_mode & 0o100 else "100644",
        "digest": "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def owner(path: str, layout: Mapping[str, Any]) -> str:
    """Return whose a generated file is: managed, merged or seeded.

    Raises:
        UnlistedFileError: no entry of the layout has it.

    """
    found = listed(path, layout)
    if found is None:
        raise UnlistedFileError(f"{path} is in no entry of template: in policies/layout.yaml")
    return str(found["class"])


def listed(path: str, layout: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the layout's entry that a generated file belongs to."""
    for group in layout["template"]:
        if any(matcher(pattern)(path) for pattern in group["paths"]):
            found: dict[str, Any] = group
            return found
    return None
