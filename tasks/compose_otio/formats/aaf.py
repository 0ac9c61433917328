"""AAF, for Media Composer and Pro Tools, through OpenTimelineIO's adapter (the extra `aaf`).

The adapter refuses dissolves that Avid did not write and has no words for speeds, levels and markers. So each
dissolve is a cut with a locator; markers are locators, which are added here.
"""

from collections.abc import Iterator, Sequence

from tasks.compose_otio.findings import Finding
from tasks.compose_otio.formats._common import edges_lost
from tasks.compose_otio.formats._contract import File, Format, Lost, Source
from tasks.compose_otio.plan import Plan

_LOST = Lost("aaf")
_CONTENT_TYPE = "application/octet-stream"  # it has no registered one


def _write(source: Source) -> Sequence[File]:
    from tasks.compose_otio.formats._aaf_writer import as_aaf  # needs the extra

    return [File("aaf", f"{source.slug}.aaf", _CONTENT_TYPE, as_aaf(source), is_text=False)]


def _losses(plan: Plan) -> Iterator[Finding]:
    yield _LOST("A composition has no size.", "project", "resolution")
    yield _LOST("A composition has no sample rate.", "project", "audioSampleRate")
    yield _LOST.relative_paths("Media Composer looks for media by absolute paths; relink them once.")
    for piece in plan.picture.pieces:
        if piece.dissolve:
            yield _LOST.of_piece(piece, "transition", "It is a cut with a locator.")
        if piece.is_held and len(piece.place) > 1:
            yield _LOST.of_piece(piece, "toSec", "Its last frame is not held; the medium plays on.")
        if piece.is_retimed:
            yield _LOST.of_piece(piece, "speed", "It plays at its own speed; an EDL has the right one.")
    yield from (found for found in edges_lost(plan, _LOST, is_centred=False) if "audioLayers" in found.path)
    for lane in plan.sounds:
        if lane.pieces and lane.pieces[0].is_retimed:
            yield _LOST.of_lane(lane, "speed", "It plays at its own speed.")
        if lane.gain != 1:
            yield _LOST.of_lane(lane, "gain", "It is at its own level.")
        for key, fade in (("fadeInSec", lane.fade_in), ("fadeOutSec", lane.fade_out)):
            if fade:
                yield _LOST.of_lane(lane, key, "It has no fades.")


FORMAT = Format(
    "aaf",
    _write,
    _losses,
    extra="aaf",
    needs=("opentimelineio", "aaf2", "otio_aaf_adapter"),
    piece_s=0.02,
)
