"""`farm accounts`, `farm keys set-budget` and `farm quote`, as users run them."""

import json
from pathlib import Path

import pytest

from tests.api import Api
from tests.command import farm, farm_json
from tests.integration.test_api_native import asset, render

pytestmark = pytest.mark.slow


def test_an_operator_looks_after_an_account(tmp_path: Path) -> None:
    made = farm(tmp_path, "keys", "create", "--account", "acme", "--credits", "10", "--budget", "5")
    prefix = made.stdout.strip().rsplit("_", 1)[0]
    for words in (
        ("accounts", "topup", "acme", "2.5", "--reference", "invoice 7"),
        ("accounts", "topup", "acme", "2.5", "--reference", "invoice 7"),
        ("accounts", "set-tier", "acme", "pro"),
        ("accounts", "set-allowance", "acme", "20"),
        ("accounts", "set-limit", "acme", "3"),
        ("keys", "set-budget", prefix, "7.5"),
    ):
        done = farm(tmp_path, *words)
        assert done.returncode == 0, done.stderr
    shown = farm_json(tmp_path, "accounts", "show", "acme")
    assert (shown["tier"], shown["balance"], shown["allowance"]) == ("pro", 12.5, 20.0)
    assert shown["max_running"] == 3
    assert [(entry["entry"], entry["credits"]) for entry in shown["entries"]] == [
        ("topup", 2.5),
        ("opening", 10.0),
    ]
    assert [account["name"] for account in farm_json(tmp_path, "accounts", "ls")] == ["acme"]
    assert [(key["budget"], key["spent"]) for key in farm_json(tmp_path, "keys", "ls")] == [(7.5, 0.0)]


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    assert farm(tmp_path, "accounts", "create", "acme").returncode == 0
    unknown = farm(tmp_path, "accounts", "show", "nobody")
    assert (unknown.returncode, unknown.stderr) == (1, "error: There is no account 'nobody'.\n")
    odd = farm(tmp_path, "accounts", "create", "acme", "--credits", "lots")
    assert (odd.returncode, odd.stderr) == (2, "error: 'lots' is no number of credits.\n")


def test_a_quote_submits_nothing(api: Api, tmp_path: Path) -> None:
    params = json.dumps(render(asset(api))["params"])
    named = {"FARM_URL": api.url, "FARM_API_KEY": api.key}
    quote = farm_json(tmp_path, "quote", "media-render", "--params", params, **named)
    assert (quote["credits"], quote["breakdown"][0]["name"]) == (2.0, "minimum")
    told = farm(tmp_path, "quote", "media-render", "--params", params, **named)
    assert "in all" in told.stdout
    assert farm_json(tmp_path, "jobs", "ls", **named) == []
