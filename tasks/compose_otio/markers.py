"""The manifest's markers as OpenTimelineIO has them, on the whole timeline."""

from pydantic import JsonValue

from farm.timeline import Rate
from tasks.compose_otio.manifest import Manifest, exact

_Object = dict[str, JsonValue]


def markers_of(manifest: Manifest, rate: Rate) -> list[JsonValue]:
    """In the caller's order; both edges of each are snapped to frames."""
    made = list[JsonValue]()
    for marker in manifest.intent.markers:
        at = exact(marker.at_sec)
        first, last = rate.nearest_frame(at), rate.nearest_frame(at + exact(marker.duration_sec))
        made.append(marker_at(marker.name, marker.comment, marker.color, range(first, last), rate))
    return made


def marker_at(name: str, comment: str, color: str, frames: range, rate: Rate) -> _Object:
    """One marker over these frames."""
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": name,
        "comment": comment,
        "color": color,
        "marked_range": {
            "OTIO_SCHEMA": "TimeRange.1",
            "start_time": time_at(frames.start, rate),
            "duration": time_at(len(frames), rate),
        },
        "metadata": {},
    }


def time_at(frames: int, rate: Rate) -> _Object:
    """A RationalTime."""
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate.fps), "value": float(frames)}
