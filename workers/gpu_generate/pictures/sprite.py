"""The animatic's pictures with a transparent ground: the subject alone, or where there is none a sticker."""

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from workers.gpu_generate.animatic.canvas import Rgba
from workers.gpu_generate.animatic.film import canvas_of, still
from workers.gpu_generate.animatic.kernels import lay
from workers.gpu_generate.animatic.places import PLACES
from workers.gpu_generate.animatic.scene import Scene, Subject
from workers.gpu_generate.animatic.subject import subject_layers
from workers.gpu_generate.animatic.words import Place
from workers.gpu_generate.pictures.badge import badged

_SIZE = 0.58  # of the picture's height, for what is as high as wide
_FILLS = 0.82  # of the picture, in the end
_SEEN = 24
_FINER = 2  # a sticker's edge is drawn so much larger first
_MARGIN, _ROUND, _BORDER = 0.045, 0.075, 0.022  # of the shorter side


def alone(scene: Scene, width: int, height: int) -> Image.Image:
    """RGBA of this size."""
    if scene.subject is None:
        return _sticker(Image.fromarray(still(scene, width, height)))
    return _subject(scene, scene.subject, width, height)


def _subject(scene: Scene, subject: Subject, width: int, height: int) -> Image.Image:
    canvas = canvas_of(scene, width, height)
    lit = replace(scene, place=Place.STUDIO, subject=None)
    large = replace(subject, x=0.5, size=_SIZE * min(1.0, canvas.aspect), speed=0.0)
    setting = replace(PLACES[Place.STUDIO](lit, canvas), mirror=0.0, shadow=0.0, ground=0.95, lit=0.95)
    sheet = np.zeros((canvas.rows, canvas.columns, 4), np.uint8)
    for layer in subject_layers(lit, large, setting, canvas):
        lay(np.ascontiguousarray(layer.rgba), sheet)
    whole = _plain(sheet)
    seen = whole.crop(whole.getchannel("A").point(lambda value: 255 if value > _SEEN else 0).getbbox())
    scale = _FILLS * min(width / seen.width, height / seen.height)
    size = (max(1, round(seen.width * scale)), max(1, round(seen.height * scale)))
    out = Image.new("RGBA", (width, height))
    out.paste(seen.resize(size, Image.Resampling.LANCZOS), ((width - size[0]) // 2, (height - size[1]) // 2))
    return badged(out, scene)


def _plain(sheet: Rgba) -> Image.Image:
    """A sheet of premultiplied colours, as files have it."""
    light = sheet[..., :3].max(axis=-1)
    alpha = np.maximum(sheet[..., 3], light)  # what only gives light has none of its own
    colours = sheet[..., :3] / np.maximum(alpha, 1)[..., None] * 255
    return Image.fromarray(np.dstack([np.clip(colours, 0, 255), alpha]).astype(np.uint8))


def _sticker(picture: Image.Image) -> Image.Image:
    """With round corners and a white edge."""
    width, height = (_FINER * side for side in picture.size)
    unit = min(width, height)
    edge, inner = Image.new("L", (width, height)), Image.new("L", (width, height))
    for mask, off in ((edge, _MARGIN), (inner, _MARGIN + _BORDER)):
        box = (off * unit, off * unit, width - off * unit, height - off * unit)
        ImageDraw.Draw(mask).rounded_rectangle(box, (_ROUND + _MARGIN - off) * unit, fill=255)
    out = Image.new("RGBA", picture.size, (255, 255, 255, 0))
    out.putalpha(edge.resize(picture.size, Image.Resampling.LANCZOS))
    share = 1 - 2 * (_MARGIN + _BORDER)
    size = (round(picture.width * share), round(picture.height * share))
    small = picture.resize(size, Image.Resampling.LANCZOS)
    within = Image.new("RGB", picture.size)
    within.paste(small, ((picture.width - small.width) // 2, (picture.height - small.height) // 2))
    out.paste(within, mask=inner.resize(picture.size, Image.Resampling.LANCZOS))
    return out
