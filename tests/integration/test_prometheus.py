"""/metrics of a whole farm, and that deploy/ names no metric or label that a live scrape does not have."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
from prometheus_client.parser import text_string_to_metric_families

from farm.catalog import read_catalog
from tests.running import RunningFarm, eventually

pytestmark = pytest.mark.slow

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = re.compile(r"\bfarm_[a-z_]+")
SELECTED = re.compile(r"(farm_[a-z_]+)\{([^}]*)\}")
BY = re.compile(r"\bby \(([^)]*)\)")
OUR_LABELS = {"le"}


def metrics_url(farm: RunningFarm) -> str:
    return f"http://127.0.0.1:{read_catalog(farm.settings).metrics.port}/metrics"


def scrape(farm: RunningFarm) -> dict[str, set[str]]:
    """Every sample's name with its labels' names."""
    answer = httpx.get(metrics_url(farm))
    assert answer.status_code == 200
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.fixture(scope="module")
def scraped(running_farm: RunningFarm) -> Iterator[dict[str, set[str]]]:
    """A scrape of a farm that has done a little and has more to do."""
    for params in ({}, {"fail_class": "invalid_input"}):
        running_farm.ended(running_farm.submit("probe", **params))
    busy = [running_farm.submit("provider-probe")]
    eventually(lambda: "farm_breakers" in scrape(running_farm), "a provider has failed", pause_s=1.0)
    busy += [running_farm.submit("probe", sleep_s=600) for _ in range(2)]
    later = {"kind": "probe", "params": {}, "start_after": 4_000_000_000.0}
    assert running_farm.call("POST", "/farm/v1/jobs", json=later).status_code == 202
    wanted = {"farm_tasks_ready", "farm_attempts_total", "farm_tasks_waiting", "farm_jobs_open"}
    wanted |= {"farm_provider_calls_total", "farm_breakers", "farm_provider_success"}
    eventually(lambda: wanted <= scrape(running_farm).keys(), "all of it is told", pause_s=1.0)
    yield scrape(running_farm)
    for job_id in busy:
        running_farm.call("POST", f"/farm/v1/jobs/{job_id}/cancel")
        running_farm.ended(job_id)


def alert_rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEPLOY / "grafana" / "kinefarm.json").read_text())
    return found


def expressions() -> list[str]:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return panels + [rule["expr"] for rule in alert_rules()]


def test_every_metric_and_label_that_deploy_names_exists(scraped: dict[str, set[str]]) -> None:
    for expression in expressions():
        names = NAME.findall(expression)
        assert names, expression
        assert set(names) <= scraped.keys(), expression
        for name, selectors in SELECTED.findall(expression):
            asked = {part.split("=")[0].rstrip("!").strip() for part in selectors.split(",")}
            assert asked <= scraped[name], expression
        for labels in BY.findall(expression):
            asked = {label.strip() for label in labels.split(",")}
            assert any(asked <= scraped[name] for name in names), expression


def test_every_metric_of_ours_is_on_the_dashboard(scraped: dict[str, set[str]]) -> None:
    ours = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in scraped if name.startswith("farm_")}
    shown = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for panel in dashboard()["panels"]
        for target in panel["targets"]
        for name in NAME.findall(target["expr"])
    }
    assert {name.removesuffix("_total") for name in ours} <= {name.removesuffix("_total") for name in shown}


def test_the_rules_and_the_scrape_config_are_whole() -> None:
    rules = alert_rules()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
    for expression in expressions():
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing), expression
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
    assert config["scrape_configs"][0]["static_configs"][0]["targets"]


def test_the_dashboards_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    ids = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
        ids.add(panel["id"])
    assert len(ids) == len(dashboard()["panels"])
