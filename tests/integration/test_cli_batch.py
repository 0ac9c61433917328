"""`farm batch` against a farm of real processes: a catalog in, its end watched, its results out."""

import csv
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.command import farm as command
from tests.running import RunningFarm, embedded_farm, eventually

pytestmark = pytest.mark.slow

ROWS = 5_000
API_MB = 60  # what an upload may add to the API's memory


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFarm]:
    """A farm of its own, for its API's memory is looked at."""
    with embedded_farm(tmp_path_factory.mktemp("shop"), fast=True, pools=("cpu-render",)) as farm:
        yield farm


def batch(shop: RunningFarm, home: Path, *words: str, code: int = 0) -> str:
    """Run `farm batch …` against the shop. Returns stdout."""
    done = command(home, "batch", *words, FARM_URL=shop.url, FARM_API_KEY=shop.key)
    assert done.returncode == code, done.stderr
    return done.stdout


def batch_json(shop: RunningFarm, home: Path, *words: str) -> Any:
    return json.loads(batch(shop, home, *words, "--json"))


def rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def test_a_catalog_is_submitted_watched_and_fetched(shop: RunningFarm, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.csv"
    catalog.write_text(
        "sku,bytes,mood,colour\nA-1,10,,red\nA-2,20,,red\nA-3,x,,red\nA-4,30,policy,red\n", newline=""
    )
    columns = [f"--map={pair}" for pair in ("sku=custom_id", "bytes=write_bytes", "mood=fail_class")]
    words = ["submit", str(catalog), "--kind", "probe", *columns, "--name", "spring", "--watch"]
    batch_id = batch(shop, tmp_path, *words, code=1).splitlines()[-1]
    shown = batch_json(shop, tmp_path, "show", batch_id)
    assert (shown["state"], shown["partial_failure"], shown["name"]) == ("completed", True, "spring")
    assert {name: shown["counts"][name] for name in ("completed", "failed", "rejected")} == {
        "completed": 2,
        "failed": 1,
        "rejected": 1,
    }
    assert next(iter(batch_json(shop, tmp_path, "ls")))["id"] == batch_id

    out = tmp_path / "results.csv"
    batch(shop, tmp_path, "results", batch_id, "--format", "csv", "-o", str(out))
    rows = {row["custom_id"]: row for row in csv.DictReader(out.read_text().splitlines())}
    assert [rows[name]["state"] for name in ("A-1", "A-2", "A-4")] == ["completed", "completed", "failed"]
    assert len(httpx.get(rows["A-2"]["url"]).content) == 20
    refused = json.loads(batch(shop, tmp_path, "results", batch_id, "--rejected"))
    assert (refused["line"], refused["custom_id"], refused["field"]) == (4, "A-3", "bytes")


def test_what_is_refused_as_a_whole_leaves_no_batch_that_waits(shop: RunningFarm, tmp_path: Path) -> None:
    """Neither a slip in an option nor a file without one good row looks like a success."""
    catalog = tmp_path / "catalog.csv"
    catalog.write_text("sku,bytes\nB-1,x\n")
    submit = ("submit", str(catalog), "--kind", "probe", "--map")
    batch(shop, tmp_path, *submit, "so=needs", code=1)
    assert next(iter(batch_json(shop, tmp_path, "ls")))["state"] == "cancelled"
    made = batch(shop, tmp_path, *submit, "sku=custom_id", "--map", "bytes=write_bytes", code=1).strip()
    refused = json.loads(batch(shop, tmp_path, "results", made, "--rejected"))
    assert (refused["custom_id"], refused["field"]) == ("B-1", "bytes")


def test_who_watches_hears_at_last_how_it_ended(shop: RunningFarm, tmp_path: Path) -> None:
    reached = {"FARM_URL": shop.url, "FARM_API_KEY": shop.key}
    done = command(tmp_path, "submit", "probe", "--watch", **reached)
    assert done.returncode == 0
    assert done.stdout.startswith("job_") and done.stdout.strip() not in done.stderr
    assert done.stderr.splitlines()[-2] == "probe 100% completed"
    assert done.stderr.splitlines()[-1].startswith("completed in ")
    done = command(tmp_path, "submit", "probe", "--params", '{"fail_class": "policy"}', "--watch", **reached)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: failed: probe: ")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"custom_id": "a"}\n{"custom_id": "b", "params": {"fail_class": "policy"}}\n{"x": 1}\n')
    done = command(tmp_path, "batch", "submit", str(rows), "--kind", "probe", "--watch", **reached)
    assert done.returncode == 1
    *_, ending, reason = done.stderr.splitlines()
    assert ending == "completed: 1 of 3 rows completed, 1 failed, 1 rejected"
    assert reason.startswith("b: probe: ")


def test_a_chain_runs_in_order_and_hands_on_its_files(shop: RunningFarm, tmp_path: Path) -> None:
    chain = tmp_path / "chain.jsonl"
    rows = [
        {"custom_id": "clean", "params": {"write_bytes": 123}},
        {"custom_id": "big", "params": {"inputs": [{"$artifact": "clean.bytes"}], "write_bytes": 5}},
        {"custom_id": "end", "params": {"inputs": [{"$artifact": "big.bytes"}]}, "needs": ["clean"]},
    ]
    chain.write_text("".join(json.dumps(row) + "\n" for row in rows))
    batch_id = batch(shop, tmp_path, "submit", str(chain), "--kind", "probe", "--watch").strip()
    found = {
        row["custom_id"]: row
        for row in map(json.loads, batch(shop, tmp_path, "results", batch_id).splitlines())
    }
    assert found["big"]["result"]["probe"]["inputs"] == {"clean.bytes": 123}
    assert found["end"]["result"]["probe"]["inputs"] == {"big.bytes": 5}


def test_thousands_of_rows_in_the_memory_of_a_few(shop: RunningFarm, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.csv"
    with catalog.open("w") as file:
        file.write("custom_id,echo\n")
        file.writelines(f"SKU-{number:05d},{'x' * 1000}\n" for number in range(ROWS))
    (api,) = shop.processes(r"farm\.cli\.main api|farm api| api ")
    made = shop.call("POST", "/farm/v1/batches", json={"kind": "probe", "defaults": {"sleep_s": 60}}).json()
    shop.call("POST", f"/farm/v1/batches/{made['id']}/pause")
    before = rss_mb(api)
    _break_off(shop, made["id"], catalog.read_bytes())
    told = batch(shop, tmp_path, "submit", str(catalog), "--batch", made["id"], "--json")
    taken = json.loads(told)
    assert taken["known"] > 0
    assert taken["accepted"] + taken["known"] == ROWS
    assert rss_mb(api) - before < API_MB

    batch(shop, tmp_path, "resume", made["id"])
    eventually(lambda: shop.call("GET", f"/farm/v1/batches/{made['id']}").json()["counts"]["running"], "runs")
    batch(shop, tmp_path, "cancel", made["id"])
    ended = eventually(
        lambda: (seen := shop.call("GET", f"/farm/v1/batches/{made['id']}").json())["ended_at"] and seen,
        "the batch is cancelled",
        pause_s=0.5,
    )
    assert (ended["state"], ended["counts"]["cancelled"]) == ("cancelled", ROWS)


def _break_off(shop: RunningFarm, batch_id: str, body: bytes) -> None:
    """Send half of the rows, and go away in the middle of one."""
    place = urlsplit(shop.url)
    assert place.hostname is not None and place.port is not None
    with socket.create_connection((place.hostname, place.port)) as line:
        head = (
            f"POST /farm/v1/batches/{batch_id}/rows HTTP/1.1\r\nHost: farm\r\nContent-Type: text/csv\r\n"
            f"Authorization: Bearer {shop.key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        line.sendall(head.encode() + body[: len(body) // 2])
        eventually(
            lambda: shop.call("GET", f"/farm/v1/batches/{batch_id}").json()["counts"]["total"],
            "the farm has begun to take them",
            pause_s=0.2,
        )
