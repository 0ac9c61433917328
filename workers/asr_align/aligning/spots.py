"""Makes one placing of the words out of what comparing, forced alignment and the sound's own edges say."""

import numpy as np

from workers.asr_align.aligning.comparing import Placed
from workers.asr_align.aligning.onsets import onset
from workers.asr_align.aligning.sharpening import Sharpened
from workers.asr_align.aligning.sound import Sound, Times
from workers.asr_align.aligning.telling import Spots
from workers.asr_align.aligning.warping import Bools
from workers.asr_align.aligning.widths import half_widths

_AGREED_S = 0.15  # between what different ways found
_ARGUED_S = 0.6  # what is further apart is not about the same pause
_AT_EDGE_S = 0.06
_UNFIT, _ANYWHERE = 0.2, 0.1  # a share of the whole sound
_SURE, _UNSURE = 0.95, 0.65  # how certain is what two ways found, and one alone, in a text that fits


def spotted(
    sound: Sound,
    placed: Placed,
    sharp: Sharpened | None,
    language: str,
    fit: float,
    recognised: Times | None = None,
) -> Spots:
    """Forced alignment where it is near to what leads; after a pause, where the sound rises.

    Comparing leads; a recognised word (NaN: there is none) does where forced alignment bears it out, for a
    recogniser puts first words early now and then.
    """
    lead, ends = placed.starts, placed.ends
    is_forced = is_sure = np.zeros(len(lead), np.bool_)
    if recognised is not None:
        is_sure = _are_near(recognised, lead)
        if sharp is not None:
            is_borne_out = ~is_sure & sharp.is_found & _are_near(recognised, sharp.starts)
            lead = np.where(is_borne_out & ~_are_near(lead, sharp.starts), recognised, lead)
    if sharp is not None:
        lead = _led_by_edges(sound, lead, sharp)
    starts = lead
    if sharp is not None:
        is_forced = sharp.is_found & _are_near(sharp.starts, lead)
        starts = np.where(is_forced, sharp.starts, lead)
        ends = np.where(is_forced, sharp.ends, ends)
    starts, is_edge = _at_edges(sound, np.maximum.accumulate(starts), ends)
    certainty = fit * np.where(is_forced | is_sure, _SURE, _UNSURE)
    widths = half_widths(language, is_forced, is_sure, is_edge)
    if fit < _UNFIT:  # the text is hardly what is spoken: its words may be anywhere
        widths = np.maximum(widths, _ANYWHERE * sound.duration_s)
    return Spots(starts, ends, certainty, widths)


def _led_by_edges(sound: Sound, lead: Times, sharp: Sharpened) -> Times:
    """Where the two disagree by little, and forced alignment alone is at an edge of the sound, it leads."""
    apart = np.abs(sharp.starts - lead)
    led = lead.copy()
    for index in np.flatnonzero(sharp.is_found & (apart > _AGREED_S) & (apart <= _ARGUED_S)):
        start_s = float(sharp.starts[index])
        edge = onset(sound, start_s, start_s - float(sharp.ends[index - 1]) if index else start_s)
        is_at_edge = edge is not None and abs(edge - start_s) <= _AT_EDGE_S
        if is_at_edge and onset(sound, float(lead[index]), _AGREED_S) is None:
            led[index] = start_s
    return led


def _are_near(some: Times, others: Times) -> Bools:
    """NaN is near to nothing."""
    return np.abs(some - others) <= _AGREED_S


def _at_edges(sound: Sound, starts: Times, ends: Times) -> tuple[Times, Bools]:
    moved, is_edge = starts.copy(), np.zeros(len(starts), np.bool_)
    before = 0.0
    for index, start_s in enumerate(starts.tolist()):
        found = onset(sound, start_s, start_s - before)
        if found is not None:
            moved[index], is_edge[index] = found, True
        before = float(ends[index])
    return moved, is_edge
