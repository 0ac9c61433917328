"""The embedded planner: follows what it understands of the instructions and what was measured. Pure.

It knows nothing of what pictures show. It says what it left out and why, and what it did not understand.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from itertools import chain, zip_longest
from random import Random

from tasks.media_render.planning.brief import Brief, Visual
from tasks.media_render.planning.draft import Draft, Shot
from tasks.media_render.planning.moving import Move, Moved, moved
from tasks.media_render.planning.naming import Meant, meant, of_kind
from tasks.media_render.planning.pacing import least_s, part_of, takes, usual_s
from tasks.media_render.planning.quality import best, quality, spread
from tasks.media_render.planning.words import Fault, Wishes, read

BLURRY = 0.28  # below it a picture is visibly out of focus
DARK, BRIGHT = 0.08, 0.95
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
        # Placed or timed, one by one: they stay. Named together with others: unless it is said otherwise.
        self._pinned = {visual.id for visual in brief.visuals if visual.manual_s is not None}
        self._grouped = set[str]()
        self._timed: dict[str, Fraction] = {}

    def draft(self) -> Draft:
        wishes = self._wishes
        first = self._named(wishes.first, "first")
        after = self._named(wishes.after, "after that")
        last = self._named(wishes.last, "last")
        moves = [self._move(move) for move in wishes.moves]
        for phrase, seconds in wishes.timed:
            named = self._named([phrase], f"for {float(seconds):g} s")
            self._timed.update((visual.id, seconds) for visual in named)
        shown = self._shown()
        ordered = self._ordered(shown, first, after, last)
        kept = moved(self._enough(ordered), moves)
        for clause in wishes.but_lengths:
            self._notes.append(f"Followed but for a length in it: {clause[:200]!r}.")
        for clause in wishes.not_understood:
            if self._brief.wants_texts and _QUOTE.search(clause):
                continue  # words to be written, which others see to
            self._notes.append(f"Not understood, and so not followed: {clause[:200]!r}.")
        return Draft(
            shots=tuple(self._shots(kept)),
            target_s=_float(wishes.target_s),
            limit_s=_float(wishes.limit_s),
            pace=wishes.pace,
            notes=tuple(self._notes),
        )

    def _named(self, phrases: Sequence[str], where: str, *, may_guess: bool = True) -> list[Visual]:
        """The visuals that are wanted somewhere; they are shown, whatever they are found to look like."""
        found: dict[str, Visual] = {}
        for phrase in phrases:
            is_meant = meant(phrase, self._brief.visuals, may_guess=may_guess)
            self._tell(is_meant, f"It was wanted {where}")
            found.update((visual.id, visual) for visual in is_meant.visuals)
            self._pinned |= is_meant.alone
        if len(found) < len(self._brief.visuals):
            self._grouped |= found.keys() - self._pinned
        return list(found.values())

    def _move(self, move: Move) -> Moved:
        visuals = self._named([move.phrase], move.where, may_guess=False)
        beside = self._named([move.beside], "by another", may_guess=False) if move.beside else ()
        return Moved(move, visuals, beside)

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
                wanted = {visual.id for visual in only.visuals} | self._pinned | self._grouped
                left = [visual for visual in left if visual.id in wanted]
        for phrase in self._wishes.skip:
            unwanted = meant(phrase, self._brief.visuals)
            self._tell(unwanted, "It was to be left out")
            left = self._without(left, {visual.id for visual in unwanted.visuals}, "not wanted", is_told=True)
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
            left = self._without(left, unfit, _SAID[fault], is_told=fault in told)
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
        named = self._pinned | self._grouped
        kept = {max(group, key=lambda v: (v.id in named, quality(v))).id for group in groups.values()}
        return {visual.id for visual in left} - kept

    def _without(self, left: list[Visual], unfit: set[str], why: str, *, is_told: bool) -> list[Visual]:
        """`left` without these; one at least stays, and what somebody placed or timed does.

        What was named with others goes only where its user says so.
        """
        stay = self._pinned if is_told else self._pinned | self._grouped
        if is_told and (held := [visual for visual in left if visual.id in unfit & stay]):
            self._notes.append(f"Kept though {why}, for it was placed or timed: {_listed(held)}.")
        gone = [visual for visual in left if visual.id in unfit - stay]
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
        """As many as there is a wish or room for."""
        wishes = self._wishes
        if wishes.keep_all:
            return ordered
        if wishes.most is not None:
            among = of_kind(wishes.most_of or "shots", ordered)
            is_of_all = len(among) == len(ordered)
            ordered = self._fewer(ordered, among, wishes.most, "as so many are enough")
            if is_of_all:
                return ordered
        return self._fewer(ordered, ordered, self._room(ordered), "for there is no room")

    def _fewer(self, ordered: list[Visual], among: Sequence[Visual], many: int, why: str) -> list[Visual]:
        """Without some of `among`: who was placed or timed stays, then who was named, then the others."""
        many = max(1, many)
        if many >= len(among):
            return ordered
        choose = best if self._wishes.is_best else spread
        stay = {visual.id for visual in among if visual.id in self._pinned}
        for is_named in (True, False):
            free = [v for v in among if v.id not in stay and (v.id in self._grouped) is is_named]
            stay |= {visual.id for visual in choose(free, many - len(stay))}
        gone = {visual.id for visual in among} - stay
        if gone:
            self._notes.append(f"Left out, {why}: {_listed(v for v in ordered if v.id in gone)}.")
        return [visual for visual in ordered if visual.id not in gone]

    def _whole_s(self) -> Fraction | None:
        """The length that was asked for; a number before a word."""
        return self._brief.target_s or self._wishes.target_s

    def _room(self, ordered: Sequence[Visual]) -> int:
        """How many can be shown in the time there is."""
        whole = self._whole_s() or self._wishes.limit_s
        if whole is None:
            return len(ordered)
        fixed = self._set_s(ordered)
        return len(fixed) + max(0, int((whole - sum(fixed.values())) / least_s(self._wishes)))

    def _set_s(self, visuals: Sequence[Visual]) -> dict[str, Fraction]:
        """The lengths that their user set or said, by id."""
        manual = {visual.id: visual.manual_s for visual in visuals if visual.manual_s is not None}
        return {visual.id: self._timed[visual.id] for visual in visuals if visual.id in self._timed} | manual

    def _shots(self, kept: Sequence[Visual]) -> Iterator[Shot]:
        """A shot of each; of long clips more than one, where the film would else drag."""
        wishes, bpm, transitions = self._wishes, self._brief.bpm, self._wishes.transitions
        whole = self._whole_s() if wishes.each_s is None else None
        counts = takes(kept, self._set_s(kept), whole, usual_s(wishes, bpm, 0.5))
        shown = [(visual, take) for visual in kept for take in range(counts[visual.id])]
        for number, (visual, take) in enumerate(shown):
            said = self._timed.get(visual.id, wishes.each_s)
            usual = usual_s(wishes, bpm, number / max(1, len(shown) - 1))
            yield Shot(
                asset_id=visual.id,
                seconds=usual if said is None else float(said),
                is_asked=said is not None,
                within=part_of(visual, take, counts[visual.id]),
                transition=transitions[(number - 1) % len(transitions)] if transitions else None,
            )


def _shuffled(visuals: Sequence[Visual]) -> list[Visual]:
    """Another order, the same one every time."""
    seed = blake2b("\0".join(visual.id for visual in visuals).encode(), digest_size=8).digest()
    mixed = Random(seed).sample(visuals, len(visuals))
    return mixed if mixed != list(visuals) else mixed[::-1]


def _with_fault(visuals: Iterable[Visual], fault: Fault) -> set[str]:
    return {visual.id for visual in visuals if _FAULTS[fault](visual)}


def _listed(visuals: Iterable[Visual]) -> str:
    names = [visual.asset.file_name for visual in visuals]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _float(seconds: Fraction | None) -> float | None:
    return None if seconds is None else float(seconds)
