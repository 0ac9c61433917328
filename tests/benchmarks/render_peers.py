"""The same works by others: FFmpeg's filter graphs, MoviePy 2 and melt, each as one command."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # published without type information
from PIL import Image

from farm.timeline import Position
from tests.benchmarks.render_works import (
    AFTER,
    ASSETS,
    BEFORE,
    CLIP_FRAMES,
    CLIPS,
    FPS,
    FRAMES,
    HANDLE,
    MUSIC,
    PHOTO_FRAMES,
    PHOTOS,
    TEXT,
    WORKS,
)
from tests.benchmarks.report import FOLDER
from workers.cpu_render.text import template_named
from workers.cpu_render.text.contract import Stage

_CAPTION = ASSETS / "caption.png"
_FADE = BEFORE + AFTER
_ZOOM = 0.135
# A supersampled canvas of this factor steadies zoompan, which moves by whole pixels.
_SUPERSAMPLED = 2
# MoviePy wants an older Pillow than the farm has, so it lives in an environment of its own.
_MOVIEPY, _VENV = "moviepy==2.2.1", FOLDER / "moviepy"
_ENCODED = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p")
UNCOMPRESSED = ("-f", "rawvideo", "-pix_fmt", "yuv420p")
_WIDTH, _HEIGHT = WORKS["photos"].width, WORKS["photos"].height


def draw_caption() -> None:
    """The engine's own caption, so that all lay the same one over the picture."""
    drawing = template_named("Snapchat Hook").draw(TEXT, Stage(_WIDTH, _HEIGHT, Position.BOTTOM))
    whole = Image.new("RGBA", (_WIDTH, _HEIGHT))
    whole.paste(drawing.image, (drawing.x, drawing.y))
    whole.save(_CAPTION)


def ffmpeg_photos(out: Path) -> Sequence[str]:
    """zoompan, xfade, overlay."""
    # Each transition shows two photos at once, so that all photos together last that much longer.
    lengths = _shares(FRAMES + (len(PHOTOS) - 1) * _FADE, len(PHOTOS))
    parts = [_zooming(number, length) for number, length in enumerate(lengths)]
    shown = _crossfaded(parts, lengths)
    caption, music = len(PHOTOS), len(PHOTOS) + 1
    parts.append(f"[{shown}][{caption}:v]overlay=0:0:format=auto,format=yuv420p[out]")
    sound = ("-map", f"{music}:a", "-c:a", "aac", "-b:a", "192k")
    return _ffmpeg((*PHOTOS, _CAPTION, MUSIC), parts, (*sound, *_ENCODED), out)


def ffmpeg_clips(out: Path, encoded: Sequence[str] = _ENCODED) -> Sequence[str]:
    """trim, xfade. Each clip is shown from its handle on, or as much earlier as its fade asks."""
    last = len(CLIPS) - 1
    parts, lengths = [], []
    for number in range(len(CLIPS)):
        start = HANDLE - (BEFORE if number else 0)
        end = HANDLE + CLIP_FRAMES + (AFTER if number < last else 0)
        trim = f"trim=start_frame={start}:end_frame={end},setpts=PTS-STARTPTS,settb=1/{FPS}"
        parts.append(f"[{number}:v]{trim}[v{number}]")
        lengths.append(end - start)
    shown = _crossfaded(parts, lengths)
    parts.append(f"[{shown}]null[out]")
    return _ffmpeg(CLIPS, parts, encoded, out)


def moviepy_photos(out: Path) -> Sequence[str]:
    """Zooming ImageClips, CrossFadeIn and a composite."""
    return [str(_moviepy()), "-c", _MOVIEPY_SCRIPT, str(out)]


def melt_photos(out: Path) -> Sequence[str] | None:
    """Affine zooms and luma transitions; None where melt is not installed (apt: melt)."""
    melt = shutil.which("melt")
    if melt is None:
        return None
    tracks: list[str] = []
    for number, photo in enumerate(PHOTOS):
        length = PHOTO_FRAMES + (_FADE if number else 0)
        zoom = f"0={_covering(1)}; {length - 1}={_covering(1 + _ZOOM)}"
        tracks += [str(photo), f"out={length - 1}", "-attach-clip", "affine", "background=colour:0"]
        tracks += [f"transition.geometry={zoom}", "transition.fill=1", "transition.distort=0"]
        tracks += ["-mix", str(_FADE), "-mixer", "luma"] if number else []
    profile = FOLDER / "portrait.profile"
    profile.write_text(_PROFILE)
    return [
        *(melt, "-silent", "-profile", str(profile), *tracks, "-track", str(_CAPTION), f"out={FRAMES - 1}"),
        *(
            "-transition",
            "composite",
            "a_track=0",
            "b_track=1",
            "geometry=0,0:100%x100%",
            f"out={FRAMES - 1}",
        ),
        *("-track", str(MUSIC), f"out={FRAMES - 1}", "-transition", "mix", "a_track=0", "b_track=2"),
        *("always_active=1", "sum=1", "-consumer", f"avformat:{out}", "vcodec=libx264", "preset=veryfast"),
        *("crf=23", "pix_fmt=yuv420p", "acodec=aac", "ab=192k", "real_time=-1", "terminate_on_pause=1"),
    ]


