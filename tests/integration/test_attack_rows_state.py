"""Attacks on who may do what, and on what must happen once: one test per row, against a running farm."""

import json
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from kombu.serialization import dumps
from sqlalchemy import func, select
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from farm.broker.app import RUN, celery_app
from farm.doors.accounts import caller_of, create_key, ensure_account, revoke_key
from farm.rules.running import OutboundRules
from farm.store.schema import accounts, jobs, ledger
from schedulers.webhooks.deliverer import delivering
from tests.api import MEDIA_RENDER, Api, png
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_native import asset, render
from tests.invariants import violations
from tests.live_farm import LiveFarm, live_farm, probe
from tests.receiver import Heard, Receiver, receiving
from tests.worker_farm import until

pytestmark = pytest.mark.slow

JOBS = "/farm/v1/jobs"
CALLERS = 50
PRICE_MC = 2_000  # the least that a render costs
PUBLIC = "https://93.184.216.34/hook"


# --- what is another account's -----------------------------------------------------------------------


@pytest.fixture
def owned(api: Api, tmp_path: Path) -> dict[str, str]:
    """One of everything that an account can own: the ids, by their names in the API's paths."""
    project = api.project(("photo.png", "image/png", png()))
    asset_id = asset(api)
    with api.client() as client:
        job_id = client.post(JOBS, json=render(asset_id)).json()["id"]
        api.finish_job(job_id, b"film", tmp_path / "video.mp4")
        assert (
            client.post(f"{MEDIA_RENDER}/jobs", json={"projectId": project["projectId"]}).status_code == 202
        )
        batch = client.post("/farm/v1/batches", json={"kind": "media-render"}).json()
        endpoint = client.post("/farm/v1/webhooks/endpoints", json={"url": PUBLIC}).json()["endpoint"]
        sent = client.post(f"/farm/v1/webhooks/endpoints/{endpoint['id']}/test").json()
    account = caller_of(api.hall, api.key).account
    return {
        "job_id": job_id,
        "asset_id": asset_id,
        "projectId": project["projectId"],
        "batch_id": batch["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": sent["id"],
        "account_id": account.public_id,
        "name": "video",
        "id": str(_number(api, job_id)),  # the studio's
    }


def _number(api: Api, job_id: str) -> int:
    with api.hall.store.read() as connection:
        return int(connection.execute(select(jobs.c.seq).where(jobs.c.id == job_id)).scalar_one())


FOREIGN = re.compile(r"\{(\w+)\}")
NOBODYS = {"id": "999999999"}


def routes(document: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Every route that names something: method, path, and the least that it takes for a body.

    Signed URLs are not among them: they are their own right.
    """
    for path, methods in document["paths"].items():
        for method, described in methods.items() if FOREIGN.search(path) else ():
            content = described.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            yield method.upper(), path, None if schema is None else _least(document, schema)


def _least(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value that fits the schema, with nothing in it that is not required."""
    if "$ref" in schema:
        return _least(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if schema.get("examples"):
        return schema["examples"][0]
    if "anyOf" in schema:
        return _least(document, schema["anyOf"][0])
    if schema.get("type") == "object":
        wanted = schema.get("required", ())
        return {name: _least(document, schema["properties"][name]) for name in wanted}
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    plain = {"string": "a", "integer": int(least), "number": float(least), "boolean": False, "array": []}
    return plain[schema["type"]]


def test_another_accounts_job_file_project_and_batch(api: Api, owned: dict[str, str]) -> None:
    """On every route: as if it were not there, in the words said of an id that never was."""
    before, tried = _shown(api, owned), set()
    document = httpx.get(f"{api.url}/openapi.json").json()
    for method, path, body in routes(document):
        ours = FOREIGN.sub(lambda found: owned.get(found.group(1), "somebody"), path)
        nobodys = FOREIGN.sub(lambda found: NOBODYS.get(found.group(1), "none_0123456789abcdef"), path)
        with api.client(api.new_key(api.hall.ids.public("stranger"))) as stranger:
            there, absent = (_call(stranger, method, url, body) for url in (ours, nobodys))
        assert there.status_code in (403, 404), (method, path, there.text)
        assert there.json()["code"] == absent.json()["code"], (method, path)
        tried |= {found for found in FOREIGN.findall(path) if found in owned}
    assert tried == set(owned)
    assert _shown(api, owned) == before


def _call(client: httpx.Client, method: str, url: str, body: Any) -> httpx.Response:
    if url.endswith("/rows"):
        rows = {"Content-Type": "application/jsonl"}
        return client.request(method, url, content='{"custom_id": "x"}', headers=rows)
    return client.request(method, url, json=body)


def _shown(api: Api, owned: dict[str, str]) -> list[Any]:
    with api.client() as client:
        paths = [f"jobs/{owned['job_id']}", f"batches/{owned['batch_id']}", f"assets/{owned['asset_id']}"]
        paths += [f"webhooks/endpoints/{owned['endpoint_id']}"]
        return [client.get(f"/farm/v1/{path}").json() for path in paths]


def test_another_accounts_file_named_in_ones_own_job(api: Api, owned: dict[str, str]) -> None:
    name = api.hall.ids.public("stranger")
    theirs = replace(api, key=api.new_key(name), account=name)
    both = render(asset(theirs), bgm_asset_id=owned["asset_id"])
    music = {"asset_id": owned["asset_id"], "file_name": "a.mp3", "media_kind": "audio"}
    both["params"]["assets"].append(music)
    with theirs.client() as stranger:
        for body in (render(owned["asset_id"]), both):
            check_error(stranger.post(JOBS, json=body), 404, "not_found")
        check_error(
            stranger.post(f"{MEDIA_RENDER}/jobs", json={"projectId": owned["projectId"]}),
            404,
            "not_found",
            "projectId",
        )
        batch = stranger.post("/farm/v1/batches", json={"kind": "media-render"}).json()["id"]
        row = json.dumps({"custom_id": "a", "params": render(owned["asset_id"])["params"]})
        taken = stranger.post(
            f"/farm/v1/batches/{batch}/rows", content=row, headers={"Content-Type": "application/jsonl"}
        )
        assert (taken.json()["accepted"], taken.json()["rejected"]) == (0, 1)
        assert stranger.get(JOBS).json()["data"] == []


def test_source_directory_prefix_of_another_or_with_dots(api: Api) -> None:
    prefix = api.project(("photo.png", "image/png", png()))["directoryPrefix"]
    own = prefix.rstrip("/").rsplit("/", 1)
    climbing = [
        f"{own[0]}/../{own[1]}/",
        f"{prefix}../",
        "../",
        "..",
        "/etc/",
        f"./{prefix}",
        f"{prefix}/../",
    ]
    climbing += [prefix.replace("/", "\\"), prefix.replace("/", "//", 1), f"{prefix}%2e%2e/", prefix + "\n"]
    with api.client(api.new_key(api.hall.ids.public("stranger"))) as stranger:
        for attempt in (prefix, prefix.upper(), *climbing):
            answer = stranger.post(f"{MEDIA_RENDER}/jobs", json={"sourceDirectoryPrefix": attempt})
            assert answer.status_code in (400, 404, 429), (attempt, answer.text)
        assert stranger.get(JOBS).json()["data"] == []
    with api.client() as client:
        assert client.get(JOBS).json()["data"] == []


def test_share_token_guessing(api: Api, owned: dict[str, str]) -> None:
    """What is shared is a signed URL: every part of it is under the signature, and a guess tells nothing."""
    with api.client() as client:
        url = client.get(f"{JOBS}/{owned['job_id']}/artifacts/video").json()["download_url"]
    assert httpx.get(url).status_code == 200
    base, _, query = url.partition("?")
    signature = query.rpartition("signature=")[2]
    bent = [
        f"{base}?{query.replace(signature, guess)}"
        for guess in ("", "0", signature[:-1], signature[:-1] + "~", signature[::-1], signature + signature)
    ]
    bent += [url.replace("expires=", "expires=9"), url.replace("type=video", "type=text"), base]
    bent += [url.replace("/attempts/", "/uploads/"), url.replace("video.mp4?", "none.mp4?"), f"{url}&size=1"]
    refusals = {(answer.status_code, answer.text) for answer in map(httpx.get, bent)}
    assert {status for status, _ in refusals} == {403}
    assert len(refusals) == 1, "a guess learns whether the file is there"
    assert httpx.put(url, content=b"mine").status_code == 403


def test_an_api_key_is_guessed_no_faster_by_its_known_half(api: Api) -> None:
    prefix, _, secret = api.key.rpartition("_")
    guesses = [f"{prefix}_{'a' * len(secret)}", f"{prefix}_{secret[:-1]}", f"{prefix}_", prefix, secret]
    guesses += [api.key.upper(), f"x{api.key}", f"farm_live_00000000_{secret}"]
    answers = {
        (answer.status_code, answer.json()["error"]["message"])
        for guess in guesses
        for answer in [httpx.get(api.url + JOBS, headers={"X-API-Key": guess})]
    }
    assert len(answers) == 1
    assert {status for status, _ in answers} == {401}


# --- what happens once -------------------------------------------------------------------------------


def test_credits_double_spent_by_50_parallel_submits(api: Api) -> None:
    name = api.hall.ids.public("metered")
    owner = ensure_account(api.hall, name, "enterprise", balance_mc=7 * PRICE_MC)
    key = create_key(api.hall, owner).text
    poor = Api(api.url, key, api.app, api.hall, api.clock, name)
    body = render(asset(poor))

    def buy(_number: int) -> int:
        with poor.client() as client:
            return client.post(JOBS, json=body).status_code

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(buy, range(CALLERS)))
    assert sorted(answers) == [202] * 7 + [402] * (CALLERS - 7)
    with api.hall.store.read() as connection:
        assert connection.scalar(select(accounts.c.balance_mc).where(accounts.c.id == owner.id)) == 0
        held = select(func.sum(ledger.c.amount_mc)).where(ledger.c.account_id == owner.id)
        assert connection.scalar(held) == 0


def test_same_idempotency_key_with_another_body(api: Api) -> None:
    asset_id = asset(api)
    with api.client() as client:
        first = client.post(JOBS, json=render(asset_id), headers={"Idempotency-Key": "k"})
        other = client.post(JOBS, json=render(asset_id, fps=25.0), headers={"Idempotency-Key": "k"})
        check_error(other, 422, "idempotency_key_reused", "Idempotency-Key")
        again = client.post(JOBS, json=render(asset_id), headers={"Idempotency-Key": "k"})
        assert again.content == first.content
        assert len(client.get(JOBS).json()["data"]) == 1


def test_same_idempotency_key_with_50_other_bodies_at_once(api: Api) -> None:
    asset_id = asset(api)

    def send(number: int) -> int:
        body = {**render(asset_id), "reference": f"r{number}"}
        with api.client() as client:
            return client.post(JOBS, json=body, headers={"Idempotency-Key": "race"}).status_code

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(send, range(CALLERS)))
    assert answers.count(202) == 1
    assert set(answers) <= {202, 409, 422}
    with api.client() as client:
        assert len(client.get(JOBS).json()["data"]) == 1


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def live(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveFarm]:
    rules = OutboundRules(allow_hosts=(f"127.0.0.1:{receiver.port}",))
    with live_farm(tmp_path_factory.mktemp("live"), rules) as farm, delivering(farm.settings, farm.hall):
        yield farm


@pytest.fixture
def client(live: LiveFarm, receiver: Receiver, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """An operator of an account of its own; in the end no promise is broken."""
    receiver.heard.clear()
    with live.client(str(request.node.name), is_operator=True, balance_mc=1_000_000) as client:
        yield client
    until(lambda: violations(live.hall.store) == [], "every job has ended, every hold with it")


def heard_of(receiver: Receiver, job_id: str) -> list[Heard]:
    return [heard for heard in receiver.heard if heard.headers["x-creativeai-delivery-id"] == job_id]


def test_key_revoked_mid_job(live: LiveFarm, receiver: Receiver, client: httpx.Client) -> None:
    """It opens nothing from that moment; the job that was taken and held for ends, is paid and is told."""
    secret = client.get("/farm/v1/webhooks/signing-secret").json()["secret"]
    job_id = probe(client, receiver.url, sleep_s=1.0, price_mc=1000)
    live.farm.running(job_id)
    revoke_key(live.hall, client.headers["authorization"].removeprefix("Bearer ").rpartition("_")[0])
    for method, path in (("GET", f"{JOBS}/{job_id}"), ("POST", f"{JOBS}/{job_id}/cancel"), ("GET", JOBS)):
        check_error(client.request(method, path), 401, "unauthorized")
    assert live.told(job_id).state == "delivered"
    ended = live.farm.job(job_id)
    assert (ended.state, ended.charged_mc, live.farm.outcomes(job_id)) == ("completed", 1000, ["succeeded"])
    (heard,) = heard_of(receiver, job_id)
    assert Webhook(secret).verify(heard.body, heard.headers)["id"] == job_id


def test_cancel_complete_race(live: LiveFarm, receiver: Receiver, client: httpx.Client) -> None:
    """However they meet, a job ends once, is paid or released once, and is told of once.

    A third is cancelled before it can start, a third while it runs, a third after its end.
    """
    first = probe(client, sleep_s=600)
    live.farm.running(first)
    begun = [probe(client, receiver.url, price_mc=1000, sleep_s=0.02) for _ in range(24)]
    early, racing, late = begun[:8], begun[8:16], begun[16:]
    account = live.farm.job(first).account_id

    def cancel(job_id: str) -> None:
        if job_id in racing:
            until(lambda: live.farm.attempts(job_id), "it is on its way")
        if job_id in late:
            live.farm.ended(job_id)
        with httpx.Client(base_url=live.url, headers=client.headers, trust_env=False) as own:
            for _ in range(2):
                assert own.post(f"{JOBS}/{job_id}/cancel").status_code == 202

    for job_id in [*early, first]:
        cancel(job_id)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(cancel, [*racing, *late]))
    told = [live.told(job_id) for job_id in begun]
    states = [live.farm.job(job_id).state for job_id in begun]
    assert set(states[:8]) == {"cancelled"}
    assert set(states[16:]) == {"completed"}
    assert [row.state for row in told] == ["delivered"] * len(begun)
    for job_id, state in zip(begun, states, strict=True):
        (heard,) = heard_of(receiver, job_id)
        assert json.loads(heard.body)["type"] == f"job.{state}"
    with live.hall.store.read() as connection:
        charged = connection.scalar(select(func.sum(jobs.c.charged_mc)).where(jobs.c.account_id == account))
        balance = connection.scalar(select(accounts.c.balance_mc).where(accounts.c.id == account))
    assert charged == 1000 * states.count("completed")
    assert balance == 1_000_000 - charged


def test_webhook_signature_wrong_old_replayed(
    live: LiveFarm, receiver: Receiver, client: httpx.Client
) -> None:
    """As a receiver sees it: only what this farm sent just now verifies, and a replay keeps its id."""
    secret = client.get("/farm/v1/webhooks/signing-secret").json()["secret"]
    job_id = probe(client, receiver.url)
    delivery = live.told(job_id)
    (heard,) = heard_of(receiver, job_id)
    ours = Webhook(secret)
    ours.verify(heard.body, heard.headers)
    with live.client("a stranger to the webhook") as stranger:
        another = Webhook(stranger.get("/farm/v1/webhooks/signing-secret").json()["secret"])
    old = {**heard.headers, "webhook-timestamp": str(int(time.time()) - 3600)}
    wrong = {**heard.headers, "webhook-signature": f"v1,{b64encode(bytes(32)).decode()}"}
    renamed = {**heard.headers, "webhook-id": "msg_another"}
    for verifier, body, headers in (
        (another, heard.body, heard.headers),
        (ours, heard.body + b" ", heard.headers),
        (ours, heard.body, old),
        (ours, heard.body, wrong),
        (ours, heard.body, renamed),
    ):
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body, headers)

    replayed = client.post(f"/farm/v1/webhooks/deliveries/{delivery.public_id}/replay")
    assert replayed.status_code == 202, replayed.text
    until(lambda: len(heard_of(receiver, job_id)) == 2, "it was sent again")
    again = heard_of(receiver, job_id)[1]
    assert (again.headers["webhook-id"], again.body) == (heard.headers["webhook-id"], heard.body)
    ours.verify(again.body, again.headers)


