"""Which source frame is shown when, read from bar codes in decoded pictures."""

import subprocess
from fractions import Fraction
from math import floor

import av
import imageio_ffmpeg
import numpy as np
import pytest

from farm.errors import AssetUnreadable
from farm.timeline import MediaKind, Rate
from tests import media
from tests.media import BLUE, GREEN, RED, YELLOW, coded, quadrants, read_code, write_clip
from workers.media import video
from workers.media.decode import video_frames
from workers.media.fields import progressive
from workers.media.probe import probe
from workers.media.upright import Orientation
from workers.media.video import VideoReader

pytestmark = pytest.mark.slow

NTSC_FILM = Fraction(24_000, 1001)


def codes(path, ns, *, rate=30, start=Fraction(0), end=None):
    with VideoReader(path, rate=Rate.of(rate), source_start=start, source_end=end) as reader:
        return [read_code(reader.frame(n)) for n in ns]


def shown(source_rate, ns, total, *, rate=30, start=Fraction(0)):
    """The frame a constant-rate clip shows, with the reader's quarter frame of grace."""
    grace = min(1 / source_rate, Fraction(1, rate)) / 4
    return [min(total - 1, floor((start + Fraction(n, rate) + grace) * source_rate)) for n in ns]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """192 frames of 23.976 fps, with B-frames and a keyframe a second."""
    return write_clip(tmp_path_factory.mktemp("film") / "film.mp4", frames=192, rate=NTSC_FILM)


@pytest.mark.parametrize(
    "start", [Fraction(0), Fraction(1, 2), Fraction(7, 3), Fraction(5), Fraction(79, 10)]
)
def test_a_23_976_clip_is_shown_in_time_from_any_start(film, start):
    assert codes(film, range(90), start=start) == shown(NTSC_FILM, range(90), 192, start=start)


def test_a_segment_in_the_middle_shows_what_a_whole_render_shows(film):
    whole = codes(film, range(240))
    assert codes(film, range(150, 180)) == whole[150:180]
    assert codes(film, [3, 190, 191]) == [whole[3], whole[190], whole[191]]


@pytest.mark.parametrize("fps", [12, 25, 29.97, 30, 50, 59.94, 120])
def test_any_rate_becomes_the_output_rate(tmp_path, fps):
    rate = Rate.of(fps).fps
    path = write_clip(tmp_path / "clip.mp4", frames=int(rate * 3), rate=rate)
    seen = codes(path, range(90))
    assert seen == shown(rate, range(90), int(rate * 3))
    exact = [n * rate / 30 for n in range(90)]
    assert all(abs(code - at) <= max(1, rate / 30 / 2) for code, at in zip(seen, exact, strict=True))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.mkv", "libx264"),
        ("clip.webm", "libvpx"),
        ("clip.avi", "mpeg4"),
        ("clip.ts", "libx264"),
        ("clip.mpg", "mpeg2video"),
        ("clip.m2v", "mpeg2video"),
        ("clip.mov", "libx264"),
        ("hevc.mp4", "libx265"),
    ],
)
def test_every_container_starts_at_its_first_frame_and_seeks_exactly(tmp_path, name, codec):
    path = write_clip(tmp_path / name, frames=150, rate=Fraction(25), codec=codec)
    for start in (Fraction(0), Fraction(7, 3), Fraction(5)):
        assert codes(path, range(40), start=start) == shown(Fraction(25), range(40), 150, start=start)
    info = probe(path)
    assert (info.kind, info.duration, info.rate) == (MediaKind.VIDEO, 6, 25)
    assert (info.width, info.height, info.has_audio) == (320, 192, False)


def test_a_clip_shorter_than_its_place_holds_its_last_frame(film):
    assert codes(film, range(238, 300, 10)) == [190, 191, 191, 191, 191, 191, 191]
    assert codes(film, [0, 5], start=Fraction(20)) == [191, 191]


