"""How quickly a clip plays in an `.otio`: as effects when it is written, and what a file's effects come to.

A warped clip's `source_range` lasts as long as the clip is shown; `time_scalar` says how much of the medium
that is.
"""

from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from pydantic import JsonValue

from farm.otio.checked import Node
from farm.timeline import MAX_SPEED, PLAIN_SPEED, AudioClip, Media, Rate, VideoClip

_FINEST = 10_000  # a decimal's denominator: 0.3333333 is a third
_MOST = 1_000_000


class Warp(NamedTuple):
    """`speed` of the medium against the timeline; a frozen clip shows its first frame throughout."""

    speed: Fraction = PLAIN_SPEED
    is_frozen: bool = False


PLAIN = Warp()


def warped(speed: Fraction) -> list[JsonValue]:
    """The effects of a clip at that speed. A plain one has none: some editors stumble over a warp of 1."""
    if speed == PLAIN_SPEED:
        return []
    return [
        {
            "OTIO_SCHEMA": "LinearTimeWarp.1",
            "name": "",
            "effect_name": "LinearTimeWarp",
            "time_scalar": float(speed),
            "enabled": True,
            "metadata": {},
        }
    ]


def frozen() -> list[JsonValue]:
    """The effects of a clip that holds its first frame."""
    return [
        {
            "OTIO_SCHEMA": "FreezeFrame.1",
            "name": "",
            "effect_name": "FreezeFrame",
            "time_scalar": 0.0,
            "enabled": True,
            "metadata": {},
        }
    ]


def frames_shown(clip: VideoClip | AudioClip, medium: Media, rate: Rate) -> int | None:
    """How many frames the clip's source fills, at least one; None where nobody knows its end."""
    ends = [] if clip.source_end is None else [clip.source_end]
    if medium.duration is not None:
        ends.append(rate.seconds(rate.nearest_frame(medium.duration)))
    if not ends:
        return None
    if clip.speed == PLAIN_SPEED:
        return max(1, rate.nearest_frame(min(ends)) - rate.nearest_frame(clip.source_start))
    return max(1, floor((min(ends) - clip.source_start) * rate.fps / clip.speed))


def frames_used(shown: int, speed: Fraction) -> int:
    """How many frames of the medium, in the project's rate, so many shown ones take."""
    return ceil(shown * speed)


def warp_of(clip: Node, *, is_still: bool) -> Warp:
    """What the clip's effects do to its time; what they do beyond that is warned of."""
    speed, is_frozen = PLAIN_SPEED, False
    for effect in clip.nodes("effects"):
        if not effect.is_enabled:
            continue
        if effect.schema not in ("FreezeFrame", "LinearTimeWarp"):
            clip.warn(f"its effect {effect.text('effect_name')[:80] or effect.schema!r} is left out")
        elif effect.schema == "FreezeFrame" or effect.value.get("time_scalar") == 0:
            is_frozen = True
        elif not is_still:
            speed *= _scalar(clip, effect)
    if not Fraction(1, MAX_SPEED) <= speed <= MAX_SPEED:
        clip.warn(f"plays at its own speed, not {float(speed):g} times that")
        speed = PLAIN_SPEED
    return Warp(PLAIN_SPEED if is_frozen else speed.limit_denominator(_FINEST), is_frozen)


def _scalar(clip: Node, effect: Node) -> Fraction:
    found, scalar = effect.value.get("time_scalar"), Fraction(0)
    if isinstance(found, (int, float)) and not isinstance(found, bool) and abs(found) <= _MOST:
        scalar = Fraction(found).limit_denominator(_FINEST)
    if not scalar:
        clip.warn(f"plays at its own speed, not {str(found)[:20]} times that")
        return PLAIN_SPEED
    if scalar < 0:
        clip.warn("plays forwards, not backwards")
    return abs(scalar)
