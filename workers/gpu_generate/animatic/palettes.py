"""The colours of each light: chosen by eye, turned a little by the seed."""

from dataclasses import dataclass, replace

import numpy as np

from workers.gpu_generate.animatic.colour import Rgb, mix, rgb, turned
from workers.gpu_generate.animatic.words import Mood, Place


@dataclass(frozen=True, slots=True)
class Palette:
    """`sky` from the zenith down. Land fades from `near` to `haze` with distance; what is lit is `accent`."""

    sky: tuple[Rgb, ...]
    light: Rgb
    glow: Rgb
    haze: Rgb
    far: Rgb
    near: Rgb
    accent: Rgb
    accent_2: Rgb
    light_height: float
    light_size: float
    strength: float
    stars: float = 0.0

    def land(self, depth: float) -> Rgb:
        """The colour of land, 0 farthest and 1 nearest."""
        return mix(self.far, self.near, depth)


# By name: the sky from the zenith down; light, glow, haze, far land and near land; two accents; and where the
# light stands (in heights of the sky), its size, its strength and how many stars there are.
_TABLE = """
dawn: #3a4a7c #7d78ab #d79bb0 #f6c5a6 #ffe6c4
  #fff4dc #ffc9a0 #f0bdb0 #b08aa8 #2b2547
  #ffb48a #f7dcc0; 0.80 0.055 0.85 0
day: #2a6fb5 #4f96d2 #8cc2e6 #c9e4f0 #eef6f3
  #fffdf0 #fff3d0 #cfe3ea #7ea6b8 #1d3d3c
  #f7d774 #7cc7b2; 0.26 0.05 0.5 0
golden hour: #4a5a86 #8c7596 #d98f78 #f7b267 #ffe1a0
  #fff6d8 #ffc56b #f5b67c #a8768a #33203a
  #ffcf70 #e8744f; 0.70 0.07 1.0 0
sunset: #20194d #5a2a73 #b63f6e #f0694f #ffb55e
  #fff0c2 #ff8a4a #e9705c #87406f #1d0f2e
  #ffb25a #ff5c72; 0.83 0.085 1.1 0
dusk: #0e1a40 #25427a #5b67a6 #a98bb0 #e8b3a2
  #fff2d8 #d79bb0 #7d7aa8 #3c4a80 #0c1128
  #ffc27a #f08f6a; 0.90 0.03 0.6 0.35
night: #060b22 #0d1c46 #18376b #2d5886 #5883a0
  #fdf8e4 #9cc3dd #35577f #203d68 #050914
  #ffd28a #7fc7e8; 0.24 0.045 0.75 1.0
neon: #090720 #1f1050 #4d1a86 #a02a9a #f0569a
  #ffe6f4 #ff5fb0 #7c2c96 #3d1c74 #08050f
  #36e2f2 #ff4fa8; 0.62 0.1 0.85 0.3
overcast: #66788a #8a9caa #aebbc3 #ccd4d6 #e2e6e3
  #fbfaf3 #e8ebe6 #bfcacd #8b9aa3 #2a363e
  #d9b27c #8fb3b8; 0.34 0.07 0.35 0
storm: #10161f #232e3b #3d4b58 #66737a #a3a491
  #fff6df #cfc9a4 #5c6a72 #34424d #0b1016
  #ffcf7a #86b6c9; 0.72 0.05 0.55 0
space: #03040d #0a0c26 #1c1445 #3a1d5c #5a2a6a
  #fff7e6 #b58cff #2a1a4a #241a48 #04040c
  #6fd3ff #ff8fb8; 0.3 0.03 0.7 1.0
underwater: #7fd8d0 #2fa0ad #0f6f8a #06455f #032438
  #f4fff0 #a6f0dc #0f6f86 #0b5a74 #021420
  #ffb56b #ff7f8f; 0.02 0.16 0.9 0
dark studio: #23262e #343945 #545c6b #6d7686 #7d8797
  #fff8ec #cfd6e2 #555d6c #3c434f #0d0f13
  #e8c98f #8fb4d8; 0.2 0.1 0.7 0
light studio: #d9d4cc #e6e1d8 #f0ebe2 #f5f1e9 #f8f5ee
  #ffffff #fff6e6 #e9e3d8 #c9c0b3 #4a443d
  #d98f5c #7fa3a0; 0.2 0.1 0.5 0
room: #1c1512 #3a261c #6b4129 #a2683b #d79a58
  #fff0cf #ffb765 #7c4d2f #54341f #120c09
  #ffcb7d #f08a5a; 0.3 0.1 0.9 0
room by day: #b9b2a4 #cfc8b8 #e2dccb #f0ead9 #f7f2e4
  #fffdf4 #fff2d4 #dcd4c2 #a89d8a #3b332b
  #d7a25f #7f9f8f; 0.3 0.1 0.6 0
"""


def _read(table: str) -> dict[str, Palette]:
    found = {}
    for row in table.strip().replace("\n  ", ";").splitlines():
        name, _, said = row.partition(": ")
        sky, land, accents, numbers = (part.split() for part in said.split(";"))
        light, glow, haze, far, near = (rgb(text) for text in land)
        one, two = (rgb(text) for text in accents)
        height, size, strength, stars = (float(text) for text in numbers)
        stops = tuple(rgb(text) for text in sky)
        found[name] = Palette(stops, light, glow, haze, far, near, one, two, height, size, strength, stars)
    return found


_PALETTES = _read(_TABLE)
_LIT = (Mood.DAY, Mood.DAWN, Mood.GOLDEN, Mood.GREY)


def palette(mood: Mood, place: Place, rng: np.random.Generator) -> Palette:
    """The colours of a light at a place."""
    found = _of(mood, place)
    turn = float(rng.uniform(-7, 7))
    return replace(
        found,
        sky=tuple(turned(colour, turn) for colour in found.sky),
        glow=turned(found.glow, turn),
        haze=turned(found.haze, turn),
        far=turned(found.far, turn * 1.5),
        near=turned(found.near, turn),
        light_height=found.light_height + float(rng.uniform(-0.03, 0.03)),
    )


def _of(mood: Mood, place: Place) -> Palette:
    if place is Place.SPACE:
        return _PALETTES["space"]
    if place is Place.DEEP:
        return _PALETTES[place]
    if place is Place.STUDIO:
        return _PALETTES["light studio" if mood in _LIT else "dark studio"]
    if place is Place.ROOM:
        return _PALETTES["room by day" if mood in (Mood.DAY, Mood.DAWN) else "room"]
    return _PALETTES[mood]
