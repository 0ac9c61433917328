"""Draws a plan out until all texts and sounds that were placed by hand are in it. Pure."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from farm.timeline import MediaKind
from tasks.media_render.by_hand import SEEN_S, needed_s
from tasks.media_render.layout import DEFAULT_VISUAL_S
from tasks.media_render.params import Cut, MediaRender, exact


def reaching(params: MediaRender, cuts: Sequence[Cut], likely: Sequence[Cut]) -> tuple[Cut, ...]:
    """The cuts, as long as what was placed by hand needs and no longer than those that were `likely`.

    Pictures are drawn out alike, clips where there is no picture, and none whose length was set by hand.
    Where all were, one that the plan left out comes back.
    """
    by_hand = {item.asset_id: exact(item.duration_s) for item in params.durations}
    lengths = [_length(cut, by_hand) for cut in cuts]
    enough = min(needed_s(params), sum(_length(cut, by_hand) for cut in likely))
    missing = enough - sum(lengths)
    if missing <= 0:
        return tuple(cuts)
    growing = _growing(params, cuts, by_hand)
    if not growing:
        back = next(cut for cut in likely if cut.asset_id not in by_hand)
        shown_s = max(missing, min(SEEN_S, _length(back, by_hand)))
        return (*cuts, back.model_copy(update={"duration_s": float(shown_s)}))
    share = missing / sum(lengths[index] for index in growing)
    return tuple(
        cut.model_copy(update={"duration_s": float(length * (1 + share))}) if index in growing else cut
        for index, (cut, length) in enumerate(zip(cuts, lengths, strict=True))
    )


def _length(cut: Cut, by_hand: Mapping[str, Fraction]) -> Fraction:
    return by_hand.get(cut.asset_id) or exact(cut.duration_s or DEFAULT_VISUAL_S)


def _growing(params: MediaRender, cuts: Sequence[Cut], by_hand: Mapping[str, Fraction]) -> set[int]:
    pictures = {asset.asset_id for asset in params.assets if asset.media_kind is MediaKind.IMAGE}
    free = {index for index, cut in enumerate(cuts) if cut.asset_id not in by_hand}
    return {index for index in free if cuts[index].asset_id in pictures} or free
