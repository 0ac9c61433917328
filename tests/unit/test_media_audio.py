"""What a mix sounds like: tones, their onsets to the sample, levels, and who gives way to whom."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from farm.errors import AssetUnreadable
from farm.timeline import AudioClip, AudioTrack, Media, MediaKind, Rate, Timeline, VideoClip, VideoTrack
from tests.media import beeps, level_at, onsets, tone, write_clip, write_sound
from workers.media.audio import mix
from workers.media.probe import probe
from workers.media.sound import HeldSound

pytestmark = pytest.mark.slow

SR = 48_000


def a_timeline(clips=(), music=(), *, rate=Rate(num=30), sample_rate=SR, seconds=6):  # noqa: B008 a frozen value
    """A black picture of that length unless `clips` are given; media are named by their kind."""
    names = {c.media for c in clips} | {c.media for c in music}
    kinds = {"clip": MediaKind.VIDEO, "mute": MediaKind.VIDEO, "photo": MediaKind.IMAGE}
    video = tuple(clips) or (
        VideoClip(media="photo", start_frame=0, end_frame_exclusive=int(seconds * rate.fps)),
    )
    return Timeline(
        name="t",
        rate=rate,
        width=64,
        height=64,
        sample_rate=sample_rate,
        media=tuple(
            Media(id=name, kind=kinds.get(name, MediaKind.AUDIO), name=f"{name}.bin")
            for name in names | {"photo"}
        ),
        video=(VideoTrack(clips=video),),
        audio=(AudioTrack(clips=tuple(music)),),
    )


def with_tracks(*tracks, seconds=4, clips=()):
    """A timeline with these audio tracks."""
    names = {clip.media for track in tracks for clip in track.clips}
    timeline = a_timeline(clips, seconds=seconds)
    media = tuple(Media(id=name, kind=MediaKind.AUDIO, name=name) for name in sorted(names))
    return timeline.model_copy(update={"audio": tracks, "media": timeline.media + media})


def heard(timeline, files, **builtin):
    """The whole mix as one array, its promises checked."""
    chunks = list(mix(timeline, files, builtin=builtin, checkpoint=lambda: None))
    sound = np.concatenate(chunks, axis=1)
    assert sound.dtype == np.float32
    assert sound.shape == (2, timeline.samples_at(timeline.end_frame_exclusive))
    return sound


@pytest.fixture(scope="module")
def beeping(tmp_path_factory):
    """Eight seconds of 23.976 fps with a beep of 1 kHz at each full second."""
    folder = tmp_path_factory.mktemp("beeping")
    return write_clip(
        folder / "clip.mp4", frames=192, rate=Fraction(24_000, 1001), sound=beeps(1000, 8, range(8))
    )


@pytest.fixture(scope="module")
def humming(tmp_path_factory):
    """Six seconds of 25 fps with a tone that never stops."""
    path = tmp_path_factory.mktemp("humming") / "clip.mp4"
    return write_clip(path, frames=150, rate=Fraction(25), sound=tone(300, 6))


@pytest.mark.parametrize("rate", [Rate(num=30), Rate.of(23.976), Rate.of(29.97), Rate(num=25)])
@pytest.mark.parametrize("sample_rate", [48_000, 44_100])
def test_a_clips_sound_sits_at_its_cut_to_the_sample(beeping, rate, sample_rate):
    clips = [
        VideoClip(media="photo", start_frame=0, end_frame_exclusive=37),
        VideoClip(media="clip", start_frame=37, end_frame_exclusive=100, source_start=Fraction(19, 10)),
    ]
    timeline = a_timeline(clips, rate=rate, sample_rate=sample_rate)
    sound = heard(timeline, {"clip": beeping})
    cut = timeline.samples_at(37)
    assert np.abs(sound[:, :cut]).max() == 0
    wanted = [cut / sample_rate + 0.1 + n for n in range(3)]
    seen = onsets(sound, sample_rate)
    assert len(seen) == len([w for w in wanted if w < sound.shape[1] / sample_rate])
    assert all(abs(a - b) < 0.0002 for a, b in zip(seen, wanted, strict=False))


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mov", "clip.mkv", "clip.ts", "clip.webm", "clip.avi"])
def test_picture_and_sound_stay_in_step_in_every_container(tmp_path, name):
    codecs = {"clip.webm": ("libvpx", "libopus"), "clip.avi": ("mpeg4", "libmp3lame")}
    video, audio = codecs.get(name, ("libx264", "aac"))
    path = write_clip(
        tmp_path / name,
        frames=150,
        rate=Fraction(25),
        codec=video,
        sound=beeps(1000, 6, [1, 3, 5]),
        sound_codec=audio,
    )
    for start in (Fraction(0), Fraction(5, 2)):
        clip = VideoClip(media="clip", start_frame=0, end_frame_exclusive=90, source_start=start)
        seen = onsets(heard(a_timeline([clip]), {"clip": path}), SR)
        wanted = [t - float(start) for t in (1, 3, 5) if 0 < t - start < 3]
        tolerance = 0.03 if name == "clip.avi" else 0.002  # AVI knows nothing of MP3's encoder delay
        assert [pytest.approx(t, abs=tolerance) for t in wanted] == seen


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a", "ogg"])
@pytest.mark.parametrize("rate", [48_000, 44_100, 22_050])
def test_music_of_any_format_and_rate_keeps_time(tmp_path, suffix, rate):
    rate = 48_000 if suffix == "ogg" else rate
    path = write_sound(tmp_path / f"m.{suffix}", beeps(1000, 8, [0.0, 1.0, 2.5, 6.25], rate), rate)
    clip = AudioClip(
        media="music", start_sample=SR // 2, end_sample_exclusive=6 * SR, source_start=Fraction(2)
    )
    seen = onsets(heard(a_timeline(music=[clip]), {"music": path}), SR)
    assert seen == [pytest.approx(t, abs=0.0002) for t in (1.0, 4.75)]
    assert probe(path).duration == pytest.approx(8, abs=0.1)


def test_gain_is_linear_and_mono_is_heard_on_both_sides(tmp_path):
    path = write_sound(tmp_path / "m.wav", tone(440, 6, channels=1, level=0.5))
    clip = AudioClip(media="music", start_sample=0, end_sample_exclusive=6 * SR, gain=0.3)
    sound = heard(a_timeline(music=[clip]), {"music": path})
    assert level_at(sound, SR, 440, 1, 2) == pytest.approx(0.15, rel=0.01)
    assert level_at(sound[::-1], SR, 440, 1, 2) == pytest.approx(0.15, rel=0.01)


def test_fades_rise_and_fall_without_a_step(tmp_path):
    path = write_sound(tmp_path / "m.wav", np.full((2, 6 * SR), 0.5, np.float32))
    clip = AudioClip(
        media="music",
        start_sample=SR,
        end_sample_exclusive=5 * SR,
        fade_in_samples=SR,
        fade_out_samples=2 * SR,
    )
    sound = heard(a_timeline(music=[clip]), {"music": path})[0]
    assert (sound[: SR + 1] < 1e-6).all() and (sound[5 * SR - 1 :] < 1e-6).all()
    assert (np.diff(sound[SR : 2 * SR]) >= -1e-6).all() and (np.diff(sound[3 * SR : 5 * SR]) <= 1e-6).all()
    assert sound[3 * SR // 2] == pytest.approx(0.25, abs=0.001)
    assert sound[5 * SR // 2] == pytest.approx(0.5, abs=0.001)


def test_a_fade_is_as_smooth_an_hour_into_the_film():
    chirp = np.full((2, 100), 0.5, np.float32)
    rise, fall, start, end = SR // 4, 3 * SR // 2, 3600 * SR + 1, 3604 * SR + 7
    clip = AudioClip(
        media="hum",
        start_sample=start,
        end_sample_exclusive=end,
        fade_in_samples=rise,
        fade_out_samples=fall,
        loop=True,
    )
    chunks = mix(
        a_timeline(music=[clip], rate=Rate(num=1), seconds=3605),
        {},
        builtin={"hum": chirp},
        checkpoint=lambda: None,
    )
    sound = np.concatenate(list(chunks)[-12:], axis=1)[0]
    assert sound.max() == pytest.approx(0.5)
    assert np.abs(np.diff(sound)).max() < 0.5 * np.pi / 2 / rise * 1.01  # no steeper than its fade in
    assert sound[-(3605 * SR - end) - 1] < 1e-6


def test_a_cut_into_a_tone_does_not_click(tmp_path):
    path = write_sound(tmp_path / "m.wav", tone(100, 6, level=0.8))
    clip = AudioClip(
        media="music", start_sample=SR, end_sample_exclusive=2 * SR, source_start=Fraction(25, 10_000)
    )
    sound = heard(a_timeline(music=[clip]), {"music": path})[0]
    assert np.abs(np.diff(sound)).max() < 0.02  # a bare cut at the crest would jump by 0.8
    assert level_at(sound[None], SR, 100, 1.01, 1.99) == pytest.approx(0.8, rel=0.01)


@pytest.mark.parametrize("rate", [Rate(num=30), Rate.of(29.97)])
@pytest.mark.parametrize("speed", [Fraction(1), Fraction(3, 2)])
def test_a_cut_that_changes_nothing_is_not_heard(humming, rate, speed):
    """A clip that somebody has cut in two, as before a title, and left as it was."""

    def clip(start, end):
        source = Fraction(1, 10) + start / rate.fps * speed
        return VideoClip(
            media="clip", start_frame=start, end_frame_exclusive=end, source_start=source, speed=speed
        )

    whole, cut = (
        heard(a_timeline(clips, rate=rate), {"clip": humming})
        for clips in ([clip(0, 90)], [clip(0, 31), clip(31, 60), clip(60, 90)])
    )
    assert np.array_equal(whole, cut)
    jump = [clip(0, 31), clip(32, 61).model_copy(update={"start_frame": 31, "end_frame_exclusive": 90})]
    declicked = heard(a_timeline(jump, rate=rate), {"clip": humming})
    assert np.abs(declicked[:, a_timeline(jump, rate=rate).samples_at(31)]).max() < 0.001


@pytest.mark.parametrize("seconds", ["1/4", "1", "12"])
def test_a_loop_starts_over_without_a_gap(tmp_path, seconds):
    """A whole number of periods in each pass, so that the seams cannot be heard, nor seen in the level."""
    length = Fraction(seconds)
    path = write_sound(tmp_path / "m.wav", tone(400, float(length), level=0.5))
    clip = AudioClip(media="music", start_sample=0, end_sample_exclusive=30 * SR, loop=True)
    sound = heard(a_timeline(music=[clip], seconds=30), {"music": path})
    whole = 0.5 * np.sin(2 * np.pi * 400 * np.arange(30 * SR) / SR)
    assert np.abs(sound[0, SR:-SR] - whole[SR:-SR]).max() < 0.001


def test_a_loop_repeats_only_its_own_span(tmp_path):
    path = write_sound(tmp_path / "m.wav", np.concatenate([tone(400, 3), tone(1000, 3)], axis=1))
    clip = AudioClip(
        media="music",
        start_sample=0,
        end_sample_exclusive=6 * SR,
        source_start=Fraction(2),
        source_end=Fraction(4),
        loop=True,
    )
    sound = heard(a_timeline(music=[clip]), {"music": path})
    heard_hz = [
        400 if level_at(sound, SR, 400, t, t + 0.8) > 0.3 else 1000 for t in (0.1, 1.1, 2.1, 3.1, 4.1, 5.1)
    ]
    assert heard_hz == [400, 1000] * 3


def test_a_short_source_is_followed_by_silence_and_a_long_one_is_cut(tmp_path):
    short = write_sound(tmp_path / "s.wav", tone(440, 2))
    clip = AudioClip(media="short", start_sample=0, end_sample_exclusive=20 * SR)
    sound = heard(a_timeline(music=[clip]), {"short": short})
    assert np.abs(sound[:, 2 * SR :]).max() == 0
    assert level_at(sound, SR, 440, 1, 1.9) == pytest.approx(0.5, rel=0.01)


def test_pictures_silent_clips_and_muted_clips_are_silent(tmp_path, beeping):
    mute = write_clip(tmp_path / "mute.mp4", frames=30)
    clips = [
        VideoClip(media="photo", start_frame=0, end_frame_exclusive=30),
        VideoClip(media="mute", start_frame=30, end_frame_exclusive=60),
        VideoClip(media="clip", start_frame=60, end_frame_exclusive=120, sound_gain=0),
    ]
    assert np.abs(heard(a_timeline(clips), {"mute": mute, "clip": beeping})).max() == 0


def test_what_sounds_at_once_adds_up(tmp_path):
    """Three tones of 0.5: how loud all of it becomes is the master's affair."""
    files, music = {}, []
    for index, hz in enumerate((300, 500, 700)):
        name = f"m{index}"
        files[name] = write_sound(tmp_path / f"{name}.wav", tone(hz, 4))
        music.append(AudioClip(media=name, start_sample=index * SR, end_sample_exclusive=4 * SR))
    sound = heard(with_tracks(*(AudioTrack(clips=(clip,)) for clip in music)), files)
    for hz, start in ((300, 0.2), (500, 1.2), (700, 2.2)):
        assert level_at(sound, SR, hz, start, 3.8) == pytest.approx(0.5, rel=0.02)
    assert np.abs(sound).max() > 1.2


