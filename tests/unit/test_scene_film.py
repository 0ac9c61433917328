"""scene-film: timestamps become a manifest that compose-otio takes as it is, exact to the frame."""

import json
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from farm.catalog import read_catalog
from farm.errors import BadRequest
from farm.settings import Settings
from tasks.compose_otio import compose
from tasks.scene_film import KIND, SceneFilm
from tasks.scene_film.manifest import manifest_of, read, stand_in
from tasks.scene_timestamps.outputs import TimestampsFile, file_of
from tests.narrations import narration
from workers.asr_align.placing import placed

CATALOG = read_catalog(Settings())
TOLD = narration(4, scenes=5)


def timed(**changes: Any) -> TimestampsFile:
    params = TOLD.asked(**changes)
    made = file_of(placed(TOLD.heard(known=True), params), params)
    return read(made.model_dump_json().encode(), "timestamps.json")


def asked(**changes: Any) -> SceneFilm:
    images = [{"asset_id": f"asset_{n}", "file_name": f"scene-{n}.png"} for n in range(5)]
    narration = {"asset_id": "asset_n", "file_name": "narration.wav"}
    return SceneFilm.model_validate(
        {"images": images, "narration": narration, "timestamps": "timed.timestamps", **changes}
    )


@pytest.mark.parametrize("offset_ms", [0, 1500])
@pytest.mark.parametrize("fps", [25, 29.97])
def test_every_picture_lasts_its_scene_and_the_narration_is_whole(offset_ms: int, fps: float) -> None:
    scenes = timed(start_offset_ms=offset_ms)
    made = compose(manifest_of(asked(fps=fps), scenes))
    (pictures,), (sounds,) = made.timeline.video, made.timeline.audio
    rate = made.timeline.rate
    assert len(pictures.clips) == 5 and pictures.clips[0].start_frame == 0
    for before, after in pairwise(pictures.clips):
        assert before.end_frame_exclusive == after.start_frame
    end = Fraction(offset_ms + scenes.duration_ms, 1000)
    assert abs(made.timeline.duration - end) <= 1 / rate.fps
    (sound,) = sounds.clips
    assert sound.start_sample == offset_ms * made.timeline.sample_rate // 1000
    for clip, scene in list(zip(pictures.clips, scenes.scenes, strict=True))[1:]:
        cut = scene.transition
        middle = Fraction(2 * cut.start_ms + cut.duration_ms, 2000)
        assert abs(rate.seconds(clip.start_frame) - middle) <= Fraction(1, 2) / rate.fps + Fraction(1, 5000)
        assert bool(clip.transition) == bool(cut.duration_ms)
    markers = json.loads(made.otio)["tracks"]["markers"]
    assert len(markers) == 5


def test_plain_cuts_are_at_the_first_words() -> None:
    scenes = timed()
    made = compose(manifest_of(asked(transitions="cut"), scenes))
    starts = [clip.start_frame for clip in made.timeline.video[0].clips]
    assert starts == [0, *(round(scene.start_ms * 25 / 1000) for scene in scenes.scenes[1:])]
    assert not any(clip.transition for clip in made.timeline.video[0].clips)


def test_what_does_not_go_together_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match="4 pictures for 5 scenes"):
        manifest_of(asked(images=asked().images[:4]), timed())
    with pytest.raises(BadRequest, match="at most 10 s") as refused:
        manifest_of(asked(max_duration_s=10), timed())
    assert refused.value.public_code == "film_too_long"
    for raw in (b"{", b"{}", b'{"scenes": []}'):
        with pytest.raises(BadRequest, match=r"is no timestamps\.json"):
            read(raw, "x.json")
    unlikely: tuple[dict[str, Any], ...] = (
        {"images": []},
        {"fps": 0},
        {"width": 15},
        {"narration": {"asset_id": "a", "file_name": "a/b"}},
    )
    for wrong in unlikely:
        with pytest.raises(ValidationError):
            asked(**wrong)
    with pytest.raises(BadRequest):
        KIND.plan(asked(fps=23.5))


def test_pictures_of_one_name_are_files_of_their_own() -> None:
    names = ("photo.png", "photo.png", "2-photo.png", "other.png", "photo.png")
    images = [{"asset_id": f"asset_{n}", "file_name": name} for n, name in enumerate(names)]
    manifest = manifest_of(asked(images=images), timed())
    paths = [medium.name for medium in compose(manifest).timeline.media]
    assert paths == [
        "images/photo.png",
        "images/photo (2).png",
        "images/2-photo.png",
        "images/other.png",
        "images/photo (3).png",
        "audio/narration.wav",
    ]


def starting(scenes: TimestampsFile, index: int, start_ms: int, cut_ms: int) -> TimestampsFile:
    """The same with one scene elsewhere, behind a plain cut."""
    there = scenes.scenes[index]
    cut = there.transition.model_copy(update={"type": "cut", "start_ms": cut_ms, "duration_ms": 0})
    moved = there.model_copy(update={"start_ms": start_ms, "transition": cut})
    found = (*scenes.scenes[:index], moved, *scenes.scenes[index + 1 :])
    return scenes.model_copy(update={"scenes": found})


def test_a_scene_that_no_frame_could_show_is_named_with_what_helps() -> None:
    scenes = timed()
    near, end = scenes.scenes[1].start_ms + 1, scenes.duration_ms - 3
    for moved, at, number in ((2, near, 2), (4, end, 5)):
        with pytest.raises(BadRequest, match=rf"Scene {number} .*min_scene_ms") as refused:
            manifest_of(asked(transitions="cut"), starting(scenes, moved, at, at))
        assert refused.value.public_code == "scene_too_short"


def test_a_marker_lies_within_the_picture() -> None:
    scenes = timed()
    late = starting(scenes, 4, scenes.duration_ms - 3, scenes.duration_ms - 300)
    made = compose(manifest_of(asked(), late))
    marker = json.loads(made.otio)["tracks"]["markers"][4]["marked_range"]["start_time"]
    assert marker["value"] == made.timeline.end_frame_exclusive - 1


def test_the_price_covers_the_longest_film_and_ends_at_the_true_one() -> None:
    held = KIND.price_mc(asked(max_duration_s=600), CATALOG)
    assert held == 4_000 + 10 * 5_000
    assert KIND.price_mc(asked(render=False), CATALOG) == 4_000
    (task,) = KIND.plan(asked())
    assert task.inputs[0] == "timed.timestamps" and set(task.inputs) >= {"asset_n", "asset_0", "asset_4"}
    assert compose(stand_in(asked(render=False))).duration_s == pytest.approx(600, abs=0.2)
