"""The engine `animatic`: draws what a prompt says, for nothing, and says so on every frame."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from farm.catalog import read_catalog
from farm.encoders import EncoderProfile
from farm.errors import FailureClass, TaskFailure
from farm.models import Fitted, Wish
from farm.settings import Settings
from farm.timeline import Rate
from tasks.edit_image import EditImage
from tasks.generate_image import GenerateImage
from tasks.generate_video import HANDED_ON, MOST_SEED, VIDEO, GenerateVideo
from workers.context import Context, Done, InputFile, Output, TaskInput
from workers.gpu_generate.animatic.film import Shown, as_rgb, bare, film, still
from workers.gpu_generate.animatic.pictured import bare_pictured, pictured
from workers.gpu_generate.animatic.scene import Scene, describe
from workers.gpu_generate.pictures.edit_input import edit_input
from workers.gpu_generate.pictures.finish import finished
from workers.gpu_generate.pictures.sketched import sketched, styled
from workers.gpu_generate.pictures.sprite import alone
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
        return _pictures(GenerateImage.model_validate(dict(task.params)), task, context)
    if task.kind == EditImage.kind:
        return _edited(EditImage.model_validate(dict(task.params)), task, context)
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
    outputs = list(_handed_on(params, task, fitted, seed, context.workdir))
    said = {**_said(fitted, seed), "frames": fitted.frames, "frame_rate": fitted.frame_rate}
    said["duration_s"] = float(fitted.length_s)
    outputs.append(Output(VIDEO, path, "video.mp4", "video/mp4", meta=said))
    return Done(outputs, result=said)


def _shown(params: GenerateVideo, task: TaskInput, fitted: Fitted, seed: int) -> Iterator[Shown]:
    scene = _scene(params, seed)
    first, last = _pictures_of(params, task)
    if first is None:
        return film(scene, *_measures(fitted))
    return pictured(scene, first, last, *_measures(fitted))


def _handed_on(
    params: GenerateVideo, task: TaskInput, fitted: Fitted, seed: int, folder: Path
) -> Iterator[Output]:
    """The picture that another video goes on from: what is written on these would be there twice."""
    if params.hand_on_s is None:
        return
    scene, number = _scene(params, seed), round(params.hand_on_s * fitted.frame_rate)
    number = min(number, fitted.frames - 1)
    first, last = _pictures_of(params, task)
    if first is None:
        picture = bare(scene, *_measures(fitted), number)
    else:
        picture = bare_pictured(scene, first, last, *_measures(fitted), number)
    path = folder / "handed-on.png"
    Image.fromarray(as_rgb(picture)).save(path)
    yield Output(HANDED_ON, path, path.name, "image/png", intermediate=True)


def _scene(params: GenerateVideo, seed: int) -> Scene:
    """What all words say, captioned with those of whoever asked."""
    return replace(describe(params.prompt, seed), prompt=params.told_prompt or params.prompt)


def _measures(fitted: Fitted) -> tuple[int, int, int, int]:
    return fitted.width, fitted.height, fitted.frames, fitted.frame_rate


def _pictures_of(params: GenerateVideo, task: TaskInput) -> tuple[InputFile | None, InputFile | None]:
    """The files that it begins and ends with."""
    first, last = (task.inputs[asset] if asset else None for asset in (params.image, params.last_image))
    return first, last


def _pictures(params: GenerateImage, task: TaskInput, context: Context) -> Done:
    """Of a style it takes the tones. Pictures of characters are no use to it, and the result says so."""
    fitted = _fitted(params.wish)
    seed = _seed(params.seed)
    outputs = []
    for number in range(params.count):
        context.progress(number / params.count, "draw")
        own = (seed + number) % MOST_SEED
        picture = _drawn(params, task, describe(params.full_prompt, own), fitted)
        said = {**_said(fitted, own), "revised_prompt": params.full_prompt}
        outputs.append(finished(picture, params, number + 1, context.workdir, said=said))
    ignored = ["images"] if params.images else []
    return Done(outputs, result={**_said(fitted, seed), "count": params.count, "ignored": ignored})


def _drawn(params: GenerateImage, task: TaskInput, scene: Scene, fitted: Fitted) -> Image.Image:
    if params.background == "transparent":
        return alone(scene, fitted.width, fitted.height)
    picture = still(scene, fitted.width, fitted.height)
    if params.style_image is not None:
        file = task.inputs[params.style_image]
        picture = styled(picture, file.path, file.file_name)
    return Image.fromarray(picture)


def _edited(params: EditImage, task: TaskInput, context: Context) -> Done:
    """Changes that need no model. Raises AssetUnreadable, BadRequest, TaskFailure `no_subject`."""
    context.progress(0.05, "read")
    edit = edit_input(params, task, read_catalog(Settings()).models.named(MODEL), context.workdir)
    seed = _seed(params.seed)
    outputs = []
    for number in range(params.count):
        context.progress(0.1 + 0.9 * number / params.count, "edit")
        own = (seed + number) % MOST_SEED
        said = {**_said(edit.fitted, own), "revised_prompt": params.full_prompt}
        made = sketched(params, edit, own)
        outputs.append(finished(made, params, number + 1, context.workdir, said=said))
    ignored = ["images"] if edit.references else []
    return Done(outputs, result={**_said(edit.fitted, seed), "count": params.count, "ignored": ignored})


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
