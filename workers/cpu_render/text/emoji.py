"""Emoji: which characters of a text make one, and its picture in colour.

A family, a flag or a hand with a skin tone is several characters and one picture. Where there is no picture
of a whole it falls to what there is: without its tones, then part by part, a flag to its two letters.
"""

import json
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from io import BytesIO
from zipfile import ZipFile

import resvg_py
from PIL import Image, ImageChops, ImageDraw

from workers.cpu_render.text.faces import FOLDER

_JOINER, _AS_PICTURE, _AS_TEXT = "\u200d", "\ufe0f", "\ufe0e"
_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_LETTER_A = 0x1F1E6  # REGIONAL INDICATOR SYMBOL LETTER A
# Unicode's Emoji_Presentation below U+1F000: symbols that are pictures without being asked to.
_PICTURES = (
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab"
    "\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c"
    "\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55"
)
_PART = f"(?:[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff][{_AS_PICTURE}{_AS_TEXT}]?{_TONES.pattern}?)"
_SEQUENCE = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
    f"|[0-9#*]{_AS_PICTURE}?\u20e3"
    f"|{_PART}(?:{_JOINER}{_PART})*"
)
_IS_PICTURE = re.compile(
    f"[\U0001f000-\U0001faff{_PICTURES}]|.{_AS_PICTURE}|.{_TONES.pattern}|.*[{_JOINER}\u20e3]"
)
_FLAG_RATIO, _FLAG_RADIUS = 0.75, 0.09  # its height and the radius of its corners, in widths
_FLAG_EDGE = (0, 0, 0, 84)


def split(text: str) -> Iterator[tuple[str, str | None]]:
    """Cut a text into pieces, each with the key of its picture, or None where it is set in letters."""
    end = 0
    for found in _SEQUENCE.finditer(text):
        if not _IS_PICTURE.match(found[0]) or found[0].endswith(_AS_TEXT):
            continue
        yield text[end : found.start()], None
        yield from _resolved(found[0])
        end = found.end()
    yield text[end:], None


def _resolved(sequence: str) -> Iterator[tuple[str, str | None]]:
    """The pictures that a sequence comes to; what has none stays letters, for a font or to be lost."""
    if key := _known(sequence):
        yield sequence, key
    elif all(_LETTER_A <= ord(char) < _LETTER_A + 26 for char in sequence):
        yield "".join(chr(ord(char) - _LETTER_A + ord("A")) for char in sequence), None
    elif sequence[0] == "\U0001f3f4" and len(sequence) > 1 and _JOINER not in sequence:
        yield from _resolved(sequence[0])  # a flag of a region that nobody has: a black one
    elif _JOINER in sequence:
        yield from _joined(sequence.split(_JOINER))
    else:
        yield sequence, None


def _joined(parts: list[str]) -> Iterator[tuple[str, str | None]]:
    """The longest beginning that has a picture, then the rest; lone signs of sex are left out."""
    for count in range(len(parts) - 1, 0, -1):
        head = _JOINER.join(parts[:count])
        if count == 1 or _known(head):
            yield from _resolved(head)
            rest = [part for part in parts[count:] if ord(part[0]) > 0xFFFF]
            if rest:
                yield from _resolved(_JOINER.join(rest))
            return


def _known(sequence: str) -> str | None:
    """The key of its picture: of itself, with one tone for all, or without tones."""
    bare = sequence.replace(_AS_PICTURE, "")
    tones = _TONES.findall(bare)
    attempts = [bare, *(_TONES.sub(tones[0], bare) for _ in tones[:1]), _TONES.sub("", bare)]
    return next((key for text in attempts if text and (key := _key(text)) in _sources(_base(key))), None)


def _key(text: str) -> str:
    return "-".join(f"{ord(char):04x}" for char in text)


def _base(key: str) -> str:
    """The key without tones, unless it is nothing but one."""
    return "-".join(part for part in key.split("-") if not "1f3fb" <= part <= "1f3ff") or key


@lru_cache(maxsize=512)
def _sources(base: str) -> dict[str, str]:
    """The SVG bodies of a picture in all its tones, by key. Empty where there is none."""
    names = _archive().NameToInfo
    if f"{base}.json" in names:
        bodies: dict[str, str] = json.loads(_archive().read(f"{base}.json"))
        return {key: _document(body) for key, body in bodies.items()}
    if f"{base}.svg" in names:
        return {base: _archive().read(f"{base}.svg").decode()}
    return {}


def _document(body: str) -> str:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {names} viewBox="0 0 128 128">{body}</svg>'


@cache
def _archive() -> ZipFile:
    """Held in memory, 4 MB: no file stays open."""
    return ZipFile(BytesIO((FOLDER / "emoji.zip").read_bytes()))


@lru_cache(maxsize=128)
def picture(key: str, side: int) -> Image.Image:
    """An emoji in RGBA, in a square of that side, in pixels."""
    base = _base(key)
    png = resvg_py.svg_to_bytes(svg_string=_sources(base)[key], width=side, skip_system_fonts=True)
    image = Image.open(BytesIO(png), formats=("PNG",)).convert("RGBA")
    return image if f"{base}.json" in _archive().NameToInfo else _as_flag(image, side)


def _as_flag(image: Image.Image, side: int) -> Image.Image:
    """A flag with round corners and a faint edge, so that a white one is seen on white."""
    size = (side, round(side * _FLAG_RATIO))
    fine = 4
    mask = Image.new("L", (size[0] * fine, size[1] * fine))
    box, radius = (0, 0, mask.width - 1, mask.height - 1), round(_FLAG_RADIUS * mask.width)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius, fill=255)
    edge = Image.new("RGBA", mask.size)
    ImageDraw.Draw(edge).rounded_rectangle(box, radius, outline=_FLAG_EDGE, width=fine * max(1, side // 60))
    flag = image.resize(size)
    flag.alpha_composite(edge.resize(size, Image.Resampling.BOX))
    flag.putalpha(ImageChops.multiply(flag.getchannel("A"), mask.resize(size, Image.Resampling.BOX)))
    square = Image.new("RGBA", (side, side))
    square.paste(flag, (0, (side - size[1]) // 2))
    return square
