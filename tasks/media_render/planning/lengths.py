"""Reads lengths and counts in a clause of instructions: of the whole, of each visual, of one; how many. Pure.

A length is taken for the whole only where nothing says that it is meant for a part of it.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from tasks.media_render.params import MAX_TOTAL_S

Update = dict[str, object]

_UNITS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
}
_TEENS = {"ten": 10, "eleven": 11, "twelve": 12, "fourteen": 14, "fifteen": 15, "sixteen": 16, "eighteen": 18}
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_WORDS = {**_UNITS, **_TEENS, **_TENS}
_WORDED = rf"(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_UNITS)}))?|{'|'.join(_TEENS)}|{'|'.join(_UNITS)}"
_DIGITS = r"\d{1,4}(?:\.\d{1,2})?"
NUMBER = rf"(?:{_DIGITS}|{_WORDED})"
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
ORDINAL = rf"(?:{'|'.join(_ORDINALS[1:])}|[1-9]\d{{0,2}}(?:st|nd|rd|th))"  # "first" says more than a number
_AMOUNT = rf"(?:{_DIGITS}[- ]?|(?:{_WORDED})[- ])"  # before a unit; "ones" are no seconds
_MINUTES, _SECONDS = r"m|mins?|minutes?", r"s|secs?|seconds?"
_WHOLE_NUMBER = r"(?<![\d.,:/½¼¾])(?<![a-z]-)(?<!hundred )(?<!hundred and )"  # a slash is meant
_LENGTH = re.compile(
    rf"{_WHOLE_NUMBER}\b(?:(?P<clock>\d{{1,2}}:[0-5]\d)(?: ?(?:mins?|minutes?)\b| (?=long\b))"
    rf"|(?P<share>half a|a(?: full| whole)?) minute\b(?! and a half)"
    rf"|(?P<minutes>{_AMOUNT})(?:{_MINUTES})\b(?! and a half)"
    rf"(?:(?: and)? (?P<more>{_AMOUNT})(?:{_SECONDS})\b(?! (?:each|every|per)\b))?"
    rf"|(?P<part>half a|a(?: full| whole)?) second(?= (?:each|apiece|per)\b|$)"
    rf"|(?P<seconds>{_AMOUNT})(?:{_SECONDS})\b)"
)
_THING = r"(?:photo|picture|pic|image|clip|video|visual|shot|scene|slide|asset|file|still)"
_EACH_BEFORE = re.compile(
    rf"\b(?:(?:each|every)(?: single)?(?: of (?:the|my|our))?(?: {_THING}s?| one)?"
    rf"|all(?: of)?(?: the| my| our)? {_THING}s)"
    r"(?: (?:is|are|be|should|must|shown?|seen|visible|lasts?|gets?|takes?|stays?|for|on screen|up|at|to|with"
    r"|exactly|about|around|roughly|just|only|the|length|of|at (?:least|most)|under|below"
    r"|no (?:longer|more) than))*$"
    rf"|^(?:keep|make|hold|cut) (?:the |all |my |our )*{_THING}s"
    r" (?:under|below|at|to|shorter than|no longer than)$"
)
_EACH_AFTER = re.compile(
    rf"^(?: long| on screen)?,? (?:for )?(?:each|every|per|apiece)\b|^[- ](?:long )?(?:{_THING}|cut)s\b"
)
_NO_LENGTH = re.compile(
    r"\b(?:at|after|first|(?<!should )(?<!must )(?<!will )(?<!to )last|from|until|till|by|before"
    r"|(?<!no )(?<!not )longer than)(?: the)?$"
)
_LIMIT = re.compile(
    r"\b(?:under|at most|max(?:imum)?(?: of)?|(?:no|not) (?:longer|more) than|shorter than|less than|up to"
    r"|within|below|not (?:over|exceed(?:ing)?))\b[^.]*$"
)
_LIMIT_AFTER = re.compile(
    r"^(?: long)?,? \(?(?:max(?:imum)?|at (?:the )?most|or (?:less|shorter|under)|tops)\b"
)
BETWEEN = re.compile(r",? and |, ")
_ABOUT = re.compile(r"(?: |^)(?:about|around|roughly|exactly|just|only|another|a|an)$")
_FOR = re.compile(r"(?: for| \()$")

DO = r"(?:use|show|put|place|have|play|take|feature|display)"
ALL = r"(?:(?:any|all|every|the|those|my|our|of) )*"
_PART = (
    re.compile(
        rf"^(?:{DO}|keep|hold(?: on)?|(?:stay|linger|focus) on) {ALL}(?P<x>.+?)"
        r"(?: on screen| up)? (?:for|at)$"
    ),
    re.compile(rf"^give {ALL}(?P<x>.+)$"),
    re.compile(
        rf"^{ALL}(?!clip )(?P<x>.+?) (?:stays?|(?:is|are) (?:shown|seen|visible)|appears?|lasts?|remains?"
        r"|should (?:be (?:shown|seen|visible)|stay|last|be))(?: on screen| up| visible)?(?: for)?$"
    ),
)
_NAMED_ALONE = re.compile(r"^(?:the|my|our) (?P<x>[^,]{1,60}) for$")
_BEGUN = re.compile(
    rf"^(?:(?:{DO}|(?:start|begin|open|lead|end|finish|close)(?: it| off)? (?:with|on)|then|and"
    r"|followed by) ?)+$"
)
_OF = re.compile(
    r"^(?:[- ]long)?(?:[- ](?:shot|clip|look|view|glimpse|bit|part|moment|piece|cut))? (?:of|from) (?P<x>.+)$"
)
_OF_ANY = re.compile(rf"^{ALL}{_THING}s$")
_FILM = r"(?:video|film|montage|movie|reel|ad|advert|commercial|trailer|teaser|slideshow|story|edit)"
_THE_WHOLE = re.compile(
    rf"^{ALL}(?:it|this|that|all|everything|total|fun|(?:whole|entire) .*"
    rf"|(?:.* )?(?:{_FILM}|footage|material|length|duration|runtime|time))$"
)
# "A 30-second music video", "the music video should be"; but no "fade the video in over".
_FILM_AFTER = re.compile(rf"^[- ](?!(?:of|from) )(?:[\w-]+ ){{0,2}}{_FILM}\b")
_FILM_BEFORE = re.compile(
    rf"\b{_FILM}(?: (?:is|be|should|must|will|lasts?|takes?|to|about|around|exactly))*$"
)
# What of a film may have a length and is no visual of it.
_NO_FILM = re.compile(
    r"\b(?:(?:cross)?[- ]?fad(?:es?|ing)|dissolv(?:es?|ing)|transitions?|wip(?:es?|ing)|slid(?:es|ing)|iris"
    r"|flips?|light[- ]leaks?|zoom(?:s|ing)?|ken[- ]burns|dip|black|white|slow[- ]?motion|freeze"
    r"|hold|pauses?|silen(?:ce|t)|wait|delay|gaps?|breaks?|between"
    r"|music|songs?|tunes?|tracks?|audio|sounds?|effects?|sfx|beats?|voice(?:over)?s?|narration|speech|script"
    r"|titles?|texts?|captions?|subtitles?|words|headlines?|hook)\b"
)
_BESIDES = re.compile(r",|\b(?:with|and|that|which|featuring|using|set to|to)\b")
_PLACED = re.compile(rf" (?:first|last|{ORDINAL}|(?:at|in) the (?:very )?(?:end|start|beginning))$")
_LEAD = re.compile(r"^(?:(?:and|then|also|next|please|after that),? )+")

_MOST = (
    re.compile(
        rf"\b(?P<how>(?:only|just|best|top|at most|no more than|max(?:imum)?|up to)(?: use)?(?: the)?"
        rf"(?: best| top)?) (?P<n>{NUMBER})(?P<best> best| sharpest)? (?P<kind>{_THING}s?|of them)\b"
    ),
    re.compile(rf"\b(?P<how>the|my) (?P<n>{NUMBER})(?P<best> best| sharpest| top) (?P<kind>{_THING}s?)\b"),
)
_KEEP_ALL = re.compile(
    r"\b(?:(?<!between )(?<!on )(?<!after )(?<!in )(?<!over )(?<!to )(?<!from )(?:every|each)(?: of)?"
    r"(?: the| my| our)? (?:assets?|visuals?|files?|shots?|materials?)"
    r"|all(?: of)?(?: the| my| our)? (?:assets|visuals|files|shots|materials?)"
    r"|all(?: of)?(?: the| my| our)? (?:photos|pictures|images|clips|videos)"
    r"|(?:use|keep|include) everything|skip nothing)\b"
)


class Found(NamedTuple):
    """What a clause says of lengths, and what is left of it without them.

    `whole_s` is a length that may yet be that of what `left` names: "end with the logo for 3 seconds". A
    `moment` is when something should happen: nothing is known here of that. Nor of a length `of_no_visual`,
    such as a fade's.
    """

    update: Update
    left: str
    whole_s: Fraction | None = None
    is_moment: bool = False
    is_of_no_visual: bool = False


def lengths(clause: str) -> Found:
    """The length in a clause; a time at which something should happen is none."""
    match = _LENGTH.search(clause)
    seconds = _seconds(match) if match else Fraction(0)
    if match is None or not 0 < seconds <= MAX_TOTAL_S:
        return Found({}, clause)
    before, after = clause[: match.start()].rstrip(" ,"), clause[match.end() :]
    plain = _ABOUT.sub("", before)
    if _EACH_BEFORE.search(plain) or _EACH_AFTER.match(after):
        return Found({"each_s": seconds}, "")
    if _NO_LENGTH.search(before):
        return Found({}, clause, is_moment=True)
    if not _FILM_AFTER.match(after) and (part := _of_a_part(plain, after, seconds)):
        return part
    if _is_of_no_visual(clause[: match.start()], after):
        return Found({}, clause, is_of_no_visual=True)
    return _of_the_whole(plain, after, seconds)


def counts(clause: str) -> Update:
    """How many visuals are wanted, of which kind; or that none may be missing."""
    for pattern in _MOST:
        if match := pattern.search(clause):
            return _most(match)
    return {"keep_all": True} if _KEEP_ALL.search(clause) and not _LENGTH.search(clause) else {}


def each_apart(clause: str) -> Iterator[str]:
    """A clause in parts where it says several lengths: "the photos for 2 seconds and the clip for 6"."""
    begin = 0
    for one, other in pairwise(_LENGTH.finditer(clause)):
        if joint := BETWEEN.search(clause, one.end(), other.start()):
            yield clause[begin : joint.start()]
            begin = joint.end()
    yield clause[begin:]


def has_several(clause: str) -> bool:
    """Whether a clause says more lengths than the one that is read: "30 seconds with a 2 second fade in"."""
    return len(_LENGTH.findall(clause)) > 1


def is_the_whole(phrase: str) -> bool:
    """Whether a phrase means all of the film and no visual of it."""
    return _THE_WHOLE.match(phrase) is not None


def number(said: str) -> Fraction:
    """The value of what NUMBER finds."""
    said = said.strip(" -")
    if said[0].isdigit():
        return Fraction(said)
    return Fraction(sum(_WORDS[word] for word in re.split("[- ]", said)))


def ordinal(said: str) -> int:
    """The value of "first", and of what ORDINAL finds."""
    return int(said.rstrip("stndrh")) if said[0].isdigit() else _ORDINALS.index(said) + 1


def _seconds(match: re.Match[str]) -> Fraction:
    if match["clock"]:
        minutes, _, seconds = match["clock"].partition(":")
        return Fraction(60 * int(minutes) + int(seconds))
    if match["share"]:
        return Fraction(30 if match["share"] == "half a" else 60)
    if match["part"]:
        return Fraction(1, 2) if match["part"] == "half a" else Fraction(1)
    if match["minutes"]:
        return 60 * number(match["minutes"]) + (number(match["more"]) if match["more"] else 0)
    return number(match["seconds"])


def _of_a_part(before: str, after: str, seconds: Fraction) -> Found | None:
    """Of what is named before it, "show the logo for 4 seconds", or after it, "3 seconds of the ride"."""
    if (of := _OF.match(after)) and (not before or _BEGUN.match(before)):
        if is_the_whole(of["x"]) or _OF_ANY.match(of["x"]):
            return None
        return Found({"timed": ((of["x"], seconds),)}, f"{before} {of['x']}".strip())
    said = _LEAD.sub("", before)
    if (alone := _NAMED_ALONE.match(said)) and not is_the_whole(alone["x"]):
        return Found({"timed": ((alone["x"], seconds),)}, _FOR.sub("", before))
    for pattern in _PART:
        match = pattern.match(said)
        if match and not is_the_whole(match["x"]):
            named = _PLACED.sub("", match["x"])
            return Found({"timed": ((named, seconds),)}, "" if named == match["x"] else match["x"])
    return None


def _is_of_no_visual(before: str, after: str) -> bool:
    """Whether what stands closest to a length is a part of a film that is none of its visuals."""
    before = BETWEEN.split(before)[-1].strip()
    if _FILM_BEFORE.search(before) or _FILM_AFTER.match(after):
        return False
    return _NO_FILM.search(f"{before} … {_BESIDES.split(after.strip(), maxsplit=1)[0]}") is not None


def _of_the_whole(before: str, after: str, seconds: Fraction) -> Found:
    limit = _LIMIT.search(before)
    if limit or _LIMIT_AFTER.match(after):
        return Found({"limit_s": seconds}, (before[: limit.start()] if limit else before).strip())
    is_open = _FOR.search(f" {before}") is not None
    left = (
        "" if any(pattern.match(_LEAD.sub("", before)) for pattern in _PART) else _FOR.sub("", before).strip()
    )
    return Found({"target_s": seconds}, left, seconds if is_open else None)


def _most(match: re.Match[str]) -> Update:
    said = match["kind"]
    kind = None if said == "of them" else said
    is_best = bool(match["best"]) or "best" in match["how"] or "top" in match["how"]
    found: Update = {"most": max(1, int(number(match["n"]))), "most_of": kind, "is_best": is_best}
    if kind and match["how"].startswith(("only", "just")):
        found["only"] = (kind,)
    return found
