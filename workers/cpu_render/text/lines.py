"""A line of a caption, shaped: its runs from left to right, each in one font and one direction.

Lengths are in font sizes, so that a line is measured once for all sizes.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from workers.cpu_render.text.bidi import levels, visual
from workers.cpu_render.text.faces import Face, Ink, face_of, faces
from workers.cpu_render.text.prepared import Prepared

# An emoji: its side, the room beside it, and how far over the baseline its middle lies (half a capital).
PICTURE_EM, _ROOM_EM, MIDDLE_EM = 1.12, 0.05, 0.364
_MARKS = frozenset({"Mn", "Me", "Mc", "Cf"})  # of the letter before them
_FITTING = frozenset({"Zs"})  # of whatever font stands before them
_EMPTY_EM = 0.2  # from which a line's end counts as empty
_PLAIN = Ink(rise=0.75, fall=0.22)  # of most letters of the first font: what neighbouring lines keep free


@dataclass(frozen=True, slots=True)
class Run:
    """Some of a line. Without a face it is the picture named by `picture`."""

    text: str
    face: Face | None
    picture: str | None
    is_rtl: bool
    advance: float


@dataclass(frozen=True, slots=True)
class Line:
    """A shaped line. `advance` is how far the pen moves along it.

    `ink` is how far what is not in the first font reaches over and under the baseline, and how much of the
    line stays clearly empty at its ends.
    """

    runs: tuple[Run, ...]
    language: str | None
    advance: float
    ink: Ink

    @property
    def width(self) -> float:
        """From where the eye sees it begin to where it ends."""
        return self.advance - self.ink.before - self.ink.after

    @property
    def room(self) -> Ink:
        """What neighbouring lines keep free for it."""
        return Ink(max(self.ink.rise, _PLAIN.rise), max(self.ink.fall, _PLAIN.fall))


@lru_cache(maxsize=8192)
def line_of(text: str, base: int, prepared: Prepared) -> Line:
    """Shape a line of a prepared text whose paragraph has the bidirectional level `base`."""
    pictures = dict(prepared.pictures)
    language = prepared.language
    pieces = list(_pieces(text, base, pictures))
    order = visual([level for _, _, level in pieces])
    runs = tuple(_run(*pieces[index], pictures, language) for index in order)
    return Line(runs, language, sum(run.advance for run in runs), _ink(runs, language))


def _run(text: str, face: Face | None, level: int, pictures: Mapping[str, str], language: str | None) -> Run:
    is_rtl = level % 2 == 1
    if face is None:
        return Run(text, None, pictures[text], is_rtl, PICTURE_EM + 2 * _ROOM_EM)
    return Run(text, face, None, is_rtl, face.advance(text, is_rtl, language))


def _pieces(text: str, base: int, pictures: Mapping[str, str]) -> Iterator[tuple[str, Face | None, int]]:
    """Stretches of one font and level, in the order of the text; each picture is one."""
    owners = _owners(text, pictures)
    found = levels(text, base, pictures.keys())
    numbered = zip(text, owners, found, range(len(text)), strict=True)
    for (face, level, _), group in groupby(numbered, lambda p: (p[1], p[2], p[3] if p[1] is None else -1)):
        yield "".join(char for char, *_ in group), face, level


def _owners(text: str, pictures: Mapping[str, str]) -> list[Face | None]:
    """The face of each character; None for pictures."""
    owners: list[Face | None] = []
    fitting: list[int] = []
    for index, char in enumerate(text):
        kind = unicodedata.category(char)
        if char in pictures:
            owners.append(None)
        elif kind in _FITTING or (kind in _MARKS and not index):
            fitting.append(index)
            owners.append(None)
        else:
            is_mark = kind in _MARKS and owners[-1] is not None
            owners.append(owners[-1] if is_mark else _cluster_face(_cluster(text, index)))
    for index in fitting:
        near = owners[index - 1] if index else None
        owners[index] = near or next((face for face in owners[index + 1 :] if face), None) or faces()[0]
    return owners


def _cluster(text: str, start: int) -> str:
    """A letter and its marks."""
    end = start + 1
    while end < len(text) and unicodedata.category(text[end]) in _MARKS:
        end += 1
    return text[start:end]


@lru_cache(maxsize=8192)
def _cluster_face(cluster: str) -> Face:
    """The first font that has a letter and all of its marks, else the first that has the letter."""
    drawn = [char for char in cluster if unicodedata.category(char) != "Cf"] or [cluster]
    whole = (face for face in faces() if all(face.has(char) for char in drawn))
    return next(whole, None) or face_of(cluster[0]) or faces()[0]


def _ink(runs: tuple[Run, ...], language: str | None) -> Ink:
    found = [_run_ink(run, language) for run in runs]
    return Ink(
        rise=max((ink.rise for ink in found), default=0.0),
        fall=max((ink.fall for ink in found), default=0.0),
        before=_clear(found[0].before) if found else 0.0,
        after=_clear(found[-1].after) if found else 0.0,
    )


def _run_ink(run: Run, language: str | None) -> Ink:
    if run.face is None:
        return Ink(MIDDLE_EM + 0.4 * PICTURE_EM, 0.4 * PICTURE_EM - MIDDLE_EM)
    if run.face == faces()[0] or not run.text.strip():
        return Ink(0.0, 0.0)
    return run.face.ink(run.text, run.is_rtl, language)


def _clear(empty: float) -> float:
    """Sides of ordinary letters are part of them."""
    return empty if empty > _EMPTY_EM else 0.0
