"""POST /v1/audio/speech and /v1/audio/transcriptions, in OpenAI's shapes."""

from functools import partial
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import ValidationError

from farm.account import Caller
from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.errors import refused_params
from farm.api.files import file_answer
from farm.api.forms import FileRule, Form, received_form, store, takes_form
from farm.api.idempotency import once
from farm.api.routing import ErrorAnswer, farm_router, submits
from farm.api.surfaces.generations.audio_stream import speech_events, text_events
from farm.api.surfaces.generations.audio_wire import SpeechRequest, TranscriptionRequest, json_of, verbose_of
from farm.api.surfaces.generations.held import ended, refused
from farm.audio_length import audio_length_s
from farm.doors import jobs, voices
from farm.errors import BadRequest, NotFound
from farm.generation import SURFACE
from farm.job import Artifact, Job, JobSpec
from farm.models import Capability
from farm.moderation import Told, check
from farm.providers import not_offered
from farm.states import JobState
from farm.timeline import MediaKind
from farm.voice import is_saved
from tasks.generate_voice import GenerateVoice
from tasks.generate_voice.scripts import likely_language
from tasks.transcribe_audio import LONGEST_S, TranscribeAudio, Transcript
from tasks.transcribe_audio import price_mc as transcription_price_mc

VOICE_PREFIX, TRANSCRIPTION_PREFIX = "voice", "trans"
FILE = "file"
_UNTOLD_S = 3_600.0  # what is held for a sound whose header tells no length
# OpenAI's own: known by name, and no choice of words here.
_OPENAI_SPEAKS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
_SPOKEN: dict[int | str, dict[str, Any]] = {
    200: {"content": {"audio/mpeg": {"schema": {"type": "string", "format": "binary"}}}},
    504: {"model": ErrorAnswer, "description": "Not done in time; `X-Generation-Id` leads to its status."},
}

router = farm_router("/v1/audio", "generations")


@router.post("/speech", response_class=Response, responses=_SPOKEN, openapi_extra=submits("generations"))
async def create_speech(body: SpeechRequest, request: Request, desk: AtDesk, caller: SignedIn) -> Response:
    """Speak a text aloud; the answer is the sound."""
    spec = JobSpec(
        params=await run_in_threadpool(_speech, body, desk, caller),
        surface=SURFACE,
        interactive=True,
        id_prefix=VOICE_PREFIX,
    )
    job = await ended(request, desk, caller, spec, desk.hall.catalog.api.audio_s)
    if job.state is not JobState.COMPLETED:
        return refused(job)
    file = await run_in_threadpool(_file, desk, job)
    if body.stream_format == "sse":
        return speech_events(desk, file)
    return await run_in_threadpool(
        file_answer,
        request,
        desk.blobs,
        file.blob_key,
        file_name=file.file_name,
        content_type=file.content_type,
    )


@router.post(
    "/transcriptions",
    response_model=None,
    openapi_extra=takes_form("generations", TranscriptionRequest, {FILE: False}),
)
async def create_transcription(request: Request, desk: AtDesk, caller: SignedIn) -> Response:
    """Write down what is said in a sound or a film."""
    most = desk.hall.catalog.limits.fetch_media_bytes
    rule = FileRule((MediaKind.AUDIO, MediaKind.VIDEO), max_bytes=most)
    async with received_form(request, {FILE: rule}) as form:
        body = _asked(form)
        return await once(request, form.told, partial(_transcribed, request, desk, caller, body, form))


def _speech(body: SpeechRequest, desk: Desk, caller: Caller) -> GenerateVoice:
    """What is to be said. Raises BadRequest, and ModelNotOffered for a service that this farm has not."""
    texts = {"input": body.input, "instructions": body.instructions}
    check(desk.hall.catalog.moderation, Told(capability=Capability.SPEECH, texts=texts))
    offered = desk.hall.catalog.providers.routes.get(Capability.SPEECH, {})
    if body.model in _OPENAI_SPEAKS and body.model not in offered:
        raise not_offered(Capability.SPEECH, body.model)
    voice, speed = body.voice_id, body.speed
    if is_saved(voice):
        said = voices.saved_voice(desk.hall, caller.account, voice).said
        voice, speed = said.voice_id, body.speed if "speed" in body.model_fields_set else said.speed
    params = GenerateVoice(
        text=body.input,
        voice=voice,
        language=body.language or likely_language(body.input),
        speed=speed,
        format=body.response_format,
        instructions=body.instructions,
        model=body.model,
    )
    params.listed  # noqa: B018  # a voice that is not there is refused here
    return params


def _asked(form: Form) -> TranscriptionRequest:
    if not form.files[FILE]:
        raise BadRequest("file: send the sound as a file.", param=FILE)
    told = {name: found[-1] for name, found in form.texts.items()}
    told_twice = {"timestamp_granularities": form.texts.get("timestamp_granularities", ())}
    try:
        return TranscriptionRequest.model_validate({**told, **told_twice})
    except ValidationError as error:
        raise refused_params(error, "") from None


async def _transcribed(
    request: Request, desk: Desk, caller: Caller, body: TranscriptionRequest, form: Form
) -> Response:
    """The sound stored, the job made and waited for."""
    (sent,) = form.files[FILE]
    length_s = await run_in_threadpool(audio_length_s, sent.path)
    params = TranscribeAudio(
        audio="file",
        language=body.language,
        prompt=body.prompt,
        max_duration_s=min(length_s or _UNTOLD_S, LONGEST_S),
        model=body.model,
    )
    await run_in_threadpool(transcription_price_mc, params, desk.hall.catalog)  # refused before it is stored
    (audio,) = await run_in_threadpool(store, desk, caller.account, form.files[FILE])
    spec = JobSpec(
        params=params.model_copy(update={"audio": audio}),
        surface=SURFACE,
        interactive=True,
        id_prefix=TRANSCRIPTION_PREFIX,
    )
    job = await ended(request, desk, caller, spec, desk.hall.catalog.api.audio_s)
    if job.state is not JobState.COMPLETED:
        return refused(job)
    return _told(body, await run_in_threadpool(_transcript, desk, job))


def _told(body: TranscriptionRequest, transcript: Transcript) -> Response:
    if body.stream:
        return text_events(transcript.text)
    match body.response_format:
        case "text":
            return PlainTextResponse(f"{transcript.text}\n")
        case "srt":
            return PlainTextResponse(transcript.srt())
        case "vtt":
            return PlainTextResponse(transcript.vtt())
        case "verbose_json":
            return JSONResponse(verbose_of(transcript, body.timestamp_granularities))
    return JSONResponse(json_of(transcript))


def _file(desk: Desk, job: Job) -> Artifact:
    """Its one file. Raises NotFound where that has expired: the call was made long ago."""
    found = jobs.job_artifacts(desk.hall, job.account_id, job.id)
    if not found:
        raise NotFound("The result of this call has expired.", code="output_expired")
    return found[0]


def _transcript(desk: Desk, job: Job) -> Transcript:
    file = _file(desk, job)
    return Transcript.model_validate_json(desk.blobs.read(file.blob_key, 0, max(1, file.size_bytes)))
