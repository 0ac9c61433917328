"""Chooses what of a narration belongs to which scene, and the words by which its place is known again. Pure.

Scenes take the narration's spans in order, each a run of them or none: so cues are the narrator's own words,
and in order, whatever anybody says of the pictures.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from math import inf, log

from tasks.describe_scenes.narration import LEAST_WORDS, MOST_WORDS, Narration, Span, words_of

CUE_CHARACTERS = 300  # what scene-timestamps takes from every tier
_STEM = 5
_LEAST_LETTERS = 4
_ASTRAY = 0.12  # what a span costs for each scene's length that it lies from its scene's turn
_EMPTY = 0.6  # what a scene without words costs
_NAMED = 1.0  # what a place is worth that was named for a scene
_LEAST_NAMED = 2  # words, so that it says where
_MOST_PLACES = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of a scene: words about it, and the narrator's words that somebody proposes for it."""

    about: str = ""
    proposed: str | None = None


@dataclass(frozen=True, slots=True)
class Cue:
    """A scene's words in the narration, word for word: its first ones, and its most telling ones."""

    start: str
    anchor: str


def choose_cues(text: str, scenes: Sequence[Shown]) -> list[Cue | None]:
    """The cue of each scene; None for one that has no words of its own."""
    narration = Narration(text)
    spans = narration.spans(len(scenes))
    if not scenes or not spans:
        return [None] * len(scenes)
    named = _in_order([_named(narration, scene.proposed) for scene in scenes])
    worth = _Worth(narration, spans, scenes, named)
    rare = _Rarity(narration)
    return [
        None if not run else _cue(narration, rare, run, named.get(scene))
        for scene, run in enumerate(_partition(spans, len(scenes), worth))
    ]


def _named(narration: Narration, proposed: str | None) -> Sequence[Span]:
    """Where the proposed words are: nowhere, unless they are the narrator's."""
    places = narration.places(proposed[:CUE_CHARACTERS]) if proposed else []
    if len(places) > _MOST_PLACES or (places and places[0].words < _LEAST_NAMED):
        return ()
    return places


def _in_order(places: Sequence[Sequence[Span]]) -> Mapping[int, Span]:
    """One place of as many scenes as can be, later scenes at later places."""
    ends: list[tuple[Span, Mapping[int, Span]]] = []  # the shortest way to so many places
    for scene, found in enumerate(places):
        for place in sorted(found, key=lambda span: -span.first):
            before = [way for last, way in ends if last.end_exclusive <= place.first and scene not in way]
            longest = max(before, key=lambda way: len(way), default=dict[int, Span]())
            length, way = len(longest), {**longest, scene: place}
            if length == len(ends):
                ends.append((place, way))
            elif place.end_exclusive < ends[length][0].end_exclusive:
                ends[length] = (place, way)
    return ends[-1][1] if ends else {}


class _Worth:
    """What it is worth to give a span to a scene."""

    def __init__(
        self, narration: Narration, spans: Sequence[Span], scenes: Sequence[Shown], named: Mapping[int, Span]
    ) -> None:
        said = [_stems(narration.slice(span)) for span in spans]
        about = [_stems(scene.about) for scene in scenes]
        often = Counter(stem for stems in (*said, *about) for stem in stems)
        self._weights = {stem: log(1 + (len(said) + len(about)) / count) for stem, count in often.items()}
        self._said, self._about, self._named = said, about, named
        self._spans = spans
        self._words, self._scenes = spans[-1].end_exclusive, len(scenes)

    def __call__(self, scene: int, span: int) -> float:
        place = self._spans[span]
        turn = (place.first + place.end_exclusive) / 2 / self._words * self._scenes
        astray = max(0.0, abs(turn - scene - 0.5) - 0.5)
        named = self._named.get(scene)
        is_named = named is not None and place.first <= named.first < place.end_exclusive
        return self._likeness(scene, span) + (_NAMED if is_named else 0.0) - _ASTRAY * astray

    def _likeness(self, scene: int, span: int) -> float:
        """The weight of the words that both have, 0 to 1."""
        one, other = self._about[scene], self._said[span]
        shared = self._weight(one & other)
        return shared / (self._weight(one) * self._weight(other)) ** 0.5 if shared else 0.0

    def _weight(self, stems: Set[str]) -> float:
        return sum(self._weights[stem] ** 2 for stem in sorted(stems))


