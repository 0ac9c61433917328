"""The studio's calls that make something: videos, pictures, sounds, speech. Each answers with its jobs."""

from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from farm.account import Caller
from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.idempotency import MadeOnce
from farm.api.routing import farm_router, rated, submits
from farm.api.surfaces.studio import asked, to_spec
from farm.api.surfaces.studio.errors import REFUSALS
from farm.api.surfaces.studio.handed_in import handed_in
from farm.api.surfaces.studio.media import KINDS, Medium, address, main_file
from farm.api.surfaces.studio.shown import QueuedView, Status, status_of
from farm.doors import generations, watch
from farm.doors.idempotency import Ticket
from farm.doors.submit import Submitted, submit, submit_all
from farm.errors import AssetUnreadable, BadRequest, FarmUnavailable, NotFound
from farm.generation_limits import require_feature
from farm.job import Job, JobSpec
from farm.money import credits
from farm.rules.tiers import Feature
from farm.states import JobState
from farm.timeline import MediaKind
from tasks.last_frame import LastFrame

router = farm_router("/api", "studio")


class QueuedImages(BaseModel):
    """Pictures that were accepted, one job for each. Poll each by /api/status?job_id=…"""

    job_ids: list[str]
    jobs: list[QueuedView]
    credits: float


class ExtendedView(BaseModel):
    """The last frame, for `image_filename` of /api/generate; poll the job while it is not completed."""

    job_id: str
    status: Status
    filename: str | None
    image_filename: str | None
    url: str | None
    credits: float


class StudioVoice(BaseModel):
    """A voice of the studio."""

    voice_id: str
    name: str


class Voices(BaseModel):
    """The answer of /api/tts/voices."""

    voices: list[StudioVoice]