def test_a_built_in_sound_keeps_its_attack_and_its_place(tmp_path):
    """From memory, sample for sample, also when it comes in late; a file of the same role is declicked."""
    stroke = np.linspace(0.5, 0.0, 4800, dtype=np.float32) * np.ones((2, 1), np.float32)
    path = write_sound(tmp_path / "stroke.wav", stroke, codec="pcm_f32le")
    at = SR + 17
    whole = AudioClip(media="made", start_sample=at, end_sample_exclusive=at + 4800, gain=0.5)
    late = AudioClip(
        media="made", start_sample=2 * SR, end_sample_exclusive=3 * SR, source_start=Fraction(1, 20)
    )
    file = AudioClip(media="file", start_sample=3 * SR, end_sample_exclusive=3 * SR + 4800)
    timeline = with_tracks(AudioTrack(clips=(whole, late, file), role="effects"))
    sound = heard(timeline, {"file": path}, made=stroke)
    assert np.array_equal(sound[:, at : at + 4800], stroke * np.float32(0.5))
    assert np.array_equal(sound[:, 2 * SR : 2 * SR + 2400], stroke[:, 2400:])
    assert not sound[:, 2 * SR + 2400 : 3 * SR].any() and not sound[:, :at].any()
    assert np.abs(sound[:, 3 * SR]).max() < 0.01 < np.abs(sound[:, 3 * SR + 300]).max()


