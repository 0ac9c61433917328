"""A language model is asked over real HTTP: what it is told, and what becomes of every sort of answer."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from farm.errors import FailureClass, TaskFailure
from farm.timeline import MediaKind
from tasks.media_render import AssetDuration, MediaRender, RenderAsset, timeline_of
from tests.chat_service import ChatService, Reply, chat_service, refused, said
from workers.context import Done, TaskInput
from workers.cpu_render.planning import perform

pytestmark = pytest.mark.slow

PROVIDERS = """
[providers.llm]
pool = "cpu-render"
url = "{url}"
key_env = "TEST_LLM_KEY"
[routes.media-plan.smart]
fallbacks = ["rules"]
offers = [{{ provider = "llm", price = "0", estimated_s = 1.0 }}]
[auto]
media-plan = "smart"
"""
ASSETS = tuple(
    RenderAsset(
        asset_id=f"asset_secret{number}",
        file_name=name,
        media_kind=MediaKind.VIDEO if name.endswith("mp4") else MediaKind.IMAGE,
        duration_s=8.0 if name.endswith("mp4") else None,
    )
    for number, name in enumerate(("a beach.jpg", "b dog.jpg", "c ride.mp4"))
)


@dataclass
class Bench:
    """A performer's context, and a chat service that answers as it is told."""

    workdir: Path
    service: ChatService
    lines: list[str] = field(default_factory=list)

    def progress(self, fraction: float, stage: str = "") -> None:
        """Nobody watches."""

    def checkpoint(self) -> None:
        """Nobody stops it."""

    def log(self, message: str) -> None:
        self.lines.append(message)

    def plan(
        self, reply: Callable[[dict[str, Any]], Reply] | Reply, model: str = "smart", **params: Any
    ) -> Done:
        """What the performer makes of a request when the model answers like this."""
        self.service.reply = reply if callable(reply) else lambda _: reply
        params = {"assets": ASSETS, "ai_analysis": True, "instructions": "A day out.", **params}
        request = MediaRender(**params).model_dump(mode="json", exclude_unset=True)
        provider = "llm" if model == "smart" else "render-pool"
        given = TaskInput("media-render", "plan", {"request": request}, provider=provider, model=model)
        return perform(given, self)  # type: ignore[arg-type]  # a context as far as this performer needs one


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with chat_service(lambda _: refused(500)) as service:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "providers.toml").write_text(PROVIDERS.format(url=service.url))
        (tmp_path / "work").mkdir()
        monkeypatch.setenv("FARM_CONFIG_DIR", str(tmp_path / "config"))
        monkeypatch.setenv("TEST_LLM_KEY", "sk-test")
        yield Bench(tmp_path / "work", service)


def shot(visual: object = "v1", **more: Any) -> dict[str, Any]:
    return {"visual": visual, "seconds": 2.0, "start": None, "transition": None, "text": None, **more}


def names(done: Done) -> list[str]:
    return [cut["file_name"] for cut in done.result["cuts"]]


def test_d060_the_model_is_told_names_and_measures_and_no_ids(bench: Bench):
    done = bench.plan(
        said({"shots": [shot("v3", start=1.5), shot("v1")], "notes": []}), target_duration_s=6.0
    )
    assert (done.result["planner"], names(done)) == ("smart", ["c ride.mp4", "a beach.jpg"])
    assert done.result["cuts"][0]["source_start_s"] == 1.5
    assert sum(cut["duration_s"] for cut in done.result["cuts"]) == pytest.approx(6.0)
    assert done.tasks[-1].name == "render"
    told, asked = bench.service.brief(), bench.service.asked[-1]
    assert (told["instructions"], told["target_seconds"]) == ("A day out.", 6.0)
    assert [visual["file"] for visual in told["visuals"]] == ["a beach.jpg", "b dog.jpg", "c ride.mp4"]
    assert "secret" not in json.dumps(asked)
    assert (asked["model"], bench.service.keys) == ("smart", ["Bearer sk-test"])
    assert asked["response_format"]["type"] == "json_schema"


PARTS = {"choices": [{"message": {"content": [{"type": "text", "text": '{"shots": [{"visual": "v2"}]}'}]}}]}
HOSTILE: dict[str, tuple[Reply, list[str]]] = {
    "unknown visuals": (said({"shots": [shot("v9"), shot("../etc"), shot("v2"), shot(None)]}), ["b dog.jpg"]),
    "numbers of no sense": (
        said(
            '{"shots": [{"visual": "v3", "seconds": -5, "start": 1e999}, {"visual": "v1", "seconds": NaN}]}'
        ),
        ["c ride.mp4", "a beach.jpg"],
    ),
    "endless numbers": (
        said('{"shots": [{"visual": "v3", "seconds": 1' + "0" * 400 + ', "start": -1e300}]}'),
        ["c ride.mp4"],
    ),
    "beyond the end": (said({"shots": [shot("v3", seconds=500, start=7.9)]}), ["c ride.mp4"]),
    "wrong types": (
        said({"shots": ["v1", 7, None, {"visual": ["v1"]}, shot("v2", seconds="2", start=True)], "notes": 3}),
        ["b dog.jpg"],
    ),
    "words around it": (said('Sure!\n```json\n{"shots": [{"visual": "v2"}]}\n```\nEnjoy.'), ["b dog.jpg"]),
    "thoughts before it": (
        said('<think>{v1} or {"shots": []}?</think> {one}: {"shots": [{"visual": "v2"}]}'),
        ["b dog.jpg"],
    ),
    "content in parts": ((200, json.dumps(PARTS).encode()), ["b dog.jpg"]),
    "far too many": (said({"shots": [shot("v1")] * 5000}), []),
}


