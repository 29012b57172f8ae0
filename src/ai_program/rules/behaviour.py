"""What an average hides: parts of the data, reasons, and inputs that are off."""

from __future__ import annotations

from ai_program import values
from ai_program.rules.base import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ai_program.documents import Document
    from ai_program.findings import Finding
    from ai_program.program import Program

    Keys = tuple[str | int, ...]


class AIP202(Rule):
    """Each slice has a gate of its own, on no fewer rows than the slice asks for."""

    def check(self, program: Program) -> Iterator[Finding]:
        policy = program.head.evaluation
        gates = list(values.entries(policy, "gates"))
        for keys, part in values.entries(policy, "slices"):
            name, least = part.get("id"), values.number(part.get("min_rows"))
            if policy is None or not isinstance(name, str):
                continue
            own = [(at, gate) for at, gate in gates if gate.get("slice") == name]
            if not own and part.get("status") != "open":
                yield self.finding(policy.at(*keys, "id"), f"no gate judges the slice {name}")
            for at, gate in own:
                rows = values.number(gate.get("min_rows"))
                if least is not None and rows is not None and rows < least:
                    yield self.finding(
                        policy.at(*at, "min_rows"),
                        f"{gate.get('id')} passes on {rows} rows,"
                        f" the slice {name} asks for {least}",
                        related=((policy.at(*keys, "min_rows"), "the slice"),),
                    )


class AIP204(Rule):
    """Where an explanation is required, it is named, measured, limited, and there to see."""

    def check(self, program: Program) -> Iterator[Finding]:
        policy = program.head.evaluation
        said = policy.get("explainability") if policy else None
        if policy is None or not isinstance(said, dict):
            return
        if said.get("required") is not True:
            if program.tier == "high":
                yield self.finding(
                    policy.at("explainability", "required"),
                    "at the high tier every decision can be explained, and here none has to be",
                    do="write required: true, with score, limit and sample",
                )
            return
        if said.get("method") == "none":
            yield self.finding(
                policy.at("explainability", "method"),
                "an explanation is required, and there is no method",
            )
        missing = [key for key in ("score", "limit") if said.get(key) is None]
        if missing:
            yield self.finding(
                policy.key_at("explainability"),
                f"an explanation is required, and its {' and '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} not said",
            )
        elif said.get("status") != "open":
            yield from self._held(policy, said)
        if said.get("status") != "open":
            yield from self._shown(program, policy, said)

    def _held(self, policy: Document, said: dict[str, Any]) -> Iterator[Finding]:
        score, limit = said["score"], values.number(said["limit"])
        gates = _gates(policy, score)
        if not gates:
            yield self.finding(policy.at("explainability", "score"), f"no gate measures {score}")
        for keys, gate in gates:
            passed = values.number(gate.get("limit"))
            if gate.get("direction") != "higher":
                yield self.finding(
                    policy.at(*keys, "direction"),
                    f"{gate.get('id')} lets worse explanations pass: a higher {score} is better",
                )
            elif limit is not None and passed is not None and passed < limit:
                yield self.finding(
                    policy.at(*keys, "limit"),
                    f"{gate.get('id')} passes {passed}, the limit of {score} is {limit}",
                    related=((policy.at("explainability", "limit"), "the limit"),),
                )

    def _shown(self, program: Program, policy: Document, said: dict[str, Any]) -> Iterator[Finding]:
        path, tree = said.get("sample"), program.head.tree
        if not isinstance(path, str):
            yield self.finding(
                policy.key_at("explainability"),
                "no decision is explained to look at",
                do="write the explanation of one decision to a file and name it under sample",
            )
        elif path not in tree or not tree.read(path).strip():
            yield self.finding(
                policy.at("explainability", "sample"),
                f"{path} explains nothing: it is {'empty' if path in tree else 'not there'}",
                do="write the explanation of one decision to this file",
            )


class AIP205(Rule):
    """Inputs that are off are measured, and where the model cannot answer a rule does."""

    def check(self, program: Program) -> Iterator[Finding]:
        policy = program.head.evaluation
        if policy is None or not isinstance(policy.value, dict):
            return
        yield from self._fallback(program, policy)
        said = policy.get("robustness")
        if not isinstance(said, dict):
            yield self.finding(
                policy.at("schema_version"),
                "nothing says what the model does with inputs that are off",
                do="name the metrics under robustness and let a gate hold each",
            )
            return
        if said.get("perturbation") == said.get("fail_safe"):
            yield self.finding(
                policy.at("robustness", "fail_safe"),
                "one metric cannot say how far answers move and what is not answered",
            )
        for key, most, meaning in (
            ("perturbation", 1, "lets the answers move by more than themselves"),
            ("fail_safe", 0, "lets inputs pass that nothing answers"),
        ):
            metric = said.get(key)
            gates = _gates(policy, metric)
            if not gates and said.get("status") != "open":
                yield self.finding(policy.at("robustness", key), f"no gate measures {metric}")
            for keys, gate in gates:
                limit = values.number(gate.get("limit"))
                if gate.get("direction") != "lower" or limit is None or limit > most:
                    wrong = "limit" if gate.get("direction") == "lower" else "direction"
                    yield self.finding(
                        policy.at(*keys, wrong),
                        f"{gate.get('id')} {meaning}",
                        do=f"write direction: lower and a limit of at most {most}",
                    )

    def _fallback(self, program: Program, policy: Document) -> Iterator[Finding]:
        release = program.head.release
        fallback = release.get("rollback", "fallback") if release else None
        if release is not None and fallback is not None and fallback == policy.get("model"):
            yield self.finding(
                release.at("rollback", "fallback"),
                f"the fallback is {fallback} itself, which is what may fail",
                do="name a rule that answers without the model",
            )


def _gates(policy: Document, metric: object) -> list[tuple[Keys, dict[str, Any]]]:
    """Return the gates that judge a metric by itself, over all rows."""
    wanted = [metric, None, None]
    return [
        (keys, gate)
        for keys, gate in values.entries(policy, "gates")
        if [gate.get(key) for key in ("metric", "slice", "compare_with")] == wanted
    ]
