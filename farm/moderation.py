"""Which texts of a request are refused here: by the operator's lists of configs/moderation.toml. Pure.

The submit door checks what a kind tells of its texts before anything is held. Letters that are spelled out,
swapped for look-alikes or repeated are read as what they stand for; a word is never found within another.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from pydantic import Field

from farm.errors import BadRequest, FailureClass, FarmUnavailable
from farm.noun import Noun

CODE = "content_policy_violation"
# Three and more single letters in a row are a word that was spelled out.
_SPELLED_OUT = re.compile(r"(?<!\S)\S(?: \S){2,}(?!\S)")
_ANY_ENDING = "*"
_GAP = " · "  # no word, so nothing is found across it

_LEET = {"0": "o", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
_READ_AS = tuple(str.maketrans({**_LEET, "1": one, "!": one, "|": one}) for one in "il")
_LEET_SIGNS = frozenset("013457@$!|")
# What is not seen, or turns what is seen: Unicode's format characters.
_HIDDEN = re.compile(
    "[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0001-\U000e007f]"
)
_ACCENTS = re.compile("[\u0300-\u036f]")
# Cyrillic and Greek letters that look Latin, in a word that has Latin ones as well.
_ALIKE = str.maketrans("авекмнорстухіјѕ" + "αβεικνορτυχ", "abekmhopctyxijs" + "abeikvoptux")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")  # scripts without spaces between words


class ContentRefused(BadRequest):
    """A text of the request has words that are not allowed here; `param` names it. Nothing is billed."""

    code = CODE
    failure_class = FailureClass.POLICY


class Near(Noun):
    """Words that are allowed alone, and not with no more than `within` words between the two sides."""

    one: tuple[str, ...] = Field(min_length=1)
    other: tuple[str, ...] = Field(min_length=1)
    within: int = Field(default=4, ge=0, le=20)


class WordList(Noun):
    """See configs/moderation.toml, where each key is explained."""

    title: str = Field(min_length=1)
    enabled: bool = True
    words: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    near: tuple[Near, ...] = ()


class CapabilityRules(Noun):
    """See configs/moderation.toml, where each key is explained."""

    enabled: bool = True
    lists: tuple[str, ...] | None = None


class ModerationRules(Noun):
    """See configs/moderation.toml, where each key is explained."""

    enabled: bool = True
    words: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    lists: Mapping[str, WordList] = Field(default_factory=dict)
    capabilities: Mapping[str, CapabilityRules] = Field(default_factory=dict)
    nudity: bool = True
    nudity_from: float = Field(default=0.8, ge=0, le=1)

    def lists_for(self, capability: str) -> Sequence[WordList]:
        """What holds for texts of that capability; the operator's own words for all that are checked."""
        own = self.capabilities.get(capability, CapabilityRules())
        if not (self.enabled and own.enabled):
            return ()
        names = self.lists if own.lists is None else own.lists
        shipped = [self.lists[name] for name in names if self.lists[name].enabled]
        return [WordList(title="words that are not allowed here", words=self.words), *shipped]

    def check(self) -> None:
        """Raise FarmUnavailable naming the list that is not there."""
        for capability, rules in self.capabilities.items():
            for name in rules.lists or ():
                if name not in self.lists:
                    where = f"moderation.capabilities.{capability}.lists"
                    raise FarmUnavailable(f"moderation.toml: {where} names {name!r}, which is not there.")


class Told(Noun):
    """What a job says in words: its texts by the name of their field, as an error names it."""

    capability: str
    texts: Mapping[str, str]


def check(rules: ModerationRules, told: Told) -> None:
    """Raise ContentRefused for the first text that is not allowed. It repeats nothing of the text."""
    for field, text in told.texts.items():
        title = refused_for(rules, told.capability, text)
        if title is not None:
            raise ContentRefused(
                "Your request was rejected because it may generate content that violates our usage policy:"
                f" {field} has {title}. Rephrase it and try again; nothing was charged.",
                param=field,
            )


def forbids(rules: ModerationRules, capability: str, texts: Iterable[str | None]) -> bool:
    """Whether one of the texts is not allowed there."""
    return any(refused_for(rules, capability, text) is not None for text in texts if text)


def refused_for(rules: ModerationRules, capability: str, text: str) -> str | None:
    """The title of the first list that a text offends; None when it is allowed."""
    lists = rules.lists_for(capability)
    readings = _readings(text) if lists else ()
    for words in lists:
        if any(_offends(words, rules.allow, reading) for reading in readings):
            return words.title
    return None


@dataclass(frozen=True, slots=True)
class _Reading:
    """A way in which a text may be meant: plain words, and which there are, with each letter said once."""

    text: str
    words: frozenset[str]

    @classmethod
    def of(cls, plain: str) -> "_Reading":
        return cls(plain, frozenset(_said_once(plain).split()))

    def may_have(self, phrases: tuple[str, ...]) -> bool:
        """Whether to look for them: False where none of them can be found."""
        starts = _starts(phrases)
        return (
            starts.is_anywhere
            or not self.words.isdisjoint(starts.words)
            or any(word.startswith(starts.beginnings) for word in self.words)
        )


