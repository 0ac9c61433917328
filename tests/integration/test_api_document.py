"""The OpenAPI document, walked: operations are described, listings have pages, refusals have one shape."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from farm.api.surfaces import generations, studio
from tests.api import Api
from tests.integration.test_api_envelope import check_error

# What may be asked of each part of the farm, by its Build number in the issue that asked for it.
ROUTES = {
    "1 dispatch": {"GET /jobs/{job_id}/why", "GET /workers", "GET /kinds"},
    "2 retries": {
        "POST /jobs/{job_id}/retry",
        "PATCH /jobs/{job_id}",
        "POST /workers/{name}/drain",
        "POST /workers/{name}/resume",
    },
    "3 failover": {"GET /jobs/{job_id}/attempts", "GET /providers"},
    "4 batches": {
        "POST /batches",
        "GET /batches",
        "GET /batches/{batch_id}",
        "PATCH /batches/{batch_id}",
        "POST /batches/{batch_id}/rows",
        "POST /batches/{batch_id}/close",
        "POST /batches/{batch_id}/cancel",
        "POST /batches/{batch_id}/pause",
        "POST /batches/{batch_id}/resume",
        "POST /batches/{batch_id}/retry-failed",
        "GET /batches/{batch_id}/jobs",
        "GET /batches/{batch_id}/results",
        "GET /batches/{batch_id}/rejected",
    },
    "5 money": {
        "POST /quotes",
        "GET /credits",
        "GET /credits/history",
        "POST /accounts/{account_id}/topups",
        "GET /accounts",
        "POST /accounts",
        "GET /accounts/{account_id}",
        "PATCH /accounts/{account_id}",
        "GET /accounts/{account_id}/keys",
        "POST /accounts/{account_id}/keys",
        "PATCH /keys/{prefix}",
        "DELETE /keys/{prefix}",
    },
    "6 submits": {"POST /jobs", "GET /jobs", "GET /jobs/{job_id}", "POST /jobs/{job_id}/cancel"},
    "7 webhooks": {
        "POST /webhooks/endpoints",
        "GET /webhooks/endpoints",
        "GET /webhooks/endpoints/{endpoint_id}",
        "PATCH /webhooks/endpoints/{endpoint_id}",
        "DELETE /webhooks/endpoints/{endpoint_id}",
        "POST /webhooks/endpoints/{endpoint_id}/rotate",
        "POST /webhooks/endpoints/{endpoint_id}/test",
        "GET /webhooks/signing-secret",
        "GET /webhooks/deliveries",
        "GET /webhooks/deliveries/{delivery_id}",
        "POST /webhooks/deliveries/{delivery_id}/replay",
    },
    "8 live view": {"GET /jobs/{job_id}/events", "GET /jobs/{job_id}/logs"},
    "9 operators": {"GET /audit"},
    "10 two schedulers": {"GET /schedulers"},
    "11 files": {
        "POST /assets",
        "GET /assets",
        "GET /assets/{asset_id}",
        "GET /jobs/{job_id}/artifacts",
        "GET /jobs/{job_id}/artifacts/{name}",
    },
}
# Listings without pages: a log is read on by the id of its last line, reasons are sentences for people, and
# models and videos are listed as OpenAI's clients read them; a video's `data` is its one URL.
UNPAGED = {
    "/farm/v1/jobs/{job_id}/logs",
    "/farm/v1/jobs/{job_id}/why",
    "/v1/models",
    "/v1/videos",
    "/v1/video/generations/{generation_id}",
}
# What anybody may see: the studio's shared links and its gallery.
OPEN = {"/healthz", "/readyz", "/api/share/{token}", "/api/gallery/community"}


@pytest.fixture(scope="module")
def document(served_api: Api) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{served_api.url}/openapi.json").json()
    return found


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def followed(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference names."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def is_studios(path: str) -> bool:
    """Whether its refusals are the studio's sentences (X-25): by the longest prefix, as the API looks."""
    shapes = [*studio.SHAPES, *generations.SHAPES]
    return max((one for one in shapes if path.startswith(one)), key=len, default="") in studio.SHAPES


def said_of(path: str, code: str, status: int) -> str:
    """How the surface of that path says an error's code."""
    prefix = max((one for one in generations.SHAPES if path.startswith(one)), key=len, default=None)
    return str(generations.SHAPES[prefix](code, "", None, status)["code"]) if prefix else code


