"""OpenTimelineIO (Timeline.1) without its library: the farm's timeline, written for editors and read."""

from farm.otio.checked import BrokenOtio
from farm.otio.reader import Read, read_otio
from farm.otio.writer import CONTENT_TYPE, as_otio

__all__ = ["CONTENT_TYPE", "BrokenOtio", "Read", "as_otio", "read_otio"]
