"""What every answer of the API has in common: who may call, how often, and how a refusal looks."""

import socket
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.api.app import create_app
from farm.api.errors import install_errors
from farm.doors.accounts import revoke_key
from farm.errors import FarmUnavailable
from farm.settings import Settings
from tests.api import MEDIA_RENDER, Api, serving

pytestmark = pytest.mark.slow

EVERYWHERE = [f"{MEDIA_RENDER}/jobs/mrproj_x", "/farm/v1/jobs"]


def check_error(answer: httpx.Response, status: int, code: str, param: str | None = None) -> None:
    """X-30: the shape of every refusal."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert set(body) == {"error", "code"}
    assert set(body["error"]) == {"code", "message", "param", "type"}
    assert body["error"]["code"] == code and body["error"]["message"]
    if param is not None:
        assert body["error"]["param"] == param
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", EVERYWHERE)
def test_d001_x38_a_key_opens_the_door_in_either_header(api: Api, path: str):
    for headers in ({"Authorization": f"Bearer {api.key}"}, {"X-API-Key": api.key}):
        assert httpx.get(api.url + path, headers=headers).status_code in (200, 404)
    both = {"Authorization": f"bearer {api.key}", "X-API-Key": api.key}
    assert httpx.get(api.url + path, headers=both).status_code in (200, 404)


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer farm_live_00000000_00000000000000000000000000000000"},
        {"X-API-Key": "x" * 5000},
        {"X-API-Key": "é".encode("latin-1").decode("latin-1")},
        {"Authorization": "Bearer one", "X-API-Key": "two"},
    ],
)
def test_no_key_or_a_wrong_one_is_401_in_the_surfaces_shape(api: Api, path: str, headers: dict[str, str]):
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = httpx.get(api.url + path, headers=sent)
    check_error(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_key_is_refused_at_once(api: Api):
    key = api.new_key(api.account)
    with api.client(key) as client:
        assert client.get("/farm/v1/jobs").status_code == 200
        revoke_key(api.hall, key.rsplit("_", 1)[0])
        check_error(client.get("/farm/v1/jobs"), 401, "unauthorized")


def test_a_wrong_key_is_told_before_anything_of_the_body_is(api: Api):
    answer = httpx.post(
        f"{api.url}{MEDIA_RENDER}/jobs", content=b"{not json", headers={"Content-Type": "application/json"}
    )
    check_error(answer, 401, "unauthorized")


def test_unknown_paths_and_methods_have_the_same_shape(api: Api):
    with api.client() as client:
        check_error(client.get("/nothing/here"), 404, "not_found")
        check_error(client.get(f"{MEDIA_RENDER}/nothing"), 404, "not_found")
        wrong_method = client.put(f"{MEDIA_RENDER}/jobs")
        check_error(wrong_method, 405, "method_not_allowed")
        assert wrong_method.headers["Allow"] == "POST"


def test_a_defect_is_a_500_that_says_nothing_of_itself(api: Api, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr("farm.doors.jobs.list_jobs", broken)
    monkeypatch.setattr("farm.api.native.jobs.jobs.list_jobs", broken)
    with api.client() as client:
        answer = client.get("/farm/v1/jobs", headers={"x-request-id": "mine-1"})
    check_error(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == "mine-1" and "mine-1" in answer.json()["error"]["message"]


def test_a_farm_without_its_store_answers_503_and_says_when_to_come_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    def away(*_: object) -> None:
        raise FarmUnavailable("The store does not answer.")

    monkeypatch.setattr("farm.doors.health.check", away)
    answer = httpx.get(f"{api.url}/readyz")
    check_error(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert httpx.get(f"{api.url}/healthz").json() == {"status": "ok"}  # the process itself lives


def test_request_ids_are_made_and_plain_ones_are_kept(api: Api):
    def sent(value: str) -> str:
        return httpx.get(f"{api.url}/healthz", headers={"x-request-id": value}).headers["x-request-id"]

    assert sent("trace-7.a_b") == "trace-7.a_b"
    assert sent("x" * 65) != "x" * 65
    assert sent("a b") != "a b"


BAD_BODIES: dict[str, tuple[bytes, int, str]] = {
    "broken": (b'{"projectId": ', 400, "invalid_request"),
    "empty": (b"", 400, "invalid_request"),
    "not UTF-8": (b'{"projectId": "\xff"}', 400, "invalid_request"),
    "no object": (b"[]", 400, "invalid_request"),
    "NaN": (b'{"projectId": "p", "bgmVolume": NaN}', 400, "invalid_request"),
    "Infinity": (b'{"projectId": "p", "bgmVolume": -Infinity}', 400, "invalid_request"),
    "1e400": (b'{"projectId": "p", "bgmVolume": 1e400}', 400, "invalid_request"),
    "5000 digits": (b'{"projectId": "p", "bgmVolume": ' + b"1" * 5000 + b"}", 400, "invalid_request"),
    "the same key twice": (b'{"projectId": "a", "projectId": "b"}', 400, "invalid_request"),
    "half a surrogate pair": (b'{"projectId": "\\ud800"}', 400, "invalid_request"),
    "NUL": (b'{"projectId": "a\\u0000"}', 400, "invalid_request"),
    "10 000 deep": (b'{"projectId": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 413, "payload_too_large"),
    "100 deep": (b'{"projectId": ' + b"[" * 100 + b"]" * 100 + b"}", 413, "payload_too_large"),
    "2 MiB": (b'{"projectId": "' + b"x" * (2 << 20) + b'"}', 413, "payload_too_large"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_is_no_honest_json_is_refused(api: Api, name: str):
    content, status, code = BAD_BODIES[name]
    with api.client() as client:
        answer = client.post(
            f"{MEDIA_RENDER}/jobs", content=content, headers={"Content-Type": "application/json"}
        )
    check_error(answer, status, code)


def test_a_body_without_its_length_is_cut_off_at_the_limit(api: Api):
    def endless() -> Any:
        yield b'{"projectId": "'
        for _ in range(64):
            yield b"x" * 65_536
        yield b'"}'

    with api.client() as client:
        answer = client.post(
            f"{MEDIA_RENDER}/jobs", content=endless(), headers={"Content-Type": "application/json"}
        )
    check_error(answer, 413, "payload_too_large")


def test_a_body_of_another_type_is_refused(api: Api):
    with api.client() as client:
        check_error(client.post(f"{MEDIA_RENDER}/jobs", data={"a": "b"}), 400, "invalid_request")
        check_error(
            client.post(f"{MEDIA_RENDER}/jobs", content=b"{}"), 400, "invalid_request", "Content-Type"
        )


def test_a_nul_in_the_address_is_nothing_found_not_a_defect(api: Api):
    with api.client() as client:
        check_error(client.get("/farm/v1/jobs/job_%00"), 404, "not_found")
        check_error(client.get("/farm/v1/jobs?kind=%00"), 400, "invalid_request")
        check_error(client.get("/farm/v1/jobs/job_%ff%fe"), 404, "not_found")


def test_d004_d005_d006_each_key_and_call_has_its_own_bucket(api: Api):
    answers = []
    with api.client() as client, api.client(api.new_key(api.account)) as other_key:
        for _ in range(11):
            answers.append(client.post(f"{MEDIA_RENDER}/jobs", json={}))
        refused = answers[-1]
        check_error(refused, 429, "rate_limited")
        assert other_key.post(f"{MEDIA_RENDER}/jobs", json={}).status_code == 400
        status = client.get(f"{MEDIA_RENDER}/jobs/mrproj_x")
    assert [a.headers["X-RateLimit-Remaining"] for a in answers] == [str(n) for n in range(9, -1, -1)] + ["0"]
    assert {a.headers["X-RateLimit-Limit"] for a in answers} == {"10"}  # D-137
    assert status.headers["X-RateLimit-Limit"] == "120"  # D-147
    now = api.hall.clock.now()
    wait_s = int(refused.headers["X-RateLimit-Reset"]) - now  # Unix seconds
    assert 0 < wait_s <= 61
    assert 0 < int(refused.headers["Retry-After"]) <= 61


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", f"{MEDIA_RENDER}/uploads", "20"),  # D-051
        ("POST", f"{MEDIA_RENDER}/jobs", "10"),  # D-137
        ("GET", f"{MEDIA_RENDER}/jobs/x", "120"),  # D-147
        ("GET", f"{MEDIA_RENDER}/jobs/x/download", "60"),  # D-151
        ("GET", f"{MEDIA_RENDER}/voices", "60"),  # D-160
        ("GET", "/farm/v1/jobs", "600"),
    ],
)
def test_d006_the_rates_of_the_document(api: Api, method: str, path: str, limit: str):
    with api.client() as client:
        assert client.request(method, path).headers["X-RateLimit-Limit"] == limit


def test_x34_the_openapi_document_is_3_1_and_says_what_is_asked(api: Api):
    document = httpx.get(f"{api.url}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) >= {f"{MEDIA_RENDER}/uploads", f"{MEDIA_RENDER}/jobs/{{projectId}}"}
    started = document["paths"][f"{MEDIA_RENDER}/jobs"]["post"]
    assert started["x-rate-class"] == "job_starts"
    assert set(started["responses"]) == {"202", "4XX", "5XX"}
    assert {"HTTPBearer": []} in started["security"] and {"APIKeyHeader": []} in started["security"]
    models = document["components"]["schemas"]
    assert "hookText" in models["RenderRequest"]["properties"]
    assert not [name for name in models if "__" in name]  # two models of one name would show their modules


def test_an_app_opens_its_own_store_and_closes_it(tmp_path: Path):
    with serving(create_app(Settings(home=tmp_path / "farm"))) as url:
        assert httpx.get(f"{url}/readyz").json() == {"status": "ready"}


def test_importing_the_api_loads_no_media_library():
    code = (
        "import sys, farm.api.app, farm.api.serve\n"
        "heavy = {'av', 'cv2', 'numba', 'numpy', 'torch', 'PIL', 'celery', 'faster_whisper', 'diffusers'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_garbage_on_the_socket_hurts_nobody(api: Api):
    host, port = api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n")
        assert b"400" in line.recv(1000)
    assert httpx.get(f"{api.url}/healthz").status_code == HTTPStatus.OK


def test_a_surface_may_say_its_errors_in_its_own_way(api: Api):
    app = create_app(api.app.state.desk.settings, api.hall)
    install_errors(app, {MEDIA_RENDER: lambda code, message, param, status: {"oops": code}})
    with serving(app) as url:
        assert httpx.get(f"{url}{MEDIA_RENDER}/jobs/x").json() == {"oops": "unauthorized"}
        assert httpx.get(f"{url}{MEDIA_RENDER}/nowhere").json() == {"oops": "not_found"}
        assert httpx.get(f"{url}/farm/v1/jobs").json()["code"] == "unauthorized"