# --- Redis -------------------------------------------------------------------------------------------


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def pushed(live: LiveFarm, queue: str, content_type: str, encoding: str, body: bytes) -> None:
    """One Celery message as kombu puts it into Redis, at the head of this queue."""
    message = {
        "body": b64encode(body).decode(),
        "content-encoding": encoding,
        "content-type": content_type,
        "headers": {"lang": "py", "task": RUN, "id": "evil", "argsrepr": "", "kwargsrepr": ""},
        "properties": {
            "body_encoding": "base64",
            "delivery_info": {"exchange": queue, "routing_key": queue},
            "delivery_tag": "evil",
            "priority": 0,
        },
    }
    _push(live, queue, json.dumps(message).encode())


def _push(live: LiveFarm, queue: str, raw: bytes) -> None:
    prefix = celery_app(live.valkey.url).conf.broker_transport_options["global_keyprefix"]
    with redis.Redis.from_url(live.valkey.url) as server:
        server.lpush(f"{prefix}{queue}", raw)


def test_a_pickle_message_pushed_to_redis(live: LiveFarm, client: httpx.Client, tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    message = dumps((Payload(trap),), serializer="pickle")  # type: ignore[no-untyped-call]  # kombu is partly typed
    content_type, encoding, body = message
    pids = {row["pid"] for row in client.get("/farm/v1/workers").json()["data"]}
    for queue in ("cpu-render", "w1"):
        pushed(live, queue, content_type, encoding, body)
        pushed(live, queue, "application/json", "utf-8", body)  # says JSON, is pickle
        pushed(live, queue, "application/x-yaml", "utf-8", b"!!python/object/apply:os.system [true]")
    assert live.farm.ended(probe(client)).state == "completed"
    assert not trap.exists()
    assert {row["pid"] for row in client.get("/farm/v1/workers").json()["data"]} == pids


def test_messages_that_name_no_attempt_of_ours(live: LiveFarm, client: httpx.Client) -> None:
    """Right in form, wrong in content: unknown attempts, guessed tokens, other tasks, wrong arguments."""
    done = probe(client)
    attempt = live.farm.ended(done) and live.farm.attempts(done)[0]
    with live.farm.paused(live.worker):
        waiting = probe(client)
        until(lambda: live.farm.attempts(waiting), "it is published")
        guessed = live.farm.attempts(waiting)[0]
        for arguments in (
            [attempt.id, attempt.token],
            [guessed.id, 0],
            [10**12, 1],
            [-1, -1],
            ["1; DROP TABLE jobs", {}],
            [],
            [1, 2, 3],
            [None, None],
        ):
            body = json.dumps([arguments, {}, {}]).encode()
            pushed(live, "cpu-render", "application/json", "utf-8", body)
    assert live.farm.ended(waiting).state == "completed"
    assert live.farm.outcomes(waiting) == ["succeeded"]
    assert live.farm.outcomes(done) == ["succeeded"]


GARBAGE = {
    "a bare pickle": b"\x80\x04\x95garbage",
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "no envelope": b'{"body": 7}',
    "headers that are none": b'{"body": "", "headers": 1, "properties": {"delivery_tag": "t"}}',
}


@pytest.mark.parametrize("row", GARBAGE)
def test_garbage_pushed_to_redis(live: LiveFarm, client: httpx.Client, row: str) -> None:
    """Dropped: the worker stays, and what it runs meanwhile is not even tried again."""
    running, garbage = probe(client, sleep_s=0.5), GARBAGE[row]
    live.farm.running(running)
    for queue in ("cpu-render", "w1"):
        _push(live, queue, garbage)
    with redis.Redis.from_url(live.valkey.url) as server:
        server.lpush("farm:bell", garbage)
    assert live.farm.ended(probe(client)).state == "completed"
    assert live.farm.ended(running).state == "completed"
    assert live.farm.outcomes(running) == ["succeeded"]
    assert live.worker.process.poll() is None
