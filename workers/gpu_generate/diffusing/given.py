"""Opens the pictures and the video that a request hands in, as RGB in the size of what is drawn."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
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
from workers.media.open import open_media
from workers.media.stills import open_still
from workers.media.video import VideoReader

_LOOKED_AT_PX = 1024


def given_of(asked: Asked, task: TaskInput, fitted: Fitted) -> Given:
    """For a film. Each picture fills the frame; what is too much is cut off. Raises AssetUnreadable."""
    return Given(
        image=_picture(task, asked.image, fitted),
        last_image=_picture(task, asked.last_image, fitted),
        video=[*_video(task.inputs[asked.video], fitted)] if asked.video is not None else (),
        references=looked_at(task, asked.images),
    )


def looked_at(task: TaskInput, assets: Sequence[str]) -> list[Image.Image]:
    """Pictures of what is to be kept alike, or of a style, in their own shape. Raises AssetUnreadable."""
    found = []
    for asset in assets:
        frame = _still(task, asset)
        picture = _rgb(frame)
        picture.thumbnail((_LOOKED_AT_PX, _LOOKED_AT_PX), Image.Resampling.LANCZOS)
        found.append(picture)
    return found


def opened(path: Path) -> Image.Image:
    """A file that this process has written."""
    with Image.open(path, formats=("PNG",)) as picture:
        picture.load()
        return picture


def fitted_to(video: InputFile, model: Model, fitted: Fitted) -> Fitted:
    """No more frames than a video has at that rate, and a count that the model can make."""
    with open_media(video.path, video.file_name) as container:
        seconds = Fraction(container.duration or 0, av.time_base)
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
    """As a viewer sees it; sides become even."""
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
