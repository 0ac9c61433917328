"""What a clip at another speed shows and sounds like: numbers read from pictures, tones and beeps."""

from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import numpy as np
import pytest

from farm.encoders import EncoderProfile
from farm.timeline import (
    AudioClip,
    Media,
    MediaKind,
    Rate,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)
from tests.h264 import write_h264
from tests.media import beeps, onsets, read_code, tone, write_clip, write_sound
from tests.unit.test_media_audio import SR, a_timeline, heard
from workers.cpu_render.plan import plan
from workers.cpu_render.render import RenderReport, render
from workers.cpu_render.smart_cut import find_copies
from workers.media.sound import HeldSound, Samples
from workers.media.stretch import AtSpeed
from workers.media.video import VideoReader

pytestmark = pytest.mark.slow

SPEEDS = [Fraction(1, 10), Fraction(1, 2), Fraction(7, 10), Fraction(3, 2), Fraction(3), Fraction(10)]
FRAMES = 240
SIZE = (320, 192)
COPYING = EncoderProfile(options={"preset": "veryfast", "crf": "20"}, copy_up_to_bitrate=50_000_000)


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """Eight seconds of 30 frames, numbered, with a beep at each full second."""
    folder = tmp_path_factory.mktemp("film")
    return write_clip(folder / "film.mp4", frames=FRAMES, sound=beeps(1000, 8, range(8)))


def cut(*clips: VideoClip) -> Timeline:
    """The film's own size and rate."""
    width, height = SIZE
    return Timeline(
        name="cut",
        rate=Rate(num=30),
        width=width,
        height=height,
        media=(Media(id="film", kind=MediaKind.VIDEO, name="film.mp4"),),
        video=(VideoTrack(clips=clips),),
    )


def shot(start: int, end: int, *, of: int, speed: Fraction, crossfade: int = 0) -> VideoClip:
    """Frames of the timeline that show the film from its frame `of` on, as many as its speed takes."""
    first = Fraction(of, 30)
    return VideoClip(
        media="film",
        start_frame=start,
        end_frame_exclusive=end,
        source_start=first,
        source_end=first + Fraction(end - start, 30) * speed,
        speed=speed,
        transition=Transition(type="crossfade", before_frames=crossfade, after_frames=crossfade)
        if crossfade
        else None,
    )


def rendered(timeline: Timeline, film: Path, out: Path) -> RenderReport:
    calls = {"progress": lambda _done, _stage: None, "checkpoint": lambda: None}
    return render(timeline, {"film": film}, out, profile=COPYING, **calls)


def codes(
    path: Path, numbers: range, speed: Fraction = Fraction(1), start: Fraction = Fraction(0)
) -> list[int]:
    with VideoReader(path, rate=Rate(num=30), source_start=Fraction(start), speed=speed) as reader:
        return [read_code(reader.frame(number)) for number in numbers]


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("start", [Fraction(0), Fraction(7, 3)])
def test_each_frame_shows_what_the_film_shows_at_that_moment(film, speed, start):
    numbers = range(ceil((8 - start) * 30 / speed))[:100]
    quarter = Fraction(1, 120)
    wanted = [floor((start + Fraction(n, 30) * speed + quarter) * 30) for n in numbers]
    assert codes(film, numbers, speed, start) == wanted


