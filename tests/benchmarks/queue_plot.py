"""Draws the queue benchmark's figures: bars of jobs a second, and the spread of submit to start."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.benchmarks.queue_rig import percentile

_WIDTH, _LEFT, _RIGHT, _ROW, _BAR, _TOP = 1100, 330, 120, 34, 22, 60
_INK, _PALE, _OURS, _THEIRS = "#1c1c1c", "#d9d9d9", "#1f6f8b", "#a8a8a8"
_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


def draw(
    path: Path, throughput: Mapping[str, float], latency_ms: Mapping[str, Sequence[float]], note: str
) -> None:
    """Write a PNG. Names that begin with "farm" are the farm's own."""
    height = _TOP * 3 + _ROW * (len(throughput) + len(latency_ms) * len(_SHARES))
    image = Image.new("RGB", (_WIDTH, height), "white")
    drawing = ImageDraw.Draw(image)
    y = _heading(drawing, 16, f"No-op jobs a second, end to end ({note})")
    y = _bars(drawing, y, throughput, "{:.0f}")
    y = _heading(drawing, y + _ROW // 2, "Submit to start on an idle farm, ms")
    spread = {
        f"{name}, p{share * 100:g}": percentile(list(found), share)
        for name, found in latency_ms.items()
        for share in _SHARES
    }
    _bars(drawing, y, spread, "{:.1f}")
    image.save(path)


def _heading(drawing: ImageDraw.ImageDraw, y: int, text: str) -> int:
    drawing.text((24, y), text, fill=_INK, font=ImageFont.load_default(20))
    return y + _ROW + 8


def _bars(drawing: ImageDraw.ImageDraw, y: int, values: Mapping[str, float], form: str) -> int:
    font, longest = ImageFont.load_default(15), max(values.values())
    for name, value in values.items():
        end = _LEFT + int((_WIDTH - _LEFT - _RIGHT) * value / longest)
        drawing.line((_LEFT, y + _BAR, _WIDTH - _RIGHT, y + _BAR), fill=_PALE)
        drawing.rectangle((_LEFT, y, end, y + _BAR), fill=_OURS if name.startswith("farm") else _THEIRS)
        drawing.text((24, y + 1), name, fill=_INK, font=font)
        drawing.text((end + 8, y + 1), form.format(value), fill=_INK, font=font)
        y += _ROW
    return y
