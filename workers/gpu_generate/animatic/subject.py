"""Puts the subject into its place: its colours in the scene's light, a lit rim, its shadow or mirrored."""

import numpy as np

from workers.gpu_generate.animatic.canvas import Canvas, Layer, Rgba, blurred, shifted
from workers.gpu_generate.animatic.colour import Field, Rgb, mix, rgb
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.scene import Scene, Subject
from workers.gpu_generate.animatic.shapes import NATURAL, SHAPES
from workers.gpu_generate.animatic.shapes.pen import Pen
from workers.gpu_generate.animatic.words import Weather

_FLOAT_AT = 0.56  # where the feet of what flies would be, in picture heights
_WIDE = {
    "car": 0.62,
    "train": 0.62,
    "bird": 0.72,
    "whale": 0.8,
    "plane": 0.66,
    "shoe": 0.72,
    "elephant": 1.15,
}
_LARGE = {
    "castle": 1.7,
    "lighthouse": 1.9,
    "tree": 1.75,
    "balloon": 1.25,
    "cabin": 1.05,
    "rocket": 1.15,
    "sailboat": 1.15,
}
_LEAVES = {Weather.PETALS: "#f0a9c0", Weather.LEAVES: "#cf7a2f", Weather.SNOW: "#dfe7ef"}
_BOB = {
    "sailboat": (0.010, 2.0),
    "balloon": (0.015, 1.0),
    "astronaut": (0.015, 1.0),
    "jellyfish": (0.03, 1.5),
}
_STEPS = {"person": 4.0, "fox": 5.0, "horse": 5.0, "deer": 5.0, "elephant": 2.0, "dancer": 2.0, "robot": 4.0}


def subject_layers(scene: Scene, subject: Subject, setting: Setting, canvas: Canvas) -> list[Layer]:
    """The subject and what belongs to it, the farthest first."""
    size = subject.size * setting.scale * _WIDE.get(subject.shape, _LARGE.get(subject.shape, 1.0))
    pen = Pen(size * canvas.height)
    SHAPES[subject.shape](pen)
    cover, tone, glow = (_placed(canvas, pen, part, subject, setting, size) for part in pen.masks())
    paint = _paint(scene, subject, setting, canvas, cover, tone)
    drift = (subject.speed, 0.0)
    layers: list[Layer] = []
    feet = ground_of(subject, setting, size)
    if setting.shadow and not subject.floats:
        layers.append(Layer(_shadow(canvas, cover, feet, setting.shadow, size), setting.depth, drift=drift))
    if setting.mirror and not subject.floats:
        layers.append(_mirror(canvas, cover, paint, glow, feet, setting, drift))
    layers.append(Layer(canvas.painted(paint, cover), setting.depth, drift=drift, bob=_bob(subject)))
    if float(glow.max(initial=0)) > 0.05:
        layers.append(_shine(scene, canvas, cover * glow, setting, drift, _bob(subject)))
    if subject.shape == "mug" or "candle" in subject.word:
        layers.append(_steam(scene, canvas, subject, feet - size * 0.78, setting))
    return layers


def ground_of(subject: Subject, setting: Setting, size: float) -> float:
    """Where its feet are, in picture heights."""
    return _FLOAT_AT + 0.25 * size if subject.floats else setting.ground


def _bob(subject: Subject) -> tuple[float, float]:
    if subject.shape in _BOB:
        return _BOB[subject.shape]
    return (0.004, _STEPS.get(subject.shape, 1.0)) if subject.speed else (0.0, 0.0)


def _placed(canvas: Canvas, pen: Pen, part: Field, subject: Subject, setting: Setting, size: float) -> Field:
    """A mask of the shape on the whole sheet."""
    sheet = np.zeros((canvas.rows, canvas.columns), np.float32)
    origin_x, origin_y = pen.origin
    left = round(canvas.column(subject.x) - origin_x)
    top = round(canvas.row(ground_of(subject, setting, size)) - origin_y)
    rows, columns = part.shape
    to_top, to_left = max(0, top), max(0, left)
    to_bottom, to_right = min(canvas.rows, top + rows), min(canvas.columns, left + columns)
    if to_top < to_bottom and to_left < to_right:
        cut = part[to_top - top : to_bottom - top, to_left - left : to_right - left]
        sheet[to_top:to_bottom, to_left:to_right] = cut
    return sheet


