"""People and animals; what walks faces right."""

from collections.abc import Callable, Mapping
from math import cos, pi, sin

from workers.gpu_generate.animatic.shapes.pen import DARK, LIGHT, PALE, Pen, path


def person(pen: Pen) -> None:
    """Seen from behind, in a long coat."""
    for side in (-1, 1):
        pen.stroke(
            (0.055 * side, 0.42), (0.06 * side, 0.2), (0.065 * side, 0.02), start=0.085, end=0.06, tone=0.3
        )
        pen.oval(0.075 * side, 0.015, 0.05, 0.02, tone=DARK)
        pen.stroke(
            (0.12 * side, 0.79), (0.165 * side, 0.62), (0.15 * side, 0.45), start=0.075, end=0.05, tone=0.42
        )
    pen.blob(
        *path(
            "-0.05,0.86 -0.12,0.825 -0.135,0.7 -0.115,0.56 -0.14,0.4 -0.15,0.31 -0.05,0.29 "
            "0.05,0.29 0.15,0.31 0.14,0.4 0.115,0.56 0.135,0.7 0.12,0.825 0.05,0.86"
        ),
    )
    pen.stroke((0, 0.29), (0.005, 0.5), start=0.012, end=0.006, tone=0.25)
    pen.stroke((-0.06, 0.865), (0, 0.85), (0.06, 0.865), start=0.05, tone=LIGHT)
    pen.stroke((-0.05, 0.86), (-0.12, 0.74), (-0.1, 0.66), start=0.03, end=0.045, tone=LIGHT)
    pen.oval(0, 0.935, 0.055, 0.068, tone=0.36)


def dancer(pen: Pen) -> None:
    pen.stroke((0.0, 0.50), (0.025, 0.25), (0.015, 0.0), start=0.085, end=0.032, tone=0.6)
    pen.stroke((0.0, 0.50), (-0.2, 0.52), (-0.46, 0.66), start=0.085, end=0.028, tone=0.6)
    pen.blob(
        *path("-0.07,0.6 -0.3,0.52 -0.34,0.4 -0.1,0.4 0.12,0.36 0.24,0.42 0.08,0.6"),
        tone=0.5,
    )
    pen.stroke((0.035, 0.82), (0.0, 0.56), start=0.125, end=0.1)
    pen.stroke((0.07, 0.81), (0.2, 0.9), (0.3, 1.08), start=0.05, end=0.02, tone=0.62)
    pen.stroke((0.0, 0.81), (-0.16, 0.86), (-0.33, 1.0), start=0.05, end=0.02, tone=0.62)
    pen.stroke((0.04, 0.82), (0.05, 0.88), start=0.045, tone=0.62)
    pen.oval(0.06, 0.935, 0.052, 0.064, tone=0.62)
    pen.oval(0.015, 0.985, 0.032, 0.03, tone=DARK)


def astronaut(pen: Pen) -> None:
    pen.bar(-0.2, 0.42, 0.2, 0.76, round_by=0.06, tone=0.34)
    for side in (-1, 1):
        pen.stroke(
            (0.09 * side, 0.4), (0.12 * side, 0.22), (0.12 * side, 0.05), start=0.15, end=0.13, tone=0.62
        )
        pen.bar(0.12 * side - 0.09, 0.0, 0.12 * side + 0.09, 0.07, round_by=0.03, tone=0.3)
        pen.stroke(
            (0.16 * side, 0.68), (0.27 * side, 0.55), (0.25 * side, 0.38), start=0.13, end=0.105, tone=0.66
        )
        pen.oval(0.245 * side, 0.355, 0.05, 0.05, tone=0.34)
    pen.bar(-0.165, 0.36, 0.165, 0.74, round_by=0.1, tone=0.74)
    pen.bar(-0.08, 0.52, 0.08, 0.63, round_by=0.02, tone=0.45)
    pen.oval(-0.045, 0.575, 0.016, 0.016, tone=LIGHT, glow=0.9)
    pen.oval(0, 0.86, 0.155, 0.15, tone=0.82)
    pen.oval(0.02, 0.855, 0.115, 0.098, tone=0.1)
    pen.stroke((-0.05, 0.885), (-0.03, 0.915), (0.02, 0.93), start=0.022, end=0.012, tone=PALE, glow=0.4)


