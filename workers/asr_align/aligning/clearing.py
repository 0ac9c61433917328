"""Chooses which sound words are looked for in: the narration as it is, or without what sounds on in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from workers.asr_align.aligning.comparing import Placed, find
from workers.asr_align.aligning.laying import ReadFrames
from workers.asr_align.aligning.rough import Known
from workers.asr_align.aligning.sound import Sound
from workers.asr_align.aligning.spectra import Powers, above_floor, all_powers
from workers.asr_align.aligning.tones import without_tones

_RESTLESS = 0.4  # nepers above the floor in the quietest tenth: 0 clean, 0.2 in noise, 0.5 to 1.2 in music


@contextmanager
def clearest(
    sound: Sound, reading: ReadFrames, known: Known | None, report: Callable[[float], None]
) -> Iterator[tuple[Sound, Placed]]:
    """The words as placed, and the sound in which they were found best; that is gone afterwards."""
    powers = above_floor(all_powers(sound.pieces()))
    if not _is_restless(powers):
        yield sound, find(powers, reading, report, known)
        return
    placed = find(powers, reading, lambda done: report(done * 0.5), known)
    with without_tones(sound, lambda done: report(0.5 + done * 0.1)) as clear:
        powers = above_floor(all_powers(clear.pieces()))
        again = find(powers, reading, lambda done: report(0.6 + done * 0.4), known)
        yield (clear, again) if again.gain > placed.gain else (sound, placed)


def _is_restless(powers: Powers) -> bool:
    return float(np.percentile(powers.rise().mean(axis=1), 10)) > _RESTLESS
