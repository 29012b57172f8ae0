"""The breaker opens for those who may open it, and closes when two agree."""

from __future__ import annotations

import pytest
from oracles import Sum

from {{ cookiecutter.package_name }} import breaker
from {{ cookiecutter.package_name }}.errors import RefusedError


def holding(served, *roles: str, but: str | None = None) -> str:
    """Return somebody active with one of these roles, and without another one."""
    return next(
        person["handle"]
        for person in served.settings.program["people"]
        if person["active"] and set(roles) & set(person["roles"]) and but not in person["roles"]
    )


@pytest.fixture
def policy(served) -> dict:
    return served.settings.monitoring["breaker"]


@pytest.fixture
def tripper(served, policy) -> str:
    return holding(served, *policy["may_trip"])


@pytest.fixture
def approver(served, policy) -> str:
    return holding(served, policy["reset_requires"])


def test_it_is_closed_until_somebody_trips_it(served, tripper, approver) -> None:
    version = served.release(Sum())
    assert breaker.opened(served.settings, version) is None
    assert breaker.trip(served.settings, by=tripper, reason="peaks missed") == version
    assert "peaks missed" in breaker.opened(served.settings, version)
    assert breaker.opened(served.settings, "another-version") is None
    breaker.reset(served.settings, author=tripper, approver=approver, reason="it was the meter")
    assert breaker.opened(served.settings, version) is None
    assert [each["event"] for each in breaker.history(served.settings)] == ["trip", "reset"]


def test_the_first_reason_stays(served, policy, tripper) -> None:
    version = served.release(Sum())
    breaker.trip(served.settings, by=tripper, reason="the first")
    breaker.trip(served.settings, by=policy["trips_on"][0], reason="the second")
    assert "the first" in breaker.opened(served.settings, version)
    assert len(breaker.history(served.settings)) == 2


@pytest.mark.parametrize(
    ("by", "said"),
    [("@nobody", "nobody who is declared"), ("MON-unheard-of", "does not trip on MON-unheard-of")],
)
def test_not_everybody_trips_it(served, by, said) -> None:
    version = served.release(Sum())
    with pytest.raises(RefusedError, match=said):
        breaker.trip(served.settings, by=by, reason="why not")
    assert breaker.opened(served.settings, version) is None


def test_who_has_no_role_for_it_does_not_trip_it(served, approver) -> None:
    """The rules keep those who reset it from tripping it (AIP403)."""
    served.release(Sum())
    with pytest.raises(RefusedError, match=f"{approver} may not trip the breaker"):
        breaker.trip(served.settings, by=approver, reason="why not")


def test_without_a_release_there_is_nothing_to_take_out(served, tripper) -> None:
    with pytest.raises(RefusedError, match="the fallback answers already"):
        breaker.trip(served.settings, by=tripper, reason="why not")


def test_a_reset_takes_two(served, tripper, approver) -> None:
    version = served.release(Sum())
    breaker.trip(served.settings, by=tripper, reason="peaks missed")
    for asks, approves, said in (
        (tripper, tripper, "may not approve"),
        (approver, approver, "somebody else has to approve"),
        (tripper, "@nobody", "nobody who is declared"),
    ):
        with pytest.raises(RefusedError, match=said):
            breaker.reset(served.settings, author=asks, approver=approves, reason="let it")
    assert breaker.opened(served.settings, version)


def test_there_is_nothing_to_reset_while_it_is_closed(served, tripper, approver) -> None:
    old = served.release(Sum())
    breaker.trip(served.settings, by=tripper, reason="peaks missed")
    new = served.release(Sum(1))
    asked = {"author": tripper, "approver": approver, "reason": "let it"}
    with pytest.raises(RefusedError, match=f"closed for {new}; taken out: {old}"):
        breaker.reset(served.settings, **asked)
    assert breaker.reset(served.settings, **asked, version=old) == old


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"null", b'{"taken_out": []}', b'{"taken_out": {"x": 1}}',
                b'{"taken_out": {"x": {"by": "me"}}}', b"\xff"],
)  # fmt: skip
def test_a_state_that_nobody_can_read_keeps_every_version_out(
    served, tripper, approver, content
) -> None:
    version = served.release(Sum())
    path = breaker.path(served.settings)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert "cannot be read" in breaker.opened(served.settings, version)
    breaker.trip(served.settings, by=tripper, reason="peaks missed")
    assert "cannot be read" in breaker.opened(served.settings, version)
    breaker.reset(served.settings, author=tripper, approver=approver, reason="written anew")
    assert breaker.opened(served.settings, version) is None
