"""/v1/videos: OpenAI's own shape of the same videos, for its clients to make, poll and download them."""

from dataclasses import replace
from typing import Annotated

from fastapi import Path, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.requests import Request

from farm.account import Caller
from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.files import file_answer
from farm.api.forms import takes_form
from farm.api.idempotency import MadeOnce, once
from farm.api.routing import farm_router, rated, submits
from farm.api.surfaces.generations.video_view import KINDS, film_of
from farm.api.surfaces.generations.videos_start import REFERENCE, asked, remix_of, spec_of
from farm.api.surfaces.generations.videos_view import page_of, videos_view
from farm.api.surfaces.generations.videos_wire import (
    Order,
    Remix,
    Variant,
    VideoDeleted,
    VideoForm,
    VideoJson,
    VideoPage,
    VideoView,
)
from farm.doors import generations, jobs
from farm.doors.idempotency import Ticket
from farm.doors.submit import submit
from farm.errors import BadRequest, Conflict, NotFound
from farm.generations import Generation
from farm.job import JobSpec
from farm.states import JobState

router = farm_router("/v1", "generations")

_POLL_MS = 2_000
VideoId = Annotated[str, Path(max_length=64, examples=["video_0123456789abcdefghjkmn"])]


@router.post(
    "/videos",
    response_model=VideoView,
    openapi_extra=takes_form("video_create", VideoForm, {REFERENCE: False}, or_json=VideoJson),
)
async def create_openai_video(
    request: Request, desk: AtDesk, caller: SignedIn, base_url: BaseUrl
) -> Response:
    """Make a video, as OpenAI's clients ask for it: a form or JSON, perhaps with a first picture."""
    async with asked(request, desk) as (body, form):
        told = form.told if form else body.model_dump(mode="json")

        async def make() -> Response:
            ticket: Ticket | None = getattr(request.state, "ticket", None)
            spec = await spec_of(desk, caller, body, form, base_url)
            return await _made(desk, caller, spec, ticket, base_url)

        return await once(request, told, make)


@router.get("/videos", openapi_extra=rated("video_status"))
def list_openai_videos(
    desk: AtDesk,
    caller: SignedIn,
    base_url: BaseUrl,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(max_length=64, description="`last_id` of the page before.")] = None,
    order: Annotated[Order, Query(description="By when they were made.")] = "desc",
) -> VideoPage:
    """List the account's videos, of whatever call, newest first unless `order` says otherwise."""
    hall, account_id = desk.hall, caller.account.id
    beyond = _number_of(desk, caller, after) if after else None
    found = generations.list_generations(
        hall, account_id, KINDS, limit=limit + 1, beyond=beyond, oldest_first=order == "asc"
    )
    page = found[:limit]
    now = jobs.as_they_stand(hall, [one.job for one in page])
    shown = videos_view(desk, [replace(one, job=job) for one, job in zip(page, now, strict=True)], base_url)
    return page_of(shown, has_more=len(found) > limit)


@router.get("/videos/{video_id}", openapi_extra=rated("video_status"))
def get_openai_video(
    video_id: VideoId, response: Response, desk: AtDesk, caller: SignedIn, base_url: BaseUrl
) -> VideoView:
    """How a video stands. The answer's headers tell OpenAI's clients how soon to ask again."""
    response.headers["openai-poll-after-ms"] = str(_POLL_MS)
    return videos_view(desk, [_video(desk, caller, video_id)], base_url)[0]


@router.delete("/videos/{video_id}", openapi_extra=rated("generations"))
def delete_openai_video(video_id: VideoId, desk: AtDesk, caller: SignedIn) -> VideoDeleted:
    """Give up a video and its file; one that is being made is called off."""
    found = _video(desk, caller, video_id)
    generations.delete_generation(desk.hall, caller.account.id, found.id, KINDS)
    return VideoDeleted(id=found.job.id)


@router.get(
    "/videos/{video_id}/content",
    openapi_extra=rated("video_status"),
    response_class=Response,
    responses={200: {"content": {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}}},
)
def download_openai_video(
    video_id: VideoId,
    request: Request,
    desk: AtDesk,
    caller: SignedIn,
    variant: Annotated[Variant, Query(description="Only the video is kept.")] = "video",
) -> Response:
    """Give the MP4 itself. 409 `video_not_ready` while there is none, 404 once it has expired."""
    if variant != "video":
        raise BadRequest(f"variant: no {variant} is kept, only the video.", param="variant")
    found = _video(desk, caller, video_id)
    film = film_of(found.files)
    if film is None:
        raise _no_film(found)
    return file_answer(
        request, desk.blobs, film.blob_key, file_name=film.file_name, content_type=film.content_type
    )


@router.post("/videos/{video_id}/remix", openapi_extra=submits("video_create"))
async def remix_openai_video(
    video_id: VideoId, body: Remix, desk: AtDesk, caller: SignedIn, once: MadeOnce, base_url: BaseUrl
) -> VideoView:
    """Make a finished video anew with another prompt: the same model, size, pictures and seed."""
    found = await run_in_threadpool(_video, desk, caller, video_id)
    spec = await run_in_threadpool(remix_of, desk, caller, found, body.prompt)
    return await _shown(desk, caller, spec, once, base_url)


async def _made(desk: Desk, caller: Caller, spec: JobSpec, ticket: Ticket | None, base_url: str) -> Response:
    view = await _shown(desk, caller, spec, ticket, base_url)
    return JSONResponse(view.model_dump(mode="json"))


async def _shown(
    desk: Desk, caller: Caller, spec: JobSpec, ticket: Ticket | None, base_url: str
) -> VideoView:
    made = await run_in_threadpool(submit, desk.hall, caller, spec, ticket)
    found = await run_in_threadpool(_video, desk, caller, made.job_id)
    return (await run_in_threadpool(videos_view, desk, [found], base_url))[0]


def _video(desk: Desk, caller: Caller, video_id: str) -> Generation:
    """The caller's own video as it stands now. Raises NotFound, also once it was deleted."""
    job = jobs.job(desk.hall, caller.account.id, video_id)
    if job.kind not in KINDS:
        raise NotFound(f"There is no video {video_id!r}.", param="video_id")
    try:
        found = generations.generation(desk.hall, caller.account.id, job.seq, KINDS)
    except NotFound:
        raise NotFound(f"There is no video {video_id!r}.", param="video_id") from None
    return replace(found, job=job)


def _number_of(desk: Desk, caller: Caller, after: str) -> int:
    """Where a page goes on; a video that was deleted meanwhile still says where. Raises BadRequest."""
    try:
        return jobs.job(desk.hall, caller.account.id, after).seq
    except NotFound:
        raise BadRequest(f"after: there is no video {after!r}.", param="after") from None


def _no_film(found: Generation) -> NotFound | Conflict:
    if found.job.state is JobState.COMPLETED:
        return NotFound("The video has expired and is deleted.", param="video_id", code="output_expired")
    if found.job.ended:
        return NotFound("The video has failed: there is nothing to download.", param="video_id")
    return Conflict("The video is not ready yet.", param="video_id", code="video_not_ready")
