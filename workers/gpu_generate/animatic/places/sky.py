"""Skies: gradient, light and its glow, clouds lit from its side, stars."""

import numpy as np

from workers.gpu_generate.animatic.canvas import Canvas, Layer, blurred, shifted
from workers.gpu_generate.animatic.colour import Field, gradient, mix, smoothstep
from workers.gpu_generate.animatic.noise import clouds
from workers.gpu_generate.animatic.scene import Scene
from workers.gpu_generate.animatic.words import Mood, Weather

_CLOUDINESS = {Mood.GREY: 0.34, Mood.STORM: 0.26, Mood.NIGHT: 0.6, Mood.NEON: 0.56, Mood.DAY: 0.5}


def sky(scene: Scene, canvas: Canvas, *, with_disc: bool = True) -> Field:
    """The sky's colours, (H, W, 3); `with_disc`, and the sun or moon itself."""
    colours = scene.palette
    down = np.clip(canvas.y / max(0.2, scene.horizon), 0, 1)
    found = np.repeat(gradient(colours.sky, down[:, 0])[:, None, :], canvas.columns, axis=1)
    far = canvas.distance(scene.light_x, scene.light_y)
    wide = canvas.distance(scene.light_x, scene.light_y, flat=2.4)
    halo = 0.62 * np.exp(-far / 0.13) + 0.5 * np.exp(-((wide / 0.34) ** 2))
    halo = np.clip(halo * colours.strength, 0, 0.95)[..., None]
    found = found * (1 - halo) + np.asarray(colours.glow, np.float32) * halo
    if not with_disc:
        return np.asarray(found, np.float32)
    size = colours.light_size
    disc = smoothstep(size + 1.5 / canvas.height, size - 1.5 / canvas.height, far)
    disc *= np.clip(0.75 + 0.5 * (far / size), 0, 1) if not scene.is_night else 1
    if scene.mood is Mood.NIGHT:
        disc = disc * (
            0.82
            + 0.18
            * clouds(canvas.dice("moon"), canvas.columns, canvas.rows, cell=canvas.height * 0.05, octaves=3)
        )
    if scene.mood is Mood.NEON:
        disc = disc * np.clip(np.sin((canvas.y - scene.light_y + size) / size * 22) * 6 + 3.4, 0, 1)
    disc = disc[..., None] * (0.35 if scene.mood in (Mood.GREY, Mood.STORM) else 0.97)
    return np.asarray(found * (1 - disc) + np.asarray(colours.light, np.float32) * disc, np.float32)


def sky_layers(scene: Scene, canvas: Canvas) -> list[Layer]:
    """The sky, its stars and its clouds, the farthest first."""
    whole = np.ones((canvas.rows, canvas.columns), np.float32)
    layers = [Layer(canvas.painted(sky(scene, canvas), whole), 0.0)]
    layers += stars(scene, canvas, scene.palette.stars)
    if "aurora" in scene.prompt.lower() or "northern lights" in scene.prompt.lower():
        layers += _aurora(scene, canvas)
    return layers + _clouds(scene, canvas)


def stars(scene: Scene, canvas: Canvas, amount: float, *, down_to: float | None = None) -> list[Layer]:
    """Two sheets of stars that twinkle out of step."""
    if amount <= 0:
        return []
    lowest = scene.horizon if down_to is None else down_to
    found = []
    for number in range(2):
        rng = canvas.dice("stars", str(number))
        sheet = np.zeros((canvas.rows, canvas.columns), np.float32)
        count = int(330 * amount)
        rows = (rng.random(count) ** 1.2 * canvas.rows * 0.98).astype(int)
        columns = rng.integers(1, canvas.columns - 1, count)
        bright = rng.random(count).astype(np.float32) ** 3.2
        sheet[rows, columns] = 0.3 + 0.7 * bright
        large = bright > 0.45
        for right, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            r = np.clip(rows[large] + down, 0, canvas.rows - 1)
            sheet[r, np.clip(columns[large] + right, 0, canvas.columns - 1)] = 0.45 * bright[large]
        sheet += 2.2 * blurred(np.where(sheet > 0.75, sheet, 0), canvas.height / 160)
        sheet *= np.clip((lowest - canvas.y) / max(0.05, lowest) * 2.2, 0, 1)
        colour = mix((1.0, 0.98, 0.94), scene.palette.glow, 0.25 * number)
        found.append(
            Layer(canvas.shining(colour, np.clip(sheet, 0, 1)), 0.0, flicker=0.35, phase=0.5 * number)
        )
    return found


