"""Final Cut Pro 7 XML (xmeml 5), for Premiere Pro, DaVinci Resolve, Media Composer and what reads it still.

Times are frames at an integer time base. A clip at a dissolve has -1 for that edge and frames of the dissolve
within its in and out; a clip at a speed of its own counts them as it is shown. Rules:
https://developer.apple.com/library/archive/documentation/AppleApplications/Reference/FinalCutPro_XML/
"""

from collections.abc import Iterator, Sequence
from math import floor
from xml.etree.ElementTree import Element

from farm.timeline import Rate
from tasks.compose_otio.findings import Finding
from tasks.compose_otio.formats._common import edges_lost, fades_lost, markers_lost
from tasks.compose_otio.formats._contract import File, Format, Lost, Source
from tasks.compose_otio.formats._timecode import time_base, timecode
from tasks.compose_otio.formats._xml import child, document, said, url
from tasks.compose_otio.layout import base_name
from tasks.compose_otio.manifest import Item
from tasks.compose_otio.plan import Lane, Mark, Piece, Plan

_LOST = Lost("fcp7")
_STEREO = 2
_IN_A_TRANSITION = -1
_NO_END = -1
_LOUDEST = 3.98109  # as Final Cut Pro writes it: +12 dB
_FASTEST = 100_000


def _write(source: Source) -> Sequence[File]:
    root = Element("xmeml", said({"version": "5"}))
    _Sequence(source.plan).write(root)
    return [File("fcp7", f"{source.slug}.xml", "application/xml", document(root, "xmeml"))]


