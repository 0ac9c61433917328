"""Shots of one film: where each lies, what it is asked for, and how it becomes the next."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from farm.catalog import read_catalog
from farm.kinds import TaskSpec
from farm.settings import Settings
from tasks.camera import Camera
from tasks.generate_video import GenerateVideo
from tasks.multi_shot import KIND, MultiShot, Shot, Transition, timeline_of, video_of
from tasks.multi_shot.director import cameras_of, transitions_of
from tasks.multi_shot.layout import lay_out

CUT, CROSSFADE, CONTINUOUS = Transition.CUT, Transition.CROSSFADE, Transition.CONTINUOUS


def film(*joins: Transition, length_s: int = 9, **more: Any) -> MultiShot:
    shots = tuple(Shot(prompt=f"shot {number}") for number in range(len(joins) + 1))
    return MultiShot(
        prompt="shot 0",
        shots=shots,
        transitions=joins,
        length_s=Decimal(length_s),
        **{"width": 640, "height": 360, **more},
    )


def planned(params: MultiShot) -> dict[str, TaskSpec]:
    return {task.name: task for task in KIND.plan(params)}


def test_c066_the_film_is_as_long_as_asked_whatever_joins_its_shots() -> None:
    for joins in ((CUT, CUT), (CROSSFADE, CONTINUOUS), (CONTINUOUS, CROSSFADE)):
        places = lay_out(Decimal(10), 3, joins)
        assert (places[0].start_frame, places[-1].end_frame_exclusive) == (0, 240)
        assert [place.frames for place in places] == [80, 80, 80]
        assert timeline_of(film(*joins, length_s=10)).end_frame_exclusive == 240


def test_c075_a_crossfade_has_frames_of_both_shots_and_a_continuation_shows_no_frame_twice() -> None:
    first, second, third = lay_out(Decimal(9), 3, (CROSSFADE, CONTINUOUS))
    assert (first.head, first.tail, first.asked) == (0, 6, 78)
    assert (second.head, second.tail, second.asked) == (6, 0, 78)
    assert (third.head, third.tail, third.asked) == (1, 0, 73)
    assert [clip.transition for clip in timeline_of(film(CROSSFADE, CONTINUOUS)).video[0].clips][2] is None
    assert round(Decimal(24) * second.asked_s) == 78


def test_c075_a_shot_that_goes_on_waits_for_the_frame_that_the_one_before_is_last_seen_with() -> None:
    tasks = planned(film(CONTINUOUS, CUT))
    assert list(tasks) == ["shot-1", "frame-1", "shot-2", "shot-3", "render"]
    frame = {"video": "shot-1.video", "picture": "shot-1.picture", "frame": 71, "frame_rate": 24}
    assert tasks["frame-1"].params == frame
    assert tasks["shot-1"].params["hand_on_s"] == 71 / 24
    assert tasks["shot-2"].params["hand_on_s"] is None
    assert tasks["shot-2"].needs == ("frame-1",)
    assert tasks["shot-2"].params["image"] == "frame-1.picture"
    assert tasks["shot-2"].inputs == ()  # it comes with what it needs
    assert tasks["shot-2"].route is not None and tasks["shot-2"].route.capability == "image-to-video"
    assert tasks["shot-3"].needs == ()
    assert tasks["render"].needs == ("shot-1", "shot-2", "shot-3")


def test_c076_a_keyframe_begins_the_first_shot_and_is_shown_to_the_others() -> None:
    params = film(CUT, image="asset_key", is_anchor=True, images=("asset_a",))
    assert [video_of(params, number).image for number in range(2)] == ["asset_key", None]
    assert video_of(params, 1).images == ("asset_key", "asset_a")
    assert video_of(film(CUT, image="asset_key"), 1).images == ()


def test_c072_c073_each_shot_has_its_own_camera_and_liveliness_in_words() -> None:
    shots = (
        Shot(prompt="A chase.", camera=Camera(truck=8, tilt=-2), motion=0.9, cfg=0.7),
        Shot(prompt="A rest.", motion=0.1),
    )
    params = film(CUT).model_copy(update={"shots": shots})
    said = [str(task.params["prompt"]) for task in KIND.plan(params)[:2]]
    assert said[0] == "A chase. Fast truck right, then slow tilt down, fast, dynamic movement."
    assert said[1].endswith("Slow motion, calm movement.")
    assert video_of(params, 0).cfg == 0.7


def test_a_film_costs_what_its_shots_cost() -> None:
    assert KIND.price_mc(film(CUT, CUT), read_catalog(Settings())) == 0  # "auto" is the animatic here


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"transitions": (CUT, CUT)}, "2 shots have 1 between them"),
        ({"length_s": 1}, "2 shots need 2 s"),
        ({"shots": (Shot(prompt="alone"),), "transitions": ()}, "at least 2"),
    ],
)
def test_what_does_not_fit_together_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MultiShot.model_validate(film(CUT).model_dump() | changes)


def test_c067_a_director_cuts_goes_on_or_fades_as_the_words_say() -> None:
    prompts = [
        "Camera pans right over a dense neon-lit cyberpunk city. Flying cars zip past.",
        "Cut to a close-up of a cyborg detective lighting a cigarette.",
        "The camera pulls back quickly to reveal the detective on the edge of a skyscraper.",
        "A quiet harbour at dawn.",
    ]
    assert transitions_of(prompts) == [CUT, CONTINUOUS, CROSSFADE]
    first, *_, last = cameras_of(prompts)
    assert first is None  # it names a move itself
    assert last is not None and last.words


def test_a_prompt_without_more_is_told_as_it_was_written() -> None:
    assert GenerateVideo(prompt="A fox").full_prompt == "A fox"
    assert GenerateVideo(prompt="A fox", camera_angle="low-angle").for_engines.prompt.startswith("A fox. Low")


def test_c070_what_is_said_of_the_camera_is_moderated_with_the_prompts() -> None:
    """It becomes words of every shot's prompt, as generate-video has it."""
    assert KIND.told is not None
    told = KIND.told(film(CUT, camera_angle="low-angle"))
    assert told.texts == {
        "prompt": "shot 0",
        "multi_shot_prompts[0]": "shot 1",
        "camera_angle": "low-angle",
    }
