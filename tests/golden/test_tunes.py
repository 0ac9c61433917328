"""The bundled tunes as they sound: loudness, peaks, balance, tempo, a loop without a seam, and all unlike."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from PIL import Image

from farm.errors import BadRequest
from tasks.media_render.tunes import BUNDLED
from tests.golden.tune_sheet import SHEET, sheet
from tests.loudness import read_meter
from workers.cpu_render.tunes import scores, tune_sound
from workers.cpu_render.tunes.notation import melody
from workers.cpu_render.tunes.score import Drum, Score
from workers.cpu_render.tunes.synth import play
from workers.cpu_render.tunes.voices import SAMPLE_RATE
from workers.media.beats import SAMPLE_RATE as BEATS_RATE
from workers.media.beats import find_beats
from workers.media.sound import resampled

pytestmark = pytest.mark.slow

NAMES = [tune.name for tune in BUNDLED]
EDGES_HZ = (40, 120, 500, 2000, 6000, 14_000)


@pytest.fixture(scope="module")
def sounds():
    """All tunes, made once."""
    return {name: tune_sound(name) for name in NAMES}


def test_d070_the_catalog_and_the_scores_are_the_same_list():
    assert sorted(scores()) == sorted(NAMES)
    for tune in BUNDLED:
        assert len(scores()[tune.name].form.bars) == tune.bars
        for part in scores()[tune.name].parts:
            assert len(part.bars) in (1, tune.bars)
        has_drums = any(isinstance(part, Drum) for part in scores()[tune.name].parts)
        assert has_drums == ("drums" in tune.tags)


def test_a_tune_that_nobody_wrote_is_refused():
    with pytest.raises(BadRequest, match="first-light"):
        tune_sound("la-paloma")


@pytest.mark.parametrize("tune", BUNDLED, ids=NAMES)
def test_a_tune_is_as_loud_and_as_long_as_all_others_and_never_clips(sounds, tune):
    sound = sounds[tune.name]
    assert sound.dtype == np.float32
    assert sound.shape == (2, round(tune.duration_s * SAMPLE_RATE))
    assert 45 <= tune.duration_s <= 65
    reading = read_meter(sound)
    assert reading.integrated == pytest.approx(-14, abs=0.2)
    assert reading.true_peak < -1


@pytest.mark.parametrize("tune", BUNDLED, ids=NAMES)
def test_the_beat_finder_hears_the_tempo_of_the_score(sounds, tune):
    heard = resampled(sounds[tune.name], SAMPLE_RATE, BEATS_RATE)
    beats = find_beats([heard])
    assert beats.bpm == pytest.approx(tune.bpm, rel=0.02)
    assert beats.duration_s == pytest.approx(tune.duration_s, abs=0.001)


@pytest.mark.parametrize("name", ["lift-off", "steady-hand", "neon-run", "far-summit", "quiet-letter"])
def test_d132_the_beat_finder_hears_where_a_bar_begins(sounds, name):
    """By the changes of chords where the kick is on every beat. Half a minute from the middle of a bar on."""
    start = 7.7
    piece = sounds[name][:, round(start * SAMPLE_RATE) : round((start + 32) * SAMPLE_RATE)]
    beats = find_beats([resampled(piece, SAMPLE_RATE, BEATS_RATE)])
    (tune,) = (tune for tune in BUNDLED if tune.name == name)
    bars = (start + beats.times[beats.downbeat]) * tune.bpm / 60 / 4
    assert abs(bars - round(bars)) < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_a_loop_has_no_seam(sounds, name):
    """Nothing jumps across the end, and there is no more treble there than before any other bar."""
    sound = sounds[name]
    steps = np.abs(np.diff(sound, axis=1))
    assert np.abs(sound[:, 0] - sound[:, -1]).max() <= np.percentile(steps, 99.9)
    bars = len(scores()[name].form.bars)
    bar = sound.shape[1] // bars
    treble = [_treble(sound, bar * number) for number in range(bars)]
    assert treble[0] <= 1.5 * max(treble[1:])


def _treble(sound, at):
    """Energy above 8 kHz in 5 ms around a sample, round the end."""
    piece = np.take(sound, np.arange(at - 240, at), axis=1, mode="wrap")
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(240))) ** 2
    return spectrum[:, 40:].sum()


@pytest.mark.parametrize("name", NAMES)
def test_a_tune_is_balanced_wide_and_safe_in_mono(sounds, name):
    sound = sounds[name]
    share = _shares(sound)
    assert share.max() < 0.75  # no band is all of it
    assert share[:2].sum() > 0.1  # there is a bass
    correlation = np.corrcoef(sound)[0, 1]
    assert -0.05 < correlation < 0.95
    left, right = (float(np.square(side).mean()) for side in sound)
    assert abs(10 * np.log10(left / right)) < 1.5
    assert np.abs(sound.mean(axis=1)).max() < 1e-3


def _shares(sound):
    power = (np.abs(np.fft.rfft(sound[:, : 2**20], axis=1)) ** 2).sum(axis=0)
    hz = np.fft.rfftfreq(2**20, 1 / SAMPLE_RATE)
    bands = [power[(hz >= low) & (hz < high)].sum() for low, high in pairwise(EDGES_HZ)]
    return np.array(bands) / power.sum()


def test_the_tunes_differ_in_tempo_key_and_sound(sounds):
    shares = {name: 10 * np.log10(_shares(sound)) for name, sound in sounds.items()}
    for a, b in combinations(BUNDLED, 2):
        assert (a.bpm, a.key) != (b.bpm, b.key)
        assert np.abs(shares[a.name] - shares[b.name]).max() > 1.5
    assert {tune.energy for tune in BUNDLED} == {"low", "medium", "high"}
    assert min(t.bpm for t in BUNDLED) <= 60 and max(t.bpm for t in BUNDLED) >= 140


def test_a_tune_is_the_same_every_time(sounds):
    name = "paper-boats"
    assert (play(scores()[name], 144) == sounds[name]).all()


def test_the_preview_of_the_docs_shows_todays_tunes(sounds):
    drawn = np.asarray(sheet(sounds), np.float64)
    with Image.open(SHEET) as kept:
        stored = np.asarray(kept.convert("RGB"), np.float64)
    assert stored.shape == drawn.shape
    assert 10 * np.log10(255**2 / ((stored - drawn) ** 2).mean()) > 22
    assert SHEET.stat().st_size <= 230_000


def test_a_score_that_cannot_loop_or_does_not_fill_its_bars_is_refused():
    with pytest.raises(ValueError, match="whole number of samples"):
        play(Score(name="x", chords="C", parts=()), 97)
    with pytest.raises(ValueError, match="bar 2"):
        melody("C4:4 | D4:3")
    with pytest.raises(ValueError, match="no chord"):
        Score(name="x", chords="C H7", parts=())
