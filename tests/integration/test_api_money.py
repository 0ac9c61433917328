"""Quotes, credits, history, budgets and top-ups over real HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx
import pytest

from farm.doors import accounts, budgets, customers, purse
from farm.doors.submit import submit
from farm.job import JobSpec
from tasks.probe import Probe
from tests.api import Api
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_native import asset, render

pytestmark = pytest.mark.slow


@dataclass
class Customer:
    """A metered account with its API, a client of its key, and the account's id."""

    api: Api
    client: httpx.Client
    account_id: str
    prefix: str

    def spend(self, price_mc: int) -> str:
        """Submit a job of this price, as no customer could over HTTP. Returns its id."""
        caller = accounts.caller_of(self.api.hall, self.api.key)
        return submit(self.api.hall, caller, JobSpec.of(Probe(price_mc=price_mc))).job_id


@pytest.fixture
def ada(api: Api) -> Iterator[Customer]:
    """Somebody with ten credits."""
    name = api.hall.ids.public("metered")
    account = accounts.ensure_account(api.hall, name, "pro", balance_mc=10_000)
    key = accounts.create_key(api.hall, account)
    served = replace(api, key=key.text, account=name)
    with served.client() as client:
        yield Customer(served, client, account.public_id, key.prefix)


def test_a_quote_is_what_the_submit_holds(ada: Customer):
    job = render(asset(ada.api))
    quote = ada.client.post("/farm/v1/quotes", json=job)
    assert quote.status_code == 200, quote.text
    assert quote.json() == {
        "kind": "media-render",
        "credits": 2.0,
        "milli_credits": 2_000,
        "breakdown": [{"name": "minimum", "credits": 2.0, "milli_credits": 2_000}],
        "affordable": True,
    }
    assert ada.client.get("/farm/v1/credits").json()["held"] == 0.0
    held = ada.client.post("/farm/v1/jobs", json=job).json()["credits_held"]
    assert held == quote.json()["credits"]


def test_a_quote_is_refused_as_the_submit_would_be(ada: Customer):
    answer = ada.client.post("/farm/v1/quotes", json={"kind": "media-render", "params": {}})
    check_error(answer, 400, "invalid_request", "params.assets")
    answer = ada.client.post("/farm/v1/quotes", json={"kind": "probe", "params": {}})
    check_error(answer, 400, "invalid_request", "kind")  # for operators only


def test_credits_say_what_is_there_what_is_held_and_what_comes(ada: Customer):
    purse.set_allowance(ada.api.hall, ada.account_id, 20_000)
    ada.spend(2_500)
    said = ada.client.get("/farm/v1/credits").json()
    assert said.pop("month").count("-") == 1
    assert said == {
        "account": ada.account_id,
        "tier": "pro",
        "balance": 7.5,
        "held": 2.5,
        "spent": 0.0,
        "monthly_allowance": 20.0,
        "budget": None,
    }


def test_history_has_pages_and_names_jobs(ada: Customer):
    spent = [ada.spend(100 * number) for number in range(1, 5)]
    first = ada.client.get("/farm/v1/credits/history", params={"limit": 3}).json()
    rest = ada.client.get(
        "/farm/v1/credits/history", params={"limit": 3, "cursor": first["next_cursor"]}
    ).json()
    entries = [*first["data"], *rest["data"]]
    assert rest["next_cursor"] is None
    assert [entry["job_id"] for entry in entries] == [*reversed(spent), None]
    assert [entry["credits"] for entry in entries] == [-0.4, -0.3, -0.2, -0.1, 10.0]
    assert {entry["entry"] for entry in entries} == {"hold", "opening"}
    check_error(ada.client.get("/farm/v1/credits/history?cursor=-1"), 400, "invalid_request", "cursor")


def test_one_account_never_sees_anothers_credits(ada: Customer):
    ada.spend(100)
    with ada.api.client(ada.api.new_key("eve")) as eve:
        assert eve.get("/farm/v1/credits").json()["balance"] is None
        seen = eve.get("/farm/v1/credits/history").json()["data"]
        assert ada.account_id not in str(seen)


def test_an_operator_tops_up_and_a_reference_counts_once(ada: Customer):
    path = f"/farm/v1/accounts/{ada.account_id}/topups"
    with ada.api.client(ada.api.new_key("operations", is_operator=True)) as operator:
        done = operator.post(path, json={"credits": 2.505, "reference": "invoice 7"})
        assert done.status_code == 201, done.text
        assert done.json() == {"reference": "invoice 7", "credits": 2.505, "balance": 12.505, "added": True}
        assert operator.post(path, json={"credits": 2.505, "reference": "invoice 7"}).json()["added"] is False
        other = operator.post(path, json={"credits": 3, "reference": "invoice 7"})
        check_error(other, 409, "reference_used", "reference")
        keyed = [operator.post(path, json={"credits": 1}, headers={"Idempotency-Key": "t"}) for _ in range(2)]
        assert keyed[0].content == keyed[1].content
        check_error(operator.post(path, json={"credits": 0.0001}), 400, "invalid_request", "credits")
        check_error(operator.post(path, json={"credits": -1}), 400, "invalid_request", "credits")
        check_error(operator.post("/farm/v1/accounts/acct_x/topups", json={"credits": 1}), 404, "not_found")
    assert ada.client.get("/farm/v1/credits").json()["balance"] == 13.505
    check_error(ada.client.post(path, json={"credits": 1}), 403, "forbidden")


def test_a_budget_refuses_with_402_that_names_the_key(ada: Customer):
    budgets.set_budget(ada.api.hall, ada.prefix, 3_000)
    job = render(asset(ada.api))
    assert ada.client.post("/farm/v1/jobs", json=job).status_code == 202
    refused = ada.client.post("/farm/v1/jobs", json=job, headers={"Idempotency-Key": "k"})
    check_error(refused, 402, "budget_exceeded")
    assert ada.prefix in refused.json()["error"]["message"]
    assert ada.client.get("/farm/v1/credits").json()["budget"] == {"credits": 3.0, "spent": 2.0}
    assert not ada.client.post("/farm/v1/quotes", json=job).json()["affordable"]
    budgets.set_budget(ada.api.hall, ada.prefix, None)
    assert ada.client.post("/farm/v1/jobs", json=job, headers={"Idempotency-Key": "k"}).status_code == 202


def test_an_empty_account_is_402_and_may_use_its_key_again_once_topped_up(ada: Customer):
    job = render(asset(ada.api))
    ada.spend(9_000)
    headers = {"Idempotency-Key": "k"}
    refused = ada.client.post("/farm/v1/jobs", json=job, headers=headers)
    check_error(refused, 402, "insufficient_credits")
    assert "needs 2 credits, and the account has 1 left" in refused.text
    purse.top_up(ada.api.hall, ada.account_id, 1_000)
    assert ada.client.post("/farm/v1/jobs", json=job, headers=headers).status_code == 202
    assert customers.find_account(ada.api.hall, ada.account_id).balance_mc == 0
