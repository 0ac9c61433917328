"""Mastering: one loudness whatever comes in, no peak above the ceiling, not a sample more or less."""

import errno
import os

import numpy as np
import pytest

from tests.loudness import read_meter
from tests.media import tone
from workers.media.limiter import AHEAD, MARGIN, applied, curve, true_peaks
from workers.media.loudness import hop_of, integrated_of
from workers.media.master import CEILING, CEILING_DBTP, MOST_BOOST_DB, TARGET_LUFS, gain_for, mastered

SR = 48_000
HOP = hop_of(SR)


def out_of(sound, folder, rate=SR, chunk=24_000):
    """The mastered sound, with nothing left in the folder."""
    chunks = (sound[:, at : at + chunk] for at in range(0, sound.shape[1], chunk))
    done = np.concatenate([*mastered(chunks, rate, folder), np.empty((2, 0), np.float32)], axis=1)
    assert done.shape == sound.shape and done.dtype == np.float32
    assert list(folder.iterdir()) == []
    return done


def beats(level, rate=SR, seconds=12):
    """A pulse over a quiet chord, unlike on both sides; crest factor as in music, peaks between samples."""
    at = np.arange(round(seconds * rate)) / rate
    pulse = np.exp(-(at % 0.5) * 14)
    left = (
        0.12 * np.sin(2 * np.pi * 220 * at) + 0.9 * pulse * np.sin(2 * np.pi * rate / 4 * at + np.pi / 4) / 2
    )
    right = 0.12 * np.sin(2 * np.pi * 331 * at) + 0.9 * pulse * np.sin(2 * np.pi * 700 * at)
    return (level * np.stack([left, right])).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.05, 0.3, 1.0, 4.0])
@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_any_mix_comes_out_at_one_loudness_below_the_ceiling(tmp_path, level, rate):
    reading = read_meter(out_of(beats(level, rate), tmp_path, rate), rate)
    assert reading.integrated == pytest.approx(TARGET_LUFS, abs=0.1)
    assert reading.true_peak <= CEILING_DBTP + 0.1


def test_sound_that_needs_no_limiting_is_only_made_louder_or_softer(tmp_path):
    for level in (0.02, 0.9):
        sound = tone(440, 5, level=level)
        done = out_of(sound, tmp_path)
        gain = done[0, 1000] / sound[0, 1000]
        assert np.allclose(done, gain * sound, atol=1e-6)
        assert integrated_of(done, SR) == pytest.approx(TARGET_LUFS, abs=0.1)


