"""What carries people; it goes to the right."""

from collections.abc import Callable, Mapping

from workers.gpu_generate.animatic.shapes.pen import DARK, PALE, Pen, path


def car(pen: Pen) -> None:
    """About 2.4 long and 0.72 high."""
    pen.blob(
        *path(
            "-1.12,0.16 -1.16,0.3 -1.08,0.42 -0.78,0.46 -0.5,0.66 -0.2,0.72 0.16,0.71 0.42,0.58 "
            "0.6,0.45 0.98,0.39 1.14,0.29 1.15,0.17 1,0.11 -1,0.11"
        ),
    )
    pen.blob(*path("-0.66,0.45 -0.44,0.61 -0.2,0.655 -0.08,0.66 -0.08,0.46"), tone=0.12)
    pen.blob(*path("-0.02,0.46 -0.02,0.66 0.14,0.655 0.34,0.57 0.47,0.46"), tone=0.12)
    pen.stroke((-1.08, 0.34), (0, 0.36), (1.06, 0.31), start=0.012, tone=0.85)
    for x in (-0.68, 0.70):
        pen.oval(x, 0.15, 0.205, 0.205, tone=0.08)
        pen.oval(x, 0.15, 0.115, 0.115, tone=0.62)
        pen.oval(x, 0.15, 0.045, 0.045, tone=0.12)
    pen.blob((0.98, 0.33), (1.12, 0.28), (1.12, 0.24), (1.0, 0.27), tone=PALE, glow=1)
    pen.blob((-1.15, 0.35), (-1.08, 0.36), (-1.08, 0.3), (-1.15, 0.29), tone=0.7, glow=0.7)


def train(pen: Pen) -> None:
    for left in (-1.5, -0.62, 0.26):
        pen.bar(left, 0.12, left + 0.84, 0.62, round_by=0.05)
        pen.bar(left, 0.55, left + 0.84, 0.66, round_by=0.04, tone=0.3)
        pen.bar(left, 0.2, left + 0.84, 0.235, tone=0.85)
        for number in range(5):
            pen.bar(
                left + 0.06 + 0.155 * number,
                0.34,
                left + 0.165 + 0.155 * number,
                0.5,
                round_by=0.015,
                tone=PALE,
                glow=0.9,
            )
        for x in (left + 0.14, left + 0.3, left + 0.54, left + 0.7):
            pen.oval(x, 0.07, 0.07, 0.07, tone=0.1)
    pen.blob(*path("1.08,0.12 1.08,0.62 1.3,0.55 1.46,0.3 1.46,0.14"))
    pen.blob((1.16, 0.4), (1.16, 0.55), (1.28, 0.5), (1.36, 0.4), tone=0.12)
    pen.oval(1.42, 0.24, 0.03, 0.03, tone=PALE, glow=1)


def sailboat(pen: Pen) -> None:
    pen.blob(
        *path("-0.55,0.16 -0.5,0.02 -0.3,-0.03 0.3,-0.03 0.5,0.03 0.68,0.19 0.2,0.145 -0.3,0.14"), tone=0.2
    )
    pen.stroke((-0.5, 0.13), (0, 0.12), (0.6, 0.165), start=0.014, tone=0.9)
    pen.stroke((0.02, 0.12), (0.02, 1.24), start=0.02, end=0.012, tone=0.2)
    pen.blob(*path("0,1.2 -0.14,0.8 -0.36,0.42 -0.5,0.24 -0.2,0.235 -0.01,0.24"), tone=0.82)
    pen.blob(*path("0.05,1.06 0.16,0.72 0.36,0.4 0.56,0.23 0.3,0.25 0.06,0.26"), tone=0.66)


def balloon(pen: Pen) -> None:
    pen.blob(
        *path(
            "0,1.12 0.22,1.06 0.37,0.88 0.36,0.66 0.22,0.46 0.08,0.32 -0.08,0.32 -0.22,0.46 "
            "-0.36,0.66 -0.37,0.88 -0.22,1.06"
        ),
    )
    for wide, tone in ((0.255, 0.78), (0.125, 0.44)):
        pen.blob(
            (0, 1.12),
            (wide * 0.62, 1.06),
            (wide, 0.88),
            (wide, 0.66),
            (wide * 0.6, 0.46),
            (0.03, 0.32),
            (-0.03, 0.32),
            (-wide * 0.6, 0.46),
            (-wide, 0.66),
            (-wide, 0.88),
            (-wide * 0.62, 1.06),
            tone=tone,
        )
    for side in (-1, 1):
        pen.stroke((0.075 * side, 0.32), (0.05 * side, 0.13), start=0.008, tone=DARK)
    pen.oval(0, 0.285, 0.03, 0.04, tone=PALE, glow=1)
    pen.bar(-0.06, 0.03, 0.06, 0.14, round_by=0.02, tone=0.26)


def rocket(pen: Pen) -> None:
    pen.blob(*path("-0.07,0.14 -0.09,-0.05 0,-0.3 0.09,-0.05 0.07,0.14"), tone=PALE, glow=1)
    for side in (-1, 1):
        pen.blob(
            (0.12 * side, 0.44), (0.27 * side, 0.24), (0.28 * side, 0.06), (0.12 * side, 0.18), tone=0.36
        )
    pen.blob(
        *path("0,1.16 0.12,0.94 0.165,0.66 0.14,0.34 0.09,0.14 -0.09,0.14 -0.14,0.34 -0.165,0.66 -0.12,0.94"),
        tone=0.68,
    )
    pen.blob(*path("0,1.16 0.085,1.02 0.115,0.93 -0.115,0.93 -0.085,1.02"), tone=0.36)
    pen.oval(0, 0.72, 0.075, 0.075, tone=0.3)
    pen.oval(0, 0.72, 0.052, 0.052, tone=PALE, glow=0.6)


def plane(pen: Pen) -> None:
    pen.blob((-0.75, 0.62), (-1.0, 0.9), (-0.86, 0.92), (-0.55, 0.64), tone=0.42)
    pen.blob(
        *path("1.05,0.52 0.85,0.62 0.3,0.655 -0.5,0.64 -0.98,0.6 -0.96,0.55 -0.4,0.46 0.4,0.42 0.9,0.44"),
        tone=0.66,
    )
    pen.blob(*path("0.25,0.5 -0.2,0.3 -0.62,0.16 -0.46,0.2 -0.1,0.47"), tone=0.4)
    pen.blob((-0.7, 0.57), (-0.98, 0.5), (-1.08, 0.5), (-0.86, 0.6), tone=0.36)
    for number in range(10):
        pen.oval(-0.36 + 0.11 * number, 0.575, 0.018, 0.022, tone=DARK)
    pen.blob((0.84, 0.565), (0.96, 0.56), (1.0, 0.535), (0.86, 0.53), tone=0.1)


SHAPES: Mapping[str, Callable[[Pen], None]] = {
    shape.__name__: shape for shape in (car, train, sailboat, balloon, rocket, plane)
}