def _ffmpeg(inputs: Sequence[Path], parts: Sequence[str], told: Sequence[str], out: Path) -> Sequence[str]:
    named = [part for path in inputs for part in ("-i", str(path))]
    return [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-nostdin", *named),
        *("-filter_complex", ";".join(parts), "-map", "[out]", "-t", str(FRAMES / FPS), "-r", str(FPS)),
        *(*told, str(out)),
    ]


def _crossfaded(parts: list[str], lengths: Sequence[int]) -> str:
    """Add an xfade for every cut. Returns the name of what comes out of the last."""
    shown, start = "v0", 0
    for number in range(1, len(lengths)):
        start += lengths[number - 1] - _FADE
        fade = f"xfade=transition=fade:duration={_FADE / FPS}:offset={start / FPS:.6f}"
        parts.append(f"[{shown}][v{number}]{fade}[x{number}]")
        shown = f"x{number}"
    return shown


def _zooming(number: int, frames: int) -> str:
    width, height = _WIDTH * _SUPERSAMPLED, _HEIGHT * _SUPERSAMPLED
    return (
        f"[{number}:v]scale={width}:{height}:force_original_aspect_ratio=increase:flags=bicubic,"
        f"crop={width}:{height},setsar=1,"
        f"zoompan=z='1+{_ZOOM}*on/{frames - 1}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2'"
        f":d={frames}:s={_WIDTH}x{_HEIGHT}:fps={FPS},format=yuv420p,settb=1/{FPS}[v{number}]"
    )


def _covering(zoom: float) -> str:
    """The rectangle of a photo of 3:4 that covers the frame, so much larger."""
    height = round(_HEIGHT * zoom)
    width = height * 3 // 4
    return f"{(_WIDTH - width) // 2} {(_HEIGHT - height) // 2} {width} {height} 1"


def _shares(total: int, parts: int) -> list[int]:
    return [(part + 1) * total // parts - part * total // parts for part in range(parts)]


def _moviepy() -> Path:
    python = _VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(_VENV)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", _MOVIEPY], check=True)
    return python


_PROFILE = f"""description=portrait
frame_rate_num={FPS}
frame_rate_den=1
width={_WIDTH}
height={_HEIGHT}
progressive=1
sample_aspect_num=1
sample_aspect_den=1
display_aspect_num={_WIDTH}
display_aspect_den={_HEIGHT}
colorspace=709
"""
_MOVIEPY_SCRIPT = f"""
import sys
from moviepy import AudioFileClip, CompositeVideoClip, ImageClip, vfx
size, fade, shown = ({_WIDTH}, {_HEIGHT}), {_FADE / FPS}, {PHOTO_FRAMES / FPS}
layers = []
for number, path in enumerate({[str(photo) for photo in PHOTOS]!r}):
    early = fade if number else 0
    clip = ImageClip(path).resized(height=size[1]).with_duration(shown + early)
    clip = clip.cropped(x_center=clip.w / 2, y_center=clip.h / 2, width=size[0], height=size[1])
    length = clip.duration
    zooming = clip.resized(lambda t, length=length: 1 + {_ZOOM} * t / length).with_position("center")
    framed = CompositeVideoClip([zooming], size=size).with_start(number * shown - early)
    layers.append(framed.with_effects([vfx.CrossFadeIn(fade)]) if number else framed)
caption = ImageClip({str(_CAPTION)!r}).with_duration({FRAMES / FPS})
film = CompositeVideoClip([*layers, caption], size=size).with_duration({FRAMES / FPS})
film = film.with_audio(AudioFileClip({str(MUSIC)!r}).subclipped(0, {FRAMES / FPS}))
film.write_videofile(sys.argv[1], fps={FPS}, codec="libx264", preset="veryfast", audio_codec="aac",
                     audio_bitrate="192k", ffmpeg_params=["-crf", "23"], logger=None)
"""
