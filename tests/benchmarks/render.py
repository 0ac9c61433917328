"""The render benchmark: a photo montage by the engine, by FFmpeg's filter graph, and encoding alone.

CPU seconds of whole processes, which other load on the machine changes least. The three take turns.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # published without type information
from PIL import Image

from farm.timeline import Position
from tests.benchmarks.process import Cost, measure
from tests.benchmarks.render_job import (
    ASSETS,
    FADE_FRAMES,
    FPS,
    FRAMES,
    HEIGHT,
    MUSIC,
    PHOTOS,
    TEXT,
    WIDTH,
)
from tests.benchmarks.report import FOLDER, Benchmark, Row
from tests.benchmarks.smoothness import jitter
from workers.cpu_render.text import template_named
from workers.cpu_render.text.contract import Stage

_CAPTION = ASSETS / "caption.png"
_FRAMES = FOLDER / "frames.yuv"
_OURS, _THEIRS = FOLDER / "render.mp4", FOLDER / "ffmpeg.mp4"
_ZOOM = 0.135
# A supersampled canvas of this factor steadies zoompan, which moves by whole pixels.
_SUPERSAMPLED = 2


def run(runs: int) -> Sequence[Row]:
    """Measure all three `runs` times in turn."""
    subprocess.run([sys.executable, "-m", "tests.benchmarks.render_assets"], check=True)
    _draw_caption()
    _job("dump", str(_FRAMES))  # also compiles the kernels, where that was never done here
    engine, ffmpeg, alone = [], [], []
    try:
        for _ in range(runs):
            engine.append(measure([*_JOB, "render", str(_OURS)]))
            alone.append(float(_job("encode", str(_FRAMES), str(FOLDER / "encode-only.mp4"))))
            ffmpeg.append(measure(_ffmpeg(_THEIRS)))
    finally:
        _FRAMES.unlink(missing_ok=True)
    return _rows(engine, alone, ffmpeg)


_JOB = (sys.executable, "-m", "tests.benchmarks.render_job")


def _job(*arguments: str) -> str:
    return subprocess.run([*_JOB, *arguments], check=True, capture_output=True, text=True).stdout


def _rows(engine: Sequence[Cost], alone: Sequence[float], ffmpeg: Sequence[Cost]) -> Sequence[Row]:
    ours = [cost.cpu_s for cost in engine]
    theirs = [cost.cpu_s for cost in ffmpeg]
    to_alone = [mine / limit for mine, limit in zip(ours, alone, strict=True)]
    to_ffmpeg = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return (
        Row.median("engine, CPU over encode-only", to_alone, "x", target=1.3),
        Row.median("engine, CPU over ffmpeg", to_ffmpeg, "x", target=0.6),
        Row.median("engine, peak memory", [cost.peak_mb for cost in engine], "MB", target=600),
        Row.median("engine, jitter of the zoom", [jitter(_OURS)], "px", target=0.15),
        Row.median("ffmpeg, jitter of the zoom", [jitter(_THEIRS)], "px"),
        Row.median("engine, CPU", ours, "s"),
        Row.median("encode-only, CPU", alone, "s"),
        Row.median("ffmpeg, CPU", theirs, "s"),
        Row.median("ffmpeg, peak memory", [cost.peak_mb for cost in ffmpeg], "MB"),
        Row.median("engine, wall", [cost.wall_s for cost in engine], "s"),
        Row.median("ffmpeg, wall", [cost.wall_s for cost in ffmpeg], "s"),
    )


def _draw_caption() -> None:
    """The engine's own caption, so that both lay the same one over the picture."""
    drawing = template_named("Snapchat Hook").draw(TEXT, Stage(WIDTH, HEIGHT, Position.BOTTOM))
    whole = Image.new("RGBA", (WIDTH, HEIGHT))
    whole.paste(drawing.image, (drawing.x, drawing.y))
    whole.save(_CAPTION)


def _ffmpeg(out: Path) -> Sequence[str]:
    """The same montage as a filter graph: zoompan, xfade, overlay."""
    # Each transition shows two photos at once, so that all photos together last that much longer.
    lengths = _shares(FRAMES + (len(PHOTOS) - 1) * FADE_FRAMES, len(PHOTOS))
    parts = [_zooming(number, length) for number, length in enumerate(lengths)]
    shown, start = "v0", 0
    for number in range(1, len(PHOTOS)):
        start += lengths[number - 1] - FADE_FRAMES
        fade = f"xfade=transition=fade:duration={FADE_FRAMES / FPS}:offset={start / FPS:.6f}"
        parts.append(f"[{shown}][v{number}]{fade}[x{number}]")
        shown = f"x{number}"
    caption, music = len(PHOTOS), len(PHOTOS) + 1
    parts.append(f"[{shown}][{caption}:v]overlay=0:0:format=auto,format=yuv420p[out]")
    inputs = [part for path in (*PHOTOS, _CAPTION, MUSIC) for part in ("-i", str(path))]
    return [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-nostdin", *inputs),
        *("-filter_complex", ";".join(parts), "-map", "[out]", "-map", f"{music}:a"),
        *("-t", str(FRAMES / FPS), "-r", str(FPS), "-c:v", "libx264", "-preset", "veryfast", "-crf", "23"),
        *("-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "192k", str(out)),
    ]


def _zooming(number: int, frames: int) -> str:
    width, height = WIDTH * _SUPERSAMPLED, HEIGHT * _SUPERSAMPLED
    return (
        f"[{number}:v]scale={width}:{height}:force_original_aspect_ratio=increase:flags=bicubic,"
        f"crop={width}:{height},setsar=1,"
        f"zoompan=z='1+{_ZOOM}*on/{frames - 1}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2'"
        f":d={frames}:s={WIDTH}x{HEIGHT}:fps={FPS},format=yuv420p,settb=1/{FPS}[v{number}]"
    )


def _shares(total: int, parts: int) -> list[int]:
    return [(part + 1) * total // parts - part * total // parts for part in range(parts)]


BENCHMARK = Benchmark("render", "A 30 s photo montage in 1080x1920, by the engine and by others.", run)
