"""Performs the task that renders one segment of a film: its pictures, into a silent file."""

from collections.abc import Mapping
from pathlib import Path

from farm.catalog import read_catalog
from farm.encoders import EncoderProfile
from farm.noun import Noun
from farm.settings import Settings
from tasks.media_render import segments as tasks
from workers.context import Context, Done, Output, TaskInput
from workers.cpu_render.compose import compose
from workers.cpu_render.film import encoding, profile_named
from workers.cpu_render.media_render import disk_full_named, files_of
from workers.cpu_render.render import FRAMES_AHEAD
from workers.cpu_render.segments.part import Part, key_of
from workers.media.ahead import Ahead
from workers.media.encode import encode
from workers.media.join import segment_form
from workers.media.memory import hold_little
from workers.media.shape import Shape


class PicturesParams(Noun):
    """A part of a film, how it is encoded, and the hashes of its media's files by media id."""

    part: Part
    profile: str
    hashes: Mapping[str, str]


def perform(task: TaskInput, context: Context) -> Done:
    """Render the segment. Raises as a render does.

    Its key is this worker's own: another one may have another engine than the one that laid the film out.
    """
    params = PicturesParams.model_validate(dict(task.params))
    profile = encoding(profile_named(params.profile, read_catalog(Settings()).encoders))
    form = segment_form(profile)
    out = context.workdir / f"{tasks.SEGMENT}{form.suffix}"
    with disk_full_named():
        render_part(params.part, files_of(task), out, profile, context)
    key = key_of(params.part, params.hashes, profile)
    made = Output(tasks.SEGMENT, out, out.name, form.content_type, intermediate=True, cache_key=key)
    return Done([made])


def render_part(
    part: Part, files: Mapping[str, Path], out: Path, profile: EncoderProfile, context: Context
) -> None:
    """Compose and encode a part; its file is checked, and there only when it is whole."""
    hold_little()
    planned = part.plan
    shape = Shape(
        width=part.width,
        height=part.height,
        rate=part.rate,
        frames=planned.frames,
        sample_rate=part.timeline.sample_rate,
        samples=0,
    )

    def on_frame(done: int) -> None:
        context.progress(done / shape.frames, "render")

    composing = compose(planned, part.timeline, files, buffers=FRAMES_AHEAD + 2)
    with Ahead(composing, depth=FRAMES_AHEAD, name="compose") as pictures:
        encode(pictures, (), out, shape, profile, on_frame, form=segment_form(profile))