def speech(seconds, softer_db, music_s):
    """A hundred pulses a second, as sharp as a man's voice, and then soft music alone."""
    at = np.arange(seconds * SR) % (SR // 100) / SR
    pulses = np.exp(-at * 2500) * np.sin(2 * np.pi * 1500 * at)
    music = tone(440, music_s)[0]
    loud = [integrated_of(np.stack([part, part]).astype(np.float32), SR) for part in (pulses, music)]
    music = music * 10 ** ((loud[0] - loud[1] - softer_db) / 20)
    return np.tile(np.concatenate([pulses, music]), (2, 1)).astype(np.float32)


@pytest.mark.parametrize(("softer_db", "music_s"), [(9, 4), (13, 13), (14, 13)])
def test_a_sharp_voice_before_soft_music_comes_out_at_full_loudness(tmp_path, softer_db, music_s):
    """Held down, the voice is so near the music that this counts as well: all was 1 to 2 dB too soft."""
    done = out_of(speech(5, softer_db, music_s), tmp_path)
    assert integrated_of(done, SR) == pytest.approx(TARGET_LUFS, abs=0.4)
    assert np.abs(done).max() <= CEILING + 1e-6


def test_silence_stays_silence(tmp_path):
    assert not out_of(np.zeros((2, 100_001), np.float32), tmp_path).any()
    assert out_of(np.empty((2, 0), np.float32), tmp_path).shape == (2, 0)


def test_what_is_nearly_silent_is_not_blown_up(tmp_path):
    """30 dB is the most; below that, each dB softer is a dB less, without an edge."""
    tones = {need: tone(997, 3, level=10 ** ((TARGET_LUFS - need) / 20)) for need in (20, 30, 31, 45, 55, 70)}
    rise = {need: integrated_of(out_of(s, tmp_path), SR) - (TARGET_LUFS - need) for need, s in tones.items()}
    expected = {20: 20, 30: MOST_BOOST_DB, 31: 29, 45: 15, 55: 5}
    for need, boost in expected.items():
        assert rise[need] == pytest.approx(boost, abs=0.1)
    assert (out_of(tones[70], tmp_path) == tones[70]).all()  # under the gate of the meter: left alone


def test_a_few_loud_clicks_are_not_flattened_to_reach_a_number(tmp_path):
    sound = np.zeros((2, 5 * SR), np.float32)
    sound[:, SR // 2 :: SR] = 0.9
    done = out_of(sound, tmp_path)
    assert integrated_of(done, SR) < TARGET_LUFS - 3
    assert np.abs(done).max() <= CEILING + 1e-6


@pytest.mark.parametrize("chunk", [1000, 24_000, 70_001])
def test_it_does_not_matter_how_the_mix_is_cut_into_chunks(tmp_path, chunk):
    sound = beats(0.5, seconds=3)[:, :-77]
    assert np.allclose(out_of(sound, tmp_path), out_of(sound, tmp_path, chunk=chunk), atol=1e-4)


def test_the_gain_goes_down_before_a_peak_in_one_line_and_comes_back_slowly():
    needed = np.ones(400)
    needed[100] = 0.5
    edges = curve(needed)
    assert edges.size == 401 and (edges[: 100 - AHEAD] == 1).all()
    assert edges[100] == edges[101] == 0.5
    down, up = np.diff(edges[:101]), np.diff(edges[101:])
    assert (down <= 0).all() and down.min() > -0.5 / (AHEAD - 1)
    assert (up >= -1e-12).all() and up.max() < 0.5 / 20
    assert edges[-1] == 1


def test_a_long_curve_is_made_in_blocks_that_do_not_show():
    needed = np.random.default_rng(2).uniform(0.3, 3, 15_000).clip(max=1)
    assert np.allclose(curve(needed)[5000:7001], curve(needed[4000:8000])[1000:3001], atol=1e-4)


def test_no_hop_gets_more_than_it_bears():
    needed = np.random.default_rng(1).uniform(0.2, 1.3, 3000).clip(max=1)
    edges = curve(needed)
    assert (edges[:-1] <= needed).all() and (edges[1:] <= needed).all()
    flat = applied(np.ones((2, 3000 * HOP - 7), np.float32), edges, HOP, 2.0)
    assert (flat <= np.repeat(needed, HOP)[:-7] + 1e-6).all()


def test_peaks_between_samples_are_seen():
    """A quarter of the sample rate, shifted: every sample is 3 dB below the wave's crest."""
    at = np.arange(10 * HOP + 2 * MARGIN)
    sound = np.tile(np.sin(np.pi / 2 * at + np.pi / 4), (2, 1)).astype(np.float32)
    assert np.abs(sound).max() == pytest.approx(0.7071, abs=1e-3)
    assert true_peaks(sound, np.array([2, 7]), HOP) == pytest.approx(1.0, abs=0.01)
    assert true_peaks(sound, np.array([], np.intp), HOP).size == 0


def test_the_gain_of_nothing_is_one():
    assert gain_for(np.zeros(10), np.zeros(10, np.float32)) == 1.0


def test_a_mix_that_fails_leaves_nothing(tmp_path):
    def failing():
        yield np.zeros((2, 100), np.float32)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError):
        list(mastered(failing(), SR, tmp_path))
    assert list(tmp_path.iterdir()) == []
