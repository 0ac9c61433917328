"""Fetches what was bought, looks at it, and hands it in as the job's files."""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from farm.errors import FailureClass, TaskFailure
from farm.media_types import HEAD_BYTES, content_type_of, sniff
from tasks.generate_audio import AUDIO
from tasks.generate_image import PictureParams
from tasks.generate_video import HANDED_ON, VIDEO, GenerateVideo
from workers.context import Context, Done
from workers.context import Output as Artifact
from workers.gpu_generate.pictures.finish import finished
from workers.gpu_generate.remote.asked import Asked
from workers.gpu_generate.remote.buying import Output
from workers.gpu_generate.remote.checking import checked_film, checked_picture, checked_sound, corrupt
from workers.gpu_generate.remote.inputs import ordered_s
from workers.gpu_generate.remote.marked import shape_of, write_marked, write_picture
from workers.media.probe import MediaInfo
from workers.provider_http import Ask, Service, saved

_FETCH_S = 300.0
_PICTURE_BYTES, _SOUND_BYTES, _FILM_BYTES = 64 << 20, 256 << 20, 2 << 30
_FILM_TYPES = {"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"}
_DATA = "data:"
_LOOKED_AT = 0.9  # of the task is done when the film is here
_PASSING = (FailureClass.TRANSIENT, FailureClass.TIMEOUT, FailureClass.CAPACITY)


def handed(asked: Asked, outputs: Sequence[Output], service: Service, context: Context) -> Done:
    """The job's files. Raises TaskFailure CORRUPT_OUTPUT for what is not what was asked for."""
    if not outputs:
        raise corrupt("there is nothing")
    if asked.is_film:
        return _film(asked, fetched(outputs[0], service, context, 1, _FILM_BYTES), context)
    if asked.is_sound:
        return _sound(asked, fetched(outputs[0], service, context, 1, _SOUND_BYTES))
    params = asked.params
    assert isinstance(params, PictureParams)
    if len(outputs) < params.count:
        raise corrupt(f"{len(outputs)} of {params.count} pictures came")
    return _pictures(asked, params, outputs[: params.count], service, context)


def fetched(output: Output, service: Service, context: Context, number: int, most_bytes: int) -> Path:
    """The file. Raises TaskFailure: CORRUPT_OUTPUT when it is gone."""
    into = context.workdir / f"answer-{number}"
    if output.url.startswith(_DATA):
        into.write_bytes(_inline(output.url))
        return into
    ask = Ask("GET", output.url, headers=output.headers)
    stop = context.checkpoint
    try:
        saved(service, ask, into, call_s=_FETCH_S, most_bytes=most_bytes, checkpoint=stop)
    except TaskFailure as failure:
        if failure.failure in _PASSING or failure.public_code == "provider_401":
            raise
        raise corrupt(f"its file cannot be had. {failure.message}") from failure
    return into


def data_url(data: str, content_type: str = "image/png") -> str:
    """Base64 text as a URL."""
    return f"{_DATA}{content_type};base64,{data}"


def _inline(url: str) -> bytes:
    head, _, text = url.partition(",")
    try:
        if not head.endswith(";base64"):
            raise corrupt("its data URL is not base64")
        return b64decode(text, validate=True)
    except (NoBase64, ValueError) as error:
        raise corrupt("its base64 is broken") from error


def _film(asked: Asked, path: Path, context: Context) -> Done:
    context.progress(_LOOKED_AT, "look at the film")
    info = checked_film(path, ordered_s(asked))
    with path.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
    content_type = _FILM_TYPES.get(found.container) if found else None
    if found is None or content_type is None:
        raise corrupt(f"it is {found.label if found else 'no film'}, which browsers do not play")
    said = {**_said(asked), **_measured(info, asked)}
    if isinstance(asked.params, GenerateVideo) and asked.params.watermark:
        return Done(_marked(asked, path, info, said, context), result=said)
    named = path.rename(path.with_name(f"video.{found.container}"))
    return Done([Artifact(VIDEO, named, named.name, content_type, meta=said)], result=said)


def _sound(asked: Asked, path: Path) -> Done:
    info = checked_sound(path, ordered_s(asked))
    with path.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
    content_type = content_type_of(f"x.{found.container}") if found else None
    if found is None or content_type is None:
        raise corrupt(f"it is {found.label if found else 'no sound'}, which is not taken")
    length_s = float(info.duration or ordered_s(asked))
    said = {"model": asked.model_key, "seed": asked.seed, "duration_s": length_s}
    named = path.rename(path.with_name(f"audio.{found.container}"))
    return Done([Artifact(AUDIO, named, named.name, content_type, meta=said)], result=said)


def _marked(
    asked: Asked, path: Path, info: MediaInfo, said: Mapping[str, Any], context: Context
) -> list[Artifact]:
    """The film with the tier's mark, and without it the picture that another video goes on from."""
    shape, into = shape_of(info), path.with_name("video.mp4")

    def on_frame(done: int) -> None:
        context.progress(_LOOKED_AT + (1 - _LOOKED_AT) * done / shape.frames, "mark the film")

    write_marked(path, shape, into, on_frame)
    outputs = [Artifact(VIDEO, into, into.name, "video/mp4", meta=said)]
    if isinstance(asked.params, GenerateVideo) and asked.params.hand_on_s is not None:
        bare = path.with_name("handed-on.png")
        write_picture(path, shape, asked.params.hand_on_s, bare)
        outputs.append(Artifact(HANDED_ON, bare, bare.name, "image/png", intermediate=True))
    return outputs


def _measured(info: MediaInfo, asked: Asked) -> dict[str, Any]:
    """What the film turned out to be."""
    rate = round(info.rate) if info.rate else asked.fitted.frame_rate
    length = info.duration or asked.fitted.length_s
    return {
        "width": info.width,
        "height": info.height,
        "frames": info.frames or round(length * rate),
        "frame_rate": rate,
        "duration_s": float(length),
    }


def _pictures(
    asked: Asked, params: PictureParams, outputs: Sequence[Output], service: Service, context: Context
) -> Done:
    made = []
    for number, output in enumerate(outputs, 1):
        path = fetched(output, service, context, number, _PICTURE_BYTES)
        said = {**_said(asked), "seed": asked.seed + number - 1, "revised_prompt": params.full_prompt}
        made.append(
            finished(checked_picture(path), params, number, context.workdir, said=said, edit=asked.edit)
        )
        path.unlink()
    return Done(made, result={**_said(asked), "count": params.count})


def _said(asked: Asked) -> Mapping[str, Any]:
    return {
        "model": asked.model_key,
        "seed": asked.seed,
        "width": asked.fitted.width,
        "height": asked.fitted.height,
        "normalized": [change.model_dump() for change in asked.fitted.normalized],
    }
