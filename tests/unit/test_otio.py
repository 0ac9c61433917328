"""A timeline as OpenTimelineIO, read again by OpenTimelineIO's own library. Issue 4 item 9."""

from fractions import Fraction

import pytest

from farm.otio import as_otio
from farm.timeline import (
    AudioClip,
    AudioTrack,
    Media,
    MediaKind,
    Motion,
    Position,
    Rate,
    TextClip,
    TextTrack,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)

otio = pytest.importorskip("opentimelineio")

NTSC = Rate(num=30_000, den=1001)


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    """A still, a gap, a film that ends too soon, a film from its middle; looped music and a made sound."""
    fade = Transition(type="crossfade", before_frames=7, after_frames=8)
    return Timeline(
        name="Früh am Morgen",
        rate=NTSC,
        width=1080,
        height=1920,
        media=(
            Media(id="a1", kind=MediaKind.IMAGE, name="fog.jpg"),
            Media(id="a2", kind=MediaKind.VIDEO, name="stream.mp4", duration=Fraction(2)),
            Media(id="a3", kind=MediaKind.AUDIO, name="song.mp3", duration=Fraction(3)),
            Media(id="a4", kind=MediaKind.AUDIO, name="whoosh", builtin="sfx/whoosh"),
        ),
        video=(
            VideoTrack(
                clips=(
                    VideoClip(media="a1", start_frame=0, end_frame_exclusive=60, motion=Motion.KEN_BURNS),
                    VideoClip(media="a2", start_frame=70, end_frame_exclusive=160, name="the stream"),
                    VideoClip(
                        media="a2",
                        start_frame=160,
                        end_frame_exclusive=190,
                        source_start=Fraction(1, 2),
                        source_end=Fraction(3, 2),
                        transition=fade,
                    ),
                )
            ),
        ),
        audio=(
            AudioTrack(
                clips=(
                    AudioClip(media="a3", start_sample=0, end_sample_exclusive=304_304, loop=True, gain=0.5),
                )
            ),
            AudioTrack(
                clips=(AudioClip(media="a4", start_sample=48_048, end_sample_exclusive=72_072),), role="sfx"
            ),
        ),
        text=(
            TextTrack(
                clips=(
                    TextClip(
                        text="Fog",
                        start_frame=6,
                        end_frame_exclusive=36,
                        template="title",
                        position=Position.BOTTOM,
                    ),
                )
            ),
        ),
    )


@pytest.fixture(scope="module")
def read(timeline):
    return otio.adapters.read_from_string(as_otio(timeline), "otio_json")


def frames(item):
    """Where a thing lies in its track."""
    placed = item.range_in_parent()
    return item.name, int(placed.start_time.value), int(placed.duration.value)


def test_every_clip_lies_where_the_timeline_has_it_at_the_exact_rate(read):
    assert read.name == "Früh am Morgen"
    picture, music, sound = read.tracks
    assert [track.kind for track in read.tracks] == ["Video", "Audio", "Audio"]
    assert [frames(clip) for clip in picture.find_clips()] == [
        ("fog.jpg", 0, 60),
        ("the stream", 70, 60),
        ("the stream", 130, 30),
        ("stream.mp4", 160, 30),
    ]
    assert [frames(clip) for clip in music.find_clips()] == [
        ("song.mp3", 0, 90),
        ("song.mp3", 90, 90),
        ("song.mp3", 180, 10),
    ]
    assert [frames(clip) for clip in sound.find_clips()] == [("whoosh", 30, 15)]
    assert read.duration() == otio.opentime.RationalTime(190, 30_000 / 1001)


def test_sources_are_trimmed_and_what_ends_too_soon_is_held(read):
    still, moving, held, trimmed = read.tracks[0].find_clips()
    assert still.media_reference.available_range.duration.value == 60
    assert (moving.source_range.start_time.value, moving.source_range.duration.value) == (0, 60)
    (freeze,) = held.effects
    assert isinstance(freeze, otio.schema.FreezeFrame) and held.source_range.start_time.value == 59
    assert (trimmed.source_range.start_time.value, trimmed.source_range.duration.value) == (15, 30)
    assert trimmed.media_reference.target_url == "stream.mp4"
    assert trimmed.media_reference.available_range.duration.value == 60


def test_transitions_never_move_a_cut(read):
    (transition,) = [item for item in read.tracks[0] if isinstance(item, otio.schema.Transition)]
    assert transition.transition_type == otio.schema.TransitionTypes.SMPTE_Dissolve
    assert (transition.in_offset.value, transition.out_offset.value) == (7, 8)


def test_what_it_has_no_words_for_is_told_beside(read):
    (marker,) = read.tracks.markers
    assert (marker.name, marker.marked_range.start_time.value, marker.marked_range.duration.value) == (
        "Fog",
        6,
        30,
    )
    assert marker.metadata["kinefarm"]["position"] == "bottom"
    assert read.tracks[0][0].metadata["kinefarm"]["motion"] == "ken-burns"
    assert read.tracks[1][0].metadata["kinefarm"]["gain"] == 0.5
    whoosh = next(iter(read.tracks[2].find_clips())).media_reference
    assert isinstance(whoosh, otio.schema.GeneratorReference) and whoosh.generator_kind == "sfx/whoosh"
    assert read.metadata["kinefarm"]["width"] == 1080


def test_equal_timelines_give_equal_text_and_the_library_finds_nothing_to_change(timeline, read):
    assert as_otio(timeline) == as_otio(Timeline.model_validate(timeline.model_dump(mode="json")))
    again = otio.adapters.read_from_string(otio.adapters.write_to_string(read, "otio_json"), "otio_json")
    assert again.is_equivalent_to(read)


def test_other_transitions_keep_their_names(timeline):
    clip = timeline.video[0].clips[2]
    turned = clip.model_copy(
        update={"transition": Transition(type="clock-wipe", before_frames=5, after_frames=5)}
    )
    clips = (*timeline.video[0].clips[:2], turned)
    changed = timeline.model_copy(update={"video": (VideoTrack(clips=clips),)})
    read = otio.adapters.read_from_string(as_otio(changed), "otio_json")
    (transition,) = [item for item in read.tracks[0] if isinstance(item, otio.schema.Transition)]
    assert (transition.transition_type, transition.name) == ("Custom_Transition", "clock-wipe")
