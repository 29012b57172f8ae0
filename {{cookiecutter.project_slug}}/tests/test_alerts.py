"""Alerts lead somewhere, and a real Prometheus understands everything that is asked of it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC
from datetime import datetime

import pytest
from ai_program import digests
from ai_program import documents
from ai_program import evidence
from conftest import ROOT
from oracles import Sum
from prometheus_client.parser import text_string_to_metric_families
from test_process import running

from {{ cookiecutter.package_name }} import limits
from {{ cookiecutter.package_name }} import metrics

FOLDER = ROOT / "monitoring"
RULES = documents.parse((FOLDER / "prometheus/rules.yml").read_bytes(), "rules.yml").value
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
BOARD = json.loads((FOLDER / "grafana/dashboard.json").read_text(encoding="utf-8"))
TARGETS = [target for panel in BOARD["panels"] for target in panel["targets"]]

needs_prometheus = pytest.mark.skipif(
    not shutil.which("prometheus") or not shutil.which("promtool"),
    reason="prometheus and promtool are not installed: apt-get install prometheus",
)


def observation(settings) -> dict:
    """Return what the monitors might have said: the first is breached, the second cannot tell."""
    outcomes = ["breached", "inconclusive", *["within"] * 9]
    monitors = [
        {"monitor": each["id"], "value": 2.5 * (outcome != "inconclusive") or None}
        | {"outcome": outcome}
        for each, outcome in zip(settings.monitoring["monitors"], outcomes, strict=False)
    ]
    return {"day": "2027-01-04", "monitors": monitors}


def observe(served) -> None:
    path = served.root / evidence.observation_path("2027-01-04")
    path.parent.mkdir(parents=True)
    path.write_bytes(digests.pretty(observation(served.settings)))


def shown() -> dict[str, dict[tuple, float]]:
    """Return what Prometheus would read, by name and labels."""
    return {
        family.name: {tuple(sorted(each.labels.items())): each.value for each in family.samples}
        for family in text_string_to_metric_families(metrics.text().decode())
    }


# Limits as metrics.


def test_every_limit_of_the_policy_is_shown(served) -> None:
    limits.show(served.settings)
    monitors = served.settings.monitoring["monitors"]
    found = shown()
    wanted = {(("monitor", each["id"]),): each["limit"] for each in monitors}
    assert found["monitor_limit"] == wanted
    assert len(found["monitor_info"]) == len(monitors)
    assert "monitor_value" not in found


def test_what_was_observed_is_shown_and_an_unknown_value_is_none(served) -> None:
    observe(served)
    limits.show(served.settings)
    limits.show(served.settings)
    first, second, *_ = (each["id"] for each in served.settings.monitoring["monitors"])
    found = shown()
    assert found["monitor_value"][("monitor", first),] == 2.5
    assert (("monitor", second),) not in found["monitor_value"]
    assert found["monitor_outcome"][("monitor", first), ("outcome", "breached")] == 1
    assert found["monitor_outcome"][("monitor", first), ("outcome", "within")] == 0
    (seconds,) = found["monitor_observed_timestamp_seconds"].values()
    assert seconds == datetime(2027, 1, 4, tzinfo=UTC).timestamp()


def test_a_damaged_observation_hides_no_limit(served) -> None:
    observe(served)
    (served.root / evidence.observation_path("2027-01-05")).write_text("{", encoding="utf-8")
    limits.show(served.settings)
    assert "monitor_limit" in shown()
    assert "monitor_value" not in shown()


# Alerts.


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_who_and_what_to_do(alert, found) -> None:
    labels = alert["labels"]
    assert re.search("critical|warning|none", labels["severity"])
    roles = {role for person in found.program["people"] for role in person["roles"]}
    # $labels: from the policy, by way of monitor_info.
    assert labels["owner"].strip("{} ") in {*roles, "$labels.owner"}
    assert alert["annotations"]["summary"]
    runbooks = [labels["runbook"]]
    if labels["runbook"].strip("{} ") == "$labels.runbook":
        runbooks = [each["runbook"] for each in found.monitoring["monitors"]]
    for runbook in runbooks:
        path, _, anchor = runbook.partition("#")
        page = documents.parse((ROOT / path).read_bytes(), path)
        assert page.anchors()[anchor].strip(), runbook


def test_there_is_a_sign_of_life_and_an_alert_for_its_absence() -> None:
    by_name = {alert["alert"]: alert for alert in ALERTS}
    assert by_name["Watchdog"]["expr"] == "vector(1)"
    assert "for" not in by_name["Watchdog"]
    assert "absent(" in by_name["ServiceAbsent"]["expr"]


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    path = FOLDER / "prometheus/tests.yml"
    cases = documents.parse(path.read_bytes(), "tests.yml").value["tests"]
    tests = [each for case in cases for each in case["alert_rule_test"]]
    fires = {each["alertname"] for each in tests if each["exp_alerts"]}
    quiet = {each["alertname"] for each in tests if not each["exp_alerts"]}
    names = {alert["alert"] for alert in ALERTS}
    assert fires == names
    assert quiet == names - {"Watchdog"}


@needs_prometheus
@pytest.mark.slow
def test_promtool_runs_the_unit_tests_of_the_rules() -> None:
    folder = FOLDER / "prometheus"
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", "tests.yml"]):
        done = subprocess.run(
            ["promtool", *command], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


# A real Prometheus.


class Prometheus:
    """A Prometheus that watches one service."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, path: str, **query: str) -> dict:
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read())

    def value(self, expression: str) -> list:
        answer = self.ask("query", query=expression)
        assert answer["status"] == "success", f"{expression}: {answer}"
        return answer["data"]["result"]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def prometheus(served, tmp_path):
    """Start the service with a release and an observation, and a Prometheus that watches it."""
    served.release(Sum())
    observe(served)
    folder = tmp_path / "prometheus"
    shutil.copytree(FOLDER / "prometheus", folder)
    with running(served) as service:
        config = (folder / "prometheus.yml").read_text(encoding="utf-8")
        assert "localhost:8080" in config
        config = config.replace("localhost:8080", f"127.0.0.1:{service.port}")
        config = config.replace("15s", "1s")
        (folder / "prometheus.yml").write_text(config, encoding="utf-8")
        port = free_port()
        command = [
            "prometheus", f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as it:
            found = Prometheus(port)
            try:
                wait_for(found, service)
                yield found
            finally:
                it.terminate()


def wait_for(found: Prometheus, service) -> None:
    """Call the service until Prometheus has seen the counters move."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        service.ask()
        time.sleep(0.5)
        try:
            if found.value('rate(serving_requests_total{path="/predict"}[1m]) > 0'):
                return
        except OSError:
            continue
    pytest.fail("Prometheus saw no request within a minute")


@needs_prometheus
@pytest.mark.slow
def test_a_real_prometheus_answers_every_expression(prometheus) -> None:
    for target in TARGETS:
        expression = target["expr"].replace("$__rate_interval", "1m")
        found = prometheus.value(expression)
        if "[45].." not in expression:  # nothing went wrong, so nothing is counted
            assert found, f"{expression} finds nothing"
    rules = prometheus.ask("rules")["data"]["groups"]
    states = {rule["name"]: rule for group in rules for rule in group["rules"]}
    assert set(states) == {alert["alert"] for alert in ALERTS}
    assert [rule["lastError"] for rule in states.values() if rule.get("lastError")] == []
    firing = {name for name, rule in states.items() if rule["state"] == "firing"}
    assert {"Watchdog", "MonitorBreached"} <= firing
    assert not firing & {"ServiceAbsent", "LimitsAbsent", "BreakerOpen", "ModelFails"}