def robot(pen: Pen) -> None:
    for side in (-1, 1):
        pen.stroke((0.09 * side, 0.36), (0.1 * side, 0.05), start=0.09, tone=0.36)
        pen.bar(0.1 * side - 0.08, 0, 0.1 * side + 0.08, 0.06, round_by=0.03, tone=0.28)
        pen.stroke(
            (0.2 * side, 0.66), (0.28 * side, 0.5), (0.25 * side, 0.34), start=0.075, end=0.065, tone=0.4
        )
        pen.oval(0.2 * side, 0.66, 0.065, 0.065, tone=0.6)
        pen.oval(0.25 * side, 0.32, 0.045, 0.045, tone=0.6)
    pen.bar(-0.18, 0.34, 0.18, 0.72, round_by=0.07, tone=0.56)
    pen.bar(-0.09, 0.5, 0.09, 0.62, round_by=0.025, tone=0.2)
    pen.oval(0, 0.56, 0.032, 0.032, tone=PALE, glow=1)
    pen.stroke((0, 0.7), (0, 0.78), start=0.06, tone=0.3)
    pen.bar(-0.15, 0.77, 0.15, 0.98, round_by=0.07, tone=0.62)
    pen.bar(-0.115, 0.82, 0.115, 0.915, round_by=0.045, tone=0.1)
    for side in (-1, 1):
        pen.oval(0.05 * side, 0.868, 0.024, 0.024, tone=PALE, glow=1)
    pen.stroke((0, 0.98), (0, 1.07), start=0.014, tone=0.4)
    pen.oval(0, 1.08, 0.022, 0.022, tone=PALE, glow=1)


def fox(pen: Pen) -> None:
    for x, lean, tone in ((0.22, -0.05, 0.26), (-0.26, -0.03, 0.26), (0.33, 0.05, 0.34), (-0.37, -0.06, 0.4)):
        thick = 0.15 if x < 0 else 0.105
        pen.stroke((x, 0.44), (x + lean, 0.22), (x + 0.3 * lean, 0.015), start=thick, end=0.042, tone=tone)
    pen.blob(
        *path("-0.46,0.56 -0.62,0.66 -0.86,0.7 -1.06,0.6 -1.16,0.46 -0.98,0.46 -0.78,0.48 -0.55,0.46"),
    )
    pen.blob(*path("-1,0.58 -1.1,0.56 -1.17,0.455 -1.06,0.465 -0.98,0.5"), tone=PALE)
    pen.blob(
        *path(
            "0.44,0.72 0.16,0.655 -0.18,0.66 -0.42,0.63 -0.53,0.52 -0.46,0.38 -0.18,0.345 "
            "0.12,0.33 0.34,0.345 0.46,0.44 0.54,0.56"
        ),
    )
    pen.blob(*path("0.46,0.6 0.5,0.5 0.42,0.37 0.28,0.345 0.33,0.46"), tone=0.86)
    pen.poly((0.40, 0.74), (0.40, 0.99), (0.53, 0.80), tone=0.34)
    pen.blob(
        *path("0.38,0.68 0.46,0.8 0.6,0.79 0.71,0.68 0.86,0.6 0.84,0.565 0.66,0.545 0.5,0.55"),
    )
    pen.poly((0.49, 0.77), (0.53, 1.0), (0.63, 0.77))
    pen.blob(*path("0.58,0.585 0.72,0.62 0.85,0.59 0.83,0.565 0.66,0.545"), tone=0.9)
    pen.oval(0.853, 0.592, 0.02, 0.018, tone=0.05)
    pen.oval(0.635, 0.685, 0.015, 0.017, tone=0.05)


def cat(pen: Pen) -> None:
    """Sitting, seen from behind."""
    pen.stroke(*path("0.18,0.06 0.42,0.05 0.5,0.2 0.42,0.34 0.46,0.44"), start=0.075, end=0.05)
    pen.blob(
        *path("-0.2,0.02 -0.27,0.16 -0.2,0.42 -0.11,0.62 0,0.66 0.11,0.62 0.2,0.42 0.27,0.16 0.2,0.02"),
    )
    for side in (-1, 1):
        pen.poly((0.04 * side, 0.88), (0.15 * side, 1.02), (0.165 * side, 0.77))
    pen.oval(0, 0.76, 0.17, 0.15)


def _legs(pen: Pen, pairs: tuple[tuple[float, float], ...], top: float, thick: float) -> None:
    for number, (x, lean) in enumerate(pairs):
        tone = 0.3 if number % 2 else 0.44
        pen.stroke(
            (x, top), (x + lean, top * 0.5), (x + 0.25 * lean, 0.03), start=thick, end=thick * 0.4, tone=tone
        )
        pen.stroke((x + 0.25 * lean, 0.03), (x + 0.25 * lean + 0.02, 0.015), start=thick * 0.5, tone=DARK)


