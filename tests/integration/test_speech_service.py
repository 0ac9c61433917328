"""A film whose voiceover a speech service says, by a real worker and the real scheduler."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.broker.valkey import EmbeddedValkey
from farm.doors.jobs import cancel
from tasks.media_render import MediaRender
from tests.media import real_photo
from tests.speech_service import SpeechService
from tests.worker_farm import WorkerFarm, until

pytestmark = pytest.mark.slow

PROVIDERS = """
[providers.first]
pool = "cpu-render"
url = "{url}"
[providers.second]
pool = "cpu-render"
url = "{other}"
[routes.speech.tts-1]
offers = [
  {{ provider = "first", price = "1", estimated_s = 1.0 }},
  {{ provider = "second", price = "1", estimated_s = 1.0 }},
]
[failover]
cooldown_s = 0.2
"""
VOICES = """
[voices.remote.alloy]
model = "tts-1"
code = "alloy"
name = "Alloy"
locale = "en-US"
gender = "female"
"""


@pytest.fixture
def services() -> Iterator[tuple[SpeechService, SpeechService]]:
    with SpeechService() as first, SpeechService() as second:
        yield first, second


@pytest.fixture
def farm(
    tmp_path: Path,
    valkey: EmbeddedValkey,
    services: tuple[SpeechService, SpeechService],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[WorkerFarm]:
    first, second = services
    monkeypatch.setenv("FARM_CONFIG_DIR", str(tmp_path / "config"))
    providers = PROVIDERS.format(url=first.url, other=second.url)
    with WorkerFarm(tmp_path, valkey.url, providers=providers, voices=VOICES) as farm:
        yield farm


def film(farm: WorkerFarm, *lines: str) -> str:
    """A job: one photo, and what is said over it."""
    photo = farm.asset(real_photo("coffee").read_bytes(), file_name="coffee.jpg")
    asked = {
        "assets": [{"asset_id": photo, "file_name": "coffee.jpg", "media_kind": "image"}],
        "aspect_ratio": "1:1",
        "profile": "preview",
        "voiceover": {"voice_id": "svoice_alloy", "lines": [{"text": line} for line in lines]},
    }
    return farm.submit(MediaRender.model_validate(asked))


def test_a_busy_service_gives_way_to_another_and_a_broken_one_is_asked_again(
    farm: WorkerFarm, services: tuple[SpeechService, SpeechService]
) -> None:
    first, second = services
    first.next("busy")
    second.next("ok", "broken")
    farm.worker()
    job_id = film(farm, "One line.", "Another line.")
    assert farm.ended(job_id).state == "completed"
    spoken = [(a.provider, a.failure_class) for a in farm.attempts(job_id) if a.provider]
    assert spoken == [("first", "capacity"), ("second", "transient"), ("second", None)]
    assert [call["input"] for call in second.asked] == ["One line.", "Another line."] * 2
    assert len(first.asked) == 1


def test_a_film_that_is_called_off_stops_the_call_and_is_never_rendered(
    farm: WorkerFarm, services: tuple[SpeechService, SpeechService]
) -> None:
    first, _ = services
    first.next("slow")
    farm.worker()
    job_id = film(farm, "One line.")
    until(first.in_call.is_set, "the service is asked")
    cancel(farm.hall, farm.caller.account.id, job_id)
    assert farm.ended(job_id).state == "cancelled"
    assert [a.outcome for a in farm.attempts(job_id)] == ["cancelled"]
