"""The work that the render benchmark measures, each in a process of its own.

`python -m tests.benchmarks.render_job render OUT`: the engine, from nothing to a finished file.
`… dump FRAMES`: the same frames, uncompressed. `… encode FRAMES OUT`: encoding them and nothing else; it
prints the CPU seconds that took, reading them into memory not counted.
"""

import resource
import sys
from pathlib import Path

import av
import numpy as np

from farm.timeline import (
    AudioClip,
    AudioTrack,
    Media,
    MediaKind,
    Motion,
    Position,
    Rate,
    TextClip,
    TextTrack,
    Timeline,
    Transition,
    VideoClip,
    VideoTrack,
)
from tests.benchmarks.report import FOLDER

ASSETS = FOLDER / "assets"
MUSIC = ASSETS / "music.mp3"
PHOTOS = tuple(ASSETS / f"photo-{number}.jpg" for number in range(10))

WIDTH, HEIGHT, FPS = 1080, 1920, 30
CLIP_FRAMES, FADE_FRAMES = 90, 15
FRAMES = CLIP_FRAMES * len(PHOTOS)
TEXT = "Summer in Kyoto"


def timeline() -> Timeline:
    """30 s: ten photos in slow motion, nine crossfades of half a second, a text throughout, music."""
    fade = Transition(type="crossfade", before_frames=7, after_frames=8)
    clips = [
        VideoClip(
            media=photo.name,
            start_frame=number * CLIP_FRAMES,
            end_frame_exclusive=(number + 1) * CLIP_FRAMES,
            motion=Motion.KEN_BURNS,
            transition=fade if number else None,
        )
        for number, photo in enumerate(PHOTOS)
    ]
    text = TextClip(
        text=TEXT,
        start_frame=0,
        end_frame_exclusive=FRAMES,
        template="Snapchat Hook",
        position=Position.BOTTOM,
    )
    music = AudioClip(media=MUSIC.name, start_sample=0, end_sample_exclusive=FRAMES * 44_100 // FPS)
    return Timeline(
        name="work A",
        rate=Rate(num=FPS),
        width=WIDTH,
        height=HEIGHT,
        sample_rate=44_100,
        media=(
            *(Media(id=photo.name, kind=MediaKind.IMAGE, name=photo.name) for photo in PHOTOS),
            Media(id=MUSIC.name, kind=MediaKind.AUDIO, name=MUSIC.name),
        ),
        video=(VideoTrack(clips=tuple(clips)),),
        audio=(AudioTrack(clips=(music,)),),
        text=(TextTrack(clips=(text,)),),
    )


def files() -> dict[str, Path]:
    return {path.name: path for path in (*PHOTOS, MUSIC)}


def render_to(out: Path) -> None:
    """The whole engine."""
    from workers.cpu_render.render import render  # measured: the import is part of the engine's cost

    render(timeline(), files(), out, progress=lambda fraction, stage: None, checkpoint=lambda: None)


def dump_to(frames: Path) -> None:
    """Compose, and keep every picture as I420."""
    from workers.cpu_render.compose import compose
    from workers.cpu_render.plan import plan

    with frames.open("wb") as file:
        for composed in compose(plan(timeline()), timeline(), files(), buffers=2):
            for _ in range(composed.frames):
                for plane in composed.planes:
                    file.write(np.ascontiguousarray(plane).data)


def encode_only(frames: Path, out: Path) -> float:
    """CPU seconds for encoding frames that lie in memory, with the engine's settings, without sound."""
    pictures = np.fromfile(frames, np.uint8).reshape(-1, HEIGHT * 3 // 2, WIDTH)
    before = resource.getrusage(resource.RUSAGE_SELF)
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_type = "FRAME"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_numpy_buffer(picture, format="yuv420p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(job: str, *paths: str) -> None:
    if job == "render":
        render_to(Path(paths[0]))
    elif job == "dump":
        dump_to(Path(paths[0]))
    else:
        print(encode_only(Path(paths[0]), Path(paths[1])))


if __name__ == "__main__":
    main(*sys.argv[1:])
