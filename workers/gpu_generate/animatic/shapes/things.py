"""Buildings, trees and products."""

from collections.abc import Callable, Mapping
from math import cos, pi, sin

from workers.gpu_generate.animatic.shapes.pen import DARK, LIGHT, PALE, Pen, path


def lighthouse(pen: Pen) -> None:
    pen.blob(*path("-0.5,-0.03 -0.34,0.1 -0.1,0.14 0.16,0.13 0.38,0.07 0.55,-0.03"), tone=0.14)
    pen.poly((-0.145, 0.1), (0.145, 0.1), (0.09, 0.95), (-0.09, 0.95), tone=0.72)
    for bottom in (0.26, 0.54, 0.82):
        wide, less = 0.145 - 0.065 * (bottom - 0.1), 0.145 - 0.065 * (bottom + 0.02)
        pen.poly((-wide, bottom), (wide, bottom), (less, bottom + 0.13), (-less, bottom + 0.13), tone=0.3)
    pen.bar(-0.13, 0.93, 0.13, 0.965, tone=0.2)
    pen.bar(-0.065, 0.965, 0.065, 1.08, tone=PALE, glow=1)
    pen.poly((-0.085, 1.08), (0.085, 1.08), (0, 1.18), tone=0.24)
    pen.bar(-0.022, 0.1, 0.022, 0.2, tone=DARK)


def cabin(pen: Pen) -> None:
    pen.bar(0.26, 0.5, 0.36, 0.92, tone=0.3)
    pen.poly(*path("-0.5,0 0.5,0 0.5,0.46 0,0.84 -0.5,0.46"), tone=0.46)
    for number in range(6):
        pen.stroke((-0.49, 0.07 + 0.075 * number), (0.49, 0.07 + 0.075 * number), start=0.01, tone=0.3)
    pen.poly(*path("-0.64,0.4 0,0.93 0.64,0.4 0.58,0.37 0,0.83 -0.58,0.37"), tone=0.26)
    pen.bar(0.1, 0.0, 0.28, 0.34, tone=0.2)
    for left in (-0.34, -0.19):
        pen.bar(left, 0.18, left + 0.12, 0.36, tone=PALE, glow=1)
    pen.bar(-0.07, 0.53, 0.07, 0.65, tone=PALE, glow=0.9)


def castle(pen: Pen) -> None:
    pen.bar(-0.55, 0, 0.55, 0.42, tone=0.42)
    for x, wide, high, tone in (
        (-0.55, 0.13, 0.66, 0.5),
        (0.55, 0.13, 0.62, 0.5),
        (0.17, 0.12, 0.98, 0.46),
        (-0.2, 0.15, 0.8, 0.54),
    ):
        pen.bar(x - wide, 0, x + wide, high, tone=tone)
        pen.bar(x - wide * 1.2, high - 0.05, x + wide * 1.2, high, tone=0.36)
        pen.poly((x - wide * 1.3, high), (x + wide * 1.3, high), (x, high + 3.0 * wide), tone=0.26)
        pen.bar(x - 0.025, high - 0.2, x + 0.025, high - 0.1, round_by=0.02, tone=PALE, glow=1)
        pen.stroke((x, high + 3.0 * wide), (x, high + 3.0 * wide + 0.07), start=0.01, tone=DARK)
        pen.poly(
            (x, high + 3 * wide + 0.07),
            (x + 0.09, high + 3 * wide + 0.05),
            (x, high + 3 * wide + 0.03),
            tone=0.6,
        )
    for number in range(9):
        pen.bar(-0.5 + 0.115 * number, 0.42, -0.44 + 0.115 * number, 0.47, tone=0.42)
    pen.blob(*path("-0.08,0 -0.08,0.16 0,0.24 0.08,0.16 0.08,0"), tone=0.12)


