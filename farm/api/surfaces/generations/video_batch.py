"""POST and GET /v1/video/generations/batch: up to 20 videos in one call, told of once at the end."""

from typing import Annotated

from fastapi import Path
from fastapi.concurrency import run_in_threadpool

from farm.account import Caller
from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.fetched import Wanted
from farm.api.idempotency import MadeOnce
from farm.api.routing import farm_router, rated, submits
from farm.api.surfaces.generations import video_spec, video_start
from farm.api.surfaces.generations.video_start import ROW_PREFIX, UNFETCHED, Pictures
from farm.api.surfaces.generations.video_view import View, batch_started, batch_status, views
from farm.api.surfaces.generations.video_wire import (
    MOST_IN_BATCH,
    BatchPrompt,
    BatchStarted,
    BatchStatus,
    VideoBatchRequest,
)
from farm.batch import Batch, NewBatch
from farm.doors import batch_results, batches, jobs
from farm.doors.batch_rows import NewRow, create_with_rows
from farm.doors.submit import Order, order
from farm.errors import NotFound
from farm.generation import BATCH_PREFIX
from tasks.generate_video import GenerateVideo

router = farm_router("/v1", "generations")

_NAME = "video.batch"
BatchId = Annotated[str, Path(max_length=64, examples=["video_batch_0123456789abcdefghjkmn"])]


@router.post("/video/generations/batch", status_code=202, openapi_extra=submits("video_create"))
async def create_video_batch(
    body: VideoBatchRequest, desk: AtDesk, caller: SignedIn, once: MadeOnce, base_url: BaseUrl
) -> BatchStarted:
    """Generate up to 20 videos: all are accepted or none, and from then on each goes its own way."""
    await video_start.check_webhook(desk, body.webhook_url)
    await run_in_threadpool(_orders, desk, caller, body, UNFETCHED)
    wanted = _wanted(body)
    pictures = await video_start.fetch(desk, caller.account, wanted, base_url) if wanted else UNFETCHED
    orders = await run_in_threadpool(_orders, desk, caller, body, pictures)
    rows = [NewRow(number, "", f"video-{number}", one) for number, one in enumerate(orders, 1)]
    new = NewBatch(_NAME, GenerateVideo.kind, webhook_url=body.webhook_url, id_prefix=BATCH_PREFIX)
    batch = await run_in_threadpool(create_with_rows, desk.hall, caller, new, rows, once)
    return batch_started(batch, await run_in_threadpool(_views, desk, caller, batch, base_url))


@router.get("/video/generations/batch/{batch_id}", openapi_extra=rated("video_status"))
def show_video_batch(batch_id: BatchId, desk: AtDesk, caller: SignedIn, base_url: BaseUrl) -> BatchStatus:
    """How a batch stands: how many of its videos are where, and each of them."""
    found = batches.batch(desk.hall, caller.account.id, batch_id)
    if not found.id.startswith(f"{BATCH_PREFIX}_"):
        raise NotFound(f"There is no batch of videos {batch_id!r}.", param="batch_id")
    return batch_status(found, _views(desk, caller, found, base_url))


def _views(desk: Desk, caller: Caller, batch: Batch, base_url: str) -> list[View]:
    """Its videos in the order in which they were asked for, each as it stands now."""
    hall, account_id = desk.hall, caller.account.id
    found = batch_results.batch_jobs(hall, account_id, batch.id, limit=MOST_IN_BATCH)
    return views(desk, jobs.as_they_stand(hall, found), base_url)


def _wanted(body: VideoBatchRequest) -> list[Wanted]:
    """The pictures of all; what is for all of them is named once."""
    own = [
        Wanted(one.image_url, f"prompts[{number}].image_url")
        for number, one in enumerate(body.prompts)
        if one.image_url is not None
    ]
    return [*own, *video_spec.wanted_of(body, None)]


def _orders(desk: Desk, caller: Caller, body: VideoBatchRequest, pictures: Pictures) -> list[Order]:
    """Every video, planned and priced. Raises BadRequest naming the field, as `prompts[2].prompt`."""
    return [
        _order(desk, caller, body, one, f"prompts[{number}]", pictures)
        for number, one in enumerate(body.prompts)
    ]


def _order(
    desk: Desk, caller: Caller, body: VideoBatchRequest, one: BatchPrompt, where: str, pictures: Pictures
) -> Order:
    size = video_start.size_for(desk, caller.account, body, one.image_url, pictures, body.duration)
    ids = pictures.ids([item.url for item in video_spec.wanted_of(body, one.image_url)])
    has_image = one.image_url is not None
    model = video_start.model_of(desk.hall.catalog, body.model, has_image=has_image, seconds=body.duration)
    video_spec.check_sound(model, body.model, sound=body.sound)
    with video_spec.wire_names(where):
        params = video_spec.one_video(body, one.prompt, one.image_url, ids, size)
        return order(desk.hall, video_start.spec_of(desk, caller, params, body, prefix=ROW_PREFIX))