def test_a_frame_that_stands_for_long_is_decoded_once(film, tmp_path):
    """After five seconds it was looked for again in every frame, from the last keyframe on."""
    slides = write_clip(tmp_path / "slides.mp4", frames=3, times=[Fraction(0), Fraction(12), Fraction(13)])
    for path, first, end in ((film, 239, 900), (slides, 0, 355)):
        with VideoReader(path, rate=Rate(num=30)) as reader:
            held = reader.frame(first)
            assert all(reader.frame(n) is held for n in range(first, end, 5))
    assert codes(slides, [0, 355, 365, 600]) == [0, 0, 1, 2]
    assert codes(film, [600, 900]) == [191, 191]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_on_the_way_to_a_start_only_what_others_need_is_decoded(tmp_path, monkeypatch, codec):
    """And what is shown is the same to the last bit."""
    path = write_clip(tmp_path / "clip.mp4", frames=120, codec=codec, gop=120)
    with VideoReader(path, rate=Rate(num=30)) as reader:
        whole = [reader.frame(n).to_ndarray() for n in range(120)]
    decoded = []

    def counted(*args):
        for frame in video_frames(*args):
            decoded.append(frame)
            yield frame

    monkeypatch.setattr(video, "video_frames", counted)
    for start in (*range(0, 120, 7), 118, 119):
        with VideoReader(path, rate=Rate(num=30), source_start=Fraction(start, 30)) as reader:
            for n in range(min(5, 120 - start)):
                assert np.array_equal(reader.frame(n).to_ndarray(), whole[start + n])
    decoded.clear()
    with VideoReader(path, rate=Rate(num=30), source_start=Fraction(100, 30)) as reader:
        reader.frame(0)
    assert 25 < len(decoded) < 80


@pytest.mark.parametrize("held", [4, 5, 6, 7])
def test_a_picture_that_no_other_needs_may_stand_for_long(tmp_path, held):
    """One does for three seconds; two of four are such. What stood before must not be shown instead."""
    times = [Fraction(n, 20) if n <= held else 3 + Fraction(n, 20) for n in range(40)]
    path = write_clip(tmp_path / "slow.mp4", frames=40, times=times, gop=40)
    begins = Fraction(held, 20)
    for later in (1, 2, 3):
        assert codes(path, [0], start=begins + later) == [held]
    assert codes(path, [0], start=begins + 3 + Fraction(1, 20)) == [held + 1]


def test_the_source_end_is_never_shown(film):
    """Frame 48 begins at exactly 2.002 s."""
    assert codes(film, [0, 59, 61, 90], end=Fraction(2002, 1000)) == [0, 47, 47, 47]
    assert codes(film, [61, 90], end=Fraction(2003, 1000)) == [47, 47]
    assert codes(film, [61, 90], end=Fraction(2020, 1000)) == [48, 48]


def test_variable_rate_holds_each_frame_for_its_own_time(tmp_path):
    times = [Fraction(t, 100) for t in (0, 3, 50, 53, 57, 180, 200)]
    path = write_clip(tmp_path / "vfr.mp4", frames=7, times=times)
    seen = codes(path, range(70))
    assert [seen.index(code) for code in range(7)] == [0, 1, 15, 16, 17, 54, 60]


def test_jittery_timestamps_neither_repeat_nor_skip(tmp_path):
    rng = np.random.default_rng(4)
    times = [Fraction(0)] + [Fraction(n, 30) + Fraction(int(rng.integers(-4, 5)), 1000) for n in range(1, 60)]
    path = write_clip(tmp_path / "phone.mp4", frames=60, times=times)
    assert codes(path, range(60)) == list(range(60))


def test_an_edit_list_decides_what_is_first(tmp_path):
    """A lossless cut keeps the frames before the cut for decoding; they are not displayed."""
    whole = write_clip(tmp_path / "whole.mp4", frames=100, rate=Fraction(25), gop=50)
    cut = tmp_path / "cut.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-ss", "0.6", "-i", str(whole), "-c", "copy"]
    subprocess.run([*command, str(cut)], check=True)
    assert codes(cut, range(5), rate=25) == [15, 16, 17, 18, 19]
    assert codes(cut, range(5), rate=25, start=Fraction(2)) == [65, 66, 67, 68, 69]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90])
