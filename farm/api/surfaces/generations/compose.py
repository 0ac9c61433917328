"""POST /api/generate/compose: a hosted sound is put onto a hosted film."""

from dataclasses import replace

from fastapi.concurrency import run_in_threadpool

from farm.api.desk import AtDesk, BaseUrl, SignedIn
from farm.api.fetched import FILMS, SOUNDS, Wanted, fetched
from farm.api.idempotency import MadeOnce
from farm.api.routing import farm_router, submits
from farm.api.surfaces.generations.asked import Switch, ToldAtTheEnd, Url
from farm.api.surfaces.generations.shared_status import GenerationStatus, submitted
from farm.doors.submit import submit
from tasks.compose_video import ComposeVideo

PREFIX = "comp"

router = farm_router("/api/generate", "generations")


class ComposeRequest(ToldAtTheEnd):
    """`replace_audio` true swaps the film's sound, false mixes: its own gives way while the new one speaks.

    The film stays as long as it was, and a longer sound is faded out; with `hold_last_frame` its last picture
    stays until all was heard.
    """

    video_url: Url
    audio_url: Url
    replace_audio: Switch = True
    hold_last_frame: Switch = False


@router.post("/compose", status_code=202, openapi_extra=submits("generations"))
async def compose(
    body: ComposeRequest, desk: AtDesk, caller: SignedIn, base_url: BaseUrl, once: MadeOnce
) -> GenerationStatus:
    """Merge a hosted sound onto a hosted MP4."""
    wanted = [Wanted(body.video_url, "video_url", FILMS), Wanted(body.audio_url, "audio_url", SOUNDS)]
    params = params_of(body)
    spec = await run_in_threadpool(
        body.spec, desk, params, PREFIX
    )  # what is wrong with the rest is told before anything is fetched
    video, audio = await fetched(desk, caller.account, wanted, base_url)
    spec = replace(spec, params=params.model_copy(update={"video": video.id, "audio": audio.id}))
    made = await run_in_threadpool(submit, desk.hall, caller, spec, once)
    return await run_in_threadpool(submitted, desk, caller.account.id, made.job_id, base_url)


def params_of(body: ComposeRequest) -> ComposeVideo:
    """What is asked of the farm, before the files have come."""
    return ComposeVideo(
        video="video_url",
        audio="audio_url",
        replace_audio=body.replace_audio,
        hold_last_frame=body.hold_last_frame,
    )