@router.post("/generate", openapi_extra=submits("generations"), responses=REFUSALS)
def generate(body: asked.GenerateBody, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> QueuedView:
    """Queue a video: from words, from pictures, from a picture and a sound, or after another video."""
    params = to_spec.video(desk, caller.account, body)
    return _queued(submit(desk.hall, caller, to_spec.spec_of(params, body.project_id), once))


@router.post("/generate-v2v", openapi_extra=submits("generations"), responses=REFUSALS)
def generate_v2v(body: asked.V2vBody, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> QueuedView:
    """Queue a video in another style."""
    params = to_spec.restyled(desk, caller.account, body)
    return _queued(submit(desk.hall, caller, to_spec.spec_of(params, body.project_id), once))


@router.post("/generate-image", openapi_extra=submits("generations"), responses=REFUSALS)
def generate_image(body: asked.ImageBody, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> QueuedImages:
    """Queue one or more pictures."""
    every = to_spec.pictures(desk, caller.account, body)
    made = submit_all(desk.hall, caller, [to_spec.spec_of(params, body.project_id) for params in every], once)
    return QueuedImages(
        job_ids=[one.job_id for one in made],
        jobs=[_queued(one) for one in made],
        credits=credits(sum(one.held_mc for one in made)),
    )


@router.post("/generate-audio", openapi_extra=submits("generations"), responses=REFUSALS)
def generate_audio(body: asked.AudioBody, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> QueuedView:
    """Queue music or sound effects."""
    spec = to_spec.spec_of(to_spec.sound(body), body.project_id)
    return _queued(submit(desk.hall, caller, spec, once))


@router.get("/tts/voices", openapi_extra=rated("voices"), responses=REFUSALS)
def voices(desk: AtDesk) -> Voices:
    """List the voices that speak here."""
    known = desk.hall.catalog.studio_voices
    return Voices(
        voices=[StudioVoice(voice_id=voice_id, name=voice.name) for voice_id, voice in known.items()]
    )


@router.post("/tts/generate", openapi_extra=submits("generations"), responses=REFUSALS)
def generate_speech(body: asked.SpeechBody, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> QueuedView:
    """Queue a spoken text. `credits` is the most that it may cost: its length as spoken is charged."""
    require_feature(desk.hall.catalog, caller.account, Feature.TTS)
    spec = to_spec.spec_of(to_spec.speech(desk.hall.catalog, body))
    return _queued(submit(desk.hall, caller, spec, once))


@router.post("/video/add-audio", openapi_extra=submits("generations"), responses=REFUSALS)
def add_audio(body: asked.AddAudioBody, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> QueuedView:
    """Queue a video with another sound."""
    params = to_spec.with_sound(desk, caller.account, body)
    return _queued(submit(desk.hall, caller, to_spec.spec_of(params), once))


@router.post("/tts/add-to-video", openapi_extra=submits("generations"), responses=REFUSALS)
def add_speech(body: asked.AddSpeechBody, desk: AtDesk, caller: SignedIn, once: MadeOnce) -> QueuedView:
    """Queue a video with speech over its own sound."""
    params = to_spec.with_speech(desk, caller.account, body)
    return _queued(submit(desk.hall, caller, to_spec.spec_of(params), once))


@router.post("/extend-video", openapi_extra=submits("generations"), responses=REFUSALS)
async def extend_video(
    body: asked.ExtendBody, desk: AtDesk, caller: SignedIn, once: MadeOnce
) -> ExtendedView:
    """Take a video's last frame, for another one to go on from; it is waited for."""
    job_id = await run_in_threadpool(_extend, desk, caller, body, once)
    job = await watch.wait(desk.hall, caller.account.id, job_id, desk.hall.catalog.api.answer_s)
    return await run_in_threadpool(_extended, desk, job)


def _extend(desk: Desk, caller: Caller, body: asked.ExtendBody, once: Ticket | None) -> str:
    name = _video_of(desk, caller.account.id, body)
    asset = handed_in(desk, caller.account, name, "video_filename", MediaKind.VIDEO)
    spec = JobSpec(params=LastFrame(video=asset.id), surface=to_spec.SURFACE, interactive=True)
    return submit(desk.hall, caller, spec, once).job_id


def _video_of(desk: Desk, account_id: int, body: asked.ExtendBody) -> str:
    if body.generation_id is None:
        if body.video_filename is None:
            raise BadRequest("Pass video_filename or generation_id.", param="video_filename")
        return body.video_filename
    try:
        found = generations.generation(desk.hall, account_id, body.generation_id, KINDS[Medium.VIDEO])
    except NotFound as error:
        raise NotFound(error.message, param="generation_id") from None
    main = main_file(found.job.kind, found.files)
    if main is None:
        raise NotFound("This generation has no video, or not any more.", param="generation_id")
    if body.video_filename not in (None, main.name):
        raise BadRequest("video_filename and generation_id mean different videos.", param="video_filename")
    return main.name


def _extended(desk: Desk, job: Job) -> ExtendedView:
    """Raises AssetUnreadable for a video that cannot be read, FarmUnavailable where the farm failed."""
    if job.state is JobState.FAILED and job.failure is not None:
        if job.failure.failure_class == AssetUnreadable.failure_class:
            raise AssetUnreadable(job.failure.message, param="video_filename")
        raise FarmUnavailable("The farm could not take the last frame now; nothing was charged.")
    files = generations.files_of(desk.hall, [job.seq]).get(job.seq, ())
    main = main_file(job.kind, files)
    return ExtendedView(
        job_id=job.id,
        status=status_of(job.state),
        filename=main.name if main else None,
        image_filename=main.name if main else None,
        url=address(job.kind, main.name) if main else None,
        credits=credits(job.charged_mc if job.ended else job.held_mc),
    )


def _queued(made: Submitted) -> QueuedView:
    return QueuedView(
        job_id=made.job_id,
        generation_id=made.seq,
        status="queued",
        credits=credits(made.held_mc),
        warnings=list(made.warnings),
    )
