"""Reads instructions: what of a few English sentences a planner without a language model can follow. Pure.

Sentence by sentence, by patterns. What no pattern knows is handed back, so that it can be said and is never
pretended to be followed.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Literal

from farm.noun import Noun
from tasks.media_render.on_screen import QUOTED
from tasks.media_render.params import TransitionType
from tasks.media_render.planning.lengths import (
    ALL,
    DO,
    ORDINAL,
    counts,
    each_apart,
    has_several,
    is_the_whole,
    lengths,
)
from tasks.media_render.planning.manner import DROP, Pace, manner, names_transition
from tasks.media_render.planning.moving import Move, moves, moves_apart

Fault = Literal["blurry", "dark", "bright", "duplicate"]


class Wishes(Noun):
    """What was understood. `first`, `after`, `last`, `skip` and `only` are phrases that name visuals.

    `limit_s` is a length that must not be passed, `each_s` that of each visual, `timed` those of visuals that
    are named; `most` is how many are wanted, of the kind `most_of` or of all, `is_best` whether the best.
    With `pace_at_end` the film comes to that pace by and by. `but_lengths` are clauses that were understood
    but for a length in them.
    """

    pace: Pace | None = None
    pace_at_end: Pace | None = None
    target_s: Fraction | None = None
    limit_s: Fraction | None = None
    each_s: Fraction | None = None
    first: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    timed: tuple[tuple[str, Fraction], ...] = ()
    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    faults: frozenset[Fault] = frozenset()
    most: int | None = None
    most_of: str | None = None
    is_best: bool = False
    keep_all: bool = False
    shuffle: bool = False
    alternate: bool = False
    reverse: bool = False
    transitions: tuple[TransitionType, ...] = ()
    not_understood: tuple[str, ...] = ()
    but_lengths: tuple[str, ...] = ()


_FAULTS: Mapping[Fault, re.Pattern[str]] = {
    "blurry": re.compile(r"\b(?:blurr(?:y|ed)|blur|unsharp|out[- ]of[- ]focus|fuzzy)\b"),
    "dark": re.compile(r"\b(?:dark|underexposed)\b"),
    "bright": re.compile(r"\b(?:overexposed|too bright|blown[- ]out|washed[- ]out)\b"),
    "duplicate": re.compile(
        r"\b(?:(?:near[- ])?duplicate[sd]?|doubles?|repeat(?:s|ed)?|repetitions?|twice)\b"
    ),
}
_WHAT = r"(?: it| off| the (?:video|film|montage))?"
_COMES = r"(?:comes? |goes? |go )?"
_SHOT = r"(?:shot|scene|clip|picture|image|photo|visual)"
_THE = r"(?= (?:the|my|our) )"  # "last the demo": a place; "last photos" and "last 5 seconds" are none
_FIRST = (
    re.compile(rf"^(?:start|begin|open|lead|kick off)(?:s|ing)?{_WHAT} (?:with|on|from) {ALL}(?P<x>.+)$"),
    re.compile(rf"^(?:{DO} )?{ALL}(?P<x>.+?) {_COMES}(?:first|at the (?:very )?(?:start|beginning|front))$"),
    re.compile(rf"^first(?:ly)?(?: {DO})? {ALL}(?P<x>.+)$"),
    re.compile(rf"^(?:start|begin|opening|intro|first): {ALL}(?P<x>.+)$"),
    re.compile(rf"^the (?:first|opening) {_SHOT} (?:should be|must be|is) {ALL}(?P<x>.+)$"),
    re.compile(rf"^{DO} {ALL}(?P<x>.+) as (?:the|an|its) (?:first|opening) {_SHOT}$"),
    re.compile(rf"^(?:.* )?(?:order|sequence)(?: is| should be| as follows)?: ?{ALL}(?P<x>.+)$"),
)
_LAST = (
    re.compile(rf"^(?:end|finish|close|conclude|wrap up|stop)(?:s|ing)?{_WHAT} (?:with|on) {ALL}(?P<x>.+)$"),
    re.compile(rf"^(?:{DO} )?{ALL}(?P<x>.+?) {_COMES}(?:last|at the (?:very )?end)$"),
    re.compile(rf"^(?:(?:finally|lastly),?|last{_THE})(?: {DO})? {ALL}(?P<x>.+)$"),
    re.compile(rf"^(?:end|ending|finish|close|outro|last): {ALL}(?P<x>.+)$"),
    re.compile(rf"^the (?:last|final|closing) {_SHOT} (?:should be|must be|is) {ALL}(?P<x>.+)$"),
    re.compile(rf"^{DO} {ALL}(?P<x>.+) as (?:the|a|its) (?:last|final|closing) {_SHOT}$"),
)
_LEAD = re.compile(r"^(?:(?:and|but|then|also|next|please|after that),? )+")
_GO_ON = rf"(?:cut (?:in)?to|{DO}|(?:go|move) (?:on )?to|follow with|continue with|add|come)"
_AFTER = re.compile(
    rf"^(?:and )?(?:then|next|after that|followed by|afterwards)(?: {_GO_ON})? {ALL}(?P<x>.+)$"
)
_MANNER_FOLLOWS = re.compile(r"^(?:gets?|go(?:es)?|become|speed|pick up|slow|fade|make|keep|build|it)\b")
_SKIP = (
    re.compile(rf"^{DROP} {ALL}(?P<x>.+)$"),
    re.compile(rf"^leave {ALL}(?P<x>.+?) out$"),
)
_ONLY = re.compile(
    rf"^(?:(?:only|just)(?: {DO})?|{DO} (?:only|just)) (?!an? |make\b|keep\b|do\b|be\b|let\b){ALL}(?P<x>.+)$"
)
# What can be left out of a film and is no visual of it.
_NO_VISUAL = re.compile(
    r"^(?:(?:background |loud )?music|sounds?|audio|texts?|captions?|subtitles?|titles?|words|sfx"
    r"|(?:sound )?effects|voice(?:over)?s?|narration|filters?|(?:fast|slow|quick|hard) cuts?|need|matter"
    r"|problem|idea|hurry|rush|(?:more|longer|less|fewer|shorter) than)\b"
)
_TRANSITIONS = re.compile(r"^(?:transitions?|wipes|fades|zooms|flips|slides)(?: please)?$")
_THE_REST = re.compile(r"^(?:rest|others?|everything else|remaining(?: ones)?)(?: of (?:it|them))?$")
_PLACED = re.compile(
    rf" (?:first|last|{ORDINAL}|at the (?:very )?(?:start|beginning|front|end))$"
    r"| (?:before|after|following|ahead of) "
)
_SENTENCE = re.compile(r"[.!?;]+(?=\s|$)|\n+")
_ITEM = re.compile(r"^\s*(?:(?P<number>\d{1,2})[.)]|[-*•–])\s+")  # noqa: RUF001  # such dashes begin items
_NEXT = r"(?:then|next|after that|afterwards|followed by|finally|lastly)\b"
_VERB = (
    r"(?:start|begin|open|lead|end|finish|close|conclude|skip|drop|remove|omit|exclude|avoid|ignore|leave"
    r"|don't|do not|never|keep|use|show|shuffle|alternate|make|no|at most|under|max|only"
    rf"|(?:first|last){_THE})\b"
)
_JOINT = re.compile(rf",? (?:and )?(?={_NEXT})|,? (?:and|but) (?={_VERB})|, (?={_VERB})", re.IGNORECASE)
_EXCEPT = re.compile(
    r",? \(?(?:but not(?= (?:the|my|our|any)\b)|(?:except(?: for)?|apart from|excluding)(?= ))"
    rf"|(?<=everything) but(?= (?!{_VERB}))",
    re.IGNORECASE,
)
_PAUSE = re.compile(
    r"((?:^|[,.;!?] |\band )(?:finally|lastly|first|firstly|then|next|after that|afterwards)), ?",
    re.IGNORECASE,
)
_LONGEST_PHRASE = 300  # what is longer names no visuals, and patterns would take long over it
_ITEM_WORDS = 5  # what is longer in a numbered list is no name


def read(instructions: str) -> Wishes:
    """What the instructions ask for."""
    found = Wishes()
    lost = []
    for clause in clauses(instructions):
        update = _understood(clause.casefold())
        if update is None:
            lost.append(clause)
        else:
            found = _with(found, update)
    return found.model_copy(update={"not_understood": tuple(lost)})


def clauses(instructions: str) -> Iterator[str]:
    """The instructions in pieces that ask for one thing each, without the words that are to be written."""
    plain = unicodedata.normalize("NFC", instructions).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    plain = QUOTED.sub(lambda quote: quote[0].replace(quote[1], "…"), plain)
    plain = "\n".join(map(_item, plain.splitlines()))
    for sentence in _SENTENCE.split(_EXCEPT.sub(" and skip", plain)):
        for clause in _JOINT.split(_PAUSE.sub(r"\1 ", " ".join(sentence.split()))):
            for part in chain.from_iterable(map(moves_apart, each_apart(clause))):
                said = part.strip(" ,:-")
                if any(character.isalnum() for character in said) and said.casefold() != "and":
                    yield said


def _item(line: str) -> str:
    """A line of a list without its mark; what is short in a numbered one comes after what is above it."""
    mark = _ITEM.match(line)
    if mark is None:
        return line
    said = line[mark.end() :]
    is_name = mark["number"] and len(said.split()) <= _ITEM_WORDS and not _JOINT.match(f", {said}")
    return f"then {said}" if is_name else said


def _with(found: Wishes, update: Mapping[str, object]) -> Wishes:
    """Both together: what can be said more than once adds up, of the rest the later holds."""
    added = dict(update)
    for name, value in update.items():
        before = getattr(found, name)
        if isinstance(value, tuple):
            added[name] = (*before, *value)
        elif isinstance(value, frozenset):
            added[name] = before | value
    return found.model_copy(update=added)


def _understood(clause: str) -> Mapping[str, object] | None:
    """What a clause adds; None when no pattern knows it."""
    length, counted = lengths(clause), counts(clause)
    if length.is_moment:
        return None
    update = {**manner(clause), **length.update, **counted}
    if update and (length.is_of_no_visual or has_several(clause)):
        update["but_lengths"] = (clause,)
    if length.is_of_no_visual:
        return update or None
    if len(clause) > _LONGEST_PHRASE:
        return update or None
    places = _places(length.left, may_choose=not counted)
    if places is None:
        return update or None
    named = [phrase for key in ("first", "after", "last") for phrase in _phrases(places, key)]
    if length.whole_s is not None and named and not is_the_whole(named[0]):
        del update["target_s"]
        update["timed"] = tuple((phrase, length.whole_s) for phrase in named)
    return {**update, **places}


def _phrases(places: Mapping[str, object], key: str) -> tuple[str, ...]:
    found = places.get(key)
    return found if isinstance(found, tuple) else ()


def _places(clause: str, *, may_choose: bool) -> Mapping[str, object] | None:
    """Which visuals are wanted where, and which not at all; None when it says nothing of that."""
    bare = _LEAD.sub("", clause)
    if may_choose:
        for pattern in _SKIP:
            if match := pattern.match(bare):
                return _skipped(match["x"])
    found = moves(bare)
    if len(found) > 1:  # "the dawn first and the city last": neither phrase is the whole clause
        return _moved(found)
    for name, patterns in (("first", _FIRST), ("last", _LAST)):
        for pattern in patterns:
            if match := pattern.match(bare):
                return None if _is_manner(match["x"]) else _named(name, match["x"])
    if match := _AFTER.match(clause):
        return None if _MANNER_FOLLOWS.match(match["x"]) else _named("after", match["x"])
    if found:
        return _moved(found)
    if may_choose and (match := _ONLY.match(bare)):
        return None if _NO_VISUAL.match(match["x"]) else {"only": (match["x"],)}
    return None


def _moved(found: tuple[Move, ...]) -> Mapping[str, object] | None:
    """Visuals that are to be moved, unless one of them is none."""
    named = chain.from_iterable((move.phrase, move.beside) for move in found)
    if any(_is_manner(name) or _NO_VISUAL.match(name) or _THE_REST.match(name) for name in named):
        return None
    return {"moves": found}


def _is_manner(phrase: str) -> bool:
    """Whether a film is to begin or end in that way, rather than with a visual of that name."""
    return names_transition(phrase) or phrase.startswith(("fade in", "fade out", "fading"))


def _named(place: str, phrase: str) -> Mapping[str, object]:
    """Visuals by name; the rest comes by itself where it should."""
    return {} if _THE_REST.match(phrase) else {place: (phrase,)}


def _skipped(phrase: str) -> Mapping[str, object] | None:
    """Faults or visuals that are to be left out. What is not wanted in one place may be in others."""
    faults = frozenset(fault for fault, pattern in _FAULTS.items() if pattern.search(phrase))
    if faults:
        return {"faults": faults}
    if names_transition(phrase) or _TRANSITIONS.match(phrase):
        return {}
    if _NO_VISUAL.match(phrase) or _THE_REST.match(phrase) or _PLACED.search(phrase):
        return None
    return {"skip": (phrase,)}
