"""Performs `last-frame`: writes the last picture that viewers of a video see, as a PNG."""

from fractions import Fraction

from PIL import Image

from farm.timeline import Rate
from tasks.last_frame import PICTURE, LastFrame
from workers.context import Context, Done, Output, TaskInput
from workers.media.probe import probe
from workers.media.video import VideoReader

_BEFORE_END_S = 1  # from where on it is looked for
_BEYOND = 10  # in frames of one a second: the reader stays on the last one there is


def perform(task: TaskInput, context: Context) -> Done:
    """Write it. Raises AssetUnreadable for what has no pictures."""
    params = LastFrame.model_validate(dict(task.params))
    video = task.inputs[params.video]
    length = probe(video.path, video.file_name).duration or Fraction(0)
    start = max(Fraction(0), length - _BEFORE_END_S)
    path = context.workdir / f"{PICTURE}.png"
    with VideoReader(video.path, rate=Rate(num=1), source_start=start, name=video.file_name) as reader:
        picture = Image.fromarray(reader.frame(_BEYOND).to_ndarray(format="rgb24"))
    picture.save(path)
    said = {"width": picture.width, "height": picture.height}
    return Done([Output(PICTURE, path, path.name, "image/png", meta=said)], result=said)