def tree(pen: Pen) -> None:
    pen.stroke((0, 0), (0.02, 0.3), (-0.02, 0.6), start=0.13, end=0.06, tone=0.2)
    pen.stroke((0.0, 0.38), (0.16, 0.54), (0.26, 0.66), start=0.05, end=0.02, tone=0.2)
    pen.stroke((0.0, 0.42), (-0.16, 0.58), (-0.26, 0.68), start=0.05, end=0.02, tone=0.2)
    crown = (
        (-0.3, 0.66, 0.2),
        (0.3, 0.66, 0.19),
        (-0.16, 0.82, 0.22),
        (0.17, 0.83, 0.21),
        (0, 0.95, 0.2),
        (0, 0.7, 0.22),
    )
    for x, y, size in crown:
        pen.oval(x, y, size, size * 0.86, tone=0.36)
    for x, y, size in crown:
        pen.oval(x - 0.035, y + 0.05, size * 0.74, size * 0.6, tone=0.52)
    for number in range(14):
        angle = number * 2.4
        pen.oval(0.3 * cos(angle) - 0.03, 0.83 + 0.19 * sin(angle), 0.055, 0.04, tone=0.68)


def mug(pen: Pen) -> None:
    pen.oval(0.37, 0.40, 0.20, 0.225, tone=0.42)
    pen.oval(0.36, 0.40, 0.125, 0.15, tone=0.03)
    pen.poly(
        *path("-0.38,0.74 -0.375,0.2 -0.35,0.1 -0.29,0.04 0.29,0.04 0.35,0.1 0.375,0.2 0.38,0.74"),
    )
    pen.oval(0, 0.055, 0.3, 0.055)
    pen.stroke((-0.31, 0.62), (-0.315, 0.3), (-0.28, 0.14), start=0.03, end=0.018, tone=0.74)
    pen.oval(0, 0.74, 0.38, 0.085, tone=0.8)
    pen.oval(0, 0.735, 0.345, 0.066, tone=0.12)
    pen.oval(0.03, 0.722, 0.25, 0.034, tone=0.24)


def bottle(pen: Pen) -> None:
    pen.blob(
        *path(
            "-0.2,0.02 -0.21,0.3 -0.2,0.56 -0.14,0.7 -0.075,0.78 0.075,0.78 0.14,0.7 0.2,0.56 "
            "0.21,0.3 0.2,0.02 0,0"
        )
    )
    pen.bar(-0.07, 0.74, 0.07, 0.96, round_by=0.015)
    pen.bar(-0.09, 0.93, 0.09, 1.08, round_by=0.02, tone=0.2)
    pen.bar(-0.09, 0.915, 0.09, 0.94, tone=0.86)
    pen.bar(-0.205, 0.18, 0.205, 0.48, tone=0.88)
    pen.bar(-0.12, 0.37, 0.12, 0.395, tone=0.4)
    pen.bar(-0.08, 0.31, 0.08, 0.325, tone=0.55)
    pen.stroke((-0.155, 0.08), (-0.16, 0.16), start=0.022, tone=LIGHT)
    pen.stroke((-0.155, 0.51), (-0.135, 0.62), (-0.08, 0.71), start=0.024, end=0.014, tone=LIGHT)


def shoe(pen: Pen) -> None:
    pen.blob(
        *path(
            "-0.72,0.1 -0.74,0.34 -0.66,0.56 -0.56,0.62 -0.36,0.54 -0.12,0.5 0.14,0.36 0.46,0.28 "
            "0.72,0.22 0.78,0.12"
        )
    )
    pen.blob(*path("-0.6,0.58 -0.4,0.51 -0.2,0.5 -0.36,0.44 -0.58,0.48"), tone=0.1)
    pen.blob((-0.6, 0.12), (-0.34, 0.34), (0.1, 0.16), (0.3, 0.12), tone=0.3)
    for number in range(4):
        pen.stroke(
            (-0.14 + 0.11 * number, 0.49 - 0.06 * number),
            (-0.06 + 0.11 * number, 0.36 - 0.04 * number),
            start=0.026,
            tone=PALE,
        )
    pen.blob(*path("-0.78,0.12 -0.76,0.02 -0.4,0 0.5,0 0.84,0.05 0.82,0.14 0.4,0.12 -0.3,0.13"), tone=0.9)
    pen.stroke((-0.74, 0.05), (0, 0.045), (0.8, 0.07), start=0.014, tone=0.5)


