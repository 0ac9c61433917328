"""What providers deliver: real pictures and films, good ones and bad."""

import io
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from tests.api import as_wav
from tests.media import coded, write_clip

RATE = 8
PAGE = b"<!doctype html><html><body>Welcome to the captive portal</body></html>"


@cache
def film(seconds: int = 5, *, black: bool = False, size: tuple[int, int] = (160, 96)) -> bytes:
    """An MP4 of so many seconds."""
    width, height = size
    blank = np.full((height, width, 3), 4, np.uint8)
    frames = seconds * RATE
    pictures = [blank if black else coded(index, width, height) for index in range(frames)]
    with TemporaryDirectory() as folder:
        path = write_clip(Path(folder) / "film.mp4", frames=frames, rate=Fraction(RATE), pictures=pictures)
        return path.read_bytes()


@cache
def picture(number: int = 0, *, black: bool = False, size: tuple[int, int] = (64, 64)) -> bytes:
    """A PNG; another `number` is another picture."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8) if black else coded(number + 1, *size)
    into = io.BytesIO()
    Image.fromarray(pixels).save(into, "PNG")
    return into.getvalue()


@cache
def sound(seconds: float, *, silent: bool = False) -> bytes:
    """A WAV of so many seconds."""
    samples = np.zeros(round(seconds * 8000)) if silent else np.sin(np.arange(round(seconds * 8000)) / 6)
    return as_wav((samples * 12_000).astype("<i2").tobytes(), 8000)


def delivered_sound(plan: str, seconds: float) -> bytes:
    """The sound that a plan asks for: `black` is silent, `short`, `page`, else a good one."""
    match plan:
        case "page":
            return PAGE
        case "black":
            return sound(seconds, silent=True)
        case "short":
            return sound(0.5)
    return sound(seconds)


def delivered(plan: str, is_film: bool, seconds: int, number: int = 0) -> bytes:
    """The file that a plan asks for: `black`, `short`, `cut`, `page`, `still`, else a good one."""
    match plan:
        case "page":
            return PAGE
        case "still":
            return picture() if is_film else film(1)
        case "short":
            return film(1) if is_film else PAGE
        case "cut":
            whole = film(seconds) if is_film else picture(number)
            return whole[: len(whole) // 3]
        case "black":
            return film(seconds, black=True) if is_film else picture(black=True)
    return film(seconds) if is_film else picture(number)
