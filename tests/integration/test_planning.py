"""A render that is looked at, listened to and planned, through real workers of three pools."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.chat_service import ChatService, Reply, chat_service, refused, said
from tests.media import real_clip, real_photo, rgb
from tests.running import RunningFarm, embedded_farm

pytestmark = pytest.mark.slow

SMART = """
[providers.llm]
pool = "cpu-render"
url = "{url}"
key_env = "TEST_LLM_KEY"
[routes.media-plan.smart]
fallbacks = ["rules"]
offers = [{{ provider = "llm", price = "0.5", estimated_s = 1.0 }}]
[auto]
media-plan = "smart"
"""
KEY = "sk-of-the-test"


def answer(asked: dict[str, Any]) -> Reply:
    """Refuses whoever wants rules; else a plan with one visual that nobody has."""
    content = asked["messages"][-1]["content"]
    if "by the rules" in content:
        return refused(401, "this key is not good any more")
    shots = [
        {"visual": "v4", "seconds": 1.5, "start": None, "transition": "slide", "text": None},
        {"visual": "v99", "seconds": -4, "start": -1e300, "transition": "explode", "text": None},
        {"visual": "v5", "seconds": 1e9, "start": 1e9, "transition": None, "text": None},
    ]
    return said({"shots": shots, "notes": ["There is no sunset."]})


@pytest.fixture(scope="module")
def service() -> Iterator[ChatService]:
    with chat_service(answer) as service:
        yield service


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory, service: ChatService) -> Iterator[RunningFarm]:
    folder = tmp_path_factory.mktemp("planning")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_LLM_KEY", KEY)
        pools = ("cpu-render", "vision-describe", "asr-align")
        with embedded_farm(folder, pools=pools, providers=SMART.format(url=service.url)) as farm:
            yield farm


@pytest.fixture(scope="module")
def trip(farm: RunningFarm, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Five pictures, of which one is a copy and one out of focus, and a clip of ten seconds."""
    folder = tmp_path_factory.mktemp("trip")
    photos = {name: Image.open(real_photo(name)).convert("RGB") for name in ("coffee", "chelsea", "china")}
    photos["coffee"].save(folder / "01 coffee.jpg", quality=92)
    photos["coffee"].resize((450, 300)).save(folder / "02 coffee again.jpg", quality=70)
    photos["chelsea"].filter(ImageFilter.GaussianBlur(5)).save(folder / "03 cat.jpg", quality=90)
    photos["china"].save(folder / "04 temple.jpg", quality=92)
    files = [farm.upload(path, "image/jpeg") for path in sorted(folder.glob("*.jpg"))]
    clip = folder / "05 ride.mp4"
    clip.write_bytes(real_clip("bikes").read_bytes())
    return [*files, farm.upload(clip, "video/mp4")]


def films_frames(film: Path) -> list[np.ndarray[Any, Any]]:
    with av.open(film) as opened:
        return [rgb(frame) for frame in opened.decode(video=0)]


def photo(name: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(real_photo(name)).convert("RGB"))


def alike(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    """Whether the middles of two pictures look the same from afar."""
    small = [
        np.asarray(Image.fromarray(each).resize((8, 8), Image.Resampling.BOX), float) for each in (one, other)
    ]
    return float(np.corrcoef(small[0][2:6, 2:6].ravel(), small[1][2:6, 2:6].ravel())[0, 1]) > 0.9


def test_d060_d063_a_models_plan_is_made_right_and_its_price_is_part_of_the_job(
    farm: RunningFarm, trip: list[dict[str, str]], service: ChatService
) -> None:
    params = {
        "assets": trip,
        "profile": "preview",
        "aspect_ratio": "16:9",
        "ai_analysis": True,
        "instructions": "A sunset film, please.",
    }
    job = farm.ended(farm.submit("media-render", **params))
    assert job["state"] == "completed", job
    plan = job["result"]["plan"]
    assert plan["planner"] == "smart"
    assert [cut["file_name"] for cut in plan["cuts"]] == ["04 temple.jpg", "05 ride.mp4"]
    ride = plan["cuts"][1]
    assert Fraction(str(ride["duration_s"])) + Fraction(str(ride.get("source_start_s", 0))) <= 10
    assert "The model says: There is no sunset." in plan["notes"]
    assert service.keys[-1] == f"Bearer {KEY}"
    told = service.brief()
    assert [visual["file"] for visual in told["visuals"]][3:] == ["04 temple.jpg", "05 ride.mp4"]
    assert not any(asset["asset_id"] in str(told) for asset in trip)


def test_d060_d062_d063_d064_d065_a_film_is_planned_by_what_was_seen_and_said(
    farm: RunningFarm, trip: list[dict[str, str]], tmp_path: Path
) -> None:
    params = {
        "assets": trip,
        "aspect_ratio": "16:9",
        "profile": "preview",
        "ai_analysis": True,
        "vision_analysis": True,
        "audio_analysis": True,
        "target_duration_s": 5.0,
        "instructions": "Made by the rules. Use the temple first, then the ride. Skip blurry pictures.",
        "transition_types": ["none"],
    }
    job = farm.ended(farm.submit("media-render", **params))
    assert job["state"] == "completed", job

    plan = job["result"]["plan"]
    assert [cut["file_name"] for cut in plan["cuts"]] == ["04 temple.jpg", "05 ride.mp4", "01 coffee.jpg"]
    assert plan["planner"] == "rules"
    notes = " ".join(plan["notes"])
    assert "smart could not be asked" in notes  # its key was refused: the task went on to the rules
    assert "02 coffee again.jpg" in notes and "03 cat.jpg" in notes
    assert "Made by the rules" in notes  # what was not understood is said

    assert [artifact["name"] for artifact in farm.artifacts(job["id"])] == ["video"]  # findings are nobody's
    sharp = {fact["asset_id"]: fact["sharpness"] for fact in job["result"]["look"]["visuals"]}
    assert sharp[trip[2]["asset_id"]] < 0.2 < 0.5 < sharp[trip[3]["asset_id"]]
    assert job["result"]["listen"]["sounds"][0]["speech_s"] == 0
    where = {task["name"]: task["pool"] for task in job["tasks"]}
    assert where == {
        "look": "vision-describe",
        "listen": "asr-align",
        "plan": "cpu-render",
        "render": "cpu-render",
    }
    # Planning 1, a model 0.5, five visuals and a clip to listen to: the model was quoted, and not used.
    assert (job["credits_held"], job["credits_charged"]) == (2.2, 1.7)

    film = farm.download(job["id"], "video", tmp_path / "film.mp4")
    frames = films_frames(film)
    assert len(frames) == 5 * 30
    wanted = [photo("china"), None, photo("coffee")]
    for third, picture in enumerate(wanted):
        if picture is not None:
            assert alike(frames[25 + 50 * third], picture)
    assert not alike(frames[55], frames[95])  # the ride moves
