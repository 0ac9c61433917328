"""Alignment's sound side: laying frames along columns, windows, edges, and taking out what sounds on."""

import numpy as np
import pytest

from workers.asr_align.aligning.comparing import Placed
from workers.asr_align.aligning.onsets import onset
from workers.asr_align.aligning.sharpening import Sharpened, windows
from workers.asr_align.aligning.sound import SAMPLE_RATE, Sound
from workers.asr_align.aligning.spectra import above_floor, band_powers, cepstra
from workers.asr_align.aligning.spots import spotted
from workers.asr_align.aligning.tones import without_tones
from workers.asr_align.aligning.warping import Columns, warp

MOST, SLOWER = 1.35, 0.25


def nothing(_done: float) -> None:
    """Nobody watches."""


def read_columns(features, pauses):
    """A reading of words that follow each other, with a column for a pause before each place named."""
    is_pause = np.zeros(len(features) + len(pauses), np.bool_)
    is_pause[[place + count for count, place in enumerate(pauses)]] = True
    laid = np.zeros((len(is_pause), features.shape[1]), np.float32)
    laid[~is_pause] = features
    words = np.flatnonzero(~is_pause)[pauses]
    return Columns(laid, is_pause, np.zeros(len(is_pause), np.float32), words)


@pytest.fixture
def reading():
    return np.random.default_rng(1).standard_normal((60, 8)).astype(np.float32)


@pytest.mark.parametrize("width", [25, 1_000])
def test_a_narrator_may_rest_wherever_he_likes_and_speak_slower(reading, width):
    columns = read_columns(reading, [0, 20, 40])
    quiet = np.zeros((1, 8), np.float32)
    spoken = [quiet.repeat(10, 0), reading[:20], quiet.repeat(30, 0), reading[20:].repeat(2, 0)]
    frames = np.concatenate(spoken)
    pauses = np.where(np.abs(frames).sum(axis=1) == 0, 0.1, MOST).astype(np.float32)
    near = np.concatenate([np.zeros(10), np.arange(20), np.full(30, 20), np.arange(80) / 2 + 20])
    first = np.maximum.accumulate(np.maximum(0, near.astype(np.int64) - 8))
    path = warp(frames, pauses, columns, first, width, MOST, SLOWER, nothing)
    assert (np.diff(path.columns) >= 0).all()
    assert path.frame_of(columns.words).tolist() == pytest.approx([10, 60, 100], abs=1)
    assert path.distances.mean() < 0.1


def test_a_pause_that_is_not_made_is_left_out_for_nothing(reading):
    columns = read_columns(reading, [0, 20, 40])
    path = warp(
        reading, np.full(60, MOST, np.float32), columns, np.zeros(60, np.int64), 99, MOST, SLOWER, nothing
    )
    assert path.frame_of(columns.words).tolist() == pytest.approx([0, 20, 40], abs=1)


def test_a_warp_stops_when_it_is_told_to(reading):
    def stop(_done: float) -> None:
        raise InterruptedError

    columns = read_columns(reading, [0])
    with pytest.raises(InterruptedError):
        warp(reading, np.ones(60, np.float32), columns, np.zeros(60, np.int64), 99, MOST, SLOWER, stop)


def test_every_word_is_in_the_core_of_one_window_and_windows_are_cut_at_pauses():
    rng = np.random.default_rng(2)
    lengths = rng.uniform(0.1, 0.6, 400)
    gaps = np.where(np.arange(400) % 9 == 8, 0.8, 0.0)
    starts = np.cumsum(lengths + gaps) - lengths
    ends = starts + lengths
    cut = list(windows(starts, ends, float(ends[-1]) + 1))
    cores = [index for window in cut for index in range(window.core_first, window.core_last_exclusive)]
    assert cores == list(range(400))
    for window in cut:
        assert window.first <= window.core_first < window.core_last_exclusive <= window.last_exclusive
        assert 0 <= window.start_s <= starts[window.core_first]
        assert window.end_s - window.start_s < 14
    at_pauses = sum(window.core_first % 9 == 8 for window in cut[1:])
    assert at_pauses == len(cut) - 1


def sound_of(samples) -> Sound:
    whole = (np.asarray(samples) * 20_000).astype(np.int16)
    return Sound(whole, max(1, int(np.abs(whole).max())))


