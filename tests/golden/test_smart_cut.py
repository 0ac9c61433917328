"""Films of clips that nothing changes, played: what was copied is the clip to the pixel."""

import subprocess
from fractions import Fraction
from functools import cache

import av
import imageio_ffmpeg
import numpy as np
import pytest

from farm.encoders import EncoderProfile
from farm.errors import FailureClass, TaskFailure
from farm.timeline import Rate, TextClip
from tests.golden.render_scenes import crossfade, decoded, montage, paths_of, planes_of, psnr
from tests.golden.test_render_file import Attempt, task_of, threads_of_a_render
from tests.h264 import GOP, HEIGHT, MAKES, WIDTH, write_h264
from tests.media import level_at, read_code, real_photo, tone, write_clip
from workers.context import Cancelled
from workers.cpu_render.media_render import perform
from workers.cpu_render.plan import plan
from workers.cpu_render.render import render
from workers.cpu_render.smart_cut import assembly, find_copies

pytestmark = pytest.mark.slow

COPYING = EncoderProfile(options={"preset": "veryfast", "crf": "20"}, copy_up_to_bitrate=50_000_000)
ANY_FRAME = 30  # dB that every encoded frame has


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """One clip of each make, 90 frames, numbered 0, 1000, 2000, …; all with sound."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        make: write_h264(folder / f"{make}.mp4", 90, params, first=1000 * n, sound=tone(440, 3))
        for n, (make, params) in enumerate(MAKES.items())
    }


def film_of(*clips, **options):
    return montage(*clips, width=WIDTH, height=HEIGHT, **options)


def made(timeline, files, out, profile=COPYING, **options):
    calls = {"progress": lambda fraction, stage: None, "checkpoint": lambda: None} | options
    return render(timeline, files, out, profile=profile, **calls)


def copies(timeline, files, profile=COPYING):
    return find_copies(plan(timeline), timeline, files, profile, lambda: None)


def copied_frames(timeline, files):
    """Every frame that is copied, as is found in the clips once more."""
    spans = [span for span in copies(timeline, files).plan.spans if span.kind == "copy"]
    return {n for span in spans for n in range(span.start_frame, span.end_frame_exclusive)}


def check_plays(timeline, files, out, seeks=(1, 17, 43)):
    """Every frame is there in its time and shows what it should; returns how many are copied and encoded."""
    with av.open(str(out)) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        frames = list(container.decode(video=0))
    rate, count = timeline.rate, timeline.end_frame_exclusive
    assert [frame.pts * frame.time_base for frame in frames] == [rate.seconds(n) for n in range(count)]
    copied = copied_frames(timeline, files)
    sources = {name: decoded(path) for name, path in files.items()}
    for clip in timeline.video[0].clips:
        first = round(clip.source_start * rate.fps)
        for n in range(clip.start_frame, clip.end_frame_exclusive):
            wanted = sources[clip.media][first + n - clip.start_frame]
            if n in copied:
                assert np.array_equal(frames[n].to_ndarray(), wanted.to_ndarray()), n
            else:
                assert psnr(planes_of(frames[n]), planes_of(wanted)) > ANY_FRAME, n
    check_ffmpeg_plays(out, frames, seeks)
    return len(copied), len(frames) - len(copied)


def check_ffmpeg_plays(out, frames, seeks=(1, 17, 43)):
    """The command line decodes it whole without a word, and every frame that it is sent to alone."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-nostdin"]
    whole = subprocess.run([*command, "-xerror", "-i", str(out), "-f", "null", "-"], capture_output=True)
    assert (whole.returncode, whole.stderr) == (0, b"")
    for n in (*seeks, len(frames) - 1):
        at = str(float(frames[n].pts * frames[n].time_base))
        raw = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
        seen = subprocess.run([*command, "-ss", at, "-i", str(out), *raw], capture_output=True).stdout
        assert seen == frames[n].to_ndarray().tobytes(), n


@cache
def known_decoders():
    return subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-decoders"], capture_output=True).stdout


