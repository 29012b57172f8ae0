"""How an answer of the workshop is written: strict parsing of untrusted text into plain values.

Answers arrive as text typed at a prompt, as values of a YAML file, or as JSON, and they end in
policy files, Markdown and paths. So each kind of answer has one small grammar here, and whatever
does not follow it is refused with what would be right. Nothing here knows what an answer means for
another one; that is the business of ``workshop``.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata

from ai_program.placeholders import placeholder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_TEXT = 600  # characters of any one text
MAX_JSON = 12_000  # characters of a structured answer that is typed
MAX_ENTRIES = 50  # entries of one map or list
MAX_DEPTH = 5
MAX_VALUES = 1000  # values of one answer, at all depths

YES = ("yes", "y", "true", "t", "on", "1")
NO = ("no", "n", "false", "f", "off", "0")

_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_KEY = re.compile(r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_HANDLE = re.compile(r"@[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?")
# Narrower than the RFC: an address stands in CODEOWNERS and Markdown, where # and ` mean something.
_LOCAL = r"[A-Za-z0-9_%+'-]+(?:\.[A-Za-z0-9_%+'-]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
_EMAIL = re.compile(f"{_LOCAL}@{_HOST}")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SPRINT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})/([0-9]{1,2})w")

# Joiners that scripts and emoji need; every other invisible character can hide what is reviewed.
_HARMLESS_FORMAT = "\u200c\u200d"


class WrongAnswerError(Exception):
    """An answer that can't be used: what is wrong, and what would be right.

    ``carried`` is False for what cookiecutter would not carry as it was given (an unknown choice,
    a wrong type, template syntax), so that asking again at the prompt can't mend it.
    """

    def __init__(self, wrong: str, right: str, *, carried: bool = True) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.right = right
        self.carried = carried


class Person:
    """Somebody as answered: a handle, an e-mail address, or both."""

    __slots__ = ("email", "handle")

    def __init__(self, handle: str, email: str) -> None:
        self.handle = handle
        self.email = email

    @property
    def id(self) -> str:
        """What names the person everywhere: the handle, or else the address."""
        return self.handle or self.email

    @property
    def is_placeholder(self) -> bool:
        """Whether nobody real was named."""
        return self.handle.casefold().startswith("@your-")

    def same_as(self, other: Person) -> bool:
        """Whether both are one person, as far as the answers tell."""
        mine = {self.handle.casefold(), self.email.casefold()} - {""}
        return bool(mine & {other.handle.casefold(), other.email.casefold()})

    def __str__(self) -> str:
        return " ".join(part for part in (self.handle, self.email) if part)


def shown(value: object) -> str:
    """Return a value for a message: quoted, on one line, not too long, nothing invisible."""
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "yes", False: "no"}[value]
    body = repr(value)
    return body if len(body) <= 60 else f"{body[:57]}…"


def shown_word(value: object) -> str:
    """Return an answer as it is written, without quotes."""
    return shown(value) if value is None or isinstance(value, bool) else str(value)


def clean(value: object, depth: int = 0) -> None:
    """Refuse what must not reach any renderer, wherever it stands in a value.

    Raises:
        WrongAnswerError: template syntax, control characters, or more than anybody would answer.

    """
    if depth > MAX_DEPTH:
        raise WrongAnswerError(
            f"is nested deeper than {MAX_DEPTH} levels", "a flatter answer", carried=False
        )
    if isinstance(value, str):
        _clean_text(value)
    elif isinstance(value, (dict, list, tuple)):
        if _size(value) > MAX_VALUES:
            raise WrongAnswerError(
                f"has more than {MAX_VALUES} values", "a shorter answer", carried=False
            )
        for item in value:
            clean(item, depth + 1)
        if isinstance(value, dict):
            for item in value.values():
                clean(item, depth + 1)
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 10**18:  # a longer one is no measurement, and slow to print
            raise WrongAnswerError("is a number with too many digits", "a number", carried=False)
    elif value is not None and not isinstance(value, (bool, float, dt.date)):
        raise WrongAnswerError(
            f"is a {type(value).__name__}", "text, a number, a list or a map", carried=False
        )


def _size(value: object) -> int:
    """Count the values of an answer; stop counting where it is too many anyway."""
    count, stack = 0, [value]
    while stack and count <= MAX_VALUES:
        item = stack.pop()
        count += 1
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
    return count


def _clean_text(value: str) -> None:
    if found := _TEMPLATE.search(value):
        raise WrongAnswerError(
            f"contains template syntax ({found[0]})", "text without {{, {% and {#", carried=False
        )
    for character in value:
        category = unicodedata.category(character)
        if category in {"Cc", "Cs", "Zl", "Zp"} or (
            category == "Cf" and character not in _HARMLESS_FORMAT
        ):
            raise WrongAnswerError(
                f"contains a control character (U+{ord(character):04X})",
                "one line of text, without line breaks, tabs or invisible characters",
                carried=False,
            )
    if len(value) > MAX_JSON:
        raise WrongAnswerError(
            f"has {len(value)} characters", f"at most {MAX_JSON} characters", carried=False
        )


def text(value: object, *, minimum: int = 1, maximum: int = MAX_TEXT) -> str:
    """Read one line of text without a placeholder."""
    if not isinstance(value, str):
        raise WrongAnswerError(f"{shown(value)} is not text", 'text, in quotes: "…"', carried=False)
    value = unicodedata.normalize("NFC", value.strip())
    if not value:
        raise WrongAnswerError("is empty", "an answer")
    if found := placeholder(value):
        raise WrongAnswerError(
            f"contains a placeholder ({found})", "what is meant, or what is known so far"
        )
    if len(value) < minimum:
        raise WrongAnswerError(
            f"has {len(value)} characters", f"at least {minimum} characters that say what is meant"
        )
    if len(value) > maximum:
        raise WrongAnswerError(f"has {len(value)} characters", f"at most {maximum} characters")
    return value


def key(value: object, what: str) -> str:
    """Read the key of an entry: a word that is safe in an identifier."""
    if not isinstance(value, str) or len(value) > 40 or not _KEY.fullmatch(value):
        raise WrongAnswerError(
            f"{what} {shown(value)} can't be an identifier",
            "lower-case letters, digits, - and _, beginning with a letter, at most 40",
        )
    return value


def name(value: object, what: str) -> str:
    """Read a name as it stands in data: of a metric, a dataset, a field."""
    if not isinstance(value, str) or len(value) > 60 or not _NAME.fullmatch(value):
        raise WrongAnswerError(
            f"{what} {shown(value)} can't be a name",
            "lower-case letters, digits and _, beginning with a letter",
        )
    return value


def choice(value: object, choices: Mapping[str, str]) -> str:
    """Read one of the choices."""
    if isinstance(value, str) and value in choices:
        return value
    raise WrongAnswerError(
        f"{shown(value)} is not a choice", "one of " + ", ".join(choices), carried=False
    )


def boolean(value: object) -> bool:
    """Read yes or no."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in YES:
        return True
    if isinstance(value, str) and value.strip().lower() in NO:
        return False
    raise WrongAnswerError(f"{shown(value)} is neither yes nor no", "true or false", carried=False)