class _Sequence:
    """One sequence. Files are told in full where they are first used, and by their ids after that."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._files: dict[str, str] = {}
        self._clips = 0
        self._media = {medium.item.id: medium for medium in plan.media}

    def write(self, root: Element) -> None:
        """The whole sequence."""
        plan = self._plan
        sequence = child(root, "sequence", id="sequence-1")
        child(sequence, "name", plan.name)
        child(sequence, "duration", plan.frames)
        _rate(sequence, plan.rate)
        code = child(sequence, "timecode")
        _rate(code, plan.rate)
        child(code, "string", timecode(plan.start, plan.rate))
        child(code, "frame", plan.start)
        child(code, "displayformat", "NDF")
        media = child(sequence, "media")
        self._picture(child(media, "video"))
        self._sound(child(media, "audio"))
        for mark in plan.marks:
            _marker(sequence, mark)

    def _picture(self, video: Element) -> None:
        looks = child(child(video, "format"), "samplecharacteristics")
        _rate(looks, self._plan.rate)
        _size(looks, self._plan.width, self._plan.height)
        child(looks, "fielddominance", "none")
        child(looks, "colordepth", 24)
        track = child(video, "track")
        pieces = self._plan.picture.pieces
        for piece, after in zip(pieces, (*pieces[1:], None), strict=True):
            if piece.centred:
                _transition(track, piece, self._plan.rate)
            self._seen(track, piece, after)
        _enabled(track)

    def _seen(self, track: Element, piece: Piece, after: Piece | None) -> None:
        head = piece.centred
        tail = after.centred if after else None
        clip = self._clip(track, piece, head.before if head else 0, tail.after if tail else 0)
        _retimed(clip, piece, "video")
        self._source(clip, "video", 1)

    def _clip(self, track: Element, piece: Piece, ahead: int, behind: int) -> Element:
        """A clip that has so many frames of dissolves before and after its place."""
        self._clips += 1
        first = ahead if piece.is_still else floor(piece.source.start / (piece.speed or 1))
        clip = child(track, "clipitem", id=f"clipitem-{self._clips}")
        child(clip, "name", piece.name)
        child(clip, "enabled", "TRUE")
        child(
            clip, "duration", max(first + len(piece.place) + behind, floor(piece.there / (piece.speed or 1)))
        )
        _rate(clip, self._plan.rate)
        child(clip, "start", _IN_A_TRANSITION if ahead else piece.place.start)
        child(clip, "end", _IN_A_TRANSITION if behind else piece.place.stop)
        child(clip, "in", first - ahead)
        child(clip, "out", first + len(piece.place) + behind)
        if piece.is_still or piece.is_held:
            child(clip, "stillframe", "TRUE")
            child(clip, "stillframeoffset", 0 if piece.is_still else piece.source.start)
        self._file(clip, piece.item)
        return clip

    def _file(self, clip: Element, item: Item) -> None:
        known = item.id in self._files
        file_id = self._files.setdefault(item.id, f"file-{len(self._files) + 1}")
        file = child(clip, "file", id=file_id)
        if known:
            return
        child(file, "name", base_name(item))
        child(file, "pathurl", url(item.path))
        _rate(file, self._plan.rate)
        child(file, "duration", self._media[item.id].there)
        media = child(file, "media")
        if item.kind != "audio":
            looks = child(child(media, "video"), "samplecharacteristics")
            _size(looks, item.meta.w or self._plan.width, item.meta.h or self._plan.height)
        if self._media[item.id].has_sound:
            audio = child(media, "audio")
            looks = child(audio, "samplecharacteristics")
            child(looks, "depth", 16)
            child(looks, "samplerate", item.meta.sample_rate or self._plan.sample_rate)
            child(audio, "channelcount", item.meta.channels or _STEREO)

    def _sound(self, audio: Element) -> None:
        child(audio, "numOutputChannels", _STEREO)
        looks = child(child(audio, "format"), "samplecharacteristics")
        child(looks, "depth", 16)
        child(looks, "samplerate", self._plan.sample_rate)
        for lane in self._plan.sounds:
            self._lane(audio, lane)

    def _lane(self, audio: Element, lane: Lane) -> None:
        """A track for each channel, linked as Premiere does it."""
        channels = _channels(lane)
        first = self._clips + 1
        for channel in range(channels):
            track = child(
                audio,
                "track",
                currentExplodedTrackIndex=channel,
                totalExplodedTrackCount=channels,
                premiereTrackType="Stereo" if channels == _STEREO else "Mono",
            )
            for number, piece in enumerate(lane.pieces):
                clip = self._clip(track, piece, 0, 0)
                _levels(clip, piece, lane)
                _retimed(clip, piece, "audio")
                self._source(clip, "audio", channel + 1)
                for other in range(channels) if channels > 1 else ():
                    link = child(clip, "link")
                    child(link, "linkclipref", f"clipitem-{first + other * len(lane.pieces) + number}")
                    child(link, "mediatype", "audio")
                child(child(clip, "comments"), "mastercomment1", f"Role: {lane.role}")
            _enabled(track)
            child(track, "outputchannelindex", channel + 1)

    def _source(self, clip: Element, kind: str, index: int) -> None:
        source = child(clip, "sourcetrack")
        child(source, "mediatype", kind)
        child(source, "trackindex", index)


def _channels(lane: Lane) -> int:
    known = lane.pieces[0].item.meta.channels if lane.pieces else None
    return min(known or _STEREO, _STEREO)


def _rate(parent: Element, rate: Rate) -> None:
    made = child(parent, "rate")
    child(made, "timebase", time_base(rate))
    child(made, "ntsc", "FALSE" if rate.den == 1 else "TRUE")


def _size(looks: Element, width: int, height: int) -> None:
    child(looks, "width", width)
    child(looks, "height", height)
    child(looks, "anamorphic", "FALSE")
    child(looks, "pixelaspectratio", "square")


def _enabled(track: Element) -> None:
    child(track, "enabled", "TRUE")
    child(track, "locked", "FALSE")


def _transition(track: Element, piece: Piece, rate: Rate) -> None:
    dissolve = piece.centred
    if dissolve is None:
        return
    made = child(track, "transitionitem")
    child(made, "start", piece.place.start - dissolve.before)
    child(made, "end", piece.place.start + dissolve.after)
    child(made, "alignment", "center")
    _rate(made, rate)
    effect = child(made, "effect")
    child(effect, "name", "Cross Dissolve")
    child(effect, "effectid", "Cross Dissolve")
    child(effect, "effectcategory", "Dissolve")
    child(effect, "effecttype", "transition")
    child(effect, "mediatype", "video")
    for tag, value in (("wipecode", 0), ("wipeaccuracy", 100), ("startratio", 0), ("endratio", 1)):
        child(effect, tag, value)
    child(effect, "reverse", "FALSE")


def _effect(clip: Element, name: str, effect_id: str, category: str, kind: str, media: str) -> Element:
    effect = child(child(clip, "filter"), "effect")
    child(effect, "name", name)
    child(effect, "effectid", effect_id)
    child(effect, "effectcategory", category)
    child(effect, "effecttype", kind)
    child(effect, "mediatype", media)
    return effect


def _parameter(effect: Element, name: str, value: object, bounds: tuple[object, object] | None) -> Element:
    made = child(effect, "parameter")
    child(made, "parameterid", name)
    child(made, "name", name)
    if bounds is not None:
        child(made, "valuemin", bounds[0])
        child(made, "valuemax", bounds[1])
    child(made, "value", value)
    return made


def _retimed(clip: Element, piece: Piece, media: str) -> None:
    if not piece.is_retimed:
        return
    effect = _effect(clip, "Time Remap", "timeremap", "motion", "motion", media)
    _parameter(effect, "variablespeed", 0, (0, 1))
    _parameter(effect, "speed", f"{float(piece.speed * 100):.10g}", (-_FASTEST, _FASTEST))
    _parameter(effect, "reverse", "FALSE", None)
    _parameter(effect, "frameblending", "FALSE", None)


def _levels(clip: Element, piece: Piece, lane: Lane) -> None:
    """Gain as it is, linear; fades as key frames in the clip's own time."""
    fade_in = min(lane.fade_in if piece is lane.pieces[0] else 0, len(piece.place))
    fade_out = min(lane.fade_out if piece is lane.pieces[-1] else 0, len(piece.place) - fade_in)
    if lane.gain == 1 and not fade_in and not fade_out:
        return
    gain = f"{min(lane.gain, _LOUDEST):g}"
    effect = _effect(clip, "Audio Levels", "audiolevels", "audiolevels", "audiolevels", "audio")
    level = _parameter(effect, "level", gain, (0, _LOUDEST))
    first = floor(piece.source.start / (piece.speed or 1))
    last = first + len(piece.place)
    keys = {first: 0, first + fade_in: gain} if fade_in else {}
    keys |= {last - fade_out: gain, last: 0} if fade_out else {}
    for at, value in keys.items():
        key = child(level, "keyframe")
        child(key, "when", at)
        child(key, "value", value)


def _marker(sequence: Element, mark: Mark) -> None:
    made = child(sequence, "marker")
    child(made, "name", mark.name)
    child(made, "comment", mark.comment)
    child(made, "in", mark.place.start)
    child(made, "out", mark.place.stop if mark.place else _NO_END)


def _losses(plan: Plan) -> Iterator[Finding]:
    yield _LOST.relative_paths("Editors look for media by absolute file: URLs; relink them once.")
    yield from edges_lost(plan, _LOST, is_centred=True)
    for lane in plan.sounds:
        if lane.is_layer:
            yield _LOST.of_lane(lane, "role", "A role is only a comment on the clip.")
        if lane.pieces and lane.pieces[0].item.meta.channels not in (1, _STEREO):
            yield _LOST.of_lane(lane, "itemId", "It is laid out as stereo.")
        if lane.gain > _LOUDEST:
            yield _LOST.of_lane(lane, "gain", "It is turned up by 12 dB at most.")
        yield from fades_lost(lane, _LOST)
    yield from markers_lost(plan, _LOST, color="Markers have no colour.")


FORMAT = Format("fcp7", _write, _losses)
