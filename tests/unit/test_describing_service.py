"""Descriptions by a service: what it answers is repaired or refused, and never passed on as it came."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from farm.errors import FailureClass, TaskFailure
from tasks.describe_scenes import Described, Source
from tests.described_jobs import without_readers
from tests.unit.test_describe_cues import NARRATION
from tests.vision_service import CONTENTS, UNUSABLE, VisionService
from workers.context import Cancelled, InputFile, TaskInput
from workers.vision_describe.describe_scenes import perform

pytestmark = pytest.mark.slow

COLOURS = {"red": (200, 40, 30), "green": (30, 150, 60), "blue": (30, 60, 200)}
KEY = "sk-of-the-test"
CONFIG = """
[providers.seer]
pool = "vision-describe"
url = "{url}"
key_env = "TEST_VISION_KEY"
[routes.scene-description.seer-1]
offers = [{{ provider = "seer", price = "0", estimated_s = 1.0 }}]
"""
RULES = """
[describe]
call_s = 2.0
image_px = 128
"""
MODERATION = """
[moderation]
words = ["zonkish"]
nudity = false
"""


class Desk:
    """A performer's context, and three pictures to describe."""

    def __init__(self, folder: Path) -> None:
        self.workdir = folder / "work"
        self.workdir.mkdir()
        self.stages: list[str] = []
        self.is_stopped = False
        self.inputs = {}
        for name, colour in COLOURS.items():
            path = folder / f"{name}.jpg"
            exif = Image.Exif()
            exif[0x010F] = "the maker of a camera"
            Image.new("RGB", (640, 400), colour).save(path, exif=exif)
            self.inputs[name] = InputFile(path, path.name, "image/jpeg")

    def progress(self, fraction: float, stage: str = "") -> None:
        self.stages.append(stage)

    def checkpoint(self) -> None:
        if self.is_stopped:
            raise Cancelled

    def log(self, message: str) -> None:
        """Nobody reads."""

    def warm(self, *models: str) -> None:
        """Nothing is loaded."""

    def describe(self, **metadata: Any) -> Described:
        params = {
            "images": [{"asset_id": name} for name in self.inputs],
            "metadata": metadata,
            "max_description": 200,
        }
        task = TaskInput("describe-scenes", "describe", params, self.inputs, provider="seer", model="seer-1")
        return Described.model_validate(perform(task, self).result)  # type: ignore[arg-type]  # as far as needed


@pytest.fixture
def service() -> Iterator[VisionService]:
    with VisionService() as service:
        yield service


@pytest.fixture
def desk(tmp_path: Path, service: VisionService, monkeypatch: pytest.MonkeyPatch) -> Desk:
    config = tmp_path / "config"
    config.mkdir()
    (config / "providers.toml").write_text(CONFIG.format(url=service.url))
    (config / "describe.toml").write_text(RULES)
    (config / "moderation.toml").write_text(MODERATION)
    without_readers(monkeypatch)
    monkeypatch.setenv("FARM_CONFIG_DIR", str(config))
    monkeypatch.setenv("TEST_VISION_KEY", KEY)
    return Desk(tmp_path)


def told(found: Described) -> list[tuple[str, Source]]:
    return [(scene.description, scene.description_source) for scene in found.scenes]


GOOD = [(f"A good {colour} picture.", Source.MODEL) for colour in COLOURS]


def test_a047_a054_each_picture_is_described_in_its_place(desk: Desk, service: VisionService):
    found = desk.describe(sceneIds=["a", "b", "c"], hints={"style": "short", "languageCode": "en-GB"})
    assert told(found) == GOOD
    assert [scene.scene_id for scene in found.scenes] == ["a", "b", "c"]
    assert all(scene.start_cue_text is scene.anchor_text is None for scene in found.scenes)
    assert desk.stages == [f"describe {number} of 3" for number in (1, 2, 3)]
    assert set(service.keys) == {f"Bearer {KEY}"}
    body = service.asked[0]
    assert (body["path"], body["model"]) == ("/v1/chat/completions", "seer-1")
    assert body["response_format"]["json_schema"]["strict"] is True
    system, user = body["messages"]
    assert "one short sentence" in system["content"]
    assert "en-GB" in system["content"]
    assert json.loads(user["content"][0]["text"])["narration"] is None
    assert max(service.pictures[0].size) == 128
    assert not service.pictures[0].getexif()  # nothing that lay in the file leaves the farm


