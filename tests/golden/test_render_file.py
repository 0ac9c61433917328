"""Finished files, decoded again: frames, times, cuts, sound, tags; and what is left when a render fails."""

import errno
import itertools
import threading
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from farm.encoders import EncoderProfile
from farm.errors import AssetUnreadable, BadRequest, FailureClass, TaskFailure
from farm.timeline import AudioClip, AudioTrack, Rate, TextClip, Timeline, Transition
from tests.golden.render_scenes import (
    MOVING,
    crossfade,
    decoded,
    montage,
    paths_of,
    planes_of,
    psnr,
    still,
)
from tests.media import (
    BLUE,
    GREEN,
    RED,
    YELLOW,
    coded,
    corners,
    level_at,
    quadrants,
    read_code,
    real_clip,
    real_photo,
    tone,
    write_clip,
    write_sound,
)
from workers.context import Cancelled, InputFile, TaskInput
from workers.cpu_render.media_render import perform
from workers.cpu_render.render import render
from workers.media.shape import Shape
from workers.media.verify import verify

pytestmark = pytest.mark.slow

ASTRONAUT, COFFEE, FLOWER = (real_photo(name) for name in ("astronaut", "coffee", "flower"))
SHARP = EncoderProfile(options={"preset": "veryfast", "crf": "12"})


def made(timeline, files, out, **options):
    return render(
        timeline, files, out, progress=lambda fraction, stage: None, checkpoint=lambda: None, **options
    )


