"""What becomes of every picture that came out, whoever made it: its size, its ground, its file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from farm.errors import FailureClass, TaskFailure
from tasks.generate_image import PictureParams, image_name
from workers.context import Output
from workers.gpu_generate.marking import marked
from workers.gpu_generate.pictures.alpha import is_transparent, on_white
from workers.gpu_generate.pictures.cutting import NO_SUBJECT, cut_out
from workers.gpu_generate.pictures.edit_input import EditInput
from workers.gpu_generate.pictures.filling import mixed

_QUALITY = {"standard": 92, "hd": 97}
_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_EXTENSIONS = {"png": "png", "jpeg": "jpg", "webp": "webp"}


def finished(
    picture: Image.Image,
    params: PictureParams,
    number: int,
    workdir: Path,
    *,
    said: Mapping[str, Any],
    edit: EditInput | None = None,
) -> Output:
    """The `number`-th picture, from 1, as the job's file. `said` goes into its meta, with its size.

    Of an edit it gets the fitted size, and what the mask keeps is put back as it was. A transparent ground is
    the picture's own where it has one, else it is cut out; that makes it a PNG. Where none was asked for,
    what came transparent stands on white. The tier's mark comes last.
    """
    if edit is not None:
        picture = _put_back(picture, edit)
    if params.background == "transparent":
        picture = picture if is_transparent(picture) else _cut_out(picture, is_drawn=edit is None)
    else:
        picture = on_white(picture)
    if params.watermark:
        picture = marked(picture)
    kind = "png" if params.background == "transparent" else params.output_format
    path = workdir / f"{image_name(number)}.{_EXTENSIONS[kind]}"
    _save(picture, path, kind, params.quality)
    meta = {**said, "width": picture.width, "height": picture.height}
    return Output(image_name(number), path, path.name, _TYPES[kind], meta=meta)


def _cut_out(picture: Image.Image, *, is_drawn: bool) -> Image.Image:
    """Where nothing stands out of what was drawn, that is no fault of whoever asked for it."""
    try:
        return Image.fromarray(cut_out(_rgb(picture)))
    except TaskFailure as failure:
        if is_drawn and failure.public_code == NO_SUBJECT:
            said = "Nothing that was drawn stands out from its ground, so that it could be cut out."
            raise TaskFailure(said, FailureClass.CORRUPT_OUTPUT, code=NO_SUBJECT) from failure
        raise


def _put_back(picture: Image.Image, edit: EditInput) -> Image.Image:
    size = (edit.fitted.width, edit.fitted.height)
    sized = picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
    hole = edit.hole()
    if hole is None:
        return sized
    return Image.fromarray(mixed(edit.canvas(), _rgb(sized), hole))


def _save(picture: Image.Image, path: Path, kind: str, quality: str) -> None:
    if kind == "png":
        picture.save(path, "PNG")
    elif kind == "jpeg":
        picture.save(path, "JPEG", quality=_QUALITY[quality], subsampling=0 if quality == "hd" else 2)
    else:
        picture.save(path, "WEBP", quality=_QUALITY[quality])


def _rgb(picture: Image.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(picture.convert("RGB"))
