"""Long films, rendered in segments and joined: frame by frame what the segments are, and what one pass is."""

import shutil
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest

from farm.encoders import STANDARD, EncoderProfile
from farm.errors import FailureClass, TaskFailure
from farm.kinds import TaskSpec, kind_named
from farm.timeline import AudioClip, AudioTrack, TextClip, TextTrack
from tasks.media_render import MediaRender
from tests.golden.render_scenes import MOVING, crossfade, decoded, montage, planes_of, psnr
from tests.h264 import HEIGHT, WIDTH, write_h264
from tests.media import coded, real_photo, tone, write_clip, write_sound
from tests.segment_rig import Attempt, Rig
from workers.cpu_render.compose import compose
from workers.cpu_render.plan import plan
from workers.cpu_render.render import shape_of
from workers.cpu_render.segments.part import part_of
from workers.cpu_render.segments.pictures import render_part
from workers.media.join import Piece, join
from workers.media.verify import verify_joins

pytestmark = pytest.mark.slow

ASTRONAUT, COFFEE, FLOWER = (real_photo(name) for name in ("astronaut", "coffee", "flower"))
FPS = 30
SEGMENT_S = 0.1  # of a film as small as this: 40 frames
CONFIG = f"""
[segments]
film_s = 0.0
segment_s = {SEGMENT_S}
incremental_segment_s = {SEGMENT_S}
"""


