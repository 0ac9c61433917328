"""Opens the pictures and the video that a request hands in, as RGB in the size of what is drawn."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from PIL import Image, ImageOps

from farm.models import Fitted, Model
from farm.timeline import Rate
from workers.context import InputFile, TaskInput
from workers.gpu_generate.diffusing.asked import Asked
from workers.gpu_generate.diffusing.calling import Given
from workers.media.colour import Converter
from workers.media.probe import probe
from workers.media.stills import open_still
from workers.media.video import VideoReader

_LOOKED_AT_PX = 1024
_SEEN_PX = 64  # of the shorter side at least, which Flux 2 asks for
_LONGEST = 6  # times the shorter side; Flux 2 refuses more than 8


def given_of(asked: Asked, task: TaskInput, fitted: Fitted) -> Given:
    """For a film. Each picture fills the frame; what is too much is cut off. Raises AssetUnreadable."""
    return Given(
        image=_picture(task, asked.image, fitted),
        last_image=_picture(task, asked.last_image, fitted),
        video=[*_video(task.inputs[asked.video], fitted)] if asked.video is not None else (),
        references=looked_at(task, asked.references),
    )


def looked_at(task: TaskInput, assets: Sequence[str]) -> list[Image.Image]:
    """Pictures of what is to be kept alike, or of a style, in their own shape. Raises AssetUnreadable."""
    return [presentable(_rgb(_still(task, asset))) for asset in assets]


def presentable(picture: Image.Image) -> Image.Image:
    """As every pipeline takes a picture to look at: neither very large nor very small, and no strip."""
    picture.thumbnail((_LOOKED_AT_PX, _LOOKED_AT_PX), Image.Resampling.LANCZOS)
    width, height = picture.size
    size = (max(width, ceil(height / _LONGEST)), max(height, ceil(width / _LONGEST)))
    if size != picture.size:
        ground = Image.new("RGB", size, "white")
        ground.paste(picture, ((size[0] - width) // 2, (size[1] - height) // 2))
        picture = ground
    larger = _SEEN_PX / min(size)
    if larger > 1:
        picture = picture.resize((ceil(size[0] * larger), ceil(size[1] * larger)), Image.Resampling.LANCZOS)
    return picture


def opened(path: Path) -> Image.Image:
    """A file that this process has written."""
    with Image.open(path, formats=("PNG",)) as picture:
        picture.load()
        return picture


def fitted_to(video: InputFile, model: Model, fitted: Fitted) -> Fitted:
    """No more frames than a video has at that rate, and a count that the model can make."""
    seconds = probe(video.path, video.file_name).duration or Fraction(0)
    frames, rule = max(1, int(seconds * fitted.frame_rate)), model.frames
    if frames >= fitted.frames or rule is None:
        return fitted
    nearest = rule.nearest(frames)
    below = nearest if nearest <= frames else max(rule.least, nearest - rule.step)
    return fitted.model_copy(update={"frames": below})


def _picture(task: TaskInput, asset: str | None, fitted: Fitted) -> Image.Image | None:
    return _covering(_still(task, asset), fitted) if asset is not None else None


def _still(task: TaskInput, asset: str) -> av.VideoFrame:
    file = task.inputs[asset]
    return open_still(file.path, file.file_name)


def _video(file: InputFile, fitted: Fitted) -> Iterator[Image.Image]:
    with VideoReader(file.path, rate=Rate(num=fitted.frame_rate, den=1), name=file.file_name) as reader:
        for number in range(fitted.frames):
            yield _covering(reader.frame(number), fitted)


def _covering(frame: av.VideoFrame, fitted: Fitted) -> Image.Image:
    picture = _rgb(frame)
    return ImageOps.fit(picture, (fitted.width, fitted.height), Image.Resampling.LANCZOS)


def _rgb(frame: av.VideoFrame) -> Image.Image:
    """As a viewer sees it; sides become even, where it is no RGB."""
    if frame.format.name == "rgb24":  # of a PNG, say: halved colours would smear
        return Image.fromarray(np.asarray(frame.to_ndarray(), np.uint8))
    even = Converter().convert(frame, frame.width + frame.width % 2, frame.height + frame.height % 2)
    shown = VideoReformatter().reformat(
        even,
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    return Image.fromarray(np.asarray(shown.to_ndarray(), np.uint8))
