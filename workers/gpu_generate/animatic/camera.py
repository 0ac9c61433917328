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

    `roll_deg` turns the picture.
    """

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    dolly: float = 1.0
    roll_deg: float = 0.0


def pose_at(moves: Sequence[Move], pace: float, time: float) -> Pose:
    """The pose at `time` 0..1. Moves share the time evenly; where one ends the next begins."""
    each = pace if len(moves) == 1 else pace / 1.15
    pose = _start(moves, each)
    for number, move in enumerate(moves):
        part = min(1.0, max(0.0, time * len(moves) - number))
        pose = _moved(pose, move, _eased(part), each)
    if Move.HANDHELD in moves:
        pose = _shaken(pose, time)
    return replace(pose, x=_bounded(pose.x), y=_bounded(pose.y))


def _start(moves: Sequence[Move], pace: float) -> Pose:
    """Half of the way back, so that half way is the middle; so near that no edge is seen on the way out."""
    end = Pose()
    for move in moves:
        end = _moved(end, move, 1.0, pace)
    return Pose(
        x=-end.x / 2,
        y=-end.y / 2,
        zoom=max(1.0, 1 / end.zoom),
        dolly=max(1.0, 1 / end.dolly),
        roll_deg=-end.roll_deg / 2,
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
            return replace(pose, x=pose.x + swing * sin(pi * done) * pace * 0.8)
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
