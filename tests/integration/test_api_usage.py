"""Keys and their credits (C-001, C-003, C-022 … C-026) over real HTTP."""

from dataclasses import replace

import httpx
import pytest

from farm.doors import accounts
from farm.doors.submit import submit
from farm.job import JobSpec
from farm.states import JobState, may_become
from tasks.probe import Probe
from tests.api import Api
from tests.integration.test_api_envelope import check_error

pytestmark = pytest.mark.slow

USAGE, PROMOS = "/farm/v1/usage", "/farm/v1/credits/promos"


@pytest.fixture
def ada(api: Api) -> Api:
    """A customer with ten credits."""
    name = api.hall.ids.public("metered")
    account = accounts.ensure_account(api.hall, name, "pro", balance_mc=10_000)
    return replace(api, key=accounts.create_key(api.hall, account, name="shop").text, account=name)


def test_c026_usage_is_told_by_key(ada: Api):
    caller = accounts.caller_of(ada.hall, ada.key)
    submit(ada.hall, caller, JobSpec.of(Probe(price_mc=2_000)))
    with ada.client() as client:
        (told,) = client.get(USAGE).json()["keys"]
        assert client.get(f"{USAGE}?since=0&until=1").json()["keys"] == []
        backwards = client.get(f"{USAGE}?since=10&until=1")
    assert (told["key"], told["name"]) == (caller.key_prefix, "shop")
    assert (told["jobs"], told["held"], told["credits"], told["failovers"]) == (1, 2.0, 0.0, 0)
    assert told["kinds"] == [{"kind": "probe", "jobs": 1, "credits": 0.0}]
    check_error(backwards, 400, "invalid_request", "until")
    with ada.client(ada.new_key("eve")) as stranger:
        assert stranger.get(USAGE).json()["keys"] == []


def test_c024_c025_codes_are_redeemed_once_and_seldom_guessed(ada: Api):
    with ada.client() as client:
        given = client.post(PROMOS, json={"code": "gemini2026"})
        assert given.status_code == 201
        assert given.json() == {"code": "GEMINI2026", "credits": 500.0, "balance": 510.0}
        assert client.post(PROMOS, json={"code": "DALLE1000"}).json()["balance"] == 1510.0
        check_error(client.post(PROMOS, json={"code": "GEMINI2026"}), 409, "promo_used")
        check_error(client.post(PROMOS, json={"code": "GUESS"}), 404, "promo_unknown", "code")
        newest = client.get("/farm/v1/credits/history").json()["data"][0]
        assert (newest["entry"], newest["reference"], newest["credits"]) == ("promo", "DALLE1000", 1000.0)
        for _ in range(6):
            client.post(PROMOS, json={"code": "GUESS"})
        refused = client.post(PROMOS, json={"code": "GUESS"})
    check_error(refused, 429, "rate_limited")
    assert refused.headers["Retry-After"]


def test_c001_c003_keys_belong_to_their_account_and_share_its_credits(ada: Api):
    caller = accounts.caller_of(ada.hall, ada.key)
    other = accounts.create_key(ada.hall, caller.account, name="second").text
    submit(ada.hall, caller, JobSpec.of(Probe(price_mc=4_000)))
    with ada.client(other) as client:  # Authorization: Bearer
        assert client.get("/farm/v1/credits").json()["balance"] == 6.0
    with httpx.Client(base_url=ada.url) as stranger:
        assert stranger.get("/v1/models").status_code == 401


def test_c023_links_to_results_work_for_seven_days(api: Api):
    assert api.hall.catalog.webhooks.link_s == 7 * 86_400


def test_c022_what_has_failed_stays_so():
    assert not any(may_become(JobState.FAILED, state) for state in JobState if state is not JobState.FAILED)
