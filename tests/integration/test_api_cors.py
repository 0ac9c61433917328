"""Pages of another origin: only those that the operator named, from the preflight to the uploaded bytes."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from pydantic import ValidationError

from farm.api.app import create_app
from farm.rules.running import ApiRules
from tests.api import Api, png, serving

PAGE = "https://app.example.com"


@pytest.fixture
def open_api(api: Api) -> Iterator[Api]:
    """The same farm behind an application that lets one page in."""
    catalog = api.hall.catalog.model_copy(update={"api": ApiRules(cors_origins=(PAGE,))})
    hall = replace(api.hall, catalog=catalog)
    app = create_app(api.app.state.desk.settings, hall)
    with serving(app) as url:
        yield replace(api, url=url, hall=hall, app=app)


def preflight(url: str, method: str, headers: str, origin: str = PAGE) -> httpx.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return httpx.options(url, headers=asked)


def test_a_browser_uploads_to_a_signed_url(open_api: Api) -> None:
    content = png()
    declared = {"file_name": "a.png", "content_type": "image/png", "size_bytes": len(content)}
    with open_api.client() as client:
        made = client.post("/farm/v1/assets", json=declared, headers={"Origin": PAGE})
    assert made.headers["Access-Control-Allow-Origin"] == PAGE
    assert "X-RateLimit-Remaining" in made.headers["Access-Control-Expose-Headers"]
    upload_url = made.json()["upload_url"]
    allowed = preflight(upload_url, "PUT", "content-type")
    assert allowed.status_code == 200
    assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
    sent = httpx.put(upload_url, content=content, headers={"Content-Type": "image/png", "Origin": PAGE})
    assert (sent.status_code, sent.headers["Access-Control-Allow-Origin"]) == (200, PAGE)


def test_a_page_may_send_its_key_and_read_a_refusal(open_api: Api) -> None:
    jobs = f"{open_api.url}/farm/v1/jobs"
    allowed = preflight(jobs, "POST", "authorization,content-type,idempotency-key")
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    refused = httpx.get(jobs, headers={"Origin": PAGE})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, PAGE)
    assert "Access-Control-Allow-Credentials" not in refused.headers


def test_another_page_is_told_nothing(open_api: Api) -> None:
    jobs = f"{open_api.url}/farm/v1/jobs"
    assert preflight(jobs, "POST", "authorization", "https://evil.example").status_code == 400
    answer = httpx.get(jobs, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_no_page_is_let_in_unless_one_is_named(api: Api) -> None:
    assert preflight(f"{api.url}/farm/v1/jobs", "POST", "authorization").status_code == 405
    with api.client() as client:
        answer = client.get("/farm/v1/jobs", headers={"Origin": PAGE})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origin", ["app.example.com", "https://app.example.com/", "https://a b", ""])
def test_what_is_no_origin_is_refused_when_configs_are_read(origin: str) -> None:
    with pytest.raises(ValidationError):
        ApiRules(cors_origins=(origin,))
