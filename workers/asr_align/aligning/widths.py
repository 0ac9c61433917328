"""How far off starts are: within these seconds are nine of ten, by what found them. Measured, never guessed.

Measured on the tuning half of `make bench ONLY=align`; a language that is not measured has the widest.
"""

from collections.abc import Mapping

import numpy as np

from workers.asr_align.aligning.sound import Times
from workers.asr_align.aligning.warping import Bools

RECOGNISED_S = 0.25

# By language, in seconds: of a word that begins with the edge of its sound; else of one that two ways found,
# and of one that comparing found alone. Clean sounds have edges, those with noise or music mostly not.
_TABLE: Mapping[str, tuple[float, float, float]] = {
    "en": (0.016, 0.07, 0.07),
    "de": (0.012, 0.065, 0.1),
    "fr": (0.012, 0.075, 0.14),
    "es": (0.07, 0.055, 0.055),
}
_WIDEST = (0.1, 0.2, 0.3)


def half_widths(language: str, is_forced: Bools, is_sure: Bools, is_edge: Bools) -> Times:
    """For each word."""
    edge, forced, alone = _TABLE.get(language, _WIDEST)
    widths: Times = np.where(is_edge, edge, np.where(is_forced | is_sure, forced, alone))
    return widths
