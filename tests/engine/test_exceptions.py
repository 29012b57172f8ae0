"""Waivers: what makes one count, and everything that makes it count for nothing."""

from __future__ import annotations

from datetime import date, timedelta

import cases
import pytest
from engine.toys import PROGRAM
from hypothesis import example, given
from hypothesis import strategies as st

from ai_program import exceptions
from ai_program.program import Program, State

WAIVER = """\
schema_version: 1
id: EXC-0001
rule: AIP901
path: contracts/a.odcs.yaml
reason: The owner is on leave.
compensating_control: The data owner reviews every change.
approver: "@grace"
created: "2026-11-01"
expires: "2026-11-30"
"""
PATH = "decisions/exceptions/EXC-0001.yaml"


def waive(repo, text: str = WAIVER, path: str = PATH):
    repo.add(path, text)
    repo.commit()


def test_a_waived_finding_stays_visible_and_does_not_fail(governed, check):
    waive(governed)
    result = check(governed)
    assert [(f.code, f.waived_by) for f in result.findings] == [
        ("AIP902", None),
        ("AIP901", "EXC-0001"),
    ]
    assert (result.errors, result.warnings, result.waived) == (0, 1, 1)


def test_no_change_excuses_itself(governed, check):
    governed.add(PATH, WAIVER)
    assert check(governed).errors == 1


def test_taking_a_waiver_back_takes_effect_with_the_next_change(governed, check):
    waive(governed)
    governed.git("rm", "-q", PATH)
    assert check(governed).errors == 0


@pytest.mark.parametrize("path", ["contracts/*.yaml", "contracts/**", "**"])
def test_a_path_may_be_a_pattern(governed, check, path):
    waive(governed, WAIVER.replace("contracts/a.odcs.yaml", f'"{path}"'))
    assert check(governed).errors == 0


@pytest.mark.parametrize(
    ("old", "new"), [("AIP901", "AIP902"), ("contracts/a.odcs.yaml", "contracts/b.odcs.yaml")]
)
def test_a_waiver_of_something_else_waives_nothing(governed, check, old, new):
    waive(governed, WAIVER.replace(old, new))
    assert check(governed).errors == 1


