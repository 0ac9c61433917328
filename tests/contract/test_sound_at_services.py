"""Music from a service: `generate-audio` at fal's queue, ordered, fetched, looked at; and who makes none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.errors import FailureClass, TaskFailure
from tests.contract.engine_bench import KEY_ENV, PROVIDERS, Attempt
from tests.provider_protocols.fal import FalServer
from workers import generate_audio
from workers.context import Done, TaskInput
from workers.gpu_generate.remote import buying

pytestmark = pytest.mark.slow

ACE_STEP = """
[providers.there.models.ace-step]
name = "fal-ai/ace-step/prompt-to-audio"
fields = { aspect_ratio = "" }
"""


@pytest.fixture
def fal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FalServer]:
    monkeypatch.setattr(buying, "_FIRST_S", 0.02)
    with FalServer() as server:
        configured(server, "fal", tmp_path, monkeypatch)
        yield server
        assert server.broken == []


def configured(server: FalServer, engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs = folder / engine
    configs.mkdir()
    told = PROVIDERS.format(engine=engine, url=server.url, more="") + ACE_STEP
    (configs / "providers.toml").write_text(told)
    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))
    monkeypatch.setenv(KEY_ENV, server.key)


def performed(folder: Path, **params: object) -> tuple[Done, Attempt]:
    attempt = Attempt(folder / f"attempt-{len(list(folder.iterdir()))}")
    attempt.workdir.mkdir()
    said = {"prompt": "calm piano", "tags": ["lofi"], "duration_s": "3", "seed": 5, **params}
    task = TaskInput(
        "generate-audio", "generate", said, provider="there", model="ace-step", idempotency_key="kf_1"
    )
    return generate_audio.perform(task, attempt), attempt


def test_b095_b456_music_is_ordered_from_a_service_and_looked_at(fal: FalServer, tmp_path: Path) -> None:
    done, attempt = performed(tmp_path)
    (sound,) = done.outputs
    assert (sound.name, sound.content_type) == ("audio", "audio/wav")
    assert sound.path.stat().st_size > 3 * 16_000
    assert done.result == {"model": "ace-step", "seed": 5, "duration_s": 3.0}
    (sale,) = fal.sold
    assert sale.order["prompt"] == "calm piano, lofi" and sale.order["duration"] == 3
    assert len(attempt.refs) == 1


SENT = [("black", "nothing is heard"), ("short", "instead of 3"), ("page", "of no use")]


@pytest.mark.parametrize(("plan", "why"), SENT)
def test_what_is_no_such_sound_is_not_handed_in(fal: FalServer, tmp_path: Path, plan: str, why: str) -> None:
    fal.next(plan)
    with pytest.raises(TaskFailure, match=why) as failed:
        performed(tmp_path)
    assert failed.value.failure is FailureClass.CORRUPT_OUTPUT


def test_who_makes_no_sound_says_so_before_anything_is_bought(
    fal: FalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(fal, "openai", tmp_path, monkeypatch)
    with pytest.raises(TaskFailure) as failed:
        performed(tmp_path)
    assert failed.value.failure is FailureClass.UNSUPPORTED
    assert fal.sold == []
