"""The engine `retouch`: cuts out, enlarges and restores pictures by calculation; a model may help it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from farm.errors import BadRequest, FailureClass, TaskFailure
from tasks.generate_image import image_name
from tasks.remove_background import RemoveBackground
from tasks.restore_image import RestoreImage
from tasks.upscale_image import UpscaleImage
from workers.context import Context, Done, InputFile, Output, TaskInput
from workers.gpu_generate.pictures.alpha import is_transparent, seen_colours
from workers.gpu_generate.pictures.cutting import cut_out
from workers.gpu_generate.pictures.cutting import method as method_of_cutting
from workers.gpu_generate.pictures.enlarging import enlarged
from workers.gpu_generate.pictures.restoring import restored
from workers.media.stills import open_transparent, probe_still

MODEL = "retouch"
MOST_PIXELS = 48_000_000  # of what comes out: more would take gigabytes while it is calculated

Retouch = Callable[[Image.Image, Mapping[str, Any], Context], Image.Image]
Method = Callable[[], str]  # how it is done here


def perform(task: TaskInput, context: Context) -> Done:
    """Mend the picture. Raises AssetUnreadable, BadRequest and TaskFailure `no_subject`."""
    retouch, method = _of(task.kind)
    context.progress(0.02, "read")
    picture = _opened(task.inputs[str(task.params["image"])])
    made = retouch(picture if is_transparent(picture) else picture.convert("RGB"), task.params, context)
    context.progress(0.95, "write")
    path = context.workdir / f"{image_name(1)}.png"
    made.save(path)
    said = {"model": MODEL, "method": method(), "width": made.width, "height": made.height}
    output = Output(image_name(1), path, path.name, "image/png", meta=said)
    return Done([output], result={**said, "given": {"width": picture.width, "height": picture.height}})


def _opened(file: InputFile) -> Image.Image:
    info = probe_still(file.path, file.file_name)
    if info.width * info.height > MOST_PIXELS:
        raise BadRequest(f"image: has more than {MOST_PIXELS // 1_000_000} megapixels.", param="image")
    return open_transparent(file.path, file.file_name, is_whole=True)


def _cut(picture: Image.Image, _params: Mapping[str, Any], context: Context) -> Image.Image:
    """What is cut out already stays as it is."""
    context.progress(0.1, "cut out")
    return picture if picture.mode == "RGBA" else Image.fromarray(cut_out(np.asarray(picture)))


def _enlarge(picture: Image.Image, params: Mapping[str, Any], context: Context) -> Image.Image:
    scale = UpscaleImage.model_validate(dict(params)).scale
    if picture.width * picture.height * scale**2 > MOST_PIXELS:
        raise BadRequest(
            f"scale: {scale:g} times {picture.width} x {picture.height} is more than"
            f" {MOST_PIXELS // 1_000_000} megapixels.",
            param="scale",
        )
    context.progress(0.1, "enlarge")
    return enlarged(picture, scale)


def _restore(picture: Image.Image, _params: Mapping[str, Any], context: Context) -> Image.Image:
    """Its transparency stays as it is."""
    made = Image.fromarray(restored(seen_colours(picture), context.progress))
    if picture.mode == "RGBA":
        made.putalpha(picture.getchannel("A"))
    return made


_KINDS: Mapping[str, tuple[Retouch, Method]] = {
    RemoveBackground.kind: (_cut, method_of_cutting),
    UpscaleImage.kind: (_enlarge, lambda: "Lanczos, back-projection, edge-limited sharpening"),
    RestoreImage.kind: (_restore, lambda: "scratch inpainting, non-local means, tone stretch, sharpening"),
}


def _of(kind: str) -> tuple[Retouch, Method]:
    if kind not in _KINDS:
        raise TaskFailure(f"Retouch makes no {kind}.", FailureClass.INTERNAL, code="engine_missing")
    return _KINDS[kind]