def hashes(path, decoder):
    """Of every frame, by its time, as one of FFmpeg's decoders has it."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-nostdin",
        "-c:v",
        decoder,
        "-i",
        str(path),
        "-an",
    ]
    command += ["-fps_mode", "passthrough", "-f", "framemd5", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.split(",")[2::3] for line in said.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("make", [make for make in MAKES if make not in ("open", "refresh")])
def test_a_trim_encodes_no_more_than_its_edges(clips, tmp_path, make):
    """From picture 20 to 81: the next keyframe is 30; the end lies within a group, too."""
    clip = clips[make]
    timeline = film_of((clip, 61, {"source_start": Fraction(20, 30)}))
    report = made(timeline, paths_of(clip), tmp_path / "out.mp4")
    copied, encoded = check_plays(timeline, paths_of(clip), tmp_path / "out.mp4")
    assert copied == report.spans["copy"] >= 48 and 10 <= encoded <= 10 + 3 < 2 * GOP
    assert report.notes == (f"{copied} of 61 frames are copied without loss; the others are encoded.",)
    if b"libopenh264" in known_decoders():
        other = hashes(tmp_path / "out.mp4", "libopenh264")
        assert len(other) == 61 and other == hashes(tmp_path / "out.mp4", "h264")
    first = 1000 * list(MAKES).index(make) + 20
    assert [read_code(frame) for frame in decoded(tmp_path / "out.mp4")] == [*range(first, first + 61)]


@pytest.mark.parametrize("make", ["open", "refresh"])
def test_without_a_true_keyframe_only_the_beginning_can_be_copied(clips, tmp_path, make):
    clip = clips[make]
    timeline = film_of((clip, 61, {}))
    made(timeline, paths_of(clip), tmp_path / "out.mp4")
    # Sent to a picture that follows its keyframe but is shown before it, FFmpeg shows the keyframe.
    seeks = (0, 1, 20, 40) if make == "open" else (0, 1, 8)
    copied, _ = check_plays(timeline, paths_of(clip), tmp_path / "out.mp4", seeks)
    assert copied >= 58
    late = film_of((clip, 61, {"source_start": Fraction(20, 30)}))
    assert copies(late, paths_of(clip)).taken == ()


def test_a_merge_of_every_make_plays_as_one_film_with_one_sound(clips, tmp_path):
    """Seven encoders' settings, so seven pairs of parameter sets, most of which call themselves number 0."""
    parts = [(clip, 60, {"source_start": Fraction(1, 2)}) for make, clip in clips.items() if make == "plain"]
    parts += [(clip, 50, {}) for clip in clips.values()]
    timeline, files = film_of(*parts), paths_of(*clips.values())
    report = made(timeline, files, tmp_path / "out.mp4")
    copied, encoded = check_plays(timeline, files, tmp_path / "out.mp4")
    assert copied == report.spans["copy"] and encoded <= 3 * len(parts)
    with av.open(str(tmp_path / "out.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    length = timeline.duration * 48_000
    assert 0 <= sound.shape[1] - length < 2048
    assert level_at(sound, 48_000, 440, 0.5, 1.5) > 0.1


def test_clips_of_one_encoder_share_their_parameter_sets(tmp_path):
    first = write_h264(tmp_path / "first.mp4", 60, MAKES["b-frames"])
    second = write_h264(tmp_path / "second.mp4", 60, MAKES["b-frames"], first=500)
    timeline, files = film_of((first, 60, {}), (second, 60, {})), paths_of(first, second)
    made(timeline, files, tmp_path / "out.mp4")
    assert check_plays(timeline, files, tmp_path / "out.mp4") == (120, 0)
    with av.open(str(tmp_path / "out.mp4")) as container:
        record = container.streams.video[0].codec_context.extradata
    assert record[5] & 31 == 2  # theirs, and that of the encoder, for which there was no need after all


def test_other_rates_and_clocks_keep_their_pictures(tmp_path):
    """Matroska counts milliseconds: nothing falls on the film's own grid, and all is where it should be."""
    ntsc = Fraction(30_000, 1001)
    clip = write_h264(tmp_path / "clip.mp4", 90, MAKES["b-frames"], rate=ntsc, file_format="matroska")
    timeline = film_of((clip, 60, {"source_start": 20 / ntsc}), rate=Rate(num=30_000, den=1001))
    made(timeline, paths_of(clip), tmp_path / "out.mp4")
    copied, _ = check_plays(timeline, paths_of(clip), tmp_path / "out.mp4")
    assert copied >= 48


def test_what_an_edit_list_hides_stays_hidden(clips, tmp_path):
    """A clip that was trimmed elsewhere without encoding: its first pictures are there, and never shown."""
    trimmed = tmp_path / "trimmed.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-ss", "0.3", "-i"]
    subprocess.run([*command, str(clips["b-frames"]), "-c", "copy", str(trimmed)], check=True)
    timeline = film_of((trimmed, 70, {}))
    made(timeline, paths_of(trimmed), tmp_path / "out.mp4")
    copied, encoded = check_plays(timeline, paths_of(trimmed), tmp_path / "out.mp4")
    assert copied > 50 and 0 < encoded < GOP
    assert read_code(decoded(tmp_path / "out.mp4")[0]) == 1009


def test_only_what_nothing_changes_is_copied(clips, tmp_path):
    """A photo, a crossfade and a caption: the rest of both clips is left as it is."""
    photo, (one, two) = real_photo("coffee"), (clips["plain"], clips["b-frames"])
    text = TextClip(text="Look", start_frame=150, end_frame_exclusive=170, template="Title")
    timeline = film_of((photo, 30, {}), (one, 60, {}), (two, 80, {"transition": crossfade()}), texts=[text])
    files = paths_of(photo, one, two)
    report = made(timeline, files, tmp_path / "out.mp4")
    assert copied_frames(timeline, files) == {*range(30, 83), *range(105, 150)}
    assert report.spans["copy"] == 98
    seen = decoded(tmp_path / "out.mp4")
    assert len(seen) == 170
    for place, path in ((range(30, 83), one), (range(105, 150), two)):
        source = decoded(path)
        start = 30 if path == one else 90
        assert all(np.array_equal(seen[n].to_ndarray(), source[n - start].to_ndarray()) for n in place)
    check_ffmpeg_plays(tmp_path / "out.mp4", seen)


ODD = {
    "turned": {"rotation": 90},
    "full range": {"color_range": 2},
    "another matrix": {"matrix": 6},
    "nothing said, of small video": {"matrix": 2},
    "wide pixels": {"pixel_aspect": Fraction(4, 3)},
    "interlaced": {"params": "interlaced=1"},
    "ten bits": {"pix_fmt": "yuv420p10le"},
    "full chroma": {"pix_fmt": "yuv444p"},
    "another size": {"size": (WIDTH, HEIGHT - 32)},
    "twice the rate": {"rate": Fraction(60)},
    "sets between its pictures": {"file_format": "mpegts"},
    "no times": {"file_format": "avi"},
}


@pytest.mark.parametrize("oddity", ODD)
def test_what_a_film_would_show_otherwise_is_encoded(tmp_path, oddity):
    clip = write_h264(tmp_path / "clip.mp4", 50, **ODD[oddity])
    found = copies(film_of((clip, 45, {})), paths_of(clip))
    assert (found.taken, found.notes, found.frames) == ((), (), 0)


def test_other_codecs_profiles_and_data_rates_are_encoded(tmp_path):
    foreign = write_clip(tmp_path / "foreign.mp4", frames=45, codec="libx265")
    assert copies(film_of((foreign, 45, {})), paths_of(foreign)).taken == ()
    clip = write_h264(tmp_path / "clip.mp4", 45)
    timeline, files = film_of((clip, 45, {})), paths_of(clip)
    assert copies(timeline, files).frames == 45
    for other in ({"encoder": "libsvtav1"}, {"most_fps": 15.0}, {"copy_up_to_bitrate": 0}):
        assert copies(timeline, files, COPYING.model_copy(update=other)).taken == ()
    low = copies(timeline, files, COPYING.model_copy(update={"copy_up_to_bitrate": 1000}))
    assert low.taken == () and low.notes[0].startswith("clip.mp4 is encoded anew: it has ")


def test_a_variable_rate_is_encoded(tmp_path):
    times = [Fraction(n + n // 7, 30) for n in range(60)]
    clip = write_h264(tmp_path / "clip.mp4", 60, times=times)
    assert copies(film_of((clip, 60, {})), paths_of(clip)).taken == ()


def test_a_damaged_clip_is_encoded_and_the_log_says_so(tmp_path):
    clip = write_h264(tmp_path / "clip.mp4", 60)
    content = bytearray(clip.read_bytes())
    start = content.index(b"mdat") + 4
    content[start + 900 : start + 904] = b"\xff\xff\xff\xff"
    with av.open(str(clip)) as container:
        at = [packet.pos for packet in container.demux(video=0) if packet.size][35]
    content[at : at + 4] = b"\x7f\xff\xff\xff"
    clip.write_bytes(content)
    report = made(film_of((clip, 45, {})), paths_of(clip), tmp_path / "out.mp4")
    assert "copy" not in report.spans and len(decoded(tmp_path / "out.mp4")) == 45
    assert report.notes == ("clip.mp4 is encoded anew: the lengths of its parts do not fit it.",)


def test_a_film_that_does_not_verify_is_encoded_whole(clips, tmp_path, monkeypatch):
    def verify(path, shape, form, untouched):
        raise TaskFailure("The sky is falling", FailureClass.CORRUPT_OUTPUT)

    monkeypatch.setattr(assembly, "verify", verify)
    clip = clips["plain"]
    report = made(film_of((clip, 45, {})), paths_of(clip), tmp_path / "out.mp4")
    assert report.spans == {"simple": 45}
    assert report.notes == ("All frames are encoded, none copied: The sky is falling.",)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_pictures_that_differ_from_the_clips_are_noticed(clips, tmp_path, monkeypatch):
    """As if packets had got mixed up: each shown a frame late, but for one."""
    true = assembly.coded_pictures

    def shifted(path, name, coding, footage, start, end):
        return true(path, name, coding, footage, start + GOP, end + GOP)

    monkeypatch.setattr(assembly, "coded_pictures", shifted)
    clip = clips["plain"]
    report = made(film_of((clip, 45, {})), paths_of(clip), tmp_path / "out.mp4")
    assert report.spans == {"simple": 45} and "looks different at frame 0" in report.notes[0]


def test_playing_it_over_its_joins_is_progress_too(clips, tmp_path, monkeypatch):
    """Of hundreds of clips with long groups it takes longer than a task may seem to stand still."""
    told, begun, check = list[float](), list[float](), assembly._check

    def checked(*args, **options):
        begun.append(told[-1])
        check(*args, **options)

    monkeypatch.setattr(assembly, "_check", checked)
    timeline = film_of((clips["plain"], 45, {}), (clips["b-frames"], 45, {}))
    files = paths_of(clips["plain"], clips["b-frames"])
    made(timeline, files, tmp_path / "out.mp4", progress=lambda fraction, stage: told.append(fraction))
    assert told == sorted(told) and begun[0] < begun[1] < told[-1] == 1


def test_a_cancel_stops_it_and_leaves_nothing(clips, tmp_path):
    def progress(fraction, stage):
        if fraction > 0.3:
            raise Cancelled

    clip = clips["b-frames"]
    timeline = film_of((clip, 61, {"source_start": Fraction(20, 30)}))
    with pytest.raises(Cancelled):
        made(timeline, paths_of(clip), tmp_path / "out.mp4", progress=progress)
    assert list(tmp_path.iterdir()) == [] and threads_of_a_render() == []


def test_a_job_tells_what_was_copied_and_can_forbid_it(clips, tmp_path):
    clip = clips["b-frames"]
    timeline = film_of((clip, 45, {}))
    (tmp_path / "on").mkdir()
    (tmp_path / "off").mkdir()
    on, off = Attempt(tmp_path / "on"), Attempt(tmp_path / "off")
    done = perform(task_of(timeline, paths_of(clip)), on)
    assert (
        done.result["notes"]
        == on.lines
        == ["45 of 45 frames are copied without loss; the others are encoded."]
    )
    assert perform(task_of(timeline, paths_of(clip), copy_untouched=False), off).result["notes"] == []
    assert off.lines == []
