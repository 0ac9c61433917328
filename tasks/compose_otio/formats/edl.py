"""Edit decision lists (CMX 3600), one for each track: the one format that every machine reads.

An event has one track, eight letters of reel, time codes without dropped frames and nothing of size or rate.
A dissolve begins its event: the picture before ends where it begins. Remarks tell clip names, files, levels
and markers as Avid's and Premiere's lists do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from math import log10
from pathlib import PurePosixPath

from tasks.compose_otio.findings import Finding
from tasks.compose_otio.formats._common import edges_lost
from tasks.compose_otio.formats._contract import File, Format, Lost, Source
from tasks.compose_otio.formats._timecode import time_base, timecode
from tasks.compose_otio.plan import Dissolve, Lane, Mark, Piece, Plan

_LOST = Lost("edl")
_CONTENT_TYPE = "text/plain; charset=utf-8"
_REEL = 8
_RESERVED = ("AX", "BL", "BLACK", "BARS")
_MOST_EVENTS = 999
_LONGEST_DISSOLVE = 999  # frames, in three digits
_MOST_FPS = 100  # of which a time code counts frames in two digits
_SILENCE_DB = -96.0


def _write(source: Source) -> Sequence[File]:
    return [
        File("edl", f"{source.slug}-{part}.edl", _CONTENT_TYPE, text.encode(), part=part)
        for part, text in _lists(source.plan)
    ]


def _lists(plan: Plan) -> Iterator[tuple[str, str]]:
    """The list of each track, and what the track is called."""
    reels = _reels(plan)
    yield "v1", _Track(plan, reels, plan.picture, "V1", "V").text(plan.marks)
    for number, lane in enumerate(plan.sounds, start=1):
        channels = lane.pieces[0].item.meta.channels if lane.pieces else None
        title = f"A{number} {lane.role}"
        yield f"a{number}", _Track(plan, reels, lane, title, "A" if channels == 1 else "AA").text(())


@dataclass(frozen=True, slots=True)
class _Track:
    """One list."""

    plan: Plan
    reels: dict[str, str]
    lane: Lane
    title: str
    channel: str

    def text(self, marks: Sequence[Mark]) -> str:
        """The whole list, with these markers beside the events that they lie in."""
        pieces = self.lane.pieces
        lines = [f"TITLE: {_line(self.plan.name)} - {_line(self.title)}", "FCM: NON-DROP FRAME", ""]
        before: Piece | None = None
        for number, (piece, after) in enumerate(zip(pieces, (*pieces[1:], None), strict=True), start=1):
            lines += self._event(number, before, piece, after)
            until = after.place.start if after else self.plan.frames
            since = 0 if before is None else piece.place.start
            lines += [self._locator(mark) for mark in marks if since <= mark.place.start < until]
            before = piece
        return "\n".join(lines) + "\n"

    def _event(self, number: int, before: Piece | None, piece: Piece, after: Piece | None) -> Iterator[str]:
        ahead, given = _ahead(piece), _ahead(after) if after else 0
        dissolve = _dissolve(piece)
        record = range(piece.place.start - ahead, piece.place.stop - given)
        source = _source(piece, ahead, len(record))
        if before is not None and dissolve:
            shown = record.start - before.place.start + _ahead(before)
            last = _source(before, _ahead(before), shown).stop
            yield self._line(number, before, "C", "", range(last, last), range(record.start, record.start))
        length = f"{dissolve.frames:03}" if dissolve else ""
        yield self._line(number, piece, "D" if dissolve else "C", length, source, record)
        yield from self._remarks(before if dissolve else None, piece, source, record)

    def _remarks(self, before: Piece | None, piece: Piece, source: range, record: range) -> Iterator[str]:
        if piece.speed != 1:
            speed = f"{float(piece.speed * time_base(self.plan.rate)):05.1f}"
            at = timecode(source.start, self.plan.rate)
            yield f"M2   {self.reels[piece.item.id]:<{_REEL}}       {speed}                {at}"
        if before is not None:
            yield f"* FROM CLIP NAME:  {_line(before.name)}"
        yield f"* {'FROM' if before is None else 'TO'} CLIP NAME:  {_line(piece.name)}"
        yield f"* SOURCE FILE: {_line(piece.item.path)}"
        if piece.is_held:
            yield "* * FREEZE FRAME"
        if self.lane.gain != 1:
            at = timecode(self.plan.start + record.start, self.plan.rate)
            reel = self.reels[piece.item.id]
            yield f"* AUDIO LEVEL AT {at} IS {_decibels(self.lane.gain):+.2f} DB  (REEL {reel} A1)"

    def _line(self, number: int, piece: Piece, edit: str, length: str, source: range, record: range) -> str:
        rate, start = self.plan.rate, self.plan.start
        codes = (
            timecode(source.start, rate),
            timecode(source.stop, rate),
            timecode(start + record.start, rate),
            timecode(start + record.stop, rate),
        )
        reel = self.reels[piece.item.id]
        return f"{number:03}  {reel:<{_REEL}} {self.channel:<4}  {edit:<4} {length:>3} {' '.join(codes)}"

    def _locator(self, mark: Mark) -> str:
        at = timecode(self.plan.start + mark.place.start, self.plan.rate)
        return f"* LOC: {at} {mark.color:<7} {_line(mark.name)}"


def _ahead(piece: Piece) -> int:
    """Frames of its dissolve that lie before its cut."""
    dissolve = _dissolve(piece)
    return dissolve.before if dissolve else 0


def _dissolve(piece: Piece) -> Dissolve | None:
    """One that no list can say is a cut."""
    return piece.dissolve if _is_sayable(piece) else None


def _is_sayable(piece: Piece) -> bool:
    return piece.dissolve is None or piece.dissolve.frames <= _LONGEST_DISSOLVE


def _source(piece: Piece, ahead: int, shown: int) -> range:
    """The medium's frames of an event that begins so many frames ahead of the cut and shows so many."""
    if piece.is_held:
        return range(piece.source.start, piece.source.start + 1)
    if piece.is_still:
        return range(0, shown)
    first = max(0, piece.source.start - round(ahead * piece.speed))
    return range(first, first + max(1, round(shown * piece.speed)))


