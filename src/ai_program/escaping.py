"""How values are written into YAML and Markdown: always safe, whatever somebody answered.

Also the writer of workshop.yaml and of rejected answers: one form on every machine, whichever
version of PyYAML is installed, and read alike by YAML 1.1 (cookiecutter) and 1.2 (the engine).
"""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Words and numbers that some version of YAML takes for something else than text.
_RESERVED = re.compile(r"(?i)(?:y|n|yes|no|on|off|true|false|null|nan|inf)")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?: [A-Za-z][A-Za-z0-9_-]*)*")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# Line breaks to YAML 1.1, or invisible, although JSON leaves them as they are.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def yaml_value(value: object) -> str:
    """Return a value on one line of YAML that is also JSON; text is always in quotes."""
    plain = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)


def _plain(value: object) -> object:
    """Return dicts and lists of a template (which may be wrapped) as ordinary ones."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    return value


def python_text(value: object) -> str:
    """Return a value as a Python literal: text that holds its JSON, in ASCII, in its own order."""
    return json.dumps(json.dumps(_plain(value)))


def yaml_word(value: object) -> str:
    """Return a value for people to edit: plain words without quotes, where that is safe."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and not _RESERVED.fullmatch(value):
        return value
    return yaml_value(value)


def yaml_block(value: Mapping[str, Any], indent: int = 0) -> str:
    """Return a map over several lines; the innermost maps and all lists stay on one line."""
    lines = []
    for key, item in value.items():
        name = (
            key if _PLAIN_KEY.fullmatch(key) and not _RESERVED.fullmatch(key) else yaml_value(key)
        )
        if isinstance(item, dict) and any(
            inner and isinstance(inner, dict) for inner in item.values()
        ):
            lines.append(f"{' ' * indent}{name}:\n{yaml_block(item, indent + 2)}")
        else:
            lines.append(f"{' ' * indent}{name}: {yaml_flow(item)}\n")
    return "".join(lines)


def yaml_flow(value: object) -> str:
    """Return a value on one line, with plain words where that is safe."""
    if isinstance(value, dict):
        pairs = (f"{yaml_word(key)}: {yaml_flow(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml_flow, value)) + "]"
    return yaml_word(value)


# What starts something in Markdown wherever it stands; an underscore within a word does not.
_MARKDOWN = re.compile(r"([\\`*\[\]<>|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_MARKDOWN_START = re.compile(r"^(\s*)([#+=-]|[0-9]+(?=[.)]))")


def markdown(value: object) -> str:
    """Return text that Markdown shows as it was written, on one line."""
    text = " ".join(str(value).split())
    text = _MARKDOWN.sub(r"\\\1", text.replace("&", "&amp;"))
    found = _MARKDOWN_START.match(text)
    if not found:
        return text
    start = found.end()
    if found[2].isdigit():  # a numbered list: the dot is what makes it one
        return f"{text[:start]}\\{text[start:]}"
    return f"{found[1]}\\{text[len(found[1]) :]}"
