"""Texts as they sound: words without case, marks and punctuation, numbers and short forms spelled out. Pure.

Both sides of a comparison go through here, so that "Dr. Marsh paid $3.50" and "doctor marsh paid three
dollars fifty" meet. Scripts without spaces are taken letter by letter.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from tasks.scene_timestamps.numerals import in_words

# Han, kana, Thai, Lao, Burmese, Khmer: written without spaces.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u312f\u31a0-\ua4cf\uf900-\ufaff"
# Of Latin, Greek, Cyrillic, Hebrew and Arabic letters: recognisers often leave them out.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
_INDIC = "\u0900-\u0dff"  # their vowel signs are no letters to Python
_LETTER = rf"(?:[^\W\d_{_UNSPACED}]|[{_INDIC}]|{_MARKS.pattern})"
_PIECE = re.compile(rf"\d+(?:[.,]\d+)*|[{_UNSPACED}]|{_LETTER}+(?:'{_LETTER}+)*|[%€$£&°+]")
_MONEY = re.compile(r"([€$£])\s?(\d[\d.,]*)")  # written before the number, said after it
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "＇": "'"})  # noqa: RUF001  # what is meant
_SIGNS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "%": "percent",
        "€": "euros",
        "$": "dollars",
        "£": "pounds",
        "&": "and",
        "°": "degrees",
        "+": "plus",
    },
    "de": {"%": "prozent", "€": "euro", "$": "dollar", "£": "pfund", "&": "und", "°": "grad", "+": "plus"},
    "fr": {
        "%": "pour cent",
        "€": "euros",
        "$": "dollars",
        "£": "livres",
        "&": "et",
        "°": "degrés",
        "+": "plus",
    },
    "es": {
        "%": "por ciento",
        "€": "euros",
        "$": "dólares",
        "£": "libras",
        "&": "y",
        "°": "grados",
        "+": "más",
    },
}
_SHORT: Mapping[str, Mapping[str, str]] = {
    "en": {
        "dr": "doctor",
        "mr": "mister",
        "mrs": "missus",
        "st": "saint",
        "prof": "professor",
        "vs": "versus",
        "etc": "et cetera",
        "km": "kilometers",
        "kg": "kilograms",
    },
    "de": {
        "dr": "doktor",
        "prof": "professor",
        "hr": "herr",
        "fr": "frau",
        "nr": "nummer",
        "ca": "circa",
        "bzw": "beziehungsweise",
        "usw": "und so weiter",
        "km": "kilometer",
        "kg": "kilogramm",
    },
    "fr": {"dr": "docteur", "mme": "madame", "mlle": "mademoiselle", "km": "kilomètres", "kg": "kilogrammes"},
    "es": {
        "dr": "doctor",
        "dra": "doctora",
        "sr": "señor",
        "sra": "señora",
        "ud": "usted",
        "km": "kilómetros",
    },
}
_ENDINGS: Mapping[str, str] = {"n't": "not", "'re": "are", "'ll": "will", "'ve": "have", "'m": "am"}
_WHOLE: Mapping[str, str] = {
    "won't": "will not",
    "can't": "can not",
    "shan't": "shall not",
    "let's": "let us",
}
_IS = re.compile(r"^(it|he|she|that|this|there|here|what|where|who|how)'s$")
_ORDINAL = re.compile(r"(?<=\d)(st|nd|rd|th|er|ère|ème|e|º|ª)\b", re.IGNORECASE)


def tokens(text: str, language: str) -> tuple[str, ...]:
    """The words of a text as they sound. `language` is a primary subtag; others than four keep digits."""
    return tuple(_tokens(text, language))


def _tokens(text: str, language: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()
    for piece in _PIECE.findall(_MONEY.sub(r"\2 \1", _ORDINAL.sub("", plain))):
        for word in _spelled(piece, language).split():
            if bare := _bare(word):
                yield bare


def _spelled(piece: str, language: str) -> str:
    if piece[0].isdecimal():  # not of isdigit, which has letters of Ethiopia that no int() takes
        return in_words(piece, language)
    if (sign := _SIGNS.get(language, {}).get(piece)) is not None:
        return sign
    if (whole := _SHORT.get(language, {}).get(piece)) is not None:
        return whole
    if "'" in piece:
        return _opened(piece, language)
    return piece


def _opened(word: str, language: str) -> str:
    """A word with an apostrophe as the words it stands for."""
    if language != "en":
        return word.replace("'", " ")
    if word in _WHOLE:
        return _WHOLE[word]
    for ending, full in _ENDINGS.items():
        if word.endswith(ending):
            return f"{word.removesuffix(ending)} {full}"
    return f"{word[:-2]} is" if _IS.match(word) else word.replace("'", "")


def _bare(word: str) -> str:
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", word.casefold())))
