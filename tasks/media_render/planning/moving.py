"""Where some visuals are wanted among the others: "the logo second", "the city after the dawn". Pure."""

import re
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from farm.noun import Noun
from tasks.media_render.planning.brief import Visual
from tasks.media_render.planning.lengths import ALL, BETWEEN, DO, ORDINAL, ordinal

LAST = 1_000_000  # behind all others, however many there are


class Move(Noun):
    """What a phrase names is wanted as the `nth` (1 is the first), else next to what `beside` names."""

    phrase: str
    nth: int | None = None
    beside: str = ""
    is_after: bool = False

    @property
    def where(self) -> str:
        """For a note."""
        if self.nth is not None:
            return "last" if self.nth == LAST else f"as number {self.nth}"
        return f"{'after' if self.is_after else 'before'} {self.beside[:100]!r}"


class Moved(NamedTuple):
    """A move and the visuals that its phrases mean."""

    move: Move
    visuals: Sequence[Visual]
    beside: Sequence[Visual] = ()


_SHOT = r"(?:shot|scene|clip|picture|image|photo|visual|one|place|position)"
_NTH = (
    re.compile(
        rf"^(?:{DO} )?{ALL}(?P<x>.+?)(?: (?:comes?|goes?|go))?(?: (?:as|in)(?: the| its)?)?"
        rf" (?P<nth>first|last|{ORDINAL})(?: {_SHOT})?$"
    ),
    re.compile(rf"^(?:the )?(?P<nth>{ORDINAL}) {_SHOT} (?:should|must) be {ALL}(?P<x>.+)$"),
    re.compile(rf"^(?P<nth>{ORDINAL}): {ALL}(?P<x>.+)$"),
)
_BESIDE = re.compile(
    rf"^(?:(?:{DO}|move|insert) {ALL}(?P<x>.+?)|{ALL}(?P<who>.+?) (?:comes?|goes?|should (?:come|go|be)))"
    r"(?: (?:right|directly|just|immediately|straight))?"
    rf" (?P<side>before|after|following|ahead of) {ALL}(?P<y>.+)$"
)
_NUMBERED = re.compile(rf"\b{ORDINAL}(?: {_SHOT})?$")
_NO_NAME = re.compile(r"(?:^|\b(?:an?|the|one|every|each|per|half|split|this|that) ?)$")
_NO_PLACE = re.compile(r"^(?:end|start|beginning|that|this|it|them|everything\b.*|\d.*)$")


def moves(clause: str) -> tuple[Move, ...]:
    """What a clause moves; several where each of its parts says so: "the dawn second and the city third"."""
    if beside := _BESIDE.match(clause):
        name = beside["x"] or beside["who"]
        if _NO_NAME.search(name) or _NO_PLACE.match(beside["y"]):
            return ()
        return (Move(phrase=name, beside=beside["y"], is_after=beside["side"] in ("after", "following")),)
    found = [_to_nth(part) for part in BETWEEN.split(clause)]
    together = [_to_nth(clause)] if found[-1] and not any(found[:-1]) else found
    return tuple(move for move in together if move is not None) if all(together) else ()


def moves_apart(clause: str) -> Iterator[str]:
    """A clause in parts where one of them gives a number: "the logo second, the rest in reverse order"."""
    begin = 0
    for joint in BETWEEN.finditer(clause):
        said = clause[begin : joint.start()].casefold()
        if _NUMBERED.search(said) and moves(said):
            yield clause[begin : joint.start()]
            begin = joint.end()
    yield clause[begin:]


def moved(order: Sequence[Visual], wanted: Sequence[Moved]) -> list[Visual]:
    """`order` with all that was wanted where it was: first what goes by others, then what has a number."""
    here = {visual.id for visual in order}
    left = list(order)
    for one in wanted:
        if one.move.nth is None:
            left = _put_beside(left, one)
    numbered = [(one.move.nth, one.visuals) for one in wanted if one.move.nth is not None]
    left = _without(left, [visual for _, visuals in numbered for visual in visuals])
    for nth, visuals in sorted(numbered, key=itemgetter(0)):
        left[nth - 1 : nth - 1] = [visual for visual in visuals if visual.id in here]
    return list({visual.id: visual for visual in left}.values())


def _to_nth(part: str) -> Move | None:
    for pattern in _NTH:
        if (match := pattern.match(part)) and not _NO_NAME.search(match["x"]):
            return Move(phrase=match["x"], nth=LAST if match["nth"] == "last" else ordinal(match["nth"]))
    return None


def _put_beside(order: list[Visual], one: Moved) -> list[Visual]:
    """Unless none of those that it is to stand by is shown."""
    by = {visual.id for visual in one.beside} - {visual.id for visual in one.visuals}
    places = [at for at, visual in enumerate(order) if visual.id in by]
    if not places:
        return order
    cut = places[-1] + 1 if one.move.is_after else places[0]
    before, after = order[:cut], order[cut:]
    shown = {visual.id for visual in order}
    between = [visual for visual in one.visuals if visual.id in shown]
    return [*_without(before, between), *between, *_without(after, between)]


def _without(order: Sequence[Visual], gone: Sequence[Visual]) -> list[Visual]:
    ids = {visual.id for visual in gone}
    return [visual for visual in order if visual.id not in ids]
