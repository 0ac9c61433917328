"""Performs the taking of one frame out of a video, as a picture that another task begins with."""

import shutil
from fractions import Fraction
from pathlib import Path

from PIL import Image
from pydantic import Field

from farm.noun import Noun
from farm.timeline import Rate
from tasks.generate_video import HANDED_ON
from workers.context import Context, Done, Output, TaskInput
from workers.media.video import VideoReader


class FrameParams(Noun):
    """`video` names the file; `frame` counts from 0 at `frame_rate`, whatever the file's own rate is.

    `picture` is the frame itself, where who made the video has left it.
    """

    video: str
    picture: str
    frame: int = Field(ge=0)
    frame_rate: int = Field(gt=0, le=120)


def perform(task: TaskInput, context: Context) -> Done:
    """Write the frame, or the last one of a shorter video, as a PNG. Raises AssetUnreadable."""
    params = FrameParams.model_validate(dict(task.params))
    path = context.workdir / "frame.png"
    left = task.inputs.get(params.picture)
    if left is not None:
        shutil.copyfile(left.path, path)
    else:
        write_frame(task.inputs[params.video].path, path, params.frame, Rate(num=params.frame_rate))
    return Done([Output(HANDED_ON, path, path.name, "image/png", intermediate=True)])


def write_frame(video: Path, out: Path, number: int, rate: Rate) -> None:
    """The frame shown at that number of the rate, without loss."""
    with VideoReader(video, rate=rate, source_start=Fraction(0)) as reader:
        Image.fromarray(reader.frame(number).to_ndarray(format="rgb24")).save(out)
