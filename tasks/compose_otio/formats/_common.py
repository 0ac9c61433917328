"""Losses that several formats have in common."""

from collections.abc import Iterator

from tasks.compose_otio.findings import Finding
from tasks.compose_otio.formats._contract import Lost
from tasks.compose_otio.plan import Lane, Plan


def edges_lost(plan: Plan, lost: Lost, *, is_centred: bool) -> Iterator[Finding]:
    """Dissolves that are shorter than asked for, and sounds whose edges are moved to frames.

    `is_centred`: the format has dissolves only in the middle of their cuts.
    """
    for piece in plan.picture.pieces:
        dissolve = piece.centred if is_centred else piece.dissolve
        if piece.dissolve and (piece.dissolve.is_cut_short or dissolve != piece.dissolve):
            said = f"The clips have room for {dissolve.frames if dissolve else 0} frames of it."
            yield lost.of_piece(piece, "transition", said, code="insufficient_handles")
    for lane in plan.sounds:
        if lane.is_between:
            yield lost.of_lane(lane, "startSec", "Its edges are moved to the nearest frames.")


def markers_lost(plan: Plan, lost: Lost, *, color: str, span: str = "") -> Iterator[Finding]:
    """That markers have no colour, for the reason given, and with `span` no length: they are that."""
    for mark in plan.marks:
        yield lost(color, *mark.at, "color")
        if span and mark.place:
            yield lost(f"Markers are {span}.", *mark.at, "durationSec")


def fades_lost(lane: Lane, lost: Lost) -> Iterator[Finding]:
    """Fades that are longer than the round of sound that they are on."""
    if not lane.pieces:
        return
    for key, fade, piece in (
        ("fadeInSec", lane.fade_in, lane.pieces[0]),
        ("fadeOutSec", lane.fade_out, lane.pieces[-1]),
    ):
        if fade > len(piece.place):
            yield lost.of_lane(lane, key, "A fade ends with the round of sound that it is on.")
