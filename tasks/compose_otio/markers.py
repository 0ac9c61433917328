"""The manifest's markers as OpenTimelineIO has them, on the whole timeline."""

from pydantic import JsonValue

from farm.timeline import Rate, Timeline
from tasks.compose_otio.manifest import Manifest, exact

_Object = dict[str, JsonValue]


def markers_of(manifest: Manifest, timeline: Timeline) -> list[JsonValue]:
    """In the caller's order; both edges of each are snapped to frames, and none outlasts the picture."""
    made = list[JsonValue]()
    rate = timeline.rate
    for marker in manifest.intent.markers:
        at = exact(marker.at_sec)
        first = rate.nearest_frame(at)
        last = min(rate.nearest_frame(at + exact(marker.duration_sec)), timeline.end_frame_exclusive)
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
