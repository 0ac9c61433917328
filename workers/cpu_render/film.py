"""Makes the file of a profile: the timeline at the profile's size, rendered, and made a GIF if need be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from farm.encoders import EncoderProfile
from farm.errors import FarmUnavailable
from farm.timeline import Timeline
from workers.cpu_render.chapters import chapters_of
from workers.cpu_render.render import RenderReport, render, shape_of
from workers.media.encode import written_shape
from workers.media.gif import write_gif
from workers.media.shape import Shape

_STEP = 2  # sides are even: chroma is halved
_LEAST = 16  # of a timeline


@dataclass(frozen=True, slots=True)
class Film:
    """A finished film. `path` is what was asked for; `seen` is it before it lost its colours to a GIF."""

    path: Path
    seen: Path
    timeline: Timeline
    shape: Shape
    report: RenderReport
    content_type: str


def make(
    timeline: Timeline,
    files: Mapping[str, Path],
    folder: Path,
    profile: EncoderProfile,
    *,
    chapters: bool,
    progress: Callable[[float, str], None],
    checkpoint: Callable[[], None],
) -> Film:
    """Render a timeline into `folder` as a profile says; raises as `render` does."""
    small = rendered(timeline, profile)
    encoded = encoding(profile)
    video = folder / f"video{encoded.format.suffix}"
    report = render(
        small,
        files,
        video,
        profile=encoded,
        chapters=chapters_of(small) if chapters else (),
        progress=progress,
        checkpoint=checkpoint,
    )
    return finish(video, timeline, report, profile, progress)


def finish(
    video: Path,
    timeline: Timeline,
    report: RenderReport,
    profile: EncoderProfile,
    progress: Callable[[float, str], None],
) -> Film:
    """The film that `video`, written by `encoding(profile)`, becomes: a GIF where that was asked for."""
    shape = written_shape(shape_of(rendered(timeline, profile)), profile)
    out = video
    if profile.encoder == "gif":
        out = video.with_suffix(".gif")
        write_gif(video, out, shape, lambda _done: progress(1.0, "gif"))
    return Film(out, video, timeline, shape, report, profile.format.content_type)


def rendered(timeline: Timeline, profile: EncoderProfile) -> Timeline:
    """The timeline as the profile has it: of its size, and silent where its file is."""
    small = sized(timeline, profile)
    return muted(small) if profile.format.sound is None else small


def encoding(profile: EncoderProfile) -> EncoderProfile:
    """How pictures are encoded at first."""
    return between(profile) if profile.encoder == "gif" else profile


def sized(timeline: Timeline, profile: EncoderProfile) -> Timeline:
    """The timeline as large as the profile renders it, its shape kept to a pixel."""
    longest = max(timeline.width, timeline.height)
    scale = min(profile.scale, (profile.longest_side or longest) / longest)
    if scale >= 1:
        return timeline
    width, height = (
        max(_LEAST, round(side * scale / _STEP) * _STEP) for side in (timeline.width, timeline.height)
    )
    return timeline.model_copy(update={"width": width, "height": height})


def muted(timeline: Timeline) -> Timeline:
    """The timeline without a sound, for what has none."""
    tracks = (
        track.model_copy(
            update={"clips": tuple(clip.model_copy(update={"sound_gain": 0.0}) for clip in track.clips)}
        )
        for track in timeline.video
    )
    return timeline.model_copy(update={"audio": (), "video": tuple(tracks)})


def between(profile: EncoderProfile) -> EncoderProfile:
    """The lossless film from which a GIF is made: readable twice, and small."""
    return profile.model_copy(update={"encoder": "libx264", "options": {"preset": "ultrafast", "qp": "0"}})


def profile_named(name: str, known: Mapping[str, EncoderProfile]) -> EncoderProfile:
    """The operator's settings for a profile. Raises FarmUnavailable naming the file to mend."""
    if name not in known:
        raise FarmUnavailable(f"encode.toml has no profile {name!r}; it has {', '.join(known)}.")
    return known[name]