@pytest.fixture(scope="module", autouse=True)
def small_segments(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("config")
        (folder / "encode.toml").write_text(CONFIG)
        patch.setenv("FARM_CONFIG_DIR", str(folder))
        yield


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Photos that move, crossfaded and cut hard, a clip with its sound, texts and music: 180 frames."""
    folder = tmp_path_factory.mktemp("scene")
    song = write_sound(folder / "song.wav", tone(440, 7))
    clip = write_clip(
        folder / "clip.mp4",
        frames=60,
        pictures=[coded(number) for number in range(60)],
        sound=tone(880, 2),
    )
    texts = [
        TextClip(text="One", start_frame=0, end_frame_exclusive=35, template="title"),
        TextClip(text="Two", start_frame=100, end_frame_exclusive=150, template="title"),
    ]
    music = AudioClip(media=song.name, start_sample=0, end_sample_exclusive=180 * 1600, gain=0.3)
    timeline = montage(
        (ASTRONAUT, 50, MOVING),
        (COFFEE, 40, MOVING | {"transition": crossfade()}),
        (clip, 50, {"transition": crossfade()}),
        (FLOWER, 40, {}),
        width=320,
        height=180,
        audio=[(song, AudioTrack(clips=(music,)))],
        texts=texts,
    )
    return timeline, {path.name: path for path in (ASTRONAUT, COFFEE, FLOWER, clip, song)}


def task_of(timeline, files, step: str = "timeline", **params: Any) -> TaskSpec:
    given = {"timeline": timeline.model_dump(mode="json"), "file_name": "film.mp4", **params}
    return TaskSpec(name=step, step=step, pool="cpu-render", params=given, inputs=tuple(files))


def outputs_of(done):
    return {output.name: output for output in done.outputs}


@pytest.fixture(scope="module")
def in_segments(scene, tmp_path_factory):
    """The film in segments, with all that goes with it, in each profile once."""
    timeline, files = scene
    made = {}

    def of(profile="standard"):
        if profile not in made:
            rig = Rig(tmp_path_factory.mktemp(profile), files)
            extras = {"poster": True, "subtitles": True, "otio": True, "chapters": profile != "gif"}
            rig.run(task_of(timeline, files, profile=profile, contact_sheet=True, **extras))
            made[profile] = rig
        return made[profile]

    return of


@pytest.fixture(scope="module")
def in_one_pass(scene, tmp_path_factory):
    timeline, files = scene
    made = {}

    def of(profile="standard"):
        if profile not in made:
            rig = Rig(tmp_path_factory.mktemp(f"whole-{profile}"), files)
            extras = {"poster": True, "subtitles": True, "otio": True, "chapters": profile != "gif"}
            made[profile] = outputs_of(rig.run(task_of(timeline, files, "render", profile=profile, **extras)))
        return made[profile]

    return of


def segments_of(rig):
    names = sorted(name for name in rig.done if name.startswith("segment-"))
    return [outputs_of(rig.done[name])["segment"] for name in names]


def sound_of(path):
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def test_a_long_film_grows_segments_a_sound_and_their_join(in_segments):
    rig = in_segments()
    assert rig.made == [
        "timeline",
        "segment-000",
        "segment-001",
        "segment-002",
        "segment-003",
        "sound",
        "render",
    ]
    assert [len(decoded(each.path)) for each in segments_of(rig)] == [43, 40, 31, 66]
    assert all(each.intermediate for each in segments_of(rig))


@pytest.mark.parametrize("profile", ["standard", "vp9", "av1", "prores"])
def test_every_frame_is_that_of_its_segment_decoded_alone(in_segments, profile):
    rig = in_segments(profile)
    whole = [
        planes_of(f.reformat(format="yuv420p")) for f in decoded(outputs_of(rig.done["render"])["video"].path)
    ]
    alone = [
        planes_of(frame.reformat(format="yuv420p"))
        for each in segments_of(rig)
        for frame in decoded(each.path)
    ]
    assert len(whole) == len(alone) == 180
    assert {psnr(a, b) for a, b in zip(whole, alone, strict=True)} == {99.0}


@pytest.mark.parametrize("profile", ["standard", "vp9", "prores"])
def test_it_is_what_one_pass_makes_of_it(scene, in_segments, in_one_pass, profile):
    timeline, files = scene
    joined, whole = outputs_of(in_segments(profile).done["render"])["video"], in_one_pass(profile)["video"]
    assert (joined.file_name, joined.content_type) == (whole.file_name, whole.content_type)
    assert {**joined.meta} == {**whole.meta}
    drawn = [
        planes_of(composed.planes.frame)
        for composed in compose(plan(timeline), timeline, files, buffers=2)
        for _ in range(composed.frames)
    ]
    one, other = (likeness(video.path, drawn) for video in (joined, whole))
    assert np.mean(one) > np.mean(other) - 0.3
    assert min(one) > min(other) - 1  # in no segment another frame of the clip
    assert np.array_equal(sound_of(joined.path), sound_of(whole.path))
    assert described(joined.path) == described(whole.path)


def likeness(path, drawn):
    """The PSNR of each frame of a film."""
    shown = (planes_of(frame.reformat(format="yuv420p")) for frame in decoded(path))
    return [psnr(planes, wanted) for planes, wanted in zip(shown, drawn, strict=True)]


def described(path):
    """All that a player is told of a film before it decodes anything, its size aside."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        packets = [
            (packet.pts, packet.duration) for packet in container.demux(video) if packet.pts is not None
        ]
        context = video.codec_context
        return (
            [(chapter["start"], chapter["end"], chapter["metadata"]) for chapter in container.chapters()],
            container.duration,
            (video.average_rate, video.duration, video.width, video.height, video.pix_fmt, context.codec_tag),
            (context.colorspace, context.color_primaries, context.color_trc, context.color_range),
            (audio.duration, audio.start_time, audio.rate, audio.codec_context.name),
            sorted(packets),
        )


def test_by_products_are_those_of_the_whole_film(in_segments, in_one_pass):
    rig, whole = in_segments(), in_one_pass()
    made = outputs_of(rig.done["render"])
    assert made.keys() == {*whole, "contact-sheet"}
    for name in ("subtitles-srt", "subtitles-vtt", "otio"):
        assert made[name].path.read_text() == whole[name].path.read_text()
    assert made["poster"].meta == whole["poster"].meta
    assert rig.done["render"].result == {"frames": 180, "notes": []}


