"""Performs a `speak` task: has a service with OpenAI's /audio/speech say some lines, one call each.

What comes back is looked at like any file from outside: sniffed, opened by a forced demuxer, bounded. It
leaves as 16-bit mono at one rate, whatever the service sent.
"""

import json
import wave
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from farm.catalog import read_catalog
from farm.errors import AssetUnreadable, FailureClass, TaskFailure
from farm.rules.voices import VoiceRules
from farm.settings import Settings
from tasks.media_render.speaking import LENGTHS, SOUND, SpeakParams
from workers.context import Context, Done, Output, TaskInput
from workers.cpu_render.voice.contract import Pcm, pcm_from
from workers.media.sound import Samples, SoundReader
from workers.media.tempo import at_tempo
from workers.provider_http import Service, post_into, service_of

SAMPLE_RATE = 24_000  # what such services speak at
_MOST_BYTES = 64 << 20
# Characters a second at which nobody speaks, and what is allowed beyond that in any case.
_SLOWEST, _LONGER_S = 3, 10
_QUICKEST = 50  # letters and digits
_SILENT = 33  # -60 dB of full scale
_RIFF_UNKNOWN = 0x7FFF_0000  # from here on a size is a streaming server's way to say that it does not know


def perform(task: TaskInput, context: Context) -> Done:
    """Say the lines. Raises TaskFailure as the provider's answers ask for, CORRUPT_OUTPUT for no speech."""
    params = SpeakParams.model_validate(dict(task.params))
    service = service_of(task.provider or "")
    rules = read_catalog(Settings()).voices
    said = list(accumulate((len(line) for line in params.lines), initial=0))
    path = context.workdir / "speech.wav"
    lengths = []
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        for line, before in zip(params.lines, said, strict=False):
            context.progress(before / said[-1], "voiceover")
            samples = spoken(line, params, task.model or "", service, rules, context)
            file.writeframes(samples.tobytes())
            lengths.append(samples.size)
    return Done([_sound(path), _lengths(lengths, context.workdir / "lengths.json")])


def _sound(path: Path) -> Output:
    return Output(SOUND, path, "speech.wav", "audio/wav", intermediate=True)


def _lengths(lengths: list[int], path: Path) -> Output:
    """How many samples each line has."""
    path.write_text(json.dumps(lengths))
    return Output(LENGTHS, path, "speech-lengths.json", "application/json", intermediate=True)


def spoken(
    line: str, params: SpeakParams, model: str, service: Service, rules: VoiceRules, context: Context
) -> Pcm:
    """One line as the service says it, at SAMPLE_RATE. Raises TaskFailure as `perform` does."""
    answer = context.workdir / "answer"
    asked: dict[str, JsonValue] = {
        "model": model,
        "input": line,
        "voice": params.code,
        "response_format": rules.response_format,
    }
    if params.speed != 1:
        asked["speed"] = params.speed
    if params.instructions:
        asked["instructions"] = params.instructions
    post_into(
        service,
        "/audio/speech",
        asked,
        answer,
        call_s=rules.call_s,
        most_bytes=_MOST_BYTES,
        checkpoint=context.checkpoint,
    )
    speed = params.speed * params.tempo
    samples = _heard(answer, params.tempo, most_s=_LONGER_S + len(line) / (_SLOWEST * speed))
    answer.unlink()
    if samples.size * _QUICKEST * speed < sum(map(str.isalnum, line)) * SAMPLE_RATE:
        raise _no_speech(f"{samples.size / SAMPLE_RATE:.1f} s are too little for {line[:60]!r}")
    return samples


def _heard(answer: Path, tempo: float, most_s: float) -> Pcm:
    """The answer's sound."""
    if _is_cut(answer):
        raise _no_speech("its file is cut short")
    most, pieces = round(most_s * SAMPLE_RATE), list[Pcm]()
    try:
        with SoundReader(answer, sample_rate=SAMPLE_RATE, name="the answer") as reader:
            for piece in at_tempo(_pieces(reader), SAMPLE_RATE, tempo):
                pieces.append(pcm_from(piece))
                most -= piece.size
                if most < 0:
                    raise _no_speech(f"it is longer than {most_s:.0f} s")
    except AssetUnreadable as error:
        raise _no_speech(error.message) from error
    samples = np.concatenate([*pieces, np.empty(0, np.int16)])
    if not np.any(np.abs(samples) > _SILENT):
        raise _no_speech("nothing is heard")
    return samples


def _is_cut(answer: Path) -> bool:
    """Whether a WAV says that it is longer than it is; decoders pass that over."""
    with answer.open("rb") as file:
        head = file.read(8)
    size = int.from_bytes(head[4:], "little")
    return head[:4] == b"RIFF" and size < _RIFF_UNKNOWN and size + 8 > answer.stat().st_size + 1


def _pieces(reader: SoundReader) -> Iterator[Samples]:
    """Both channels as one, a second at a time, of shape (n,)."""
    while (piece := reader.read(SAMPLE_RATE)).size:
        yield piece.mean(axis=0, dtype=np.float32)


def _no_speech(why: str) -> TaskFailure:
    return TaskFailure(
        f"What the provider sent is no speech: {why}.", FailureClass.CORRUPT_OUTPUT, code="speech_failed"
    )
