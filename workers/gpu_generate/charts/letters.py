"""Words on charts: in pieces of one font each, and no longer than there is room for."""

from dataclasses import dataclass
from pathlib import Path

from PIL.ImageFont import FreeTypeFont

from workers.gpu_generate.animatic.lettering import face_of, has_letter, opened

_MORE = "…"


@dataclass(frozen=True, slots=True)
class Piece:
    """Letters that one font has. They are set together: scripts join and turn them."""

    text: str
    font: FreeTypeFont

    @property
    def width(self) -> float:
        return float(self.font.getlength(self.text))


def pieces(text: str, pixels: int) -> list[Piece]:
    """The text on one line. Letters that no font here has, such as emoji, are left out."""
    found: list[tuple[Path | None, str]] = []
    for letter in " ".join(text.split()):
        if found and has_letter(found[-1][0], letter):
            found[-1] = (found[-1][0], found[-1][1] + letter)
        elif has_letter(face := face_of(letter), letter):
            found.append((face, letter))
    return [Piece(said, opened(face, pixels)) for face, said in found]


def width_of(text: str, pixels: int) -> float:
    """Pixels that it takes."""
    return sum(piece.width for piece in pieces(text, pixels))


def cut(text: str, pixels: int, room: float) -> str:
    """As much of it as there is room for, and an ellipsis where that is not all."""
    if width_of(text, pixels) <= room:
        return text
    least, most = 0, len(text) - 1
    while least < most:
        middle = (least + most + 1) // 2
        if width_of(text[:middle].rstrip() + _MORE, pixels) <= room:
            least = middle
        else:
            most = middle - 1
    return text[:least].rstrip() + _MORE


def lines(text: str, pixels: int, room: float, most: int) -> list[str]:
    """The text on at most so many lines, broken between words; the last may be cut."""
    found: list[str] = []
    words = text.split()
    while words and len(found) < most - 1:
        taken = 1
        while taken < len(words) and width_of(" ".join(words[: taken + 1]), pixels) <= room:
            taken += 1
        found.append(cut(" ".join(words[:taken]), pixels, room))
        words = words[taken:]
    return [*found, cut(" ".join(words), pixels, room)] if words else found


def ascent_of(pixels: int) -> tuple[float, float]:
    """How far letters reach above and below their line."""
    above, below = opened(None, pixels).getmetrics()
    return above, below