def test_a049_a057_proposed_cues_are_cut_out_of_the_narration(desk: Desk, service: VisionService):
    service.proposes("a cyclist crosses THE BRIDGE", "enters a crowded market!", "ends on a sunset skyline")
    found = desk.describe(narrationText=NARRATION)
    assert [scene.anchor_text for scene in found.scenes] == [
        "A cyclist crosses the bridge",
        "enters a crowded market",
        "ends on a sunset skyline",
    ]
    assert all(scene.start_cue_text for scene in found.scenes)
    assert json.loads(service.asked[0]["messages"][1]["content"][0]["text"])["narration"] == NARRATION


def test_a058_cues_in_the_wrong_order_come_out_in_order(desk: Desk, service: VisionService):
    service.proposes("ends on a sunset skyline", "enters a crowded market", "A cyclist crosses the bridge")
    found = desk.describe(narrationText=NARRATION)
    starts = [NARRATION.index(scene.start_cue_text) for scene in found.scenes if scene.start_cue_text]
    assert starts == sorted(starts) and starts


@pytest.mark.parametrize("plan", ["prose", "in_thoughts", "in_list", "in_scenes"])
def test_what_is_only_wrapped_is_unwrapped(desk: Desk, service: VisionService, plan: str):
    service.next(plan)
    assert told(desk.describe()) == GOOD
    assert len(service.asked) == 3


@pytest.mark.parametrize("plan", UNUSABLE)
def test_an_answer_that_is_none_is_asked_for_again_then_measured(
    desk: Desk, service: VisionService, plan: str
):
    assert told(desk.describe(hints={"languageCode": "en"})) == GOOD
    service.next(plan)  # once: the second answer counts
    assert told(desk.describe(hints={"languageCode": "en"})) == GOOD
    assert "could not be read" in service.asked[4]["messages"][1]["content"][0]["text"]
    service.next("ok", plan, plan)  # twice: the scene is described by measurement, and says so
    found = desk.describe(hints={"languageCode": "en"})
    assert [source for _, source in told(found)] == [Source.MODEL, Source.MEASURED, Source.MODEL]
    assert "green" in found.scenes[1].description and "good" not in found.scenes[1].description
    assert [(warning.code, warning.path) for warning in found.warnings] == [
        ("description_measured", "/images/1")
    ]


def test_a051_without_a_hint_the_language_is_english_or_as_the_narration_is_written(
    desk: Desk, service: VisionService
):
    service.next("ok", "foreign", "foreign")
    found = desk.describe(narrationText=NARRATION)
    assert [source for _, source in told(found)] == [Source.MODEL, Source.MEASURED, Source.MODEL]
    service.next("foreign")
    found = desk.describe(narrationText="一个男人在街上走着。他停下来。天黑了。")
    assert told(found)[0] == ("一个男人在街上", Source.MODEL)


def test_a051_a_hint_that_the_model_does_not_follow_is_told_of(desk: Desk):
    for language, warned in (("ja", True), ("ru-RU", True), ("ja-Latn", False), ("en", False)):
        found = desk.describe(hints={"languageCode": language})
        assert told(found) == GOOD
        codes = [(warning.code, warning.path) for warning in found.warnings]
        assert codes == [("language_not_supported", "/metadata/hints/languageCode")] * warned


def test_a055_a_text_that_is_too_long_is_cut_at_a_sentence(desk: Desk, service: VisionService):
    service.next("overlong")
    found = desk.describe(narrationText=NARRATION)
    first = found.scenes[0]
    assert len(first.description) <= 200 and first.description.endswith("tell of.")
    assert first.anchor_text is not None and first.anchor_text in NARRATION


