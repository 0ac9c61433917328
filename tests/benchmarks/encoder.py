"""The standard profile beside x264's veryfast as it is: CPU, and the size of files of one quality.

Real footage with motion, of people on bicycles and of an animation, and the render benchmark's photos and
clips. Each is encoded at three qualities both ways; sizes are compared where PSNR or SSIM are alike, as the
mean distance of the two curves. CPU seconds are of one thread of a process of its own, in turn.
"""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av
import imageio_ffmpeg  # type: ignore[import-untyped]  # published without type information
import numpy as np
import numpy.typing as npt

from farm.encoders import STANDARD
from tests.benchmarks.encoding import encode_frames, frames_of
from tests.benchmarks.process import measure
from tests.benchmarks.render_works import FPS, WORKS
from tests.benchmarks.report import FOLDER, Benchmark, Row
from tests.media import real_clip
from workers.media.cuts import CutFinder
from workers.media.x264 import with_best_instructions

Floats = npt.NDArray[np.float64]

_VERYFAST = {"preset": "veryfast"}
_QUALITIES = ("20", "23", "26")
_FROM, _FRAMES = 60, 250  # of the benchmark's films: with two crossfades of photos, and one of clips
_CLIPS_FROM = 200


class _Encoded(NamedTuple):
    size_bytes: int
    psnr_db: float
    ssim_db: float


@dataclass(frozen=True, slots=True)
class _Source:
    """Uncompressed frames."""

    name: str
    path: Path
    width: int
    height: int


def run(runs: int) -> Sequence[Row]:
    """Five minutes for three runs."""
    subprocess.run([sys.executable, "-m", "tests.benchmarks.render_assets"], check=True)
    sources = [*(_real(name) for name in ("bikes", "bigbuckbunny")), _film("photos", _FROM)]
    sources.append(_film("clips", _CLIPS_FROM))
    try:
        return [row for source in sources for row in _rows(source, runs)]
    finally:
        for source in sources:
            source.path.unlink(missing_ok=True)


def _real(name: str) -> _Source:
    path = FOLDER / f"{name}.yuv"
    with av.open(str(real_clip(name))) as container, path.open("wb") as file:
        for frame in container.decode(video=0):
            file.write(frame.to_ndarray(format="yuv420p").data)
    return _Source(name, path, frame.width, frame.height)


def _film(work: str, first: int) -> _Source:
    """Some of the frames that the engine composes."""
    whole, path = FOLDER / "frames.yuv", FOLDER / f"{work}.yuv"
    subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.render_job", "dump", work, str(whole)], check=True
    )
    size = WORKS[work].width * WORKS[work].height * 3 // 2
    with whole.open("rb") as file:
        file.seek(first * size)
        path.write_bytes(file.read(_FRAMES * size))
    whole.unlink()
    return _Source(work, path, WORKS[work].width, WORKS[work].height)


def _rows(source: _Source, runs: int) -> Sequence[Row]:
    theirs, ours = _curve(source, "veryfast"), _curve(source, "standard")
    costs = [(_cpu_s(source, "standard"), _cpu_s(source, "veryfast")) for _ in range(runs)]
    return (
        Row.median(f"{source.name}: CPU over veryfast", [o / t for o, t in costs], "x", target=0.9),
        Row.median(f"{source.name}: size at equal PSNR", [_size_ratio(ours, theirs, 1)], "x", target=1.03),
        Row.median(f"{source.name}: size at equal SSIM", [_size_ratio(ours, theirs, 2)], "x", target=1.05),
    )


def _curve(source: _Source, way: str) -> Sequence[_Encoded]:
    return [_encoded(source, way, quality) for quality in _QUALITIES]


def _encoded(source: _Source, way: str, quality: str) -> _Encoded:
    out = FOLDER / "encoder.mp4"
    subprocess.run(_command(source, way, quality, out), check=True)
    compare = "[0:v][1:v]psnr;[0:v][1:v]ssim"
    raw = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{source.width}x{source.height}", "-r", str(FPS))
    told = subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", str(out)),
            *(*raw, "-i", str(source.path), "-filter_complex", compare, "-f", "null", "-"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stderr
    return _Encoded(
        out.stat().st_size, _found(r"PSNR y:([\d.]+)", told), _found(r"SSIM Y:[\d.]+ \(([\d.]+)\)", told)
    )


def _found(pattern: str, told: str) -> float:
    match = re.search(pattern, told)
    assert match is not None, told
    return float(match.group(1))


def _size_ratio(ours: Sequence[_Encoded], theirs: Sequence[_Encoded], measured: int) -> float:
    """The geometric mean, over the qualities that both reach, of one's size over the other's."""
    (mine, my_sizes), (other, other_sizes) = (_by_quality(way, measured) for way in (ours, theirs))
    alike = np.linspace(max(mine[0], other[0]), min(mine[-1], other[-1]))
    return float(np.exp(np.mean(np.interp(alike, mine, my_sizes) - np.interp(alike, other, other_sizes))))


def _by_quality(way: Sequence[_Encoded], measured: int) -> tuple[Floats, Floats]:
    """Qualities in dB, rising, and the logarithm of the size at each."""
    rising = sorted(way, key=lambda encoded: encoded[measured])
    return np.array([e[measured] for e in rising]), np.log([e.size_bytes for e in rising])


def _cpu_s(source: _Source, way: str) -> float:
    return measure(_command(source, way, STANDARD.options["crf"], FOLDER / "encoder.mp4")).cpu_s


def _command(source: _Source, way: str, quality: str, out: Path) -> Sequence[str]:
    place = (str(source.path), str(source.width), str(source.height))
    return [sys.executable, "-m", "tests.benchmarks.encoder", way, quality, *place, str(out)]


def _options(way: str) -> Mapping[str, str]:
    return STANDARD.options if way == "standard" else _VERYFAST


def encode(way: str, quality: str, path: str, width: str, height: str, out: str) -> None:
    """Encode frames as one of the two does."""
    frames = frames_of(Path(path), int(width), int(height))
    options = with_best_instructions({**_options(way), "crf": quality})
    encode_frames(frames, Path(out), options, threads=1, cuts=CutFinder() if way == "standard" else None)


BENCHMARK = Benchmark(
    "encoder", "The standard profile beside x264's veryfast: CPU, size at equal quality.", run
)


if __name__ == "__main__":
    encode(*sys.argv[1:])