def bloom(scene: Scene, canvas: Canvas, depth: float, strength: float = 0.32) -> Layer:
    """The light's veil over everything behind it, as in a lens."""
    far = canvas.distance(scene.light_x, scene.light_y)
    wide = canvas.distance(scene.light_x, scene.light_y, flat=2.6)
    veil = 0.6 * np.exp(-far / 0.22) + 0.55 * np.exp(-wide / 0.3)
    amount = np.clip(veil * strength * scene.palette.strength, 0, 1)
    return Layer(canvas.shining(scene.palette.glow, amount.astype(np.float32)), depth)


def _clouds(scene: Scene, canvas: Canvas) -> list[Layer]:
    colours = scene.palette
    threshold = _CLOUDINESS.get(scene.mood, 0.47)
    if scene.weather in (Weather.RAIN, Weather.SNOW):
        threshold -= 0.1
    found = []
    for number, (cell, opacity, drift) in enumerate(((0.3, 0.8, 0.012), (0.17, 0.6, 0.03))):
        rng = canvas.dice("clouds", str(number))
        lumps = clouds(rng, canvas.columns, canvas.rows, cell=cell * canvas.height, stretch=3.6, octaves=6)
        band = np.exp(
            -(((canvas.y - scene.horizon * (0.34 + 0.3 * number)) / (0.25 * scene.horizon + 0.06)) ** 2)
        )
        cover = smoothstep(threshold, threshold + 0.3, lumps * (0.55 + 0.45 * band)) * np.clip(
            band * 1.3, 0, 1
        )
        reach = max(2, canvas.height // 60)
        toward = 1 if scene.light_x < 0.5 else -1
        below = -1 if scene.light_y > 0.5 * scene.horizon else 1
        lit = np.clip(0.5 + 4.0 * (cover - shifted(cover, -toward * -reach, -below * reach)), 0, 1)
        near = np.exp(-canvas.distance(scene.light_x, scene.light_y, flat=1.6) / 0.55)
        bright = mix(colours.glow, colours.light, 0.45)
        dark = mix(colours.sky[1], colours.sky[-2], 0.45)
        share = np.clip(lit * (0.35 + 0.75 * near), 0, 1)[..., None]
        paint = np.asarray(dark, np.float32) * (1 - share) + np.asarray(bright, np.float32) * share
        found.append(Layer(canvas.painted(paint, cover * opacity), 0.02 + 0.03 * number, drift=(drift, 0.0)))
    return found


def _aurora(scene: Scene, canvas: Canvas) -> list[Layer]:
    found = []
    for number in range(2):
        rng = canvas.dice("aurora", str(number))
        x = canvas.x[0] * 5 + rng.random() * 6
        edge = 0.36 + 0.07 * np.sin(x) + 0.04 * np.sin(2.3 * x + 1) - 0.07 * number
        above = np.clip((edge[None, :] - canvas.y) / 0.34, 0, 1)
        foot = np.clip((edge[None, :] - canvas.y) / 0.02, 0, 1)
        rays = clouds(rng, canvas.columns, 8, cell=canvas.width * 0.05, octaves=5)[4][None, :]
        amount = foot * (1 - above) ** 1.8 * (0.25 + 0.75 * rays) * 0.75
        paint = gradient(((0.45, 1.0, 0.72), (0.25, 0.85, 0.75), (0.5, 0.35, 0.9)), above)
        found.append(
            Layer(
                canvas.shining(paint, amount),
                0.03,
                drift=(0.03 * (1 - 2 * number), 0),
                flicker=0.35,
                phase=0.5 * number,
            )
        )
    return found
