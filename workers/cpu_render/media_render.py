"""Performs a `media-render` task: its timeline in, one MP4 out, and a contact sheet when asked for."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field

from farm.errors import FailureClass, TaskFailure
from farm.noun import Noun
from farm.timeline import Timeline
from workers.context import Context, Done, Output, TaskInput
from workers.cpu_render.contact_sheet import draw_sheet
from workers.cpu_render.render import RenderReport, render

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class RenderParams(Noun):
    """What the task asks for. Input files come by media id."""

    timeline: Timeline
    file_name: str = Field(min_length=1)
    contact_sheet: bool = False


def perform(task: TaskInput, context: Context) -> Done:
    """Render the task's timeline.

    Raises AssetUnreadable naming the medium; TaskFailure DISK_FULL, or CORRUPT_OUTPUT when the file does not
    read back as it should. Writes only into the workdir.
    """
    params = RenderParams.model_validate(dict(task.params))
    files = {media_id: file.path for media_id, file in task.inputs.items()}
    video = context.workdir / "video.mp4"
    with _disk_full_named():
        report = render(
            params.timeline, files, video, progress=context.progress, checkpoint=context.checkpoint
        )
        for note in report.notes:
            context.log(note)
        outputs = [_video(video, params, report)]
        if params.contact_sheet:
            context.progress(1.0, "contact sheet")
            outputs.append(_sheet(video, params, report))
    return Done(outputs, result={"frames": report.frames, "notes": list(report.notes)})


@contextmanager
def _disk_full_named() -> Iterator[None]:
    """Tell a full disk from every other trouble with files."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise TaskFailure("The worker's disk is full.", FailureClass.DISK_FULL) from error


def _video(path: Path, params: RenderParams, report: RenderReport) -> Output:
    timeline = params.timeline
    meta = {
        "frames": report.frames,
        "duration_s": report.duration_s,
        "width": timeline.width,
        "height": timeline.height,
        "fps": float(timeline.rate.fps),
    }
    return Output("video", path, params.file_name, "video/mp4", meta)


def _sheet(video: Path, params: RenderParams, report: RenderReport) -> Output:
    path = video.with_suffix(".png")
    draw_sheet(video, path, rate=params.timeline.rate, frames=report.frames, title=params.file_name)
    return Output("contact-sheet", path, f"{Path(params.file_name).stem}-contact-sheet.png", "image/png")
