"""One small film written in every way the configs know, decoded again: codec, size, frames, colours, length.

Issue 4 item 8 (encoder profiles) and item 9 (poster, subtitles, chapters, contact sheet).
"""

import os
import re
import resource

import av
import numpy as np
import pytest
from PIL import Image

from farm.catalog import read_catalog
from farm.encoders import EncoderProfile
from farm.errors import FailureClass, TaskFailure
from farm.otio import as_otio
from farm.settings import Settings
from farm.timeline import AudioClip, AudioTrack, Rate, TextClip
from tests.golden.render_scenes import MOVING, crossfade, decoded, montage, paths_of, planes_of, psnr
from tests.media import BLUE, GREEN, RED, YELLOW, level_at, quadrants, real_photo, tone, write_sound
from workers.context import InputFile, TaskInput
from workers.cpu_render.backdrop import Backdrop
from workers.cpu_render.film import make, sized
from workers.cpu_render.media_render import perform
from workers.media.encode import encode_sound, thinned, thinning
from workers.media.shape import Shape
from workers.media.stills import open_still

pytestmark = pytest.mark.slow

PROFILES = read_catalog(Settings()).encoders
ASTRONAUT, COFFEE = real_photo("astronaut"), real_photo("coffee")
FRAMES = 66


class Attempt:
    """A context as the runner gives one."""

    def __init__(self, workdir):
        workdir.mkdir()
        self.workdir = workdir
        self.fractions = []
        self.lines = []

    def progress(self, fraction, stage=""):
        self.fractions.append(fraction)

    def checkpoint(self):
        pass

    def log(self, message):
        self.lines.append(message)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Two photos with a crossfade, two titles, a line below and music: 66 frames of 180x320."""
    folder = tmp_path_factory.mktemp("profiles")
    song = write_sound(folder / "song.wav", tone(440, 2.2))
    texts = [
        TextClip(text="One & only", start_frame=0, end_frame_exclusive=20, template="title"),
        TextClip(text="Two", start_frame=32, end_frame_exclusive=60, template="title"),
        TextClip(text="a --> b\n\nc", start_frame=10, end_frame_exclusive=66, template="simple"),
    ]
    music = AudioClip(media=song.name, start_sample=0, end_sample_exclusive=FRAMES * 1600)
    timeline = montage(
        (ASTRONAUT, 32, MOVING),
        (COFFEE, 34, {"transition": crossfade()}),
        width=180,
        height=320,
        audio=[(song, AudioTrack(clips=(music,)))],
        texts=texts,
    )
    return timeline, paths_of(ASTRONAUT, COFFEE, song), folder


@pytest.fixture(scope="module")
def rendered(scene):
    """Performs the scene in a profile, once each."""
    timeline, files, folder = scene
    made = {}

    def of(profile):
        if profile not in made:
            attempt = Attempt(folder / profile)
            given = {
                "timeline": timeline.model_dump(mode="json"),
                "file_name": "holiday.mp4",
                "profile": profile,
                "poster": True,
                "subtitles": True,
                "otio": True,
                "chapters": profile != "gif",
                "contact_sheet": profile == "gif",
            }
            inputs = {key: InputFile(path, path.name, "-") for key, path in files.items()}
            done = perform(TaskInput("media-render", "render", given, inputs), attempt)
            made[profile] = {output.name: output for output in done.outputs}, attempt
        return made[profile]

    return of


@pytest.mark.parametrize(
    ("profile", "codec", "pixels", "sound", "name", "content_type"),
    [
        ("standard", "h264", "yuv420p", "aac", "holiday.mp4", "video/mp4"),
        ("quality", "h264", "yuv420p", "aac", "holiday.mp4", "video/mp4"),
        ("vp9", "vp9", "yuv420p", "opus", "holiday.webm", "video/webm"),
        ("av1", "av1", "yuv420p", "aac", "holiday.mp4", "video/mp4"),
        ("prores", "prores", "yuv422p10le", "pcm_s16le", "holiday.mov", "video/quicktime"),
    ],
)
def test_a_profile_gives_its_codec_in_its_file_with_every_frame_and_true_colours(
    rendered, profile, codec, pixels, sound, name, content_type
):
    outputs, attempt = rendered(profile)
    video = outputs["video"]
    assert (video.file_name, video.content_type) == (name, content_type)
    with av.open(str(video.path)) as container:
        stream, heard = container.streams.video[0], container.streams.audio[0]
        assert (stream.codec_context.codec.canonical_name, stream.pix_fmt) == (codec, pixels)
        assert heard.codec_context.codec.canonical_name == sound
        assert (stream.width, stream.height, stream.average_rate) == (180, 320, 30)
        assert abs(container.duration - 2_200_000) < 40_000
        samples = np.concatenate([f.to_ndarray() for f in container.decode(heard)], axis=1)
    frames = decoded(video.path)
    assert len(frames) == FRAMES == video.meta["frames"]
    tags = {(f.colorspace, f.color_primaries, f.color_trc, f.color_range) for f in frames}
    assert tags == {(1, 1, 1, 1)}
    assert samples.shape[1] > 0
    best = [planes_of(f.reformat(format="yuv420p")) for f in decoded(rendered("quality")[0]["video"].path)]
    for number in (5, 33, 60):
        assert psnr(planes_of(frames[number].reformat(format="yuv420p")), best[number]) > 31
    assert attempt.fractions == sorted(attempt.fractions) and attempt.fractions[-1] == 1


def test_quality_is_better_than_standard_and_opus_keeps_the_pitch(rendered):
    small, large = (rendered(name)[0]["video"].path.stat().st_size for name in ("standard", "quality"))
    assert large > 1.5 * small
    with av.open(str(rendered("vp9")[0]["video"].path)) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert level_at(sound, 48_000, 440, 0.5, 1.5) > 10 * level_at(sound, 48_000, 466, 0.5, 1.5)


@pytest.mark.parametrize(("rate", "samples"), [(48_000, 298_000), (48_000, 1025), (44_100, 5_145)])
def test_a_sound_that_ends_just_behind_a_packet_is_whole(tmp_path, rate, samples):
    """149 frames at 24 fps failed as corrupt: the edit list, in whole ms, ended before the last packet."""
    wave = tone(440, 7, rate)[:, :samples]
    shape = Shape(64, 64, Rate(num=24), 1, rate, samples)
    encode_sound([wave], tmp_path / "sound.mp4", shape, PROFILES["standard"])
    with av.open(str(tmp_path / "sound.mp4")) as container:
        heard = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert 0 <= heard.shape[1] - samples < 1024
    assert abs(heard[:, :1024]).max() > 0.1


def test_a_preview_is_a_quarter_of_the_picture_with_the_same_frames(rendered):
    video = rendered("preview")[0]["video"]
    assert {key: video.meta[key] for key in ("width", "height", "frames", "fps")} == {
        "width": 90,
        "height": 160,
        "frames": FRAMES,
        "fps": 30.0,
    }
    assert len(decoded(video.path)) == FRAMES
    with av.open(str(video.path)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (90, 160)


def test_what_is_seen_around_a_picture_looks_in_a_preview_and_a_gif_as_in_the_film():
    """It was blurred by so many pixels, whatever the size: a preview had one plain colour there."""
    photo = open_still(COFFEE)
    film, preview, gif = (
        planes_of(Backdrop(width, height).of(photo).frame.reformat(90, 160))
        for width, height in ((1080, 1920), (540, 960), (270, 480))
    )
    assert psnr(preview, film) > 35 and psnr(gif, film) > 35


def test_a_gif_loops_for_ever_with_every_second_frame_at_its_time(rendered):
    outputs, _ = rendered("gif")
    video = outputs["video"]
    assert (video.file_name, video.content_type) == ("holiday.gif", "image/gif")
    with Image.open(video.path) as picture:
        assert (picture.format, picture.size, picture.n_frames) == ("GIF", (180, 320), FRAMES // 2)
        assert picture.info["loop"] == 0
        delays = []
        for number in range(picture.n_frames):
            picture.seek(number)
            delays.append(picture.info["duration"])
        picture.seek(26)
        shown = np.asarray(picture.convert("RGB"), float)
    assert set(delays) == {60, 70} and abs(sum(delays) - 2200) <= 20
    film = decoded(rendered("quality")[0]["video"].path)[52].to_ndarray(format="rgb24").astype(float)
    assert np.abs(shown - film).mean() < 8
    assert outputs["contact-sheet"].file_name == "holiday-contact-sheet.png"


def test_a_thinned_film_keeps_the_first_of_every_so_many_frames():
    class Seen:
        def __init__(self, planes, frames):
            self.planes, self.frames = planes, frames

    stills = [Seen("a", 4), Seen("b", 1), Seen("c", 1), Seen("d", 5)]
    kept = [name for picture in thinned(stills, 3) for name in [picture.planes] * picture.frames]
    assert kept == [name for at, name in enumerate("aaaabcddddd") if at % 3 == 0]
    gif = PROFILES["gif"]
    assert [thinning(gif, Rate.of(fps)) for fps in (12, 15, 24, 29.97, 30, 60)] == [1, 1, 2, 2, 2, 4]


def test_the_sides_of_a_smaller_film_stay_even_and_in_proportion():
    timeline = montage((ASTRONAUT, 3, {}), width=1080, height=1350)
    small = sized(timeline, EncoderProfile(longest_side=480))
    assert (small.width, small.height) == (384, 480)
    assert sized(timeline, EncoderProfile(longest_side=2000)) is timeline
    assert (sized(timeline, EncoderProfile(scale=0.25)).height) == 338


def test_an_encoder_that_this_worker_lacks_is_named(scene, tmp_path):
    for encoder, word in (("libaom-av1", "no encoder"), ("h264_nvenc", "cannot open")):
        profile = EncoderProfile(encoder=encoder)
        if encoder in av.codecs_available and encoder != "h264_nvenc":
            continue
        with pytest.raises(TaskFailure, match=f"This worker .*{encoder}") as caught:
            film(scene, tmp_path, profile)
        assert word in caught.value.message
        assert (caught.value.failure, caught.value.public_code) == (FailureClass.INTERNAL, "encoder_missing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"presett": "fast"}, {"preset": "zzz"}, {"crf": "low"}])
def test_an_option_that_the_encoder_does_not_take_fails_the_job(scene, tmp_path, options):
    with pytest.raises(TaskFailure, match="libx264") as caught:
        film(scene, tmp_path, EncoderProfile(options=options))
    assert caught.value.public_code == "encoder_missing"


def film(scene, folder, profile, chapters=False):
    return make(
        scene[0],
        scene[1],
        folder,
        profile,
        chapters=chapters,
        progress=lambda fraction, stage: None,
        checkpoint=lambda: None,
    )


def test_a_preview_costs_several_times_less_than_standard(scene, tmp_path):
    """In CPU time of the whole process, at full size, kernels warm."""
    timeline = montage((COFFEE, 40, MOVING), (ASTRONAUT, 40, MOVING), width=1080, height=1920)
    full = (timeline, scene[1], None)
    film(full, tmp_path, PROFILES["preview"])
    preview, standard = (
        spent(lambda name=name: film(full, tmp_path, PROFILES[name])) for name in ("preview", "standard")
    )
    assert standard > 2.5 * preview


def spent(work):
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_titles_are_the_chapters_of_the_file(rendered):
    for profile in ("standard", "vp9", "prores"):
        with av.open(str(rendered(profile)[0]["video"].path)) as container:
            chapters = container.chapters()
        assert [chapter["metadata"]["title"] for chapter in chapters] == ["One & only", "Two"]
        times = [float(edge * c["time_base"]) for c in chapters for edge in (c["start"], c["end"])]
        assert times == pytest.approx([0, 32 / 30, 32 / 30, 2.2], abs=0.002)


def test_the_texts_come_as_srt_and_webvtt(rendered):
    outputs, _ = rendered("standard")
    srt, vtt = outputs["subtitles-srt"], outputs["subtitles-vtt"]
    assert (srt.file_name, srt.content_type) == ("holiday.srt", "application/x-subrip")
    assert (vtt.file_name, vtt.content_type) == ("holiday.vtt", "text/vtt")
    for output in (srt, vtt):  # FFmpeg's own readers agree
        with av.open(str(output.path)) as container:
            packets = [packet for packet in container.demux() if packet.size]
        starts = [float(packet.pts * packet.time_base) for packet in packets]
        assert starts == pytest.approx([0, 0.333, 1.067], abs=0.001)
        assert float(packets[0].duration * packets[0].time_base) == pytest.approx(0.667, abs=0.001)
    assert vtt.path.read_text().startswith(
        "WEBVTT\n\n00:00:00.000 --> 00:00:00.667 line:10%,start\nOne &amp; only\n"
    )
    assert "a --&gt; b\nc\n" in vtt.path.read_text() and "a → b\nc\n" in srt.path.read_text()
    assert re.findall(r"^\d+$", srt.path.read_text(), re.MULTILINE) == ["1", "2", "3"]


def test_the_timeline_comes_along_as_it_was_asked_for_whatever_the_profile(rendered, scene):
    for profile in ("standard", "preview"):
        edit = rendered(profile)[0]["otio"]
        assert edit.file_name == "holiday.otio"
        assert edit.path.read_text() == as_otio(scene[0])


def test_the_poster_is_a_sharp_frame_of_the_film_in_its_own_colours(rendered, tmp_path):
    poster = rendered("standard")[0]["poster"]
    assert (poster.file_name, poster.content_type) == ("holiday-poster.jpg", "image/jpeg")
    frame = decoded(rendered("standard")[0]["video"].path)[round(poster.meta["at_s"] * 30)]
    with Image.open(poster.path) as picture:
        assert picture.size == (180, 320)
        difference = np.abs(np.asarray(picture, float) - frame.to_ndarray(format="rgb24")).mean()
    assert difference < 4


def test_neither_black_nor_blur_becomes_the_poster_and_red_stays_red(scene, tmp_path):
    """Candidates: a black card, a plain one, a blurred photo, and one that is sharp."""
    cards = {
        "1-black.png": np.zeros((320, 180, 3), np.uint8),
        "2-plain.png": np.full((320, 180, 3), 128, np.uint8),
        "3-blur.png": np.asarray(
            Image.fromarray(quadrants(6, 10)).resize((180, 320), Image.Resampling.BICUBIC)
        ),
        "4-sharp.png": quadrants(180, 320),
    }
    for name, card in cards.items():
        Image.fromarray(card).save(tmp_path / name)
    paths = [tmp_path / name for name in cards]
    timeline = montage(*((path, 10, {}) for path in paths), width=180, height=320)
    given = {
        "timeline": timeline.model_dump(mode="json"),
        "file_name": "cards.mp4",
        "poster": True,
        "subtitles": True,
    }
    inputs = {path.name: InputFile(path, path.name, "image/png") for path in paths}
    attempt = Attempt(tmp_path / "work")
    done = perform(TaskInput("media-render", "render", given, inputs), attempt)
    assert [output.name for output in done.outputs] == ["video", "poster"]
    assert attempt.lines == ["The film has no texts, and so no subtitles."]
    poster = done.outputs[1]
    assert 30 <= poster.meta["at_s"] * 30 < 40
    with Image.open(poster.path) as picture:
        seen = np.asarray(picture, int)
    for (row, column), colour in zip(
        ((80, 45), (80, 135), (240, 135), (240, 45)), (RED, GREEN, BLUE, YELLOW), strict=True
    ):
        assert np.abs(seen[row, column] - colour).max() <= 8


def test_the_engine_says_nothing_on_stderr_about_av1():
    assert os.environ["SVT_LOG"] == "1"
