"""Idempotency-Key over real HTTP: one key is one job, whatever happens to the call and its answer."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from farm.account import Account
from farm.doors import accounts, jobs, money
from tests.api import MEDIA_RENDER, Api, png
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_native import asset, render

pytestmark = pytest.mark.slow

DAY_S = 86_400.0
# POST routes that make nothing to be charged for, or that may be repeated as they are.
REPEATABLE = {"/farm/v1/jobs/{job_id}/cancel", "/farm/v1/quotes"}
SUBMITTING = {
    "/farm/v1/jobs",
    "/farm/v1/jobs/{job_id}/retry",
    "/farm/v1/assets",
    "/farm/v1/accounts/{account_id}/topups",
    f"{MEDIA_RENDER}/uploads",
    f"{MEDIA_RENDER}/jobs",
}


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    with api.client() as client:
        yield client


@pytest.fixture
def body(api: Api) -> dict[str, Any]:
    """A small render of an uploaded picture."""
    return render(asset(api))


def submit(client: httpx.Client, body: object, key: str | None = "k", **headers: str) -> httpx.Response:
    given = headers if key is None else {"Idempotency-Key": key, **headers}
    return client.post("/farm/v1/jobs", json=body, headers=given)


def account(api: Api) -> Account:
    return accounts.caller_of(api.hall, api.key).account


def made(api: Api) -> int:
    return len(jobs.list_jobs(api.hall, account(api).id))


def holds(api: Api) -> int:
    return [entry.entry for entry in money.history(api.hall, account(api).id)].count("hold")


def test_a_call_sent_twice_is_one_job_with_one_answer(api: Api, client: httpx.Client, body: dict[str, Any]):
    first, again = submit(client, body), submit(client, dict(reversed(body.items())))
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert again.headers["content-type"] == "application/json"
    assert (made(api), holds(api)) == (1, 1)


def test_a_key_lasts_a_day_and_is_its_api_keys_own(api: Api, client: httpx.Client, body: dict[str, Any]):
    first = submit(client, body)
    with api.client(api.new_key(api.account)) as other:
        assert submit(other, body).json()["id"] != first.json()["id"]
    api.clock.ahead_s += DAY_S
    assert submit(client, body).json()["id"] != first.json()["id"]


def test_a_key_with_another_body_or_address_is_422(client: httpx.Client, body: dict[str, Any]):
    first = submit(client, body)
    check_error(submit(client, {**body, "priority": 1}), 422, "idempotency_key_reused", "Idempotency-Key")
    elsewhere = client.post(f"{MEDIA_RENDER}/jobs", json={"projectId": "p"}, headers={"Idempotency-Key": "k"})
    check_error(elsewhere, 422, "idempotency_key_reused", "Idempotency-Key")
    assert submit(client, body).content == first.content


def test_in_flight_is_a_409_that_may_be_tried_again(
    api: Api, client: httpx.Client, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    """SDKs retry a 409 unless told not to: this one ends by itself, in the first call's answer."""
    arrived, go_on = threading.Event(), threading.Event()
    real = api_submit()

    def slow(*given: Any) -> Any:
        arrived.set()
        assert go_on.wait(30)
        return real(*given)

    monkeypatch.setattr("farm.api.native.jobs.submit", slow)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(submit, client, body)
        assert arrived.wait(30)
        with api.client() as other:
            refused = submit(other, body)
        go_on.set()
        done = first.result()
    check_error(refused, 409, "idempotency_in_progress", "Idempotency-Key")
    assert (refused.headers["x-should-retry"], refused.headers["Retry-After"]) == ("true", "1")
    assert done.status_code == 202
    assert submit(client, body).content == done.content
    assert made(api) == 1


def test_other_conflicts_are_still_not_to_be_retried(client: httpx.Client, body: dict[str, Any]):
    job_id = submit(client, body).json()["id"]
    refused = client.post(f"/farm/v1/jobs/{job_id}/retry", headers={"Idempotency-Key": "r"})
    check_error(refused, 409, "job_in_progress")
    assert refused.headers["x-should-retry"] == "false"


