"""deploy/prometheus by Prometheus's own tool: the files are right, and each alert wakes for what it says."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus"


def promtool(*words: str) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: tests/install-tools.sh")
    done = subprocess.run([program, *words], cwd=PROMETHEUS, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_promtool_accepts_the_rules_and_the_config() -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", "alerts.yml")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


@pytest.mark.slow
def test_each_alert_wakes_when_it_should_and_only_then() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


def test_each_alert_is_tried_both_ways() -> None:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    tried = [
        (check["alertname"], bool(check.get("exp_alerts")))
        for test in yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
        for check in test["alert_rule_test"]
    ]
    assert {name for name, wakes in tried if wakes} == alerts
    assert {name for name, wakes in tried if not wakes} == alerts