def test_the_films_index_comes_first(in_segments):
    video = outputs_of(in_segments().done["render"])["video"].path.read_bytes()
    assert 0 < video.find(b"moov") < video.find(b"mdat")


def test_a_gif_too(in_segments, in_one_pass):
    joined, whole = outputs_of(in_segments("gif").done["render"])["video"], in_one_pass("gif")["video"]
    assert "sound" not in in_segments("gif").done
    assert joined.path.suffix == ".gif" and {**joined.meta} == {**whole.meta}
    attempt = in_segments("gif").attempts["render"]
    joining = [done for done, stage in zip(attempt.fractions, attempt.stages, strict=True) if stage == "join"]
    assert joining == sorted(joining) and joining[-1] == 1  # of the film's frames, not of those written
    assert [planes_of(f.reformat(format="yuv420p"))[0].mean() for f in decoded(joined.path)] == pytest.approx(
        [planes_of(f.reformat(format="yuv420p"))[0].mean() for f in decoded(whole.path)], abs=0.5
    )


def test_progress_rises_from_task_to_task_and_never_falls(in_segments):
    rig = in_segments()
    tasks = [task for done in rig.done.values() for task in done.tasks]
    for name in ("timeline", "segment-000", "segment-001", "sound", "render"):
        fractions = rig.attempts[name].fractions
        assert fractions == sorted(fractions) and fractions[-1] > 0.7
    weights = {task.name: task.estimated_s for task in tasks}
    assert weights["segment-000"] == pytest.approx(weights["segment-001"], rel=0.4)


def changed(scene, **texts):
    timeline, files = scene
    clips = [
        clip.model_copy(update={"text": texts.get(clip.text, clip.text)}) for clip in timeline.text[0].clips
    ]
    return timeline.model_copy(update={"text": (TextTrack(clips=tuple(clips)),)}), files


def again(scene, rig, folder, **params):
    """Rendered once more, with what is left of the first time."""
    timeline, files = scene
    second = Rig(folder, files, kept=dict(rig.kept))
    second.run(task_of(timeline, files, **params))
    return second


def test_another_word_renders_only_the_segments_that_show_it(scene, in_segments, tmp_path):
    first = in_segments()
    second = again(changed(scene, One="Uno"), first, tmp_path / "words")
    assert second.made == ["timeline", "segment-000", "render"]
    same, other = (outputs_of(rig.done["render"])["video"].path for rig in (first, second))
    before, after = ([planes_of(f) for f in decoded(path)] for path in (same, other))
    equal = [psnr(a, b) == 99 for a, b in zip(before, after, strict=True)]
    assert not any(equal[5:30]) and all(equal[43:])


def test_nothing_changed_renders_nothing(scene, in_segments, tmp_path):
    assert again(scene, in_segments(), tmp_path / "same").made == ["timeline", "render"]


def test_another_volume_makes_only_the_sound_anew(scene, in_segments, tmp_path):
    timeline, files = scene
    track = timeline.audio[0]
    louder = track.model_copy(update={"clips": (track.clips[0].model_copy(update={"gain": 0.6}),)})
    quiet_clips = timeline.model_copy(update={"audio": (louder,)})
    assert again((quiet_clips, files), in_segments(), tmp_path).made == ["timeline", "sound", "render"]


def test_another_photo_of_the_same_name_is_another_segment(scene, in_segments, tmp_path):
    timeline, files = scene
    files = {**files, FLOWER.name: real_photo("china")}
    assert again((timeline, files), in_segments(), tmp_path).made == ["timeline", "segment-003", "render"]


def test_files_that_were_uploaded_again_are_the_same(scene, in_segments, tmp_path):
    timeline, files = scene
    document = timeline.model_dump_json()
    for number, name in enumerate(files):
        document = document.replace(f'"media":"{name}"', f'"media":"asset_{number}"')
        document = document.replace(f'"id":"{name}"', f'"id":"asset_{number}"')
    fresh = {f"asset_{number}": path for number, path in enumerate(files.values())}
    renamed = type(timeline).model_validate_json(document)
    assert again((renamed, fresh), in_segments(), tmp_path).made == ["timeline", "render"]