def number(
    value: object,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    integer: bool = False,
) -> int | float:
    """Read a finite number, written plainly; text is as good as a number."""
    kind = "a whole number" if integer else "a number"
    example = "30" if integer else "30 or 0.05"
    right = kind if math.isinf(minimum) else f"{kind} from {minimum:g} to {maximum:g}"
    grammar = _INTEGER if integer else _DECIMAL
    result: int | float
    if isinstance(value, str) and len(value) <= 40 and grammar.fullmatch(value.strip()):
        plain = value.strip()
        result = int(plain) if _INTEGER.fullmatch(plain) else float(plain)
    elif (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and not integer
    ):
        result = value
    else:
        raise WrongAnswerError(f"{shown(value)} is not {kind}", f"{right}, like {example}")
    if not math.isfinite(result):
        raise WrongAnswerError(f"{shown(value)} is not finite", right)
    if not minimum <= result <= maximum:
        raise WrongAnswerError(f"{shown(value)} is out of range", right)
    if isinstance(result, float) and result.is_integer() and abs(result) < 10**15:
        return int(result)
    return result


def date(value: object) -> str:
    """Read a calendar date; YAML may have read it already."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = value.isoformat()
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        try:
            return dt.date.fromisoformat(value.strip()).isoformat()
        except ValueError:
            pass
    raise WrongAnswerError(f"{shown(value)} is not a date", "a real date, YYYY-MM-DD: 2026-11-16")


def sprint(value: object) -> str:
    """Read a start and a length in weeks."""
    found = _SPRINT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise WrongAnswerError(
            f"{shown(value)} is not a start and a length", "YYYY-MM-DD/4w: 2026-11-23/4w"
        )
    start, weeks = date(found[1]), int(found[2])
    if not 2 <= weeks <= 6:
        raise WrongAnswerError(
            f"{weeks} week{'s' if weeks != 1 else ''} can't be a sprint", "2 to 6 weeks"
        )
    return f"{start}/{weeks}w"


def person(value: object) -> Person:
    """Read ``@handle``, ``name@host``, or both separated by a space."""
    right = "@handle, name@host, or both: @ada ada@example.org"
    if not isinstance(value, str):
        raise WrongAnswerError(f"{shown(value)} is not a person", right, carried=False)
    parts = value.split()
    if not parts:
        raise WrongAnswerError("is empty", right)
    handle = email = ""
    for part in parts:
        if not handle and len(part) <= 140 and _HANDLE.fullmatch(part):
            handle = part
        elif not email and len(part) <= 254 and _EMAIL.fullmatch(part):
            email = part
        else:
            raise WrongAnswerError(f"{shown(value)} is not a person", right)
    return Person(handle, email)


def names(value: object) -> list[str]:
    """Read names separated by commas (or a YAML list of them), each once."""
    if isinstance(value, str):
        parts: list[Any] = value.split(",")
    elif isinstance(value, list):
        parts = value
    else:
        raise WrongAnswerError(f"{shown(value)} is not a list", "names separated by commas")
    found: dict[str, None] = {}
    for part in parts:
        plain = (
            part.strip().lower().replace(" ", "_").replace("-", "_")
            if isinstance(part, str)
            else part
        )
        if plain != "":
            found[name(plain, "name")] = None
    if len(found) > MAX_ENTRIES * 4:
        raise WrongAnswerError(f"has {len(found)} names", f"at most {MAX_ENTRIES * 4} names")
    return list(found)


def limit(value: object, metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Read ``none``, or a metric and its limit."""
    right = "none, or a metric and its limit: " + ", ".join(
        f"{metric} {form['example']}" for metric, form in metrics.items()
    )
    parts = value.split() if isinstance(value, str) else []
    if parts == ["none"]:
        return "none"
    if len(parts) != 2 or parts[0] not in metrics:
        raise WrongAnswerError(f"{shown(value)} is not a metric and its limit", right)
    form = metrics[parts[0]]
    bound = number(parts[1], minimum=form["minimum"], maximum=form["maximum"])
    return f"{parts[0]} {bound}"


def entries(value: object) -> dict[str, Any]:
    """Read a map; at the command line it is written as JSON."""
    if isinstance(value, str):
        import json

        try:
            value = json.loads(value, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise WrongAnswerError(
                f"{shown(value)} is not JSON", 'a JSON object: {"name": {…}}'
            ) from None
        clean(value)
    if not isinstance(value, dict):
        raise WrongAnswerError(
            f"{shown(value)} is not a map",
            "name: {…} entries, or {} for the use case's own",
            carried=False,
        )
    if len(value) > MAX_ENTRIES:
        raise WrongAnswerError(f"has {len(value)} entries", f"at most {MAX_ENTRIES} entries")
    for entry in value:
        key(entry, "entry")
    return value


def _no_constant(constant: str) -> object:
    """Refuse NaN and the infinities, which JSON does not have."""
    raise ValueError(constant)
