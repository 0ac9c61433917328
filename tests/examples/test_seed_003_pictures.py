"""Pictures on a real farm: the document's own blocks as they stand, the openai package, the utilities.

The blocks lie in `seed_003/`; only host, key and foreign URLs are put in. The remote models that they name
are offered by the farm's own animatic here, as an operator may do; on a farm that offers nothing X-43 holds
(tests/integration/test_api_images.py).
"""

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import openai
import pytest
from PIL import Image

from farm.api.app import create_app
from farm.broker.valkey import EmbeddedValkey
from farm.doors.accounts import create_key, ensure_account
from farm.net.guard import Guard
from farm.rules.running import OutboundRules
from tests.api import serving
from tests.media import real_photo
from tests.receiver import Receiver, answer, receiving
from tests.worker_farm import WorkerFarm, until

pytestmark = pytest.mark.slow

WEEK_S = 7 * 86_400
BLOCKS = Path(__file__).parent / "seed_003"
PROVIDERS = """
[providers.away]
pool = "gpu-generate"
engine = "openai"
url = "http://127.0.0.1:9/v1"
[routes.text-to-image.gpt-image-1]
fallbacks = ["dall-e-3"]
offers = [{ provider = "away", price = "1", estimated_s = 1.0 }]
[routes.text-to-image.dall-e-3]
fallbacks = []
offers = [{ provider = "animatic", price = "0.5", estimated_s = 1.0 }]
[routes.image-edit."seedream-v4.5-edit"]
fallbacks = []
offers = [{ provider = "animatic", price = "1", estimated_s = 1.0 }]
"""


@dataclass(frozen=True)
class Studio:
    """A farm, a customer's key there and OpenAI's own client, and a server of pictures that it may call."""

    url: str
    key: str
    farm: WorkerFarm
    pictures: Receiver
    sdk: openai.OpenAI

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=60)

    def serves(self, name: str, times: int = 1) -> str:
        """A URL of that photograph, for so many calls."""
        self.pictures.script += [answer(200, real_photo(name).read_bytes())] * times
        return f"http://127.0.0.1:{self.pictures.port}/{name}.png"

    def runs(self, block: str, folder: Path) -> dict[str, Any]:
        """The document's own command, in that folder."""
        text = (BLOCKS / f"{block}.sh").read_text()
        for name in ("char1.png", "char2.png", "style.jpg"):
            if f"https://example.com/{name}" in text:
                text = text.replace(f"https://example.com/{name}", f"{self.serves('flower')}?{name}")
        text = text.replace("https://api.creativeai.run", self.url).replace("YOUR_API_KEY", self.key)
        assert "example.com" not in text and "creativeai" not in text
        done = subprocess.run(
            ["sh", "-c", text], cwd=folder, capture_output=True, text=True, timeout=90, check=True
        )
        said: dict[str, Any] = json.loads(done.stdout)
        assert "data" in said, said
        return said


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    valkey = EmbeddedValkey(folder / "valkey")
    valkey.start()
    try:
        with receiving() as pictures, WorkerFarm(folder, valkey.url, providers=PROVIDERS) as farm:
            farm.worker(pool="gpu-generate", slots=2)
            rules = OutboundRules(allow_hosts=(f"127.0.0.1:{pictures.port}",))
            catalog = farm.hall.catalog.model_copy(update={"outbound": rules})
            hall = replace(farm.hall, catalog=catalog, guard=Guard(rules))
            owner = ensure_account(hall, "ada", "enterprise", balance_mc=100_000)
            key = create_key(hall, owner).text
            with (
                serving(create_app(farm.settings, hall)) as url,
                openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0) as sdk,
            ):
                yield Studio(url, key, farm, pictures, sdk)
    finally:
        valkey.stop()


def opened(content: bytes, kind: str = "PNG") -> Image.Image:
    image = Image.open(BytesIO(content), formats=(kind,))
    image.load()
    return image


def fetched(url: str) -> Image.Image:
    """The output as whoever has its URL gets it, without any key."""
    return opened(httpx.get(url, trust_env=False).content)


