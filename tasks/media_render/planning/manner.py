"""Reads in a clause of instructions how a film is to be: pace, transitions, the order of the whole. Pure.

What is said not to be wanted is not taken for a wish.
"""

import re
from collections.abc import Mapping
from typing import Literal

from tasks.media_render.params import TransitionType

Pace = Literal["fast", "slow"]


def _any_of(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b")


DROP = (
    r"(?:skip|drop|remove|omit|exclude|avoid|ignore|(?:leave|cut) out|throw (?:out|away)|get rid of"
    r"|(?:i )?(?:do(?:n't|nt| not)|never) (?:use|show|include|put|add|have|need|want|like)|without|no)"
)
# From such a word to the end of what it speaks of.
_NEGATED = re.compile(rf"\b(?:not|never|less|nothing|nor|dont|\w+n't|{DROP})\b(?:(?! (?:but|and)\b)[^,;])*")
_PACE: Mapping[Pace, re.Pattern[str]] = {
    "fast": _any_of(
        r"fast(?:er)?(?:-paced)?",
        r"quick(?:er|ly)?|rapid(?:ly)?|punchy|snappy|dynamic|lively|upbeat|hype|intense|exciting",
        r"energetic|energy",
        r"speed(?:s|ing)?(?: it)? up|pick(?:s|ing)? up(?: the)? (?:pace|speed)",
    ),
    "slow": _any_of(
        r"slow(?:er|ly)?(?:-paced)?",
        r"low[- ]energy",
        r"calm(?:er|ly|ing)?|gentl[ey]|relax(?:ed|ing)|peaceful|cinematic|dreamy|unhurried|meditative",
    ),
}
# What a clause says of the end of a film, and not of all of it.
_TOWARDS_THE_END = re.compile(
    r"^(?:and |then )*(?:end|finish|close|finally|gets?|speed|build|pick up|slow down)\b"
    r"|^then |\bending\b|\b(?:at|towards?) the end\b"
)
_CUTS = _any_of(
    "(?:hard|straight|jump|clean)[- ]cuts?",
    "(?:no|without|do(?:n't|nt| not) (?:use|want))(?: any)?"
    " (?:transitions?|fades?|cross[- ]?fades?|dissolves?)",
)
# The longer names before those that are parts of them.
_TRANSITIONS: Mapping[TransitionType, re.Pattern[str]] = {
    "dip-to-black": _any_of(r"(?:fad|dip)(?:es?|s|p?ing)? (?:to|through) black"),
    "crossfade": _any_of(r"cross[- ]?fad(?:es?|ing)", r"dissolv(?:es?|ing)", "soft transitions?"),
    "light-leak": _any_of("light[- ]leaks?"),
    "clock-wipe": _any_of("clock[- ]wipes?"),
}
# Words that mean a transition only beside that word, or "between".
_BARE: Mapping[TransitionType, re.Pattern[str]] = {
    "zoom-out": _any_of(r"zoom(?:ing|s)?[- ]outs?"),
    "zoom-in": _any_of(r"zoom(?:ing|s)?(?:[- ]ins?)?"),
    "ken-burns": _any_of("ken[- ]burns"),
    "slide": _any_of(r"slid(?:es?|ing)"),
    "wipe": _any_of(r"wip(?:es?|ing)"),
    "flip": _any_of(r"flip(?:s|ping)?"),
    "iris": _any_of("iris(?:es)?"),
    "fade": _any_of(r"fad(?:es?|ing)(?! (?:to|through|in|out|away))"),
}
_BESIDE = re.compile(
    r"\b(?:transitions?|between)\b|^(?:please )?(?:use|with|only)(?: only)? (?:wipes|fades)$"
)
_AT_AN_EDGE = re.compile(
    r"\b(?:start|begin|open|end|finish|close|conclude|finally|lastly|first|last)(?:s|ing|ning)?\b"
    r"(?! of (?:each|every))"
)
_SHUFFLE = _any_of(r"shuffled?", r"random(?:ly|i[sz]ed?)?", "mix (?:it |them )?up", "any order")
_ALTERNATE = _any_of(r"alternat(?:e|ing|ely)", "interleaved?")
_REVERSE = _any_of(r"reversed?(?: order)?", "backwards?")
_IN_ORDER = _any_of(
    r"(?:keep|in|use)(?: the| their| this)? (?:same |given |file )?order(?!:)", r"chronological(?:ly)?"
)


def manner(clause: str) -> dict[str, object]:
    """Pace, order of the whole, transitions."""
    wanted = _NEGATED.sub(" ", clause)
    found = {**_pace(wanted), **_joined(clause, wanted)}
    for name, pattern in (("shuffle", _SHUFFLE), ("alternate", _ALTERNATE), ("reverse", _REVERSE)):
        if pattern.search(wanted):
            found[name] = True
    if not found and (_IN_ORDER.search(wanted) or _SHUFFLE.search(clause)):
        found["shuffle"] = False
    return found


def names_transition(phrase: str) -> bool:
    """Whether it names a transition, and so perhaps no visual."""
    return any(pattern.search(phrase) for pattern in (_CUTS, *_TRANSITIONS.values())) or bool(
        _BESIDE.search(phrase) and any(pattern.search(phrase) for pattern in _BARE.values())
    )


def _pace(wanted: str) -> dict[str, object]:
    """The pace of all, or of the end; of two that a clause names the calmer."""
    paces = [pace for pace, pattern in _PACE.items() if pattern.search(wanted)]
    if not paces:
        return {}
    return {"pace_at_end" if _TOWARDS_THE_END.search(wanted.strip()) else "pace": paces[-1]}


def _joined(clause: str, wanted: str) -> dict[str, object]:
    """What leads from one visual to the next. A fade at the very end or beginning does not."""
    if _CUTS.search(clause):
        return {"transitions": ("none",)}
    if _AT_AN_EDGE.search(wanted):
        return {}
    patterns = {**_TRANSITIONS, **(_BARE if _BESIDE.search(wanted) else {})}
    places: list[tuple[int, TransitionType]] = []
    for kind, pattern in patterns.items():
        places += [(match.start(), kind) for match in pattern.finditer(wanted)]
        wanted = pattern.sub(lambda match: " " * len(match[0]), wanted)
    return {"transitions": tuple(dict.fromkeys(kind for _, kind in sorted(places)))} if places else {}
