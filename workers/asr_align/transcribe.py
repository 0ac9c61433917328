"""Performs transcribe-audio: by this worker's recogniser, or by a service that has OpenAI's endpoint."""

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from farm.catalog import read_catalog
from farm.errors import BadRequest, FailureClass, TaskFailure
from farm.settings import Settings
from tasks.transcribe_audio import TRANSCRIPT, TranscribeAudio, Transcript, price_mc
from tasks.transcribe_audio.transcript import Segment, SpokenWord
from workers.asr_align.aligning import Wish, configured, heard
from workers.context import Context, Done, InputFile, Output, TaskInput
from workers.media.open import sniff_file
from workers.media.probe import probe
from workers.media.sound import SoundReader
from workers.media.speech_file import SAMPLE_RATE, Form, Pcm, encode_speech
from workers.provider_answers import refusal
from workers.provider_http import Ask, Service, answered, service_of

_SLACK_S, _SLACK = 2.0, 0.1  # by which a header may have told the length wrong
_CALL_S = 600.0
_PLAIN_ONLY = "gpt-4o"  # models of that name tell no times
# What such services take as it is: they refuse other containers, and more than 25 MB.
_TAKEN = frozenset({"flac", "mp3", "mp4", "ogg", "wav", "webm"})
_MOST_BYTES = 20 << 20
_PLAIN = Form(suffix=".ogg", content_type="audio/ogg", container="ogg", codec="libopus", bit_rate=24_000)

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def perform(task: TaskInput, context: Context) -> Done:
    """Write it down. Raises AssetUnreadable for no sound, BadRequest `audio_too_long`, and TaskFailure."""
    params = TranscribeAudio.model_validate(dict(task.params))
    file = task.inputs[params.audio]
    catalog = read_catalog(Settings())
    provider = catalog.providers.providers.get(task.provider or "")
    if provider is not None and provider.url is not None:
        found = _at_service(params, file, task, context)
    else:
        found = _here(params, file, context)
    lasted = params.model_copy(update={"max_duration_s": min(found.duration_s, params.max_duration_s)})
    path = context.workdir / "transcript.json"
    path.write_text(found.model_dump_json())
    said = {
        "language": found.language,
        "duration_s": round(found.duration_s, 3),
        "words": len(found.words),
        "cost_mc": price_mc(lasted, catalog),
    }
    return Done([Output(TRANSCRIPT, path, path.name, "application/json")], result=said)


def _here(params: TranscribeAudio, file: InputFile, context: Context) -> Transcript:
    rules = configured()
    if rules is None:
        raise TaskFailure(
            "This worker recognises no words: align.toml names no model ([align] model).",
            FailureClass.INTERNAL,
            code="recogniser_missing",
        )
    most_s = _longest_s(params)
    wish = Wish(language=params.language, recogniser=rules, file_name=file.file_name, longest_s=most_s)
    found = heard(file.path, wish, lambda share: context.progress(0.98 * share, "listen"))
    return Transcript.of(found.words, found.language, found.duration_s)


def _longest_s(params: TranscribeAudio) -> float:
    return params.max_duration_s + max(_SLACK_S, _SLACK * params.max_duration_s)


class _Answer(BaseModel):
    """What a service says, as far as it is used. Unknown fields are passed over."""

    model_config = ConfigDict(extra="ignore")

    text: str
    language: str = ""
    duration: Seconds | None = None
    segments: list["_Segment"] = []
    words: list["_Word"] = []


class _Segment(BaseModel):
    start: Seconds
    end: Seconds
    text: str


class _Word(BaseModel):
    word: str
    start: Seconds
    end: Seconds


def _at_service(params: TranscribeAudio, file: InputFile, task: TaskInput, context: Context) -> Transcript:
    info = probe(file.path, file.file_name)
    if not info.has_audio:
        raise BadRequest(f"{file.file_name} has no sound.", param="audio")
    length_s = float(info.duration or 0)
    if length_s > _longest_s(params):
        raise BadRequest(
            f"The sound lasts {length_s:.0f} s; at most {params.max_duration_s:.0f} s are taken.",
            param="audio",
            code="audio_too_long",
        )
    service = service_of(task.provider or "")
    sent = _sendable(file, length_s, context)
    context.progress(0.3, "listen")
    ask = _asked(params, sent, task.model or "")
    reply = answered(service, ask, call_s=_CALL_S, checkpoint=context.checkpoint)
    if not reply.succeeded:
        raise refusal(reply.status, _why(reply.body, service), reply.headers)
    found = _read(reply.body)
    return Transcript(
        text=found.text.strip(),
        language=found.language or params.language or "",
        duration_s=found.duration or length_s,
        segments=tuple(Segment(start=s.start, end=s.end, text=s.text.strip()) for s in found.segments),
        words=tuple(SpokenWord(word=w.word, start=w.start, end=w.end) for w in found.words),
    )


def _sendable(file: InputFile, length_s: float, context: Context) -> InputFile:
    """The file, or its sound alone where services do not take it or it is large."""
    container = sniff_file(file.path, file.file_name).container
    if container in _TAKEN and file.path.stat().st_size <= _MOST_BYTES:
        return file
    path = context.workdir / f"sound{_PLAIN.suffix}"
    encode_speech(_pieces(file, length_s, context), path, _PLAIN)
    return InputFile(path, path.name, _PLAIN.content_type)


def _pieces(file: InputFile, length_s: float, context: Context) -> Iterator[Pcm]:
    """Both channels as one, a second at a time."""
    read_s = 0
    with SoundReader(file.path, sample_rate=SAMPLE_RATE, name=file.file_name) as reader:
        while (piece := reader.read(SAMPLE_RATE)).size:
            yield (piece.mean(axis=0) * 32_767).clip(-32_768, 32_767).astype(np.int16)
            read_s += 1
            context.progress(0.3 * min(1.0, read_s / max(1.0, length_s)), "read")


def _asked(params: TranscribeAudio, file: InputFile, model: str) -> Ask:
    """The form that OpenAI's endpoint takes."""
    is_plain = model.startswith(_PLAIN_ONLY)
    fields = [("model", model), ("response_format", "json" if is_plain else "verbose_json")]
    if not is_plain:
        fields += [("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment")]
    fields += [("language", params.language)] if params.language else []
    fields += [("prompt", params.prompt)] if params.prompt else []
    boundary = secrets.token_hex(16)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return Ask("POST", "/audio/transcriptions", _form(boundary, fields, file), headers)


def _form(boundary: str, fields: list[tuple[str, str]], file: InputFile) -> bytes:
    texts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    # A name of ours: the caller's could break out of the header.
    name = f"sound{Path(file.file_name).suffix.lower()}"
    plain = name if name.isascii() and name.isprintable() and '"' not in name else "sound"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{plain}"\r\n'
        f"Content-Type: {file.content_type}\r\n\r\n"
    )
    return b"".join([*texts, head.encode(), file.path.read_bytes(), f"\r\n--{boundary}--\r\n".encode()])


def _read(body: bytes) -> _Answer:
    try:
        return _Answer.model_validate_json(body)
    except ValidationError as error:
        raise TaskFailure(
            "What the provider sent is no transcript.", FailureClass.CORRUPT_OUTPUT, code="corrupt_output"
        ) from error


def _why(body: bytes, service: Service) -> str:
    text = body[:2_000].decode(errors="replace").strip()
    with suppress(ValueError, TypeError, KeyError):
        text = str(json.loads(body)["error"]["message"])
    return service.said(text)
