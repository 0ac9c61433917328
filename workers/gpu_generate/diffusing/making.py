"""Makes what a task of generation asks for with a model of this process: pictures, or a film."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

from farm.catalog import read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.models import Fitted, Makes, Model
from farm.settings import Settings
from tasks.edit_image import EditImage
from tasks.generate_image import GenerateImage, PictureParams
from tasks.generate_video import HANDED_ON, VIDEO
from workers.context import Context, Done, Output, TaskInput
from workers.gpu_generate.diffusing.asked import Asked
from workers.gpu_generate.diffusing.calling import Given
from workers.gpu_generate.diffusing.checks import as_bytes, checked
from workers.gpu_generate.diffusing.given import fitted_to, given_of, looked_at, opened, presentable
from workers.gpu_generate.diffusing.studio import Answer, Order, Studio, studio_maker
from workers.gpu_generate.diffusing.watch import DECODED
from workers.gpu_generate.diffusing.writing import Drawn, write
from workers.gpu_generate.pictures.edit_input import EditInput, edit_input
from workers.gpu_generate.pictures.finish import finished

_PICTURES: Mapping[str, type[PictureParams]] = {kind.kind: kind for kind in (GenerateImage, EditImage)}
_ALONE = "all of it in view, isolated on a plain, evenly lit white background"
studio_of = studio_maker()


def make(task: TaskInput, context: Context) -> Done:
    """Raises Cancelled, AssetUnreadable, BadRequest, and TaskFailure."""
    catalog, settings = read_catalog(Settings()), Settings()
    model_id = catalog.models.id_of(task.model or "")
    model, studio = catalog.models.models[model_id], studio_of(catalog, settings)
    if (kind := _PICTURES.get(task.kind)) is not None and model.makes is Makes.IMAGE:
        return _pictures(kind.model_validate(dict(task.params)), task, model_id, studio, context)
    if model.makes is Makes.VIDEO:
        return _film(task, model_id, studio, context)
    raise TaskFailure(f"{model.name} makes no {task.kind}.", FailureClass.INTERNAL, code="engine_missing")


def _film(task: TaskInput, model_id: str, studio: Studio, context: Context) -> Done:
    model = studio.catalog.models.models[model_id]
    asked = Asked.of(task.params)
    fitted = model.fitted(asked.wish)
    if asked.video is not None:
        fitted = fitted_to(task.inputs[asked.video], model, fitted)
    order = Order(model_id, model, asked, given_of(asked, task, fitted), fitted, [asked.seed_of(0)])
    drawn = _drawn(studio.draw(order, context), order)
    path = context.workdir / "video.mp4"

    def on_frame(done: int) -> None:
        context.progress(DECODED + (1 - DECODED) * done / len(drawn.frames), "encode")

    write(drawn, path, fitted, marked=asked.watermark, on_frame=on_frame)
    said = {**_said(model_id, fitted, asked.seed_of(0)), "width": fitted.width, "height": fitted.height}
    said |= {"frames": len(drawn.frames), "frame_rate": fitted.frame_rate}
    said["duration_s"] = len(drawn.frames) / fitted.frame_rate
    outputs = [*_handed_on(asked, drawn, fitted, context)]
    return Done([*outputs, Output(VIDEO, path, "video.mp4", "video/mp4", meta=said)], result=said)


def _handed_on(asked: Asked, drawn: Drawn, fitted: Fitted, context: Context) -> Iterator[Output]:
    """The picture that another film goes on from, where the film's own is marked."""
    if asked.hand_on_s is None or not asked.watermark:
        return
    number = min(round(asked.hand_on_s * fitted.frame_rate), len(drawn.frames) - 1)
    path = context.workdir / "handed-on.png"
    Image.fromarray(as_bytes(drawn.frames[number])).save(path)
    yield Output(HANDED_ON, path, path.name, "image/png", intermediate=True)


