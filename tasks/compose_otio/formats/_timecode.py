"""Time codes without dropped frames: what a tape machine's counter would show."""

from math import ceil

from farm.timeline import Rate

_DAY_S = 86_400


def time_base(rate: Rate) -> int:
    """Frames in a second of the counter: 24 for 23.976."""
    return ceil(rate.fps)


def timecode(frame: int, rate: Rate) -> str:
    """`HH:MM:SS:FF`; after a day it begins again."""
    seconds, frames = divmod(frame, time_base(rate))
    seconds %= _DAY_S
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"
