"""Reads instructions: what of a few English sentences a planner without a language model can follow. Pure.

Sentence by sentence, by patterns. What no pattern knows is handed back, so that it can be said and is never
pretended to be followed.
"""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Literal

from farm.noun import Noun
from tasks.media_render.params import MAX_TOTAL_S, TransitionType

Pace = Literal["fast", "slow"]
Fault = Literal["blurry", "dark", "bright", "duplicate"]


class Wishes(Noun):
    """What was understood. `first`, `after`, `last`, `skip` and `only` are phrases that name visuals.

    `limit_s` is a length that must not be passed, `each_s` that of each visual, `timed` those of visuals that
    are named; `most` is how many are wanted.
    """

    pace: Pace | None = None
    target_s: Fraction | None = None
    limit_s: Fraction | None = None
    each_s: Fraction | None = None
    first: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    timed: tuple[tuple[str, Fraction], ...] = ()
    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    faults: frozenset[Fault] = frozenset()
    most: int | None = None
    keep_all: bool = False
    shuffle: bool = False
    alternate: bool = False
    reverse: bool = False
    transition: TransitionType | None = None
    not_understood: tuple[str, ...] = ()


def _any_of(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b")


_PACE: Mapping[Pace, re.Pattern[str]] = {
    "fast": _any_of(
        r"fast(?:er)?(?:-paced)?",
        r"quick(?:ly)?|rapid(?:ly)?|punchy|snappy|dynamic|lively|upbeat|hype|intense|exciting",
        r"energetic|energy",
    ),
    "slow": _any_of(
        r"slow(?:er|ly)?(?:-paced)?",
        r"low[- ]energy",
        r"calm(?:ly|ing)?|gentl[ey]|relax(?:ed|ing)|peaceful|cinematic|dreamy|unhurried|meditative",
    ),
}
_NEGATED = re.compile(r"\b(?:not|never|less)(?: too| so| very| that)? \w+")
_FAULTS: Mapping[Fault, re.Pattern[str]] = {
    "blurry": _any_of(r"blurr(?:y|ed)", "blur", "unsharp", "out[- ]of[- ]focus", "fuzzy"),
    "dark": _any_of("(?:too )?dark", "underexposed"),
    "bright": _any_of("overexposed", "too bright", "blown[- ]out", "washed[- ]out"),
    "duplicate": _any_of(r"(?:near[- ])?duplicate[sd]?", "doubles?", r"repeat(?:s|ed)?", "repetitions?"),
}
_TRANSITIONS: Mapping[TransitionType, re.Pattern[str]] = {
    "none": _any_of("(?:hard|straight|jump|clean)[- ]cuts?", "(?:no|without) (?:transitions?|fades?)"),
    "crossfade": _any_of("cross[- ]?fades?", "dissolves?", "soft transitions?"),
    "dip-to-black": _any_of("(?:fade|dip)s? (?:to|through) black"),
    "slide": _any_of("(?:slides?|sliding) (?:transitions?|between)"),
    "wipe": _any_of("wipes?"),
    "zoom-in": _any_of("zoom(?:ing|s)?(?:[- ]in)? (?:transitions?|between)"),
    "light-leak": _any_of("light[- ]leaks?"),
}
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_TENS = {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "sixty": 60, "ninety": 90}
_NUMBERS = {**_COUNTS, **_TENS}
_NUMBER = rf"(?P<n>\d{{1,4}}(?:\.\d{{1,2}})?|{'|'.join(_NUMBERS)})"
_LENGTH = re.compile(rf"\b{_NUMBER}[- ]?(?P<unit>s|secs?|seconds?|m|mins?|minutes?)\b")
_EACH = _any_of("each", "every", "per", "apiece")
_NOT_A_TOTAL = re.compile(r"\b(?:at|after|first|last|from|until|till|by|before) (?:the )?$")
_LIMIT = re.compile(
    r"\b(?:under|at most|max(?:imum)?(?: of)?|no (?:longer|more) than|less than|up to|within|below)\b[^.]*$"
)
_THINGS = r"(?:photo|picture|image|clip|video|visual|shot|asset|file)s?"
_MOST = re.compile(
    r"\b(?:only|just|best|top|at most|no more than)(?: use)?(?: the)?(?: best)? "
    rf"{_NUMBER}(?: best)? (?:{_THINGS}|of them)\b"
)
_KEEP_ALL = _any_of(
    r"(?:all|every|each)(?: of)?(?: the| my| our)? (?:assets?|visuals?|files?|shots?|materials?)",
    r"all(?: of)?(?: the| my| our)? (?:photos|pictures|images|clips|videos)",
    r"(?:use|keep|include) everything",
    r"skip nothing",
)
_SHUFFLE = _any_of(r"shuffled?", r"random(?:ly|i[sz]ed?)?", "mix (?:it |them )?up", "any order")
_ALTERNATE = _any_of(r"alternat(?:e|ing|ely)", "interleaved?")
_REVERSE = _any_of(r"reversed?(?: order)?", "backwards?")
_IN_ORDER = _any_of(
    r"(?:keep|in|use)(?: the| their| this)? (?:same |given |file )?order", r"chronological(?:ly)?"
)

_DO = r"(?:use|show|put|place|have|play|take|feature|display)"
_ALL = r"(?:(?:any|all|every|the|those|my|our|of) )*"
_WHAT = r"(?: it| off| the (?:video|film|montage))?"
_COMES = r"(?:comes? |goes? |go )?"
_FIRST = (
    re.compile(rf"^(?:start|begin|open|lead|kick off)(?:s|ing)?{_WHAT} (?:with|on|from) {_ALL}(?P<x>.+)$"),
    re.compile(
        rf"^(?:{_DO} )?{_ALL}(?P<x>.+?) {_COMES}(?:first|at the (?:very )?(?:start|beginning|front))$"
    ),
    re.compile(rf"^first(?:ly)?(?: {_DO})? {_ALL}(?P<x>.+)$"),
)
_LAST = (
    re.compile(rf"^(?:end|finish|close|conclude|wrap up|stop)(?:s|ing)?{_WHAT} (?:with|on) {_ALL}(?P<x>.+)$"),
    re.compile(rf"^(?:{_DO} )?{_ALL}(?P<x>.+?) {_COMES}(?:last|at the (?:very )?end)$"),
    re.compile(rf"^(?:finally|lastly),?(?: {_DO})? {_ALL}(?P<x>.+)$"),
)
_LEAD = re.compile(r"^(?:(?:and|then|also|next|please|after that),? )+")
_TIMED = re.compile(
    rf"^(?:{_DO}|keep|hold(?: on)?|stay on) {_ALL}(?P<x>.+?) (?:on screen |up )?for (?:about )?$"
)
_THE_WHOLE = re.compile(r"^(?:it|this|that|video|film|montage|movie|reel|whole.*|everything)$")
_GO_ON = rf"(?:cut (?:in)?to|{_DO}|(?:go|move) (?:on )?to|follow with|continue with|add|come)"
_AFTER = re.compile(
    rf"^(?:then|next|after that|followed by|afterwards)(?: {_GO_ON})? {_ALL}(?P<x>.+)$"
)  # fmt: skip
_DROP = (
    r"(?:skip|drop|remove|omit|exclude|avoid|ignore|(?:leave|cut) out|throw (?:out|away)|get rid of"
    r"|do(?:n't|nt| not) (?:use|show)|without|no)"
)
_SKIP = (
    re.compile(rf"^(?:please )?{_DROP} {_ALL}(?P<x>.+)$"),
    re.compile(rf"^leave {_ALL}(?P<x>.+?) out$"),
)
_ONLY = re.compile(rf"^(?:only|just)?(?: ?{_DO})?(?: (?:only|just))? {_ALL}(?P<x>.+)$")
_SENTENCE = re.compile(r"[.!?;\n]+(?=\s|$)")
_NEXT = r"(?:then|next|after that|afterwards|followed by|finally|lastly)\b"
_VERB = (
    r"(?:start|begin|open|lead|end|finish|close|conclude|skip|drop|remove|omit|exclude|avoid|ignore|leave"
    r"|don't|do not|keep|use|show|shuffle|alternate|make|no|at most|under|max|only)\b"
)
_JOINT = re.compile(rf",? (?:and )?(?={_NEXT})|,? and (?={_VERB})|, (?={_VERB})")
_PAUSE = re.compile(r"\b((?:finally|lastly|first|firstly|then|next|after that|afterwards)), ?", re.IGNORECASE)
_LONGEST_PHRASE = 300  # what is longer names no visuals, and patterns would take long over it


def read(instructions: str) -> Wishes:
    """What the instructions ask for."""
    found = Wishes()
    lost = []
    for clause in clauses(instructions):
        update = _understood(clause.casefold(), found)
        if update:
            found = found.model_copy(update=update)
        else:
            lost.append(clause)
    return found.model_copy(update={"not_understood": tuple(lost)})


def clauses(instructions: str) -> Iterator[str]:
    """The instructions in pieces that ask for one thing each."""
    for sentence in _SENTENCE.split(instructions.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")):
        for clause in _JOINT.split(_PAUSE.sub(r"\1 ", " ".join(sentence.split()))):
            said = clause.strip(" ,:-")
            if any(character.isalnum() for character in said) and said.casefold() != "and":
                yield said


def _understood(clause: str, so_far: Wishes) -> dict[str, object]:
    """What a clause adds; nothing when no pattern knows it."""
    lengths = _lengths(clause, so_far)
    has_place = len(clause) <= _LONGEST_PHRASE and "timed" not in lengths
    places = _places(clause, so_far) if has_place else {}
    return {**_manner(clause), **lengths, **_numbers(clause), **places}


def _manner(clause: str) -> dict[str, object]:
    """Pace, order of the whole, transitions."""
    found: dict[str, object] = {}
    meant = _NEGATED.sub("", clause)
    for pace, pattern in _PACE.items():
        if pattern.search(meant):
            found["pace"] = pace
    for transition, pattern in _TRANSITIONS.items():
        if "transition" not in found and pattern.search(clause):
            found["transition"] = transition
    for name, pattern in (("shuffle", _SHUFFLE), ("alternate", _ALTERNATE), ("reverse", _REVERSE)):
        if pattern.search(clause):
            found[name] = True
    if not found and _IN_ORDER.search(clause):
        found["shuffle"] = False
    return found


def _lengths(clause: str, so_far: Wishes) -> dict[str, object]:
    """Lengths of the whole, of each visual or of some; a time at which something should happen is none."""
    match = _LENGTH.search(clause)
    if match is None or _NOT_A_TOTAL.search(clause[: match.start()]):
        return {}
    seconds = Fraction(_NUMBERS.get(match["n"]) or match["n"]) * (60 if match["unit"].startswith("m") else 1)
    if not 0 < seconds <= MAX_TOTAL_S:
        return {}
    if _EACH.search(clause):
        return {"each_s": seconds}
    timed = _TIMED.match(_LEAD.sub("", clause[: match.start()]))
    if timed and not _THE_WHOLE.match(timed["x"]):
        return {"timed": (*so_far.timed, (timed["x"], seconds))}
    return {"limit_s" if _LIMIT.search(clause[: match.start()]) else "target_s": seconds}


def _numbers(clause: str) -> dict[str, object]:
    if match := _MOST.search(clause):
        return {"most": max(1, int(_NUMBERS.get(match["n"]) or float(match["n"])))}
    return {"keep_all": True} if _KEEP_ALL.search(clause) and not _LENGTH.search(clause) else {}


def _places(clause: str, so_far: Wishes) -> dict[str, object]:
    """Which visuals are wanted where, and which not at all."""
    bare = _LEAD.sub("", clause)
    for pattern in _SKIP:
        if match := pattern.match(bare):
            return _skipped(match["x"], so_far)
    for name, patterns in (("first", _FIRST), ("last", _LAST)):
        for pattern in patterns:
            if match := pattern.match(bare):
                return {name: (*getattr(so_far, name), match["x"])}
    if match := _AFTER.match(clause):
        return {"after": (*so_far.after, match["x"])}
    is_only = re.match(rf"^(?:(?:only|just)\b|{_DO} (?:only|just)\b)", clause) and not _MOST.search(clause)
    if is_only and (match := _ONLY.match(clause)):
        return {"only": (*so_far.only, match["x"])}
    return {}


def _skipped(phrase: str, so_far: Wishes) -> dict[str, object]:
    """Faults that are to be left out, else visuals by name."""
    faults = {fault for fault, pattern in _FAULTS.items() if pattern.search(phrase)}
    if faults:
        return {"faults": so_far.faults | faults}
    if _TRANSITIONS["none"].search(f"no {phrase}"):
        return {}
    return {"skip": (*so_far.skip, phrase)}
