"""Videos by the generations surface on a real farm: submitted, polled, told of, downloaded and looked at."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from farm.rules.running import OutboundRules
from schedulers.webhooks.deliverer import delivering
from tests.api import POLL_S, png
from tests.live_farm import LiveFarm, live_farm
from tests.media import real_photo
from tests.receiver import Receiver, answer, receiving

pytestmark = pytest.mark.slow

PATIENCE_S = 120.0
SMALL: dict[str, Any] = {"duration": 3, "resolution": "480p"}
SQUARE = {**SMALL, "aspect_ratio": "1:1"}  # little more than half of the pixels
Frames = list[NDArray[np.uint8]]


@dataclass(frozen=True)
class Customer:
    """Calls the farm as its document says, and serves pictures to it."""

    client: httpx.Client
    farm: LiveFarm
    own: Receiver
    other: Receiver
    folder: Path

    def makes(self, path: str = "/v1/video/generations", **body: Any) -> dict[str, Any]:
        made = self.client.post(path, json=body)
        assert made.status_code == 202, made.text
        told: dict[str, Any] = made.json()
        return told

    def polls(self, path: str) -> dict[str, Any]:
        """Ask until nothing of it is under way, as often as a key may."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            told: dict[str, Any] = self.client.get(path).json()
            words = {job["status"] for job in told.get("jobs", [told])}
            if not {"pending", "processing"} & words:
                return told
            assert time.monotonic() < deadline, told
            time.sleep(POLL_S)

    def frames(self, told: dict[str, Any], name: str) -> Frames:
        path = self.folder / f"{name}.mp4"
        path.write_bytes(httpx.get(told["output_url"]).content)
        with av.open(str(path)) as container:
            decoded = container.decode(video=0)
            return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in decoded]

    def heard(self) -> list[dict[str, Any]]:
        """The bodies that came to the webhook URL."""
        return [json.loads(one.body) for one in self.own.heard if one.method == "POST"]


@pytest.fixture(scope="module")
def customer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    folder = tmp_path_factory.mktemp("films")
    with receiving() as own, receiving() as other:
        rules = OutboundRules(allow_hosts=tuple(f"127.0.0.1:{one.port}" for one in (own, other)))
        with live_farm(folder, rules) as farm, delivering(farm.settings, farm.hall):
            farm.farm.worker("g1", pool="gpu-generate")
            with farm.client("ada", balance_mc=100_000) as client:
                yield Customer(client, farm, own, other, folder)


def test_c095_to_c098_a_video_is_submitted_polled_and_downloaded(customer: Customer) -> None:
    made = customer.makes(prompt="A lighthouse at sunset, zoom in", seed=5, **SQUARE)
    assert (made["model"], made["model_actual"], made["credits"]) == ("auto", "animatic", 0)
    path = f"/v1/video/generations/{made['id']}"
    customer.farm.farm.running(made["id"])
    assert customer.client.get(path).json()["status"] == "processing"  # C-097
    told = customer.polls(path)
    assert told["status"] == "completed"  # C-098
    assert told["completed_at"] >= told["created_at"]
    frames = customer.frames(told, "text")
    assert (len(frames), frames[0].shape) == (72, (480, 480, 3))
    assert told["debug"]["provider_actual"] == "animatic"


def test_c131_a_batch_with_one_that_fails_is_told_of_once_with_right_counts(customer: Customer) -> None:
    photo = real_photo("coffee")
    broken = png(64, 64)[:60]  # its head is a picture's, the rest is missing
    customer.own.script = [answer(200, photo.read_bytes())]
    customer.other.script = [answer(200, broken)]
    prompts = [
        {"prompt": "pan right", "image_url": f"http://127.0.0.1:{customer.own.port}/coffee.png"},
        {"prompt": "pan right", "image_url": f"http://127.0.0.1:{customer.other.port}/broken.png"},
    ]
    made = customer.makes(
        "/v1/video/generations/batch", prompts=prompts, webhook_url=customer.own.url, **SMALL
    )
    told = customer.polls(f"/v1/video/generations/batch/{made['batch_id']}")
    assert [job["status"] for job in told["jobs"]] == ["completed", "failed"]
    assert (told["completed"], told["failed"], told["pending"], told["processing"]) == (1, 1, 0, 0)
    assert "broken.png" in told["jobs"][1]["error_message"]  # C-142

    first = customer.frames(told["jobs"][0], "picture")[0]
    with Image.open(photo) as image:
        height, width = first.shape[:2]
        assert abs(width / height - image.width / image.height) < 0.01  # C-091: its shape
        scaled = np.asarray(image.convert("RGB").resize((width, height)))
    middle = slice(height // 4, height * 3 // 4)
    assert np.median(np.abs(first[middle].astype(int) - scaled[middle])) <= 10  # C-092: it begins with it

    deadline = time.monotonic() + PATIENCE_S
    while not customer.heard():
        assert time.monotonic() < deadline, "the webhook came"
        time.sleep(0.05)
    (body,) = customer.heard()
    assert (body["batch_id"], body["completed"], body["failed"]) == (made["batch_id"], 1, 1)
    assert [job["id"] for job in body["jobs"]] == [job["id"] for job in made["jobs"]]


def test_c066_c067_c075_three_prompts_become_one_film_without_a_jolt(customer: Customer) -> None:
    made = customer.makes(
        prompt="Camera pans right over a dense neon-lit city at night",
        multi_shot_prompts=[
            "A cyborg detective on a rooftop at night, neon",
            "The camera pulls back to reveal the skyline",
        ],
        transitions=["crossfade", "continuous motion"],
        seed=11,
        **SQUARE,
    )
    told = customer.polls(f"/v1/video/generations/{made['id']}")
    assert told["status"] == "completed", told["error"]
    assert told["credits"] == 0 and told["model_actual"] == "animatic"
    frames = customer.frames(told, "shots")
    assert (len(frames), frames[0].shape) == (72, (480, 480, 3))
    steps = [changed(one, other) for one, other in pairwise(frames)]
    usual = float(np.median(steps))
    assert max(steps) <= max(8 * usual, 12.0), "no frame is a jolt"
    assert steps[47] <= 3 * usual + 2, "the last shot goes on from the frame that the one before ended with"


def changed(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """How much two frames differ, in levels of 255."""
    return float(np.abs(one.astype(np.int16) - other).mean())
