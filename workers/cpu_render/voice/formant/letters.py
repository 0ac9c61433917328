"""How English is read aloud: words to sounds, by a list of common words and by rules for all others. Pure.

The rules are of the kind that the US Naval Research Laboratory published in 1976 (Elovitz and others, report
7948): a few letters, what stands before and behind them, and the sounds that they then have. Sounds are
written in ARPAbet; a 1 behind a vowel is the stress.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

# In the contexts of a rule: a vowel letter or more, consonants or none, one consonant, one that is voiced, a
# front vowel, an ending; < and > are the ends of the word.
_CLASSES = {
    "#": "[aeiouy]+",
    ":": "[^aeiouy<>]*",
    "^": "[^aeiouy<>]",
    ".": "[bdvgjlmnrwz]",
    "+": "[eiy]",
    "%": "(?:er|es|ed|ing|ely|e)",
}

Sounds = tuple[str, ...]


def sounds_of(word: str) -> Sounds:
    """The sounds of a word in lower case, letters and apostrophes only."""
    known = _words().get(word)
    return known if known is not None else _stressed(tuple(_by_rules(word)))


def is_vowel(sound: str) -> bool:
    """ARPAbet writes vowels, and nothing else, with a vowel first."""
    return sound[0] in "AEIOU"


def spelled(letters: str) -> Iterator[Sounds]:
    """The names of letters, each as a word."""
    names = _table("alphabet.txt")
    return (names[letter] for letter in letters.lower() if letter in names)


def _by_rules(word: str) -> Iterator[str]:
    text, at = f"<{word}>", 1
    while at < len(text) - 1:
        for left, match, right, sounds in _rules().get(text[at], ()):
            if text.startswith(match, at) and left.search(text[:at]) and right.match(text, at + len(match)):
                yield from sounds
                at += len(match)
                break
        else:
            at += 1


def _stressed(sounds: Sounds) -> Sounds:
    """The first full vowel bears the stress."""
    for index, sound in enumerate(sounds):
        if is_vowel(sound) and sound != "AX":
            return (*sounds[:index], f"{sound}1", *sounds[index + 1 :])
    return sounds


Rule = tuple[re.Pattern[str], str, re.Pattern[str], Sequence[str]]


@cache
def _rules() -> Mapping[str, Sequence[Rule]]:
    found: dict[str, list[Rule]] = {}
    for row in _rows("rules.txt"):
        letter, _, rules = row.partition(": ")
        found.setdefault(letter, []).extend(_rule(text) for text in rules.split())
    return found


def _rule(text: str) -> Rule:
    """`left[letters]right=SOUNDS`."""
    context, _, sounds = text.partition("=")
    left, _, rest = context.partition("[")
    match, _, right = rest.partition("]")
    return (
        re.compile(_pattern(left) + "$"),
        match,
        re.compile(_pattern(right)),
        [sound for sound in sounds.split(",") if sound],
    )


def _pattern(context: str) -> str:
    return "".join(_CLASSES.get(char, re.escape(char)) for char in context)


@cache
def _words() -> Mapping[str, Sounds]:
    return _table("words.txt")


@cache
def _table(name: str) -> Mapping[str, Sounds]:
    pairs = (entry.split("=") for row in _rows(name) for entry in row.split())
    return {word: tuple(sounds.split(",")) for word, sounds in pairs}


def _rows(name: str) -> list[str]:
    """Those of a file beside this one, without its remarks."""
    rows = Path(__file__).with_name(name).read_text().splitlines()
    return [row for row in rows if row and not row.startswith("# ")]
