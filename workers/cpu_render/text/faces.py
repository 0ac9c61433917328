"""The fonts at hand: which of them has a character, and how it is opened at a size."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont, features

from farm.errors import FarmUnavailable

FOLDER = Path(__file__).parent / "fonts"
_UNIT_PX = 100  # the size at which widths and ink are measured; they grow evenly with it
_PROBE_PX = 24
_UNKNOWN = "\U0010ffff"  # no character, and so in no font
# The bundled fonts in the order in which they are asked for a letter, and how large they are set so that
# their letters look as large as the first one's. Others in the folder come after these.
_BUNDLED: Mapping[str, float] = {
    "Inter-ExtraBold.ttf": 1.0,
    "NotoSansArabic-Bold.ttf": 1.10,
    "NotoSansHebrew-Bold.ttf": 1.10,
    "NotoSansThai-Bold.ttf": 1.12,
    "NotoSansDevanagari-Bold.ttf": 1.06,
    "DejaVuSans-Bold.ttf": 1.0,
    "NotoSansCJK-Bold.otf": 0.94,
}


@dataclass(frozen=True, slots=True)
class Ink:
    """How far a text reaches over and under its baseline, in font sizes; under it is positive.

    `before` and `after` are what stays empty at its ends, as beside a full-width bracket or full stop.
    """

    rise: float
    fall: float
    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Face:
    """A font. Everything is in font sizes of the caption, with `scale` already in it."""

    path: Path
    scale: float = 1.0

    def has(self, char: str) -> bool:
        """Whether it draws this character."""
        return _has_glyph(self.path, char)

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font for captions of this size, in pixels."""
        return _opened(self.path, max(1, round(size * self.scale)))

    def advance(self, text: str, is_rtl: bool, language: str | None) -> float:
        """How far the pen moves."""
        return _advance(self.path, text, is_rtl, language) * self.scale

    def ink(self, text: str, is_rtl: bool, language: str | None) -> Ink:
        """What is seen of it."""
        left, top, right, bottom = (edge * self.scale for edge in _box(self.path, text, is_rtl, language))
        return Ink(-top, bottom, left, self.advance(text, is_rtl, language) - right)


def can_shape() -> bool:
    """Whether letters are joined here: Pillow's raqm needs FriBiDi, which its wheels do not bring."""
    return bool(features.check("raqm"))


def direction(is_rtl: bool) -> str | None:
    """As Pillow names it; None where it cannot be told."""
    if not can_shape():
        return None
    return "rtl" if is_rtl else "ltr"


def variant(language: str | None) -> str | None:
    """The language in whose forms letters are drawn; None where that cannot be told."""
    return language if can_shape() else None


@cache
def faces() -> tuple[Face, ...]:
    """The fonts at hand in the order in which they are asked for a letter.

    Raises FarmUnavailable naming the operator's folder or the file in it that is no font.
    """
    from farm.catalog import read_catalog  # heavy: only for a film with a text
    from farm.settings import Settings

    settings = Settings()
    rules = read_catalog(settings).fonts
    order = list(_BUNDLED)
    bundled = _fonts_in(FOLDER)
    bundled.sort(key=lambda path: (order.index(path.name) if path.name in order else len(order), path.name))
    ours = [Face(path, _BUNDLED.get(path.name, 1.0)) for path in bundled]
    theirs = list(_operators(settings.root / Path(rules.folder).expanduser())) if rules.folder else []
    return tuple(theirs + ours if rules.first else ours + theirs)


def _operators(folder: Path) -> Iterator[Face]:
    if not folder.is_dir():
        raise FarmUnavailable(f"fonts.toml: there is no folder {folder}.", param="fonts.folder")
    for path in _fonts_in(folder):
        try:
            _probe(path)
        except OSError as error:
            raise FarmUnavailable(f"{path} is not a font: {error}.", param="fonts.folder") from error
        yield Face(path)


def _fonts_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".ttf", ".otf"))


@lru_cache(maxsize=8192)
def face_of(char: str) -> Face | None:
    """The first font that has a character."""
    return next((face for face in faces() if face.has(char)), None)


@lru_cache(maxsize=65536)
def _has_glyph(path: Path, char: str) -> bool:
    """A font draws what it does not know as one and the same box."""
    font = _probe(path)
    drawn, box = font.getmask(char), font.getmask(_UNKNOWN)
    return (drawn.size, bytes(drawn)) != (box.size, bytes(box))


@cache
def _probe(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, _PROBE_PX, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=10)  # the font for Chinese, Japanese and Korean takes 5 MB at each size
def _opened(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@cache
def _unit(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, _UNIT_PX)


@lru_cache(maxsize=16384)
def _advance(path: Path, text: str, is_rtl: bool, language: str | None) -> float:
    return _unit(path).getlength(text, direction=direction(is_rtl), language=variant(language)) / _UNIT_PX


@lru_cache(maxsize=4096)
def _box(path: Path, text: str, is_rtl: bool, language: str | None) -> tuple[float, float, float, float]:
    """What is inked, from the start of the baseline: left, top, right, bottom."""
    way, language = direction(is_rtl), variant(language)
    mask, (x, y) = _unit(path).getmask2(text, direction=way, language=language, anchor="ls")
    left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
    return (x + left) / _UNIT_PX, (y + top) / _UNIT_PX, (x + right) / _UNIT_PX, (y + bottom) / _UNIT_PX
