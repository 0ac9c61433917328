"""Accounts and keys over HTTP: an operator keeps them, a customer does not even see them."""

from collections.abc import Iterator

import httpx
import pytest

from farm.doors.accounts import ensure_account
from tests.api import Api
from tests.integration.test_api_envelope import check_error

V1 = "/farm/v1"


@pytest.fixture
def operator(api: Api) -> Iterator[httpx.Client]:
    with api.client(api.new_key("operators", is_operator=True)) as client:
        yield client


def test_an_accounts_life(api: Api, operator: httpx.Client) -> None:
    name = api.hall.ids.public("shop")
    made = operator.post(f"{V1}/accounts", json={"name": name, "tier": "free", "credits": 0})
    assert made.status_code == 201, made.text
    account = made.json()
    assert (account["name"], account["tier"], account["balance"], account["keys"]) == (name, "free", 0, 0)
    path = f"{V1}/accounts/{account['id']}"
    changed = operator.patch(path, json={"tier": "pro", "monthly_allowance": 12.5}).json()
    assert (changed["tier"], changed["monthly_allowance"]) == ("pro", 12.5)
    assert operator.patch(path, json={"monthly_allowance": None}).json()["monthly_allowance"] == 0
    assert operator.get(f"{V1}/accounts/{name}").json()["id"] == account["id"]
    whole = operator.get(f"{V1}/accounts", params={"limit": 1000}).json()["data"]
    assert account["id"] in [item["id"] for item in whole]
    first = operator.get(f"{V1}/accounts", params={"limit": 1}).json()
    rest = operator.get(f"{V1}/accounts", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert first["data"] + rest["data"] == whole[:2]


def test_a_key_is_made_limited_and_revoked(api: Api, operator: httpx.Client) -> None:
    keys = f"{V1}/accounts/{api.account}/keys"
    made = operator.post(keys, json={"name": "shop", "monthly_budget": 5}).json()
    details = made["details"]
    assert (details["account"], details["is_operator"], details["budget"]["credits"]) == (
        api.account,
        False,
        5,
    )
    with api.client(made["key"]) as client:
        assert client.get(f"{V1}/credits").json()["budget"] == {"credits": 5, "spent": 0}
        path = f"{V1}/keys/{details['prefix']}"
        assert operator.patch(path, json={"monthly_budget": None}).json()["budget"] is None
        assert [key["prefix"] for key in operator.get(keys).json()["data"]][-1] == details["prefix"]
        assert operator.delete(path).json()["revoked_at"] is not None
        assert client.get(f"{V1}/credits").status_code == 401
    check_error(operator.delete(path), 404, "not_found", "prefix")
    deeds = operator.get(f"{V1}/audit", params={"subject": details["prefix"]}).json()["data"]
    assert [deed["action"] for deed in deeds] == ["key.revoke", "key.set_budget", "key.create"]


def test_a_key_that_operates_the_farm_is_not_made_from_afar(api: Api, operator: httpx.Client) -> None:
    owner = ensure_account(api.hall, "owner", "local")
    check_error(operator.post(f"{V1}/accounts/{owner.public_id}/keys", json={}), 403, "forbidden")
    asked = {"tier": "local"}
    path = f"{V1}/accounts/{api.account}"
    check_error(operator.patch(path, json=asked), 400, "invalid_request", "tier")


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("POST", "accounts", {"name": "x", "tier": "gold"}, "tier"),
        ("POST", "accounts", {"name": "x", "tier": "local"}, "tier"),
        ("POST", "accounts", {"name": ""}, "name"),
        ("POST", "accounts", {"name": "x", "credits": 0.0001}, "credits"),
        ("PATCH", "keys/nobody", {}, "monthly_budget"),
        ("PATCH", "keys/nobody", {"monthly_budget": -1}, "monthly_budget"),
    ],
)
def test_what_is_asked_for_wrong_names_its_field(
    operator: httpx.Client, method: str, path: str, body: dict[str, object], param: str
) -> None:
    check_error(operator.request(method, f"{V1}/{path}", json=body), 400, "invalid_request", param)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "accounts"),
        ("POST", "accounts"),
        ("GET", "accounts/x"),
        ("PATCH", "accounts/x"),
        ("GET", "accounts/x/keys"),
        ("POST", "accounts/x/keys"),
        ("PATCH", "keys/x"),
        ("DELETE", "keys/x"),
    ],
)
def test_a_customer_may_not(api: Api, method: str, path: str) -> None:
    bodies = {"accounts": {"name": "x"}, "keys/x": {"monthly_budget": 1}}
    body = None if method in ("GET", "DELETE") else bodies.get(path, {})
    with api.client() as client:
        check_error(client.request(method, f"{V1}/{path}", json=body), 403, "forbidden")
