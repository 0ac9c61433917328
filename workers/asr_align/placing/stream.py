"""What was heard as one row of sounding words, each with its time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.scene_timestamps.heard import Heard
from tasks.scene_timestamps.spoken import tokens

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_WITHIN = 0.25  # of a word's length, by which a token inside it may lie elsewhere


@dataclass(frozen=True, slots=True)
class Stream:
    """Tokens in the order of time. `word` is the index of the heard word that each belongs to.

    `start_s` and `half_s`: when it begins, and how near nine of ten lie; `certainty` is its word's.
    """

    tokens: tuple[str, ...]
    word: Indices
    start_s: Floats
    half_s: Floats
    certainty: Floats

    def __len__(self) -> int:
        return len(self.tokens)


def stream_of(heard: Heard) -> Stream:
    """A word of several tokens (a number, a run of Japanese) lends each its share of its time, by letters."""
    found: list[str] = []
    rows: list[tuple[int, float, float, float]] = []
    for index, word in enumerate(heard.words):
        said = tokens(word.text, heard.language)
        length = max(0.0, word.end_s - word.start_s)
        total, before = sum(map(len, said)), 0
        for token in said:
            inside = _WITHIN * length if before else 0.0
            at = min(word.start_s + length * before / total, heard.duration_s)
            rows.append((index, at, float(np.hypot(word.half_width_s, inside)), word.certainty))
            found.append(token)
            before += len(token)
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    starts = np.maximum.accumulate(table[:, 1]) if len(table) else table[:, 1]
    return Stream(tuple(found), table[:, 0].astype(np.int64), starts, table[:, 2], table[:, 3])