def _paint(
    scene: Scene, subject: Subject, setting: Setting, canvas: Canvas, cover: Field, tone: Field
) -> Field:
    colours = scene.palette
    own = subject.colour or _by_nature(scene, subject)
    dim = 0.55 if scene.is_night and setting.lit < 0.8 else 0.9
    base = mix(mix(colours.near, own, setting.lit * dim), colours.glow, 0.1)
    dark, bright = mix(base, colours.near, 0.72), mix(mix(base, (1.0, 1.0, 1.0), 0.45), colours.glow, 0.3)
    low = np.clip(tone / 0.5, 0, 1)[..., None]
    high = np.clip((tone - 0.5) / 0.5, 0, 1)[..., None]
    paint: Field = np.asarray(dark, np.float32) * (1 - low) + np.asarray(base, np.float32) * low
    paint = paint * (1 - high) + np.asarray(bright, np.float32) * high
    toward = 1 if scene.light_x > subject.x else -1
    reach = max(1, round(canvas.height / 150))
    soft = blurred(cover, canvas.height / 26)
    round_light = np.clip(
        0.5 + toward * 2.2 * (shifted(soft, toward * reach * 3, 0) - shifted(soft, -toward * reach * 3, 0)),
        0,
        1,
    )
    paint = paint * (0.72 + 0.42 * round_light)[..., None]
    rim: Field = np.clip(cover - shifted(cover, -toward * reach, reach), 0, 1)
    rim = (
        blurred(rim, max(0.6, canvas.height / 700))
        * (0.9 if setting.lit < 0.9 else 0.5)
        * min(1.0, colours.strength)
    )
    paint = paint + (np.asarray(mix(colours.glow, colours.light, 0.45), np.float32) - paint) * rim[..., None]
    return np.asarray(np.clip(paint, 0, 1))


def _by_nature(scene: Scene, subject: Subject) -> Rgb:
    """The shape's own colour; a tree's is that of what falls from it."""
    if subject.shape == "tree" and scene.weather in _LEAVES:
        return rgb(_LEAVES[scene.weather])
    return rgb(NATURAL[subject.shape])


def _shadow(canvas: Canvas, cover: Field, feet: float, strength: float, size: float) -> Rgba:
    """A soft pool of shade under it, as wide as what touches the ground."""
    columns = cover[max(0, int(canvas.row(feet - 0.16 * size))) : int(canvas.row(feet + 0.02))].max(
        axis=0, initial=0
    )
    spread = np.convolve(columns, np.ones(max(3, canvas.width // 40)) / max(3, canvas.width // 40), "same")
    down = (canvas.y - feet - 0.004) / (0.028 * max(0.4, size / 0.3))
    amount = np.exp(-(down**2)) * np.clip(spread, 0, 1)[None, :] * strength * 1.5
    return canvas.painted(
        (0.01, 0.01, 0.02), blurred(np.clip(amount, 0, 0.85).astype(np.float32), canvas.height / 130)
    )


def _mirror(
    canvas: Canvas,
    cover: Field,
    paint: Field,
    glow: Field,
    feet: float,
    setting: Setting,
    drift: tuple[float, float],
) -> Layer:
    """Upside down below its feet, fading."""
    rows = np.clip(2 * canvas.row(feet) - np.arange(canvas.rows) - 1, 0, canvas.rows - 1).astype(int)
    below = np.clip((canvas.y - feet) / 0.3, 0, 1)
    alpha = cover[rows] * (canvas.y > feet) * setting.mirror * (1 - below) ** 1.4
    dull = np.clip(paint[rows] * 0.8 + glow[rows][..., None] * 0.3, 0, 1)
    return Layer(
        canvas.painted(dull.astype(np.float32), alpha.astype(np.float32)),
        setting.depth,
        drift=drift,
        ripple=0.004,
    )


def _shine(
    scene: Scene,
    canvas: Canvas,
    glow: Field,
    setting: Setting,
    drift: tuple[float, float],
    bob: tuple[float, float],
) -> Layer:
    """Its lamps and windows, and the light around them."""
    strength = 1.0 if scene.is_night else 0.45
    wide = blurred(glow, canvas.height / 34) * 1.7 + blurred(glow, canvas.height / 12) * 1.3
    amount = np.clip((0.75 * glow + wide) * strength, 0, 1)
    return Layer(
        canvas.shining(scene.palette.accent, amount.astype(np.float32)),
        setting.depth,
        drift=drift,
        bob=bob,
        flicker=0.12,
    )


def _steam(scene: Scene, canvas: Canvas, subject: Subject, top: float, setting: Setting) -> Layer:
    """Two curls that rise."""
    amount = np.zeros((canvas.rows, canvas.columns), np.float32)
    up = np.clip((top - canvas.y) / 0.34, 0, 1)
    for number, phase in enumerate((0.0, 2.1, 4.4)):
        x = subject.x + 0.02 * (number - 1) + (0.008 + 0.035 * up) * np.sin(7 * up + phase)
        amount += (
            np.exp(-(((canvas.x - x) / (0.006 + 0.016 * up)) ** 2))
            * up**0.5
            * (1 - up) ** 1.4
            * (canvas.y < top)
        )
    colour = mix(scene.palette.light, scene.palette.haze, 0.3)
    return Layer(
        canvas.painted(colour, np.clip(0.42 * amount, 0, 0.6).astype(np.float32)),
        setting.depth,
        drift=(0.0, -0.05),
        ripple=0.002,
    )
