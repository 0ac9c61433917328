"""The generations document's own blocks, run as they stand: only host, key, ids and outside URLs are put in.

The blocks lie in `seed_003/`. They meet a farm of real processes whose remote models are answered by the
protocol servers of the tests; the files that they name and the receivers of webhooks are the tests' own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api import POLL_S, png
from tests.generation_farm import GenerationFarm, Told, generation_farm
from tests.llm_service import WORDS
from tests.running import RunningFarm, eventually

pytestmark = pytest.mark.slow

BLOCKS = Path(__file__).parent / "seed_003"
_OUTSIDE = re.compile(r"https://(example\.com|your-[a-z0-9-]+(\.com)?|cdn\.creativeai\.run)")
_KEYS = ("YOUR_API_KEY", "CREATIVEAI_KEY")


class Reader:
    """A customer who copies the document's blocks into a shell, in a folder with the files that they name."""

    def __init__(self, farm: GenerationFarm, folder: Path) -> None:
        self.farm = farm
        self.customer: RunningFarm = farm.customer(balance_mc=1_000_000)
        self.folder = folder
        self.place = f"{farm.outside.url}/{self.customer.key[-8:]}"
        for name in ("product-shot.png", "product.jpg"):
            (folder / name).write_bytes(png(1024, 1024))
        (folder / "hand-mask.png").write_bytes(png(1024, 1024, (255, 255, 255)))

    def text(self, block: str, **put_in: str) -> str:
        """A block with what the document leaves to its reader."""
        text = (BLOCKS / block).read_text().replace("https://api.creativeai.run", self.farm.url)
        for word in _KEYS:
            text = text.replace(word, self.customer.key)
        for open_part, value in put_in.items():
            assert open_part in text
            text = text.replace(open_part, value)
        return _OUTSIDE.sub(self.place, text)

    def curl(self, block: str, part: slice = slice(None), **put_in: str) -> list[Any]:
        """Run a block, or some of its calls; the answers in order."""
        calls = re.split(r"^(?=curl )", self.text(block, **put_in), flags=re.MULTILINE)[1:]
        return [json.loads(self.run([tool("bash"), "-euo", "pipefail", "-c", call])) for call in calls[part]]

    def run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=dict(os.environ), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, path: str) -> dict[str, Any]:
        answer = self.customer.call("GET", path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, path: str, word: str = "completed") -> dict[str, Any]:
        """What a status route says once it is over."""
        over = {"completed", "failed"}
        found = eventually(
            lambda: (said := self.get(path))["status"].lower() in over and said,
            f"{path} is over",
            pause_s=POLL_S,
        )
        assert found["status"].lower() == word, json.dumps(found)
        return dict(found)

    def told(self, event: str) -> Told:
        """The one webhook of that event which came to this reader."""

        def look() -> Told | None:
            return next((one for one in self.heard if one.headers["x-creativeai-event"] == event), None)

        found: Told = eventually(look, f"{event} was told")
        return found

    @property
    def heard(self) -> list[Told]:
        """All webhooks that came to this reader."""
        return [one for one in self.farm.outside.told if one.path.startswith(f"/{self.customer.key[-8:]}/")]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: tests/install-tools.sh")
    return found


@pytest.fixture(scope="module")
def generating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenerationFarm]:
    """One farm for all tests here."""
    with generation_farm(
        tmp_path_factory.mktemp("generating"), pools=("cpu-render", "gpu-generate")
    ) as running:
        yield running


@pytest.fixture
def reader(generating: GenerationFarm, tmp_path: Path) -> Iterator[Reader]:
    tool("curl")
    before = [*generating.pictures.broken, *generating.films.broken]
    yield Reader(generating, tmp_path)
    assert [
        *generating.pictures.broken,
        *generating.films.broken,
    ] == before  # as the services' schemas have it


def fetched(url: str) -> bytes:
    return httpx.get(url, timeout=30).raise_for_status().content


def test_c027_to_c037_the_quick_start(reader: Reader):
    (made,) = reader.curl("image.sh")
    assert set(made) >= {"created", "data"}
    (picture,) = made["data"]
    assert picture["revised_prompt"] and fetched(picture["url"]).startswith(b"\x89PNG")


