"""Batches over HTTP: streamed rows of both forms, one row's error beside the others, chains, results."""

import csv
import io
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from farm.doors.accounts import ensure_account
from farm.doors.purse import top_up
from farm.store.schema import accounts, jobs, tasks
from tests.api import Api, png

pytestmark = pytest.mark.slow

JSONL = {"Content-Type": "application/jsonl"}
CSV = {"Content-Type": "text/csv"}
BATCHES = "/farm/v1/batches"


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    """The owner of a farm: it may submit probes, and sees its own batches only."""
    with api.client(api.new_key(f"{api.account}-owner", tier="local")) as made:
        yield made


def made(client: httpx.Client, **values: Any) -> str:
    answer = client.post(BATCHES, json=values)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def send(
    client: httpx.Client, batch: str, body: bytes, headers: dict[str, str], **query: Any
) -> dict[str, Any]:
    answer = client.post(f"{BATCHES}/{batch}/rows", content=body, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def show(client: httpx.Client, batch: str) -> dict[str, Any]:
    return dict(client.get(f"{BATCHES}/{batch}").json())


def names(client: httpx.Client, batch: str) -> list[str]:
    return [job["custom_id"] for job in client.get(f"{BATCHES}/{batch}/jobs").json()["data"]]


def rejected(client: httpx.Client, batch: str) -> list[dict[str, Any]]:
    text = client.get(f"{BATCHES}/{batch}/rejected").text
    return [json.loads(line) for line in text.splitlines()]


def test_jsonl_rows_stand_each_for_itself(client: httpx.Client) -> None:
    batch = made(client, name="spring", kind="probe", defaults={"sleep_s": 0.1, "echo": {"a": 1, "b": 2}})
    body = b"\xef\xbb\xbf" + lines(
        {"custom_id": "one"},
        {"custom_id": "two", "params": {"echo": {"b": 3}}, "reference": "SKU 2"},
        {"custom_id": "bad", "params": {"sleep_s": -1}},
        {"custom_id": "odd", "parms": {}},
        {"custom_id": "other", "kind": "no-such"},
    )
    body += b'\n{"custom_id": "cut"\n[1]\n{"custom_id": "\xff"}\n' + lines({"params": {"echo": "last"}})
    taken = send(client, batch, body, JSONL)
    assert (taken["accepted"], taken["known"], taken["rejected"], taken["stopped_at"]) == (3, 0, 6, None)
    assert names(client, batch) == ["one", "two", "line-10"]
    assert [(item["line"], item["custom_id"], item["field"]) for item in rejected(client, batch)] == [
        (3, "bad", "params.sleep_s"),
        (4, "odd", "parms"),
        (5, "other", "kind"),
        (7, None, None),
        (8, None, None),
        (9, None, None),
    ]
    second = client.get(f"{BATCHES}/{batch}/jobs").json()["data"][1]
    assert second["reference"] == "SKU 2"
    assert show(client, batch)["counts"] == {
        "total": 3, "queued": 3, "running": 0, "completed": 0, "failed": 0, "cancelled": 0, "rejected": 6,
    }  # fmt: skip
    assert show(client, batch)["partial_failure"]


def test_params_go_over_the_defaults_object_by_object(client: httpx.Client, api: Api) -> None:
    batch = made(client, kind="probe", defaults={"sleep_s": 0.1, "echo": {"a": 1, "b": 2}})
    send(client, batch, lines({"custom_id": "x", "params": {"echo": {"b": 3}}}), JSONL)
    job = client.get(f"{BATCHES}/{batch}/jobs").json()["data"][0]
    with api.hall.store.read() as connection:
        params = connection.execute(select(jobs.c.params).where(jobs.c.id == job["id"])).scalar_one()
    assert (params["sleep_s"], params["echo"]) == (0.1, {"a": 1, "b": 3})


def test_a_csv_is_mapped_to_params_and_read_by_their_types(client: httpx.Client, api: Api) -> None:
    batch = made(client, kind="probe")
    body = (
        b"custom_id,secs,ignore_cancel,echo,colour,pool\r\n"
        b'a,0.5,yes,"{""x"": [1,\n2]}",red,\r\n'
        b"b,,,,green,asr-align\r\n"
        b"c,soon,,,,\r\n"
        b"d,1\r\n"
    )
    taken = send(client, batch, body, CSV, map=["secs=sleep_s"])
    assert (taken["accepted"], taken["rejected"], taken["ignored_columns"]) == (2, 2, ["colour"])
    with api.hall.store.read() as connection:
        query = (
            select(jobs.c.params).where(jobs.c.custom_id.in_(("a", "b"))).order_by(jobs.c.seq.desc()).limit(2)
        )
        second, first = connection.scalars(query).all()
    assert (first["sleep_s"], first["ignore_cancel"], first["echo"]) == (0.5, True, {"x": [1, 2]})
    assert (second["sleep_s"], second["pool"]) == (0.0, "asr-align")
    refused = [(item["line"], item["custom_id"], item["field"]) for item in rejected(client, batch)]
    assert refused == [(5, "c", "secs"), (6, "d", None)]


def test_a_csv_reaches_into_lists_over_the_defaults(client: httpx.Client, api: Api) -> None:
    asset = client.post(
        "/farm/v1/assets",
        json={"file_name": "a.png", "content_type": "image/png", "size_bytes": len(png())},
    ).json()
    httpx.put(asset["upload_url"], content=png(), headers={"Content-Type": "image/png"})
    asset_id = asset["asset"]["id"]
    common = {"assets": [{"file_name": "a.png", "media_kind": "image"}], "aspect_ratio": "1:1"}
    batch = made(client, kind="media-render", defaults=common)
    body = f"custom_id,photo,headline\nok,{asset_id},Hello\nnone,asset_nobody,Hello\n".encode()
    columns = ["photo=assets[0].asset_id", "headline=hook_text"]
    taken = send(client, batch, body, CSV, map=columns)
    assert (taken["accepted"], taken["rejected"]) == (1, 1)
    assert "asset_nobody" in rejected(client, batch)[0]["reason"]


@pytest.mark.parametrize(
    ("body", "query", "word"),
    [
        (b"custom_id,x\n1,2\n", {"map": ["y=sleep_s"]}, "no column 'y'"),
        (b"custom_id,x\n1,2\n", {"map": ["x=sleep"]}, "no parameter"),
        (b"x,x\n1,2\n", {}, "two columns"),
        (b"\xff\xfe\n1,2\n", {}, "UTF-8"),
        (b"custom_id,x\n1,2\n", {"map": ["x"]}, "column=param"),
        (b"custom_id,x\n1,2\n", {"kind": "none"}, "no kind"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused_as_a_whole(
    client: httpx.Client, body: bytes, query: dict[str, Any], word: str
) -> None:
    batch = made(client, kind="probe")
    answer = client.post(f"{BATCHES}/{batch}/rows", content=body, headers=CSV, params=query)
    assert (answer.status_code, word in answer.text) == (400, True), answer.text
    assert show(client, batch)["counts"]["rejected"] == 0


def test_an_endless_line_is_one_rejected_row(client: httpx.Client) -> None:
    batch = made(client, kind="probe")
    body = b'{"custom_id": "' + b"x" * 3_000_000 + b'"}\n' + lines({"custom_id": "after"})
    taken = send(client, batch, body, JSONL)
    assert (taken["accepted"], taken["rejected"]) == (1, 1)
    assert rejected(client, batch)[0]["reason"] == "The row is too long."


def test_an_upload_that_breaks_off_goes_on_without_doubles(client: httpx.Client, api: Api) -> None:
    batch = made(client, kind="probe", defaults={"price_mc": 0})
    body = lines(*({"custom_id": f"r{number}"} for number in range(1000)))
    place = urlsplit(api.url)
    assert place.hostname is not None and place.port is not None
    with socket.create_connection((place.hostname, place.port)) as line:
        head = (
            f"POST {BATCHES}/{batch}/rows HTTP/1.1\r\nHost: farm\r\nContent-Type: application/jsonl\r\n"
            f"Authorization: {client.headers['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        line.sendall(head.encode() + body[: len(body) * 2 // 3])
        # gone in the middle of a row, once the farm has begun to take them
        while not show(client, batch)["counts"]["total"]:
            pass
    taken = send(client, batch, body, JSONL)
    assert taken["known"] >= 200
    assert taken["accepted"] + taken["known"] == 1000
    with api.hall.store.read() as connection:
        account = select(accounts.c.id).where(accounts.c.name == f"{api.account}-owner").scalar_subquery()
        assert connection.scalar(select(func.count()).where(jobs.c.account_id == account)) == 1000


def test_credits_that_end_are_said_with_their_row_and_a_top_up_goes_on(api: Api) -> None:
    account = ensure_account(api.hall, api.account + "-metered", "local", balance_mc=300_500)
    body = lines(*({"custom_id": f"r{number}"} for number in range(500)))
    with api.client(api.new_key(account.name, tier="local")) as client:
        batch = made(client, kind="probe", defaults={"price_mc": 1_000})
        answer = client.post(f"{BATCHES}/{batch}/rows", content=body, headers=JSONL)
        said = answer.json()
        assert (answer.status_code, said["code"]) == (402, "insufficient_credits")
        assert (said["accepted"], said["stopped_at"]["line"]) == (300, 301)
        assert said["stopped_at"]["custom_id"] == "r300"
        assert show(client, batch)["credits_held"] == 300.0
        top_up(api.hall, account.public_id, 1_000_000)
        taken = send(client, batch, body, JSONL)
        assert (taken["accepted"], taken["known"]) == (200, 300)


def test_a_whole_chain_is_one_call(client: httpx.Client) -> None:
    chain = [
        {"custom_id": "big", "params": {"inputs": [{"$artifact": "clean.bytes"}]}},
        {"custom_id": "clean", "params": {"write_bytes": 10}},
        {"custom_id": "end", "needs": ["big", "clean"]},
    ]
    answer = client.post(BATCHES, json={"kind": "probe", "jobs": chain})
    assert answer.status_code == 201, answer.text
    batch = answer.json()
    assert (batch["state"], batch["counts"]["total"]) == ("closed", 3)
    assert names(client, batch["id"]) == ["clean", "big", "end"]
    found = {
        job["custom_id"]: job["id"] for job in client.get(f"{BATCHES}/{batch['id']}/jobs").json()["data"]
    }
    why = client.get(f"/farm/v1/jobs/{found['end']}/why").json()["data"]
    assert why == ["probe: needs clean, big of its batch first."]


def test_a_row_that_reads_anothers_file_is_retried_in_its_place(
    client: httpx.Client, api: Api, tmp_path: Any
) -> None:
    chain = [
        {"custom_id": "clean", "params": {"write_bytes": 10}},
        {"custom_id": "big", "params": {"inputs": [{"$artifact": "clean.bytes"}]}},
    ]
    batch = client.post(BATCHES, json={"kind": "probe", "jobs": chain}).json()
    found = {job["custom_id"]: job["id"] for job in jobs_of(client, batch["id"])}
    api.finish_job(found["big"], b"", tmp_path / "x", state="failed")
    again = client.post(f"/farm/v1/jobs/{found['big']}/retry")
    assert again.status_code == 202, again.text
    assert (again.json()["custom_id"], again.json()["state"]) == ("big", "queued")
    assert [job["id"] for job in jobs_of(client, batch["id"])] == [found["clean"], again.json()["id"]]
    counts = show(client, batch["id"])["counts"]
    assert (counts["total"], counts["queued"], counts["failed"]) == (2, 2, 0)
    late = client.post(f"/farm/v1/jobs/{found['big']}/retry")
    assert (late.status_code, late.json()["code"]) == (409, "row_retried")


def test_a_row_may_be_told_of_and_tried_again_by_itself(client: httpx.Client) -> None:
    told = {"custom_id": "a", "webhook_url": "https://93.184.216.34/hook", "webhook_auto_retry": True}
    inside = {"custom_id": "b", "webhook_url": "http://10.0.0.1/"}
    answer = client.post(BATCHES, json={"kind": "probe", "jobs": [told]})
    (job,) = jobs_of(client, answer.json()["id"])
    assert (job["webhook_url"], job["webhook_auto_retry"]) == (told["webhook_url"], True)
    refused = client.post(BATCHES, json={"kind": "probe", "jobs": [told, inside]}).json()
    assert (refused["code"], refused["error"]["param"]) == ("url_refused", "jobs[1].webhook_url")


def jobs_of(client: httpx.Client, batch_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{BATCHES}/{batch_id}/jobs").json()["data"]
    return found


def test_a_render_takes_another_rows_file_for_an_asset(client: httpx.Client, api: Api) -> None:
    picture = {"asset_id": {"$artifact": "clean.image"}, "file_name": "a.png", "media_kind": "image"}
    tune = {"asset_id": {"$artifact": "clean.tune"}, "file_name": "a.wav", "media_kind": "audio"}
    film = {"assets": [picture, tune], "bgm_asset_id": {"$artifact": "clean.tune"}}
    rows = [
        {"custom_id": "clean", "kind": "probe", "params": {"write_bytes": 10}},
        {"custom_id": "film", "params": film},
    ]
    answer = client.post(BATCHES, json={"kind": "media-render", "jobs": rows})
    assert answer.status_code == 201, answer.text
    job = client.get(f"{BATCHES}/{answer.json()['id']}/jobs").json()["data"][1]
    with api.hall.store.read() as connection:
        query = select(tasks.c.inputs).join(jobs, jobs.c.seq == tasks.c.job_seq).where(jobs.c.id == job["id"])
        assert set(connection.execute(query).scalar_one()) == {"clean.image", "clean.tune"}


@pytest.mark.parametrize(
    ("row", "param"),
    [
        ({"custom_id": "b", "needs": ["nobody"]}, "jobs[1].needs"),
        ({"custom_id": "a"}, "jobs[1].custom_id"),
        ({"custom_id": "b", "needs": ["b"]}, "jobs[1].needs"),
        ({"custom_id": "b", "params": {"inputs": [{"$artifact": "bytes"}]}}, "jobs[1].params.inputs[0]"),
        ({"custom_id": "b", "params": {"inputs": ["a.bytes"]}}, "jobs[1].needs"),
        ({"custom_id": "b", "params": {"sleep_s": "x"}}, "jobs[1].params.sleep_s"),
        ({"custom_id": ""}, "jobs[1].custom_id"),
    ],
)
def test_a_wrong_row_in_a_call_is_named_and_makes_nothing(
    client: httpx.Client, row: dict[str, Any], param: str
) -> None:
    answer = client.post(BATCHES, json={"kind": "probe", "jobs": [{"custom_id": "a"}, row]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert client.get(BATCHES).json()["data"] == []


def test_a_circle_is_refused(client: httpx.Client) -> None:
    rows = [{"custom_id": "a", "needs": ["b"]}, {"custom_id": "b", "needs": ["a"]}]
    answer = client.post(BATCHES, json={"kind": "probe", "jobs": rows})
    assert (answer.status_code, "circle" in answer.text) == (400, True)


def test_one_batch_per_idempotency_key(client: httpx.Client) -> None:
    headers = {"Idempotency-Key": "k1"}
    body = {"kind": "probe", "jobs": [{"custom_id": "a"}]}
    answers = [client.post(BATCHES, json=body, headers=headers).json()["id"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(client.get(BATCHES).json()["data"]) == 1


def test_a_batch_is_steered_and_says_so(client: httpx.Client) -> None:
    batch = made(client, kind="probe", max_running=3)
    send(client, batch, lines({"custom_id": "a"}), JSONL)
    assert client.post(f"{BATCHES}/{batch}/pause").json()["paused"]
    assert not client.post(f"{BATCHES}/{batch}/resume").json()["paused"]
    assert client.patch(f"{BATCHES}/{batch}", json={"max_running": None}).json()["max_running"] is None
    assert client.post(f"{BATCHES}/{batch}/close").json()["state"] == "closed"
    late = client.post(f"{BATCHES}/{batch}/rows", content=lines({"custom_id": "b"}), headers=JSONL)
    assert (late.status_code, late.json()["code"]) == (409, "batch_closed")
    assert client.post(f"{BATCHES}/{batch}/retry-failed").json()["retried"] == 0
    assert client.post(f"{BATCHES}/{batch}/cancel").status_code == 202
    assert client.post(f"{BATCHES}/{batch}/pause").json()["code"] == "batch_ended"


def test_results_are_a_row_a_line_with_urls(client: httpx.Client, api: Api, tmp_path: Any) -> None:
    batch = made(client, kind="probe", defaults={"write_bytes": 3})
    send(client, batch, lines({"custom_id": "a"}, {"custom_id": "b"}, {"custom_id": "c,d"}), JSONL)
    found = client.get(f"{BATCHES}/{batch}/jobs").json()["data"]
    with api.hall.store.write() as connection:  # the helper that plays the worker names files by this param
        connection.execute(jobs.update().values(params={"output_file_name": "out.mp4"}))
    api.finish_job(found[0]["id"], b"film", tmp_path / "film", result={"frames": 3}, ended_at=1.0)
    api.finish_job(
        found[1]["id"], b"", tmp_path / "none", state="failed", ended_at=1.0,
        failure_class="crash", error_code="crash", error_message="It died, sadly.",
    )  # fmt: skip
    answer = client.get(f"{BATCHES}/{batch}/results")
    assert answer.headers["content-type"] == "application/jsonl"
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [(row["custom_id"], row["state"]) for row in rows] == [
        ("a", "completed"),
        ("b", "failed"),
        ("c,d", "queued"),
    ]
    assert (rows[0]["result"], rows[1]["error"]["code"]) == ({"frames": 3}, "crash")
    assert httpx.get(rows[0]["artifacts"][0]["url"]).content == b"film"

    text = client.get(f"{BATCHES}/{batch}/results", params={"format": "csv"}).text
    cells = list(csv.DictReader(io.StringIO(text)))
    assert [row["custom_id"] for row in cells] == ["a", "b", "c,d"]
    assert httpx.get(cells[0]["url"]).content == b"film"
    assert cells[1]["error"] == "It died, sadly."
    refused = client.get(f"{BATCHES}/{batch}/rejected", params={"format": "csv"}).text
    assert refused == "line,custom_id,field,code,reason\r\n"


def test_another_accounts_batch_is_not_there(client: httpx.Client, api: Api) -> None:
    batch = made(client, kind="probe")
    with api.client(api.new_key(api.account + "-eve")) as eve:
        for path in ("", "/jobs", "/rejected", "/results"):
            assert eve.get(f"{BATCHES}/{batch}{path}").status_code == 404
        for path in ("/close", "/cancel", "/pause", "/resume", "/retry-failed"):
            assert eve.post(f"{BATCHES}/{batch}{path}").status_code == 404
        rows = eve.post(f"{BATCHES}/{batch}/rows", content=lines({}), headers=JSONL)
        assert rows.status_code == 404
        assert eve.get(BATCHES).json()["data"] == []


def test_pages_go_on_where_the_last_ended(client: httpx.Client) -> None:
    batch = made(client, kind="probe")
    send(client, batch, lines(*({"custom_id": f"r{n}"} for n in range(5))), JSONL)
    first = client.get(f"{BATCHES}/{batch}/jobs", params={"limit": 3}).json()
    rest = client.get(f"{BATCHES}/{batch}/jobs", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [job["custom_id"] for job in first["data"] + rest["data"]] == [f"r{n}" for n in range(5)]
    assert rest["next_cursor"] is None


def test_rows_of_another_type_are_refused(client: httpx.Client) -> None:
    batch = made(client, kind="probe")
    for headers in ({"Content-Type": "application/json"}, {}, {**JSONL, "Content-Encoding": "gzip"}):
        assert client.post(f"{BATCHES}/{batch}/rows", content=b"x", headers=headers).status_code == 400