def _partition(spans: Sequence[Span], scenes: int, worth: _Worth) -> list[list[Span]]:
    """Every span to one scene, in order, for the most that all of it can be worth."""
    best = [worth(scene, 0) - _EMPTY * scene for scene in range(scenes)]
    came: list[list[int]] = []  # from which scene: for every span but the first
    for span in range(1, len(spans)):
        now, source = [0.0] * scenes, [0] * scenes
        left, left_at = -inf, 0  # the best of the scenes before, those between them empty
        for scene in range(scenes):
            stays = best[scene] >= left
            source[scene] = scene if stays else left_at
            now[scene] = worth(scene, span) + max(best[scene], left)
            left -= _EMPTY
            if best[scene] > left:
                left, left_at = best[scene], scene
        best = now
        came.append(source)
    scene = max(range(scenes), key=lambda last: best[last] - _EMPTY * (scenes - 1 - last))
    runs: list[list[Span]] = [[] for _ in range(scenes)]
    for span in range(len(spans) - 1, -1, -1):
        runs[scene].append(spans[span])
        if span:
            scene = came[span - 1][scene]
    return [run[::-1] for run in runs]


def _cue(narration: Narration, rare: "_Rarity", run: Sequence[Span], named: Span | None) -> Cue | None:
    whole = Span(run[0].first, run[-1].end_exclusive)
    ends = (span.end_exclusive for span in run if span.end_exclusive - whole.first >= LEAST_WORDS)
    opening_end = next(ends, whole.end_exclusive)
    start = _fitting(narration, Span(whole.first, min(opening_end, whole.first + MOST_WORDS)))
    if start is None:
        return None
    is_own = named is not None and whole.first <= named.first and named.end_exclusive <= whole.end_exclusive
    if named is not None and is_own and named.words >= LEAST_WORDS:
        anchor = _fitting(narration, Span(named.first, min(named.end_exclusive, named.first + MOST_WORDS)))
    else:
        anchor = _fitting(narration, rare.rarest(run, whole))
    return Cue(narration.slice(start), narration.slice(anchor or start))


def _fitting(narration: Narration, span: Span) -> Span | None:
    """As many of its first words as a cue may have letters; None where not even one fits."""
    for end in range(span.end_exclusive, span.first, -1):
        if len(narration.slice(Span(span.first, end))) <= CUE_CHARACTERS:
            return Span(span.first, end)
    return None


class _Rarity:
    """How rarely a narration says something."""

    def __init__(self, narration: Narration) -> None:
        self._folded = [word.folded for word in narration.words]
        self._often = Counter(self._folded)
        self._grams: dict[int, Counter[tuple[str, ...]]] = {}

    def rarest(self, run: Sequence[Span], whole: Span) -> Span:
        """The four to eight words in a row that are said least often; of several, those of rarer words."""
        inside = [span for span in run if span.words >= LEAST_WORDS] or [whole]
        found = [
            Span(first, first + count)
            for span in inside
            for count in range(min(LEAST_WORDS, span.words), min(MOST_WORDS, span.words) + 1)
            for first in range(span.first, span.end_exclusive - count + 1)
        ]
        return min(found, key=lambda span: (self._times(span), self._commonness(span), span.first))

    def _times(self, span: Span) -> int:
        if span.words not in self._grams:
            starts = range(len(self._folded) - span.words + 1)
            self._grams[span.words] = Counter(tuple(self._folded[at : at + span.words]) for at in starts)
        return self._grams[span.words][tuple(self._folded[span.first : span.end_exclusive])]

    def _commonness(self, span: Span) -> float:
        """Short words count as common: they are what every sentence has."""
        words = self._folded[span.first : span.end_exclusive]
        return sum(self._often[word] / max(1, len(word)) for word in words) / len(words)


def _stems(text: str) -> Set[str]:
    """The beginnings of its longer words: enough to know them again in another form."""
    words = [word.folded for word in words_of(text)]
    long = {word[:_STEM] for word in words if len(word) >= _LEAST_LETTERS}
    pairs = {one + two for one, two in pairwise(words) if len(one) == len(two) == 1 and not one.isascii()}
    return frozenset(long | pairs)
