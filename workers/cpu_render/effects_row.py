"""Sound effects one after the other, for as long as asked."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np

from workers.cpu_render.sfx import sound_named
from workers.cpu_render.sfx.contract import SAMPLE_RATE
from workers.media.sound import Samples

_GAP_S = 0.35  # between two different ones
_AGAIN_S = 1.2  # before the row begins anew
_FLOWING = frozenset({"typing", "processing"})  # what goes on and on has no rest between
_FADE = 480


def effects_row(names: Sequence[str], samples: int) -> Samples:
    """float32 of shape (2, samples): the effects in their order, over again while a whole one still fits.

    The first is always there, cut at the end if it must be.
    """
    row = np.zeros((2, samples), np.float32)
    at = 0
    for number, name in enumerate(cycle(names)):
        sound = sound_named(name).samples()
        if number and at + sound.shape[1] > samples:
            break
        _lay(row, sound, at)
        at += sound.shape[1] + round(_rest_s(names, number) * SAMPLE_RATE)
    return row


def _rest_s(names: Sequence[str], number: int) -> float:
    if len(names) == 1 and names[0] in _FLOWING:
        return 0.0
    return _AGAIN_S if (number + 1) % len(names) == 0 else _GAP_S


def _lay(row: Samples, sound: Samples, at: int) -> None:
    count = min(sound.shape[1], row.shape[1] - at)
    row[:, at : at + count] += sound[:, :count]
    if count < sound.shape[1]:
        fade = min(_FADE, count)
        row[:, at + count - fade : at + count] *= np.linspace(1, 0, fade, dtype=np.float32)
