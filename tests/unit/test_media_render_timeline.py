"""A media render of a timeline that the caller brings along as OpenTimelineIO. Issue 4 item 9."""

import json
from fractions import Fraction
from typing import Any

import pytest

from farm.catalog import read_catalog
from farm.errors import BadRequest
from farm.kinds import kind_named
from farm.otio import as_otio
from farm.settings import Settings
from farm.timeline import (
    AudioClip,
    AudioTrack,
    Media,
    MediaKind,
    Rate,
    TextClip,
    TextTrack,
    Timeline,
    VideoClip,
    VideoTrack,
)
from tasks.media_render import MediaRender, timeline_of
from tasks.media_render.imported import imported
from tasks.media_render.params import DEFAULT_TEMPLATE
from tasks.media_render.voiceover import Speech
from tests.unit.test_media_render_kind import render

FILES = ("a.png", "b.mp4", "song.mp3")


def cut(timeline: Timeline) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(as_otio(timeline))
    return found


@pytest.fixture
def rich() -> Timeline:
    """What a render with nearly everything lays out."""
    return timeline_of(
        render(
            *FILES,
            fps=25,
            aspect_ratio="16:9",
            transition_types=["clock-wipe"],
            placements=[
                {"asset_id": "a.png", "duration_s": 2},
                {"asset_id": "b.mp4", "source_start_s": 0.33},
            ],
            hook_text="Hello",
            bgm_asset_id="song.mp3",
            sfx=True,
        )
    )


def test_a_render_s_own_timeline_renders_again_as_it_was(rich):
    again = timeline_of(render(*FILES, timeline=cut(rich)))
    assert again.model_copy(update={"media": ()}) == rich.model_copy(
        update={
            "media": (),
            "audio": tuple(
                track.model_copy(
                    update={
                        "clips": tuple(
                            clip.model_copy(update={"media": clip.media.replace("builtin:", "edit:")})
                            for clip in track.clips
                        )
                    }
                )
                for track in rich.audio
            ),
        }
    )
    assert {medium.builtin or medium.id for medium in again.media} == {*FILES, "sfx/click"}


def test_media_are_found_by_name_and_what_is_asked_for_beside_is_added(rich):
    base = render(*FILES, timeline=cut(rich), bgm_query="calm", clip_volume=0.5, fit="contain")
    moved = [a.model_copy(update={"asset_id": f"asset_{n}"}) for n, a in enumerate(base.assets)]
    timeline = timeline_of(base.model_copy(update={"assets": tuple(moved)}))
    assert [clip.media for clip in timeline.video[0].clips] == ["asset_0", "asset_1"]
    assert {(clip.sound_gain, clip.fit.value) for clip in timeline.video[0].clips} == {(0.5, "contain")}
    assert [track.name for track in timeline.audio] == ["music", "effects", "music"]
    kind = kind_named("media-render")
    params = base.model_copy(update={"assets": tuple(moved)})
    (task,) = kind.plan(params)
    assert set(task.inputs) == {"asset_0", "asset_1", "asset_2"}
    assert task.params["notes"] == []
    assert kind.price_mc(params, read_catalog(Settings())) > 0


def simple(**changes: Any) -> Timeline:
    clip = VideoClip(media="a.png", start_frame=0, end_frame_exclusive=50, name="a.png")
    made = Timeline(
        name="cut",
        rate=Rate.of(25),
        width=640,
        height=360,
        media=(Media(id="a.png", kind=MediaKind.IMAGE, name="a.png"),),
        video=(VideoTrack(clips=(clip,)),),
    )
    return made.model_copy(update=changes)


def test_a_name_with_percent_signs_is_meant_as_it_is_or_as_urls_have_it():
    """A cut composed for Premiere is percent-encoded."""
    medium = Media(id="other", kind=MediaKind.IMAGE, name="day%201/50%25.png")
    clip = VideoClip(media="other", start_frame=0, end_frame_exclusive=50)
    asked = cut(simple(media=(medium,), video=(VideoTrack(clips=(clip,)),)))
    for names, meant in ((("50%.png",), "50%.png"), (("50%.png", "50%25.png"), "50%25.png")):
        assert imported(render(*names, timeline=asked)).timeline.video[0].clips[0].media == meant


def test_what_a_render_does_not_know_is_put_as_near_as_can_be_and_told():
    large = cut(simple(width=3840, height=2160))
    large["tracks"]["children"][0]["children"].insert(
        0,
        {
            "OTIO_SCHEMA": "Transition.1",
            "name": "Star Wipe",
            "transition_type": "Custom_Transition",
            "in_offset": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 0},
            "out_offset": {"OTIO_SCHEMA": "RationalTime.1", "rate": 25, "value": 10},
        },
    )
    timeline, notes = imported(render("a.png", timeline=large))
    assert (timeline.width, timeline.height) == (1920, 1080)
    transition = timeline.video[0].clips[0].transition
    assert transition is not None and (transition.type, transition.after_frames) == ("crossfade", 10)
    assert "3840x2160" in notes[0] and "Star Wipe" in notes[1]