def test_c032_a_transparent_png(reader: Reader):
    (made,) = reader.curl("transparent.sh")
    assert "data" in made, made
    content = fetched(made["data"][0]["url"])
    assert content.startswith(b"\x89PNG") and content[25] == 6  # with an alpha channel


def test_c034_three_characters_in_a_wide_picture(reader: Reader):
    body = json.loads(reader.text("characters.json"))
    made = reader.customer.call("POST", "/v1/images/generations", json=body)
    assert made.status_code == 200, made.text
    assert fetched(made.json()["data"][0]["url"]).startswith(b"\x89PNG")
    (order,) = [one.order for one in reader.farm.pictures.sold if "fantasy heroes" in one.order["prompt"]]
    assert (order["size"], "low-angle" in order["prompt"]) == ("1792x1024", True)


def test_c043_to_c055_advanced_editing(reader: Reader):
    (made,) = reader.curl("edit.sh")
    assert fetched(made["data"][0]["url"]).startswith(b"\x89PNG")


def test_c056_to_c117_a_video_is_submitted_and_polled(reader: Reader):
    (made,) = reader.curl("video.sh", slice(0, 1))
    assert made["object"] == "video.generation" and made["status"] in ("processing", "pending")
    assert (made["model"], made["output_url"]) == ("auto", None)
    (polled,) = reader.curl("video.sh", slice(1, 2), abc123=made["id"])
    assert polled["id"] == made["id"] and polled["model"] == "auto"
    done = reader.ended(f"/v1/video/generations/{made['id']}")
    assert fetched(done["output_url"])[4:8] == b"ftyp"
    told = reader.told("video.generation.completed")
    assert told.said["id"] == told.headers["x-creativeai-delivery-id"] == made["id"]
    assert verified(reader, told)


def verified(reader: Reader, told: Told) -> bool:
    """What the document's own verification in Node says, with the API key as the secret."""
    node = tool("node")
    (reader.folder / "body").write_bytes(told.body)
    given = json.dumps([told.headers["x-creativeai-signature"], reader.customer.key])
    script = reader.folder / "verify.mjs"
    script.write_text(
        reader.text("verify.mjs")
        + "import { readFileSync } from 'fs';\n"
        + f"const [signature, secret] = {given};\n"
        + "const body = readFileSync('body');\n"
        + "console.log(JSON.stringify([verifyCreativeAiWebhook(body, signature, secret),"
        + " verifyCreativeAiWebhook(body + ' ', signature, secret)]));\n"
    )
    is_right, is_right_if_changed = json.loads(reader.run([node, script.name]))
    assert not is_right_if_changed
    return bool(is_right)


def test_c118_image_to_video(reader: Reader):
    (made,) = reader.curl("image_to_video.sh")
    minimal = reader.customer.call(
        "POST", "/v1/video/generations", json=json.loads(reader.text("image_to_video.json"))
    )
    assert minimal.status_code == 202, minimal.text
    for one in (made, minimal.json()):
        assert one["model_actual"] == "kling-o3-pro-i2v" and one["image_url"].startswith(reader.place)
        assert reader.ended(f"/v1/video/generations/{one['id']}")["output_url"]


def test_n8n_sends_its_one_request(reader: Reader):
    body = reader.text("n8n.json", **{"{{$json.product_image_url}}": f"{reader.place}/mug.jpg"})
    made = reader.customer.call("POST", "/v1/video/generate", json=json.loads(body))
    assert made.status_code == 202, made.text
    assert reader.told("video.generation.completed").said["id"] == made.json()["id"]


def test_c119_to_c143_a_batch_is_submitted_and_polled(reader: Reader):
    (made,) = reader.curl("batch.sh", slice(0, 1))
    assert made["total_jobs"] == 3 and made["batch_id"].startswith("video_batch_")
    (polled,) = reader.curl("batch.sh", slice(1, 2), video_batch_abc123=made["batch_id"])
    assert polled["total_jobs"] == 3
    told = reader.told("video.batch.completed")
    assert (told.said["completed"], told.said["failed"]) == (3, 0)
    assert all(one["output_url"] for one in told.said["jobs"])


