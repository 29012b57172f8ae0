"""Answers that the commit would refuse are refused before anything is rendered."""

from __future__ import annotations

import pytest

from ai_program.git import Misuse
from ai_program.regeneration import preparing


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("retention_days: 730", 'retention_days: "900"',
         'default_context.retention_days: "900" is not a whole number'),
        ("retention_days: 730", "retention_days: 0",
         "default_context.retention_days: 0 is less than 1"),
        ("retention_days: 730\n", "", "default_context: the key 'retention_days' is missing"),
        ("retention_days: 730", "retention_days: 730\n  retention_days: 900",
         "the key 'retention_days' stands here twice"),
    ],
)  # fmt: skip
def test_answers_of_another_form_are_refused(rendered, old, new, message):
    answers = (rendered("demand") / "workshop.yaml").read_text(encoding="utf-8")
    assert answers.count(old) == 1
    workshop = answers.replace(old, new).encode()
    with pytest.raises(Misuse) as refused:
        preparing.require_form(workshop)
    file, line, _, said = str(refused.value).split(":", 3)
    assert (file, line.isdigit(), said.strip()) == ("workshop.yaml", True, message)
    preparing.require_form(answers.encode())
