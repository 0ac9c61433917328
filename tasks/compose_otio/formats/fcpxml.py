"""Final Cut Pro XML 1.12, for Final Cut Pro and DaVinci Resolve.

One storyline of clips that touch, with gaps; a transition straddles its cut and moves nothing; sounds are
connected to what is seen when they begin, each layer on a lane below. All times are multiples of the frame
duration. Rules: https://developer.apple.com/documentation/professional-video-applications/fcpxml-reference
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import floor, log10
from xml.etree.ElementTree import Element

from farm.timeline import Rate
from tasks.compose_otio.findings import Finding
from tasks.compose_otio.formats._common import edges_lost, fades_lost, markers_lost
from tasks.compose_otio.formats._contract import File, Format, Lost, Source
from tasks.compose_otio.formats._fcpxml_resources import RATES, Resources, time_of
from tasks.compose_otio.formats._xml import child, document, said
from tasks.compose_otio.manifest import Item, exact
from tasks.compose_otio.plan import Lane, Piece, Plan

_LOST = Lost("fcpxml")
_CROSS_DISSOLVE = "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"  # Final Cut drops a transition without it
_STILL_STARTS_AT_S = 3_600  # as Final Cut writes stills: so they have frames ahead of their start
_SILENCE_DB = -96.0
_SAMPLE_RATES = {
    32_000: "32k",
    44_100: "44.1k",
    48_000: "48k",
    88_200: "88.2k",
    96_000: "96k",
    176_400: "176.4k",
    192_000: "192k",
}


def _write(source: Source) -> Sequence[File]:
    root = Element("fcpxml", said({"version": "1.12"}))
    resources = child(root, "resources")
    formats = Resources(resources, source.plan)
    effect = _effect(resources, source.plan)
    library = child(root, "library")
    event = child(library, "event", name=source.plan.name)
    project = child(event, "project", name=source.plan.name)
    _Sequence(source.plan, formats.assets(), effect).write(project)
    name = f"{source.slug}.fcpxml"
    return [File("fcpxml", name, "application/xml", document(root, "fcpxml"))]


def _effect(resources: Element, plan: Plan) -> str | None:
    if not any(piece.dissolve for piece in plan.picture.pieces):
        return None
    child(resources, "effect", id="dissolve", name="Cross Dissolve", uid=_CROSS_DISSOLVE)
    return "dissolve"


class _Sequence:
    """The sequence with its one storyline."""

    def __init__(self, plan: Plan, assets: dict[str, str], effect: str | None) -> None:
        self._plan, self._assets, self._effect = plan, assets, effect

    def write(self, project: Element) -> None:
        """Into the project: what is seen, then what hangs on it."""
        plan = self._plan
        sequence = child(
            project,
            "sequence",
            format="r1",
            duration=self._t(plan.frames),
            tcStart=self._t(plan.start),
            tcFormat="NDF",
            audioLayout="stereo",
            audioRate=_SAMPLE_RATES.get(plan.sample_rate),
        )
        homes = list(self._storyline(child(sequence, "spine")))
        for number, lane in enumerate(plan.sounds, start=1):
            for piece in lane.pieces:
                self._sound(_home(homes, piece.place.start), piece, lane, -number)
        for mark in plan.marks:
            home = _home(homes, mark.place.start)
            start = self._t(home.local(mark.place.start))
            note = mark.comment or None
            child(home.element, "marker", start=start, duration=self._t(1), value=mark.name, note=note)

    def _storyline(self, spine: Element) -> Iterator["_Home"]:
        at = 0
        for piece in self._plan.picture.pieces:
            if piece.place.start > at:
                gap = range(at, piece.place.start)
                offset, duration = self._t(self._plan.start + at), self._t(len(gap))
                yield _Home(child(spine, "gap", name="Gap", offset=offset, duration=duration), gap, 0)
            if piece.dissolve:
                self._transition(spine, piece)
            yield self._seen(spine, piece)
            at = piece.place.stop

    def _transition(self, spine: Element, piece: Piece) -> None:
        dissolve = piece.centred
        if dissolve is None:
            return
        offset = self._t(self._plan.start + piece.place.start - dissolve.before)
        duration = self._t(dissolve.frames)
        made = child(spine, "transition", name="Cross Dissolve", offset=offset, duration=duration)
        child(made, "filter-video", ref=self._effect, name="Cross Dissolve")

    def _seen(self, spine: Element, piece: Piece) -> "_Home":
        start, points = self._timing(piece)
        made = child(
            spine,
            "video" if piece.is_still else "asset-clip",
            ref=self._assets[piece.item.id],
            offset=self._t(self._plan.start + piece.place.start),
            name=piece.name,
            start=self._t(start),
            duration=self._t(len(piece.place)),
            srcEnable=None if piece.is_still else "video",
            tcFormat=None if piece.is_still else "NDF",
        )
        self._conformed(made, piece.item)
        self._timed(made, points)
        return _Home(made, piece.place, start)

    def _sound(self, home: "_Home", piece: Piece, lane: Lane, number: int) -> None:
        start, points = self._timing(piece)
        made = child(
            home.element,
            "asset-clip",
            ref=self._assets[piece.item.id],
            lane=number,
            offset=self._t(home.local(piece.place.start)),
            name=piece.name,
            start=self._t(start),
            duration=self._t(len(piece.place)),
            srcEnable="audio" if piece.item.kind == "video" else None,
            tcFormat="NDF",
            audioRole=lane.role,
        )
        self._conformed(made, piece.item)
        self._timed(made, points)
        fade_in = min(lane.fade_in if piece is lane.pieces[0] else 0, len(piece.place))
        fade_out = min(lane.fade_out if piece is lane.pieces[-1] else 0, len(piece.place))
        if lane.gain == 1 and not fade_in and not fade_out:
            return
        volume = child(made, "adjust-volume", amount=f"{_decibels(lane.gain):g}dB")
        amount = child(volume, "param", name="amount") if fade_in or fade_out else volume
        for tag, frames in (("fadeIn", fade_in), ("fadeOut", fade_out)):
            if frames:
                child(amount, tag, type="linear", duration=self._t(frames))

    def _timing(self, piece: Piece) -> tuple[int, list[tuple[int, Fraction]]]:
        """Where a piece starts in its own time, in frames, and the points (time, medium's frame) of its map.

        A clip's `start` is in the time that its map makes. The map covers all of the medium, so that
        transitions find frames beyond the trims.
        """
        if piece.is_still:
            return self._plan.rate.nearest_frame(_STILL_STARTS_AT_S), []
        first, speed = piece.source.start, piece.speed
        if piece.is_held:
            return 0, [(0, Fraction(first)), (len(piece.place), Fraction(first))]
        if not piece.is_retimed:
            return first, []
        start = floor(first / speed)
        end = start + floor((piece.there - first) / speed)
        return start, [(at, first + (at - start) * speed) for at in (0, end)]

    def _timed(self, clip: Element, points: Sequence[tuple[int, Fraction]]) -> None:
        if points:
            timing = child(clip, "timeMap")
            for at, frame in points:
                child(timing, "timept", time=self._t(at), value=self._t(frame), interp="linear")

    def _conformed(self, clip: Element, item: Item) -> None:
        """A medium of another rate plays at its own speed, not frame for frame."""
        rate = Rate.of(exact(item.meta.fps)) if item.meta.fps and item.kind == "video" else self._plan.rate
        name = RATES.get(str(rate.fps))
        if rate != self._plan.rate and name:
            child(clip, "conform-rate", scaleEnabled="0", srcFrameRate=name)

    def _t(self, frames: int | Fraction) -> str:
        return time_of(frames, self._plan.rate)


class _Home:
    """An element of the storyline, its place on the timeline and the frame at which its own time starts."""

    def __init__(self, element: Element, place: range, start: int) -> None:
        self.element, self.place, self._start = element, place, start

    def local(self, frame: int) -> int:
        """A frame of the timeline in the element's own time."""
        return self._start + frame - self.place.start


def _home(homes: Sequence[_Home], frame: int) -> _Home:
    """The element of the storyline at a frame of the timeline."""
    return homes[bisect_right(homes, frame, key=lambda home: home.place.start) - 1]


def _decibels(gain: float) -> float:
    return _SILENCE_DB if gain <= 0 else round(20 * log10(gain), 2)


def _losses(plan: Plan) -> Iterator[Finding]:
    if str(plan.rate.fps) not in RATES:
        said_ = "Final Cut Pro has no project of this rate."
        yield _LOST(said_, "project", "fps", code="no_stock_profile")
    if plan.sample_rate not in _SAMPLE_RATES:
        yield _LOST("Final Cut Pro has no project of this sample rate.", "project", "audioSampleRate")
    yield _LOST.relative_paths("Final Cut Pro looks for media by absolute file: URLs; relink them once.")
    yield from edges_lost(plan, _LOST, is_centred=True)
    for lane in plan.sounds:
        yield from fades_lost(lane, _LOST)
    yield from markers_lost(plan, _LOST, color="Final Cut Pro has markers of one colour.", span="points")


FORMAT = Format("fcpxml", _write, _losses)
