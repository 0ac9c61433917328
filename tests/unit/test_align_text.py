"""Alignment's text side: words with their places, clauses, languages, sounds, recognised words on a text."""

import numpy as np
import pytest

from workers.asr_align.aligning.language import language_of
from workers.asr_align.aligning.matching import match
from workers.asr_align.aligning.phones import arpabet
from workers.asr_align.aligning.recognising import Recognised, called_by_it, mended
from workers.asr_align.aligning.script import clauses_of, words_of

TEXT = "Dr. Marsh — who else? — paid $2.50 in 1984.\nShe didn't mind; at 5 a.m. nobody does."


def test_words_keep_their_places_in_the_callers_own_text():
    words = words_of(TEXT)
    assert all(TEXT[word.start : word.end_exclusive] == word.text for word in words)
    assert [word.text for word in words[:4]] == ["Dr.", "Marsh", "who", "else?"], "a dash says nothing"
    assert words_of(" … — \n") == ()


def test_clauses_end_where_a_reader_may_pause_and_nowhere_else():
    words = words_of(TEXT)
    said = [
        " ".join(word.text for word in words[clause.first : clause.last_exclusive])
        for clause in clauses_of(TEXT, words)
    ]
    assert said[:3] == ["Dr. Marsh", "who else?", "paid $2.50 in 1984."], "Dr. ends no clause, a dash does"
    assert said[3] == "She didn't mind;"
    endless = "word " * 100
    longest = max(c.last_exclusive - c.first for c in clauses_of(endless, words_of(endless)))
    assert longest == 30


@pytest.mark.parametrize(
    ("code", "text", "language"),
    [
        ("de-AT", "", "de"),  # the caller's hint, as callers write it
        ("en_US", "", "en"),
        (None, "Der Hafen erwacht und die Boote verlassen den Kai.", "de"),
        (None, "Le port se réveille avant le lever du soleil, et les mouettes suivent.", "fr"),
        (None, "El puerto despierta y las gaviotas siguen a los barcos.", "es"),
        (None, "The harbour wakes and the boats leave.", "en"),
        (None, "1984", "en"),
        ("?", "Der Hafen und die Boote", "de"),
    ],
)
def test_the_language_is_the_callers_or_that_of_the_commonest_words(code, text, language):
    assert language_of(code, text) == language


def test_sounds_of_other_languages_are_said_with_those_of_english():
    assert arpabet(["h", "ə", "l", "oʊ"]) == "HH AH L OW"
    assert arpabet(["ʃ", "ø", "n"]) == "SH ER N"
    assert arpabet(["b", "ɔ̃", "ˈʒ", "u\u02d0", "ʁ"]) == "B OW N ZH UW R"
    assert arpabet(["|"]) == ""


def test_recognised_words_are_laid_along_a_text_letter_by_letter():
    known = ["the", "harbour", "wakes", "before", "sunrise"]
    matched = match(known, ["the", "harbor", "wakes", "be", "fore", "sun", "rise"])
    assert np.allclose(matched.places, [0, 1, 2, 3, 5], atol=0.2)
    assert matched.likeness[1] == pytest.approx(6 / 7)


def test_what_was_not_recognised_has_no_place_and_what_is_too_much_is_passed_over():
    known = ["one", "lamp", "burns", "at", "night"]
    matched = match(known, ["one", "umbrella", "at", "night"])
    assert matched.places[0] == 0 and matched.places[4] == pytest.approx(3)
    assert np.isnan(matched.places[[1, 2]]).all()
    assert np.isnan(match(known, []).places).all()
    assert np.isnan(match(known, ["xyz"]).places).all()


def test_a_phrase_that_comes_twice_is_matched_in_order():
    text = "and every morning the bread is ready and every morning the children stop"
    known = text.split()
    assert match(known, known).places.tolist() == list(range(len(known)))


def test_what_a_recogniser_gets_wrong_is_mended():
    """Known of Whisper: ends beyond the sound, a first word much too early, words in silence, going back."""
    words = [
        Recognised("Early", 0.0, 10.4, 0.9),
        Recognised("bird", 10.4, 10.9, 0.9),
        Recognised("back", 10.2, 11.2, 0.9),
        Recognised("ghost", 15.0, 15.5, 0.9),
        Recognised("late", 19.5, 23.0, 0.9),
    ]
    speech = [(10.0, 11.5), (19.4, 20.0)]
    said = list(mended(words, speech, 20.0))
    assert [word.text for word in said] == ["Early", "bird", "back", "late"], "nobody speaks at 15 s"
    assert said[0].start_s == 10.0, "nobody spoke yet"
    starts = [word.start_s for word in said]
    assert starts == sorted(starts)
    assert all(word.start_s <= word.end_s <= 20.0 for word in said)


@pytest.mark.parametrize(
    ("language", "called"),
    [(None, None), ("en", "en"), ("nb", "no"), ("fil", "tl"), ("cmn", "zh"), ("ga", None), ("xx", None)],
)
def test_a073_a_recogniser_is_told_languages_that_it_knows_by_its_own_names(language, called):
    """Else it fails: of Irish, of Norwegian by its usual tag."""
    assert called_by_it(language, ["de", "en", "no", "tl", "zh"]) == called