def test_another_profile_shares_no_segment(in_segments):
    assert not in_segments("standard").kept.keys() & in_segments("vp9").kept.keys()


def test_the_same_segment_further_back_is_the_same(scene, in_segments, tmp_path):
    """A photo put in front moves everything, and changes nothing of the segments that begin with a cut."""
    timeline, files = scene
    video = timeline.video[0]
    late = [
        c.model_copy(
            update={"start_frame": c.start_frame - 140, "end_frame_exclusive": c.end_frame_exclusive - 140}
        )
        for c in video.clips[3:]
    ]
    short = timeline.model_copy(
        update={"video": (video.model_copy(update={"clips": tuple(late)}),), "text": ()}
    )
    rig = Rig(tmp_path, files)
    done = rig.run(task_of(short, files))
    assert rig.made == ["timeline", "render"]  # too short to cut: one task renders it all
    assert len(decoded(outputs_of(done)["video"].path)) == 40


def test_reading_a_film_back_is_progress_too(in_segments):
    """Of ProRes it decodes every frame, which for a long film takes longer than a task may seem to stand."""
    attempt = in_segments("prores").attempts["render"]
    joining = [done for done, stage in zip(attempt.fractions, attempt.stages, strict=True) if stage == "join"]
    assert len(set(joining)) == 2 * 180 and joining == sorted(joining) and joining[-1] == 1


def test_segments_of_a_single_frame_fit_too(scene, tmp_path):
    """Their encoder reorders nothing, that of the others does."""
    timeline, files = scene
    edges, pieces = (0, 1, 3, 40, 41), []
    for start, end in pairwise(edges):
        out = tmp_path / f"{start}.mp4"
        part = part_of(timeline, start, end)
        render_part(part, files, out, STANDARD, Attempt(tmp_path / str(start)))
        pieces.append(Piece(out, end - start))
    film = tmp_path / "film.mp4"
    shape = replace(shape_of(timeline), frames=41, samples=0)
    join(pieces, None, film, shape, STANDARD, lambda _done: None)
    assert len(decoded(film)) == 41
    verify_joins(film, STANDARD.format, edges[1:-1])
    with pytest.raises(TaskFailure, match="no keyframe is at its join at 20"):
        verify_joins(film, STANDARD.format, [20])