def test_c027_to_c040_the_quick_start(studio: Studio, tmp_path: Path) -> None:
    said = studio.runs("images_quick_start", tmp_path)
    assert abs(said["created"] - time.time()) < 600  # C-038
    (one,) = said["data"]
    assert one["revised_prompt"] == "A serene Japanese garden at sunset, isometric view"  # C-040, C-036
    assert fetched(one["url"]).size == (1024, 1024)  # C-039
    left_s = int(parse_qs(urlsplit(one["url"]).query)["expires"][0]) - time.time()
    assert WEEK_S - 600 < left_s <= WEEK_S + 1
    assert (said["model"], said["model_actual"], said["failover_used"]) == ("dall-e-3", "dall-e-3", False)
    assert said["credits"] == 2  # half of its list price, as this farm's operator says
    params = json.loads(json.dumps(studio.farm.job(said["id"]).params))
    assert len(params["images"]) == 2 and params["style_image"]  # C-034, C-037
    assert said["id"].startswith("img_")


def test_c031_c041_a_transparent_png(studio: Studio, tmp_path: Path) -> None:
    said = studio.runs("images_transparent", tmp_path)
    picture = fetched(said["data"][0]["url"])
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (1024, 1024))
    alpha = np.asarray(picture.getchannel("A"))
    assert (alpha[-200:, :200] == 0).all() and 0.05 < (alpha > 250).mean() < 0.7


def test_c043_to_c052_the_advanced_edit(studio: Studio, tmp_path: Path) -> None:
    shot = Image.open(real_photo("coffee"), formats=("PNG",)).convert("RGB")
    shot.save(tmp_path / "product-shot.png")
    mask = Image.new("RGB", shot.size)
    mask.paste((255, 255, 255), (150, 220, 300, 300))
    mask.save(tmp_path / "hand-mask.png")
    said = studio.runs("images_edit", tmp_path)
    (one,) = said["data"]
    assert one["revised_prompt"].startswith("A natural human hand")
    made = np.asarray(fetched(one["url"]))
    assert made.shape == (1024, 1024, 3)
    small = shot.resize((683, 455), Image.Resampling.LANCZOS)
    left, top = (1024 - 683) // 2, (1024 - 455) // 2
    kept = np.abs(
        made[top + 30 : top + 220, left + 200 : left + 600].astype(int) - np.asarray(small)[30:220, 200:600]
    )
    assert np.median(kept) <= 2  # black in the mask: preserved
    assert made[:top].std() > 10  # outpainted, and not with one colour


def test_the_product_photo_of_the_commerce_recipe(studio: Studio, tmp_path: Path) -> None:
    """003, "Enhance the source product image": the first of its four calls."""
    Image.open(real_photo("coffee"), formats=("PNG",)).convert("RGB").save(tmp_path / "product.jpg")
    said = studio.runs("images_product", tmp_path)
    made = np.asarray(fetched(said["data"][0]["url"]))
    assert made.shape == (1024, 1024, 3)
    assert (made[60:160, 500:900] > 225).all()  # a white ground
    assert made[500:600, 400:600].std() > 20  # with something on it


def test_c027_c032_c039_openais_client_generates(studio: Studio) -> None:
    made = studio.sdk.images.generate(prompt="mountains at dawn", n=2, size="256x256", quality="hd")
    assert made.data is not None and len(made.data) == 2
    pictures = [fetched(str(one.url)) for one in made.data]
    assert {one.size for one in pictures} == {(256, 256)}
    assert pictures[0].tobytes() != pictures[1].tobytes()
    assert made.model_extra and made.model_extra["model_actual"] == "animatic"
    assert made.model_extra["credits"] == 0


def test_c042_a_model_whose_service_is_away_is_stood_in_for(studio: Studio) -> None:
    made = studio.sdk.images.generate(prompt="a lighthouse", model="gpt-image-1", size="256x256")
    assert made.data is not None and fetched(str(made.data[0].url)).size == (256, 256)
    said = made.model_extra or {}
    assert (said["model"], said["model_actual"], said["failover_used"]) == ("gpt-image-1", "dall-e-3", True)
    assert said["credits"] == 2  # what stood in is cheaper


def test_openais_client_takes_base64(studio: Studio) -> None:
    given = studio.sdk.images.with_raw_response.generate(
        prompt="a red car", response_format="b64_json", output_format="jpeg", size="256x256"
    )
    assert (given.headers["x-model-actual"], given.headers["x-failover-used"]) == ("animatic", "false")
    made = given.parse()
    assert made.data is not None
    (one,) = made.data
    assert one.url is None and one.b64_json
    assert opened(base64.b64decode(one.b64_json), "JPEG").size == (256, 256)


