"""Performs generate-voice: has a text said by a service or an engine of this worker, and writes the file."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from farm.catalog import Catalog, read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.settings import Settings
from tasks.generate_voice import VOICE, GenerateVoice
from tasks.generate_voice.speakers import code_of
from tasks.media_render.script import ScriptLine, lines_of_text
from tasks.media_render.speaking import SpeakParams
from tasks.media_render.voiceover import PARAGRAPH_S, PAUSE_S
from workers.context import Context, Done, Output, TaskInput
from workers.cpu_render import speaking
from workers.cpu_render.narration import faded, gain_of, measure, trimmed
from workers.cpu_render.registry import slug
from workers.cpu_render.voice import engine_named, engines
from workers.cpu_render.voice.contract import Engine, Pcm, is_heard, pcm_from, speech_failed
from workers.media.loudness import Meter, integrated
from workers.media.speech_file import FORMS, write_speech
from workers.media.tempo import at_tempo
from workers.provider_http import service_of

_SLOWEST, _QUICKEST = 0.5, 2.0  # that engines speak by themselves; beyond it the tempo is changed
_CALL_CHARACTERS = 1_500  # of a text that a service is sent in one call

Spoken = Iterator[tuple[ScriptLine, Pcm]]


def perform(task: TaskInput, context: Context) -> Done:
    """Say it. Raises TaskFailure `voice_engine_missing`, and what a service's answers ask for."""
    params = GenerateVoice.model_validate(dict(task.params))
    catalog = read_catalog(Settings())
    provider = catalog.providers.providers.get(task.provider or "")
    if provider is not None and provider.url is not None:
        speaker, rate, spoken = task.provider or "", speaking.SAMPLE_RATE, _at_service(params, task, context)
    else:
        engine, code = _engine_for(params, catalog)
        speaker, rate, spoken = engine.name, engine.sample_rate, _said_here(params, engine, code, context)
    samples = _joined(spoken, params, rate, context)
    context.progress(0.95, "encode")
    form = FORMS[params.format]
    path = context.workdir / f"voice{form.suffix}"
    duration_s = write_speech(samples, rate, path, form)
    said: dict[str, Any] = {
        "voice": params.voice,
        "language": params.language,
        "engine": speaker,
        "model": task.model,
        "duration_s": round(duration_s, 3),
    }
    return Done([Output(VOICE, path, path.name, form.content_type, meta=said)], result=said)


def _engine_for(params: GenerateVoice, catalog: Catalog) -> tuple[Engine, str]:
    """Who speaks here, and the voice's name there. Raises TaskFailure `voice_engine_missing`."""
    listed = params.listed
    if listed is not None:
        return engine_named(listed.engine), listed.code
    missing = []
    for name in catalog.voices.speakers:
        code = code_of(name, params.voice, params.language)
        engine = engines().get(slug(name))
        if code is None or engine is None:
            continue
        if engine.is_installed():
            return engine, code
        missing.append(engine.install)
    mend = "; or ".join(missing) or "name an engine that does under `speakers` in voices.toml"
    raise TaskFailure(
        f"No speech engine of this worker speaks {params.language!r}: {mend}; or offer a service under "
        "routes.speech in providers.toml.",
        FailureClass.INTERNAL,
        code="voice_engine_missing",
    )


def _said_here(params: GenerateVoice, engine: Engine, code: str, context: Context) -> Spoken:
    """Sentence by sentence, each when it is asked for."""
    speed, tempo = _shared(params.speed)
    for line in lines_of_text(params.text):
        context.checkpoint()
        said = engine.speak(code, line.text, context.workdir, speed)
        yield line, _quicker(said, engine.sample_rate, tempo)


def _at_service(params: GenerateVoice, task: TaskInput, context: Context) -> Spoken:
    """As many sentences at a time as go into a call: a service hears how they belong together."""
    catalog = read_catalog(Settings())
    service = service_of(task.provider or "")
    remote = catalog.voices.remote.get(params.voice.removeprefix("svoice_"))
    code = remote.code if remote is not None else params.voice
    speed, tempo = params.speed, 1.0
    if remote is not None and not remote.takes_speed:
        speed, tempo = 1.0, _shared(params.speed)[0]
    asked = SpeakParams(code=code, lines=(), speed=speed, tempo=tempo, instructions=params.instructions)
    for line in _calls(params.text):
        yield line, speaking.spoken(line.text, asked, task.model or "", service, catalog.voices, context)


def _calls(text: str) -> Iterator[ScriptLine]:
    """Sentences of one paragraph together, none longer than goes into a call."""
    held: ScriptLine | None = None
    for line in lines_of_text(text, _CALL_CHARACTERS):
        joined = f"{held.text} {line.text}" if held else line.text
        if held is not None and (line.paragraph or len(joined) > _CALL_CHARACTERS):
            yield held
            held = line
        else:
            held = ScriptLine(text=joined, paragraph=held.paragraph if held else line.paragraph)
    if held is not None:
        yield held


def _shared(speed: float) -> tuple[float, float]:
    """What the engine is asked for, and by how much the tempo is changed afterwards."""
    asked = min(_QUICKEST, max(_SLOWEST, speed))
    return asked, speed / asked


def _quicker(said: Pcm, sample_rate: int, tempo: float) -> Pcm:
    if tempo == 1:
        return said
    sound = said.astype(np.float32) / np.float32(32_768)
    return pcm_from(np.concatenate([*at_tempo([sound], sample_rate, tempo), sound[:0]]))


def _joined(spoken: Spoken, params: GenerateVoice, sample_rate: int, context: Context) -> Pcm:
    """All of it with pauses of ours, at the loudness of narrations."""
    pieces: list[Pcm] = []
    meter = Meter(sample_rate)
    done = 0
    for line, samples in spoken:
        if not is_heard(samples):
            raise speech_failed("The voice", f"nothing is heard of {line.text[:60]!r}")
        if pieces:
            pause_s = (PARAGRAPH_S if line.paragraph else PAUSE_S) / params.speed
            pieces.append(np.zeros(round(float(pause_s) * sample_rate), np.int16))
        heard = faded(trimmed(samples, sample_rate), sample_rate)
        measure(heard, sample_rate, meter)
        pieces.append(heard)
        done += len(line.text)
        context.progress(min(0.9, 0.9 * done / len(params.text)), "speak")
    meter.finish()
    gain = gain_of(integrated(meter.energies))
    return pcm_from(np.concatenate(pieces).astype(np.float32) * np.float32(gain / 32_768))
