"""POST and GET /v1/video/generations: a video from words, from a picture, or from several shots."""

from typing import Annotated

from fastapi import Path
from fastapi.concurrency import run_in_threadpool

from farm.account import Caller
from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.idempotency import MadeOnce
from farm.api.routing import farm_router, rated, submits
from farm.api.surfaces.generations import video_spec, video_start
from farm.api.surfaces.generations.video_start import UNFETCHED, Pictures
from farm.api.surfaces.generations.video_view import KINDS, view
from farm.api.surfaces.generations.video_wire import VideoRequest, VideoStarted, VideoStatus
from farm.doors import jobs
from farm.doors.submit import submit
from farm.errors import NotFound
from farm.job import Job, JobSpec
from tasks.multi_shot import MultiShot, video_of

router = farm_router("/v1", "generations")

PREFIX = "vgen"
VideoId = Annotated[str, Path(max_length=64, examples=["vgen_0123456789abcdefghjkmn"])]


@router.post("/video/generations", status_code=202, openapi_extra=submits("video_create"))
async def create_video(
    body: VideoRequest, desk: AtDesk, caller: SignedIn, once: MadeOnce, base_url: BaseUrl
) -> VideoStarted:
    """Generate a video. Poll the answer's id every ten seconds, or name a `webhook_url`."""
    spec = await started(desk, caller, body, base_url, PREFIX)
    made = await run_in_threadpool(submit, desk.hall, caller, spec, once)
    job = await run_in_threadpool(jobs.job, desk.hall, caller.account.id, made.job_id)
    return (await run_in_threadpool(view, desk, job, base_url)).started()


@router.post("/video/generate", status_code=202, openapi_extra=submits("video_create"))
async def create_video_alias(
    body: VideoRequest, desk: AtDesk, caller: SignedIn, once: MadeOnce, base_url: BaseUrl
) -> VideoStarted:
    """The same as POST /v1/video/generations, for workflows that know it by this name."""
    return await create_video(body, desk, caller, once, base_url)


@router.get("/video/generations/{generation_id}", openapi_extra=rated("video_status"))
def show_video(generation_id: VideoId, desk: AtDesk, caller: SignedIn, base_url: BaseUrl) -> VideoStatus:
    """How a video stands; one of a batch too. `failed` and `completed` are its ends."""
    return view(desk, video_job(desk, caller, generation_id), base_url).status()


async def started(desk: Desk, caller: Caller, body: VideoRequest, base_url: str, prefix: str) -> JobSpec:
    """What is to be submitted: checked as it stands, then with its pictures. Raises BadRequest."""
    await video_start.check_webhook(desk, body.webhook_url)
    first = video_spec.first_picture(body)
    wanted = video_spec.wanted_of(body, *first)
    spec = await run_in_threadpool(spec_for, desk, caller, body, UNFETCHED, prefix)
    if not wanted:
        return spec
    pictures = await video_start.fetch(desk, caller.account, wanted, base_url)
    return await run_in_threadpool(spec_for, desk, caller, body, pictures, prefix)


def video_job(desk: Desk, caller: Caller, job_id: str) -> Job:
    """The caller's own video. Raises NotFound, also for a job of another sort."""
    found = jobs.job(desk.hall, caller.account.id, job_id)
    if found.kind not in KINDS:
        raise NotFound(f"There is no video {job_id!r}.", param="id")
    return found


def spec_for(desk: Desk, caller: Caller, body: VideoRequest, pictures: Pictures, prefix: str) -> JobSpec:
    """What is to be submitted, with the pictures that came, or to be priced before any did."""
    url, _ = video_spec.first_picture(body)
    whole_s = None if body.multi_shot_prompts else body.duration  # of several shots each has its own
    size = video_start.size_for(desk, caller.account, body, url, pictures, whole_s)
    ids = pictures.ids([item.url for item in video_spec.wanted_of(body, url)])
    params = video_spec.video(body, ids, size)
    longest = _longest_s(params) if isinstance(params, MultiShot) else body.duration
    model = video_start.model_of(desk.hall.catalog, body.model, has_image=url is not None, seconds=longest)
    video_spec.check_sound(model, body.model, sound=body.sound)
    with video_spec.wire_names():
        spec = video_start.spec_of(desk, caller, params, body, prefix=prefix)
    video_start.check(desk, spec)
    return spec


def _longest_s(params: MultiShot) -> float:
    shots = (video_of(params, number) for number in range(len(params.shots)))
    return max(float(shot.length_s or 0) for shot in shots)
