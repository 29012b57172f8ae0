"""The dashboard: every stage of a programme has a page that says what the files say."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cases
import pytest

from ai_program import dashboard
from ai_program.dashboard import charts, content, wording
from ai_program.program import Baseline

BASELINE = Baseline()
VOID = {"meta", "link", "line", "circle", "rect", "polyline", "br", "wbr"}


class Reader(HTMLParser):
    """Holds a page to what a browser would otherwise mend in silence."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.names: list[str] = []
        self.text = ""
        self.labels: list[str] = []
        self.outside: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.names += found.get("aria-labelledby", "").split()
        self.labels += [found["aria-label"]] if "aria-label" in found else []
        for key in ("src", "href"):
            value = found.get(key, "#")
            if not value.startswith(("#", "data:")):
                self.outside.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def judged(rendered, tmp_path):
    """Return a function that returns the programme of a variant at a stage of its life."""

    def judged(variant="demand", state="replaced", **case):
        files = cases.read(rendered(variant))
        store = cases.Store(tmp_path / f"{variant}-{state}.git")
        return cases.judge({"state": state, **case}, files, store, BASELINE).program

    return judged


@pytest.mark.parametrize("state", ["scaffolded", "evaluated", "released", "rolled_back"])
@pytest.mark.parametrize(
    "variant", ["demand", "high", "personalization", "anomaly_detection", "inventory_optimization"]
)
def test_every_stage_of_every_programme_has_a_page(judged, variant, state) -> None:
    programme = judged(variant, state)
    page = dashboard.render(programme)
    assert page == dashboard.render(programme)
    found = Reader(page)
    assert found.outside == []
    assert "<script" not in page
    assert len(found.ids) == len(set(found.ids))
    assert set(found.names) <= set(found.ids)
    # Nothing of Python shows through.
    assert re.search(r"\b(None|Undefined|\[\]|\{\})\b|object at 0x", found.text) is None


def test_it_says_what_is_in_force_and_what_it_rests_on(judged) -> None:
    programme = judged(state="replaced")
    text = " ".join(Reader(dashboard.render(programme)).text.split())
    version = programme.head.active.get("version")
    assert version.startswith("ridge-")
    assert f"In force {version} promoted on 2026-11-20" in text
    assert "6 of 6 hold" in text
    for kind in ("Data", "Features", "Model", "Evaluation", "Decision", "Release", "KPIs"):
        assert kind in text


def test_before_a_release_it_says_so(judged) -> None:
    text = " ".join(Reader(dashboard.render(judged(state="evaluated"))).text.split())
    assert "No release yet the fallback rule answers" in text
    assert "pass gradient-boosting-" in text


def test_open_entries_stand_there_and_late_ones_are_marked(judged) -> None:
    open_now = Reader(dashboard.render(judged("high", "scaffolded"))).text
    assert "blocks it" in open_now
    assert "Name everyone who is affected" in open_now
    assert "✕" not in open_now
    late = Reader(dashboard.render(judged("high", "scaffolded", today="2027-06-01"))).text
    assert "✕" in late


def test_a_broken_rule_is_the_first_thing_that_one_sees(judged) -> None:
    edit = {"policies/evaluation.yaml": {"replace": "limit: 0.05\n", "with": "limit: 0.5\n"}}
    text = " ".join(Reader(dashboard.render(judged(state="scaffolded", edit=edit))).text.split())
    assert "1 error" in text
    assert "AIP208 in policies/evaluation.yaml" in text


def test_what_the_files_say_is_text_and_never_markup(judged) -> None:
    name = "<img src=x onerror=alert(1)> & <script>"
    edit = {
        "policies/program.yaml": {
            "replace": 'name: "Demand Forecasting"',
            "with": f"name: '{name}'",
        }
    }
    page = dashboard.render(judged(state="scaffolded", edit=edit))
    assert "<img" not in page
    assert name in Reader(page).text


@pytest.mark.parametrize("place", ["policies/program.yaml", "policies/monitoring.yaml"])
@pytest.mark.parametrize("content", ["", "objectives: 7\nmonitors: {a: 1}\n", "- [\n", "null\n"])
def test_a_broken_file_leaves_its_part_empty(judged, place, content) -> None:
    page = dashboard.render(judged(state="released", edit={place: {"write": content}}))
    assert re.search(r"\b[1-9]\d* errors?\b", Reader(page).text)


OBSERVED = (
    '{"monitors": [{"monitor": "MON-drift", "value": %s, "outcome": "%s", "detail": "by chance"}]}'
)


def test_observations_are_drawn_over_time(judged) -> None:
    edit = {
        "evidence/observations/2026-11-20.json": {"write": OBSERVED % (0.05, "within")},
        "evidence/observations/2026-11-21.json": {"write": OBSERVED % (0.31, "breached")},
    }
    found = Reader(dashboard.render(judged(state="released", edit=edit)))
    assert "MON-drift: 0.05, 0.31" in found.labels
    assert "✕ breached" in " ".join(found.text.split())
    # Why it says so, beside a value that alone might look otherwise.
    assert "by chance" in found.text


def test_a_part_is_measured_in_the_unit_of_its_gate(judged) -> None:
    programme = judged(state="replaced")
    found = content.of(programme)
    units = {each["name"]: each["unit"] for each in found["slices"]["metrics"]}
    assert units["mape"] == "ratio"
    row = found["slices"]["rows"][-1]
    value = row["values"][list(units).index("mape")]["value"]
    assert charts.share(value, "ratio") in Reader(dashboard.render(programme)).text


def test_names_and_sentences_read_as_such() -> None:
    assert wording.words("mape_change") == "MAPE change"
    assert wording.breakable("a/b_c@1.0.0") == "a/<wbr>b_<wbr>c<wbr>@1.0.0"
    assert wording.breakable("<b>") == "&lt;b&gt;"
    assert wording.prose("`<b>` at 95 %") == "<code>&lt;b&gt;</code> at 95\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"), (70, "70"), (95.9, "95.9"), (72.8817, "72.88"), (0.03218, "0.0322"),
        (1234567, "1,234,567"), (-0.5, "\N{MINUS SIGN}0.5"), (0.00001, "1e\N{MINUS SIGN}05"),
        (None, "\N{EN DASH}"), (True, "\N{EN DASH}"), ("7", "\N{EN DASH}"),
    ],
)  # fmt: skip
def test_numbers(value, expected) -> None:
    assert charts.number(value) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0322, "ratio", "3.22 %"),
        (72.88, "kW", "72.88 kW"),
        (3, "count", "3"),
        (None, "kW", "\N{EN DASH}"),
    ],
)
def test_units(value, unit, expected) -> None:
    assert charts.share(value, unit) == expected


@pytest.mark.parametrize("direction", ["higher", "lower"])
@pytest.mark.parametrize("limit", [0, 0.08, -3.0])
def test_an_interval_stays_within_its_drawing(direction, limit) -> None:
    gate = {"limit": limit, "low": 0.0, "high": 5.0, "value": 2.0, "direction": direction}
    numbers = re.findall(r' (?:x|x1|x2|cx)="([-0-9.]+)"', charts.interval(gate))
    assert len(numbers) == 6
    assert all(0 <= float(each) <= charts.WIDTH for each in numbers)