def json_schema(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = answer.get("content", {}).get("application/json", {}).get("schema")
    return found


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


@pytest.mark.parametrize("build", ROUTES)
def test_every_capability_has_its_route(document: dict[str, Any], build: str) -> None:
    served = {f"{method} {path.removeprefix('/farm/v1')}" for method, path, _ in operations(document)}
    assert ROUTES[build] <= served


def test_every_operation_says_what_it_does_under_a_name_of_its_own(document: dict[str, Any]) -> None:
    found = list(operations(document))
    for method, path, operation in found:
        assert len(operation.get("summary", "")) > 10, f"{method} {path}"
        assert not operation["summary"].endswith("."), f"{method} {path}"
        assert operation.get("description"), f"{method} {path}"
    names = [operation["operationId"] for _, _, operation in found]
    assert len(set(names)) == len(names)


def test_every_model_is_described(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema.get("description"), name


def test_every_listing_is_read_page_by_page(document: dict[str, Any]) -> None:
    listings = 0
    for method, path, operation in operations(document):
        answer = json_schema(operation["responses"].get("200", {}))
        fields = followed(document, answer).get("properties", {}) if answer else {}
        if method != "GET" or fields.get("data", {}).get("type") != "array" or path in UNPAGED:
            continue
        listings += 1
        asked = {given["name"]: given["schema"] for given in operation["parameters"]}
        assert {"limit", "cursor"} <= asked.keys(), path
        assert asked["limit"]["minimum"] == 1 and asked["limit"]["maximum"] <= 1000, path
        assert {option.get("type") for option in fields["next_cursor"]["anyOf"]} == {"string", "null"}, path
    assert listings >= 13


def test_every_refusal_has_one_shape(document: dict[str, Any]) -> None:
    error = {"$ref": "#/components/schemas/ErrorDetail"}
    for method, path, operation in operations(document):
        refusals = {status: said for status, said in operation["responses"].items() if status[0] in "45"}
        if path not in ("/healthz", "/readyz"):
            assert refusals.keys() >= {"4XX", "5XX"}, f"{method} {path}"
        for status, said in refusals.items():
            schema = json_schema(said)
            assert schema is not None, f"{method} {path} {status}"
            said_error = followed(document, schema)["properties"]["error"]
            is_sentence = is_studios(path) and said_error["type"] == "string"
            assert is_sentence or said_error == error, f"{method} {path} {status}"
    detail = document["components"]["schemas"]["ErrorDetail"]
    assert set(detail["required"]) == {"code", "message", "param", "type"}


def test_every_operation_asks_for_a_key_first_and_every_path_knows_its_methods(
    api: Api, document: dict[str, Any]
) -> None:
    with httpx.Client(base_url=api.url) as stranger, api.client() as client:
        for method, path, _ in operations(document):
            address = re.sub(r"\{[^}]*\}", "x", path)
            if is_studios(path):
                asked = stranger.request(method, address)
                assert path in OPEN or asked.json()["code"] == "unauthorized", path
                assert client.request("PURGE", address).json()["code"] == "method_not_allowed"
                continue
            if path not in OPEN:
                check_error(stranger.request(method, address), 401, said_of(path, "unauthorized", 401))
            check_error(client.request("PURGE", address), 405, said_of(path, "method_not_allowed", 405))
        check_error(client.get("/farm/v1/nothing"), 404, "not_found")


def test_every_example_is_what_its_schema_takes(document: dict[str, Any]) -> None:
    seen = 0
    for where, schema in schemas(document, "#"):
        for example in schema.get("examples", ()):
            seen += 1
            whole = {**schema, "components": document["components"]}
            assert OAS31Validator(whole).is_valid(example), (where, example)
    assert seen > 10


def schemas(node: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object of the document that has examples of its own."""
    if isinstance(node, dict):
        if isinstance(node.get("examples"), list):
            yield where, node.get("schema", node) | {"examples": node["examples"]}
        for key, value in node.items():
            yield from schemas(value, f"{where}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from schemas(value, f"{where}/{number}")


def test_pages_of_short_listings_go_on_where_the_last_ended(api: Api) -> None:
    with api.client() as client:
        for number in range(3):
            body = {"file_name": f"{number}.png", "content_type": "image/png", "size_bytes": 10}
            assert client.post("/farm/v1/assets", json=body).status_code == 201
        for path, name in (("assets", "id"), ("kinds", "name")):
            whole = [item[name] for item in client.get(f"/farm/v1/{path}").json()["data"]]
            found, cursor = [], None
            while True:
                query = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
                page = client.get(f"/farm/v1/{path}", params=query).json()
                found += [item[name] for item in page["data"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            assert found == whole, path
        assert [item["file_name"] for item in client.get("/farm/v1/assets").json()["data"]][:1] == ["2.png"]
        wrong = client.get("/farm/v1/kinds", params={"cursor": "nothing"})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "cursor")
