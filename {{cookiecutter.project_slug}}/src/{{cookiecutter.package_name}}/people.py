"""People: who asks, who approves, and which roles they have in policies/program.yaml."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from . import repository
from .errors import RefusedError
from .settings import Settings


def find(settings: Settings, name: str) -> dict[str, Any]:
    """Return an active person by handle or e-mail address."""
    for person in settings.program["people"]:
        names = {person["handle"].lower(), *(email.lower() for email in person["emails"])}
        if name.lower() in names and person["active"]:
            return person
    raise RefusedError(f"{name} is nobody who is declared and active in policies/program.yaml")


def asking(settings: Settings) -> dict[str, Any]:
    """Return whoever asks, as git knows them."""
    return find(settings, repository.author(settings.root))


def require_role(person: dict[str, Any], roles: Collection[str], what: str) -> None:
    """Refuse somebody who has none of the roles that may do this."""
    if not set(roles) & set(person["roles"]):
        raise RefusedError(
            f"{person['handle']} may not {what}: that takes the role {' or '.join(sorted(roles))} "
            "(policies/program.yaml says who has it)"
        )