def test_sound_that_is_not_a_number_never_reaches_the_mix(tmp_path):
    wild = tone(440, 2)
    wild[:, 1000:1010] = np.nan
    wild[:, 2000:2010] = np.inf
    wild[:, 3000:3010] = 3e38  # infinite, were it made any louder
    path = write_sound(tmp_path / "m.wav", wild, codec="pcm_f32le")
    clip = AudioClip(media="music", start_sample=0, end_sample_exclusive=2 * SR, gain=4)
    sound = heard(a_timeline(music=[clip], seconds=2), {"music": path})
    assert np.isfinite(sound).all()
    assert level_at(sound, SR, 440, 1.5, 2) == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize("count", [1, 7, 10])
def test_a_held_sound_loops_whatever_is_read_at_once(count):
    sound = np.arange(20, dtype=np.float32).reshape(2, 10)
    span = {"source_start": Fraction(2, SR), "source_end": Fraction(2 + count, SR)}
    reader = HeldSound(sound, SR, **span, loop=True)
    read = np.concatenate([reader.read(size) for size in (3, 1, 24_000, 5)], axis=1)
    wanted = sound[:, 2 : 2 + count]
    assert all((side == np.resize(part, 24_009)).all() for side, part in zip(read, wanted, strict=True))
    once = HeldSound(sound, SR, **span)
    assert np.array_equal(np.concatenate([once.read(3) for _ in range(5)], axis=1), wanted)


