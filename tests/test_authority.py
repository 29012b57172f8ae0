"""What a finding tells somebody to write is what the engine then reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_program import authority, documents, polarity

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text("aé #:{}[]\"'\\-"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:#"), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    "pointer",
    ["policies/evaluation.yaml#gates[GATE-mape].limit", 'policies/data.yaml#x["odd: name"].y'],
)
@given(value=VALUES)
def test_the_remedy_can_be_copied_into_a_decision(pointer, value):
    line = authority.remedy(pointer, value)
    entry = line[line.index("{change") : line.rindex("}") + 1]
    read = documents.parse(f"authorises:\n  - {entry}\n".encode(), "decision.yaml").value
    assert read["authorises"][0]["change"] == pointer
    assert polarity.same(read["authorises"][0]["to"], value)
