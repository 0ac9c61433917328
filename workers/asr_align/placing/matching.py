"""Finds each scene's cue in a row of words, all in their order: two rounds of dynamic programming.

First, for every cue alone, how well it begins at each word: an alignment that forgives words misheard, left
out and put in. Then over all scenes: strictly increasing places with the best sum, where a scene may be left
out. An anchor that follows, and a place near the expected one, decide between like phrases.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from workers.asr_align.placing.stream import Floats

LEAST_LIKE = 0.6  # of 1 - edits / length; what is less like is another word
LEAST_SCORE = 0.33  # of a cue, to be placed at all
_UNLIKE, _UNSAID, _EXTRA = 0.4, 0.3, 0.25  # what a word misheard, left out, put in costs
_SKIP = 0.35  # a place worth less is none: the scene is left out
_ANCHOR = 0.5  # what an anchor that follows is worth
_SAID = 0.8  # of an anchor's
_WHOLE = 0.9  # of a cue's score: surely all of it is said there
_NEAR = 2  # tokens: places so near are the same
_NOWHERE = -1e9


@dataclass(frozen=True, slots=True)
class Cue:
    """A scene's cue and anchor as tokens. It may begin at tokens `[first, last_exclusive)` of the row.

    `expected` 0 to 1: where it is likely to begin.
    """

    start: tuple[str, ...]
    anchor: tuple[str, ...]
    expected: float
    first: int
    last_exclusive: int


@dataclass(frozen=True, slots=True)
class Match:
    """Where a cue was found: `token` in the row, None where nowhere. `score` 0 to 1.

    `rival` is the next best place between its neighbours', `margin` by how much it is worse. `anchor`: where
    the anchor begins that follows. `elsewhere`: a place out of order where the whole cue is said.
    """

    token: int | None
    score: float = 0.0
    is_first_heard: bool = False
    rival: int | None = None
    margin: float = 1.0
    anchor: int | None = None
    elsewhere: int | None = None


class Likeness:
    """How like the words of cues are those of a row, each pair of different words of a cue compared once."""

    def __init__(self, row: Sequence[str]) -> None:
        of_row = _numbered(row)
        self._words = list(of_row)
        self._columns = np.array([of_row[token] for token in row], dtype=np.int64)

    def of(self, cue: Sequence[str]) -> "Rows":
        """Of each of the cue's words to each of the row's, 0 where they are no likeness."""
        of_cue = _numbered(cue)
        table = cdist(
            list(of_cue),
            self._words,
            scorer=Levenshtein.normalized_similarity,
            score_cutoff=LEAST_LIKE,
            dtype=np.float32,
        )
        return Rows(table, tuple(of_cue[token] for token in cue), self._columns)


@dataclass(frozen=True, slots=True)
class Rows:
    """A row of likenesses for each word of a cue, made as it is asked for: all at once are gigabytes."""

    table: npt.NDArray[np.float32]
    numbers: Sequence[int]
    columns: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Floats:
        row: Floats = self.table[self.numbers[index]][self.columns].astype(np.float64)
        return row


def match(cues: Sequence[Cue], row: Sequence[str], nearness: float) -> list[Match]:
    """Where each cue is. `nearness` is what lying a whole row away from the expected place costs.

    That place decides between like phrases, and makes nobody surer of them.
    """
    if not row:
        return [Match(None) for _ in cues]
    likeness = Likeness(row)
    starts = np.stack([_begins(likeness.of(cue.start), len(row)) for cue in cues])
    anchors = np.stack([_begins(likeness.of(cue.anchor), len(row)) for cue in cues])
    said = starts + _ANCHOR * _followed(anchors, len(row) / len(cues))
    worth = said - nearness * _away(cues, len(row))
    places = _ordered(np.where(_allowed(cues, starts), worth - _SKIP, _NOWHERE))
    firsts = _firsts(cues, places, likeness)
    places = _own(places, cues, firsts)
    found = []
    for index, (cue, at) in enumerate(zip(cues, places, strict=True)):
        before = max((place for place in places[:index] if place is not None), default=-1)
        after = min((place for place in places[index + 1 :] if place is not None), default=len(row))
        if at is None:
            one = _left_out(cue, starts[index], anchors[index], before, after)
            found.append(replace(one, elsewhere=None) if one.elsewhere in places else one)
            continue
        one = _found(at, starts[index], anchors[index], said[index], before, after)
        found.append(replace(one, is_first_heard=firsts[index]))
    return found


def _allowed(cues: Sequence[Cue], starts: Floats) -> npt.NDArray[np.bool_]:
    """Where each cue is said well enough, and may begin."""
    allowed = starts >= LEAST_SCORE
    for index, cue in enumerate(cues):
        allowed[index, : cue.first] = False
        allowed[index, cue.last_exclusive :] = False
    return allowed


def _firsts(cues: Sequence[Cue], places: Sequence[int | None], likeness: Likeness) -> list[bool]:
    """Whether the very first word of each cue is heard at its place."""
    return [
        at is not None and bool(likeness.of(cue.start[:1])[0][at] > 0)
        for cue, at in zip(cues, places, strict=True)
    ]


def _numbered(found: Iterable[str]) -> Mapping[str, int]:
    numbers: dict[str, int] = {}
    for token in found:
        numbers.setdefault(token, len(numbers))
    return numbers


def _begins(like: Rows, length: int) -> Floats:
    """How well a cue begins at each of `length` words, 0 to 1. `like`: how like its words are to theirs.

    Its first or second word must be heard there, or the second right after: else where it begins is unsure.
    """
    count = len(like)
    if count == 0:
        return np.zeros(length)
    places = _EXTRA * np.arange(length + 1)
    rests = [np.zeros(length + 1)] * 3  # of the cue from its words a, a + 1 and a + 2 on
    for a in range(count - 1, -1, -1):
        here = like[a]
        said = np.where(here > 0, here, -_UNLIKE)
        best = rests[0] - _UNSAID
        best[:length] = np.maximum(best[:length], rests[0][1:] + said)
        onward = np.maximum.accumulate((best - places)[::-1])[::-1] + places
        rests = [onward, rests[0], rests[1]]
    second, third = rests[1], rests[2]
    first = like[0]
    score = np.where(first > 0, first + second[1:], _NOWHERE)
    if count > 1:
        heard = np.where(like[1] > 0, like[1], _NOWHERE)
        score = np.maximum(score, heard + third[1:] - _UNSAID)
        score[:-1] = np.maximum(score[:-1], heard[1:] + third[2:] - _UNLIKE)
    return np.asarray(np.clip(score / count, 0.0, 1.0))


def _followed(anchors: Floats, scene_tokens: float) -> Floats:
    """How well a scene's anchor is said within what a scene from each word on may last, 0 to 1."""
    reach = int(np.clip(3 * scene_tokens, 40, 400))
    found = np.clip((anchors - 0.5) / 0.5, 0.0, 1.0)
    best = found.copy()
    step = 1
    while step < reach:  # the largest of ever longer spans
        ahead = np.zeros_like(best)
        ahead[:, :-step] = best[:, step:]
        best = np.maximum(best, ahead)
        step *= 2
    return best