def horse(pen: Pen) -> None:
    pen.stroke((-0.42, 0.64), (-0.58, 0.56), (-0.64, 0.32), start=0.06, end=0.1, tone=0.2)
    _legs(pen, ((0.3, 0.1), (0.2, -0.08), (-0.28, -0.1), (-0.36, 0.06)), 0.5, 0.115)
    pen.blob(
        *path(
            "0.42,0.7 0.16,0.7 -0.16,0.695 -0.38,0.72 -0.48,0.6 -0.42,0.46 -0.12,0.43 0.16,0.42 "
            "0.38,0.46 0.46,0.58"
        ),
    )
    pen.stroke((0.34, 0.62), (0.46, 0.8), (0.57, 0.95), start=0.24, end=0.13)
    pen.stroke((0.55, 0.96), (0.68, 0.87), (0.79, 0.77), start=0.125, end=0.08)
    pen.stroke((0.2, 0.74), (0.36, 0.88), (0.5, 1.02), start=0.07, end=0.05, tone=0.2)
    pen.poly((0.5, 0.99), (0.52, 1.1), (0.59, 1.0))
    pen.oval(0.62, 0.93, 0.014, 0.014, tone=0.05)


def deer(pen: Pen) -> None:
    _legs(pen, ((0.26, 0.05), (0.18, -0.05), (-0.24, -0.07), (-0.32, 0.04)), 0.46, 0.085)
    pen.blob(
        *path("0.36,0.62 0.1,0.61 -0.3,0.63 -0.4,0.55 -0.36,0.43 -0.05,0.41 0.26,0.42 0.38,0.5"),
    )
    pen.blob((-0.36, 0.62), (-0.46, 0.6), (-0.42, 0.52), (-0.36, 0.54), tone=0.9)
    pen.stroke((0.28, 0.54), (0.38, 0.68), (0.43, 0.8), start=0.17, end=0.085)
    pen.stroke((0.43, 0.83), (0.52, 0.79), (0.61, 0.745), start=0.095, end=0.055)
    pen.poly((0.38, 0.84), (0.28, 0.9), (0.4, 0.8))
    for side in (-1, 1):
        lean = 0.1 * side
        pen.stroke(
            (0.42, 0.86), (0.38 + lean, 1.0), (0.46 + 1.5 * lean, 1.18), start=0.03, end=0.014, tone=0.66
        )
        pen.stroke((0.39 + 0.8 * lean, 0.97), (0.5 + lean, 1.05), start=0.022, end=0.012, tone=0.66)
        pen.stroke((0.4 + lean, 1.05), (0.33 + 1.4 * lean, 1.16), start=0.02, end=0.012, tone=0.66)


def elephant(pen: Pen) -> None:
    for x, tone in ((0.16, 0.3), (-0.2, 0.3), (0.3, 0.44), (-0.36, 0.44)):
        pen.stroke((x, 0.45), (x, 0.05), start=0.2, end=0.17, tone=tone)
    pen.stroke((-0.5, 0.6), (-0.6, 0.42), (-0.57, 0.3), start=0.04, end=0.03, tone=0.36)
    pen.blob(
        *path("0.4,0.82 0.1,0.92 -0.25,0.9 -0.5,0.74 -0.52,0.5 -0.4,0.34 0.1,0.32 0.38,0.4"),
    )
    pen.blob(*path("0.3,0.86 0.5,0.93 0.66,0.82 0.68,0.64 0.56,0.52 0.4,0.5"))
    pen.stroke((0.62, 0.68), (0.74, 0.48), (0.73, 0.24), (0.84, 0.12), start=0.17, end=0.06)
    pen.stroke((0.6, 0.54), (0.74, 0.5), (0.84, 0.56), start=0.045, end=0.015, tone=PALE)
    pen.blob(*path("0.34,0.84 0.46,0.8 0.47,0.6 0.34,0.46 0.2,0.56 0.2,0.76"), tone=0.38)
    pen.oval(0.58, 0.76, 0.016, 0.016, tone=0.05)


