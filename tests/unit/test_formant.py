"""The farm's own synthesizer: it reads English, in voices that are told apart, and sounds like speech."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tasks.generate_voice.speakers import SPEAKERS, code_of
from workers.cpu_render.voice import engine_named
from workers.cpu_render.voice.contract import Pcm
from workers.cpu_render.voice.formant.letters import sounds_of, spelled
from workers.cpu_render.voice.formant.numbers import in_words
from workers.cpu_render.voice.formant.phones import PHONES
from workers.cpu_render.voice.formant.reading import _clauses, line_of

RATE = engine_named("formant").sample_rate
TEXT = "Welcome to the farm. Your product video is ready."


def said(code: str, text: str = TEXT, speed: float = 1.0) -> Pcm:
    return engine_named("formant").speak(code, text, Path("nowhere"), speed)


def middle_pitch(samples: Pcm) -> float:
    """The median over voiced pieces of 40 ms, by autocorrelation."""
    size = RATE // 25
    found = []
    for start in range(0, samples.size - size, size):
        piece = samples[start : start + size].astype(np.float64)
        if np.abs(piece).max() > 2_000:
            around = np.correlate(piece, piece, "full")[size - 1 :]
            lags = np.arange(RATE // 300, RATE // 70)
            best = lags[np.argmax(around[lags])]
            if around[best] > 0.5 * around[0]:
                found.append(RATE / best)
    return float(np.median(found))


def loud_share(samples: Pcm, low_hz: float, high_hz: float) -> float:
    """The part of the power that lies between two frequencies."""
    power: npt.NDArray[np.float64] = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    hz = np.fft.rfftfreq(samples.size, 1 / RATE)
    return float(power[(hz >= low_hz) & (hz < high_hz)].sum() / power.sum())


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("welcome", "W EH1 L K AX M"),
        ("nation", "N EY1 SH AX N"),
        ("knight", "N AY1 T"),
        ("queue", "K W Y UW1"),
        ("phone", "F OW1 N"),
        ("technology", "T EH1 K N AA L AA JH IY"),
        ("boxes", "B OW1 K S IH Z"),
        ("bridge", "B R IH1 JH"),
        ("wanted", "W AA1 N T IH D"),
        ("don't", "D OW1 N T"),
        ("ninety", "N AY1 N T IY"),
        ("hundred", "HH AH1 N D R IH D"),
    ],
)
def test_words_are_read_by_a_list_and_by_rules(word: str, sounds: str) -> None:
    assert " ".join(sounds_of(word)) == sounds


def test_whatever_is_read_can_be_said() -> None:
    words = [
        "rhythm",
        "xylophone",
        "eighth",
        "strengths",
        "psychology",
        "yacht",
        "zzz",
        "aardvark",
        "o'clock",
        "queueing",
        "th",
        "ghq",
    ]
    for word in words:
        assert {sound.rstrip("1") for sound in sounds_of(word)} <= set(PHONES), word


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("0", "zero"),
        ("17", "seventeen"),
        ("342", "three hundred forty two"),
        ("$1,200", "one thousand two hundred dollars"),
        ("$1", "one dollar"),
        ("€19.99", "nineteen euros ninety nine cents"),
        ("£0.01", "one penny"),
        ("$5.00", "five dollars"),
        ("$1.5", "one point five dollars"),
        ("3.05%", "three point zero five percent"),
        ("1st", "first"),
        ("22nd", "twenty second"),
        ("30th", "thirtieth"),
        ("2000000", "two million"),
        ("1" * 13, " ".join(["one"] * 13)),
    ],
)
def test_numbers_are_said_in_words(token: str, words: str) -> None:
    assert " ".join(in_words(token)) == words


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("In 1999, we began.", ["in one thousand nine hundred ninety nine", "we began"]),
        ("Rooms 1,2,3 and 1,200.", ["rooms one", "two", "three and one thousand two hundred"]),
        ("Voilà, our café.", ["voila", "our cafe"]),
        ("Mr. Fox & Dr. Owl vs. them", ["mister fox and doctor owl versus them"]),
        ("Open at 9 p.m. today", ["open at nine pea em today"]),
        ("Vitamin C, TV, UX", ["vitamin sea", "tee vee", "U X"]),
    ],
)
def test_what_is_written_short_is_read_in_full(written: str, read: list[str]) -> None:
    assert [clause.words for clause in _clauses(written)] == [
        tuple(next(spelled(word)) if word.isupper() else sounds_of(word) for word in clause.split())
        for clause in read
    ]


def test_a_voice_has_its_own_pitch_and_speaks_at_a_narrators_pace() -> None:
    for name in ("onyx", "echo", "alloy", "shimmer"):
        code = code_of("formant", name, "en")
        assert code is not None
        assert middle_pitch(said(code)) == pytest.approx(SPEAKERS[name].pitch_hz, rel=0.12), name
    letters = sum(map(str.isalpha, TEXT))
    assert 9 < letters / (said("118/1").size / RATE) < 18
    assert said("118/1", speed=2.0).size == pytest.approx(said("118/1").size / 2, rel=0.1)


def test_vowels_hum_and_hisses_hiss() -> None:
    assert loud_share(said("118/1", "Mama, mama, mama."), 0, 1_200) > 0.8
    assert loud_share(said("118/1", "Sss sss sss sss."), 4_000, 9_000) > 0.5
    assert (said("118/1") == said("118/1")).all()


def test_a_question_rises_and_a_sentence_falls() -> None:
    ends = {}
    for mark in ".?":
        spoken = [placed for placed in line_of(f"You are coming{mark}", 118, 1.0) if placed.phone.voice]
        ends[mark] = spoken[-1].last_hz
    assert ends["."] < 118 < ends["?"]


def test_what_has_no_english_letters_is_silence() -> None:
    assert said("118/1", "你好").size == 0
