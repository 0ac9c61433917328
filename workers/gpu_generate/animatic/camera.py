"""Where the camera is at each moment: moves eased one after the other. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, pi, sin

from workers.gpu_generate.animatic.words import Move

REACH = 0.13  # of the picture's sides: how far the nearest layer may wander from the middle
_ZOOM = 0.28
_ROLL_DEG = 5.0


@dataclass(frozen=True, slots=True)
class Pose:
    """`x` and `y` in REACHes to the right and down; `zoom` magnifies all alike, `dolly` what is near more.

    `roll_deg` turns the picture; `sweep` is how far round the camera has gone, in turns.
    """

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    dolly: float = 1.0
    roll_deg: float = 0.0
    sweep: float = 0.0


def pose_at(moves: Sequence[Move], pace: float, time: float) -> Pose:
    """The pose at `time` 0..1. Moves share the time evenly; where one ends the next begins."""
    pose = _start(moves, pace)
    for number, move in enumerate(moves):
        part = min(1.0, max(0.0, time * len(moves) - number))
        pose = _moved(pose, move, _eased(part), pace / (1 if len(moves) == 1 else 1.15))
    if Move.HANDHELD in moves or not moves:
        pose = _shaken(pose, time)
    return replace(pose, x=_bounded(pose.x), y=_bounded(pose.y))


def _start(moves: Sequence[Move], pace: float) -> Pose:
    """Half of the way back, so that the middle of each move is the middle of the picture."""
    middle = pose_of = Pose()
    for move in moves:
        pose_of = _moved(pose_of, move, 1.0, pace / (1 if len(moves) == 1 else 1.15))
    zoom_back = max(1.0, 1 / pose_of.zoom)
    dolly_back = max(1.0, 1 / pose_of.dolly)
    return replace(
        middle,
        x=-pose_of.x / 2,
        y=-pose_of.y / 2,
        zoom=zoom_back,
        dolly=dolly_back,
        roll_deg=-pose_of.roll_deg / 2,
    )


def _moved(pose: Pose, move: Move, done: float, pace: float) -> Pose:
    far = done * pace
    match move:
        case Move.PAN_LEFT | Move.TRUCK_LEFT:
            return replace(pose, x=pose.x - 1.5 * far)
        case Move.PAN_RIGHT | Move.TRUCK_RIGHT:
            return replace(pose, x=pose.x + 1.5 * far)
        case Move.TILT_UP | Move.CRANE_UP:
            return replace(pose, y=pose.y - 1.5 * far)
        case Move.TILT_DOWN | Move.CRANE_DOWN:
            return replace(pose, y=pose.y + 1.5 * far)
        case Move.ZOOM_IN:
            return replace(pose, zoom=pose.zoom * (1 + _ZOOM * far))
        case Move.ZOOM_OUT:
            return replace(pose, zoom=pose.zoom / (1 + _ZOOM * far))
        case Move.DOLLY_IN:
            return replace(pose, dolly=pose.dolly * (1 + _ZOOM * far))
        case Move.DOLLY_OUT:
            return replace(pose, dolly=pose.dolly / (1 + _ZOOM * far))
        case Move.ORBIT:
            swing = 0.75 * (1 - cos(2 * pi * done))
            return replace(pose, x=pose.x + swing * sin(pi * done) * pace * 0.8, sweep=pose.sweep + done)
        case Move.FLY:
            return replace(pose, y=pose.y + 0.7 * far, dolly=pose.dolly * (1 + 0.8 * _ZOOM * far))
        case Move.ROLL:
            return replace(pose, roll_deg=pose.roll_deg + _ROLL_DEG * far)
        case _:
            return pose


def _shaken(pose: Pose, time: float) -> Pose:
    return replace(
        pose,
        x=pose.x + 0.09 * sin(17 * time) + 0.05 * sin(37 * time + 1),
        y=pose.y + 0.08 * sin(21 * time + 2) + 0.04 * sin(45 * time),
        roll_deg=pose.roll_deg + 0.5 * sin(13 * time + 0.5),
    )


def _eased(part: float) -> float:
    return part * part * (3 - 2 * part)


def _bounded(value: float) -> float:
    return max(-1.0, min(1.0, value))