@dataclass(frozen=True, slots=True)
class _Starts:
    """The first words of phrases, with each letter said once; the beginnings of those with any ending."""

    words: frozenset[str]
    beginnings: tuple[str, ...]
    is_anywhere: bool


def _offends(words: WordList, allowed: tuple[str, ...], reading: _Reading) -> bool:
    is_near = [near for near in words.near if reading.may_have(near.one) and reading.may_have(near.other)]
    if not is_near and not reading.may_have(words.words):
        return False
    allow = _pattern((*words.allow, *allowed))
    rest = allow.sub(_GAP, reading.text) if allow is not None else reading.text
    found = _pattern(words.words)
    if found is not None and found.search(rest):
        return True
    return any(_near_pattern(near.one, near.other, near.within).search(rest) for near in is_near)


@cache
def _starts(phrases: tuple[str, ...]) -> _Starts:
    known = [(words, any_ending) for words, any_ending in map(_phrase, phrases) if words]
    exact = {_said_once(words).split()[0] for words, any_ending in known if not any_ending or " " in words}
    beginnings = {_said_once(words) for words, any_ending in known if any_ending and " " not in words}
    is_anywhere = any(_UNSPACED.match(words) for words, _ in known)
    return _Starts(frozenset(exact), tuple(beginnings), is_anywhere)


@cache
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds any of the phrases in a reading; None without any."""
    alternatives = _alternatives(phrases)
    return re.compile(alternatives) if alternatives else None


@cache
def _near_pattern(one: tuple[str, ...], other: tuple[str, ...], within: int) -> re.Pattern[str]:
    first, second = _alternatives(one), _alternatives(other)
    between = rf"(?: [^ ]+){{0,{within}}} "
    return re.compile(f"(?:{first}){between}(?:{second})|(?:{second}){between}(?:{first})")


def _alternatives(phrases: Sequence[str]) -> str:
    known = [(words, _expression(words, any_ending)) for words, any_ending in map(_phrase, phrases) if words]
    anywhere = [expression for words, expression in known if _UNSPACED.match(words)]
    apart = "|".join(expression for words, expression in known if not _UNSPACED.match(words))
    return "|".join([*anywhere, *([rf"(?<!\w)(?:{apart})"] if apart else ())])


def _phrase(said: str) -> tuple[str, bool]:
    """A phrase in plain words, and whether it may have any ending."""
    return _plain(said.rstrip(_ANY_ENDING)), said.endswith(_ANY_ENDING)


def _expression(words: str, any_ending: bool) -> str:
    """A phrase whose letters may be repeated. `words` is plain."""
    body = " ".join("".join(_letter(sign) for sign in word) for word in words.split(" "))
    return body + ("" if _UNSPACED.match(words[-1]) else r"\w*" if any_ending else r"(?!\w)")


def _letter(sign: str) -> str:
    return f"{sign}+" if sign.isascii() and sign.isalpha() else re.escape(sign)


def _readings(text: str) -> Sequence[_Reading]:
    """The ways in which a text may be meant."""
    folded = (
        text.lower() if text.isascii() else unicodedata.normalize("NFKC", _HIDDEN.sub("", text)).casefold()
    )
    meant = [folded]
    if not _LEET_SIGNS.isdisjoint(folded):
        meant += [" ".join(_unleeted(part, table) for part in folded.split()) for table in _READ_AS]
    plain = [_plain(one) for one in meant]
    return [_Reading.of(one) for one in dict.fromkeys([*plain, *map(_unspelled, plain)])]


def _plain(text: str) -> str:
    """Words with one space between them, without case, accents, signs and long repetitions."""
    if text.isascii():
        words = " ".join(re.findall(r"[^\W_]+", text.lower()))
    else:
        folded = unicodedata.normalize("NFKC", text).casefold()
        bare = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", folded)))
        words = " ".join(map(_latin, re.findall(r"[^\W_]+", bare)))
    return re.sub(r"(.)\1{2,}", r"\1\1", words)


def _said_once(plain: str) -> str:
    return re.sub(r"(.)\1+", r"\1", plain)


def _latin(word: str) -> str:
    """A word with foreign letters among Latin ones, as it looks."""
    if word.isascii() or not re.search("[a-z]", word):
        return word
    return word.translate(_ALIKE)


def _unleeted(part: str, table: Mapping[int, str]) -> str:
    """Signs as the letters that they stand for, where there are letters beside them."""
    if _LEET_SIGNS.isdisjoint(part) or not re.search("[a-z]", part):
        return part
    return part.translate(table)


def _unspelled(plain: str) -> str:
    """`p o r n` as one word."""
    return _SPELLED_OUT.sub(lambda run: run.group().replace(" ", ""), plain)
