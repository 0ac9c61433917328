"""Every sound effect as a wave and a spectrogram on one sheet, for the docs and for looking at.

`python -m tests.golden.sfx_sheet [FILE]` draws it anew. All share one scale: a second is as wide everywhere,
60 Hz to 16 kHz from the bottom up, 70 dB from dark to bright.
"""

import sys
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tasks.media_render.params import SfxType
from workers.cpu_render.sfx import sound_named
from workers.cpu_render.sfx.contract import SAMPLE_RATE, Sound
from workers.cpu_render.text.typesetting import label_font
from workers.media.loudness import loudest_of
from workers.media.sound import Samples

SHEET = Path(__file__).parent / "previews" / "sfx.jpg"
COLUMNS = 2
WIDTH, WAVE_HEIGHT, SPECTRUM_HEIGHT = 440, 44, 116
_PIXELS_PER_S = 200
_FRAME = 2048
_LOW_HZ, _HIGH_HZ, _RANGE_DB = 60, 16_000, 70
_GROUND, _INK, _WAVE, _CUT = "#101216", "#f2f3f5", "#7cc7ff", "#ff9d5c"
_GAP, _LABEL = 10, 26
_COLOURS = ((16, 18, 22), (44, 24, 92), (146, 36, 112), (232, 92, 62), (255, 236, 150))
_QUALITY = 82
_NAMES = get_args(SfxType)

Picture = npt.NDArray[np.uint8]


def sheet() -> Image.Image:
    """All effects in the order of the document, down and then across."""
    rows = -(-len(_NAMES) // COLUMNS)
    size = (COLUMNS * (WIDTH + _GAP) + _GAP, rows * (_LABEL + WAVE_HEIGHT + SPECTRUM_HEIGHT + _GAP) + _GAP)
    drawn = Image.new("RGB", size, _GROUND)
    for name in _NAMES:
        left, top, _, _ = place_of(name)
        _draw(drawn, sound_named(name), left, top)
    return drawn


def place_of(name: str) -> tuple[int, int, int, int]:
    """Where an effect's wave and spectrogram lie on the sheet: left, top, right, bottom."""
    rows = -(-len(_NAMES) // COLUMNS)
    column, row = divmod(_NAMES.index(name), rows)
    tall = WAVE_HEIGHT + SPECTRUM_HEIGHT
    left, top = _GAP + column * (WIDTH + _GAP), _GAP + row * (_LABEL + tall + _GAP) + _LABEL
    return left, top, left + round(sound_named(name).seconds * _PIXELS_PER_S), top + tall


def _draw(drawn: Image.Image, sound: Sound, left: int, top: int) -> None:
    pen, samples = ImageDraw.Draw(drawn), sound.samples()
    label = f"{sound.name}   {sound.seconds:.2f} s   {loudest_of(samples, SAMPLE_RATE):.1f} LUFS"
    pen.text((left, top - _LABEL), label, _INK, label_font(15))
    drawn.paste(Image.fromarray(spectrogram(samples)), (left, top + WAVE_HEIGHT))
    middle, loudest = top + WAVE_HEIGHT // 2, np.abs(samples).max()
    for x, extremes in enumerate(_extremes(samples)):
        high, low = (round(float(value / loudest) * (WAVE_HEIGHT // 2 - 3)) for value in extremes)
        pen.line((left + x, middle - high, left + x, middle - low), _WAVE)
    cut = left + round(sound.cut_s * _PIXELS_PER_S)
    pen.line((cut, top, cut, top + WAVE_HEIGHT), _CUT)


def spectrogram(samples: Samples) -> Picture:
    """RGB of shape (SPECTRUM_HEIGHT, WIDTH, 3): the louder of both sides; dark behind its end."""
    step = SAMPLE_RATE // _PIXELS_PER_S
    padded = np.pad(samples, ((0, 0), (_FRAME // 2, _FRAME + WIDTH * step - samples.shape[1])))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME, axis=1)[:, ::step][:, :WIDTH]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FRAME), axis=2)).max(axis=0)
    hz = np.geomspace(_HIGH_HZ, _LOW_HZ, SPECTRUM_HEIGHT)
    bins = hz * _FRAME / SAMPLE_RATE
    low = bins.astype(int)
    rows = power[:, low] * (1 - bins % 1) + power[:, low + 1] * (bins % 1)
    level = 1 + 20 * np.log10(np.maximum(rows / rows.max(), 1e-9)) / _RANGE_DB
    place = np.clip(level, 0, 1).T * (len(_COLOURS) - 1)
    known = np.arange(len(_COLOURS))
    channels = [np.interp(place, known, [colour[c] for colour in _COLOURS]) for c in range(3)]
    return np.stack(channels, axis=2).astype(np.uint8)


def _extremes(samples: Samples) -> npt.NDArray[np.float32]:
    """The greatest and the least sample of each column of pixels."""
    step = SAMPLE_RATE // _PIXELS_PER_S
    columns = samples[:, : samples.shape[1] // step * step].reshape(2, -1, step)
    return np.stack([columns.max(axis=(0, 2)), columns.min(axis=(0, 2))], axis=1)


if __name__ == "__main__":
    out = sys.argv[1] if len(sys.argv) > 1 else SHEET
    sheet().save(out, quality=_QUALITY, optimize=True)
