"""What is asked of the alignment engines: plain values, nothing heavy."""

from dataclasses import dataclass

from farm.catalog import read_catalog
from farm.rules.senses import AlignRules
from farm.settings import Settings


@dataclass(frozen=True, slots=True)
class Wish:
    """`narration` is the whole text as spoken, where the caller knows it; `cues` are parts of it, in order.

    `language` as callers write it ("de", "de-AT"); None has it guessed. `recogniser` None: without weights.
    `is_sharpened` False leaves out forced alignment, to compare. `file_name` is what errors call the sound.
    A sound that goes on for longer than `longest_s` is refused as soon as that is known, whatever its header
    says.
    """

    narration: str | None = None
    cues: tuple[str, ...] = ()
    language: str | None = None
    recogniser: AlignRules | None = None
    is_sharpened: bool = True
    file_name: str | None = None
    longest_s: float | None = None


def configured() -> AlignRules | None:
    """The recogniser that configs/align.toml names; None where it names none."""
    rules = read_catalog(Settings()).align
    return rules if rules.model else None
