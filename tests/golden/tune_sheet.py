"""Every bundled tune as a wave and a spectrogram on one sheet, for the docs and for looking at.

`python -m tests.golden.tune_sheet [FILE]` draws it anew. Each is a whole loop, whatever its length; 40 Hz to
14 kHz from the bottom up, 70 dB from dark to bright; a mark at every fourth bar.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tasks.media_render.tunes import BUNDLED, Tune
from workers.cpu_render.text.typesetting import label_font
from workers.cpu_render.tunes import tune_sound
from workers.cpu_render.tunes.voices import SAMPLE_RATE
from workers.media.sound import Samples

SHEET = Path(__file__).parent / "previews" / "tunes.jpg"
_WIDTH, _WAVE, _SPECTRUM = 720, 36, 72
_FRAME = 4096
_LOW_HZ, _HIGH_HZ, _RANGE_DB = 40, 14_000, 70
_GROUND, _INK, _LINE, _BAR = "#101216", "#f2f3f5", "#7cc7ff", "#ff9d5c"
_GAP, _LABEL = 10, 26
_COLOURS = ((16, 18, 22), (44, 24, 92), (146, 36, 112), (232, 92, 62), (255, 236, 150))

Picture = npt.NDArray[np.uint8]


def sheet(sounds: Mapping[str, Samples]) -> Image.Image:
    """All bundled tunes in the order of the catalog; `sounds` by their names."""
    tall = _LABEL + _WAVE + _SPECTRUM + _GAP
    drawn = Image.new("RGB", (_WIDTH + 2 * _GAP, len(BUNDLED) * tall + _GAP), _GROUND)
    for number, tune in enumerate(BUNDLED):
        _draw(drawn, tune, sounds[tune.name], _GAP + number * tall)
    return drawn


def _draw(drawn: Image.Image, tune: Tune, sound: Samples, top: int) -> None:
    pen, length_s = ImageDraw.Draw(drawn), sound.shape[1] / SAMPLE_RATE
    about = f"{tune.title}   {tune.bpm:g} bpm   {tune.key}   {length_s:.1f} s   {', '.join(tune.tags[:5])}"
    pen.text((_GAP, top), about, _INK, label_font(14))
    top += _LABEL
    columns = sound[:, : sound.shape[1] // _WIDTH * _WIDTH].reshape(2, _WIDTH, -1)
    middle = top + _WAVE // 2
    for x, (high, low) in enumerate(zip(columns.max(axis=(0, 2)), columns.min(axis=(0, 2)), strict=True)):
        tall = _WAVE // 2 - 2
        pen.line((_GAP + x, middle - round(high * tall), _GAP + x, middle - round(low * tall)), _LINE)
    for at_s in np.arange(0, length_s - 1, float(16 * (tune.beat_s or 1))):
        x = _GAP + round(at_s / length_s * _WIDTH)
        pen.line((x, top, x, top + _WAVE), _BAR)
    drawn.paste(Image.fromarray(_spectrogram(sound)), (_GAP, top + _WAVE))


def _spectrogram(sound: Samples) -> Picture:
    """RGB of shape (_SPECTRUM, _WIDTH, 3): a column is the mean of four moments of its stretch of time."""
    round_the_end = np.concatenate([sound, sound[:, :_FRAME]], axis=1).mean(axis=0)
    starts = (np.arange(4 * _WIDTH) * (sound.shape[1] / (4 * _WIDTH))).astype(int)
    frames = np.lib.stride_tricks.sliding_window_view(round_the_end, _FRAME)[starts]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32), axis=1)) ** 2
    power = power.reshape(_WIDTH, 4, -1).mean(axis=1)
    hz = np.geomspace(_HIGH_HZ, _LOW_HZ, _SPECTRUM)
    bins = hz * _FRAME / SAMPLE_RATE
    low = bins.astype(int)
    rows = power[:, low] * (1 - bins % 1) + power[:, low + 1] * (bins % 1)
    level = 1 + 10 * np.log10(np.maximum(rows / rows.max(), 1e-12)) / _RANGE_DB
    place = np.clip(level, 0, 1).T * (len(_COLOURS) - 1)
    known = np.arange(len(_COLOURS))
    channels = [np.interp(place, known, [colour[c] for colour in _COLOURS]) for c in range(3)]
    return np.stack(channels, axis=2).astype(np.uint8)


if __name__ == "__main__":
    made = {tune.name: tune_sound(tune.name) for tune in BUNDLED}
    sheet(made).save(sys.argv[1] if len(sys.argv) > 1 else SHEET, quality=66, optimize=True, progressive=True)
