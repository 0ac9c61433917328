"""What a call of /v1/videos asks of the farm: a form or JSON, perhaps with a first picture."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.requests import Request

from farm.account import Caller
from farm.api.body import read_json
from farm.api.desk import Desk
from farm.api.errors import refused_params
from farm.api.fetched import Wanted
from farm.api.forms import MEDIA_TYPE, FileRule, Form, received_form, store
from farm.api.generation import within_tier
from farm.api.inputs import require_inputs
from farm.api.surfaces.generations import video_spec, video_start
from farm.api.surfaces.generations.video_size import size_of
from farm.api.surfaces.generations.videos_wire import VideoForm, VideoJson
from farm.asset import Asset
from farm.doors import assets
from farm.doors.submit import order
from farm.errors import BadRequest, Conflict, NotFound
from farm.generation import VIDEOS_SURFACE
from farm.generation_limits import limits_of
from farm.generations import Generation
from farm.job import JobSpec
from farm.kinds import kind_named
from farm.states import JobState
from farm.timeline import MediaKind
from tasks.generate_video import STEP, GenerateVideo

PREFIX = "video"
REFERENCE = "input_reference"
_NAMES: Mapping[str, str] = {
    "width": "size",
    "height": "size",
    "frames": "seconds",
    "length_s": "seconds",
    "image": REFERENCE,
}
_UPRIGHT = "9:16"  # OpenAI's own default is 720x1280


@asynccontextmanager
async def asked(request: Request, desk: Desk) -> AsyncIterator[tuple[VideoJson, Form | None]]:
    """The call's body, a form or JSON. Raises BadRequest naming the field."""
    limits = desk.hall.catalog.limits
    if not request.headers.get("content-type", "").lower().startswith(MEDIA_TYPE):
        yield _checked(await read_json(request, limits.json_max_bytes)), None
        return
    rules = {REFERENCE: FileRule((MediaKind.IMAGE,), limits.fetch_picture_bytes)}
    async with received_form(request, rules) as form:
        texts = {name: text for name in form.texts if (text := form.text(name)) is not None}
        reference = {
            name: texts[key] for name in ("image_url", "file_id") if (key := f"{REFERENCE}[{name}]") in texts
        }
        yield _checked({**texts, **({REFERENCE: reference} if reference else {})}), form


def _checked(said: Any) -> VideoJson:
    try:
        return VideoJson.model_validate(said)
    except ValidationError as error:
        raise refused_params(error, "") from None


async def spec_of(desk: Desk, caller: Caller, body: VideoJson, form: Form | None, base_url: str) -> JobSpec:
    """What is to be submitted: checked as it stands, then with its picture."""
    has_picture = bool(form and form.files[REFERENCE]) or body.input_reference is not None
    stand_in = video_start.PENDING if has_picture else None
    spec = await run_in_threadpool(partial(_planned, desk, caller, body, stand_in, None))
    if not has_picture:
        return spec
    picture, shape = await _picture(desk, caller, body, form, base_url)
    return await run_in_threadpool(partial(_planned, desk, caller, body, picture, shape))


async def _picture(
    desk: Desk, caller: Caller, body: VideoJson, form: Form | None, base_url: str
) -> tuple[str, tuple[int, int] | None]:
    """The first picture as an asset, and its size where that is known."""
    files = form.files[REFERENCE] if form else ()
    if files:
        (kept,) = await run_in_threadpool(store, desk, caller.account, files)
        width, height = files[0].width, files[0].height
        return kept, (width, height) if width and height else None
    reference = body.input_reference
    assert reference is not None
    asset = await _referred(desk, caller, reference.image_url, reference.file_id, base_url)
    return asset.id, video_start.shape_of(asset.meta)


async def _referred(
    desk: Desk, caller: Caller, image_url: str | None, file_id: str | None, base_url: str
) -> Asset:
    if (image_url is None) == (file_id is None):
        raise BadRequest(f"{REFERENCE}: name image_url or file_id.", param=REFERENCE)
    if image_url is not None:
        wanted = [Wanted(image_url, f"{REFERENCE}.image_url")]
        pictures = await video_start.fetch(desk, caller.account, wanted, base_url)
        return pictures.by_url[image_url]
    try:
        found = await run_in_threadpool(assets.asset, desk.hall, caller.account, str(file_id))
        if found.media_kind != MediaKind.IMAGE:
            raise BadRequest(f"{found.file_name} is no picture.")
        await run_in_threadpool(assets.require_uploaded, desk.hall, desk.blobs, [found])
    except (NotFound, BadRequest) as error:
        raise BadRequest(f"{REFERENCE}.file_id: {error.message}", param=f"{REFERENCE}.file_id") from None
    return found


def _planned(
    desk: Desk, caller: Caller, body: VideoForm, picture: str | None, shape: tuple[int, int] | None
) -> JobSpec:
    has_image = picture is not None
    with video_spec.wire_names(also={"duration": "seconds"}):
        model = video_start.model_of(desk.hall.catalog, body.model, has_image=has_image, seconds=body.seconds)
    most = limits_of(desk.hall.catalog, caller.account.tier).video_side
    ratio = None if shape else _UPRIGHT
    width, height = _size(body.size) or size_of(ratio, None, shape, model, most)
    params = GenerateVideo(
        prompt=body.prompt,
        model=body.model,
        image=picture,
        width=width,
        height=height,
        length_s=body.seconds,
    )
    return _submittable(desk, caller, params)


def _submittable(desk: Desk, caller: Caller, params: GenerateVideo) -> JobSpec:
    with video_spec.wire_names(also=_NAMES):
        brought = within_tier(desk.hall.catalog, caller.account, params)
        spec = JobSpec(
            params=brought,
            surface=VIDEOS_SURFACE,
            id_prefix=PREFIX,
            deadline=video_start.deadline(desk, brought, auto_retry=False),
        )
        order(desk.hall, spec)
    return spec


def _size(said: str | None) -> tuple[int, int] | None:
    if said is None:
        return None
    width, _, height = said.partition("x")
    return int(width), int(height)


def remix_of(desk: Desk, caller: Caller, found: Generation, prompt: str) -> JobSpec:
    """The same video with another prompt. Raises BadRequest, and Conflict while it is not finished."""
    if found.job.state is not JobState.COMPLETED:
        raise Conflict("Only a finished video can be remixed.", param="video_id", code="video_not_ready")
    if found.job.kind != GenerateVideo.kind:
        raise BadRequest("A video of several shots cannot be remixed.", param="video_id")
    old = kind_named(found.job.kind).params.model_validate(dict(found.job.params))
    seed = (found.job.result.get(STEP) or {}).get("seed", old.seed)
    said = {"prompt": prompt, "seed": seed, "watermark": False}  # marked by the tier of now, not of then
    params = old.model_copy(update=said)
    spec = replace(_submittable(desk, caller, params), reference=found.job.id)
    require_inputs(desk, caller.account, spec)
    return spec
