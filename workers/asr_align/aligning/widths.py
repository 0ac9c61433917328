"""How far off starts are: within these seconds are nine of ten, by what found them. Measured, never guessed.

Measured on the tuning half of `make bench ONLY=align`; a language that is not measured has the widest.
"""

from collections.abc import Mapping

import numpy as np

from workers.asr_align.aligning.sound import Times
from workers.asr_align.aligning.warping import Bools

RECOGNISED_S = 0.25

# By language, in seconds: found by forced alignment where comparing says the same, found by it elsewhere,
# and found by comparing alone.
_TABLE: Mapping[str, tuple[float, float, float]] = {
    "en": (0.05, 0.3, 0.3),
    "de": (0.05, 0.3, 0.3),
    "fr": (0.08, 0.5, 0.5),
    "es": (0.05, 0.3, 0.3),
}
_WIDEST = (0.1, 0.6, 0.6)


def half_widths(language: str, is_forced: Bools, is_sure: Bools, is_edge: Bools) -> Times:
    """For each word."""
    edge, forced, alone = _TABLE.get(language, _WIDEST)
    widths: Times = np.where(is_edge, edge, np.where(is_forced | is_sure, forced, alone))
    return widths
