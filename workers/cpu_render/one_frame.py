"""Performs the taking of one frame out of a video, as a picture that another task begins with."""

from fractions import Fraction
from pathlib import Path

from PIL import Image
from pydantic import Field

from farm.noun import Noun
from farm.timeline import Rate
from tasks.multi_shot import FRAME_PICTURE
from workers.context import Context, Done, Output, TaskInput
from workers.media.video import VideoReader


class FrameParams(Noun):
    """`video` names the file; `frame` counts from 0 at `frame_rate`, whatever the file's own rate is."""

    video: str
    frame: int = Field(ge=0)
    frame_rate: int = Field(gt=0, le=120)


def perform(task: TaskInput, context: Context) -> Done:
    """Write the frame, or the last one of a shorter video, as a PNG. Raises AssetUnreadable."""
    params = FrameParams.model_validate(dict(task.params))
    path = context.workdir / "frame.png"
    write_frame(task.inputs[params.video].path, path, params.frame, Rate(num=params.frame_rate))
    return Done([Output(FRAME_PICTURE, path, path.name, "image/png", intermediate=True)])


def write_frame(video: Path, out: Path, number: int, rate: Rate) -> None:
    """The frame shown at that number of the rate, without loss."""
    with VideoReader(video, rate=rate, source_start=Fraction(0)) as reader:
        Image.fromarray(reader.frame(number).to_ndarray(format="rgb24")).save(out)
