"""Under water: light from above, rays, weed and coral."""

import numpy as np

from workers.gpu_generate.animatic.canvas import Canvas, Layer, blurred
from workers.gpu_generate.animatic.colour import Field, gradient, mix
from workers.gpu_generate.animatic.noise import clouds
from workers.gpu_generate.animatic.places.land import FINER, drawn, mask_of, mist, ridge, wander
from workers.gpu_generate.animatic.places.setting import Setting
from workers.gpu_generate.animatic.scene import Scene


def deep(scene: Scene, canvas: Canvas) -> Setting:
    """Open blue above a reef."""
    down = np.clip((canvas.y[:, 0] + 0.12) / 1.15, 0, 1)
    back = np.repeat(gradient(scene.palette.sky, down)[:, None, :], canvas.columns, axis=1)
    far = canvas.distance(scene.light_x, -0.08, flat=1.5)
    halo = np.clip(np.exp(-far / 0.3), 0, 0.9)[..., None]
    back = back * (1 - halo) + np.asarray(scene.palette.light, np.float32) * halo
    whole = np.ones((canvas.rows, canvas.columns), np.float32)
    behind = [Layer(canvas.painted(back, whole), 0.0), *_rays(scene, canvas)]
    for number, (base, near) in enumerate(((0.84, 0.1), (0.93, 0.42), (1.02, 0.75))):
        edge = wander(canvas, f"reef {number}", base=base, rise=0.13, waves=3.0 + number, rough=0.6)
        reef = ridge(
            scene, canvas, edge, near=near, mist=0.35 - 0.1 * number, texture=0.3, rocky=0.3, drop=0.25
        )
        behind += [Layer(reef, 0.22 + 0.22 * number)]
        behind += [_weed(scene, canvas, edge, number, near)]
        behind += [
            mist(scene, canvas, f"reef {number}", at=base, thick=0.09, amount=0.3, depth=0.22 + 0.22 * number)
        ]
    return Setting(behind, [], ground=0.72, depth=0.62, scale=1.05, lit=0.7, shadow=0.0)


def _rays(scene: Scene, canvas: Canvas) -> list[Layer]:
    found = []
    for number in range(2):
        angle = np.arctan2((canvas.x - scene.light_x) * canvas.aspect, canvas.y + 0.5)
        rays = clouds(canvas.dice("rays", str(number)), 1024, 6, cell=26, octaves=4)[3]
        index = np.clip((angle / np.pi + 0.5) * 1023, 0, 1023).astype(int)
        beam = np.clip((rays[index] - 0.42) * 2.4, 0, 1) * np.clip(0.95 - canvas.y, 0, 1) ** 1.3
        amount = blurred(np.asarray(beam, np.float32), canvas.height / 80) * 0.42
        found.append(Layer(canvas.shining(scene.palette.glow, amount), 0.08, flicker=0.6, phase=0.5 * number))
    return found


def _weed(scene: Scene, canvas: Canvas, edge: Field, number: int, near: float) -> Layer:
    rng = canvas.dice("weed", str(number))
    sheet, pen, unit = drawn(canvas)
    for _ in range(30 - 6 * number):
        column = int(rng.integers(0, canvas.columns))
        x, y = column * FINER, canvas.row(float(edge[column])) * FINER + 0.02 * unit
        size = unit * float(rng.uniform(0.04, 0.15)) * (1 + 0.7 * number)
        phase = float(rng.random() * 6)
        if rng.random() < 0.45:  # coral: a fan of branches
            for branch in np.linspace(-0.9, 0.9, 7):
                tip = (x + size * 0.6 * np.sin(branch), y - size * 0.75 * np.cos(branch))
                pen.line([(x, y), tip], fill=255, width=max(2, int(size * 0.08)))
                pen.ellipse(
                    (tip[0] - size * 0.06, tip[1] - size * 0.06, tip[0] + size * 0.06, tip[1] + size * 0.06),
                    fill=255,
                )
        else:
            steps = np.linspace(0, 1, 14)
            path = [(x + size * 0.16 * np.sin(5 * s + phase) * s, y - size * 1.5 * s) for s in steps]
            for (px, py), s in zip(path, steps, strict=True):
                half = size * 0.06 * (1.1 - s)
                pen.ellipse((px - half, py - half * 2, px + half, py + half * 2), fill=255)
    colour = mix(
        scene.palette.land(near),
        scene.palette.accent if number % 2 else scene.palette.accent_2,
        0.3 + 0.12 * number,
    )
    colour = mix(colour, scene.palette.haze, 0.4 - 0.18 * number)
    return Layer(canvas.painted(colour, mask_of(canvas, sheet)), 0.22 + 0.22 * number, ripple=0.003)