QUICK = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=error"},
    "libsvtav1": {"preset": "12"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


@pytest.mark.parametrize("encoder", QUICK)
def test_segments_of_workers_with_more_processors_fit_the_others(scene, tmp_path, encoder):
    """x265 tells in front of a film of its threads and its processor; no decoder goes by that."""
    timeline, files = scene
    pieces, profile = [], EncoderProfile(encoder=encoder, options=QUICK[encoder])
    for threads, (start, end) in zip((1, 4), ((0, 12), (12, 24)), strict=True):
        out = tmp_path / f"{start}.mp4"
        settings = profile.model_copy(update={"threads": threads})
        render_part(part_of(timeline, start, end), files, out, settings, Attempt(tmp_path / str(start)))
        pieces.append(Piece(out, end - start))
    film = tmp_path / f"film{profile.format.suffix}"
    join(pieces, None, film, replace(shape_of(timeline), frames=24, samples=0), profile, lambda _done: None)
    assert len(decoded(film)) == 24


def test_a_long_film_of_which_little_is_left_to_be_encoded_is_copied_in_one_task(tmp_path):
    """However long its edges take: segments would encode all of it, and lose what was untouched."""
    clip = write_h264(tmp_path / "clip.mp4", 240)
    timeline = montage((clip, 200, {"source_start": Fraction(20, 30)}), width=WIDTH, height=HEIGHT)
    rig = Rig(tmp_path / "rig", {clip.name: clip})
    done = rig.run(task_of(timeline, rig.files))
    assert rig.made == ["timeline", "render"]
    (note,) = done.result["notes"]
    assert note.endswith("of 200 frames are copied without loss; the others are encoded.")
    (whole,) = rig.done["timeline"].tasks
    text = TextClip(text="Look", start_frame=60, end_frame_exclusive=130, template="title")
    written = timeline.model_copy(update={"text": (TextTrack(clips=(text,)),)})
    longer = Rig(tmp_path / "longer", {clip.name: clip})
    (note,) = longer.run(task_of(written, longer.files)).result["notes"]
    assert note.endswith("of 200 frames could be copied; a film in segments is encoded whole.")
    assert segments_of(longer)  # too much is left
    grown = longer.done["timeline"].tasks
    assert whole.estimated_s < sum(task.estimated_s for task in grown if task.step == "segment")


def test_what_a_film_leaves_out_is_said_once(tmp_path):
    """The first task looks, and so does the one that renders what need not be cut."""
    text = TextClip(text="Hi \U000f0000", start_frame=0, end_frame_exclusive=10, template="title")
    timeline = montage((FLOWER, 20, {}), width=320, height=180, texts=[text])
    rig = Rig(tmp_path, {FLOWER.name: FLOWER})
    (note,) = rig.run(task_of(timeline, rig.files)).result["notes"]
    assert rig.made == ["timeline", "render"] and note.startswith("No font has")


def test_segments_that_do_not_fit_make_no_film(scene, in_segments, tmp_path):
    rig = in_segments()
    joining = next(task for task in rig.done["timeline"].tasks if task.step == "join")
    swapped = Rig(tmp_path, rig.files, done={**rig.done, "segment-000": rig.done["segment-002"]})
    with pytest.raises(TaskFailure, match="segment 1 has 31 frames for 43") as failure:
        swapped.run(joining)
    assert failure.value.failure is FailureClass.CORRUPT_OUTPUT
    other = rig.done["segment-000"].outputs[0]
    foreign = replace(other, path=write_clip(tmp_path / "foreign.mp4", frames=43))
    strange = Rig(
        tmp_path / "b",
        rig.files,
        done={**rig.done, "segment-000": replace(rig.done["segment-000"], outputs=(foreign,))},
    )
    with pytest.raises(TaskFailure, match="coded in another way"):
        strange.run(joining)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_voiceover_is_spoken_once_and_heard_in_the_whole(tmp_path):
    params = MediaRender.model_validate(
        {
            "assets": [{"asset_id": "a", "file_name": "a.png", "media_kind": "image"}],
            "profile": "preview",
            "otio": True,
            "subtitles": True,
            "transition_types": ["none"],
            "voiceover": {
                "voice_id": "svoice_espeak_en-us_female",
                "lines": [
                    {"text": "The lighthouse stands alone."},
                    {"text": "Nobody has been there for years."},
                ],
            },
        }
    )
    (first,) = kind_named("media-render").plan(params)
    rig = Rig(tmp_path, {"a": FLOWER})
    outputs = outputs_of(rig.run(first))
    assert len(segments_of(rig)) > 1
    spoken = outputs_of(rig.done["timeline"])["voiceover"]
    assert spoken.intermediate and not outputs["voiceover"].intermediate
    assert outputs["voiceover"].path.read_bytes() == spoken.path.read_bytes()
    assert "Nobody has been there" in outputs["subtitles-srt"].path.read_text()
    video = outputs["video"]
    sound = sound_of(video.path)
    assert sound.shape[1] / 48_000 == pytest.approx(video.meta["duration_s"], abs=0.05)
    assert video.meta["duration_s"] > 3.5 and np.abs(sound).max() > 0.1  # as long as the words
    again = Rig(tmp_path / "again", {"a": FLOWER}, kept=dict(rig.kept))
    again.run(first)
    assert again.made == ["timeline", "render"]  # spoken anew, and the same
