"""What a trim costs when the clip's packets are taken over, beside encoding it all: 60 s of 1080p.

CPU seconds of the render alone, in processes that have everything imported, as workers have. The clip has a
group of pictures every two seconds, and the cuts lie in the middle of groups.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import imageio_ffmpeg  # type: ignore[import-untyped]  # published without type information

from farm.encoders import STANDARD
from farm.timeline import Media, MediaKind, Rate, Timeline, VideoClip, VideoTrack
from tests.benchmarks.render_works import COPIED_BITRATE
from tests.benchmarks.report import FOLDER, Row
from tests.media import real_clip

WIDTH, HEIGHT, FPS = 1920, 1080, 30
_CLIP_S, _GROUP_S, _CUT_S = 60, 2, 1
_CLIP, _OUT = FOLDER / "assets" / "minute.mp4", FOLDER / "copy.mp4"


class _Cost(NamedTuple):
    cpu_s: float
    encoded: int
    size_bytes: int


def run(runs: int) -> Sequence[Row]:
    """Render the trim both ways, in turn."""
    _make_clip()
    copied, whole = [], []
    for _ in range(runs):
        copied.append(_measured("copy"))
        whole.append(_measured("encode"))
    shares = [mine.cpu_s / other.cpu_s for mine, other in zip(copied, whole, strict=True)]
    return (
        Row.median("trim of a minute, CPU over re-encoding", shares, "x", target=0.1),
        Row.median("trim, frames encoded", [c.encoded for c in copied], "frames", target=2 * _GROUP_S * FPS),
        Row.median("trim, CPU", [cost.cpu_s for cost in copied], "s"),
        Row.median("re-encoding, CPU", [cost.cpu_s for cost in whole], "s"),
        Row.median("trim, size over the clip's", [c.size_bytes / _CLIP.stat().st_size for c in copied], "x"),
    )


def _make_clip() -> None:
    """A real clip, over and over, enlarged; made once."""
    if _CLIP.exists():
        return
    _CLIP.parent.mkdir(parents=True, exist_ok=True)
    group = f"keyint={_GROUP_S * FPS}:min-keyint={_GROUP_S * FPS}:scenecut=0"
    part = _CLIP.with_name("part.mp4")
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-nostdin", "-stream_loop", "-1"),
        *("-i", str(real_clip("bigbuckbunny")), "-t", str(_CLIP_S)),
        *("-vf", f"scale={WIDTH}:{HEIGHT}:flags=bicubic,fps={FPS}", "-pix_fmt", "yuv420p"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-x264-params", group),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
        *("-c:a", "aac", "-ar", "48000", str(part)),
    ]
    subprocess.run(command, check=True)
    part.replace(_CLIP)


def _measured(way: str) -> _Cost:
    command = [sys.executable, "-m", "tests.benchmarks.render_copy", way]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return _Cost(*json.loads(done.stdout))


def timeline() -> Timeline:
    """The clip without its first and its last second."""
    end = (_CLIP_S - 2 * _CUT_S) * FPS
    clip = VideoClip(media="clip", start_frame=0, end_frame_exclusive=end, source_start=Fraction(_CUT_S))
    return Timeline(
        name="trim",
        rate=Rate(num=FPS),
        width=WIDTH,
        height=HEIGHT,
        media=(Media(id="clip", kind=MediaKind.VIDEO, name=_CLIP.name),),
        video=(VideoTrack(clips=(clip,)),),
    )


def render_once(way: str) -> _Cost:
    """Render the trim in this process, copying or not."""
    from workers.cpu_render.plan import SpanKind  # not measured, and not imported to list benchmarks
    from workers.cpu_render.render import render

    limit = COPIED_BITRATE if way == "copy" else 0
    profile = STANDARD.model_copy(update={"copy_up_to_bitrate": limit})
    before = resource.getrusage(resource.RUSAGE_SELF)
    report = render(
        timeline(),
        {"clip": Path(_CLIP)},
        _OUT,
        profile=profile,
        progress=lambda fraction, stage: None,
        checkpoint=lambda: None,
    )
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Cost(cpu_s, report.frames - report.spans.get(SpanKind.COPY, 0), report.size_bytes)


if __name__ == "__main__":
    print(json.dumps(render_once(sys.argv[1])))
