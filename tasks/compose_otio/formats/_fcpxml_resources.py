"""The resources of an FCPXML: formats, and an asset for each file."""

from fractions import Fraction
from xml.etree.ElementTree import Element

from farm.timeline import Rate
from tasks.compose_otio.formats._xml import child, url
from tasks.compose_otio.layout import base_name
from tasks.compose_otio.manifest import Item, exact
from tasks.compose_otio.plan import Medium, Plan

_STILL = "FFVideoFormatRateUndefined"
_SIZES = {(1280, 720): "720p", (1920, 1080): "1080p", (3840, 2160): "3840x2160p", (4096, 2160): "4096x2160p"}
# The rates that Final Cut Pro has projects of, as it calls them.
RATES = {
    "24000/1001": "23.98",
    "24": "24",
    "25": "25",
    "30000/1001": "29.97",
    "30": "30",
    "50": "50",
    "60000/1001": "59.94",
    "60": "60",
}


class Resources:
    """Formats and assets: what the sequence looks like (`r1`), and every file that is used."""

    def __init__(self, resources: Element, plan: Plan) -> None:
        self._resources, self._plan = resources, plan
        self._known: dict[tuple[int, int, Rate | None], str] = {}
        self._of((plan.width, plan.height, plan.rate))

    def assets(self) -> dict[str, str]:
        """The assets' ids by the items' ids."""
        return {
            medium.item.id: self._asset(f"a{number}", medium)
            for number, medium in enumerate(self._plan.media, start=1)
        }

    def _asset(self, asset_id: str, medium: Medium) -> str:
        item = medium.item
        is_seen, has_sound = item.kind != "audio", item.kind != "image" and medium.has_sound
        asset = child(
            self._resources,
            "asset",
            id=asset_id,
            name=base_name(item),
            start="0s",
            duration="0s" if item.kind == "image" else time_of(medium.there, self._plan.rate),
            hasVideo="1" if is_seen else None,
            format=self._of(self._look(item)) if is_seen else None,
            videoSources="1" if is_seen else None,
            hasAudio="1" if has_sound else None,
            audioSources="1" if has_sound else None,
            audioChannels=(item.meta.channels or 2) if has_sound else None,
            audioRate=(item.meta.sample_rate or self._plan.sample_rate) if has_sound else None,
        )
        child(asset, "media-rep", kind="original-media", src=url(item.path))
        return asset_id

    def _look(self, item: Item) -> tuple[int, int, Rate | None]:
        size = item.meta.w or self._plan.width, item.meta.h or self._plan.height
        if item.kind == "image":
            return (*size, None)
        return (*size, Rate.of(exact(item.meta.fps)) if item.meta.fps else self._plan.rate)

    def _of(self, look: tuple[int, int, Rate | None]) -> str:
        if look not in self._known:
            self._known[look] = f"r{len(self._known) + 1}"
            width, height, rate = look
            child(
                self._resources,
                "format",
                id=self._known[look],
                name=_format_name(width, height, rate),
                frameDuration=None if rate is None else time_of(1, rate),
                width=width,
                height=height,
            )
        return self._known[look]


def time_of(frames: int | Fraction, rate: Rate) -> str:
    """Exact seconds: `1001/24000s`."""
    return f"{Fraction(frames) / rate.fps}s"


def _format_name(width: int, height: int, rate: Rate | None) -> str | None:
    """The name that Final Cut has for it; None where it has none."""
    if rate is None:
        return _STILL
    size, fps = _SIZES.get((width, height)), RATES.get(str(rate.fps))
    return f"FFVideoFormat{size}{fps.replace('.', '')}" if size and fps else None