def burst(start_s: float, length_s: float, of_s: float, level: float = 0.5):
    """Noise for a moment, in silence."""
    samples = np.zeros(round(of_s * SAMPLE_RATE))
    span = slice(round(start_s * SAMPLE_RATE), round((start_s + length_s) * SAMPLE_RATE))
    samples[span] = np.random.default_rng(3).uniform(-level, level, samples[span].size)
    return samples


@pytest.mark.parametrize("guess_s", [0.95, 1.0, 1.06])
def test_a_word_after_a_pause_begins_where_its_sound_rises(guess_s):
    found = onset(sound_of(burst(1.0, 0.5, 2.0)), guess_s, 0.5)
    assert found == pytest.approx(1.0, abs=0.006)


def test_without_a_pause_or_an_edge_a_word_stays_where_it_is():
    sound = sound_of(burst(1.0, 0.5, 2.0))
    assert onset(sound, 1.0, 0.0) is None, "it follows another at once"
    loud = sound_of(burst(0.0, 2.0, 2.0, 0.3) + burst(1.0, 0.5, 2.0))
    assert onset(loud, 1.0, 0.5) is None, "nothing stands out"


def spots_of(compared_s: float, forced_s: float, recognised_s: float = np.nan, is_found: bool = True):
    """Where a word is put, of which the only sound begins after a second, by what each way says."""
    placed = Placed(np.array([compared_s]), np.array([compared_s + 0.3]), 0.1, 1.0)
    found = np.array([is_found])
    sharp = Sharpened(np.array([forced_s]), np.array([forced_s + 0.3]), found)
    sound = sound_of(burst(1.0, 0.5, 2.0) + burst(0.2, 0.5, 2.0))
    return spotted(sound, placed, sharp, "en", 1.0, np.array([recognised_s]))


def test_forced_alignment_counts_near_to_what_comparing_says_and_the_edge_has_the_last_word():
    assert spots_of(1.08, 1.02).starts == pytest.approx([1.0], abs=0.006)
    far = spots_of(1.05, 1.9)
    assert far.starts == pytest.approx([1.0], abs=0.006), "nine tenths of a second away it is astray"
    assert far.certainty < spots_of(1.08, 1.02).certainty
    assert spots_of(1.05, 1.05, is_found=False).certainty == far.certainty


def test_an_argument_is_settled_by_the_edge_that_only_one_of_them_is_at():
    assert spots_of(0.55, 1.01).starts == pytest.approx([1.0], abs=0.006)
    assert spots_of(1.01, 0.55).starts == pytest.approx([1.0], abs=0.006)


def test_a_recogniser_is_believed_only_where_forced_alignment_bears_it_out():
    """Known of it: a first word half a second early."""
    assert spots_of(1.02, 1.01, 0.5).starts == pytest.approx([1.0], abs=0.006)
    assert spots_of(0.45, 1.02, 1.01).starts == pytest.approx([1.0], abs=0.006)


def test_what_is_below_the_floor_counts_for_nothing():
    """The same burst in silence and over a steady hiss is told where it is heard, and the rest is 0."""
    hiss = np.random.default_rng(4).normal(0, 0.003, 5 * SAMPLE_RATE)
    powers = above_floor(band_powers((burst(2.0, 0.5, 5.0) + hiss).astype(np.float32)))
    rise = powers.rise().mean(axis=1)
    assert rise[205:245].min() > 3, "nepers"
    assert np.median(rise[:190]) < 0.5
    assert cepstra(powers.rise()).shape == (len(rise), 26)


def test_a_chord_goes_and_the_voice_over_it_stays():
    time = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220, 277, 330)) * 0.1
    voice = burst(3.0, 0.2, 6.0)
    told: list[float] = []
    with without_tones(sound_of(voice + chord), told.append) as clear:
        assert clear.samples.size == time.size
        left = clear.samples.astype(np.float64) / 20_000
        quiet = left[SAMPLE_RATE : 2 * SAMPLE_RATE]
        spoken = left[round(3.05 * SAMPLE_RATE) : round(3.15 * SAMPLE_RATE)]
    assert np.sqrt((quiet**2).mean()) < 0.15 * np.sqrt((chord**2).mean())
    assert np.sqrt((spoken**2).mean()) > 0.8 * np.sqrt((voice[voice != 0] ** 2).mean())
    assert told