def watch(pen: Pen) -> None:
    pen.blob((-0.17, 0.7), (-0.14, 1.08), (0.14, 1.08), (0.17, 0.7), tone=0.22)
    pen.blob((-0.17, 0.34), (-0.14, 0.0), (0.14, 0.0), (0.17, 0.34), tone=0.22)
    pen.bar(0.28, 0.5, 0.36, 0.58, round_by=0.02, tone=0.6)
    pen.oval(0, 0.54, 0.31, 0.31, tone=0.62)
    pen.oval(0, 0.54, 0.265, 0.265, tone=0.1)
    for number in range(12):
        angle = 2 * pi * number / 12
        pen.oval(0.215 * sin(angle), 0.54 + 0.215 * cos(angle), 0.016, 0.016, tone=PALE, glow=0.2)
    pen.stroke((0, 0.54), (-0.1, 0.64), start=0.028, tone=PALE, glow=0.2)
    pen.stroke((0, 0.54), (0.1, 0.7), start=0.018, tone=PALE, glow=0.2)


def phone(pen: Pen) -> None:
    pen.bar(-0.26, 0, 0.26, 1.04, round_by=0.07, tone=0.4)
    pen.bar(-0.235, 0.025, 0.235, 1.015, round_by=0.055, tone=0.72, glow=0.45)
    pen.bar(-0.06, 0.965, 0.06, 0.99, round_by=0.012, tone=0.05)
    for row, wide in ((0.8, 0.16), (0.7, 0.1), (0.3, 0.17)):
        pen.bar(-wide, row, wide, row + 0.045, round_by=0.02, tone=PALE, glow=0.8)


def lamp(pen: Pen) -> None:
    pen.stroke((-0.16, 0.78), (0, 1.06), (0.16, 0.78), start=0.02, tone=0.3)
    pen.bar(-0.22, 0, 0.22, 0.08, round_by=0.02, tone=0.3)
    pen.bar(-0.17, 0.08, 0.17, 0.68, round_by=0.03, tone=0.9, glow=0.75)
    pen.blob(*path("-0.05,0.24 -0.06,0.36 0,0.52 0.06,0.36 0.05,0.24"), tone=PALE, glow=1)
    for x in (-0.17, 0, 0.17):
        pen.bar(x - 0.012, 0.08, x + 0.012, 0.68, tone=0.2)
    pen.poly((-0.24, 0.67), (0.24, 0.67), (0.08, 0.82), (-0.08, 0.82), tone=0.3)


def box(pen: Pen) -> None:
    pen.poly((-0.42, 0.1), (0.02, 0.0), (0.02, 0.56), (-0.42, 0.66), tone=0.46)
    pen.poly((0.02, 0.0), (0.42, 0.14), (0.42, 0.7), (0.02, 0.56), tone=0.32)
    pen.poly((-0.42, 0.66), (0.02, 0.56), (0.42, 0.7), (-0.02, 0.8), tone=0.7)
    pen.poly((-0.25, 0.06), (-0.15, 0.04), (-0.15, 0.6), (-0.25, 0.62), tone=0.84)
    pen.poly((-0.25, 0.62), (-0.15, 0.6), (0.25, 0.735), (0.15, 0.76), tone=0.9)


SHAPES: Mapping[str, Callable[[Pen], None]] = {
    shape.__name__: shape
    for shape in (lighthouse, cabin, castle, tree, mug, bottle, shoe, watch, phone, lamp, box)
}
