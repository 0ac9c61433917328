"""What was heard in a narration: words and when, however they were found.

Written by the engines of asr-align, read by what places scenes. Seconds count from the file's first sample.
"""

from enum import StrEnum

from pydantic import Field, model_validator

from farm.noun import Noun


class Method(StrEnum):
    """How words were found, from the most exact to the least; said to callers, with no vendor's name."""

    SHARPENED = "recognised-and-aligned"
    ALIGNED = "aligned"
    RECOGNISED = "recognised"
    PROPORTIONAL = "proportional"


class SpeechSpan(Noun):
    """Somebody speaks from `start_s` to `end_s` (exclusive)."""

    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)


class Word(Noun):
    """One word as spoken or written. `certainty` 0 to 1; `half_width_s`: nine starts of ten lie this near.

    Words of a known text are its runs without white space that can be spoken, all of them, in its order;
    `text_start` and `text_end_exclusive` are their places in it, in characters. Recognised words have none.
    """

    text: str
    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
    certainty: float = Field(ge=0, le=1)
    half_width_s: float = Field(ge=0)
    text_start: int | None = None
    text_end_exclusive: int | None = None


class Heard(Noun):
    """A narration heard to its end. `is_known_text`: the words are the caller's, not a recogniser's.

    `words` in the order of time, starts never going back, inside `[0, duration_s]`. `fit` 0 to 1: how well
    the sound bears out the known text (low: another language, other words, music); 1 where nothing was known.
    A text that was known and is not believed leaves its low `fit` to the recognised words.
    """

    words: tuple[Word, ...]
    speech: tuple[SpeechSpan, ...]
    duration_s: float = Field(gt=0)
    language: str
    method: Method
    is_known_text: bool
    fit: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> "Heard":
        starts = [word.start_s for word in self.words]
        if starts != sorted(starts):
            raise ValueError("words must be in the order of their starts")
        return self
