"""The way a narration is heard: decode, find speech, find words, sharpen them, say how sure that is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tasks.scene_timestamps.heard import Heard, Method
from workers.asr_align.aligning import forced
from workers.asr_align.aligning.clearing import clearest
from workers.asr_align.aligning.comparing import Placed
from workers.asr_align.aligning.following import Followed, followed
from workers.asr_align.aligning.language import language_of
from workers.asr_align.aligning.laying import ReadFrames, read_frames
from workers.asr_align.aligning.phones import arpabet
from workers.asr_align.aligning.reading import NoReader, read
from workers.asr_align.aligning.recognising import recognise
from workers.asr_align.aligning.script import ScriptWord, clauses_of, words_of
from workers.asr_align.aligning.sharpening import Sharpened, sharpened
from workers.asr_align.aligning.sound import Sound, opened
from workers.asr_align.aligning.spectra import HOP_S
from workers.asr_align.aligning.spots import spotted
from workers.asr_align.aligning.telling import (
    between_known,
    by_length,
    of_known_text,
    of_nothing,
    of_recognition,
    spans_of,
)
from workers.asr_align.aligning.wish import Wish
from workers.asr_align.speech import speech_in

Report = Callable[[float], None]

# In less sound a text fits anything: noise of a second was measured to bear out a text of seventeen.
_SHORTEST_S, _QUICKEST = 1.0, 0.25  # seconds; of the reading's length
_ANOTHER_TEXT = 0.2  # a recognition that fits the known text no better is believed, and the text is not


def heard(audio: Path, wish: Wish, report: Report) -> Heard:
    """What is said in `audio`, and when. `report` hears 0 to 1 about every second, and may raise to stop it.

    Raises AssetUnreadable, naming the file, for one that cannot be read, has no sound or lasts no time,
    BadRequest `audio_too_long` for one that goes on for longer than the wish allows, and TaskFailure
    `recogniser_missing` where the recogniser of the wish cannot be had.
    """
    with opened(audio, wish.file_name, wish.longest_s, _part(report, 0, 0.1)) as sound:
        if wish.recogniser is None:
            return _by_reading(sound, wish, _part(report, 0.1, 1))
        return _by_recognising(sound, wish, _part(report, 0.1, 1))


def _part(report: Report, start: float, end: float) -> Report:
    """For a part of the work that goes from `start` to `end` of the whole."""
    return lambda done: report(start + done * (end - start))


def _by_reading(sound: Sound, wish: Wish, report: Report) -> Heard:
    """Without weights."""
    text = wish.narration or ""
    script, language = words_of(text), language_of(wish.language, text or " ".join(wish.cues))
    speech = spans_of(speech_in(piece[None] for piece in sound.pieces()), sound)
    report(0.05)
    if not script:
        return of_nothing(sound, speech, language)
    reading = _reading(text, script, language)
    if reading is None or not _may_be_said(sound, reading):
        return by_length(sound, speech, script, language)
    report(0.1)
    with clearest(sound, reading, None, _part(report, 0.1, 0.6)) as (clear, placed):
        sharp = _sharpened(clear, script, reading, placed, language, wish, _part(report, 0.6, 1))
    spots = spotted(sound, placed, sharp, language, placed.fit)
    return of_known_text(sound, speech, script, language, Method.ALIGNED, spots, placed.fit)


def _by_recognising(sound: Sound, wish: Wish, report: Report) -> Heard:
    assert wish.recogniser is not None
    text = wish.narration or ""
    hint = language_of(wish.language, text) if wish.language else None
    recognition = recognise(sound, hint, wish.recogniser, _part(report, 0, 0.7))
    script, language = words_of(text), recognition.language
    if not script:
        return of_recognition(sound, recognition)
    reading = _reading(text, script, language)
    follow = followed(script, reading, recognition.words, language)
    if follow.fit <= _ANOTHER_TEXT:
        return of_recognition(sound, recognition, follow.fit)
    with _near(sound, reading, follow, _part(report, 0.7, 0.9)) as (clear, placed):
        sharp = _sharpened(clear, script, reading, placed, language, wish, _part(report, 0.9, 1))
    spots = spotted(sound, placed, sharp, language, follow.fit, follow.starts)
    speech = spans_of(recognition.speech, sound)
    return of_known_text(sound, speech, script, language, Method.SHARPENED, spots, follow.fit)


@contextmanager
def _near(
    sound: Sound, reading: ReadFrames | None, follow: Followed, report: Report
) -> Iterator[tuple[Sound, Placed]]:
    """The words where they were recognised, or near there where the reading says more exactly."""
    known = None if reading is None else follow.known(reading)
    if reading is None or known is None:
        yield sound, between_known(follow.starts, sound.duration_s)
        return
    with clearest(sound, reading, known, report) as found:
        yield found


def _reading(text: str, script: Sequence[ScriptWord], language: str) -> ReadFrames | None:
    """None where nothing here reads that language."""
    try:
        return read_frames(read(script, clauses_of(text, script), language))
    except NoReader:
        return None


def _may_be_said(sound: Sound, reading: ReadFrames) -> bool:
    """Whether the sound is long enough for anything to be told of it, and for the text to be said in it."""
    return sound.duration_s >= max(_SHORTEST_S, _QUICKEST * len(reading.power) * HOP_S)


def _sharpened(
    sound: Sound,
    script: Sequence[ScriptWord],
    reading: ReadFrames | None,
    placed: Placed,
    language: str,
    wish: Wish,
    report: Report,
) -> Sharpened | None:
    """None where there is nothing to do it with."""
    if not wish.is_sharpened or not forced.is_installed():
        return None
    sounds = [""] * len(script) if reading is None else [arpabet(word) for word in reading.sounds]
    sharpener = forced.Sharpener([word.text for word in script], sounds, is_english=language == "en")
    return sharpened(sound, placed.starts, placed.ends, sharpener, report)