def test_a_render_shows_it(film, tmp_path):
    out = tmp_path / "out.mp4"
    quick, slow = shot(0, 50, of=10, speed=Fraction(2)), shot(50, 130, of=120, speed=Fraction(1, 2))
    report = rendered(cut(quick, slow), film, out)
    assert report.frames == 130
    assert codes(out, range(130)) == [
        *(10 + 2 * n for n in range(50)),
        *(120 + n // 2 for n in range(80)),
    ]


def test_nothing_is_copied_of_a_clip_at_another_speed(tmp_path):
    path = write_h264(tmp_path / "clip.mp4", 90)
    for speed, frames in ((Fraction(1), 45), (Fraction(2), 0)):
        timeline = cut(shot(0, 45, of=0, speed=speed))
        found = find_copies(plan(timeline), timeline, {"film": path}, COPYING, lambda: None)
        assert found.frames == frames


def test_a_transition_borrows_at_the_clips_own_speed(film, tmp_path):
    out = tmp_path / "out.mp4"
    timeline = cut(
        shot(0, 40, of=0, speed=Fraction(2)),
        shot(40, 80, of=20, speed=Fraction(4), crossfade=10),  # five frames of the timeline lie ahead of it
    )
    rendered(timeline, film, out)
    with VideoReader(out, rate=Rate(num=30)) as reader:
        shown = {n: read_code(reader.frame(n)) for n in range(80) if not 30 <= n < 50}
    assert [shown[n] for n in range(30)] == [2 * n for n in range(30)]
    assert [shown[n] for n in range(50, 80)] == [20 + 4 * (n - 40) for n in range(50, 80)]


def test_a_clip_that_ends_early_holds_its_last_frame(film, tmp_path):
    out = tmp_path / "out.mp4"
    clip = shot(0, 20, of=200, speed=Fraction(2)).model_copy(update={"end_frame_exclusive": 30})
    rendered(cut(clip), film, out)
    assert codes(out, range(30)) == [*(200 + 2 * n for n in range(20)), *[239] * 10]


def at_speed(sound: Samples, speed: Fraction) -> Samples:
    """All of a sound in memory, read in odd pieces."""
    reader = AtSpeed(HeldSound(sound, SR, Fraction(0), None), SR, speed)
    pieces = []
    while (piece := reader.read(1234)).shape[1]:
        pieces.append(piece)
    return np.concatenate(pieces, axis=1)


def near(speed: Fraction) -> float:
    """Seconds by which a sound may begin beside its moment: 10 ms of the medium's time, and of the film's."""
    return 0.01 / float(speed) + 0.01


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_tone_keeps_its_pitch_and_its_side(speed):
    left, right = tone(440, 6, channels=1), tone(1000, 6, channels=1)
    made = at_speed(np.concatenate([left, right]), speed)
    assert abs(made.shape[1] - 6 * SR / speed) <= 1
    calm = made[:, made.shape[1] // 4 :][:, : SR // 4]
    for side, hz in zip(calm, (440, 1000), strict=True):
        assert np.sqrt(np.mean(side**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
        spectrum = np.abs(np.fft.rfft(side * np.hanning(side.size)))
        assert np.argmax(spectrum) * SR / side.size == pytest.approx(hz, abs=5)


@pytest.mark.parametrize("speed", SPEEDS)
def test_sounds_are_heard_when_they_are_seen(speed):
    at = [1.0, 2.5, 4.0]
    made = at_speed(beeps(1000, 6, at), speed)
    assert onsets(made, SR) == [pytest.approx(t / float(speed), abs=near(speed)) for t in at]


def test_a_clips_own_sound_goes_at_its_speed(film):
    clips = [
        VideoClip(media="photo", start_frame=0, end_frame_exclusive=30),
        shot(30, 90, of=15, speed=Fraction(2)).model_copy(update={"media": "clip"}),
    ]
    seen = onsets(heard(a_timeline(clips), {"clip": film}), SR)
    assert seen == [pytest.approx(1 + (t - 0.5) / 2, abs=near(Fraction(2))) for t in (1, 2, 3, 4)]


def test_music_at_a_speed_starts_over_when_it_ends(tmp_path):
    path = write_sound(tmp_path / "m.wav", beeps(1000, 3, [0.5]))
    clip = AudioClip(
        media="music", start_sample=SR, end_sample_exclusive=6 * SR, speed=Fraction(3, 2), loop=True
    )
    seen = onsets(heard(a_timeline(music=[clip]), {"music": path}), SR)
    assert seen == [pytest.approx(1 + 1 / 3 + 2 * n, abs=near(Fraction(3, 2))) for n in range(3)]
