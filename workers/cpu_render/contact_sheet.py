"""A picture of a video at a glance: frames spread evenly over it, each with its timecode.

The frames are decoded from the finished file, so the sheet shows what viewers get. Sizes are pixels.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageDraw

from farm.timeline import Rate
from workers.cpu_render.text.label import label
from workers.cpu_render.text.typesetting import label_font
from workers.media.video import VideoReader

_GROUND, _INK, _FAINT = "#101216", "#f2f3f5", "#8b919c"
_SHEET_WIDTH = 1600
_MARGIN, _GAP, _ROUND = 48, 20, 12
_TITLE_SIZE, _NOTE_SIZE, _CODE_SIZE = 34, 20, 19
_CODE_HEIGHT = 38
_LONGEST_THUMB = 460


@dataclass(frozen=True, slots=True)
class _Grid:
    columns: int
    rows: int
    thumb_width: int
    thumb_height: int

    @classmethod
    def of(cls, width: int, height: int, count: int) -> "_Grid":
        """As many columns as keep the thumbs within a comfortable height."""
        columns = 6 if height > width else 4
        columns = min(columns, count)
        across = (_SHEET_WIDTH - 2 * _MARGIN - (columns - 1) * _GAP) // columns
        scale = min(across / width, _LONGEST_THUMB / height)
        return cls(columns, math.ceil(count / columns), round(width * scale), round(height * scale))

    def corner(self, number: int) -> tuple[int, int]:
        """Where a thumb goes. Rows are spread over the sheet's width, also when thumbs are narrower."""
        row, column = divmod(number, self.columns)
        pitch = (_SHEET_WIDTH - 2 * _MARGIN + _GAP) / self.columns
        left = _MARGIN + round(column * pitch + (pitch - _GAP - self.thumb_width) / 2)
        return left, _top() + row * (self.thumb_height + _CODE_HEIGHT + _GAP)

    @property
    def sheet_height(self) -> int:
        return _top() + self.rows * (self.thumb_height + _CODE_HEIGHT + _GAP) - _GAP + _MARGIN


def draw_sheet(video: Path, out: Path, *, rate: Rate, frames: int, title: str, count: int = 12) -> None:
    """Write a PNG with up to `count` frames of a video of `frames` frames at `rate`."""
    wanted = _spread(frames, min(count, frames))
    shots = list(_frames_at(video, rate, wanted))
    grid = _Grid.of(shots[0].width, shots[0].height, len(shots))
    sheet = Image.new("RGB", (_SHEET_WIDTH, grid.sheet_height), _GROUND)
    pen = ImageDraw.Draw(sheet)
    size = f"{shots[0].width}x{shots[0].height}"
    label(sheet, (_MARGIN, _MARGIN), title, _TITLE_SIZE, _INK, _SHEET_WIDTH - 2 * _MARGIN)
    note = f"{size}   {float(rate.fps):g} fps   {timecode(frames, rate)}   {frames} frames"
    pen.text((_MARGIN, _MARGIN + _TITLE_SIZE + 14), note, _FAINT, label_font(_NOTE_SIZE))
    for number, (frame, shot) in enumerate(zip(wanted, shots, strict=True)):
        left, top = grid.corner(number)
        thumb = shot.resize((grid.thumb_width, grid.thumb_height), Image.Resampling.LANCZOS)
        sheet.paste(thumb, (left, top), _rounded(thumb.size))
        code = (left + grid.thumb_width / 2, top + grid.thumb_height + _CODE_HEIGHT / 2 + 2)
        pen.text(code, timecode(frame, rate), _FAINT, label_font(_CODE_SIZE), anchor="mm")
    sheet.save(out, format="PNG")


def timecode(frame: int, rate: Rate) -> str:
    """mm:ss.cc of a frame's start; hours only where there are any."""
    centis = round(rate.seconds(frame) * 100)
    minutes, rest = divmod(centis, 6000)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:" if hours else "") + f"{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"


def _spread(frames: int, count: int) -> list[int]:
    """The middle frames of `count` equal parts."""
    return [(2 * part + 1) * frames // (2 * count) for part in range(count)]


def _frames_at(video: Path, rate: Rate, wanted: list[int]) -> Iterator[Image.Image]:
    with VideoReader(video, rate=rate, source_start=Fraction(0)) as reader:  # it seeks over what lies between
        for number in wanted:
            yield Image.fromarray(reader.frame(number).to_ndarray(format="rgb24"))


def _rounded(size: tuple[int, int]) -> Image.Image:
    large = Image.new("L", (size[0] * 4, size[1] * 4))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), _ROUND * 4, fill=255)
    return large.resize(size, Image.Resampling.LANCZOS)


def _top() -> int:
    return _MARGIN + _TITLE_SIZE + _NOTE_SIZE + 52
