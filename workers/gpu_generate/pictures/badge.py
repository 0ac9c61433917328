"""Puts the animatic's badge on a finished picture."""

import numpy as np
from PIL import Image

from workers.gpu_generate.animatic.canvas import Canvas
from workers.gpu_generate.animatic.lettering import lettering
from workers.gpu_generate.animatic.scene import Scene


def badged(picture: Image.Image, scene: Scene) -> Image.Image:
    """RGB or RGBA; over nothing, the badge brings its own ground."""
    canvas = Canvas(picture.width, picture.height, scene.seed)
    sheet = lettering(scene, canvas, caption=False).rgba
    left, top = round(canvas.column(0)), round(canvas.row(0))
    part = sheet[top : top + picture.height, left : left + picture.width].astype(np.float32)
    pixels = np.asarray(picture, np.float32)
    rest = 1 - part[..., 3:] / 255
    if picture.mode == "RGB":
        out = pixels * rest + part[..., :3]
    else:
        own = pixels[..., 3:] / 255
        alpha = 1 - (1 - own) * rest
        colours = (pixels[..., :3] * own * rest + part[..., :3]) / np.maximum(alpha, 1 / 255)
        out = np.dstack([colours, alpha * 255])
    return Image.fromarray(np.asarray(np.clip(out + 0.5, 0, 255), np.uint8))
