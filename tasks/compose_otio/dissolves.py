"""Finds what is wrong with the transitions of a manifest.

Each needs two clips that touch, frames beyond both trims, and no frame of a clip may be in two of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from farm.timeline import Rate
from tasks.compose_otio.findings import Finding
from tasks.compose_otio.look import Look, length_of, speed_of

_DEFAULT_S = Fraction(1, 2)
_WITHOUT_HANDLES = ("resolve", "kdenlive")  # for them a dissolve is cut to its handles, or left out


class Dissolves:
    """The transitions between the clips of a sequence, in seconds of the timeline.

    `items` are by id; `rate` None is not known.
    """

    def __init__(self, root: Look, items: Mapping[str, Look], rate: Rate | None) -> None:
        self._clips = root["intent"]["videoSequence"].all
        self._items = items
        self._frame = rate.seconds(1) if rate else Fraction(0)
        self._needs_handles = root["output"]["targetConsumer"].text not in _WITHOUT_HANDLES

    def faults(self) -> Iterator[Finding]:
        """Everything that is wrong with them."""
        borrowed = [self._borrowed(clip) for clip in self._clips]
        for index, clip in enumerate(self._clips):
            if not borrowed[index]:
                continue
            at, named = clip["transition"], clip["itemId"].text
            if index == 0 or (clip["gapBeforeSec"].number or 0) > 0:
                yield at.wrong("transition_adjacent", "Needs a clip that ends where this one begins.", named)
                continue
            yield from self._overlap(index, borrowed)
            if self._needs_handles:
                yield from self._handles(self._clips[index - 1], clip, borrowed[index] / 2)

    def _handles(self, before: Look, clip: Look, half: Fraction) -> Iterator[Finding]:
        """A dissolve shows what lies behind the end of the one and ahead of the start of the other."""
        rooms = [room for room in (self._behind(before), self._ahead(clip)) if room is not None]
        if rooms and half > min(rooms) + self._frame / 2:
            yield clip["transition"]["durationSec"].wrong(
                "insufficient_handles",
                "The clips have not enough beyond their trims for it; trim them, or let it be shorter.",
                clip["itemId"].text,
                {"le": float(max(2 * min(rooms), Fraction(0)))},
            )

    def _behind(self, span: Look) -> Fraction | None:
        """What the medium has after the span; None for a still, and where nobody knows."""
        item = self._items.get(span["itemId"].text or "")
        if item is None or item["kind"].text != "video":
            return None
        length, end = item["meta"]["durationSec"].number, span["toSec"].number
        return None if length is None or end is None else (length - end) / speed_of(span)

    def _ahead(self, span: Look) -> Fraction | None:
        """What the medium has before the span."""
        item, start = self._items.get(span["itemId"].text or ""), span["fromSec"].number
        if item is None or start is None or item["kind"].text != "video":
            return None
        return start / speed_of(span)

    def _overlap(self, index: int, borrowed: Sequence[Fraction]) -> Iterator[Finding]:
        """Half of a transition lies in either clip, beside the halves of their other ones."""
        clip = self._clips[index]
        after = borrowed[index + 1] if index + 1 < len(borrowed) else Fraction(0)
        own = length_of(clip)
        room = min(own - after / 2, length_of(self._clips[index - 1]) - borrowed[index - 1] / 2)
        if own and borrowed[index] / 2 > room:
            yield clip["transition"]["durationSec"].wrong(
                "transition_overlap",
                "Is longer than the clips that it joins leave room for.",
                clip["itemId"].text,
                {"le": float(max(2 * room, Fraction(0)))},
            )

    def _borrowed(self, clip: Look) -> Fraction:
        """How long the transition into the clip lasts; 0 for a cut."""
        transition = clip["transition"]
        if not isinstance(transition.value, Mapping) or transition["type"].text == "cut":
            return Fraction(0)
        if transition["durationSec"].value is None:
            return _DEFAULT_S
        return max(transition["durationSec"].number or Fraction(0), Fraction(0))
