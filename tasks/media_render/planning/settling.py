"""Makes a draft right: known visuals, whole frames, the length asked for, moments that clips have.

Pure. What a user set by hand stands, whatever the draft says. Nothing in a draft is believed: a number may be
negative, endless or no number, an id may be anybody's.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite
from typing import NamedTuple, get_args

from farm.noun import Noun
from tasks.media_render.fitting import Room, shared_out
from tasks.media_render.params import (
    MAX_ASSETS,
    MAX_TOTAL_S,
    OVERLAY_CHARACTERS,
    Cut,
    TransitionType,
)
from tasks.media_render.planning.brief import DEFAULT_VISUAL_S, Brief, Visual
from tasks.media_render.planning.draft import Draft, Shot
from tasks.media_render.planning.moments import best_start

LEAST_S = Fraction(2, 5)  # a visual that a planner chose is seen for so long at least, if it lasts as long
_NOTES_AT_MOST = 40
_NOTE_CHARACTERS = 400


class Plan(Noun):
    """The cuts of a render, in order, and what a person should know of them."""

    cuts: tuple[Cut, ...]
    notes: tuple[str, ...] = ()


class _Held(NamedTuple):
    """A shot of a visual that is there, and how long it may be, in frames; `asked` where its user said so."""

    shot: Shot
    visual: Visual
    room: Room
    asked: Room


def settled(draft: Draft, brief: Brief, longest_s: Fraction | None = None) -> Plan:
    """The plan that a draft comes to. Without a length that was asked for it is not longer than `longest_s`.

    A draft of which nothing can be used comes to a plan without cuts.
    """
    notes = list(draft.notes)
    held = _held(draft, brief, notes)
    target, limit = _asked(draft, brief, longest_s)
    most = target if target is not None else limit
    if most is not None and brief.may_arrange:
        held = _that_fit(held, most, brief, notes)
    lengths = _lengths(held, target, limit, brief)
    if target is not None and held:
        free = sum(n for n, item in zip(lengths, held, strict=True) if item.visual.manual_s is None)
        notes += _missed(_fixed(held, brief) + free, target, held, brief)
    seconds = _seconds(held, lengths, brief)
    drawn = _drawn_out(held, seconds, brief)
    cuts = tuple(_cut(item, length, brief, draft, drawn) for item, length in zip(held, seconds, strict=True))
    return Plan(cuts=cuts, notes=tuple(_short(notes)))


def _held(draft: Draft, brief: Brief, notes: list[str]) -> list[_Held]:
    """The shots of visuals that are there; those with a length set by hand are never missing."""
    known = [shot for shot in draft.shots if shot.asset_id in brief.by_id]
    if left := len(draft.shots) - len(known):
        notes.append(f"{left} of {len(draft.shots)} shots were of files that the project does not have.")
    if not known:
        return []
    used = {shot.asset_id for shot in known}
    forgotten = [visual for visual in brief.visuals if visual.manual_s is not None and visual.id not in used]
    known = known[: MAX_ASSETS - len(forgotten)] + [Shot(asset_id=visual.id) for visual in forgotten]
    return [_held_shot(shot, brief.by_id[shot.asset_id], brief) for shot in known]


def _held_shot(shot: Shot, visual: Visual, brief: Brief) -> _Held:
    room = _room(shot, visual, brief)
    return _Held(shot, visual, room, Room.fixed(int(room.held(room.wish))) if shot.is_asked else room)


def _room(shot: Shot, visual: Visual, brief: Brief) -> Room:
    if visual.manual_s is not None:
        return Room.fixed(brief.frames(visual.manual_s))
    seconds = shot.seconds if shot.seconds is not None and isfinite(shot.seconds) else float(DEFAULT_VISUAL_S)
    wish = brief.frames(min(max(seconds, 0.0), MAX_TOTAL_S))
    lasts_s = visual.duration_s if shot.within is None else shot.within[1] - shot.within[0]
    most = None if lasts_s is None else max(1, int(Fraction(lasts_s) * brief.rate.fps))
    least = brief.frames(LEAST_S)
    return Room(wish=max(1, wish), least=least if most is None else min(least, most), most=most)


def _asked(draft: Draft, brief: Brief, longest_s: Fraction | None) -> tuple[int | None, int | None]:
    """The length that was asked for and the one that may not be passed, in frames; a number before a word."""
    if brief.target_s is not None:
        return brief.frames(brief.target_s), None
    limits = [
        Fraction(seconds)
        for seconds in (draft.limit_s, longest_s, Fraction(MAX_TOTAL_S))
        if seconds is not None and (isinstance(seconds, Fraction) or isfinite(seconds)) and seconds > 0
    ]
    limit = brief.frames(min(limits))
    if draft.target_s is None or not isfinite(draft.target_s) or draft.target_s <= 0:
        return None, limit
    return brief.frames(Fraction(draft.target_s)), None


def _that_fit(held: list[_Held], most: int, brief: Brief, notes: list[str]) -> list[_Held]:
    """Without the last shots that nobody set a length for, as far as even the shortest are too long."""
    left = list(held)
    while len(left) > 1 and _fixed(left, brief) + sum(item.room.least for item in _free(left)) > most:
        free = [index for index, item in enumerate(left) if item.visual.manual_s is None]
        if not free:
            break
        del left[free[-1]]
    if lost := len(held) - len(left):
        notes.append(f"Left out at the end, for there is no room: {lost} of {len(held)} shots.")
    return left


def _free(held: Sequence[_Held]) -> list[_Held]:
    return [item for item in held if item.visual.manual_s is None]


def _fixed(held: Sequence[_Held], brief: Brief) -> int:
    """The frames of what has a length set by hand, all together: such lengths need not be whole frames."""
    return brief.rate.nearest_frame(sum((item.visual.manual_s or Fraction(0) for item in held), Fraction(0)))


def _lengths(held: Sequence[_Held], target: int | None, limit: int | None, brief: Brief) -> list[int]:
    """How many frames each is shown. Lengths that were asked for in words hold where the whole allows it."""
    fixed = _fixed(held, brief)
    lengths = [int(item.room.held(item.room.wish)) for item in _free(held)]
    whole = target
    if whole is None and limit is not None and fixed + sum(lengths) > limit:
        whole = limit
    if whole is not None:
        lengths = shared_out(whole - fixed, [item.asked for item in _free(held)])
        if sum(lengths) != whole - fixed:
            lengths = shared_out(whole - fixed, [item.room for item in _free(held)])
    free = iter(lengths)
    return [next(free) if item.visual.manual_s is None else item.room.wish for item in held]


def _seconds(held: Sequence[_Held], lengths: Sequence[int], brief: Brief) -> list[Fraction]:
    """The lengths in seconds, all together whole frames even where those set by hand are not.

    Of the free ones the longest is made up to half a frame longer or shorter for it.
    """
    by_hand = sum((item.visual.manual_s or Fraction(0) for item in held), Fraction(0))
    spare = brief.rate.seconds(_fixed(held, brief)) - by_hand
    seconds = [brief.rate.seconds(frames) for frames in lengths]
    free = [index for index, item in enumerate(held) if item.visual.manual_s is None and lengths[index] > 1]
    if free:
        seconds[max(free, key=lambda index: lengths[index])] += spare
    return seconds


def _missed(frames: int, target: int, held: Sequence[_Held], brief: Brief) -> list[str]:
    """What to say of a length that could not be met."""
    if frames == target:
        return []
    seconds = float(brief.rate.seconds(frames))
    if frames > target and len(_free(held)) < len(held):
        return [f"The durations that were set come to {seconds:g} s and stand: longer than asked for."]
    if frames > target:
        return [f"The film is {seconds:g} s long: no shorter one can be made of it."]
    return [f"The film is {seconds:g} s long: its clips do not last longer."]


def _drawn_out(held: Sequence[_Held], seconds: Sequence[Fraction], brief: Brief) -> float:
    """By how much a voiceover that is longer than the film will draw its free visuals out, as a factor."""
    free = sum(length for item, length in zip(held, seconds, strict=True) if item.visual.manual_s is None)
    missing = Fraction(brief.voice_s) - sum(seconds)
    return 1 + float(missing / free) if missing > 0 and free else 1.0


def _cut(item: _Held, length_s: Fraction, brief: Brief, draft: Draft, drawn: float) -> Cut:
    is_free = item.visual.manual_s is None
    needed_s = float(length_s) + brief.slack_s
    if is_free and drawn > 1:
        needed_s += float(length_s) * (drawn - 1) + float(brief.rate.seconds(1))  # its edges are snapped
    return Cut(
        asset_id=item.visual.id,
        duration_s=float(length_s),
        source_start_s=_start(item, float(length_s), needed_s, draft),
        transition_type=_transition(item.shot.transition) if brief.may_choose_transitions else None,
        text=_text(item.shot.text) if brief.wants_texts else None,
    )


def _start(item: _Held, length_s: float, needed_s: float, draft: Draft) -> float:
    """Where in a clip the shot begins: so that it lies inside, if the clip lasts as long.

    `needed_s` is how long it may yet become. All of that lies within the clip, if not within the shot's part.
    """
    visual, within = item.visual, item.shot.within
    if not visual.is_clip or visual.duration_s is None:
        return 0.0
    last = max(0.0, visual.duration_s - needed_s)
    start = item.shot.start_s
    if start is None or not isfinite(start):
        start = best_start(visual, length_s if within else needed_s, draft.pace, within)
    return max(0.0, int(min(max(start, 0.0), last) * 1000) / 1000)  # down, so that it stays inside


def _transition(kind: str | None) -> TransitionType | None:
    return next((known for known in get_args(TransitionType) if known == kind), None)


def _text(text: str | None) -> str | None:
    """One line of plain text that an overlay takes, or none."""
    plain = "".join(character if character.isprintable() else " " for character in text or "")
    words = " ".join(plain.split())
    return words if words and len(words) <= OVERLAY_CHARACTERS else None


def _short(notes: Sequence[str]) -> list[str]:
    return [note[:_NOTE_CHARACTERS] for note in notes[:_NOTES_AT_MOST]]