def bird(pen: Pen) -> None:
    """One near and a flock behind it."""
    for x, y, size, lift in (
        (0.05, 0.55, 1.0, 1.0),
        (-0.72, 0.86, 0.36, 0.7),
        (-0.98, 0.62, 0.3, 1.1),
        (0.86, 0.95, 0.33, 0.9),
        (1.15, 0.7, 0.26, 0.6),
        (-0.4, 1.12, 0.24, 1.0),
    ):
        for side in (-1, 1):
            pen.blob(
                (x, y + 0.02 * size),
                (x + side * 0.2 * size, y + 0.17 * size * lift),
                (x + side * 0.52 * size, y + 0.14 * size * lift),
                (x + side * 0.3 * size, y + 0.07 * size * lift),
                (x + side * 0.06 * size, y - 0.05 * size),
            )
        pen.blob(
            (x + 0.13 * size, y + 0.035 * size),
            (x, y + 0.045 * size),
            (x - 0.17 * size, y - 0.05 * size),
            (x - 0.02 * size, y - 0.055 * size),
        )


def whale(pen: Pen) -> None:
    pen.blob(
        *path("-0.7,0.42 -0.98,0.62 -1.2,0.66 -1.1,0.5 -1.22,0.34 -0.98,0.38 -0.72,0.34"),
        tone=0.44,
    )
    pen.blob(
        *path("0.9,0.48 0.66,0.66 0.2,0.72 -0.3,0.58 -0.8,0.43 -0.78,0.35 -0.3,0.24 0.3,0.18 0.74,0.28"),
    )
    pen.blob(
        *path("0.88,0.43 0.5,0.36 -0.1,0.32 -0.5,0.31 0,0.22 0.4,0.185 0.76,0.29"),
        tone=0.86,
    )
    pen.blob(*path("0.3,0.3 0.12,0.1 -0.1,0.02 0.02,0.2 0.1,0.3"), tone=0.4)
    pen.oval(0.66, 0.46, 0.018, 0.018, tone=0.05)


def jellyfish(pen: Pen) -> None:
    for number in range(7):
        x = -0.27 + 0.09 * number
        sway = 0.06 * sin(number * 1.7)
        pen.stroke(
            (x, 0.66),
            (x + sway, 0.42),
            (x - sway, 0.2),
            (x + sway, 0.0 + 0.03 * (number % 3)),
            start=0.028,
            end=0.01,
            tone=0.7,
            glow=0.35,
        )
    pen.blob(
        *path("-0.36,0.64 -0.34,0.84 -0.16,1 0.16,1 0.34,0.84 0.36,0.64 0.18,0.7 0,0.65 -0.18,0.7"),
        tone=0.72,
        glow=0.4,
    )
    pen.blob(*path("-0.2,0.74 -0.14,0.9 0.02,0.95 0.12,0.88 0,0.78"), tone=PALE, glow=0.8)


def butterfly(pen: Pen) -> None:
    for side in (-1, 1):
        pen.blob(
            (0.02 * side, 0.56),
            (0.24 * side, 0.98),
            (0.62 * side, 1.0),
            (0.6 * side, 0.7),
            (0.3 * side, 0.54),
        )
        pen.blob(
            (0.02 * side, 0.52),
            (0.34 * side, 0.5),
            (0.48 * side, 0.26),
            (0.28 * side, 0.08),
            (0.1 * side, 0.3),
            tone=0.62,
        )
        pen.blob((0.14 * side, 0.66), (0.28 * side, 0.88), (0.5 * side, 0.9), (0.46 * side, 0.74), tone=0.85)
        pen.oval(0.31 * side, 0.33, 0.06, 0.06, tone=0.9)
        pen.stroke((0, 0.72), (0.1 * side, 0.9), (0.16 * side, 0.95), start=0.016, tone=DARK)
    pen.stroke((0, 0.74), (0, 0.28), start=0.06, end=0.03, tone=DARK)


def flower(pen: Pen) -> None:
    pen.stroke((0, 0), (0.03, 0.35), (0, 0.72), start=0.035, tone=0.2)
    pen.blob((0.02, 0.2), (0.2, 0.4), (0.3, 0.38), (0.18, 0.22), tone=0.24)
    pen.blob((0.02, 0.3), (-0.18, 0.46), (-0.27, 0.42), (-0.14, 0.3), tone=0.2)
    for ring, tone in ((0.2, 0.44), (0.13, 0.62)):
        for number in range(9):
            angle = 2 * pi * (number + (0.5 if ring < 0.2 else 0)) / 9
            pen.oval(ring * cos(angle), 0.82 + ring * sin(angle), 0.1, 0.1, tone=tone)
    pen.oval(0, 0.82, 0.085, 0.085, tone=PALE)


SHAPES: Mapping[str, Callable[[Pen], None]] = {
    shape.__name__: shape
    for shape in (
        person,
        dancer,
        astronaut,
        robot,
        fox,
        cat,
        horse,
        deer,
        elephant,
        bird,
        whale,
        jellyfish,
        butterfly,
        flower,
    )
}