def test_a_phone_clip_stands_upright(tmp_path, degrees):
    stored = np.ascontiguousarray(np.rot90(quadrants(320, 192), -degrees // 90))
    path = write_clip(tmp_path / "phone.mp4", frames=5, pictures=[stored] * 5, rotation=degrees)
    with VideoReader(path, rate=Rate(num=30)) as reader:
        frame = reader.frame(2)
        assert (frame.width, frame.height) == (320, 192)
        assert media.corners(frame) == [RED, GREEN, BLUE, YELLOW]
    info = probe(path)
    assert (info.width, info.height) == (320, 192)
    assert (info.orientation is Orientation.NONE) == (degrees == 0)


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("vflip", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_turns_and_flips_are_those_of_ffmpeg(tmp_path, degrees, hflip, vflip):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height = 320, 192
        stream.set_display_rotation(degrees, hflip=hflip, vflip=vflip)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(quadrants(320, 192), format="rgb24")))
        out.mux(stream.encode(None))
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), str(tmp_path / "f.png")], check=True
    )
    with VideoReader(path, rate=Rate(num=30)) as reader:
        ours = reader.frame(0)
    with av.open(str(tmp_path / "f.png")) as reference:
        theirs = next(reference.decode(video=0))
    assert (ours.width, ours.height) == (theirs.width, theirs.height)
    assert media.corners(ours) == media.corners(theirs)


def test_pixels_that_are_not_square_are_squared(tmp_path):
    path = tmp_path / "dv.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height = 360, 288
        stream.codec_context.sample_aspect_ratio = Fraction(64, 45)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(quadrants(360, 288), format="rgb24")))
        out.mux(stream.encode(None))
    with VideoReader(path, rate=Rate(num=30)) as reader:
        assert (reader.frame(0).width, reader.frame(0).height) == (512, 288)
    assert (probe(path).width, probe(path).height) == (512, 288)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("camcorder.mpg", ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "2"]),
        ("camcorder.ts", ["-c:v", "libx264", "-x264-params", "interlaced=1"]),
        ("tape.mov", ["-c:v", "prores_ks", "-flags", "+ildct", "-pix_fmt", "yuv422p10le"]),
    ],
)
def test_what_moves_in_an_interlaced_clip_is_not_frayed(tmp_path, name, options):
    """Every other line is of a moment later. Each picture is shown once, at its time (D-024, D-026)."""
    path = write_interlaced(tmp_path / name, options)
    stored = decoded(path)
    assert len(stored) == 30 and all(frame.interlaced_frame for frame in stored)
    for start in (0, 13):
        with VideoReader(path, rate=Rate(num=25), source_start=Fraction(start, 25)) as reader:
            shown = [reader.frame(n) for n in range(30 - start)]
        assert [frame.pts for frame in shown] == [frame.pts for frame in stored[start:]]
        for frame, before in zip(shown[1:], stored[start + 1 :], strict=True):
            assert frayed(frame) < frayed(before) / 4


def test_pictures_that_turn_interlaced_or_change_their_size_are_all_shown(tmp_path):
    mpeg2 = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme"]
    plain = write_clip(tmp_path / "plain.mp4", frames=4)
    small, large = (
        write_interlaced(tmp_path / f"{height}.mpg", ["-s", f"320x{height}", *mpeg2]) for height in (192, 288)
    )
    for order in ((plain,), (small,), (plain, small, plain), (small, large, large, small)):
        frames = [frame for path in order for frame in decoded(path)[:4]]
        times = [(frame.pts, frame.time_base, frame.height) for frame in frames]
        made = list(progressive(frames))
        assert [(frame.pts, frame.time_base, frame.height) for frame in made] == times
        if order == (plain,):
            assert all(one is other for one, other in zip(made, frames, strict=True))
    assert len(list(progressive(decoded(small)[:1]))) == 1


