"""One line on a picture, in whatever script a file is named: for sheets. Sizes are pixels."""

from PIL import Image

from farm.errors import BadRequest, FarmUnavailable
from workers.cpu_render.text.bidi import is_rtl
from workers.cpu_render.text.breaking import clusters
from workers.cpu_render.text.faces import face_of
from workers.cpu_render.text.lines import Line, line_of
from workers.cpu_render.text.prepared import Prepared, prepare
from workers.cpu_render.text.typesetting import Setting

_CUT, _UNKNOWN = "…", "?"


def label(
    picture: Image.Image, corner: tuple[int, int], text: str, size: int, colour: str, most: int
) -> None:
    """Write a line from its top left corner on, at most `most` wide: what is longer ends in an ellipsis.

    Letters that cannot be drawn are question marks: a label is no reason to fail.
    """
    prepared = _prepared(" ".join(text.split()))
    line = _cut_to(prepared, most / size)
    setting = Setting(size, (line,), (prepared.text,), size)
    mask = Image.new("L", (max(1, setting.width), max(1, setting.height)))
    setting.draw(mask, 0, 0)
    picture.paste(colour, corner, mask)
    for placed in setting.pictures(*corner):
        picture.paste(placed.image, (placed.x, placed.y), placed.image)


def _prepared(text: str) -> Prepared:
    try:
        return prepare(text)
    except BadRequest:
        return prepare("".join(char if _is_drawn(char) else _UNKNOWN for char in text) or _UNKNOWN)
    except FarmUnavailable:  # no letters can be joined here
        return prepare("".join(char if char.isascii() else _UNKNOWN for char in text))


def _is_drawn(char: str) -> bool:
    return char.isprintable() and (char == " " or face_of(char) is not None)


def _cut_to(prepared: Prepared, most: float) -> Line:
    """As much of it as is at most so many font sizes wide."""
    base = int(is_rtl(prepared.text, dict(prepared.pictures)))
    whole = list(clusters(prepared.text))
    for count in range(len(whole), 0, -1):
        ending = "" if count == len(whole) else _CUT
        line = line_of("".join(whole[:count]).rstrip() + ending, base, prepared)
        if line.width <= most:
            return line
    return line_of(_CUT, base, prepared)
