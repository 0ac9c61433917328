"""Music from a service: `generate-audio` at fal's queue and at Replicate, ordered, fetched, looked at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from farm.errors import FailureClass, TaskFailure
from tests.contract.engine_bench import KEY_ENV, PROVIDERS, Attempt
from tests.provider_protocols.fal import FalServer
from tests.provider_protocols.replicate import ReplicateServer
from tests.provider_protocols.server import ProtocolServer
from workers import generate_audio
from workers.context import Done, TaskInput
from workers.gpu_generate.remote import buying

pytestmark = pytest.mark.slow

MODELS = """
[providers.there.models.ace-step]
name = "fal-ai/ace-step/prompt-to-audio"
fields = { aspect_ratio = "" }
[providers.there.models.stable-audio]
name = "stackadoc/stable-audio:1"
fields = { seconds = "seconds_total" }
lengths_s = [5, 10, 47]
"""


@dataclass(frozen=True)
class Shop:
    """A service, the model that is ordered there, and how its length is named and turns out for 3 s."""

    server: ProtocolServer
    model: str
    seconds: str
    ordered_s: int


@pytest.fixture(params=["fal", "replicate"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(buying, "_FIRST_S", 0.02)
    is_fal = request.param == "fal"
    with FalServer() if is_fal else ReplicateServer() as server:
        configured(server, request.param, tmp_path, monkeypatch)
        ordered = ("ace-step", "duration", 3) if is_fal else ("stable-audio", "seconds_total", 5)
        yield Shop(server, *ordered)
        assert server.broken == []


def configured(server: ProtocolServer, engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs = folder / engine
    configs.mkdir()
    (configs / "providers.toml").write_text(PROVIDERS.format(engine=engine, url=server.url, more="") + MODELS)
    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))
    monkeypatch.setenv(KEY_ENV, server.key)


def performed(folder: Path, model: str, **params: object) -> tuple[Done, Attempt]:
    attempt = Attempt(folder / f"attempt-{len(list(folder.iterdir()))}")
    attempt.workdir.mkdir()
    said = {"prompt": "calm piano", "tags": ["lofi"], "duration_s": "3", "seed": 5, **params}
    task = TaskInput(
        "generate-audio", "generate", said, provider="there", model=model, idempotency_key="kf_1"
    )
    return generate_audio.perform(task, attempt), attempt


def test_b095_b456_music_is_ordered_from_a_service_and_looked_at(shop: Shop, tmp_path: Path) -> None:
    done, attempt = performed(tmp_path, shop.model)
    (sound,) = done.outputs
    assert (sound.name, sound.content_type) == ("audio", "audio/wav")
    assert sound.path.stat().st_size > 3 * 16_000
    assert done.result == {"model": shop.model, "seed": 5, "duration_s": shop.ordered_s}
    (sale,) = shop.server.sold
    assert sale.order["prompt"] == "calm piano, lofi" and sale.order[shop.seconds] == shop.ordered_s
    assert len(attempt.refs) == 1


SENT = [("black", "nothing is heard"), ("short", "instead of"), ("page", "of no use")]


@pytest.mark.parametrize(("plan", "why"), SENT)
def test_what_is_no_such_sound_is_not_handed_in(shop: Shop, tmp_path: Path, plan: str, why: str) -> None:
    shop.server.next(plan)
    with pytest.raises(TaskFailure, match=why) as failed:
        performed(tmp_path, shop.model)
    assert failed.value.failure is FailureClass.CORRUPT_OUTPUT


def test_who_makes_no_sound_or_none_so_long_says_so_before_anything_is_bought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ReplicateServer() as server:
        for engine, model, length in (("openai", "ace-step", "3"), ("replicate", "stable-audio", "60.5")):
            configured(server, engine, tmp_path, monkeypatch)
            with pytest.raises(TaskFailure) as failed:
                performed(tmp_path, model, duration_s=length)
            assert failed.value.failure is FailureClass.UNSUPPORTED
        assert server.sold == []
