"""Sound effects one after the other, for as long as asked."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np

from workers.cpu_render.sfx import sound_named
from workers.cpu_render.sfx.contract import SAMPLE_RATE, Sound
from workers.media.sound import Samples

PEAK = 0.84  # -1.5 dBFS
_SILENT = 1e-6
_GAP_S = 0.35  # between two different ones
_AGAIN_S = 1.2  # before the row begins anew
_FLOWING = frozenset({"typing", "processing"})  # what goes on and on has no rest between
_FADE = 480
_EARLY = 0.8  # of the time there is


def effects_row(names: Sequence[str], samples: int) -> Samples:
    """float32 of shape (2, samples): the effects in their order, over again while a whole one still fits.

    The first is always there, cut if it must be. The loudest sample is at PEAK: heard by itself an
    effect is louder than it is in a mix.
    """
    row = np.zeros((2, samples), np.float32)
    at = 0
    for number, name in enumerate(cycle(names)):
        effect = sound_named(name)
        length = effect.samples().shape[1]
        if number and at + length > samples:
            break
        _lay(row, effect, at)
        at += length + round(_rest_s(names, number) * SAMPLE_RATE)
    row *= np.float32(PEAK / max(float(np.abs(row).max()), _SILENT))
    return row


def _rest_s(names: Sequence[str], number: int) -> float:
    if len(names) == 1 and names[0] in _FLOWING:
        return 0.0
    return _AGAIN_S if (number + 1) % len(names) == 0 else _GAP_S


def _lay(row: Samples, effect: Sound, at: int) -> None:
    """What there is no time for goes: of what builds up its beginning, of all else its end."""
    sound = effect.samples()
    count = min(sound.shape[1], row.shape[1] - at)
    is_late = effect.cut_s * SAMPLE_RATE > _EARLY * count
    first = sound.shape[1] - count if is_late else 0
    row[:, at : at + count] += sound[:, first : first + count]
    fade = np.linspace(0, 1, min(_FADE, count), dtype=np.float32)
    if first:
        row[:, at : at + fade.size] *= fade
    elif count < sound.shape[1]:
        row[:, at + count - fade.size : at + count] *= fade[::-1]
