"""Reads an FCPXML by Apple's documentation, for the pages cited in fcpxml_rules.py.

otio-fcpx-xml-adapter, which is not the farm's, stops at stills and knows neither transitions nor speeds nor
levels; what it does read is compared with this reader in test_compose_round_trips.py.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from urllib.parse import unquote
from xml.etree.ElementTree import Element, fromstring

from tasks.compose_otio import File
from tests.editors.fcpxml_rules import medium_at, seconds
from tests.editors.reading import Picture, Reading, pictures, sounds


def of_fcpxml(files: Sequence[File]) -> Reading:
    """Everything in the storyline, and what hangs on it."""
    return _Document(files[0].content).reading()


def edges(text: bytes) -> set[int]:
    """The frames at which something of the storyline begins or ends, counted from its start."""
    return _Document(text).edges()


class _Document:
    def __init__(self, text: bytes) -> None:
        self._root = fromstring(text)
        self._sequence = self._one(".//sequence")
        self._format = self._one(f"resources/format[@id='{self._sequence.get('format')}']")
        self._frame = seconds(self._format.get("frameDuration"))
        self._start = seconds(self._sequence.get("tcStart"))
        self._items = [item for item in self._one(".//spine") if item.tag != "transition"]

    def reading(self) -> Reading:
        """What the document says."""
        made = Reading()
        made.says("rate", 1 / self._frame)
        made.says("size", (int(self._format.get("width", 0)), int(self._format.get("height", 0))))
        audio_rate = self._sequence.get("audioRate", "0k")
        made.says("sample rate", float(audio_rate.removesuffix("k")) * 1000)
        pictures(made, [self._piece(item, self._at(item)) for item in self._items if item.tag != "gap"])
        lanes = self._lanes()
        sounds(made, [[piece for piece, _ in lane] for lane in lanes])
        first = [lane[0][1] for lane in lanes]
        made.says("roles", [clip.get("audioRole") for clip in first][:3])
        made.says("gain", dict(_gains(first)))
        made.says("fades", dict(self._fades(lanes)))
        made.says("dissolves", [self._range(item) for item in self._root.iter("transition")])
        made.says("files", {unquote(rep.get("src", "")) for rep in self._root.iter("media-rep")})
        found = [(marker, item) for item in self._items for marker in item.iterfind("marker")]
        made.says("markers", [(m.get("value"), self._local(m.get("start"), item)) for m, item in found])
        made.says("marker comments", {m.get("value"): m.get("note") for m, _ in found if m.get("note")})
        lengths = {m.get("value"): self._frames(seconds(m.get("duration"))) for m, _ in found}
        made.says("marker lengths", {name: length for name, length in lengths.items() if length > 1})
        return made

    def edges(self) -> set[int]:
        return {edge for item in self._items for edge in self._range(item)}

    def _one(self, path: str) -> Element:
        found = self._root.find(path)
        assert found is not None, path
        return found

    def _frames(self, time: Fraction) -> int:
        frames = time / self._frame
        assert frames.denominator == 1, time
        return frames.numerator

    def _at(self, item: Element) -> int:
        return self._frames(seconds(item.get("offset")) - self._start)

    def _range(self, item: Element) -> tuple[int, int]:
        at = self._at(item)
        return at, at + self._frames(seconds(item.get("duration")))

    def _local(self, time: str | None, parent: Element) -> int:
        """A time that is an item's own, on the timeline."""
        return self._at(parent) + self._frames(seconds(time) - seconds(parent.get("start")))

    def _piece(self, clip: Element, at: int) -> Picture:
        start, length = seconds(clip.get("start")), seconds(clip.get("duration"))
        first, last = medium_at(clip, start), medium_at(clip, start + length)
        is_still = clip.tag == "video"
        source = 0 if is_still else round(first / self._frame)
        speed = 1.0 if is_still else float((last - first) / length)
        return Picture(clip.get("name", ""), at, at + self._frames(length), source, speed)

    def _lanes(self) -> list[list[tuple[Picture, Element]]]:
        found: dict[int, list[tuple[Picture, Element]]] = {}
        for item in self._items:
            for clip in item.iterfind("asset-clip"):
                lane = found.setdefault(int(clip.get("lane", 0)), [])
                lane.append((self._piece(clip, self._local(clip.get("offset"), item)), clip))
        return [found[lane] for lane in sorted(found, reverse=True)]

    def _fades(self, lanes: list[list[tuple[Picture, Element]]]) -> Iterator[tuple[int, tuple[int, int]]]:
        for number, lane in enumerate(lanes):
            fades = [
                0 if fade is None else self._frames(seconds(fade.get("duration")))
                for fade in (lane[0][1].find(".//fadeIn"), lane[-1][1].find(".//fadeOut"))
            ]
            if any(fades):
                yield number, (fades[0], fades[1])


def _gains(clips: Sequence[Element]) -> Iterator[tuple[int, float]]:
    for number, clip in enumerate(clips):
        volume = clip.find("adjust-volume")
        if volume is not None:
            yield number, round(10 ** (float(volume.get("amount", "0dB").removesuffix("dB")) / 20), 3)
