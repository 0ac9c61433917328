"""The voiceover of the media render document: which voices there are, and what a request has them say."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field, ValidationError

from farm.api.errors import refused_params
from farm.api.surfaces.media_render import wire
from farm.errors import BadRequest
from tasks.media_render import Voiceover
from tasks.media_render.script import ScriptLine, lines_of_srt, lines_of_text
from tasks.media_render.voices import Voice

_SCRIPT = "voiceoverScript"


class VoiceAnswer(wire.Answer):
    """A voice; `voiceoverVoiceId` is what a render names it by."""

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


class VoicesAnswer(wire.Answer):
    """The voices that fit the filters."""

    voices: list[VoiceAnswer]


def voices_answer(voices: Iterable[Voice]) -> VoicesAnswer:
    """The voices that fit, as the document shows them. This farm keeps no saved ones."""
    return VoicesAnswer(
        voices=[
            VoiceAnswer(
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
            for voice in voices
        ]
    )


def voiceover_of(body: wire.RenderRequest) -> Voiceover | None:
    """What is to be said. `voiceover: false` switches off whatever is named; naming some of it asks for it.

    Raises BadRequest naming the field.
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
        return Voiceover.model_validate(
            {
                "voice_id": body.voiceover_voice_id,
                "language": body.voiceover_language or None,
                "lines": [
                    {"text": line.text, "start_s": None if line.start is None else float(line.start)}
                    for line in lines
                ],
            }
        )
    except ValidationError as error:
        refused = refused_params(error, "")
        raise BadRequest(refused.message, param=_as_written(refused.param, body.voiceover_script)) from None


def _lines(script: wire.Script) -> Sequence[ScriptLine]:
    if script.format == "json":
        if script.content is not None:
            raise BadRequest("A script in json has segments, no content.", param=f"{_SCRIPT}.content")
        return _required([ScriptLine(text=segment.text) for segment in script.segments or ()], "segments")
    if script.segments is not None:
        raise BadRequest("Segments are for a script in json.", param=f"{_SCRIPT}.segments")
    content = script.content or ""
    if script.format == "text":
        return _required(lines_of_text(content), "content")
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
