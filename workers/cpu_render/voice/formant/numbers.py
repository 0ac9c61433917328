"""Numbers as they are said in English. Pure."""

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
_SIGNS = {"$": "dollars", "€": "euros", "£": "pounds"}
_MOST = 10**12


def in_words(token: str) -> Iterator[str]:
    """`$1,200` as one thousand two hundred dollars; `3.5%`; what is too long digit by digit."""
    sign, bare = (token[0], token[1:]) if token[0] in _SIGNS else ("", token)
    percent, bare = bare.endswith("%"), bare.rstrip("%")
    whole, _, part = bare.replace(",", "").partition(".")
    yield from _whole(int(whole)) if int(whole) < _MOST else _digits(whole)
    if part:
        yield "point"
        yield from _digits(part)
    if sign:
        yield _SIGNS[sign]
    if percent:
        yield "percent"


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