def test_a_voiceover_may_speak_over_it_and_the_last_picture_stays_until_all_was_said():
    said = {"voice_id": "svoice_espeak_en-us_female", "lines": [{"text": "Hello"}, {"text": "Bye"}]}
    params = render("a.png", timeline=cut(simple()), voiceover=said)
    short, long = (
        timeline_of(params, speech=Speech(lengths=(Fraction(1, 2), s))) for s in (Fraction(1, 4), Fraction(2))
    )
    assert [timeline.video[0].clips[0].end_frame_exclusive for timeline in (short, long)] == [50, 92]
    voice = [track for track in long.audio if track.is_voice]
    assert [clip.media for track in voice for clip in track.clips] == ["voiceover"] * 2


def test_texts_take_a_look_by_name_or_id_and_those_of_nothing_are_left_out():
    texts = {"A": "Headline Bar", "B": "cloud-tag", "C": "neon", "\u200b \u2060": "title"}
    clips = tuple(
        TextClip(text=text, start_frame=0, end_frame_exclusive=25, template=look)
        for text, look in texts.items()
    )
    timeline, notes = imported(render("a.png", timeline=cut(simple(text=(TextTrack(clips=clips),)))))
    assert [(clip.text, clip.template) for clip in timeline.text[0].clips] == [
        ("A", "headline-bar"),
        ("B", "cloud-tag"),
        ("C", DEFAULT_TEMPLATE),
    ]
    assert notes == (
        "A text with nothing to see in it is left out.",
        f"The text template 'neon' is not known; it is {DEFAULT_TEMPLATE}.",
    )


@pytest.mark.parametrize(
    ("params", "param", "said"),
    [
        ({"placements": [{"asset_id": "a.png"}]}, "placements", "not both"),
        ({"durations": [{"asset_id": "a.png", "duration_s": 1}]}, "durations", "not both"),
        ({"transition_types": ["fade"]}, "transition_types", "not both"),
        ({"beat_sync": True}, "beat_sync", "not both"),
        ({"fps": 25}, "fps", "not both"),
        ({"timeline": {}}, "timeline", "is not Timeline.1"),
        ({"timeline": cut(simple(video=()))}, "timeline", "no picture"),
        ({"timeline": cut(simple(rate=Rate.of(120)))}, "timeline", "120 pictures per second"),
        ({"timeline": cut(simple(sample_rate=96_000))}, "timeline", "96000 samples"),
    ],
)
def test_what_cannot_be_rendered_is_refused(params, param, said):
    with pytest.raises(BadRequest, match=said) as caught:
        timeline_of(render("a.png", **({"timeline": cut(simple())} | params)))
    assert caught.value.param == param


def test_all_files_that_are_not_there_are_named_at_once():
    clips = tuple(
        VideoClip(media=name, start_frame=10 * n, end_frame_exclusive=10 * n + 10)
        for n, name in enumerate(("x.mov", "y.mov", "song.mp3", "twice.png"))
    )
    media = [Media(id=clip.media, kind=MediaKind.VIDEO, name=clip.media) for clip in clips]
    media.append(Media(id="boom", kind=MediaKind.AUDIO, name="boom", builtin="sfx/../../boom"))
    boom = AudioTrack(clips=(AudioClip(media="boom", start_sample=0, end_sample_exclusive=48_000),))
    asked = render(
        "song.mp3",
        "twice.png",
        "twice.png",
        timeline=cut(simple(media=media, video=[VideoTrack(clips=clips)], audio=[boom])),
    )
    renamed = [a.model_copy(update={"asset_id": f"asset_{n}"}) for n, a in enumerate(asked.assets)]
    with pytest.raises(BadRequest) as caught:
        timeline_of(asked.model_copy(update={"assets": tuple(renamed)}))
    for word in (
        "'x.mov': no asset",
        "'y.mov': no asset",
        "song.mp3 is sound",
        "'twice.png': several",
        "sfx/../../boom",
    ):
        assert word in caught.value.message


def test_a_long_timeline_is_too_long():
    long = VideoTrack(clips=(VideoClip(media="a.png", start_frame=0, end_frame_exclusive=100_000),))
    with pytest.raises(BadRequest, match="longer than 60 minutes"):
        timeline_of(render("a.png", timeline=cut(simple(video=(long,)))))
    assert isinstance(
        MediaRender.model_validate(render("a.png", timeline=cut(simple())).model_dump()), MediaRender
    )
    assert timeline_of(render("a.png", timeline=cut(simple()))).duration == Fraction(2)