PROBLEMS = {
    "expired": ("2026-11-30", "2026-11-21", "expired on 2026-11-21"),
    "too long": ("2026-11-30", "2027-01-31", "lasts 91 days; 90 are allowed at tier limited"),
    "ends before it begins": (
        "2026-11-30", "2026-10-31", "expires on 2026-10-31, before it was created",
    ),
    "not yet": ("2026-11-01", "2026-11-23", "is dated 2026-11-23, which is not yet"),
    "no such day": ("2026-11-30", "2026-11-31", "is malformed: 2026-11-31 is no day"),
    "unknown rule": ("AIP901", "AIP999", "names AIP999, which is no rule of this baseline"),
    "fixed rule": ("AIP901", "AIP903", "names AIP903, which cannot be waived"),
    "unknown approver": ("@grace", "@nobody", "is approved by @nobody, who is not declared"),
    "gone approver": ("@grace", "@old", "is approved by @old, who is not active"),
    "own approver": ("@grace", "@ada", "is approved by @ada, who wrote it"),
    "another name": ("EXC-0001", "EXC-0002", "is malformed: the file of EXC-0002"),
    "no reason": ("The owner is on leave.", '""', "is malformed: "),
    "unknown key": ("reason:", "because:", "is malformed: "),
    "no list": (WAIVER, "[]\n", "is malformed: "),
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_waiver_with_a_problem_waives_nothing(governed, check, baseline, case):
    old, new, problem = PROBLEMS[case]
    waive(governed, WAIVER.replace(old, new))
    (waiver,) = exceptions.of_base(Program(governed.take(), baseline))
    assert problem in waiver.problem
    assert check(governed).errors == 1


@pytest.mark.parametrize(("day", "errors"), [("2026-11-30", 0), ("2026-12-01", 1)])
def test_the_last_day_is_included(governed, check, day, errors):
    waive(governed)
    assert check(governed, today=day).errors == errors


@pytest.mark.parametrize(("tier", "days"), [("minimal", 180), ("limited", 90), ("high", 30)])
def test_the_tier_limits_how_long(repo, baseline, tier, days):
    repo.add("policies/program.yaml", PROGRAM.replace("limited", tier))
    ends = {180: "2027-04-30", 90: "2027-01-30", 30: "2026-12-01"}
    over = {180: "2027-05-01", 90: "2027-01-31", 30: "2026-12-02"}
    waive(repo, WAIVER.replace("2026-11-30", ends[days]))
    assert exceptions.of_base(repo.program(baseline))[0].problem is None
    waive(repo, WAIVER.replace("2026-11-30", over[days]))
    assert "days; " in exceptions.of_base(repo.program(baseline))[0].problem


def test_whoever_touched_it_is_not_its_approver(governed, baseline):
    governed.add(PATH, WAIVER)
    governed.commit()
    governed.add(PATH, WAIVER.replace("on leave", "on holiday"))
    governed.commit(GIT_AUTHOR_EMAIL="GRACE@example.org")
    (waiver,) = exceptions.of_base(governed.program(baseline))
    assert waiver.problem == "is approved by @grace, who wrote it"
    assert waiver.keys == ("approver",)


def test_a_new_waiver_is_written_by_whoever_commits_it(governed, baseline):
    governed.add(PATH, WAIVER)
    (waiver,) = exceptions.of_head(governed.program(baseline))
    assert waiver.problem is None
    mine = {"GIT_AUTHOR_EMAIL": "grace@example.org"}
    (waiver,) = exceptions.of_head(governed.program(baseline, environ=mine))
    assert waiver.problem == "is approved by @grace, who wrote it"


def test_an_unreadable_waiver_waives_nothing(governed, check):
    waive(governed, WAIVER + "id: EXC-0001\n")
    assert check(governed).errors == 1


def test_without_authors_nobody_is_suspected(governed, baseline):
    waive(governed, WAIVER.replace("@grace", "@ada"))
    program = governed.program(baseline)
    (waiver,) = exceptions.read(program.base, baseline, "2026-11-22")
    assert waiver.problem is None


# --- properties ----------------------------------------------------------------------------------

LONGEST = {"minimal": 180, "limited": 90, "high": 30}
days = st.dates(date(2025, 1, 1), date(2028, 12, 31))
tiers = st.sampled_from(list(LONGEST))


@pytest.fixture(scope="module")
def problem(baseline, tmp_path_factory):
    """Return a function that says what is wrong with a waiver of these days."""
    store = cases.Store(tmp_path_factory.mktemp("objects") / "repository.git")

    def told(tier: str, created: object, expires: object, today: object) -> str | None:
        text = WAIVER.replace("2026-11-01", str(created)).replace("2026-11-30", str(expires))
        files = {"policies/program.yaml": PROGRAM.replace("limited", tier), PATH: text}
        tree = store.state({name: ("100644", each.encode()) for name, each in files.items()}, None)
        (waiver,) = exceptions.read(State(tree), baseline, str(today))
        return waiver.problem

    return told


@given(tier=tiers, created=days, length=st.integers(-3, 200), later=st.integers(-3, 203))
@example(tier="high", created=date(2026, 2, 28), length=30, later=30)
@example(tier="high", created=date(2026, 2, 28), length=31, later=0)
@example(tier="minimal", created=date(2027, 12, 31), length=0, later=0)
def test_a_waiver_counts_on_its_days_and_on_no_other(problem, tier, created, length, later):
    expires, today = created + timedelta(length), created + timedelta(later)
    counts = 0 <= later <= length <= LONGEST[tier]
    assert (problem(tier, created, expires, today) is None) == counts


@given(tier=tiers, created=days, length=st.integers(0, 200), later=st.integers(0, 203))
def test_a_stricter_tier_never_makes_a_waiver_count(problem, tier, created, length, later):
    expires, today = created + timedelta(length), created + timedelta(later)
    if problem(tier, created, expires, today) is not None:
        stricter = list(LONGEST)[list(LONGEST).index(tier) :]
        assert all(problem(each, created, expires, today) for each in stricter)


@given(tier=tiers, day=st.from_regex(r"[0-9]{1,5}-[0-9]{1,3}-[0-9]{1,3}", fullmatch=True))
@example(tier="minimal", day="2027-02-29")
@example(tier="minimal", day="2026-11-31")
@example(tier="minimal", day="9999-12-31")
@example(tier="minimal", day="20261130")
@example(tier="minimal", day="2026-W48-1")
def test_what_is_no_day_of_the_time_allowed_never_counts(problem, tier, day):
    known = {str(date(2026, 11, 22) + timedelta(n)) for n in range(LONGEST[tier])}
    if day not in known:
        assert problem(tier, "2026-11-01", day, "2026-11-22") is not None