def _away(cues: Sequence[Cue], length: int) -> Floats:
    expected = np.array([cue.expected for cue in cues])
    return np.asarray(np.abs(np.arange(length)[None] / length - expected[:, None]))


def _ordered(gain: Floats) -> list[int | None]:
    """The strictly increasing places with the largest sum of gains; None where leaving out is better."""
    scenes, length = gain.shape
    total = np.zeros(length + 1)  # over the scenes so far, with places below i
    chosen = []
    for row in gain:
        here = np.append(_NOWHERE, total[:length] + row)
        best = np.maximum.accumulate(here)
        where = np.maximum.accumulate(np.where(here >= best, np.arange(length + 1), 0))
        chosen.append(np.where(best > total, where, 0))
        total = np.maximum(best, total)
    places: list[int | None] = [None] * scenes
    below = length
    for index in range(scenes - 1, -1, -1):
        if at := int(chosen[index][below]):
            places[index] = below = at - 1
    return places


def _own(places: Sequence[int | None], cues: Sequence[Cue], firsts: Sequence[bool]) -> list[int | None]:
    """The same without those that begin amid the words of the scene before, their first word unheard.

    So a cue that two scenes have and that is said once is found for one of them.
    """
    own: list[int | None] = []
    taken = 0
    for at, cue, is_first_heard in zip(places, cues, firsts, strict=True):
        is_own = at is not None and (is_first_heard or at >= taken)
        own.append(at if is_own else None)
        taken = at + len(cue.start) if at is not None and is_own else taken
    return own


def _left_out(cue: Cue, starts: Floats, anchors: Floats, before: int, after: int) -> Match:
    """Of a scene whose cue was not found between its neighbours' places: what else is known of it."""
    low, high = max(before + 1, cue.first), min(after, cue.last_exclusive)
    best = int(np.argmax(starts))
    is_out_of_order = starts[best] >= _WHOLE and not low <= best < high
    return Match(None, anchor=_strongest(anchors, low, high), elsewhere=best if is_out_of_order else None)


def _found(at: int, starts: Floats, anchors: Floats, said: Floats, before: int, after: int) -> Match:
    """Of a scene placed between its neighbours: how well, and the next best place there."""
    rivals = np.where(starts >= LEAST_SCORE, said, _NOWHERE)[before + 1 : after]
    rivals[max(0, at - _NEAR - before - 1) : at + _NEAR - before] = _NOWHERE
    best = int(np.argmax(rivals))
    score, anchor = float(starts[at]), _strongest(anchors, at, after)
    if rivals[best] <= _NOWHERE / 2:
        return Match(at, score, anchor=anchor)
    rival = best + before + 1
    return Match(at, score, rival=rival, margin=float(said[at] - said[rival]), anchor=anchor)


def _strongest(scores: Floats, low: int, high: int) -> int | None:
    """The best place of an anchor within these, if it is said there."""
    if low >= high:
        return None
    best = low + int(np.argmax(scores[low:high]))
    return best if scores[best] >= _SAID else None
