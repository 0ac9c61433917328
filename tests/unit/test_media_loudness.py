"""The meter against EBU Tech 3341's signals and against libavfilter's: at any rate, gated, momentary."""

import numpy as np
import pytest

from tests.loudness import read_meter
from tests.media import tone
from workers.media.loudness import SILENT_LUFS, Meter, hop_of, integrated, integrated_of, loudest_of

SR = 48_000


def steps(*levels_and_seconds, hz=1000.0):
    """A stereo tone whose peak level (dBFS) changes."""
    pieces = [tone(hz, seconds, SR, level=10 ** (level / 20)) for level, seconds in levels_and_seconds]
    return np.concatenate(pieces, axis=1)


def rustle(rate, seconds=12):
    """Noise that swells and ebbs, unlike on both sides."""
    rng = np.random.default_rng(0)
    at = np.arange(seconds * rate) / rate
    noise = rng.standard_normal((2, at.size)) * 0.04 * (0.02 + np.sin(at) ** 4)
    return (noise * [[1.0], [0.4]]).astype(np.float32)


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ([(-23, 20)], -23),  # case 1
        ([(-33, 20)], -33),  # case 2
        ([(-36, 10), (-23, 60), (-36, 10)], -23),  # case 3: the relative gate
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),  # case 4: and the absolute one
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),  # case 5
    ],
)
def test_the_signals_of_ebu_tech_3341_read_as_they_must(parts, wanted):
    assert integrated_of(steps(*parts), SR) == pytest.approx(wanted, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [48_000, 44_100, 32_000, 22_050, 96_000])
def test_it_reads_what_another_meter_reads_at_any_rate(rate):
    for sound in (tone(60, 5, rate), tone(997, 5, rate), tone(8000, 5, rate), rustle(rate)):
        assert integrated_of(sound, rate) == pytest.approx(read_meter(sound, rate).integrated, abs=0.1)


@pytest.mark.slow
def test_the_loudest_moment_is_what_another_meter_reads():
    sound = np.concatenate(
        [np.zeros((2, SR), np.float32), rustle(SR, 3), np.zeros((2, SR), np.float32)], axis=1
    )
    assert loudest_of(sound, SR) == pytest.approx(read_meter(sound).loudest, abs=0.1)


@pytest.mark.parametrize("chunk", [1, 100, 4801, 24_000])
def test_it_does_not_matter_how_sound_is_cut_into_chunks(chunk):
    sound = rustle(SR, 1)[:, : 3000 if chunk == 1 else None]
    whole, pieces = Meter(SR), Meter(SR)
    whole.push(sound)
    for at in range(0, sound.shape[1], chunk):
        pieces.push(sound[:, at : at + chunk])
    for meter in (whole, pieces):
        meter.finish()
    assert whole.peaks.size == -(-sound.shape[1] // hop_of(SR))
    assert np.allclose(whole.energies, pieces.energies, rtol=1e-3, atol=1e-10)
    assert (whole.peaks == pieces.peaks).all()


def test_silence_has_no_loudness_and_a_click_of_sound_has_one():
    assert integrated_of(np.zeros((2, SR), np.float32), SR) == SILENT_LUFS
    assert integrated_of(np.empty((2, 0), np.float32), SR) == SILENT_LUFS
    assert integrated(np.empty(0)) == SILENT_LUFS
    assert integrated_of(steps((-23, 0.1)), SR) == pytest.approx(-23, abs=0.3)
    assert loudest_of(np.zeros((2, SR), np.float32), SR) == SILENT_LUFS
