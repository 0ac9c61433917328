"""Which texts of a request are refused here: by the operator's lists of configs/moderation.toml. Pure.

The submit door checks what a kind tells of its texts before anything is held. Letters that are spelled out,
swapped for look-alikes or repeated are read as what they stand for; a word is never found within another.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from pydantic import Field

from farm.errors import BadRequest, FailureClass, FarmUnavailable
from farm.noun import Noun

CODE = "content_policy_violation"
_SPELLED = 3  # so many single letters in a row are a word that was spelled out
_ANY_ENDING = "*"
_GAP = " · "  # no word, so nothing is found across it

_LEET = {"0": "o", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
_READ_AS = tuple(str.maketrans({**_LEET, "1": one, "!": one, "|": one}) for one in "il")
_LEET_SIGNS = frozenset("013457@$!|")
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


def _offends(words: WordList, allowed: tuple[str, ...], reading: str) -> bool:
    allow = _pattern((*words.allow, *allowed))
    rest = allow.sub(_GAP, reading) if allow is not None else reading
    found = _pattern(words.words)
    if found is not None and found.search(rest):
        return True
    return any(_near(near).search(rest) for near in words.near)


@cache
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds any of the phrases in a reading; None without any."""
    alternatives = _alternatives(phrases)
    return re.compile(alternatives) if alternatives else None


def _near(near: Near) -> re.Pattern[str]:
    return _near_pattern(near.one, near.other, near.within)


@cache
def _near_pattern(one: tuple[str, ...], other: tuple[str, ...], within: int) -> re.Pattern[str]:
    first, second = _alternatives(one), _alternatives(other)
    between = rf"(?: [^ ]+){{0,{within}}} "
    return re.compile(f"(?:{first}){between}(?:{second})|(?:{second}){between}(?:{first})")


def _alternatives(phrases: Sequence[str]) -> str:
    plain = ((_plain(phrase.rstrip(_ANY_ENDING)), phrase.endswith(_ANY_ENDING)) for phrase in phrases)
    known = [(words, _expression(words, any_ending)) for words, any_ending in plain if words]
    anywhere = [expression for words, expression in known if _UNSPACED.match(words)]
    apart = "|".join(expression for words, expression in known if not _UNSPACED.match(words))
    return "|".join([*anywhere, *([rf"(?<!\w)(?:{apart})"] if apart else ())])


def _expression(words: str, any_ending: bool) -> str:
    """A phrase whose letters may be repeated. `words` is plain."""
    body = " ".join("".join(_letter(sign) for sign in word) for word in words.split(" "))
    return body + ("" if _UNSPACED.match(words[-1]) else r"\w*" if any_ending else r"(?!\w)")


def _letter(sign: str) -> str:
    return f"{sign}+" if sign.isascii() and sign.isalpha() else re.escape(sign)


def _readings(text: str) -> Sequence[str]:
    """The ways in which a text may be meant, each as plain words."""
    visible = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    folded = unicodedata.normalize("NFKC", visible).casefold()
    meant = [folded]
    if not _LEET_SIGNS.isdisjoint(folded):
        meant += [" ".join(_unleeted(part, table) for part in folded.split()) for table in _READ_AS]
    plain = [_plain(one) for one in meant]
    return list(dict.fromkeys([*plain, *map(_unspelled, plain)]))


def _plain(text: str) -> str:
    """Words with one space between them, without case, accents, signs and long repetitions."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", folded))
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", bare))
    return re.sub(r"(.)\1{2,}", r"\1\1", " ".join(map(_latin, words)))


def _latin(word: str) -> str:
    """A word with foreign letters among Latin ones, as it looks."""
    if word.isascii() or not re.search("[a-z]", word):
        return word
    return word.translate(_ALIKE)


def _unleeted(part: str, table: Mapping[int, str]) -> str:
    """Signs as the letters that they stand for, where there are letters beside them."""
    return part.translate(table) if re.search("[a-z]", part) else part


def _unspelled(plain: str) -> str:
    """`p o r n` as one word."""
    return re.sub(
        rf"(?<!\S)\S(?: \S){{{_SPELLED - 1},}}(?!\S)", lambda run: run.group().replace(" ", ""), plain
    )
