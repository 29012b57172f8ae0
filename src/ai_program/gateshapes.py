"""Writes the shapes of the gates into ``policies/workflows.yaml``, from the template's workflows.

``python -m ai_program.gateshapes --write`` in a checkout of the baseline, after a workflow of the
template changed; without ``--write`` it only says whether the two agree. The pin of the engine may
rise without regeneration, so a new engine meets the workflows of older templates: with ``--keep``
what stands there now stays accepted beside the new shape, which is what a change after a release
needs. Whoever wants an old shape no longer accepted deletes it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from ai_program import digests, documents, paths, workflows

MADE = "# --- Made from the template by `python -m ai_program.gateshapes --write` ---\n"
TEMPLATE = "{{cookiecutter.project_slug}}"


class _Dumper(yaml.SafeDumper):
    """Writes lists under their key with an indent, as people do, and never an alias."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - the base's signature
        """Indent lists too."""
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the base's signature
        """Write every value out."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def render(policies: Path, *, keep: bool = False) -> str:
    """Return what ``policies/workflows.yaml`` should hold, the newest of each list first."""
    file = policies / "workflows.yaml"
    before = documents.parse(file.read_bytes(), file.name)
    folder = policies.parent / TEMPLATE
    policy = before.get("policy_workflow")
    digest = digests.of_bytes((folder / policy).read_bytes())
    gates = {}
    for path in sorted((folder / ".github" / "workflows").glob("*.yml")):
        name = path.relative_to(folder).as_posix()
        if name != policy:
            shape = workflows.shape(documents.parse(path.read_bytes(), name).value)
            gates[name] = _accepted(shape, before.get("gates", name), keep=keep)
    made = {
        "policy_digests": _accepted(digest, before.get("policy_digests"), keep=keep),
        "gates": gates,
    }
    by_hand = file.read_text(encoding="utf-8").partition(MADE)[0]
    return by_hand + MADE + yaml.dump(made, Dumper=_Dumper, sort_keys=False, width=10_000)


def _accepted(newest: object, known: list[object] | None, *, keep: bool) -> list[object]:
    """Return the newest and the earlier ones; what was newest before is earlier only on demand."""
    earlier = (known or [])[0 if keep else 1 :]
    return [newest, *(one for one in earlier if one != newest)]


def main(arguments: list[str]) -> int:
    """Write the file, or say that it is not up to date."""
    policies = Path(paths.root())
    text = render(policies, keep="--keep" in arguments)
    file = policies / "workflows.yaml"
    if file.read_text(encoding="utf-8") == text:
        return 0
    if "--write" in arguments:
        file.write_text(text, encoding="utf-8", newline="\n")
        return 0
    sys.stderr.write(f"{file} does not follow from the template: run with --write\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
