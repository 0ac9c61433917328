"""Twelve prompts as animatics, each by its middle frame, on one sheet, for the docs and for looking at.

`python -m tests.golden.animatic_sheet [FILE]` draws it anew.
"""

import sys
from itertools import islice
from pathlib import Path

import av
import numpy as np
from PIL import Image

from workers.gpu_generate.animatic.film import film
from workers.gpu_generate.animatic.scene import describe

SHEET = Path(__file__).parent / "previews" / "animatics.jpg"
PROMPTS = (
    "A lighthouse in a storm at night, waves, tilt up",
    "Minimalist perfume bottle on a bright white studio background, product shot",
    "A cat sits by the window of a cozy room at dusk",
    "An old castle on a mountain at sunset, drone shot",
    "A robot walks through a foggy city street, handheld",
    "Cherry blossom petals fall around a lone tree in a spring garden",
    "An elephant crosses the savannah at golden hour",
    "A steam train crosses the desert at noon, tracking shot",
    "A rocket flies past a purple nebula",
    "Deer in an autumn forest, falling leaves, morning light",
    "Butterfly over a meadow, sunny day",
    "A jellyfish glows in the deep sea",
)
_SIZE, _SHOWN, _FRAMES, _FPS = (832, 480), (416, 240), 81, 24.0
_COLUMNS = 3


def sheet() -> Image.Image:
    """All prompts in their order, three in a row."""
    width, height = _SHOWN
    drawn = Image.new("RGB", (_COLUMNS * width, -(-len(PROMPTS) // _COLUMNS) * height))
    for number, prompt in enumerate(PROMPTS):
        row, column = divmod(number, _COLUMNS)
        drawn.paste(_middle(prompt), (column * width, row * height))
    return drawn


def _middle(prompt: str) -> Image.Image:
    frames = film(describe(prompt, 1), *_SIZE, _FRAMES, _FPS)
    shown = next(islice(frames, _FRAMES // 2, None))
    width, height = _SIZE
    planes = np.concatenate([np.asarray(plane).reshape(-1) for plane in shown.planes])
    picture = av.VideoFrame.from_ndarray(planes.reshape(height * 3 // 2, width), format="yuv420p")
    return picture.to_image().resize(_SHOWN, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    sheet().save(Path(sys.argv[1]) if len(sys.argv) > 1 else SHEET, quality=82, optimize=True)
