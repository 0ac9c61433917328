"""Texts as they sound: what must meet does meet, in several languages and scripts."""

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.scene_timestamps.numerals import in_words
from tasks.scene_timestamps.spoken import tokens


@pytest.mark.parametrize(
    ("written", "said", "language"),
    [
        ("In 1984, it wasn't built.", "in nineteen eighty-four it was not built", "en"),
        ("Dr. Marsh paid $3.50", "doctor marsh paid three point five zero dollars", "en"),
        ("We'll see 64% of 1,200", "we will see sixty four percent of one thousand two hundred", "en"),
        ("the 21st of May 2023", "the twenty one of may twenty twenty three", "en"),
        ("Im Jahr 1984 kostete es 12 €", "im jahr neunzehnhundertvierundachtzig kostete es zwölf euro", "de"),
        ("1.200 Boote, bzw. 3,5", "eintausendzweihundert boote beziehungsweise drei komma fünf", "de"),
        ("L’église coûte 92 euros", "l'eglise coute quatre-vingt-douze euros", "fr"),  # noqa: RUF001  # as it is typeset
        ("En 1971, M. Petit", "en mille neuf cent soixante et onze m petit", "fr"),
        ("A las 7, 31 barcos", "a las siete treinta y un barcos", "es"),
        ("STRASSE und Straße", "strasse und strasse", "de"),
        ("don’t", "do not", "en"),  # noqa: RUF001  # as it is typeset
    ],
)
def test_a073_a074_writing_and_saying_meet(written: str, said: str, language: str) -> None:
    heard, spoken = tokens(written, language), tokens(said, language)
    if language == "es":  # uno and un: likeness makes up for that
        spoken = tuple("uno" if word == "un" else word for word in spoken)
    assert heard == spoken


def test_scripts_without_spaces_are_taken_letter_by_letter() -> None:
    assert tokens("港は朝。", "ja") == ("港", "は", "朝")
    assert tokens("港口 wakes", "zh") == ("港", "口", "wakes")
    assert tokens("नमस्ते दुनिया", "hi") == ("नमस्ते", "दुनिया")
    assert tokens("مَرْحَبًا", "ar") == tokens("مرحبا", "ar")
    assert tokens("Привет, мир", "ru") == ("привет", "мир")
    assert tokens("… — !", "en") == ()
    assert tokens("፩ boats, ② or ٣", "en") == ("፩", "boats", "two", "or", "three")  # no int() takes the first


@pytest.mark.parametrize(
    ("digits", "language", "said"),
    [
        ("0", "en", "zero"),
        ("999999999", "de", None),
        ("007", "en", "zero zero seven"),
        ("1000000", "es", "un millón"),
        ("80", "fr", "quatre vingt"),
        ("21000", "fr", "vingt et un mille"),
        ("1234567890123456789", "en", None),
        ("12.345.678", "de", None),
        ("1.5", "en", "one point five"),
        ("42", "xx", "42"),
    ],
)
def test_numbers_are_spelled(digits: str, language: str, said: str | None) -> None:
    found = in_words(digits, language)
    assert found and (said is None or found == said)
    assert language == "xx" or not any(char.isdigit() for char in found)


@given(st.text(), st.sampled_from(["en", "de", "fr", "es", "ja", ""]))
@example("£", "ja")  # a sign whose name is not known stays one
def test_any_text_becomes_words_and_never_fails(text: str, language: str) -> None:
    found = tokens(text, language)
    assert all(token and token == token.strip() for token in found)
    assert not found or any(char.isalnum() or char in "%€$£&°+" for char in "".join(found))


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ar"])
def test_every_digit_and_number_of_unicode_becomes_words(language: str) -> None:
    numbers = [char for char in map(chr, range(sys.maxunicode)) if unicodedata.category(char)[0] == "N"]
    assert len(numbers) > 1_500
    for char in numbers:
        assert tokens(f"{char} boats", language)[-1] == "boats", char
