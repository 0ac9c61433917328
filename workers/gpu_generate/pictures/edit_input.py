"""What an edit is given, in one form for every engine: a canvas, and a mask in which white is made anew.

Masks come in two conventions (white, or transparent, is edited), pictures with transparency of their own,
and to be made larger. All that is settled here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image

from farm.errors import BadRequest
from farm.models import Fitted, Model
from tasks.edit_image import EditImage
from workers.context import TaskInput
from workers.gpu_generate.pictures.alpha import OPAQUE, on_white
from workers.gpu_generate.pictures.filling import Pixels, extended, spread
from workers.gpu_generate.pictures.placing import Placing, placing
from workers.media.stills import open_transparent, probe_still

_REFERENCE_PX = 2048
SEAM = 0.012  # of the longer side: so far into the picture the seam of what is added reaches


Box: TypeAlias = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class EditInput:
    """Files for an engine. `picture`: RGB of the fitted size; what is new is filled from its neighbourhood.

    `mask`: one channel of that size, 255 is made anew and 0 kept; None: all of it may change. `alpha_mask`
    says the same as OpenAI's endpoint wants it: the picture, transparent where it is made anew. In `box`
    (rows, columns) lies what came in; what lies beside it was added.
    """

    picture: Path
    mask: Path | None
    alpha_mask: Path | None
    references: tuple[Path, ...]
    style: Path | None
    fitted: Fitted
    box: Box

    def canvas(self) -> Pixels:
        """The picture as RGB, (height, width, 3)."""
        with Image.open(self.picture, formats=("PNG",)) as image:
            return np.asarray(image.convert("RGB"))

    def hole(self) -> Pixels | None:
        """The mask, (height, width)."""
        if self.mask is None:
            return None
        with Image.open(self.mask, formats=("PNG",)) as image:
            return np.asarray(image.convert("L"))


def edit_input(params: EditImage, task: TaskInput, model: Model, workdir: Path) -> EditInput:
    """Read and settle. Raises AssetUnreadable for no picture, BadRequest for a mask of another size."""
    picture = _opened(task, params.images[0])
    place = placing(params, model, *picture.size)
    canvas, hole = _settled(params, picture, _mask(params, task), place)
    saved = _save(workdir / "edit-picture.png", canvas)
    mask = alpha = None
    if hole is not None:
        mask = _save(workdir / "edit-mask.png", hole)
        alpha = _save(workdir / "edit-alpha.png", np.dstack([canvas, 255 - hole]))
    return EditInput(
        picture=saved,
        mask=mask,
        alpha_mask=alpha,
        references=tuple(_reference(task, name, workdir) for name in params.images[1:]),
        style=_reference(task, params.style_image, workdir) if params.style_image else None,
        fitted=place.fitted,
        box=_box(place),
    )


def _settled(
    params: EditImage, picture: Image.Image, mask: Pixels | None, place: Placing
) -> tuple[Pixels, Pixels | None]:
    size = (place.width, place.height)
    pixels = np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
    own = pixels[..., 3]
    is_cut = bool((own < OPAQUE).any())
    colours = spread(pixels[..., :3], own) if is_cut else np.ascontiguousarray(pixels[..., :3])
    canvas = extended(colours, place.fitted.width, place.fitted.height, place.left, place.top)
    within = 255 - own if is_cut else None
    if mask is not None:
        within = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    if within is None and params.outpaint is None:
        return canvas, None
    return canvas, _whole(within, place)


def _whole(within: Pixels | None, place: Placing) -> Pixels:
    """The mask of the whole canvas: what lies beside the picture is new, with the seam."""
    hole = np.full((place.fitted.height, place.fitted.width), 255, np.uint8)
    box = _box(place)
    hole[box] = 0
    if not place.covers:
        reach = max(1, round(SEAM * max(hole.shape)))
        hole = np.asarray(cv2.dilate(hole, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)), np.uint8)
    if within is not None:
        hole[box] = np.maximum(hole[box], within)
    return hole


def _box(place: Placing) -> Box:
    return slice(place.top, place.top + place.height), slice(place.left, place.left + place.width)


def _mask(params: EditImage, task: TaskInput) -> Pixels | None:
    """255 where the picture is made anew, in the picture's own size."""
    if params.mask is None:
        return None
    file, of = task.inputs[params.mask], task.inputs[params.images[0]]
    info, wanted = probe_still(file.path, file.file_name), probe_still(of.path, of.file_name)
    if (info.width, info.height) != (wanted.width, wanted.height):
        raise BadRequest(
            f"mask: has {info.width} x {info.height} pixels, the image {wanted.width} x {wanted.height};"
            " they must be the same.",
            param="mask",
        )
    return meant(_opened(task, params.mask))


def meant(mask: Image.Image) -> Pixels:
    """255 where the picture is made anew: what is transparent; in a mask without that, what is white."""
    red, green, blue, alpha = (np.asarray(mask.getchannel(band)) for band in "RGBA")
    if (alpha < OPAQUE).any():
        return 255 - alpha
    return np.asarray(np.minimum(np.minimum(red, green), blue))


def _opened(task: TaskInput, name: str) -> Image.Image:
    file = task.inputs[name]
    return open_transparent(file.path, file.file_name)


def _reference(task: TaskInput, name: str, workdir: Path) -> Path:
    """A picture to look at: RGB, no larger than any model looks."""
    image = _opened(task, name)
    image.thumbnail((_REFERENCE_PX, _REFERENCE_PX))
    path = workdir / f"reference-{name}.png"
    on_white(image).save(path, compress_level=1)
    return path


def _save(path: Path, pixels: Pixels) -> Path:
    Image.fromarray(pixels).save(path, compress_level=1)
    return path
