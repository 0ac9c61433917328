"""The embedded planner: follows what it understands of the instructions and what was measured. Pure.

It knows nothing of what pictures show. It says what it left out and why, and what it did not understand.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from itertools import chain, zip_longest
from random import Random

from tasks.media_render.planning.brief import DEFAULT_VISUAL_S, Brief, Visual
from tasks.media_render.planning.draft import Draft, Shot
from tasks.media_render.planning.naming import Meant, meant
from tasks.media_render.planning.words import Fault, Wishes, read

BLURRY = 0.28  # below it a picture is visibly out of focus
DARK, BRIGHT = 0.08, 0.95
_PACE_S = {"fast": 1.6, "slow": 4.5, None: float(DEFAULT_VISUAL_S)}
_LEAST_S = {"fast": 0.8, "slow": 2.5, None: 1.2}  # where visuals are left out rather than shown shorter
_MOST_NAMED = 8  # in one note
_FAULTS: Mapping[Fault, Callable[[Visual], bool]] = {
    "blurry": lambda visual: visual.seen is not None and visual.seen.sharpness < BLURRY,
    "dark": lambda visual: visual.seen is not None and visual.seen.lightness < DARK,
    "bright": lambda visual: visual.seen is not None and visual.seen.lightness > BRIGHT,
}
_ALWAYS: tuple[Fault, ...] = ("duplicate", "blurry")  # left out without being told to
_SAID: Mapping[Fault, str] = {
    "blurry": "out of focus",
    "dark": "too dark",
    "bright": "too bright",
    "duplicate": "shows the same as another",
}
_QUOTE = re.compile('["\u201c\u201d\u00ab\u00bb]')


class RulePlanner:
    """A planner without a model."""

    def draft(self, brief: Brief) -> Draft:
        """A draft that follows the words it knows; the same every time."""
        if not brief.may_arrange:
            return Draft(shots=tuple(Shot(asset_id=visual.id) for visual in brief.visuals))
        return _Drafting(brief, read(brief.instructions)).draft()


class _Drafting:
    """One draft in the making."""

    def __init__(self, brief: Brief, wishes: Wishes) -> None:
        self._brief = brief
        self._wishes = wishes
        self._notes: list[str] = []
        self._pinned = {visual.id for visual in brief.visuals if visual.manual_s is not None}
        self._timed: dict[str, float] = {}

    def draft(self) -> Draft:
        wishes = self._wishes
        first = self._named(wishes.first, "first")
        after = self._named(wishes.after, "after that")
        last = self._named(wishes.last, "last")
        for phrase, seconds in wishes.timed:
            named = self._named([phrase], f"for {float(seconds):g} s")
            self._timed.update((visual.id, float(seconds)) for visual in named)
        shown = self._shown()
        ordered = self._ordered(shown, first, after, last)
        kept = self._enough(ordered)
        for clause in wishes.not_understood:
            if self._brief.wants_texts and _QUOTE.search(clause):
                continue  # words to be written, which others see to
            self._notes.append(f"Not understood, and so not followed: {clause[:200]!r}.")
        return Draft(
            shots=tuple(self._shot(visual) for visual in kept),
            target_s=_float(wishes.target_s),
            limit_s=_float(wishes.limit_s),
            pace=wishes.pace,
            notes=tuple(self._notes),
        )

    def _named(self, phrases: Sequence[str], where: str) -> list[Visual]:
        """The visuals that are wanted somewhere; they are shown, whatever they look like."""
        found: dict[str, Visual] = {}
        for phrase in phrases:
            is_meant = meant(phrase, self._brief.visuals, may_guess=True)
            self._tell(is_meant, f"It was wanted {where}")
            found.update((visual.id, visual) for visual in is_meant.visuals)
        self._pinned |= {visual.id for visual in found.values() if len(found) < len(self._brief.visuals)}
        return list(found.values())

    def _tell(self, is_meant: Meant, wanted: str) -> None:
        for part in is_meant.unknown:
            self._notes.append(f"No file is called anything like {part[:100]!r}. {wanted}; passed over.")
        for part in is_meant.guessed:
            self._notes.append(f"No file is called anything like {part[:100]!r}: taken for all of that kind.")

    def _shown(self) -> list[Visual]:
        """What is left once what is not wanted was left out."""
        left = list(self._brief.visuals)
        for phrase in self._wishes.only:
            only = meant(phrase, self._brief.visuals)
            self._tell(only, "Nothing else was wanted")
            if only.visuals:
                wanted = {visual.id for visual in only.visuals} | self._pinned
                left = [visual for visual in left if visual.id in wanted]
        for phrase in self._wishes.skip:
            unwanted = meant(phrase, self._brief.visuals)
            self._tell(unwanted, "It was to be left out")
            left = self._without(left, {visual.id for visual in unwanted.visuals}, "not wanted")
        return self._without_faults(left)

    def _without_faults(self, left: list[Visual]) -> list[Visual]:
        """Without what is blurred, doubled …: what the words name, and the worst anyway."""
        told = self._wishes.faults
        if told and not self._brief.was_looked_at:
            self._notes.append(
                f"Nobody looked at the pictures, so none was left out as {', '.join(sorted(told))}: "
                "that takes the vision analysis."
            )
            return left
        for fault in dict.fromkeys((*_ALWAYS, *sorted(told))):
            if fault not in told and self._wishes.keep_all:
                continue
            unfit = self._doubles(left) if fault == "duplicate" else _with_fault(left, fault)
            if fault not in told and fault != "duplicate" and 2 * len(unfit) > len(left):
                continue  # where most are like that, it is how they are meant
            left = self._without(left, unfit, _SAID[fault])
        return left

    def _doubles(self, left: Sequence[Visual]) -> set[str]:
        """Of visuals that show the same, all but the best; and none that somebody placed or timed."""
        groups: dict[str, list[Visual]] = {}
        roots: dict[str, str] = {}
        for visual in self._brief.visuals:
            twin = visual.seen.twin_of if visual.seen is not None else None
            roots[visual.id] = roots.get(twin or "", visual.id)
        for visual in left:
            groups.setdefault(roots[visual.id], []).append(visual)
        best = {max(group, key=lambda v: (v.id in self._pinned, _quality(v))).id for group in groups.values()}
        return {visual.id for visual in left} - best

    def _without(self, left: list[Visual], unfit: set[str], why: str) -> list[Visual]:
        """`left` without these; one at least stays, and what somebody placed or timed does."""
        gone = [visual for visual in left if visual.id in unfit and visual.id not in self._pinned]
        if len(gone) == len(left):
            gone = gone[1:]
        if gone:
            self._notes.append(f"Left out, {why}: {_listed(gone)}.")
        lost = {visual.id for visual in gone}
        return [visual for visual in left if visual.id not in lost]

    def _ordered(
        self, shown: Sequence[Visual], first: list[Visual], after: list[Visual], last: list[Visual]
    ) -> list[Visual]:
        """First, what comes after that, the rest in its order, last. Who is named twice comes later."""
        here = {visual.id for visual in shown}
        at_the_end = {visual.id for visual in last}
        begun = {visual.id: visual for visual in (*first, *after) if visual.id not in at_the_end}
        rest = [visual for visual in shown if visual.id not in begun and visual.id not in at_the_end]
        everything = (*begun.values(), *self._arranged(rest), *last)
        return [visual for visual in everything if visual.id in here]

    def _arranged(self, rest: list[Visual]) -> list[Visual]:
        wishes = self._wishes
        if wishes.shuffle:
            rest = _shuffled(rest)
        if wishes.reverse:
            rest = rest[::-1]
        if wishes.alternate:
            clips = [visual for visual in rest if visual.is_clip]
            pictures = [visual for visual in rest if not visual.is_clip]
            begin, other = (clips, pictures) if rest and rest[0].is_clip else (pictures, clips)
            rest = [visual for visual in chain(*zip_longest(begin, other)) if visual is not None]
        return rest

    def _enough(self, ordered: list[Visual]) -> list[Visual]:
        """As many as there is room or a wish for: the worst are left out first, of equals the later."""
        many = self._wishes.most or self._room(ordered)
        if self._wishes.keep_all or many >= len(ordered):
            return ordered
        free = [visual for visual in ordered if visual.id not in self._pinned]
        worst = sorted(reversed(free), key=_quality)[: len(ordered) - max(1, many)]
        gone = {visual.id for visual in worst}
        if gone:
            why = "as so many are enough" if self._wishes.most else "for there is no room"
            self._notes.append(f"Left out, {why}: {_listed(v for v in ordered if v.id in gone)}.")
        return [visual for visual in ordered if visual.id not in gone]

    def _room(self, ordered: Sequence[Visual]) -> int:
        """How many can be shown in the time there is."""
        whole = self._brief.target_s or self._wishes.target_s or self._wishes.limit_s
        if whole is None:
            return len(ordered)
        fixed = [visual.manual_s for visual in ordered if visual.manual_s is not None]
        return len(fixed) + max(0, int(float(whole - sum(fixed)) / _LEAST_S[self._wishes.pace]))

    def _shot(self, visual: Visual) -> Shot:
        wishes = self._wishes
        usual = float(wishes.each_s) if wishes.each_s is not None else self._whole_beats()
        seconds = self._timed.get(visual.id, usual)
        return Shot(asset_id=visual.id, seconds=seconds, transition=wishes.transition)

    def _whole_beats(self) -> float:
        """The length that goes with the pace, and not longer than that: whole beats of the music."""
        seconds, bpm = _PACE_S[self._wishes.pace], self._brief.bpm
        beats = 0 if bpm is None else int(seconds * bpm / 60)
        return seconds if bpm is None or beats < 1 else beats * 60 / bpm


def _shuffled(visuals: Sequence[Visual]) -> list[Visual]:
    """Another order, the same one every time."""
    seed = blake2b("\0".join(visual.id for visual in visuals).encode(), digest_size=8).digest()
    mixed = Random(seed).sample(visuals, len(visuals))
    return mixed if mixed != list(visuals) else mixed[::-1]


def _with_fault(visuals: Iterable[Visual], fault: Fault) -> set[str]:
    return {visual.id for visual in visuals if _FAULTS[fault](visual)}


def _quality(visual: Visual) -> float:
    """0 for what nobody would miss, 1 for a sharp and well-lit visual; 0.5 where nobody looked."""
    seen = visual.seen
    if seen is None:
        return 0.5
    lit = 1.0 - min(1.0, 2.2 * abs(seen.lightness - 0.45))
    moving = min(1.0, 6 * max(seen.motion, default=0.0)) if visual.is_clip else 0.5
    return 0.6 * seen.sharpness + 0.25 * lit + 0.15 * moving


def _listed(visuals: Iterable[Visual]) -> str:
    names = [visual.asset.file_name for visual in visuals]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _float(seconds: Fraction | None) -> float | None:
    return None if seconds is None else float(seconds)
