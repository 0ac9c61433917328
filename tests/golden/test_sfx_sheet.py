"""The picture of all sound effects in the docs is what they sound like today, each of them by itself."""

from dataclasses import dataclass
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from tasks.media_render.params import SfxType
from tests.golden import sfx_sheet
from tests.golden.sfx_sheet import SHEET, place_of, sheet
from workers.cpu_render.sfx import sounds

pytestmark = pytest.mark.slow

NAMES = get_args(SfxType)
FLOOR_DB = 25.0


@pytest.fixture(scope="module")
def both():
    """The stored sheet and today's."""
    with Image.open(SHEET) as kept:
        stored = np.asarray(kept.convert("RGB"), np.float64)
    drawn = np.asarray(sheet(), np.float64)
    assert stored.shape == drawn.shape
    assert SHEET.stat().st_size <= 200_000
    return stored, drawn


def likeness(stored, drawn, name):
    """PSNR of one effect's wave and spectrogram."""
    left, top, right, bottom = place_of(name)
    difference = stored[top:bottom, left:right] - drawn[top:bottom, left:right]
    return 10 * np.log10(255**2 / (difference**2).mean())


@pytest.mark.parametrize("name", NAMES)
def test_the_preview_of_the_docs_shows_todays_effects(both, name):
    assert likeness(*both, name) > FLOOR_DB


def test_a_change_of_a_semitone_would_be_noticed(both, monkeypatch):
    def sharp(name):
        sound = sounds()[name]
        at = np.arange(sound.samples().shape[1])
        higher = [np.interp(at * 2 ** (1 / 12), at, side, right=0.0) for side in sound.samples()]
        return Retuned(name, sound.seconds, sound.cut_s, np.stack(higher).astype(np.float32))

    monkeypatch.setattr(sfx_sheet, "sound_named", sharp)
    changed = np.asarray(sheet(), np.float64)
    assert all(likeness(both[0], changed, name) < FLOOR_DB for name in NAMES)


@dataclass
class Retuned:
    """An effect with other samples."""

    name: str
    seconds: float
    cut_s: float
    wave: np.ndarray

    def samples(self):
        return self.wave
