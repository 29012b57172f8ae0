"""Writes the shapes of the gates into ``policies/workflows.yaml``, from the template's workflows.

``python -m ai_program.gateshapes --write`` in a checkout of the baseline, after a workflow of the
template changed; without ``--write`` it only says whether the two agree. What the generated part
says by hand-written words stays above it.
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


def render(policies: Path) -> str:
    """Return what ``policies/workflows.yaml`` should hold."""
    file = policies / "workflows.yaml"
    written = file.read_text(encoding="utf-8").partition(MADE)[0]
    rest = yaml.safe_load(written)
    folder = policies.parent / TEMPLATE
    policy = rest["policy_workflow"]
    digest = digests.of_bytes((folder / policy).read_bytes())
    known = documents.parse(file.read_bytes(), file.name).get("policy_digests", default=[])
    gates = {}
    for path in sorted((folder / ".github" / "workflows").glob("*.yml")):
        name = path.relative_to(folder).as_posix()
        if name != policy:
            gates[name] = workflows.shape(documents.parse(path.read_bytes(), name).value)
    made = {"policy_digests": list(dict.fromkeys([*known, digest])), "gates": gates}
    return written + MADE + yaml.dump(made, Dumper=_Dumper, sort_keys=False, width=10_000)


def main(arguments: list[str]) -> int:
    """Write the file, or say that it is not up to date."""
    policies = Path(paths.root())
    text = render(policies)
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
