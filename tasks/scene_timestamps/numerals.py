"""Numbers in words, as narrators of English, German, French and Spanish say them. Pure.

Not for print: gender, hyphens and plurals are left out, because what is compared with them drops these too.
"""

import re
from collections.abc import Callable, Mapping

_LARGEST = 10**9
_LONGEST = 15  # digits: longer ones are read digit by digit, if at all
_GROUPED = re.compile(r"^\d{1,3}(?:[.,]\d{3})+$")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_EN = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_EN_TENS = _words("_ _ twenty thirty forty fifty sixty seventy eighty ninety")
_DE = _words(
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
    "siebzehn achtzehn neunzehn"
)
_DE_TENS = _words("_ _ zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")
_FR = _words(
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix_sept "
    "dix_huit dix_neuf"
)
_FR_TENS = _words("_ _ vingt trente quarante cinquante soixante soixante quatre_vingt quatre_vingt")
_ES = _words(
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
    "diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco "
    "veintiséis veintisiete veintiocho veintinueve"
)
_ES_TENS = _words("_ _ _ treinta cuarenta cincuenta sesenta setenta ochenta noventa")
_ES_HUNDREDS = _words(
    "_ ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
)
_POINT = {"en": "point", "de": "komma", "fr": "virgule", "es": "coma"}
_SPOKEN_POINT = {"en": "."}  # elsewhere a comma


def in_words(digits: str, language: str) -> str:
    """`1984`, `3.50`, `1,200` as they are said. Unknown languages and huge numbers stay digits, by groups."""
    spell = _SPELLERS.get(language)
    if spell is None:
        return " ".join(re.findall(r"\d+", digits))
    point = _SPOKEN_POINT.get(language, ",")
    if _GROUPED.match(digits) and not _is_decimal(digits, point):
        return _whole(re.sub(r"\D", "", digits), language, is_year=False)
    whole, _, rest = digits.rpartition(point) if digits.count(point) == 1 else (digits, "", "")
    if not whole:
        whole, rest = digits, ""
    said = _whole(re.sub(r"\D", "", whole), language)
    if not rest:
        return said
    tail = " ".join(spell(int(digit)) for digit in rest if digit.isdigit())
    return f"{said} {_POINT[language]} {tail}"


def _is_decimal(digits: str, point: str) -> bool:
    """`1.200` is a decimal where a point parts the whole from the rest; `1.200.000` nowhere."""
    return digits.count(point) == 1 and len(re.findall(r"\D", digits)) == 1 and point == "."


def _whole(digits: str, language: str, *, is_year: bool = True) -> str:
    spell = _SPELLERS[language]
    if len(digits) > _LONGEST or int(digits) >= _LARGEST or (digits.startswith("0") and len(digits) > 1):
        return " ".join(spell(int(digit)) for digit in digits)
    number = int(digits)
    if is_year and (1100 <= number < 2000 or (language == "en" and 2010 <= number < 2100)):
        return _year(number, language)
    return spell(number).replace("_", " ")


def _year(number: int, language: str) -> str:
    century, rest = divmod(number, 100)
    if language not in ("en", "de"):
        return _SPELLERS[language](number).replace("_", " ")
    if language == "de":
        return f"{_de(century)}hundert{_de(rest) if rest else ''}"
    if rest == 0:
        return f"{_en(century)} hundred"
    return f"{_en(century)} {'oh ' if rest < 10 else ''}{_en(rest)}"


def _en(number: int) -> str:
    if number < 20:
        return _EN[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _joined(_EN_TENS[tens], _EN[ones] if ones else "")
    return _by_scale(number, _en, ((10**6, "million"), (10**3, "thousand"), (100, "hundred")))


def _de(number: int) -> str:
    if number < 20:
        return _DE[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return (f"{_de_one(ones)}und" if ones else "") + _DE_TENS[tens]
    if number >= 10**6:
        many, rest = divmod(number, 10**6)
        millions = "eine million" if many == 1 else f"{_de(many)} millionen"
        return _joined(millions, _de(rest) if rest else "")
    size, word = (1000, "tausend") if number >= 1000 else (100, "hundert")
    many, rest = divmod(number, size)
    return f"{_de_one(many)}{word}{_de(rest) if rest else ''}"


def _de_one(number: int) -> str:
    return "ein" if number == 1 else _de(number)


def _fr(number: int) -> str:
    if number < 20:
        return _FR[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        if tens in (7, 9):
            return _joined(_FR_TENS[tens], "et onze" if number == 71 else _FR[10 + ones])
        link = "et " if ones == 1 and tens != 8 else ""
        return _joined(_FR_TENS[tens], link + _FR[ones] if ones else "")
    many, rest = divmod(number, 100)
    if number < 200 or 1000 <= number < 2000:
        size, word = (100, "cent") if number < 200 else (1000, "mille")
        return _joined(word, _fr(number % size) if number % size else "")
    if number < 1000:
        return _joined(f"{_fr(many)} cent", _fr(rest) if rest else "")
    return _by_scale(number, _fr, ((10**6, "million"), (10**3, "mille")))


def _es(number: int) -> str:
    if number < 30:
        return _ES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _joined(_ES_TENS[tens], f"y {_ES[ones]}" if ones else "")
    if number < 1000:
        many, rest = divmod(number, 100)
        return "cien" if number == 100 else _joined(_ES_HUNDREDS[many], _es(rest) if rest else "")
    if number < 2000:
        return _joined("mil", _es(number - 1000) if number > 1000 else "")
    if 10**6 <= number < 2 * 10**6:
        return _joined("un millón", _es(number - 10**6) if number > 10**6 else "")
    return _by_scale(number, _es, ((10**6, "millones"), (10**3, "mil")))


def _by_scale(number: int, spell: Callable[[int], str], scales: tuple[tuple[int, str], ...]) -> str:
    for size, word in scales:
        if number >= size:
            many, rest = divmod(number, size)
            return _joined(f"{spell(many)} {word}", spell(rest) if rest else "")
    return spell(number)


def _joined(first: str, rest: str) -> str:
    return f"{first} {rest}" if rest else first


_SPELLERS: Mapping[str, Callable[[int], str]] = {"en": _en, "de": _de, "fr": _fr, "es": _es}