@pytest.mark.parametrize("plan", ["foreign_cue", "steering"])
def test_words_that_nobody_narrated_are_no_cue(desk: Desk, service: VisionService, plan: str):
    service.next(plan, plan, plan)
    found = desk.describe(narrationText=NARRATION)
    for scene in found.scenes:
        assert scene.start_cue_text in NARRATION and scene.anchor_text in NARRATION  # type: ignore[operator]  # each has both
        assert scene.description.isprintable() and "\u202e" not in scene.description


def test_a_model_that_says_what_is_forbidden_is_not_passed_on(desk: Desk, service: VisionService):
    service.next("ok", "forbidden")
    found = desk.describe()
    assert "zonkish" not in str(found)
    assert found.scenes[1].description_source is Source.MEASURED


def test_a_forbidden_word_of_the_request_is_refused_before_anybody_is_asked(
    desk: Desk, service: VisionService
):
    with pytest.raises(TaskFailure) as caught:
        desk.describe(narrationText="A Zonkish tale.")
    assert (caught.value.failure, caught.value.public_code) == (
        FailureClass.POLICY,
        "content_policy_violation",
    )
    assert not service.asked


def test_a_service_without_schemas_is_asked_without_one_from_then_on(desk: Desk, service: VisionService):
    service.next("no_schema")
    assert told(desk.describe()) == GOOD
    assert ["response_format" in body for body in service.asked] == [True, False, False, False]


def test_a_picture_that_it_will_not_take_is_measured(desk: Desk, service: VisionService):
    service.next("ok", "bad_picture", "bad_picture", "bad_picture", "bad_picture")
    sources = [source for _, source in told(desk.describe())]
    assert sources == [Source.MODEL, Source.MEASURED, Source.MODEL]


@pytest.mark.parametrize("plan", ["chatter", "bad_picture"])
def test_a_model_of_no_use_at_all_fails_the_attempt_so_that_another_is_asked(
    desk: Desk, service: VisionService, plan: str
):
    service.next(*[plan] * 12)
    with pytest.raises(TaskFailure) as caught:
        desk.describe()
    assert caught.value.failure is FailureClass.CORRUPT_OUTPUT


@pytest.mark.parametrize(
    ("plan", "failure"),
    [
        ("busy", FailureClass.CAPACITY),
        ("broken_down", FailureClass.TRANSIENT),
        ("refuse", FailureClass.PROVIDER_AUTH),
        ("hang", FailureClass.TIMEOUT),
        ("drop", FailureClass.TRANSIENT),
    ],
)
def test_a_service_that_does_not_answer_is_told_of_as_what_it_is(
    desk: Desk, service: VisionService, plan: str, failure: FailureClass
):
    service.next("ok", plan, plan)
    with pytest.raises(TaskFailure) as caught:
        desk.describe()
    assert caught.value.failure is failure
    assert KEY not in caught.value.message
    if plan == "busy":
        assert caught.value.retry_after_s == 7


def test_an_answer_without_end_is_cut_off(desk: Desk, service: VisionService):
    service.next("ok", "endless", "endless")
    sources = [source for _, source in told(desk.describe())]
    assert sources == [Source.MODEL, Source.MEASURED, Source.MODEL]


def test_a_call_that_hangs_ends_when_the_job_is_cancelled(desk: Desk, service: VisionService):
    service.next("hang")
    desk.is_stopped = True
    with pytest.raises(Cancelled):
        desk.describe()


def test_every_misbehaviour_at_once_brings_only_what_may_be_passed_on(desk: Desk, service: VisionService):
    for plan in CONTENTS:
        service.next("ok", plan, plan)
        found = desk.describe(narrationText=NARRATION, hints={"languageCode": "en"})
        assert [scene.description for scene in found.scenes if len(scene.description) > 200] == []
        for scene in found.scenes:
            assert scene.description.isprintable()
            assert scene.start_cue_text is None or scene.start_cue_text in NARRATION
            assert scene.anchor_text is None or scene.anchor_text in NARRATION
