"""Space: a nebula, stars and a planet with its air lit from the side."""

import numpy as np

from workers.gpu_generate.animatic.canvas import Canvas, Layer
from workers.gpu_generate.animatic.colour import Rgb, gradient, mix, smoothstep, turned
from workers.gpu_generate.animatic.noise import clouds
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.places.sky import stars
from workers.gpu_generate.animatic.scene import Scene


def space(scene: Scene, canvas: Canvas) -> Setting:
    """The nebula hangs across; the planet fills a lower corner."""
    behind = [_nebula(scene, canvas), *stars(scene, canvas, 1.6, down_to=9.0), *_planet(scene, canvas)]
    return Setting(behind, [], ground=0.7, depth=0.75, scale=1.1, lit=0.8, shadow=0.0)


def _nebula(scene: Scene, canvas: Canvas) -> Layer:
    rng = canvas.dice("nebula")
    slant = (canvas.x - 0.5) * 0.55 * canvas.aspect + (canvas.y - 0.42) * (
        1 if scene.light_x > 0.5 else -1
    ) * 1.0
    lumps = clouds(rng, canvas.columns, canvas.rows, cell=canvas.height * 0.42, octaves=7)
    veins = clouds(rng, canvas.columns, canvas.rows, cell=canvas.height * 0.3, octaves=6)
    band = np.exp(-((slant / 0.5) ** 2))
    dust = np.clip(lumps * 1.7 - 0.3, 0, 1) * band
    ridged = (1 - np.abs(2 * veins - 1)) ** 3 * band
    turn = float(rng.uniform(-40, 40))
    stops = [
        scene.palette.sky[0],
        scene.palette.sky[2],
        turned(scene.palette.sky[3], turn),
        turned(scene.palette.glow, turn),
    ]
    paint = gradient(stops, np.clip(0.85 * dust + 0.4 * ridged * dust, 0, 1))
    hot = np.asarray(turned(scene.palette.accent_2, turn / 2), np.float32)
    paint = paint + hot * (np.clip(ridged * dust - 0.12, 0, 1) * 0.75)[..., None]
    whole = np.ones((canvas.rows, canvas.columns), np.float32)
    return Layer(canvas.painted(np.clip(paint, 0, 1), whole), 0.0)


def _planet(scene: Scene, canvas: Canvas) -> list[Layer]:
    rng = canvas.dice("planet")
    x, y, size = (0.2 if scene.light_x > 0.5 else 0.8), 0.93, float(rng.uniform(0.48, 0.6))
    right, down = (canvas.x - x) * canvas.aspect / size, (canvas.y - y) / size
    out = np.hypot(right, down)
    height = np.sqrt(np.clip(1 - out**2, 0, 1))
    toward = np.array([0.75 if scene.light_x > 0.5 else -0.75, -0.62, 0.22])
    toward /= np.linalg.norm(toward)
    light = np.clip(right * toward[0] + down * toward[1] + height * toward[2], 0, 1)
    bands = clouds(rng, canvas.columns, canvas.rows, cell=canvas.height * 0.16, stretch=5, octaves=5)
    bands = 0.6 * bands + 0.4 * (0.5 + 0.5 * np.sin(down * 9 + 2.5 * bands))
    base = turned(mix(scene.palette.accent, scene.palette.sky[2], 0.35), float(rng.uniform(-120, 120)))
    surface = gradient([mix(base, (0, 0, 0), 0.45), base, mix(base, (1, 1, 1), 0.5)], bands)
    shade = smoothstep(-0.02, 0.75, light)[..., None]
    paint = surface * (0.02 + 0.98 * shade)
    rim = np.clip(out, 0, 1) ** 9 * smoothstep(0.0, 0.5, light + 0.1)
    air = mix(scene.palette.accent, (1.0, 1.0, 1.0), 0.3)
    paint = paint + np.asarray(air, np.float32) * (0.75 * rim)[..., None]
    pixel = 1 / (size * canvas.height)
    disc = smoothstep(1 + pixel, 1 - pixel, out)
    facing = np.clip((right * toward[0] + down * toward[1]) / np.maximum(out, 1e-3) + 0.25, 0, 1)
    halo = np.exp(-np.clip(out - 1, 0, None) / 0.045) * (out > 1 - pixel) * facing * 0.75
    layers = [
        Layer(canvas.shining(air, halo.astype(np.float32)), 0.2),
        Layer(canvas.painted(np.clip(paint, 0, 1).astype(np.float32), disc), 0.2),
    ]
    if "ring" in scene.prompt.lower() or "saturn" in scene.prompt.lower():
        layers += [_ring(scene, canvas, x, y, size, air)]
    return layers


def _ring(scene: Scene, canvas: Canvas, x: float, y: float, size: float, colour: Rgb) -> Layer:
    """Bands round the planet, in front of it below and behind it above."""
    tilt = 0.42 if x < 0.5 else -0.42
    right, down = (canvas.x - x) * canvas.aspect / size, (canvas.y - y) / size
    along, across = (
        right * np.cos(tilt) - down * np.sin(tilt),
        (right * np.sin(tilt) + down * np.cos(tilt)) / 0.24,
    )
    out = np.hypot(along, across)
    bands = clouds(canvas.dice("ring"), 512, 8, cell=30, octaves=5)[4]
    grooves = bands[np.clip((out - 1.2) / 0.95 * 511, 0, 511).astype(int)]
    amount = smoothstep(1.2, 1.26, out) * smoothstep(2.15, 2.0, out) * (0.25 + 0.75 * grooves)
    hidden = (np.hypot(right, down) < 1) & (across < 0)
    tint = mix(colour, scene.palette.light, 0.55)
    return Layer(canvas.painted(tint, np.where(hidden, 0, 0.8 * amount).astype(np.float32)), 0.2)
