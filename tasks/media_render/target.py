"""Fits visuals into the length that was asked for, where no planner chooses among them. Pure.

All of them are shown. What was set by hand stands: with placements, with a timeline, and where durations
alone are longer than the target.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from farm.errors import BadRequest
from farm.timeline import MediaKind, Rate
from tasks.media_render.fitting import Room, shared_out
from tasks.media_render.params import MAX_TOTAL_S, MediaRender, RenderAsset, exact

LEAST_S = Fraction(1, 5)


def to_target(
    params: MediaRender,
    shown: Sequence[RenderAsset],
    lengths: Sequence[Fraction],
    free: Sequence[bool],
    rate: Rate,
) -> list[Fraction]:
    """The lengths, in seconds, with those that nobody set shared out anew, so that they come to the target.

    No clip is drawn out beyond its end, as far as that is known. Raises BadRequest when all do not fit in.
    """
    if params.target_duration_s is None:
        return list(lengths)
    wanted = exact(params.target_duration_s)
    fixed = sum((length for length, is_free in zip(lengths, free, strict=True) if not is_free), Fraction(0))
    least = max(1, rate.nearest_frame(LEAST_S))
    needed = fixed + rate.seconds(sum(free) * least)
    if any(free) and fixed < wanted < needed:
        raise BadRequest(
            f"{len(shown)} visuals take {float(needed):g} s at least; ask for more, or for a planner that "
            "chooses among them.",
            param="target_duration_s",
        )
    rooms = [
        _room(asset, length, least, rate)
        for asset, length, is_free in zip(shown, lengths, free, strict=True)
        if is_free
    ]
    whole = min(rate.nearest_frame(wanted), int(MAX_TOTAL_S * rate.fps))
    found = iter(shared_out(whole - rate.nearest_frame(fixed), rooms))
    return [
        rate.seconds(next(found)) if is_free else length
        for length, is_free in zip(lengths, free, strict=True)
    ]


def target_notes(params: MediaRender, total_s: Fraction) -> Iterator[str]:
    """What a person should know: why the whole is not as long as was asked for."""
    if params.target_duration_s is None:
        return
    if params.placements or params.timeline is not None:
        by_hand = "placements" if params.placements else "timeline"
        yield f"The {by_hand} decide how long the film is: not {params.target_duration_s:g} s."
    elif abs(total_s - exact(params.target_duration_s)) > Fraction(1, 20):
        yield f"The film is {float(total_s):.1f} s long instead of {params.target_duration_s:g} s: " + (
            "its clips do not last longer."
            if total_s < exact(params.target_duration_s)
            else "what was set by hand, or is said, is longer."
        )


def _room(asset: RenderAsset, length: Fraction, least: int, rate: Rate) -> Room:
    most = None
    if asset.media_kind is MediaKind.VIDEO and asset.duration_s is not None:
        most = max(1, int(exact(asset.duration_s) * rate.fps))
    wish = max(1, rate.nearest_frame(length))
    return Room(wish=wish, least=least if most is None else min(least, most), most=most)
