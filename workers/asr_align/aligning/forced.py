"""Sharpens word starts by forced alignment: pocketsphinx hears short windows, told what is said in each.

The words at both edges of a window may be in it or not, for where the window was cut is a guess. Its acoustic
model is of American English; other languages are said with those sounds (see phones.py).
"""

import importlib
import importlib.util
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workers.asr_align.aligning.sound import Sound

_BEAM = 1e-80
_LOUD = 0.8
_FRAMES_PER_S = 100
_MOST_VARIANTS = 4
_PLAIN = re.compile(r"[a-z']+$")


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of sound, and the words `[first, last_exclusive)` that may be in it.

    The words `[core_first, core_last_exclusive)` are in it for certain, as far as one knows.
    """

    start_s: float
    end_s: float
    first: int
    last_exclusive: int
    core_first: int
    core_last_exclusive: int


@dataclass(frozen=True, slots=True)
class Found:
    """A word found in a window, in seconds of the file."""

    index: int
    start_s: float
    end_s: float


class _Segment(Protocol):
    """What is used of a segment of pocketsphinx."""

    word: str
    start_frame: int
    end_frame: int


class _Decoder(Protocol):
    """What is used of pocketsphinx's Decoder."""

    def lookup_word(self, word: str) -> str | None: ...
    def add_word(self, word: str, phones: str, update: bool) -> int: ...
    def create_fsg(
        self, name: str, start: int, final: int, transitions: Sequence[tuple[int | float | str, ...]]
    ) -> object: ...
    def add_fsg(self, name: str, fsg: object) -> None: ...
    def activate_search(self, name: str) -> None: ...
    def start_utt(self) -> None: ...
    def process_raw(self, data: bytes, no_search: bool = False, full_utt: bool = False) -> int: ...
    def end_utt(self) -> None: ...
    def seg(self) -> Iterator[_Segment] | None: ...


def is_installed() -> bool:
    return importlib.util.find_spec("pocketsphinx") is not None


class Sharpener:
    """A decoder that has learnt the words of one text."""

    def __init__(self, words: Sequence[str], pronounced: Sequence[str], is_english: bool) -> None:
        """`pronounced`: each word in ARPAbet, "" where that is not known. An English word of the model's own
        dictionary keeps what stands there, with all its variants."""
        module = importlib.import_module("pocketsphinx")
        self._decoder: _Decoder = module.Decoder(
            lm=None, loglevel="FATAL", beam=_BEAM, wbeam=_BEAM, pbeam=_BEAM, cmn="batch"
        )
        self._keys = self._learnt(words, pronounced, is_english)

    def found_in(self, sound: Sound, window: Window) -> list[Found]:
        """The core words of the window that were found in it; none where the alignment failed."""
        told = [index for index in range(window.first, window.last_exclusive) if self._keys[index]]
        if not told:
            return []
        self._decoder.add_fsg("window", self._grammar(told, window))
        self._decoder.activate_search("window")
        found = []
        for segment in self._heard(sound, window):
            index = int(segment.word[1:].partition("(")[0])
            if window.core_first <= index < window.core_last_exclusive:
                frames = segment.end_frame + 1 - segment.start_frame
                start_s = window.start_s + segment.start_frame / _FRAMES_PER_S
                found.append(Found(index, start_s, start_s + frames / _FRAMES_PER_S))
        return found

    def _learnt(self, words: Sequence[str], pronounced: Sequence[str], is_english: bool) -> list[str]:
        """A key of its own for each word of the text, so that what is heard tells which it was.

        "" for one that nobody can pronounce.
        """
        keys = []
        for index, (word, phones) in enumerate(zip(words, pronounced, strict=True)):
            variants = self._variants(word) if is_english else []
            for count, variant in enumerate(variants or [phones] if phones or variants else [], 1):
                self._decoder.add_word(f"_{index}" if count == 1 else f"_{index}({count})", variant, False)
            keys.append(f"_{index}" if variants or phones else "")
        self._decoder.add_word("_last", "AH", True)  # now the decoder takes them all in
        return keys

    def _variants(self, word: str) -> list[str]:
        """How the model's own dictionary says an English word; empty where it does not know it."""
        bare = word.lower().replace("\u2019", "'").strip(".,;:!?\"'()")
        if not _PLAIN.match(bare):
            return []
        names = [bare, *(f"{bare}({count})" for count in range(2, _MOST_VARIANTS + 1))]
        return [phones for name in names if (phones := self._decoder.lookup_word(name))]

    def _grammar(self, told: Sequence[int], window: Window) -> object:
        """One word after the other; one may come in before any word up to the core, and leave after it."""
        core = [at for at, index in enumerate(told) if index >= window.core_first]
        first = core[0] if core else len(told) - 1
        past = [at for at, index in enumerate(told) if index >= window.core_last_exclusive]
        last = past[0] if past else len(told)
        final = len(told) + 1
        steps: list[tuple[int | float | str, ...]] = [
            (at, at + 1, 1.0, self._keys[index]) for at, index in enumerate(told)
        ]
        steps += [(0, at, 1.0 / (first + 1)) for at in range(1, first + 1)]
        steps += [(at, final, 1.0 / (final - last)) for at in range(last, final)]
        return self._decoder.create_fsg("window", 0, final, steps)

    def _heard(self, sound: Sound, window: Window) -> list[_Segment]:
        piece = sound.between(window.start_s, window.end_s).astype(np.float32)
        loud = _LOUD * 32_767 / max(1.0, float(np.abs(piece).max(initial=0)))
        self._decoder.start_utt()
        self._decoder.process_raw((piece * loud).astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        return [segment for segment in self._decoder.seg() or () if segment.word.startswith("_")]