def test_five_minutes_take_no_more_memory_than_one(tmp_path, beeping):
    song = write_sound(tmp_path / "m.mp3", tone(220, 20), 44_100)

    def peak_mb(minutes):
        seconds = 60 * minutes
        clips = [
            VideoClip(media="clip", start_frame=at * 30, end_frame_exclusive=(at + 5) * 30)
            for at in range(0, seconds, 5)
        ]
        music = AudioClip(media="music", start_sample=0, end_sample_exclusive=seconds * SR, loop=True)
        tracemalloc.start()
        count = sum(c.shape[1] for c in mix(a_timeline(clips, [music]), files, checkpoint=lambda: None))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == seconds * SR
        return peak / 1e6

    files = {"clip": beeping, "music": song}
    assert peak_mb(5) < peak_mb(1) + 1


def test_a_mix_stops_at_its_checkpoint(tmp_path):
    class Stopped(Exception):
        pass

    def checkpoint():
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Stopped

    calls = 0
    path = write_sound(tmp_path / "m.wav", tone(440, 6))
    clip = AudioClip(media="music", start_sample=0, end_sample_exclusive=6 * SR)
    with pytest.raises(Stopped):
        list(mix(a_timeline(music=[clip]), {"music": path}, checkpoint=checkpoint))


def test_a_file_that_is_no_sound_is_named_as_the_user_knows_it(tmp_path):
    path = tmp_path / "in-5"
    path.write_bytes(b"#EXTM3U\n")
    clip = AudioClip(media="music", start_sample=0, end_sample_exclusive=SR)
    with pytest.raises(AssetUnreadable, match=r"^music\.bin is an HLS playlist"):
        list(mix(a_timeline(music=[clip]), {"music": path}, checkpoint=lambda: None))
