"""Makes the files of the project benchmark once: `python -m tests.benchmarks.render_project_assets NUMBER`.

Three of four are photos of 6 megapixels, each another part of a photo of the render benchmark, the fourth is
a clip of 720p that moves over one; no two are alike. All stand upright.
"""

import sys
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.benchmarks import render_assets
from tests.benchmarks.render_works import FPS, PHOTOS
from tests.benchmarks.report import FOLDER

SHOWN_S = 6
_CLIP_EVERY = 4
_CLIP_FRAMES = (SHOWN_S + 1) * FPS  # with handles for transitions
_PHOTO, _CLIP, _GROUND = (2160, 2880), (720, 1280), (1080, 1920)
_FOLDER = FOLDER / "project-assets"


def paths(number: int) -> list[Path]:
    """So many files, in the order in which they are shown."""
    return [_FOLDER / f"{n:03}.{'mp4' if _is_clip(n) else 'jpg'}" for n in range(number)]


def ensure(number: int) -> None:
    """Make what is missing."""
    render_assets.ensure()
    _FOLDER.mkdir(exist_ok=True)
    for n, path in enumerate(paths(number)):
        if not path.exists():
            part = path.with_suffix(f".part{path.suffix}")
            random = np.random.default_rng(n)
            (_write_clip if _is_clip(n) else _write_photo)(PHOTOS[n % len(PHOTOS)], part, random)
            part.replace(path)


def _is_clip(n: int) -> bool:
    return n % _CLIP_EVERY == _CLIP_EVERY - 1


def _write_photo(source: Path, out: Path, random: np.random.Generator) -> None:
    _part(source, _PHOTO, random).save(out, quality=90)


def _write_clip(source: Path, out: Path, random: np.random.Generator) -> None:
    """A steady camera, from one corner towards the other."""
    width, height = _CLIP
    ground = _part(source, _GROUND, random).convert("YCbCr")
    y, cb, cr = (np.asarray(plane) for plane in ground.split())
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "g": str(2 * FPS)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(_CLIP_FRAMES):
            along = number / _CLIP_FRAMES
            left, top = (
                int((big - small) * along / 2) * 2 for big, small in zip(_GROUND, _CLIP, strict=True)
            )
            cut = slice(top, top + height), slice(left, left + width)
            chroma = (plane[cut][::2, ::2].reshape(-1, width) for plane in (cb, cr))
            i420 = np.ascontiguousarray(np.concatenate([y[cut], *chroma]))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(i420, format="yuv420p")))
        container.mux(stream.encode(None))


def _part(source: Path, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    """Some part of a photo, perhaps mirrored."""
    with Image.open(source) as image:
        share = random.uniform(0.7, 1)
        width = round(image.width * share)
        height = min(image.height, round(width * size[1] / size[0]))
        left, top = random.integers(image.width - width + 1), random.integers(image.height - height + 1)
        box = (int(left), int(top), int(left) + width, int(top) + height)
        part = image.resize(size, Image.Resampling.BICUBIC, box=box)
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else part


if __name__ == "__main__":
    ensure(int(sys.argv[1]))
