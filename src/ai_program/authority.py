"""Authority: whose agreement counts, and whether a change has it.

Names under a decision or a release are claims that anybody can type. They count only for people who
were declared before the change, active, in a role that the release policy names, and none of whom
wrote the change; and an authorisation is used up by the change that it was given for.
"""

from __future__ import annotations

from ai_program import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ai_program.documents import Document
    from ai_program.polarity import Change
    from ai_program.program import Person, Program, State


def permitted_roles(program: Program) -> tuple[str, ...]:
    """Return the roles that may approve, as the base has them, so that no change adds its own."""
    policy = program.base.release or program.head.release
    return tuple(values.texts(policy.get("approvals", "roles"))) if policy else ()


def refusal(program: Program, name: object, authors: Iterable[str]) -> str | None:
    """Return why the approval of this person does not count, None if it does.

    ``authors`` are the e-mail addresses of those whose work is approved.
    """
    person = program.head.person(name)
    if person is None:
        return f"{name} is not declared in policies/program.yaml"
    if not person.active:
        return f"{name} is not active"
    known = person
    if program.base.program is not None:
        before = program.base.people.get(person.handle)
        if before is None or not before.active:
            return f"{name} was not declared and active before this change"
        known = before
    roles = permitted_roles(program)
    if not set(roles).intersection(person.roles, known.roles):
        return f"{name} has none of the roles that approve ({', '.join(roles) or 'there are none'})"
    own = {email.lower() for email in authors}
    if own.intersection(person.emails) or own.intersection(known.emails):
        return f"{name} is the author"
    return None


def refusals(program: Program, names: Iterable[object], authors: Iterable[str]) -> list[str | None]:
    """Return for each name why the approval does not count; the same person counts once."""
    authors = list(authors)
    seen: list[Person] = []
    found: list[str | None] = []
    for name in names:
        reason = refusal(program, name, authors)
        person = program.head.person(name)
        if reason is None and person is not None:
            twin = next((p for p in seen if _same_person(p, person)), None)
            seen.append(person)
            reason = f"{name} is {twin.handle}, who is named already" if twin else None
        found.append(reason)
    return found


def undeclared(program: Program, authors: Iterable[str]) -> list[str]:
    """Return the authors who are nobody in particular, so nobody knows what they approved."""
    states = (program.head, program.base)
    return sorted(a for a in authors if not any(state.person(a) for state in states))


def writers(program: Program, path: str) -> set[str]:
    """Return the e-mail addresses of all who wrote a file, the change included.

    Raises:
        CannotDecide: the clone's history is cut.

    """
    found = {commit.author.lower() for commit in program.snapshot.history.commits(path)}
    if path in program.snapshot.changed and program.snapshot.head.commit is None:
        found |= program.snapshot.authors
    return found


def missing(
    program: Program,
    pointer: str,
    value: object,
    applied: Callable[[State], bool] | None = None,
) -> str | None:
    """Return why no decision authorises that this place takes this value, None if one does.

    ``applied`` says whether a state has that value there: with it, a decision that was used once
    and taken back does not count a second time.
    """
    reasons = []
    for decision in program.head.decisions:
        for _, change in values.entries(decision, "authorises"):
            if change.get("change") == pointer:
                reason = _objection(program, decision, change, value, applied)
                if reason is None:
                    return None
                reasons.append(f"{decision.get('id')} {reason}")
    return "; ".join(reasons) or "no accepted decision authorises it"


def remedy(pointer: str, value: object) -> str:
    """Return what to do about a change that no decision authorises, ready to be copied."""
    import json

    change, to = (json.dumps(each, ensure_ascii=False) for each in (pointer, value))
    authorised = f"{{change: {change}, to: {to}}}"
    return (
        f"undo it, or bring an accepted decision that authorises {authorised},"
        " approved by others than the author"
    )


class Applied:
    """Whether an earlier state had the value that a change brings."""

    __slots__ = ("after", "path", "pointer", "schema")

    def __init__(self, path: str, after: Document, change: Change, schema: dict[str, Any]) -> None:
        self.path = path
        self.after = after
        self.pointer = change.pointer
        self.schema = schema

    def __call__(self, state: State) -> bool:
        """Compare what that state had with what is judged."""
        from ai_program import polarity

        then = state.tree.document(self.path)
        if then is None:
            return False
        left = polarity.compare(then.value, self.after.value, self.schema)
        return not any(
            self.pointer.startswith(change.pointer) or change.pointer.startswith(self.pointer)
            for change in left
        )


def _objection(
    program: Program,
    decision: Document,
    change: dict[str, object],
    value: object,
    applied: Callable[[State], bool] | None,
) -> str | None:
    """Return why this decision does not authorise that value, None if it does."""
    from ai_program.polarity import same, shown

    if decision.get("status") != "accepted":
        return f"is {decision.get('status')}, not accepted"
    if decision.get("superseded_by") is not None:
        return f"is superseded by {decision.get('superseded_by')}"
    if not same(change.get("to"), value):
        return f"authorises {shown(change.get('to'))}"
    authors = program.snapshot.authors
    strangers = ", ".join(undeclared(program, authors)) or ("" if authors else "nobody")
    if strangers:
        return f"does not count: the author, {strangers}, is not declared in policies/program.yaml"
    approvers = decision.get("approvers")
    if not isinstance(approvers, list) or not approvers:
        return "does not count: nobody approved it"
    wrong = [reason for reason in refusals(program, approvers, authors) if reason]
    if wrong:
        return f"does not count: {wrong[0]}"
    path = str(change["change"]).partition("#")[0]
    if applied is not None and _spent(program, decision, path, applied):
        return "was used already, and the change was taken back"
    return None


def _spent(
    program: Program, decision: Document, path: str, applied: Callable[[State], bool]
) -> bool:
    """Tell whether an earlier state had both: the accepted decision and what it authorises."""
    from ai_program.program import State
    from ai_program.snapshot import History

    snapshot = program.snapshot
    if decision.path not in snapshot.base:
        return False
    for commit in History(snapshot.git, snapshot.base.commit).commits(path):
        state = State(snapshot.at(commit.oid))
        then = state.tree.document(decision.path)
        if then is not None and then.get("status") == "accepted" and applied(state):
            return True
    return False


def _same_person(one: Person, other: Person) -> bool:
    return one.handle == other.handle or bool(set(one.emails).intersection(other.emails))
