"""The engine `animatic`: draws what a prompt says, for nothing, and says so on every frame."""

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from farm.catalog import read_catalog
from farm.encoders import EncoderProfile
from farm.errors import FailureClass, TaskFailure
from farm.models import Fitted, Wish
from farm.settings import Settings
from farm.timeline import Rate
from tasks.generate_image import GenerateImage, image_name
from tasks.generate_video import MOST_SEED, VIDEO, GenerateVideo
from workers.context import Context, Done, Output, TaskInput
from workers.gpu_generate.animatic.film import Shown, film, still
from workers.gpu_generate.animatic.pictured import pictured
from workers.gpu_generate.animatic.scene import describe
from workers.media.encode import encode
from workers.media.shape import Shape

MODEL = "animatic"
_SAMPLE_RATE = 48_000
# A constant quantiser: with crf, x264 makes other bytes of the same frames each time it uses several threads.
_PROFILE = EncoderProfile(options={"preset": "veryfast", "qp": "23"})


def perform(task: TaskInput, context: Context) -> Done:
    """Draw a film or pictures. Raises AssetUnreadable for a picture that is none."""
    if task.kind == GenerateVideo.kind:
        return _film(GenerateVideo.model_validate(dict(task.params)), task, context)
    if task.kind == GenerateImage.kind:
        return _pictures(GenerateImage.model_validate(dict(task.params)), context)
    raise TaskFailure(f"The animatic makes no {task.kind}.", FailureClass.INTERNAL, code="engine_missing")


def _film(params: GenerateVideo, task: TaskInput, context: Context) -> Done:
    fitted = _fitted(params.wish)
    seed = _seed(params.seed)
    path = context.workdir / "video.mp4"
    shape = Shape(
        fitted.width, fitted.height, Rate(num=fitted.frame_rate, den=1), fitted.frames, _SAMPLE_RATE, 0
    )

    def on_frame(done: int) -> None:
        context.progress(done / fitted.frames, "draw")

    encode(_shown(params, task, fitted, seed), [], path, shape, _PROFILE, on_frame)
    said = {**_said(fitted, seed), "frames": fitted.frames, "frame_rate": fitted.frame_rate}
    said["duration_s"] = float(fitted.length_s)
    return Done([Output(VIDEO, path, "video.mp4", "video/mp4", meta=said)], result=said)


def _shown(params: GenerateVideo, task: TaskInput, fitted: Fitted, seed: int) -> Iterator[Shown]:
    scene = describe(params.prompt, seed)
    size = (fitted.width, fitted.height, fitted.frames, fitted.frame_rate)
    if params.image is None:
        return film(scene, *size)
    first, last = (task.inputs[asset].path if asset else None for asset in (params.image, params.last_image))
    assert first is not None
    return pictured(scene, first, last, *size)


def _pictures(params: GenerateImage, context: Context) -> Done:
    fitted = _fitted(params.wish)
    seed = _seed(params.seed)
    outputs = []
    for number in range(params.count):
        context.progress(number / params.count, "draw")
        path = context.workdir / f"{image_name(number + 1)}.png"
        picture = still(describe(params.prompt, (seed + number) % MOST_SEED), fitted.width, fitted.height)
        Image.fromarray(picture).save(path)
        outputs.append(_picture(path, number + 1, {**_said(fitted, seed + number)}))
    return Done(outputs, result={**_said(fitted, seed), "count": params.count})


def _picture(path: Path, number: int, said: Mapping[str, Any]) -> Output:
    return Output(image_name(number), path, path.name, "image/png", meta=said)


def _fitted(wish: Wish) -> Fitted:
    return read_catalog(Settings()).models.named(MODEL).fitted(wish)


def _seed(asked: int | None) -> int:
    return secrets.randbelow(MOST_SEED) if asked is None else asked


def _said(fitted: Fitted, seed: int) -> dict[str, Any]:
    """What the result tells."""
    return {
        "model": MODEL,
        "seed": seed,
        "width": fitted.width,
        "height": fitted.height,
        "normalized": [change.model_dump() for change in fitted.normalized],
    }