def _reels(plan: Plan) -> dict[str, str]:
    """A reel of its own for every item: the letters of its file's name, and a number where they are taken."""
    reels: dict[str, str] = {}
    taken = set(_RESERVED)
    for piece in plan.pieces:
        if piece.item.id not in reels:
            reels[piece.item.id] = _reel(PurePosixPath(piece.item.path).stem, taken)
            taken.add(reels[piece.item.id])
    return reels


def _reel(stem: str, taken: set[str]) -> str:
    letters = "".join(letter for letter in stem.upper() if letter.isascii() and letter.isalnum())
    for number in count(1):
        tail = "" if number == 1 and letters else str(number)
        reel = letters[: _REEL - len(tail)] + tail
        if reel not in taken:
            return reel
    raise AssertionError("numbers do not end")


def _line(text: str) -> str:
    """A text in one line."""
    return " ".join(text.split())


def _decibels(gain: float) -> float:
    return _SILENCE_DB if gain <= 0 else 20 * log10(gain)


def _refusal(plan: Plan) -> str | None:
    if time_base(plan.rate) > _MOST_FPS:
        return f"A time code has two digits for frames: {_MOST_FPS} frames per second at most."
    return None


def _losses(plan: Plan) -> Iterator[Finding]:
    yield _LOST(f"A list says no rate: open it at {float(plan.rate.fps):g}.", "project", "fps")
    yield _LOST("A list says no size.", "project", "resolution")
    yield _LOST("A list says no sample rate.", "project", "audioSampleRate")
    if len(plan.picture.pieces) > _MOST_EVENTS:
        said = f"More than {_MOST_EVENTS} events: some readers stop there."
        yield _LOST(said, "intent", "videoSequence", code="too_many_events")
    yield from edges_lost(plan, _LOST, is_centred=False)
    for piece in plan.picture.pieces:
        if not _is_sayable(piece):
            yield _LOST.of_piece(piece, "transition", "A list has no dissolve of this length: it is a cut.")
        if piece.is_retimed and not _is_exact(piece, plan):
            said = "A list says speeds to a tenth of a frame per second; its time codes stay right."
            yield _LOST.of_piece(piece, "speed", said)
    for lane in plan.sounds:
        yield from _sound_lost(lane, plan)
    for mark in plan.marks:
        if mark.comment:
            yield _LOST("A locator has one text: its name.", *mark.at, "comment")
        if mark.place:
            yield _LOST("Locators are points.", *mark.at, "durationSec")


def _sound_lost(lane: Lane, plan: Plan) -> Iterator[Finding]:
    if lane.gain != 1:
        yield _LOST.of_lane(lane, "gain", "A level is only a remark.")
    for key, fade in (("fadeInSec", lane.fade_in), ("fadeOutSec", lane.fade_out)):
        if fade:
            yield _LOST.of_lane(lane, key, "A list of sounds has no fades.")
    if lane.pieces and lane.pieces[0].is_retimed and not _is_exact(lane.pieces[0], plan):
        yield _LOST.of_lane(lane, "speed", "A list says speeds to a tenth of a frame per second.")


def _is_exact(piece: Piece, plan: Plan) -> bool:
    return (Fraction(10) * piece.speed * time_base(plan.rate)).denominator == 1


FORMAT = Format("edl", _write, _losses, _refusal)
