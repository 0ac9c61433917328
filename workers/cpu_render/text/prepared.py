"""Makes a caption ready to be set: composed letters, each emoji one character, nothing that no font draws."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from farm.errors import BadRequest, FarmUnavailable
from workers.cpu_render.text import emoji
from workers.cpu_render.text.faces import can_shape, face_of

# Characters that stand for pictures, in the order of their first use: private ones, which no text may bring.
_FIRST_PICTURE, _PRIVATE = 0xF0000, re.compile("[\U000f0000-\U0010ffff]")
_VARIANTS = re.compile("[\ufe00-\ufe0f\u20e3\U000e0100-\U000e01ef]")
# Marks that turn the order of letters by hand, and controls. Lines end where they always do.
_CONTROLS = re.compile(
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f\u00ad\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]"
)
# Unicode categories that need no glyph of their own (joiners and spaces), and those that a caption can do
# without where no font has them: symbols, and marks on letters.
_UNDRAWN = frozenset({"Cf", "Cc", "Zs", "Zl", "Zp"})
_EXPENDABLE = frozenset({"So", "Sk", "Cn", "Co", "Cs", "Mn", "Me"})
# Scripts of which letters are joined, stacked or ordered: from Hebrew to Sinhala, Tibetan to Burmese, Khmer.
_SHAPED = re.compile("[\u0590-\u0dff\u0f00-\u109f\u1780-\u17ff\ufb1d-\ufdff\ufe70-\ufefc]")
_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text to be set. `pictures` are the keys of its emoji by the characters that stand for them."""

    text: str
    pictures: tuple[tuple[str, str], ...]
    lost: tuple[str, ...]

    @property
    def language(self) -> str | None:
        """Han characters look otherwise in Japanese; without kana they are set as in Chinese."""
        return "ja" if _KANA.search(self.text) else None


@lru_cache(maxsize=256)
def prepare(text: str) -> Prepared:
    """Ready a caption. What is only a symbol and in no font is left out and listed as `lost`.

    Raises BadRequest naming the letters that no font has, or when nothing would be left; and FarmUnavailable
    for letters that are joined or run from the right, on a worker that cannot.
    """
    plain = _CONTROLS.sub("", unicodedata.normalize("NFC", text))
    lost = dict.fromkeys(_PRIVATE.findall(plain))
    keys: dict[str, str] = {}
    pieces: list[str] = []
    for piece, key in emoji.split(_PRIVATE.sub("", plain)):
        if key is None:
            pieces.append(_VARIANTS.sub("", piece))
        else:
            pieces.append(keys.setdefault(key, chr(_FIRST_PICTURE + len(keys))))
    marked = "".join(pieces)
    missing = _missing(marked)
    letters = [char for char in missing if unicodedata.category(char) not in _EXPENDABLE]
    kept = _without(marked, missing)
    if letters or all(unicodedata.category(char) in _UNDRAWN for char in kept):
        undrawn = " ".join(letters or [*missing, *lost]) or "an empty text"
        raise BadRequest(f"No font at hand draws {undrawn}.", param="text")
    if _SHAPED.search(kept) and not can_shape():
        raise FarmUnavailable(
            "This worker cannot join such letters: it has no libfribidi (apt install libfribidi0)."
        )
    return Prepared(kept, tuple((char, key) for key, char in keys.items()), (*lost, *missing))


def _missing(text: str) -> list[str]:
    """What no font draws, in the order of its first use."""
    drawn = (char for char in dict.fromkeys(text) if not _PRIVATE.match(char))
    return [char for char in drawn if unicodedata.category(char) not in _UNDRAWN and face_of(char) is None]


def _without(text: str, lost: list[str]) -> str:
    """Leave characters out, with the joiners that tied them together."""
    if not lost:
        return text
    return re.sub(f"[{re.escape(''.join(lost))}]\u200d?", "", text)
