"""What falls or floats before the camera: snow, rain, embers, fireflies, petals, bubbles, dust."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, sin

from workers.gpu_generate.animatic.camera import Pose
from workers.gpu_generate.animatic.colour import Rgb
from workers.gpu_generate.animatic.kernels import fleck
from workers.gpu_generate.animatic.noise import dice
from workers.gpu_generate.animatic.scene import Scene
from workers.gpu_generate.animatic.words import Place, Weather
from workers.media.planes import Planes


@dataclass(frozen=True, slots=True)
class Kind:
    """How many, how large (picture heights), how they go (heights a second), how clear, how long a streak."""

    count: int
    size: tuple[float, float]
    falls: float
    blows: float
    sways: float
    strength: float
    streak: float = 0.0
    twinkles: float = 0.0


_KINDS: Mapping[str, Kind] = {
    Weather.SNOW: Kind(240, (0.0018, 0.009), 0.13, 0.03, 0.02, 0.85),
    Weather.RAIN: Kind(220, (0.0008, 0.0017), 1.7, 0.16, 0.0, 0.3, streak=0.045),
    Weather.EMBERS: Kind(90, (0.0014, 0.0045), -0.16, 0.05, 0.03, 0.95, twinkles=0.6),
    Weather.FIREFLIES: Kind(46, (0.004, 0.011), -0.012, 0.01, 0.035, 0.9, twinkles=1.0),
    Weather.PETALS: Kind(60, (0.003, 0.009), 0.075, 0.09, 0.035, 0.85),
    Weather.LEAVES: Kind(48, (0.003, 0.010), 0.1, 0.1, 0.05, 0.9),
    "bubbles": Kind(70, (0.0015, 0.006), -0.07, 0.005, 0.014, 0.5),
    "dust": Kind(46, (0.001, 0.0032), -0.008, 0.012, 0.012, 0.3, twinkles=0.7),
}


class Particles:
    """All of them, where they are at each moment."""

    def __init__(self, scene: Scene) -> None:
        self._kind, colour = _kind_of(scene)
        rng = dice(scene.seed, "particles")
        self._dice = rng.random((self._kind.count if self._kind else 0, 5))
        self._luma, self._u, self._v = _yuv(colour)

    def show(self, pose: Pose, seconds: float, out: Planes) -> None:
        """Draw them over a picture; the near ones go with the camera more than the far ones."""
        kind = self._kind
        if kind is None:
            return
        wide, high = out.width / out.height + 0.2, 1.2
        for at_x, at_y, near, phase, turn in self._dice:
            close = near**2.2
            speed = 0.45 + 0.9 * close
            x = (
                at_x * wide
                + kind.blows * speed * seconds
                + kind.sways * sin(2 * pi * (phase + 0.3 * seconds * (0.5 + turn)))
            )
            y = at_y * high + kind.falls * speed * seconds
            x = (x - pose.x * 0.13 * (0.3 + close)) % wide - 0.1
            y = (y - pose.y * 0.13 * (0.3 + close)) % high - 0.1
            size = kind.size[0] + (kind.size[1] - kind.size[0]) * close
            wink = 0.5 + 0.5 * sin(2 * pi * (phase + seconds * (0.25 + 0.5 * turn)))
            strength = kind.strength * (0.35 + 0.65 * near) * (1 - kind.twinkles * wink)
            if size > 0.8 * kind.size[1]:
                strength *= 0.55  # out of focus
            self._fleck(out, x, y, size, strength, kind.streak * speed)

    def _fleck(self, out: Planes, x: float, y: float, size: float, strength: float, streak: float) -> None:
        unit = out.height
        fleck(
            out.y,
            out.u,
            out.v,
            x * unit,
            y * unit,
            (x + streak * 0.1) * unit,
            (y + streak) * unit,
            max(0.9, size * unit),
            strength,
            self._luma,
            self._u,
            self._v,
        )


def _kind_of(scene: Scene) -> tuple[Kind | None, Rgb]:
    match scene.weather:
        case Weather.SNOW:
            return _KINDS[Weather.SNOW], (0.97, 0.98, 1.0)
        case Weather.RAIN:
            return _KINDS[Weather.RAIN], (0.85, 0.9, 0.96)
        case Weather.EMBERS:
            return _KINDS[Weather.EMBERS], (1.0, 0.62, 0.25)
        case Weather.FIREFLIES:
            return _KINDS[Weather.FIREFLIES], (1.0, 0.93, 0.55)
        case Weather.PETALS:
            return _KINDS[Weather.PETALS], (1.0, 0.78, 0.85)
        case Weather.LEAVES:
            return _KINDS[Weather.LEAVES], (0.88, 0.5, 0.18)
    if scene.place is Place.DEEP:
        return _KINDS["bubbles"], (0.85, 1.0, 0.97)
    if scene.place in (Place.FOREST, Place.ROOM, Place.DESERT):
        return _KINDS["dust"], scene.palette.light
    return None, (0.0, 0.0, 0.0)


def _yuv(colour: Rgb) -> tuple[float, float, float]:
    red, green, blue = (255 * part for part in colour)
    return (
        16 + 0.18259 * red + 0.61423 * green + 0.06201 * blue,
        128 - 0.10064 * red - 0.33857 * green + 0.43922 * blue,
        128 + 0.43922 * red - 0.39894 * green - 0.04027 * blue,
    )
