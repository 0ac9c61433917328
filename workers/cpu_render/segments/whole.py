"""Performs the last task of a long film: joins segments and sound, and makes what goes with the film."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from farm.catalog import read_catalog
from farm.encoders import EncoderProfile
from farm.settings import Settings
from tasks.media_render import segments as tasks
from workers.context import Context, Done, TaskInput
from workers.cpu_render.chapters import chapters_of
from workers.cpu_render.film import Film, encoding, finish, profile_named, rendered
from workers.cpu_render.media_render import RenderParams, disk_full_named, done, files_of
from workers.cpu_render.render import RenderReport, shape_of
from workers.media.join import Piece, join


class WholeParams(RenderParams):
    """A film that is laid out, and how many frames each of its segments has."""

    frames: tuple[int, ...] = Field(min_length=1)


def perform(task: TaskInput, context: Context) -> Done:
    """Join the film. Raises TaskFailure CORRUPT_OUTPUT when its parts make none, and as a render does."""
    params = WholeParams.model_validate(dict(task.params))
    files = files_of(task)
    profile = profile_named(params.profile, read_catalog(Settings()).encoders)
    with disk_full_named():
        film = _joined(params, files, profile, context)
        return done(film, params, files, params.notes, context)


def _joined(
    params: WholeParams, files: Mapping[str, Path], profile: EncoderProfile, context: Context
) -> Film:
    timeline, encoded = rendered(params.timeline, profile), encoding(profile)
    shape, video = shape_of(timeline), context.workdir / f"video{encoded.format.suffix}"
    pieces = [
        Piece(files[f"{tasks.SEGMENT}-{number:03}.{tasks.SEGMENT}"], frames)
        for number, frames in enumerate(params.frames)
    ]
    sound = files.get(f"{tasks.SOUND}.{tasks.SOUND}")

    def on_frame(joined: float) -> None:
        context.progress(joined / shape.frames, "join")

    join(
        pieces,
        sound,
        video,
        shape if sound else replace(shape, samples=0),
        encoded,
        on_frame,
        chapters_of(timeline) if params.chapters else (),
    )
    report = RenderReport(
        frames=shape.frames,
        duration_s=float(timeline.duration),
        size_bytes=video.stat().st_size,
        spans={},
        notes=(),
    )
    return finish(video, params.timeline, report, profile, context.progress)
