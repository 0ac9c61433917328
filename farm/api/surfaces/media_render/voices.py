"""The voiceover of the media render document: which voices there are, and what a request has them say."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field, ValidationError

from farm.api.errors import refused_params
from farm.api.own_voices import OwnVoice
from farm.api.surfaces.media_render import wire
from farm.errors import BadRequest
from tasks.media_render import Voiceover
from tasks.media_render.params import LINE_CHARACTERS, LONGEST_VOICE_ID
from tasks.media_render.script import ScriptLine, lines_of_srt, lines_of_text
from tasks.media_render.voiceover import spoken_by
from tasks.media_render.voices import Voice

_SCRIPT = "voiceoverScript"


class VoiceAnswer(wire.Answer):
    """A voice; `voiceoverVoiceId` is what a render names it by. The times are a saved one's."""

    id: str = Field(examples=["svoice_espeak_en-us_female"])
    name: str
    voiceover_voice_id: str
    language: str = Field(examples=["en"])
    locale: str = Field(examples=["en-US"])
    source: Literal["saved", "system"]
    gender: Literal["female", "male"]
    accent: str
    tags: list[str]
    engine: str
    speed: float | None = None
    created_at: str | None = Field(default=None, examples=["2026-06-10T10:00:00.000Z"])
    updated_at: str | None = None


class VoicesAnswer(wire.Answer):
    """The voices that fit the filters."""

    voices: list[VoiceAnswer]


def voices_answer(saved: Iterable[OwnVoice], voices: Iterable[Voice]) -> VoicesAnswer:
    """The voices that fit, as the document shows them, saved ones first. What cannot speak is left out."""
    return VoicesAnswer(voices=[*_saved(saved), *map(_of_system, voices)])


def _of_system(voice: Voice) -> VoiceAnswer:
    return VoiceAnswer(
        id=voice.id,
        name=voice.name,
        voiceover_voice_id=voice.id,
        language=voice.language,
        locale=voice.locale,
        source="system",
        gender=voice.gender,
        accent=voice.accent,
        tags=list(voice.tags),
        engine=voice.engine,
    )


def _saved(voices: Iterable[OwnVoice]) -> Iterator[VoiceAnswer]:
    for own in voices:
        if own.base is None:
            continue
        yield VoiceAnswer(
            id=own.saved.id,
            name=own.saved.said.name,
            voiceover_voice_id=own.saved.id,
            language=own.language,
            locale=own.locale,
            source="saved",
            gender=own.base.gender,
            accent=own.base.accent,
            tags=list(own.saved.said.tags),
            engine=own.base.engine,
            speed=own.saved.said.speed,
            created_at=_written(own.saved.created_at),
            updated_at=_written(own.saved.updated_at),
        )


def _written(unix_s: float) -> str:
    """A time as the document writes it: `2026-06-10T10:00:00.000Z`."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def voiceover_of(body: wire.RenderRequest, as_spoken: Callable[[Voiceover], Voiceover]) -> Voiceover | None:
    """What is to be said. `voiceover: false` switches off whatever is named; naming some of it asks for it.

    `as_spoken` knows the account's own voices. Raises BadRequest naming the field.
    """
    named = (body.voiceover_script, body.voiceover_voice_id, body.voiceover_language)
    if body.voiceover is False or (body.voiceover is None and not any(named)):
        return None
    if body.voiceover_script is None:
        raise BadRequest("With voiceover, pass voiceoverScript.", param=_SCRIPT)
    if not body.voiceover_voice_id:
        raise BadRequest("With voiceover, pass a voiceoverVoiceId of GET /voices.", param="voiceoverVoiceId")
    lines = _lines(body.voiceover_script)
    try:
        voice_id = body.voiceover_voice_id[:LONGEST_VOICE_ID]  # no longer one is listed
        asked = spoken_by(voice_id, lines, body.voiceover_language or None)
    except ValidationError as error:
        refused = refused_params(error, "")
        raise BadRequest(refused.message, param=_as_written(refused.param, body.voiceover_script)) from None
    try:
        return as_spoken(asked)
    except BadRequest as error:
        raise BadRequest(error.message, param="voiceoverVoiceId", code=error.public_code) from None


def _lines(script: wire.Script) -> Sequence[ScriptLine]:
    if script.format == "json":
        if script.content is not None:
            raise BadRequest("A script in json has segments, no content.", param=f"{_SCRIPT}.content")
        return _required([ScriptLine(text=segment.text) for segment in script.segments or ()], "segments")
    if script.segments is not None:
        raise BadRequest("Segments are for a script in json.", param=f"{_SCRIPT}.segments")
    content = script.content or ""
    if script.format == "text":
        return _required(lines_of_text(content, LINE_CHARACTERS), "content")
    try:
        return _required(lines_of_srt(content), "content")
    except BadRequest as error:
        raise BadRequest(error.message, param=f"{_SCRIPT}.content") from None


def _required(lines: Sequence[ScriptLine], field: str) -> Sequence[ScriptLine]:
    if not lines:
        raise BadRequest("The script says nothing.", param=f"{_SCRIPT}.{field}")
    return lines


def _as_written(param: str | None, script: wire.Script) -> str:
    """The field of the request behind one of the kind's; the language and the voice have no limits there."""
    path = (param or "").removeprefix("lines")
    if script.format != "json":
        return f"{_SCRIPT}.content"
    return f"{_SCRIPT}.segments{path}"
