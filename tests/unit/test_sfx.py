"""The ten sound effects of seed 004: all there, equally loud, clean at both ends, and the same every time."""

import inspect
from typing import get_args

import numpy as np
import pytest

from farm.errors import BadRequest
from farm.timeline import Media, MediaKind, Rate, Timeline
from tasks.media_render.effects import EFFECTS
from tasks.media_render.params import SfxType
from tests.loudness import read_meter
from workers.cpu_render.builtin import builtin_sounds
from workers.cpu_render.sfx import sound_named, sounds
from workers.cpu_render.sfx.contract import LOUDNESS_LUFS, SAMPLE_RATE
from workers.media.loudness import loudest_of

NAMES = get_args(SfxType)


def spectrum_middle(name):
    """The frequency (Hz) with as much power below as above."""
    samples = sounds()[name].samples()
    power = (np.abs(np.fft.rfft(samples)) ** 2).sum(axis=0).cumsum()
    return np.searchsorted(power, power[-1] / 2) * SAMPLE_RATE / samples.shape[1]


def test_d098_to_d107_the_folder_has_what_may_be_asked_and_nothing_else():
    assert sorted(sounds()) == sorted(NAMES) == sorted(EFFECTS)
    assert len({sound.summary for sound in sounds().values()}) == 10
    assert {name: (s.seconds, s.cut_s) for name, s in sounds().items()} == {
        name: (float(lasting.seconds), float(lasting.cut)) for name, lasting in EFFECTS.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_d098_to_d107_every_effect_is_clean_stereo_of_its_length(name):
    sound = sounds()[name]
    samples = sound.samples()
    assert samples.dtype == np.float32 and samples.shape == (2, round(sound.seconds * 48_000))
    assert np.isfinite(samples).all() and np.abs(samples).max() < 10 ** (-8 / 20)
    assert np.abs(samples[:, [0, -1]]).max() < 1e-6  # silent at both ends
    loudest = np.abs(samples).max()
    assert np.abs(np.diff(samples[:, :5])).max() < 0.25 * loudest  # and it gets there without a step
    assert np.abs(samples[:, -480:]).max() < 0.02 * loudest
    assert np.abs(samples.mean(axis=1)).max() < 0.002
    assert not samples.flags.writeable  # shared by all renders of a process


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_d098_to_d107_all_are_equally_loud_on_anybodys_meter(name):
    samples = sounds()[name].samples()
    assert loudest_of(samples, SAMPLE_RATE) == pytest.approx(LOUDNESS_LUFS, abs=0.01)
    second = np.zeros((2, SAMPLE_RATE), np.float32)
    reading = read_meter(np.concatenate([second, samples, second], axis=1))
    assert reading.loudest == pytest.approx(LOUDNESS_LUFS, abs=0.5)  # it looks ten times a second only
    assert reading.true_peak < -8


@pytest.mark.parametrize("name", NAMES)
def test_an_effect_is_the_same_every_time(name):
    sound = sounds()[name]
    assert np.array_equal(sound.wave(), sound.wave())


def test_d100_d103_whoosh_and_riser_are_loudest_on_the_cut():
    for name, tolerance in (("whoosh", 0.06), ("riser", 0.2)):
        samples = sounds()[name].samples()
        power = np.convolve((samples**2).sum(axis=0), np.ones(4800), mode="same")
        assert power.argmax() / SAMPLE_RATE == pytest.approx(sounds()[name].cut_s, abs=tolerance)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"whoosh", "riser", "processing", "notification"}))
def test_the_others_begin_with_their_stroke(name):
    sound = sounds()[name]
    start = np.abs(sound.samples()[:, : round(0.03 * SAMPLE_RATE)]).max()
    assert sound.cut_s == 0 and start > 0.4 * np.abs(sound.samples()).max()


def test_they_sound_as_different_as_their_names():
    deep, bright = spectrum_middle("hit"), spectrum_middle("notification")
    assert deep < 150 < spectrum_middle("pop") < 1100 < bright < 2000
    assert spectrum_middle("whoosh") > 300


def test_d073_an_unknown_effect_is_told_the_known_ones():
    with pytest.raises(BadRequest, match=r"'kazoo'.*camera-shutter, click") as refused:
        sound_named("kazoo")
    assert refused.value.param == "sfxTypes"


def a_timeline(*names, sample_rate=48_000):
    media = tuple(Media(id=n, kind=MediaKind.AUDIO, name=n, builtin=n) for n in names)
    photo = Media(id="photo", kind=MediaKind.IMAGE, name="photo.png")
    return Timeline(
        name="t", rate=Rate(num=30), width=64, height=64, sample_rate=sample_rate, media=(*media, photo)
    )


def test_a_timeline_names_the_sounds_that_are_no_files():
    made = builtin_sounds(a_timeline("sfx/click", "sfx/camera-shutter"))
    assert sorted(made) == ["sfx/camera-shutter", "sfx/click"]
    assert made["sfx/click"] is sounds()["click"].samples()
    other = builtin_sounds(a_timeline("sfx/hit", sample_rate=44_100))["sfx/hit"]
    assert other.shape[1] == pytest.approx(1.4 * 44_100, abs=40)
    assert loudest_of(other, 44_100) == pytest.approx(LOUDNESS_LUFS, abs=0.1)
    for unknown in ("sfx/kazoo", "kazoo"):
        with pytest.raises(BadRequest):
            builtin_sounds(a_timeline(unknown))


def test_each_effect_has_a_file_of_its_own():
    assert len({inspect.getsourcefile(sound.wave) for sound in sounds().values()}) == 10
