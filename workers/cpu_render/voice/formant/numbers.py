"""Numbers as they are said in English. Pure."""

import re
from collections.abc import Iterator

_SMALL = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_LARGE = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
# One of it, more of it, and of its hundredths.
_MONEY = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
}
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_NUMBER = re.compile(r"([$€£]?)([\d,]+)(?:\.(\d+))?(%|st|nd|rd|th)?")
_MOST = 10**12


def in_words(token: str) -> Iterator[str]:
    """`$1,200` as one thousand two hundred dollars; `$9.99`; `3.5%`; `21st`; what is too long by digits."""
    found = _NUMBER.fullmatch(token)
    assert found is not None, token
    sign, digits, part, end = found[1], found[2].replace(",", ""), found[3], found[4]
    if sign and (part is None or len(part) == 2):
        yield from _money(digits, part or "00", *_MONEY[sign])
        return
    words = [*_cardinal(digits), *(["point", *_digits(part)] if part else [])]
    if end in ("st", "nd", "rd", "th"):
        words[-1] = _ordinal(words[-1])
    yield from words
    if sign:
        yield _MONEY[sign][1]
    if end == "%":
        yield "percent"


def _money(whole: str, part: str, one: str, more: str, small: str, smalls: str) -> Iterator[str]:
    """Nine dollars ninety nine cents; of less than one only these."""
    if int(whole) or not int(part):
        yield from _cardinal(whole)
        yield one if int(whole) == 1 else more
    if int(part):
        yield from _whole(int(part))
        yield small if int(part) == 1 else smalls


def _cardinal(digits: str) -> Iterator[str]:
    return _whole(int(digits)) if int(digits) < _MOST else _digits(digits)


def _ordinal(word: str) -> str:
    return _ORDINALS.get(word, f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th")


def _digits(text: str) -> Iterator[str]:
    return (_SMALL[int(digit)] for digit in text)


def _whole(number: int) -> Iterator[str]:
    for size, name in _LARGE:
        if number >= size:
            yield from _whole(number // size)
            yield name
            number %= size
            if number == 0:
                return
    if number < 20:
        yield _SMALL[number]
        return
    yield _TENS[number // 10]
    if number % 10:
        yield _SMALL[number % 10]
