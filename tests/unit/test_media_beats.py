"""The beat finder on sounds whose beats are known, and on those that have none."""

import numpy as np
import pytest

from tests.media import write_sound
from workers.media.beats import SAMPLE_RATE, beats_of, find_beats

SECONDS = 20


def clicks(times, seconds=SECONDS):
    """Short knocks of 900 Hz at these times, as one chunk."""
    sound = np.zeros(seconds * SAMPLE_RATE + 2400, np.float32)
    t = np.arange(2400)
    knock = np.sin(2 * np.pi * 900 * t / SAMPLE_RATE) * np.exp(-t / 400) * 0.5
    for time in times:
        at = round(time * SAMPLE_RATE)
        sound[at : at + 2400] += knock
    return np.tile(sound[: seconds * SAMPLE_RATE], (2, 1))


@pytest.mark.parametrize("bpm", [66, 75, 93, 100.5, 118, 127, 140])
def test_even_knocks_are_found_to_a_hundredth_of_a_second(bpm):
    times = np.arange(0.37, SECONDS, 60 / bpm)
    beats = find_beats([clicks(times)])
    assert beats.bpm in (pytest.approx(bpm, rel=0.002), pytest.approx(2 * bpm, rel=0.002))
    away = [np.abs(times - beat).min() for beat in beats.times[:: round(beats.bpm / bpm)]]
    assert np.median(away) < 0.01
    assert beats.duration_s == SECONDS


def test_chunks_of_any_size_are_heard_as_one():
    sound = clicks(np.arange(0.2, SECONDS, 0.5))
    whole = find_beats([sound])
    pieces = [sound[:, at : at + 3333] for at in range(0, sound.shape[1], 3333)]
    assert find_beats(pieces) == whole


def test_a_tempo_that_drifts_is_followed():
    times = np.cumsum(60 / np.linspace(100, 108, 33))
    beats = find_beats([clicks(times[times < SECONDS])])
    assert 100 < beats.bpm < 108
    assert np.median([np.abs(times - beat).min() for beat in beats.times]) < 0.015


def test_the_beat_with_the_bass_begins_the_bar():
    sound = clicks(np.arange(0.5, SECONDS, 0.5))
    t = np.arange(6000) / SAMPLE_RATE
    for time in np.arange(1.5, SECONDS - 1, 2):  # the third knock, and every fourth after it
        at = round(time * SAMPLE_RATE)
        sound[:, at : at + 6000] += np.sin(2 * np.pi * 70 * t) * np.exp(-12 * t) * 0.8
    beats = find_beats([sound.astype(np.float32)])
    assert (beats.times[beats.downbeat] - 1.5 + 1) % 2 == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("what", ["silence", "noise", "tone", "irregular", "short", "nothing"])
def test_what_has_no_beat_has_none(what):
    rng = np.random.default_rng(2)
    t = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    sounds = {
        "silence": np.zeros((2, t.size)),
        "noise": rng.standard_normal((2, t.size)) * 0.2,
        "tone": np.tile(0.3 * np.sin(2 * np.pi * 440 * t), (2, 1)),
        "irregular": clicks(np.sort(rng.uniform(0, SECONDS - 1, 50))),
        "short": np.zeros((2, 500)),
    }
    assert find_beats([sounds[what].astype(np.float32)] if what in sounds else []) is None


@pytest.mark.slow
def test_a_file_is_listened_to_at_any_rate(tmp_path):
    click = clicks(np.arange(0.25, SECONDS, 0.6))
    path = write_sound(tmp_path / "m.mp3", click.astype(np.float32), SAMPLE_RATE)
    assert beats_of(path).bpm == pytest.approx(100, rel=0.002)
