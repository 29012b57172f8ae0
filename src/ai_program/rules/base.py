"""What a rule is: a generator of findings over the programme, without input or output."""

from __future__ import annotations

from ai_program.findings import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ai_program.catalogue import Rule as Metadata
    from ai_program.documents import Document
    from ai_program.findings import Location
    from ai_program.polarity import Change
    from ai_program.program import Program


class Rule:
    """Base of all rules. The class is named by its code; its metadata is in the catalogue."""

    code = ""
    # Whether it judges what the other rules found, once the exceptions are applied to that.
    after_exceptions = False

    def __init_subclass__(cls) -> None:
        cls.code = cls.__name__

    def __init__(self, metadata: Metadata, severity: str) -> None:
        self.metadata = metadata
        self.severity = severity

    def check(self, program: Program) -> Iterator[Finding]:
        """Yield what is wrong."""
        raise NotImplementedError

    def undecided(
        self,
        program: Program,
        before: Document,
        after: Document,
        change: Change,
        *,
        schema: dict[str, Any],
        because: str,
    ) -> Iterator[Finding]:
        """Yield a change of a policy that no accepted decision authorises."""
        from ai_program import authority, polarity

        gone = change.after is polarity.ABSENT
        pointer, value = f"{after.path}#{change.pointer}", None if gone else change.after
        applied = authority.Applied(after.path, after, change, schema)
        missing = authority.missing(program, pointer, value, applied)
        if missing is not None:
            why = f" ({because})" if because else ""
            yield self.finding(
                (after.key_at if gone else after.at)(*change.after_keys),
                f"{polarity.describe(change)}{why}, and {missing}",
                do=authority.remedy(pointer, value),
                related=[(before.at(*change.before_keys), "base")],
            )

    def finding(
        self,
        at: Location,
        message: str,
        *,
        do: str | None = None,
        related: Sequence[tuple[Location, str]] = (),
        severity: str | None = None,
    ) -> Finding:
        """Make a finding of this rule.

        The remedy is the catalogue's unless the rule knows a better one. The severity is the
        catalogue's for the programme's tier; a rule may lower it to "warning" where a place (a
        laptop, a file that the change does not touch) calls for it, never raise it.
        """
        if self.severity == "warning":
            severity = "warning"
        return Finding(
            self.code,
            severity or self.severity,
            at,
            message,
            do or self.metadata.do,
            tuple(related),
        )