@pytest.mark.parametrize("answer", HOSTILE)
def test_a_hostile_answer_is_made_right(bench: Bench, answer: str):
    reply, expected = HOSTILE[answer]
    done = bench.plan(reply)
    assert done.result["planner"] == "smart"
    if expected:
        assert names(done) == expected
    planned = MediaRender.model_validate(
        {"assets": ASSETS, "cuts": [without_name(cut) for cut in done.result["cuts"]]}
    )
    timeline = timeline_of(planned)
    assert 0 < timeline.duration <= 9
    for clip in timeline.video[0].clips:
        if clip.media == ASSETS[2].asset_id:
            assert clip.source_start + timeline.rate.seconds(clip.frames) <= 8


def without_name(cut: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in cut.items() if key != "file_name"}


NO_PLAN: dict[str, Reply] = {
    "no JSON": said("I would rather talk about the weather."),
    "broken JSON": said('{"shots": [{"visual": "v1", '),
    "a deep one": said('{"shots": ' + "[" * 200_000),
    "a list": said([1, 2]),
    "no shots": said({"cuts": []}),
    "nobody's files only": said({"shots": [shot("v77")]}),
    "empty": said(""),
    "no envelope": (200, b'{"choices": []}'),
    "no text at all": (200, b"\xff\xfe\x00" * 1000),
    "too long": (200, b" " * (2 << 20)),
    "a refusal": refused(400, "your prompt is not allowed"),
    "a policy": refused(451, "no"),
}


@pytest.mark.parametrize("answer", NO_PLAN)
def test_where_the_answer_is_no_plan_the_rules_plan_and_it_is_said(bench: Bench, answer: str):
    done = bench.plan(NO_PLAN[answer], instructions="Start with the dog.")
    assert (done.result["planner"], names(done)[0]) == ("rules", "b dog.jpg")
    assert done.result["notes"][0].startswith("smart gave no plan: ")
    assert bench.lines == done.result["notes"]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(500), FailureClass.TRANSIENT),
        (refused(429), FailureClass.CAPACITY),
        (refused(401), FailureClass.PROVIDER_AUTH),
    ],
)
def test_a_service_that_fails_is_the_schedulers_affair(bench: Bench, reply: Reply, expected: FailureClass):
    with pytest.raises(TaskFailure) as raised:
        bench.plan(reply)
    assert raised.value.failure is expected


def test_a_service_that_takes_no_schema_is_asked_without(bench: Bench):
    def picky(asked: dict[str, Any]) -> Reply:
        return refused(400, "unknown field") if "response_format" in asked else said({"shots": [shot("v2")]})

    assert names(bench.plan(picky)) == ["b dog.jpg"]


def test_d133_what_was_set_by_hand_goes_before_the_model(bench: Bench):
    shots = [shot("v1", seconds=9.0, transition="iris"), shot("v3", transition="wipe", text="Go!")]
    by_hand = (AssetDuration(asset_id=ASSETS[1].asset_id, duration_s=1.25),)
    done = bench.plan(
        said({"shots": shots}), durations=by_hand, transition_types=["fade"], text_on_screen=True
    )
    assert names(done) == ["a beach.jpg", "c ride.mp4", "b dog.jpg"]  # the timed one is not lost
    assert done.result["cuts"][2]["duration_s"] == pytest.approx(1.25, abs=0.02)
    assert not any("transition_type" in cut for cut in done.result["cuts"])
    assert done.result["cuts"][1]["text"] == "Go!"
    free = bench.plan(said({"shots": shots}))
    assert [cut.get("transition_type") for cut in free.result["cuts"]] == ["iris", "wipe"]
    assert not any("text" in cut for cut in free.result["cuts"])


def test_texts_of_a_model_are_plain_and_short(bench: Bench):
    texts = ["  two\nlines\x00 ", "x" * 400, 7, ""]
    shots = [shot(f"v{1 + number % 3}", text=text) for number, text in enumerate(texts)]
    done = bench.plan(said({"shots": shots, "notes": ["a\x00b" * 500, 5]}), text_on_screen=True)
    assert [cut.get("text") for cut in done.result["cuts"]] == ["two lines", None, None, None]
    assert all(len(note) < 400 and note.isprintable() for note in done.result["notes"])


def test_rules_that_stand_in_say_for_whom(bench: Bench):
    done = bench.plan(refused(500), model="rules")
    assert done.result["planner"] == "rules" and not bench.service.asked
    assert done.result["notes"][0] == "smart could not be asked. The farm's own rules planned instead."