def test_c131_of_twenty_one_is_slow_one_fails_and_nobody_else_waits(reader: Reader):
    sold = len(reader.farm.films.sold)
    reader.farm.films.next("never", "policy")
    prompts = [{"prompt": f"The product from side {number}"} for number in range(20)]
    order = {"model": "kling-v3", "duration": 5, "prompts": prompts, "webhook_url": f"{reader.place}/batch"}
    made = reader.customer.call("POST", "/v1/video/generations/batch", json=order).json()
    path = f"/v1/video/generations/batch/{made['batch_id']}"
    words = ("completed", "failed", "processing", "pending")

    def counts() -> list[int]:
        said = reader.get(path)
        return [said[word] for word in words]

    eventually(lambda: counts() == [18, 1, 1, 0], "all but the slow one are over", pause_s=0.5)
    assert not reader.heard
    reader.farm.films.release()
    eventually(lambda: counts() == [19, 1, 0, 0], "the slow one is done too", pause_s=0.5)
    reader.told("video.batch.completed")
    (told,) = [one.said for one in reader.heard]  # and of no video by itself
    assert (told["completed"], told["failed"], told["total_jobs"]) == (19, 1, 20)
    seen = {(job["id"], job["status"]) for job in told["jobs"]}
    assert len(seen) == 20 and {one for one, _ in seen} == {job["id"] for job in made["jobs"]}
    # What was refused is not asked again, what was bought is not bought again.
    assert len(reader.farm.films.sold) - sold == 19
    assert reader.get("/farm/v1/credits")["balance"] == 1000 - 19 * 30


def test_multi_shots_in_python(reader: Reader):
    pytest.importorskip("requests")
    script = reader.folder / "multi_shot.py"
    script.write_text(reader.text("multi_shot.py.txt"))
    said = reader.run([sys.executable, script.name])
    assert "'object': 'video.generation'" in said and "'model': 'kling-v3'" in said
    found = re.search(r"'id': '([^']+)'", said)
    assert found is not None
    assert reader.ended(f"/v1/video/generations/{found[1]}")["output_url"]


def test_c144_to_c160_a_voice_is_submitted_and_polled(reader: Reader):
    (made,) = reader.curl("voice.sh", slice(0, 1))
    assert made["status"] in ("PENDING", "PROCESSING")
    (polled,) = reader.curl("voice.sh", slice(1, 2), voice_abc123=made["id"])
    assert (polled["type"], polled["model"]) == ("VOICE", "creative-voice")
    done = reader.ended(f"/api/generate/status/{made['id']}")
    assert done["credits"] == 8 and len(fetched(done["output_url"])) > 1000
    assert reader.told("voice.generation.completed").said["voice"] == "alloy"


def test_the_commerce_workflow(reader: Reader):
    edited, film, voice, composed = reader.curl("commerce.sh")
    assert fetched(edited["data"][0]["url"]).startswith(b"\x89PNG")
    assert reader.ended(f"/v1/video/generations/{film['id']}")["output_url"]
    assert reader.ended(f"/api/generate/status/{voice['id']}")["output_url"]
    done = reader.ended(f"/api/generate/status/{composed['id']}")
    assert done["status"] == "COMPLETED" and done["credits"] == 5
    assert fetched(done["output_url"])[4:8] == b"ftyp"


def test_a_composition_is_submitted_and_polled(reader: Reader):
    (made,) = reader.curl("compose.sh", slice(0, 1))
    (polled,) = reader.curl("compose.sh", slice(1, 2), comp_xyz789=made["id"])
    assert polled["id"] == made["id"]
    assert reader.ended(f"/api/generate/status/{made['id']}")["output_url"]


def test_charts_become_films(reader: Reader):
    picture, data = reader.curl("chart.sh", slice(0, 2))
    (polled,) = reader.curl("chart.sh", slice(2, 3), chart_xyz123=data["id"])
    assert polled["id"] == data["id"]
    for made in (picture, data):
        done = reader.ended(f"/api/generate/status/{made['id']}")
        assert done["credits"] == 15 and fetched(done["output_url"])[4:8] == b"ftyp"


def test_c194_c196_the_migration_from_gemini(reader: Reader):
    script = reader.folder / "migrate.py"
    told = "\nprint(response.choices[0].message.content)\n"
    script.write_text("from openai import OpenAI\n" + reader.text("migrate.py.txt") + told)
    assert reader.run([sys.executable, script.name]).strip() == "".join(WORDS)