def test_a_defect_after_the_job_was_made_leads_the_retry_to_it(
    api: Api, client: httpx.Client, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as broken, api.client() as dying:  # uvicorn closes the connection of a 500
        broken.setattr("farm.api.native.jobs._view", _crash)
        check_error(submit(dying, body), 500, "internal_error")
    assert made(api) == 1
    answer = submit(client, body)
    assert answer.status_code == 202
    assert submit(client, body).content == answer.content
    assert (made(api), holds(api)) == (1, 1)


def test_an_answer_that_could_not_be_kept_leads_to_the_job_after_the_lease(
    api: Api, client: httpx.Client, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    """The process died between the job's commit and its answer's."""
    with monkeypatch.context() as broken, api.client() as dying:  # uvicorn closes the connection of a 500
        broken.setattr("farm.doors.idempotency.keep_answer", _crash)
        broken.setattr("farm.doors.idempotency.let_go", lambda *_: None)
        check_error(submit(dying, body), 500, "internal_error")
    check_error(submit(client, body), 409, "idempotency_in_progress")
    api.clock.ahead_s += 61
    assert submit(client, body).status_code == 202
    assert (made(api), holds(api)) == (1, 1)


def test_a_refusal_is_not_kept(api: Api, client: httpx.Client, body: dict[str, Any]):
    check_error(submit(client, {**body, "kind": "nothing"}), 400, "invalid_request", "kind")
    assert submit(client, body).status_code == 202  # the same key, mended


def test_a_render_is_started_once_and_its_uploads_are_made_once(api: Api, client: httpx.Client):
    files = {"files": [{"fileName": "a.png", "contentType": "image/png", "fileSize": len(png())}]}
    uploads = [
        client.post(f"{MEDIA_RENDER}/uploads", json=files, headers={"Idempotency-Key": "u"}) for _ in range(2)
    ]
    assert uploads[0].status_code == 200 and uploads[0].content == uploads[1].content
    project = uploads[0].json()
    client.put(project["uploads"][0]["uploadUrl"], content=png(), headers={"Content-Type": "image/png"})
    start = {"projectId": project["projectId"]}
    starts = [
        client.post(f"{MEDIA_RENDER}/jobs", json=start, headers={"Idempotency-Key": "s"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in starts] == [202, 202]
    assert starts[1].headers["Idempotent-Replayed"] == "true"
    check_error(client.post(f"{MEDIA_RENDER}/jobs", json=start), 409, "render_in_progress")
    assert made(api) == 1


def test_a_retry_is_made_once(api: Api, client: httpx.Client, body: dict[str, Any]):
    job_id = submit(client, body).json()["id"]
    end(api, job_id)
    again = [client.post(f"/farm/v1/jobs/{job_id}/retry", headers={"Idempotency-Key": "r"}) for _ in range(2)]
    assert again[0].status_code == 202 and again[0].content == again[1].content
    assert made(api) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb"])
def test_a_key_that_is_none_is_refused_by_name(client: httpx.Client, body: dict[str, Any], key: str):
    answer = client.post("/farm/v1/jobs", json=body, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    check_error(answer, 400, "invalid_request", "Idempotency-Key")


def test_without_a_key_each_call_is_a_job(api: Api, client: httpx.Client, body: dict[str, Any]):
    assert submit(client, body, None).json()["id"] != submit(client, body, None).json()["id"]
    assert made(api) == 2


def test_x45_an_sdks_own_retry_joins_the_first_job(api: Api, client: httpx.Client, body: dict[str, Any]):
    def sent(retries: str) -> str:
        answer = submit(client, body, None, **{"x-stainless-retry-count": retries})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    first = sent("0")
    assert [sent("1"), sent("2")] == [first, first]
    second = sent("0")  # asked for once more: another job
    assert second != first and sent("1") == second
    api.clock.ahead_s += 600
    assert sent("1") not in (first, second)
    assert made(api) == 3


def test_every_answer_tells_the_rate(api: Api, client: httpx.Client, body: dict[str, Any]):
    """C-004 to C-006, on whatever is answered to a known key."""
    with api.client(poor_key(api)) as poor:
        answers = [
            submit(client, body),
            submit(client, body),
            submit(client, {**body, "priority": 1}),
            submit(client, {}, None),
            client.get("/farm/v1/jobs/job_x"),
            client.get("/farm/v1/credits"),
            poor.post("/farm/v1/jobs", json=body),
        ]
    assert [answer.status_code for answer in answers] == [202, 202, 422, 400, 404, 200, 404]
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
    assert [n for answer in answers for n in names if not answer.headers[n].isdecimal()] == []


def test_x41_looking_at_a_job_is_counted_apart_from_submitting(client: httpx.Client, body: dict[str, Any]):
    job_id = submit(client, body).json()["id"]
    before = int(submit(client, body).headers["X-RateLimit-Remaining"])
    for path in ("", "/attempts", "/artifacts", "/why"):
        assert client.get(f"/farm/v1/jobs/{job_id}{path}").status_code == 200
    assert int(submit(client, body).headers["X-RateLimit-Remaining"]) == before - 1


def test_every_route_that_submits_is_made_once_and_says_so(api: Api):
    document = httpx.get(f"{api.url}/openapi.json").json()
    posts = {path: routes["post"] for path, routes in document["paths"].items() if "post" in routes}
    once = {path for path, route in posts.items() if "x-made-once" in route}
    assert once >= SUBMITTING
    assert once.isdisjoint(REPEATABLE)
    for path in once:
        names = [given["name"] for given in posts[path]["parameters"]]
        assert "Idempotency-Key" in names, path


def api_submit() -> Callable[..., Any]:
    from farm.doors.submit import submit

    return submit


def end(api: Api, job_id: str) -> None:
    """Play the scheduler: the job has ended."""
    from sqlalchemy import update

    from farm.store.schema import jobs as table

    with api.hall.store.write() as connection:
        connection.execute(update(table).where(table.c.id == job_id).values(state="failed", ended_at=1.0))


def poor_key(api: Api) -> str:
    return accounts.create_key(
        api.hall, accounts.ensure_account(api.hall, "pauper", "free", balance_mc=0)
    ).text


def _crash(*_: object) -> None:
    raise ZeroDivisionError
