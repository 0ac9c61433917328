"""The render benchmark: the same films by the engine and by others, and the least they could cost.

CPU seconds of whole process trees, which other load on the machine changes least. All take turns, round by
round; each ratio is of one round, and the median of the rounds counts. The long film is rendered once.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.benchmarks import render_copy
from tests.benchmarks import render_peers as peers
from tests.benchmarks.likeness import psnr
from tests.benchmarks.process import Cost, measure
from tests.benchmarks.report import FOLDER, Benchmark, Row
from tests.benchmarks.smoothness import backward_steps, jitter

_JOB = (sys.executable, "-m", "tests.benchmarks.render_job")
_FRAMES = FOLDER / "frames.yuv"

Commands = Mapping[str, Sequence[str] | None]


@dataclass(slots=True)
class _Found:
    """What was measured of one work, a value for each round. `alone_s`: encoding and nothing else."""

    engine: list[Cost] = field(default_factory=list)
    warm_s: list[float] = field(default_factory=list)
    alone_s: list[float] = field(default_factory=list)
    decoding_s: list[float] = field(default_factory=list)
    others: dict[str, list[Cost]] = field(default_factory=dict)
    copying: list[Cost] = field(default_factory=list)

    @property
    def cold_s(self) -> list[float]:
        return [cost.cpu_s for cost in self.engine]

    @property
    def limit_s(self) -> list[float]:
        return [sum(pair) for pair in zip(self.alone_s, self.decoding_s or [0.0] * 99, strict=False)]

    @property
    def peak_mb(self) -> list[float]:
        return [cost.peak_mb for cost in self.engine]

    def other_s(self, name: str) -> list[float]:
        return [cost.cpu_s for cost in self.others[name]]


def run(runs: int) -> Sequence[Row]:
    """Everything, `runs` times in turn; 20 to 30 minutes for three."""
    subprocess.run([sys.executable, "-m", "tests.benchmarks.render_assets"], check=True)
    peers.draw_caption()
    first = _first_run()
    photos = _measured("photos", runs, _of_photos())
    clips = _measured(
        "clips", runs, {"ffmpeg": peers.ffmpeg_clips(FOLDER / "clips-ffmpeg.mp4")}, decodes=True
    )
    everything = _measured("everything", runs, {})
    long = measure([*_JOB, "render", "long", str(FOLDER / "long.mp4")])
    return (
        *_photo_rows(photos, first),
        *_clip_rows(clips),
        _ratio("everything: CPU over encode-only", everything.warm_s, everything.limit_s, 1.35),
        Row.median("everything: peak memory", everything.peak_mb, "MB", target=500),
        Row.median("ten minutes of photos: peak memory", [long.peak_mb], "MB", target=500),
        Row.median(
            "ten minutes over 30 s: peak memory", [long.peak_mb / min(photos.peak_mb)], "x", target=1.1
        ),
        Row.median("ten minutes of photos: CPU", [long.cpu_s], "s"),
        *render_copy.run(runs),
    )


def _of_photos() -> Commands:
    """Peers by name; None where one is not installed."""
    return {
        "ffmpeg": peers.ffmpeg_photos(FOLDER / "photos-ffmpeg.mp4"),
        "MoviePy": peers.moviepy_photos(FOLDER / "photos-moviepy.mp4"),
        "melt": peers.melt_photos(FOLDER / "photos-melt.mp4"),
    }


def _first_run() -> Cost:
    """The very first one on a machine, which compiles the kernels."""
    with tempfile.TemporaryDirectory() as empty:
        os.environ["NUMBA_CACHE_DIR"] = empty
        try:
            return measure([*_JOB, "render", "photos", str(FOLDER / "photos.mp4")])
        finally:
            del os.environ["NUMBA_CACHE_DIR"]


def _measured(work: str, runs: int, others: Commands, *, decodes: bool = False) -> _Found:
    found, out = _Found(), FOLDER / f"{work}.mp4"
    _told("dump", work, str(_FRAMES))
    try:
        for _ in range(runs):
            found.engine.append(measure([*_JOB, "render", work, str(out)]))
            found.warm_s.append(float(_told("warm", work, str(out))))
            found.alone_s.append(float(_told("encode", work, str(_FRAMES), str(FOLDER / "alone.mp4"))))
            if decodes:
                found.copying.append(measure([*_JOB, "copying", work, str(out.with_name("copying.mp4"))]))
                found.decoding_s.append(float(_told("decode", work)))
            for name, command in others.items():
                if command is not None:
                    found.others.setdefault(name, []).append(measure(command))
    finally:
        _FRAMES.unlink(missing_ok=True)
    return found


def _told(*arguments: str) -> str:
    return subprocess.run([*_JOB, *arguments], check=True, capture_output=True, text=True).stdout


def _photo_rows(found: _Found, first: Cost) -> Sequence[Row]:
    ours, theirs = FOLDER / "photos.mp4", FOLDER / "photos-ffmpeg.mp4"
    missing = [f"{name} is not installed: left out" for name in ("melt",) if name not in found.others]
    for line in missing:
        print(line, file=sys.stderr)
    return (
        _ratio("photos: warm, CPU over encode-only", found.warm_s, found.limit_s, 1.12),
        _ratio("photos: new process, CPU over encode-only", found.cold_s, found.limit_s, 1.2),
        *_beside_ffmpeg("photos", found, 1.8),
        _ratio("photos: MoviePy's CPU over ours", found.other_s("MoviePy"), found.cold_s, 5, higher=True),
        *(
            _ratio(f"photos: {name}'s CPU over ours", found.other_s(name), found.cold_s, None, higher=True)
            for name in ("melt",)
            if name in found.others
        ),
        Row.median("photos: peak memory", found.peak_mb, "MB", target=500),
        Row.median("photos: jitter of the zoom", [jitter(ours)], "px/frame²", target=0.09),
        Row.median("photos: steps of the zoom backward", [backward_steps(ours)], "steps", target=0),
        Row.median("ffmpeg: jitter of the zoom", [jitter(theirs)], "px/frame²"),
        Row.median("ffmpeg: steps of the zoom backward", [backward_steps(theirs)], "steps"),
        Row.median("photos: CPU in a new process", found.cold_s, "s"),
        Row.median("photos: CPU of the very first run", [first.cpu_s], "s"),
        Row.median("encode-only: CPU", found.alone_s, "s"),
        Row.median("photos: wall", [cost.wall_s for cost in found.engine], "s"),
        *(
            row
            for name, costs in found.others.items()
            for row in (
                Row.median(f"{name}: CPU", [cost.cpu_s for cost in costs], "s"),
                Row.median(f"{name}: wall", [cost.wall_s for cost in costs], "s"),
                Row.median(f"{name}: peak memory", [cost.peak_mb for cost in costs], "MB"),
            )
        ),
    )


def _clip_rows(found: _Found) -> Sequence[Row]:
    """Size counts at equal likeness to what each was to encode."""
    ours, theirs = FOLDER / "clips.mp4", FOLDER / "clips-ffmpeg.mp4"
    _told("dump", "clips", str(_FRAMES))
    like = psnr(ours, _FRAMES)
    subprocess.run(peers.ffmpeg_clips(_FRAMES, peers.UNCOMPRESSED), check=True)
    unlike = like - psnr(theirs, _FRAMES)
    _FRAMES.unlink()
    size = ours.stat().st_size / theirs.stat().st_size
    return (
        _ratio("clips: CPU over decode-only + encode-only", found.warm_s, found.limit_s, 1.08),
        *_beside_ffmpeg("clips", found, 1.25),
        _ratio(
            "clips, copied where untouched, as a farm does: ffmpeg's CPU over ours",
            found.other_s("ffmpeg"),
            [cost.cpu_s for cost in found.copying],
            None,
            higher=True,
        ),
        Row.median("clips: file size over ffmpeg's", [size], "x", target=1.03),
        Row.median("clips: PSNR over ffmpeg's", [unlike], "dB", better="higher", target=-0.05),
        Row.median("clips: peak memory", found.peak_mb, "MB", target=500),
        Row.median("clips: CPU in a new process", found.cold_s, "s"),
        Row.median("decode-only + encode-only: CPU", found.limit_s, "s"),
        Row.median("ffmpeg, clips: CPU", found.other_s("ffmpeg"), "s"),
    )


def _beside_ffmpeg(work: str, found: _Found, target: float) -> Sequence[Row]:
    """The target is for a new process of ours, as ffmpeg's is one; most renders of a farm are warm."""
    name, theirs = f"{work}: ffmpeg's CPU over ours", found.other_s("ffmpeg")
    return (
        _ratio(name, theirs, found.cold_s, target, higher=True),
        _ratio(f"{name}, warm", theirs, found.warm_s, None, higher=True),
    )


def _ratio(
    name: str, over: Sequence[float], under: Sequence[float], target: float | None, *, higher: bool = False
) -> Row:
    found = [mine / other for mine, other in zip(over, under, strict=False)]
    return Row.median(name, found, "x", better="higher" if higher else "lower", target=target)


BENCHMARK = Benchmark("render", "Films of photos, of clips and of both, by the engine and by others.", run)
