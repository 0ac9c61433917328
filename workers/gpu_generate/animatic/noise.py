"""Randomness that depends on a seed and a word only, and the noises made of it."""

from hashlib import blake2b

import numpy as np
from PIL import Image

from workers.gpu_generate.animatic.colour import Field

_COARSER = 2  # nobody sees the finest pixel of a noise


def dice(seed: int, *words: str) -> np.random.Generator:
    """A generator of its own for each use, so that one more draw somewhere changes nothing elsewhere."""
    said = "\0".join((str(seed), *words))
    number = int.from_bytes(blake2b(said.encode(), digest_size=16).digest(), "big")
    return np.random.Generator(np.random.Philox(number))


def clouds(
    rng: np.random.Generator, width: int, height: int, *, cell: float, octaves: int = 5, stretch: float = 1.0
) -> Field:
    """Fractal noise 0..1, (height, width). `cell`: pixels of the coarsest lump, wider by `stretch`."""
    if min(width, height) < 4 * _COARSER:
        return _lumps(rng, width, height, cell, octaves, stretch)
    small = (-(-width // _COARSER), -(-height // _COARSER))
    found = Image.fromarray(_lumps(rng, *small, cell / _COARSER, octaves, stretch))
    return np.asarray(found.resize((width, height), Image.Resampling.BILINEAR), np.float32)


def _lumps(
    rng: np.random.Generator, width: int, height: int, cell: float, octaves: int, stretch: float
) -> Field:
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for octave in range(octaves):
        size = cell / 2**octave
        columns, rows = max(2, round(width / (size * stretch))), max(2, round(height / size))
        grid = Image.fromarray(rng.random((rows + 3, columns + 3), np.float32))
        box = (1.0, 1.0, columns + 2.0, rows + 2.0)
        total += weight * np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC, box=box))
        weight *= 0.5
    low, high = float(total.min()), float(total.max())
    return np.asarray((total - low) / max(1e-6, high - low))


def line(
    rng: np.random.Generator, count: int, *, waves: float, rough: float = 0.55, octaves: int = 7
) -> Field:
    """A wandering line of values 0..1. `waves`: how often it rises; `rough`: weight of each octave."""
    places = np.linspace(0, 1, count)
    total = np.zeros(count)
    weight = 1.0
    for octave in range(octaves):
        knots = max(2, int(waves * 2**octave)) + 3
        values = rng.random(knots)
        at = 1 + places * (knots - 3)
        total += weight * _cubic(values, at)
        weight *= rough
    low, high = total.min(), total.max()
    return np.asarray((total - low) / max(1e-9, high - low), np.float32)


def _cubic(values: Field, at: Field) -> Field:
    """Catmull-Rom through the values."""
    index = np.clip(at.astype(int), 1, len(values) - 3)
    part = at - index
    before, one, two, after = (values[index + shift] for shift in (-1, 0, 1, 2))
    cubed = 3 * (one - two) + after - before
    squared = 2 * before - 5 * one + 4 * two - after
    return np.asarray(one + 0.5 * part * (two - before + part * (squared + part * cubed)))
