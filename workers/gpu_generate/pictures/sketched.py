"""What the animatic can honestly do to a picture: paint over, extend, tone and cut out, without any model.

It makes nothing new that a prompt describes, and a badge on the picture says so, as on all that it makes.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tasks.edit_image import EditImage
from workers.gpu_generate.animatic.scene import describe
from workers.gpu_generate.pictures.badge import badged
from workers.gpu_generate.pictures.cutting import cut_out
from workers.gpu_generate.pictures.edit_input import SEAM, Box, EditInput
from workers.gpu_generate.pictures.filling import Floats, Pixels, mixed
from workers.gpu_generate.pictures.patching import painted_in
from workers.media.stills import open_transparent

_GROUND = np.array([247, 247, 245], np.float32)
_STYLE = 0.85  # how much of a style's tones is taken over
_PART_STYLE = 0.3  # where the rest of the picture stays as it is
_STYLE_PX = 512
_SHADOW = 0.38

Look = Callable[[Pixels], Pixels]


def sketched(params: EditImage, edit: EditInput, seed: int) -> Image.Image:
    """The edited picture of the fitted size: RGB, or RGBA where its ground was to be taken away.

    Raises TaskFailure `no_subject`.
    """
    canvas, hole, scene = edit.canvas(), edit.hole(), describe(params.prompt, seed)
    made = canvas if hole is None else painted_in(canvas, _covered(hole, edit.box), seed)
    made = _looked(made, params.prompt)
    if edit.style is not None:
        made = styled(made, edit.style, share=_STYLE if hole is None else _PART_STYLE)
    if hole is not None:
        made = mixed(canvas, made, hole)
    if params.background == "transparent":
        return badged(Image.fromarray(np.dstack([made, _cut(made, edit.box)])), scene)
    if _ON_WHITE.search(params.prompt) and params.mask is None and params.outpaint is None:
        made = _on_white(made, _cut(canvas, edit.box) if hole is None else 255 - hole)
    return badged(Image.fromarray(made), scene)


def _covered(hole: Pixels, box: Box) -> Pixels:
    """What a mask covers of the picture that came: what was added beside it is filled already."""
    inner = np.zeros_like(hole)
    inner[box] = 255
    inner = np.asarray(cv2.erode(inner, np.ones((3, 3), np.uint8), iterations=_seam(hole)), np.uint8)
    return np.asarray(np.minimum(hole, inner), np.uint8)


def _seam(hole: Pixels) -> int:
    return int(SEAM * max(hole.shape)) + 2


def _cut(picture: Pixels, box: Box) -> Pixels:
    """The alpha of what the picture that came is about."""
    alpha = np.zeros(picture.shape[:2], np.uint8)
    alpha[box] = cut_out(np.ascontiguousarray(picture[box]))[..., 3]
    return alpha


def _looked(picture: Pixels, prompt: str) -> Pixels:
    for words, look in _LOOKS.items():
        if re.search(words, prompt, re.IGNORECASE):
            picture = look(picture)
    return picture


def styled(picture: Pixels, style: Path, name: str | None = None, share: float = _STYLE) -> Pixels:
    """With the tones of another (Reinhard, Adhikhmin, Gooch and Shirley 2001, in Lab)."""
    seen = open_transparent(style, name)
    seen.thumbnail((_STYLE_PX, _STYLE_PX))
    own, other = _lab(picture), _lab(np.asarray(seen.convert("RGB")))
    flat, tones = own.reshape(-1, 3), other.reshape(-1, 3)
    gain = np.clip(tones.std(axis=0) / np.maximum(flat.std(axis=0), 1), 0.5, 1.8)
    taken = (own - flat.mean(axis=0)) * gain + tones.mean(axis=0)
    middle = 1 - np.abs(own[..., :1] / 50 - 1) ** 3  # black stays black, and a sun is not green
    return _rgb(np.asarray(own + share * middle * (taken - own), np.float32))


def _on_white(picture: Pixels, cut: Pixels) -> Pixels:
    """The subject on a white ground, with a soft shadow below it."""
    share = np.asarray(cut, np.float32)[..., None] / 255
    rows = cut.shape[0]
    down = round(0.012 * rows)
    lower = np.pad(share[..., 0], ((down, 0), (0, 0)))[:rows]
    fallen = cv2.GaussianBlur(lower, (0, 0), 0.02 * rows)
    ground = _GROUND * (1 - _SHADOW * fallen[..., None])
    return np.asarray(picture * share + ground * (1 - share) + 0.5, np.uint8)


def _toned(change: Callable[[Floats], Floats]) -> Look:
    """A change in Lab: lightness 0 to 100, and two axes of colour."""
    return lambda picture: _rgb(change(_lab(picture)))


def _grey(lab: Floats) -> Floats:
    return lab * np.array([1, 0, 0], np.float32)


def _sepia(lab: Floats) -> Floats:
    return _grey(lab) + np.array([0, 6, 20], np.float32)


def _warm(lab: Floats) -> Floats:
    return lab + np.array([1, 5, 13], np.float32)


def _cool(lab: Floats) -> Floats:
    return lab + np.array([-1, -2, -14], np.float32)


def _night(lab: Floats) -> Floats:
    return lab * np.array([0.5, 0.6, 0.6], np.float32) + np.array([0, 2, -16], np.float32)


def _bright(lab: Floats) -> Floats:
    light = lab[..., :1] / 100
    return np.concatenate([100 * np.asarray(light**0.8, np.float32), 1.06 * lab[..., 1:]], axis=-1)


def _strong(lab: Floats) -> Floats:
    light = lab[..., :1] / 100
    curve = light + 0.55 * (light - 0.5) * light * (1 - light) * 4 * 0.5
    return np.concatenate([100 * np.asarray(curve, np.float32), 1.15 * lab[..., 1:]], axis=-1)


def _sharp(picture: Pixels) -> Pixels:
    soft = cv2.GaussianBlur(picture, (0, 0), max(0.8, max(picture.shape) / 900))
    return np.asarray(cv2.addWeighted(picture, 1.6, soft, -0.6, 0), np.uint8)


def _soft(picture: Pixels) -> Pixels:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(picture.shape) / 160), np.uint8)


_ON_WHITE = re.compile(r"\bwhite (?:studio )?(?:back)?(?:ground|drop)|\bstudio background", re.IGNORECASE)
_LOOKS: Mapping[str, Look] = {
    r"black[- ]and[- ]white|\bmonochrome|\bgr[ae]yscale": _toned(_grey),
    r"\bsepia|\bvintage|\bold photo": _toned(_sepia),
    r"\bwarm|\bgolden|\bsunset|\bsunrise|\bautumn": _toned(_warm),
    r"\bcool\b|\bcold\b|\bwinter|\bicy|\bmoon": _toned(_cool),
    r"\bnight\b|\bmidnight": _toned(_night),
    r"\bbright|\blighting|\brelight|\bsunny": _toned(_bright),
    r"\bcontrast|\bdramatic|\bcinematic|\bvivid|\bvibrant": _toned(_strong),
    r"\bsharp|\bcrisp|\bdetails?\b|\bclean up": _sharp,
    r"\bblur(?!ry)|\bdreamy|\bsoft focus": _soft,
}


def _lab(picture: Pixels) -> Floats:
    return np.asarray(
        cv2.cvtColor(np.asarray(picture, np.float32) / np.float32(255), cv2.COLOR_RGB2Lab), np.float32
    )


def _rgb(lab: Floats) -> Pixels:
    light = cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_Lab2RGB)
    return np.asarray(np.clip(light * 255 + 0.5, 0, 255), np.uint8)
