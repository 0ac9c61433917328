"""Generation end to end: the native API, the scheduler, a real gpu-generate worker, and the files."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image

from farm.api.app import create_app
from farm.broker.valkey import EmbeddedValkey
from farm.doors.accounts import create_key, ensure_account
from tests.api import serving
from tests.media import real_photo
from tests.worker_farm import WorkerFarm

pytestmark = pytest.mark.slow

PATIENCE_S = 90.0
SMALL = {"width": 320, "height": 192, "frames": 12}


@dataclass
class Customer:
    """Calls the farm as its customers do."""

    client: httpx.Client
    farm: WorkerFarm

    def asks(self, kind: str, **params: Any) -> httpx.Response:
        return self.client.post("/farm/v1/jobs", json={"kind": kind, "params": params})

    def gets(self, kind: str, **params: Any) -> dict[str, Any]:
        """Submit and wait for the end."""
        made = self.asks(kind, **params)
        assert made.status_code == 202, made.text
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self.client.get(f"/farm/v1/jobs/{made.json()['id']}", params={"wait": 10})
            job: dict[str, Any] = answer.json()
            if job["ended_at"] is not None:
                return job
            assert time.monotonic() < deadline, job

    def downloads(self, job: dict[str, Any], name: str, into: Path) -> Path:
        given = self.client.get(f"/farm/v1/jobs/{job['id']}/artifacts/{name}").json()
        path = into / given["file_name"]
        path.write_bytes(httpx.get(given["download_url"]).content)
        return path


@pytest.fixture(scope="module")
def customer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    folder = tmp_path_factory.mktemp("generation")
    valkey = EmbeddedValkey(folder / "valkey")
    valkey.start()
    try:
        with WorkerFarm(folder, valkey.url) as farm, serving(create_app(farm.settings, farm.hall)) as url:
            farm.worker(pool="gpu-generate")
            account = ensure_account(farm.hall, "ada", "enterprise", balance_mc=100_000)
            key = create_key(farm.hall, account).text
            headers = {"Authorization": f"Bearer {key}"}
            with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
                yield Customer(client, farm)
    finally:
        valkey.stop()


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_x43_auto_draws_an_animatic_for_nothing_and_says_so(customer: Customer, tmp_path: Path) -> None:
    job = customer.gets("generate-video", prompt="A fox at sunset, zoom in", seed=5, **SMALL)
    assert job["state"] == "completed", job["failure"]
    assert job["credits_charged"] == 0
    (task,) = customer.farm.attempts(job["id"])
    assert (task.provider, task.model) == ("animatic", "animatic")
    said = job["result"]["generate"]
    assert (said["model"], said["seed"], said["frames"], said["normalized"]) == ("animatic", 5, 12, [])
    frames = decoded(customer.downloads(job, "video", tmp_path))
    assert len(frames) == 12 and frames[0].shape == (192, 320, 3)
    again = customer.gets("generate-video", prompt="A fox at sunset, zoom in", seed=5, **SMALL)
    (tmp_path / "again").mkdir()
    repeated = customer.downloads(again, "video", tmp_path / "again")
    assert repeated.read_bytes() == (tmp_path / "video.mp4").read_bytes()


def test_c059_a_picture_becomes_the_first_frame(customer: Customer, tmp_path: Path) -> None:
    photo = real_photo("coffee").read_bytes()
    owner = ensure_account(customer.farm.hall, "ada", "enterprise")
    asset = customer.farm.asset(photo, file_name="coffee.png", account_id=owner.id)
    job = customer.gets("generate-video", prompt="pan right", image=asset, **SMALL)
    assert job["state"] == "completed", job["failure"]
    first = decoded(customer.downloads(job, "video", tmp_path))[0]
    with Image.open(real_photo("coffee")) as image:
        scaled = np.asarray(image.convert("RGB").resize((320, 213)))[10:202]
    assert np.median(np.abs(first[40:130].astype(int) - scaled[40:130])) <= 10


def test_pictures_come_one_by_one_and_sizes_are_brought_to_what_can_be_made(
    customer: Customer, tmp_path: Path
) -> None:
    job = customer.gets("generate-image", prompt="mountains at dawn", count=2, width=321, height=200, seed=1)
    assert job["state"] == "completed", job["failure"]
    change = {"field": "width", "asked": 321, "used": 320}
    assert job["result"]["generate"]["normalized"] == [change]
    pictures = [customer.downloads(job, f"image-{number}", tmp_path) for number in (1, 2)]
    sizes, contents = [], []
    for path in pictures:
        with Image.open(path, formats=("PNG",)) as image:
            sizes.append(image.size)
            contents.append(image.tobytes())
    assert sizes == [(320, 200)] * 2 and contents[0] != contents[1]


def test_c166_c172_a_chart_is_drawn_for_fifteen_credits(customer: Customer, tmp_path: Path) -> None:
    chart = {"type": "line", "labels": ["Q1", "Q2"], "datasets": [{"label": "Revenue", "data": [1.2, 3.1]}]}
    job = customer.gets("generate-chart", chart=chart, length_s=1, width=640, height=360, title="Growth")
    assert job["state"] == "completed", job["failure"]
    assert job["credits_charged"] == 15
    assert len(decoded(customer.downloads(job, "video", tmp_path))) == 30


def test_what_is_no_picture_is_the_callers_fault_and_costs_nothing(customer: Customer) -> None:
    owner = ensure_account(customer.farm.hall, "ada", "enterprise")
    asset = customer.farm.asset(b"no picture at all", file_name="coffee.png", account_id=owner.id)
    job = customer.gets("generate-video", prompt="pan right", image=asset, **SMALL)
    assert job["state"] == "failed"
    assert job["failure"]["code"] == "asset_unreadable"
    assert len(customer.farm.attempts(job["id"])) == 1


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"model": "kling-o3-pro"}, 503, "provider_unavailable"),  # X-43, C-020
        ({"model": "sora-9"}, 400, "invalid_request"),
        ({"frames": 5000}, 403, "tier_limit"),
        ({"width": 9000}, 400, "invalid_request"),
        ({"prompt": ""}, 400, "invalid_request"),
        ({"last_image": "asset_x"}, 400, "invalid_request"),
    ],
)
def test_what_cannot_be_made_is_refused_at_the_door(
    customer: Customer, params: dict[str, Any], status: int, code: str
) -> None:
    refused = customer.asks("generate-video", **{"prompt": "a fox", **params})
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code), refused.text
    if status == 503:
        assert "routes.text-to-video.kling-o3-pro-t2v" in refused.json()["error"]["message"]
        assert refused.headers["Retry-After"]
