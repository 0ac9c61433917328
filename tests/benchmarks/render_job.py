"""One job of the render benchmark, in a process of its own: `python -m tests.benchmarks.render_job JOB WORK`.

`render WORK OUT`: the engine, from nothing to a finished file, every frame encoded. `copying WORK OUT`: the
same as a farm does it, which copies what of the clips is untouched. `warm WORK OUT`: `render` a second time
in one process; prints the CPU seconds of the second. `dump WORK FRAMES`: its pictures, uncompressed.
`encode WORK FRAMES OUT`: encoding them and nothing else, `decode WORK` decoding the clips and nothing else;
both print CPU seconds. All are processes as engines are, and import what they need after that, as engines
do.
"""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.render_works import CLIPS, COPIED_BITRATE, WORKS, Work
from workers.processors import settle


def render(work: Work, out: Path, copied_bitrate: int = 0) -> None:
    """The whole engine."""
    from farm.encoders import STANDARD
    from workers.cpu_render.render import render  # measured: the import is part of the engine's cost

    render(
        work.timeline(),
        work.files(),
        out,
        profile=STANDARD.model_copy(update={"copy_up_to_bitrate": copied_bitrate}),
        progress=lambda fraction, stage: None,
        checkpoint=lambda: None,
    )


def dump(work: Work, frames: Path) -> None:
    """Compose, and keep every picture as I420."""
    import numpy as np

    from workers.cpu_render.compose import compose
    from workers.cpu_render.plan import plan

    timeline = work.timeline()
    with frames.open("wb") as file:
        for composed in compose(plan(timeline), timeline, work.files(), buffers=2):
            for _ in range(composed.frames):
                for plane in composed.planes:
                    file.write(np.ascontiguousarray(plane).data)


def encode(work: Work, frames: Path, out: Path) -> None:
    """Encode frames that lie in memory, with the engine's settings, without sound."""
    from farm.encoders import STANDARD
    from tests.benchmarks.encoding import encode_frames, frames_of
    from workers.media.streams import encoder_options

    pictures, options = frames_of(frames, work.width, work.height), encoder_options(STANDARD)
    with _cpu_told():
        encode_frames(pictures, out, options)


def decode() -> None:
    """Decode every frame of the clips."""
    import av

    with _cpu_told():
        for path in CLIPS:
            with av.open(str(path)) as container:
                container.streams.video[0].codec_context.thread_type = "FRAME"
                for _ in container.decode(video=0):
                    pass


@contextmanager
def _cpu_told() -> Iterator[None]:
    """Print the CPU seconds that the block took."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    yield
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main(job: str, name: str, *paths: str) -> None:
    settle()
    work = WORKS[name]
    match job, [Path(path) for path in paths]:
        case "render", [out]:
            render(work, out)
        case "copying", [out]:
            render(work, out, COPIED_BITRATE)
        case "warm", [out]:
            render(work, out)
            with _cpu_told():
                render(work, out)
        case "dump", [frames]:
            dump(work, frames)
        case "encode", [frames, out]:
            encode(work, frames, out)
        case "decode", []:
            decode()
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