def music(path, frames, rate=30):
    clip = AudioClip(media=path.name, start_sample=0, end_sample_exclusive=frames * 48_000 // rate)
    return path, AudioTrack(clips=(clip,))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Two photos with a crossfade, a film, a hook and music: 90 frames."""
    folder = tmp_path_factory.mktemp("scene")
    film = write_clip(folder / "film.mp4", frames=40)
    song = write_sound(folder / "song.wav", tone(440, 3.5))
    hook = TextClip(text="Look at this", start_frame=0, end_frame_exclusive=20, template="Snapchat Hook")
    timeline = montage(
        (ASTRONAUT, 30, {}),
        (COFFEE, 30, MOVING | {"transition": crossfade()}),
        (film, 30, {}),
        audio=[music(song, 90)],
        texts=[hook],
    )
    files = paths_of(ASTRONAUT, COFFEE, film, song)
    out = folder / "out.mp4"
    report = made(timeline, files, out, profile=SHARP)
    return timeline, files, out, report


def test_the_file_has_exactly_the_frames_of_the_timeline_evenly_timed(scene):
    timeline, _, out, report = scene
    frames = decoded(out)
    assert len(frames) == timeline.end_frame_exclusive == report.frames == 90
    assert [frame.pts * frame.time_base * 30 for frame in frames] == list(range(90))
    with av.open(str(out)) as container:
        video = container.streams.video[0]
        assert video.duration * video.time_base == timeline.duration == 3


def test_it_is_h264_and_aac_tagged_bt_709_limited_and_starts_fast(scene):
    with av.open(str(scene[2])) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        context = video.codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (
            1,
            1,
            1,
            1,
        )
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", 48_000, 2)
    head = scene[2].read_bytes()[:4096]
    assert b"moov" in head and b"mdat" not in head


def test_the_decoded_pictures_are_the_composed_ones(scene):
    frames = decoded(scene[2])
    assert psnr(planes_of(frames[22]), still(ASTRONAUT)) > 40
    assert psnr(planes_of(frames[21]), still(ASTRONAUT)) > 40


def test_the_sound_lasts_as_long_as_the_pictures_and_keeps_its_pitch_at_the_masters_level(scene):
    with av.open(str(scene[2])) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert 0 <= sound.shape[1] - 3 * 48_000 < 2048
    assert abs(level_at(sound, 48_000, 440, 0.5, 2.5) - 0.22) < 0.02  # a tone of 0.5, brought to -14 LUFS


def test_pictures_and_sound_are_interleaved(scene):
    with av.open(str(scene[2])) as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.dts is not None]
    longest = max(len(list(group)) for _, group in itertools.groupby(kinds))
    assert longest < 30


def test_the_report_says_how_frames_were_made(scene):
    assert scene[3].spans == {"static": 4 + 3, "simple": 22 + 30, "composite": 16 + 15}
    assert scene[3].notes == ()
    assert scene[3].size_bytes == scene[2].stat().st_size


@pytest.mark.parametrize(
    "rate", [Rate(num=24000, den=1001), Rate(num=25), Rate(num=30000, den=1001), Rate(num=60)]
)
def test_every_rate_is_exact(tmp_path, rate):
    timeline = montage((FLOWER, 31, {}), rate=rate)
    made(timeline, paths_of(FLOWER), tmp_path / "out.mp4")
    frames = decoded(tmp_path / "out.mp4")
    assert [frame.pts * frame.time_base * rate.fps for frame in frames] == list(range(31))


def test_both_sides_of_a_cut_between_films_show_the_right_source_frames(tmp_path):
    first = write_clip(tmp_path / "first.mp4", frames=60)
    second = write_clip(tmp_path / "second.mp4", frames=60, pictures=[coded(1000 + n) for n in range(60)])
    options = {"source_start": Fraction(1, 2)}
    timeline = montage((first, 20, options), (second, 20, {}), width=320, height=192)
    made(timeline, paths_of(first, second), tmp_path / "out.mp4", profile=SHARP)
    seen = [read_code(frame) for frame in decoded(tmp_path / "out.mp4")]
    assert seen == [*range(15, 35), *range(1000, 1020)]


def test_a_transition_uses_handles_where_there_are_some_and_else_holds_the_edge(tmp_path):
    """The films differ in their lower half only, so a blend of frames with one code shows it still."""
    first = write_clip(tmp_path / "first.mp4", frames=60)
    second = write_clip(tmp_path / "second.mp4", frames=60)
    late = {"source_start": Fraction(10, 30), "transition": crossfade(4, 4)}
    early = {"source_start": Fraction(0), "transition": crossfade(4, 4)}
    for options, expected in ((late, [6, 7, 8, 9, 10, 11, 12, 13]), (early, [0, 0, 0, 0, 0, 1, 2, 3])):
        timeline = montage(
            (first, 20, {"source_end": Fraction(20, 30)}), (second, 20, options), width=320, height=192
        )
        shown = layer_codes(timeline, paths_of(first, second), range(16, 24))
        assert shown == [(n, code) for n, code in zip(range(16, 24), expected, strict=True)]


def layer_codes(timeline, files, frames):
    """The codes of both films of a blend at each frame, read before they are mixed."""
    from workers.cpu_render.layers import open_layer
    from workers.cpu_render.plan import plan

    uses = plan(timeline).uses()
    layers = [open_layer(shot, use, timeline, files) for shot, use in uses.items()]
    try:
        return [tuple(read_code(layer.draw(n, None).frame) for layer in layers) for n in frames]
    finally:
        for layer in layers:
            layer.close()


def test_a_film_shorter_than_its_place_holds_its_last_frame(tmp_path):
    film = write_clip(tmp_path / "film.mp4", frames=10)
    timeline = montage((film, 25, {}), width=320, height=192)
    made(timeline, paths_of(film), tmp_path / "out.mp4", profile=SHARP)
    assert [read_code(frame) for frame in decoded(tmp_path / "out.mp4")] == [*range(10), *[9] * 15]


def test_one_film_in_two_places_plays_from_each_place(tmp_path):
    film = write_clip(tmp_path / "film.mp4", frames=60)
    again = {"source_start": Fraction(1)}
    timeline = montage((film, 10, {}), (film, 10, again), width=320, height=192)
    made(timeline, paths_of(film), tmp_path / "out.mp4", profile=SHARP)
    assert [read_code(frame) for frame in decoded(tmp_path / "out.mp4")] == [*range(10), *range(30, 40)]


def test_a_phone_film_stands_upright(tmp_path):
    upright = quadrants(360, 640)
    lying = [np.ascontiguousarray(np.rot90(upright, 1))] * 5
    film = write_clip(tmp_path / "film.mp4", frames=5, pictures=lying, rotation=-90)
    made(montage((film, 5, {})), paths_of(film), tmp_path / "out.mp4")
    assert corners(decoded(tmp_path / "out.mp4")[2]) == [RED, GREEN, BLUE, YELLOW]


def test_a_wide_film_in_an_upright_frame_plays_on_a_moving_backdrop(tmp_path):
    film = write_clip(tmp_path / "film.mp4", frames=10)
    made(montage((film, 10, {})), paths_of(film), tmp_path / "out.mp4", profile=SHARP)
    for n, frame in enumerate(decoded(tmp_path / "out.mp4")):
        top = (640 - 216) // 2
        middle = frame.to_ndarray(format="rgb24")[top : top + 216]
        assert read_code(av.VideoFrame.from_ndarray(np.ascontiguousarray(middle), format="rgb24")) == n


def test_a_timeline_without_sound_gets_silence_of_its_length(tmp_path):
    made(montage((FLOWER, 30, {})), paths_of(FLOWER), tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert 48_000 <= sound.shape[1] < 50_048 and np.abs(sound).max() < 1e-4


def threads_of_a_render():
    names = ("compose", "mix", "encode-sound", "open-clips", "decode-")
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(names)]


def test_a_cancel_stops_everything_and_leaves_nothing(scene, tmp_path):
    def progress(fraction, stage):
        if fraction > 0.7:  # the film is open by now
            raise Cancelled

    with pytest.raises(Cancelled):
        render(scene[0], scene[1], tmp_path / "out.mp4", progress=progress, checkpoint=lambda: None)
    assert list(tmp_path.iterdir()) == []
    assert threads_of_a_render() == []


def test_a_broken_picture_is_named_and_leaves_nothing(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    out = tmp_path / "out"
    out.mkdir()
    timeline = montage((ASTRONAUT, 10, {}), (broken, 10, {}))
    with pytest.raises(AssetUnreadable, match=r"broken\.jpg"):
        made(timeline, paths_of(ASTRONAUT, broken), out / "out.mp4")
    assert list(out.iterdir()) == []
    assert threads_of_a_render() == []


def test_a_text_named_mp4_is_refused_by_its_own_name(tmp_path):
    stored = tmp_path / "a1b2c3"
    stored.write_text("not a film")
    film = tmp_path / "holiday.mp4"
    with pytest.raises(AssetUnreadable, match=r"holiday\.mp4"):
        made(montage((film, 10, {})), {film.name: stored}, tmp_path / "out.mp4")


def test_a_medium_that_was_not_delivered_is_named(tmp_path):
    with pytest.raises(AssetUnreadable, match=r"coffee\.png was not delivered"):
        made(montage((COFFEE, 10, {})), {}, tmp_path / "out.mp4")


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"transition": Transition(type="star-wipe", before_frames=3, after_frames=3)}, "transitionTypes"),
        ({}, "templateName"),
    ],
)
def test_what_nobody_knows_is_refused_before_any_work(tmp_path, options, param):
    text = TextClip(text="x", start_frame=0, end_frame_exclusive=5, template="Unheard Of")
    texts = [text] if param == "templateName" else []
    timeline = montage((ASTRONAUT, 10, {}), (COFFEE, 10, options), texts=texts)
    with pytest.raises(BadRequest) as caught:
        made(timeline, {}, tmp_path / "out.mp4")
    assert caught.value.param == param


def test_an_empty_timeline_is_refused(tmp_path):
    empty = Timeline(name="empty", rate=Rate(num=30), width=64, height=64)
    with pytest.raises(BadRequest, match="no picture"):
        made(empty, {}, tmp_path / "out.mp4")


SHAPE = Shape(width=360, height=640, rate=Rate(num=30), frames=90, sample_rate=48_000, samples=144_000)


@pytest.mark.parametrize(
    "wrong",
    [
        Shape(360, 640, Rate(num=30), 91, 48_000, 144_000),
        Shape(360, 640, Rate(num=25), 90, 48_000, 144_000),
        Shape(640, 360, Rate(num=30), 90, 48_000, 144_000),
        Shape(360, 640, Rate(num=30), 90, 48_000, 150_000),
    ],
)
def test_a_file_of_another_shape_does_not_verify(scene, wrong):
    verify(scene[2], SHAPE)
    with pytest.raises(TaskFailure) as caught:
        verify(scene[2], wrong)
    assert caught.value.failure is FailureClass.CORRUPT_OUTPUT


def test_a_damaged_file_does_not_verify(scene, tmp_path):
    damaged = tmp_path / "damaged.mp4"
    content = scene[2].read_bytes()
    for bad in (content[: len(content) // 2], b"", content[:2000] + bytes(len(content) - 2000)):
        damaged.write_bytes(bad)
        with pytest.raises(TaskFailure) as caught:
            verify(damaged, SHAPE)
        assert caught.value.failure is FailureClass.CORRUPT_OUTPUT


def test_what_is_untouched_is_counted_and_not_decoded(scene, tmp_path):
    """A film all of whose pictures are broken: nobody asks of those that are somebody else's."""
    broken, content = tmp_path / "broken.mp4", bytearray(scene[2].read_bytes())
    with av.open(str(scene[2])) as film:
        packets = [(packet.pos, packet.size) for packet in film.demux(video=0) if packet.size]
    for at, size in packets:
        content[at : at + size] = bytes(size)
    broken.write_bytes(content)
    with pytest.raises(TaskFailure):
        verify(broken, SHAPE)
    with pytest.raises(TaskFailure):
        verify(broken, SHAPE, untouched=set(range(1, SHAPE.frames)))
    verify(broken, SHAPE, untouched=set(range(SHAPE.frames)))
    with pytest.raises(TaskFailure, match="frames for"):
        verify(broken, replace(SHAPE, frames=SHAPE.frames + 1), untouched=set(range(SHAPE.frames + 1)))


class Attempt:
    """A context as the runner gives one."""

    def __init__(self, workdir):
        self.workdir = workdir
        self.fractions = []
        self.lines = []

    def progress(self, fraction, stage=""):
        self.fractions.append(fraction)

    def checkpoint(self):
        pass

    def log(self, message):
        self.lines.append(message)


def task_of(timeline, files, **params):
    given = {"timeline": timeline.model_dump(mode="json"), "file_name": "holiday.mp4"} | params
    inputs = {key: InputFile(path, path.name, "application/octet-stream") for key, path in files.items()}
    return TaskInput("media-render", "render", given, inputs)


def test_a_task_becomes_a_video_and_a_contact_sheet(scene, tmp_path):
    attempt = Attempt(tmp_path)
    done = perform(task_of(scene[0], scene[1], contact_sheet=True), attempt)
    video, sheet = done.outputs
    assert (video.name, video.file_name, video.content_type) == ("video", "holiday.mp4", "video/mp4")
    assert video.meta == {"frames": 90, "duration_s": 3.0, "width": 360, "height": 640, "fps": 30.0}
    assert (sheet.name, sheet.content_type) == ("contact-sheet", "image/png")
    with Image.open(sheet.path) as picture:
        assert picture.format == "PNG" and picture.width == 1600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["video.mp4", "video.png"]
    assert attempt.fractions == sorted(attempt.fractions) and attempt.fractions[-1] == 1


def test_what_a_caption_cannot_show_is_said_in_the_log(tmp_path):
    text = TextClip(text="Hi \U0001fbc5", start_frame=0, end_frame_exclusive=9, template="Snapchat Hook")
    attempt = Attempt(tmp_path)
    done = perform(task_of(montage((FLOWER, 10, {}), texts=[text]), paths_of(FLOWER)), attempt)
    assert len(done.outputs) == 1
    assert len(attempt.lines) == 1 and "\U0001fbc5" in attempt.lines[0]


def test_a_full_disk_is_named(scene, tmp_path):
    (tmp_path / "video.mp4.part").symlink_to("/dev/full")
    with pytest.raises(TaskFailure) as caught:
        perform(task_of(scene[0], scene[1]), Attempt(tmp_path))
    assert caught.value.failure is FailureClass.DISK_FULL
    assert list(tmp_path.iterdir()) == []


def test_other_trouble_with_files_is_not_called_a_full_disk(scene, tmp_path):
    with pytest.raises(OSError) as caught:
        perform(task_of(scene[0], scene[1]), Attempt(tmp_path / "missing"))
    assert caught.value.errno == errno.ENOENT


def test_real_photos_and_films_of_odd_rates_render_together(tmp_path):
    """The issue's own folder: photos of every shape, films of 25 fps, a 23.976 one, music."""
    film = write_clip(tmp_path / "film.mp4", frames=60, rate=Fraction(24_000, 1001))
    china, chelsea = real_photo("china"), real_photo("chelsea")
    bikes, bunny = real_clip("bikes"), real_clip("bigbuckbunny")
    song = write_sound(tmp_path / "song.mp3", tone(330, 2.0))
    loop = AudioClip(media=song.name, start_sample=0, end_sample_exclusive=7 * 16 * 1600, loop=True)
    clips = [(path, 16, MOVING | {"transition": crossfade(4, 4)}) for path in (ASTRONAUT, china, chelsea)]
    clips += [(path, 16, {"transition": crossfade(4, 4)}) for path in (bikes, bunny, film, FLOWER)]
    timeline = montage(*clips, audio=[(song, AudioTrack(clips=(loop,)))])
    files = paths_of(*(path for path, _, _ in clips), song)
    report = made(timeline, files, tmp_path / "out.mp4")
    assert report.frames == len(decoded(tmp_path / "out.mp4")) == 7 * 16