def _drawn(answer: Answer, order: Order) -> Drawn:
    fitted, is_sized = order.fitted, _is_sized(order.model)
    frames = checked(answer.said.frames[0], fitted.frames, fitted.width, fitted.height, is_sized=is_sized)
    heard = getattr(answer.said, "audio", None)
    if heard is None or answer.sample_rate is None or order.asked.sound is False:
        return Drawn(frames)
    sound = np.asarray(heard[0].float().cpu(), np.float32)
    if not np.isfinite(sound).all():
        said = "The model made no sound but NaN."
        raise TaskFailure(said, FailureClass.CORRUPT_OUTPUT, code="output_not_finite")
    return Drawn(frames, np.clip(sound, -1, 1), answer.sample_rate)


def _pictures(
    params: PictureParams, task: TaskInput, model_id: str, studio: Studio, context: Context
) -> Done:
    model = studio.catalog.models.models[model_id]
    edit = edit_input(params, task, model, context.workdir) if isinstance(params, EditImage) else None
    asked = Asked.of({**task.params, "prompt": _prompt(params)})
    fitted = edit.fitted if edit is not None else model.fitted(params.wish)
    outputs = []
    given = _given(edit) if edit is not None else Given(references=looked_at(task, params.pictures))
    for number, picture in enumerate(_drawn_pictures(studio, model_id, asked, given, fitted, context)):
        said = {**_said(model_id, fitted, asked.seed_of(number)), "revised_prompt": asked.prompt}
        outputs.append(finished(picture, params, number + 1, context.workdir, said=said, edit=edit))
    return Done(outputs, result={**_said(model_id, fitted, asked.seed_of(0)), "count": params.count})


def _prompt(params: PictureParams) -> str:
    """No model here draws transparency: what is to be cut out of its ground afterwards should stand out."""
    is_cut = params.background == "transparent" and isinstance(params, GenerateImage)
    return f"{params.full_prompt}, {_ALONE}" if is_cut else params.full_prompt


def _drawn_pictures(
    studio: Studio, model_id: str, asked: Asked, given: Given, fitted: Fitted, context: Context
) -> Iterator[Image.Image]:
    """One after the other, or as many together as the configs let."""
    model = studio.catalog.models.models[model_id]
    count = asked.count
    together = max(1, studio.catalog.generate.batch_pixels // (fitted.width * fitted.height))
    for first in range(0, count, together):
        seeds = [asked.seed_of(number) for number in range(first, min(count, first + together))]
        ends = (first / count, (first + len(seeds)) / count)
        answer = studio.draw(Order(model_id, model, asked, given, fitted, seeds, *ends), context)
        _check_policy(answer)
        pictures = checked(
            answer.said.images,
            len(seeds),
            fitted.width,
            fitted.height,
            is_sized=_is_sized(model),
            is_film=False,
        )
        yield from (Image.fromarray(as_bytes(picture)) for picture in pictures)


def _given(edit: EditInput) -> Given:
    others = (*edit.references, *((edit.style,) if edit.style is not None else ()))
    return Given(
        image=opened(edit.picture),
        mask=opened(edit.mask) if edit.mask is not None else None,
        references=[presentable(opened(path)) for path in others],
    )


def _check_policy(answer: Answer) -> None:
    """A model with a checker of its own blackens what it refuses: that is no broken picture."""
    if any(getattr(answer.said, "nsfw_content_detected", None) or ()):
        raise TaskFailure(
            "The model's own checker refused what it drew.",
            FailureClass.POLICY,
            code="content_policy_violation",
        )


def _is_sized(model: Model) -> bool:
    return model.pipeline != "HunyuanVideo15ImageToVideoPipeline"  # it goes by the picture's own shape


def _said(model_id: str, fitted: Fitted, seed: int) -> dict[str, Any]:
    return {
        "model": model_id,
        "seed": seed,
        "normalized": [change.model_dump() for change in fitted.normalized],
    }