def test_c046_c051_openais_client_edits_with_a_transparent_mask(studio: Studio, tmp_path: Path) -> None:
    cat = Image.open(real_photo("chelsea"), formats=("PNG",)).convert("RGB").crop((0, 0, 450, 300))
    mask = Image.new("RGBA", cat.size, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 200, cat.height))
    cat.save(tmp_path / "cat.png")
    mask.save(tmp_path / "mask.png")
    with (tmp_path / "cat.png").open("rb") as first, (tmp_path / "cat.png").open("rb") as other:
        made = studio.sdk.images.edit(
            image=[first, other], mask=tmp_path / "mask.png", prompt="a sunset behind the cat", model="auto"
        )
    assert made.data is not None
    pixels, given = np.asarray(fetched(str(made.data[0].url))).astype(int), np.asarray(cat)
    assert np.abs(pixels[60:, 230:440] - given[60:, 230:440]).max() <= 3  # opaque: preserved
    assert np.abs(pixels[60:, 20:180] - given[60:, 20:180]).mean() > 8  # transparent: edited


def test_a_refusal_has_openais_words(studio: Studio) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        studio.sdk.images.generate(prompt="a fox", n=5)
    assert (refused.value.param, refused.value.type) == ("n", "invalid_request_error")
    assert refused.value.request_id
    with pytest.raises(openai.APIStatusError) as away:
        studio.sdk.images.generate(prompt="a fox", model="flux-pro")
    assert (away.value.status_code, away.value.code) == (503, "provider_unavailable")


def test_what_a_worker_finds_wrong_is_told_by_its_field_and_costs_nothing(studio: Studio) -> None:
    broken = BytesIO()
    Image.new("RGB", (64, 64)).save(broken, "PNG")
    cut = broken.getvalue()[:60]  # a PNG by its head, and nothing behind it
    with pytest.raises(openai.BadRequestError) as refused:
        studio.sdk.images.edit(image=("a.png", cut, "image/png"), prompt="x", model="seedream-v4.5-edit")
    assert refused.value.code == "asset_unreadable"
    assert refused.value.response.headers["x-should-retry"] == "false"
    body: Any = refused.value.response.json()
    assert studio.farm.ended(body["id"]).charged_mc == 0


def status_of(studio: Studio, client: httpx.Client, made: httpx.Response) -> dict[str, Any]:
    assert made.status_code == 202, made.text
    studio.farm.ended(made.json()["id"])
    said: dict[str, Any] = client.get(f"/api/generate/status/{made.json()['id']}").json()
    assert said["status"] == "COMPLETED", said
    return said


def test_c053_a_background_is_removed_by_url_and_polled(studio: Studio) -> None:
    with studio.client() as client:
        url = studio.serves("flower")
        said = status_of(
            studio, client, client.post("/api/generate/remove-background", json={"image_url": url})
        )
    assert (said["type"], said["credits"]) == ("BACKGROUND_REMOVAL", 1)
    picture = fetched(said["output_url"])
    alpha = np.asarray(picture.getchannel("A"))
    assert picture.size == (640, 427) and alpha[200, 320] == 255 and alpha[5, 5] == 0


def test_c054_c055_a_file_is_enlarged_and_restored(studio: Studio) -> None:
    photo = real_photo("chelsea").read_bytes()
    with studio.client() as client:
        sent = {"image": ("cat.png", photo, "image/png")}
        large = client.post("/api/generate/upscale", files=sent, data={"scale": "3"})
        good = client.post("/api/generate/restore", files=sent)
        assert fetched(status_of(studio, client, large)["output_url"]).size == (1353, 900)
        assert fetched(status_of(studio, client, good)["output_url"]).size == (451, 300)


def test_the_webhook_url_of_a_picture_is_kept_with_its_job(studio: Studio) -> None:
    hook = f"http://127.0.0.1:{studio.pictures.port}/hook"
    with studio.client() as client:
        made = client.post(
            "/v1/images/generations",
            json={"prompt": "a fox", "size": "256x256", "webhook_url": hook},
            headers={"Prefer": "respond-async"},
        )
    assert made.status_code == 202 and made.headers["Preference-Applied"] == "respond-async"
    job_id = made.json()["id"]
    until(lambda: studio.farm.job(job_id).ended_at is not None, "the picture is made")
    assert studio.farm.job(job_id).webhook_url == hook
