"""Lays recognised words along a known text, letter by letter or sound by sound, so that "1984" may be three
words on one side and one on the other, and harbor a harbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workers.asr_align.aligning.sound import Times
from workers.asr_align.aligning.warping import Ints

_GAP, _OTHER = 3, 5  # what a missing letter and another letter cost; whole numbers compare exactly
_NEVER = 1 << 40
_BAND = 2_500  # letters around the diagonal: a chapter that was left out
_LIKE = 0.6  # of a word's letters that must be matched for the word to be


Bits = npt.NDArray[np.uint8]
_NO_BITS: Bits = np.zeros(0, np.uint8)


@dataclass(frozen=True, slots=True)
class Matched:
    """For each word of the text: where it begins among the recognised words (the word's index and how far
    into it, 0 to 1), NaN where it was not recognised; and how much of it was."""

    places: Times
    likeness: Times


def match(known: Sequence[str], recognised: Sequence[str]) -> Matched:
    """Both as their letters or sounds, one string per word; an empty one is never matched."""
    ours, theirs = _joined(known), _joined(recognised)
    if not ours.letters.size or not theirs.letters.size:
        nothing = np.full(len(known), np.nan)
        return Matched(nothing, np.zeros(len(known)))
    pairs = _paired(ours.letters, theirs.letters)
    places = np.full(len(known), np.nan)
    likeness = np.zeros(len(known))
    for word in range(len(known)):
        begin, end = int(ours.bounds[word]), int(ours.bounds[word + 1])
        found = np.flatnonzero(pairs[begin:end] >= 0)
        if not found.size:
            continue
        likeness[word] = found.size / (end - begin)
        span = int(pairs[begin + found[-1]] - pairs[begin + found[0]]) + 1
        if likeness[word] >= _LIKE and span <= 2 * (end - begin) + 2:
            places[word] = _place(theirs, int(pairs[begin + found[0]]) - int(found[0]))
    return Matched(places, likeness)


@dataclass(frozen=True, slots=True)
class _Joined:
    letters: Ints
    bounds: Ints


def _joined(words: Sequence[str]) -> _Joined:
    letters = np.array([ord(letter) for word in words for letter in word], np.int64)
    return _Joined(letters, np.cumsum([0, *(len(word) for word in words)]).astype(np.int64))


def _place(theirs: _Joined, letter: int) -> float:
    """A letter's place, in words."""
    letter = min(max(0, letter), len(theirs.letters) - 1)
    word = int(np.searchsorted(theirs.bounds, letter, side="right")) - 1
    begin, end = int(theirs.bounds[word]), int(theirs.bounds[word + 1])
    return word + (letter - begin) / (end - begin)


def _paired(ours: Ints, theirs: Ints) -> Ints:
    """For each of our letters the same letter of theirs that it stands for, or -1: the cheapest way."""
    width = min(len(theirs) + 1, 2 * _BAND + abs(len(ours) - len(theirs)))
    ideal = np.arange(len(ours) + 1) * len(theirs) // len(ours) - width // 2
    first = ideal.clip(0, len(theirs) + 1 - width)
    is_pair, is_ours = [_NO_BITS], [_NO_BITS]  # before the first letter of ours there is no choice
    slope = np.arange(width) * _GAP
    best = slope + _GAP * int(first[0])
    for at in range(1, len(ours) + 1):
        shift = int(first[at] - first[at - 1])
        padded = np.concatenate([[_NEVER], best, np.full(shift, _NEVER)])
        letters = theirs[(np.arange(width) + first[at] - 1).clip(0, len(theirs) - 1)]
        same = letters == ours[at - 1]
        paired = padded[shift : shift + width] + np.where(same, 0, _OTHER)
        if first[at] == 0:
            paired[0] = _NEVER
        ours_alone = padded[1 + shift : 1 + shift + width] + _GAP
        stepped = np.minimum(paired, ours_alone)
        best = np.minimum.accumulate(stepped - slope) + slope
        is_pair.append(np.packbits((paired <= ours_alone) & (stepped <= best)))
        is_ours.append(np.packbits((paired > ours_alone) & (stepped <= best)))
    return _traced(ours, theirs, first, is_pair, is_ours)


def _traced(
    ours: Ints,
    theirs: Ints,
    first: Ints,
    is_pair: Sequence[Bits],
    is_ours: Sequence[Bits],
) -> Ints:
    pairs = np.full(len(ours), -1, np.int64)
    at, other = len(ours), len(theirs)
    while at > 0 and other > 0:
        cell = other - int(first[at])
        byte, mask = cell >> 3, 0x80 >> (cell & 7)
        if cell >= 0 and int(is_pair[at][byte]) & mask:
            if ours[at - 1] == theirs[other - 1]:
                pairs[at - 1] = other - 1
            at, other = at - 1, other - 1
        elif cell < 0 or int(is_ours[at][byte]) & mask:
            at -= 1
        else:
            other -= 1
    return pairs
