"""/api/v1/model: pictures and videos as jobs that are polled, and what a generation would cost."""

from typing import Annotated

from fastapi import Path
from fastapi.concurrency import run_in_threadpool

from farm.account import Caller
from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.fetched import fetched
from farm.api.idempotency import MadeOnce
from farm.api.links import link
from farm.api.routing import farm_router, rated, submits
from farm.api.surfaces.generations import images_spec, video
from farm.api.surfaces.generations.images_wire import ImageRequest
from farm.api.surfaces.generations.native_price import CalculatedPrice, CalculateRequest, price_of
from farm.api.surfaces.generations.native_wire import PredictionView
from farm.api.surfaces.generations.shared_status import generation
from farm.api.surfaces.generations.video_wire import VideoRequest
from farm.doors import jobs
from farm.doors.served import served
from farm.doors.submit import submit
from farm.job import Job, JobSpec

router = farm_router("/api/v1/model", "generations")

PredictionId = Annotated[str, Path(max_length=64, examples=["img_0123456789abcdefghjkmn"])]


@router.post("/generateImage", status_code=202, openapi_extra=submits("generations"))
async def generate_image(
    body: ImageRequest, desk: AtDesk, caller: SignedIn, base_url: BaseUrl, once: MadeOnce
) -> PredictionView:
    """Generate pictures: poll the prediction, or name a `webhook_url`."""
    spec = await _image(desk, caller, body, base_url)
    made = await run_in_threadpool(submit, desk.hall, caller, spec, once)
    return await run_in_threadpool(_prediction, desk, caller, made.job_id, base_url)


@router.post("/generateVideo", status_code=202, openapi_extra=submits("video_create"))
async def generate_video(
    body: VideoRequest, desk: AtDesk, caller: SignedIn, base_url: BaseUrl, once: MadeOnce
) -> PredictionView:
    """Generate a video. Kept for old callers: /v1/video/generations takes and tells the same."""
    spec = await video.started(desk, caller, body, base_url, video.PREFIX)
    made = await run_in_threadpool(submit, desk.hall, caller, spec, once)
    return await run_in_threadpool(_prediction, desk, caller, made.job_id, base_url)


@router.get("/prediction/{prediction_id}", openapi_extra=rated("generation_status"))
def show_prediction(
    prediction_id: PredictionId, desk: AtDesk, caller: SignedIn, base_url: BaseUrl
) -> PredictionView:
    """How a generation stands, whichever call began it."""
    return view(desk, generation(desk, caller.account.id, prediction_id), base_url)


@router.post("/calculate", openapi_extra=rated("generations"))
def calculate(body: CalculateRequest, desk: AtDesk, caller: SignedIn) -> CalculatedPrice:
    """What a generation would cost: its own fields, and `type` where they leave open what is meant."""
    return price_of(desk, caller, body)


def view(desk: Desk, job: Job, base_url: str) -> PredictionView:
    """The job as this API shows it."""
    files = jobs.job_artifacts(desk.hall, job.account_id, job.id) if job.ended else []
    who = served(desk.hall, job.account_id, job.id)
    return PredictionView.of(job, who, [link(desk, file, base_url) for file in files])


async def _image(desk: Desk, caller: Caller, body: ImageRequest, base_url: str) -> JobSpec:
    """Checked as it stands, then with its pictures."""
    wanted = images_spec.wanted_of(body)
    spec = await run_in_threadpool(image_spec, desk, caller, body, [images_spec.PENDING] * len(wanted))
    if not wanted:
        return spec
    found = images_spec.ids_of(await fetched(desk, caller.account, wanted, base_url))
    return await run_in_threadpool(image_spec, desk, caller, body, found)


def image_spec(desk: Desk, caller: Caller, body: ImageRequest, ids: list[str]) -> JobSpec:
    """What is to be submitted, with the assets that its URLs led to."""
    characters, style = images_spec.sorted_out(body, ids)
    params = images_spec.generation(body, characters, style)
    return images_spec.spec_of(desk, caller.account, body, params, images_spec.IMAGE)


def _prediction(desk: Desk, caller: Caller, job_id: str, base_url: str) -> PredictionView:
    return view(desk, jobs.job(desk.hall, caller.account.id, job_id), base_url)
