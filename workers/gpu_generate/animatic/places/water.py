"""The sea: what stands above it mirrored and broken by waves, the light's path, islands and headlands."""

import numpy as np

from workers.gpu_generate.animatic.canvas import Canvas, Layer, Rgba, blurred
from workers.gpu_generate.animatic.colour import Field, mix, smoothstep
from workers.gpu_generate.animatic.noise import clouds
from workers.gpu_generate.animatic.places.land import mist, ridge, wander
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.places.sky import bloom, sky, sky_layers
from workers.gpu_generate.animatic.places.town import skyline
from workers.gpu_generate.animatic.scene import Scene
from workers.gpu_generate.animatic.words import Place


def sea(scene: Scene, canvas: Canvas) -> Setting:
    """Open water below far islands, or below a town."""
    horizon = scene.horizon
    behind = sky_layers(scene, canvas)
    far = wander(canvas, "islands", base=horizon + 0.005, rise=0.11, waves=2.6, rough=0.5)
    far += (0.09 * smoothstep(0.3, 0.05, np.abs(canvas.x[0] - scene.light_x))).astype(np.float32)
    behind += [Layer(ridge(scene, canvas, far, near=0.12, mist=0.6, rocky=0.4, drop=0.1), 0.12)]
    if scene.backdrop is Place.CITY:
        behind += skyline(scene, canvas, foot=horizon + 0.004, tall=0.2, near=0.4, depth=0.16, word="coast")
    behind += [mist(scene, canvas, "sea", at=horizon, thick=0.018, amount=0.5, depth=0.12)]
    water = _water(scene, canvas)
    behind += [Layer(water, 0.3, ripple=0.006)]
    behind += _glitter(scene, canvas)
    behind += [bloom(scene, canvas, 0.3)]
    return Setting(
        behind,
        _headland(scene, canvas),
        ground=0.745,
        depth=0.55,
        scale=0.95,
        mirror=0.5,
        lit=0.55,
        shadow=0.0,
    )


def _water(scene: Scene, canvas: Canvas) -> Rgba:
    horizon = scene.horizon
    below = np.clip(canvas.y - horizon, 0, None)
    mirrored = np.clip(((horizon - 0.9 * below) - canvas.y[0, 0]) * canvas.height, 0, canvas.rows - 1).astype(
        int
    )
    above = sky(scene, canvas, with_disc=False)
    found = above[mirrored[:, 0]]
    deep = mix(scene.palette.sky[0], scene.palette.near, 0.45)
    share = np.clip(0.12 + 0.75 * below / 0.5, 0, 0.66)[..., None]
    found = found * (1 - share) + np.asarray(deep, np.float32) * share
    waves = _waves(canvas, horizon, "waves")
    light = np.asarray(mix(scene.palette.glow, scene.palette.sky[-2], 0.4), np.float32)
    crest = np.clip(waves - 0.52, 0, 1) * 1.3 * np.clip(below / 0.08, 0.15, 1)
    trough = np.clip(0.48 - waves, 0, 1) * 1.1 * np.clip(below / 0.08, 0.1, 1)
    found = found + (light - found) * np.clip(crest, 0, 0.7)[..., None]
    found = found * (1 - np.clip(trough, 0, 0.5))[..., None]
    edge = np.full(canvas.columns, horizon, np.float32)
    return canvas.painted(found.astype(np.float32), canvas.below(edge))


def _waves(canvas: Canvas, horizon: float, word: str) -> Field:
    """Noise in perspective: fine and flat far out, coarse and wide close by."""
    rng = canvas.dice(word)
    below = np.clip(canvas.y - horizon, 1e-4, None)
    far_away = 0.055 / (below + 0.012)
    lumps = clouds(rng, 512, 512, cell=64, octaves=5, stretch=1.6)
    rows = (far_away * 190).astype(int) % 512
    columns = ((canvas.x - 0.5) * (0.25 + 0.9 * far_away) * 420).astype(int) % 512
    fine = lumps[rows, columns]
    coarse = lumps[(rows // 3) % 512, (columns // 3) % 512]
    return np.asarray(0.55 * fine + 0.45 * coarse)


def _glitter(scene: Scene, canvas: Canvas) -> list[Layer]:
    """The light's path on the water, on sheets that come and go in turn."""
    horizon = scene.horizon
    below = np.clip(canvas.y - horizon, 0, None)
    spread = 0.03 + 0.3 * below
    path = np.exp(-(((canvas.x - scene.light_x) / spread) ** 2)) * (below > 0.002)
    found = []
    for number in range(3):
        sparks = _waves(canvas, horizon, f"glitter {number}")
        amount = (
            path * smoothstep(0.42, 0.68, sparks.astype(np.float32)) * np.clip(1.05 - 1.3 * below, 0.1, 1)
        )
        amount = np.clip(amount + 0.35 * blurred(amount.astype(np.float32), 2), 0, 1) * scene.palette.strength
        colour = mix(scene.palette.glow, scene.palette.light, 0.5)
        sheet = canvas.shining(colour, np.clip(0.95 * amount, 0, 1).astype(np.float32))
        found.append(Layer(sheet, 0.3, ripple=0.008, flicker=0.75, phase=number / 3))
    return found


def _headland(scene: Scene, canvas: Canvas) -> list[Layer]:
    """Rocks in the corner that the light is not in."""
    away = canvas.x[0] if scene.light_x < 0.5 else 1 - canvas.x[0]
    rough = wander(canvas, "rocks", base=0.0, rise=0.06, waves=6.0, rough=0.6)
    edge = 1.08 - 0.34 * np.clip((away - 0.62) / 0.55, 0, 1) ** 1.3 + rough
    pixels = ridge(
        scene, canvas, edge.astype(np.float32), near=0.97, mist=0.0, rocky=0.6, texture=0.25, drop=0.3
    )
    return [Layer(pixels, 0.95)]