def write_interlaced(path, options):
    """30 pictures of 25 fps, of two fields each, in which everything moves sideways."""
    moving = [np.roll(quadrants(320, 288), 8 * n, axis=1) for n in range(60)]
    fields = write_clip(path.with_name("fields.mp4"), frames=60, rate=Fraction(50), pictures=moving)
    woven = ["-vf", "tinterlace=interleave_top,setfield=tff", *options]
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(fields), *woven, str(path)]
    subprocess.run(ffmpeg, check=True)
    return path


def decoded(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def frayed(frame):
    """How much lines differ from those around them."""
    luma = frame.reformat(format="gray").to_ndarray().astype(int)
    return np.abs(2 * luma[1:-1] - luma[:-2] - luma[2:]).mean()


def test_yuv420p_passes_without_a_copy_and_without_its_frame_type(film):
    with VideoReader(film, rate=Rate(num=30)) as reader:
        first = reader.frame(0)
        assert first is reader.frame(0)
        assert (first.format.name, first.pict_type, reader.frame(40).pict_type) == ("yuv420p", 0, 0)


def test_frames_are_asked_for_in_order(film):
    with VideoReader(film, rate=Rate(num=30)) as reader:
        reader.frame(7)
        with pytest.raises(ValueError, match="frame 6 asked for after frame 7"):
            reader.frame(6)


@pytest.mark.parametrize("name", ["bikes", "bigbuckbunny"])
def test_real_clips_of_25_fps_show_every_frame_once_in_five_of_six(name):
    path = media.real_clip(name)
    info = probe(path)
    assert info.rate == 25
    with VideoReader(path, rate=Rate(num=30)) as reader:
        times = [reader.frame(n).pts * reader.frame(n).time_base * 25 for n in range(60)]
    assert times == shown(Fraction(25), range(60), info.frames)


def test_a_truncated_clip_shows_what_it_holds(tmp_path):
    whole = write_clip(
        tmp_path / "whole.mp4", frames=100, pictures=_noisy(100), container_options={"movflags": "+faststart"}
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    seen = codes(cut, range(100))
    assert seen[:10] == list(range(10))
    assert seen == sorted(seen)
    assert 20 < seen[-1] < 80


def _noisy(count):
    """Coded pictures with noise below, so that every frame has about as many bytes."""
    rng = np.random.default_rng(2)
    pictures = [coded(index) for index in range(count)]
    for picture in pictures:
        picture[96:] = rng.integers(0, 255, picture[96:].shape, np.uint8)
    return pictures


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"hello\n", "plain text"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "an HLS playlist"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "an ffconcat list"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(1000), "cannot be read as an MP4 file"),
        (b"\x1aE\xdf\xa3" + bytes(1000), "cannot be read as a Matroska file"),
    ],
)
def test_what_is_no_clip_is_refused_by_name(tmp_path, content, said):
    path = tmp_path / "in-3"
    path.write_bytes(content)
    for look in (lambda: codes(path, [0]), lambda: probe(path, "holiday.mp4")):
        with pytest.raises(AssetUnreadable, match=said) as refused:
            look()
        assert refused.value.message.startswith(("in-3 ", "holiday.mp4 "))
        assert str(tmp_path) not in refused.value.message


def test_rare_decoders_stay_shut(tmp_path):
    path = write_clip(tmp_path / "clip.avi", frames=2, codec="magicyuv", pix_fmt="yuv420p")
    with pytest.raises(AssetUnreadable, match="uses magicyuv, which is not accepted"):
        probe(path)


def test_a_sound_has_no_picture(tmp_path):
    path = media.write_sound(tmp_path / "tone.m4a", media.tone(440, 1))
    with (
        pytest.raises(AssetUnreadable, match=r"tone\.m4a has no picture"),
        VideoReader(path, rate=Rate(num=30)),
    ):
        pass
