"""Performs a `listen` task: measures sounds, and clips by their sound: how loud, where speech, which beat.

Where somebody seems to speak is told from how the loudness moves. Words are listened for where the operator
has named a recogniser (configs/align.toml), and only in what has speech.
"""

from collections.abc import Callable, Iterator, Sequence

from pydantic import JsonValue

from farm.errors import TaskFailure
from farm.timeline import MediaKind
from tasks.media_render.planning.findings import HEARD, SAID_CHARACTERS, Heard, Listened
from tasks.media_render.planning.stage import ListenParams
from workers.asr_align.aligning import Wish, configured
from workers.asr_align.aligning import heard as hear
from workers.asr_align.speech import SAMPLE_RATE, speech_in
from workers.context import Context, Done, InputFile, Output, TaskInput
from workers.media.beats import beats_of
from workers.media.loudness import Meter, integrated
from workers.media.probe import probe
from workers.media.sound import Samples, SoundReader

LONGEST_S = 1_800  # of a medium; what comes after it is not listened to
_CHUNK_S = 10
_MOST_TOLD = 200
_QUIETEST_LUFS = -70.0
_NO_RECOGNISER = "recogniser_missing"


def perform(task: TaskInput, context: Context) -> Done:
    """Listen to every sound and clip. Raises AssetUnreadable naming the one that cannot be heard."""
    params = ListenParams.model_validate(dict(task.params))
    heard = []
    for index, asset_id in enumerate(params.sounds):
        context.progress(index / len(params.sounds), "listen")
        fact = _listened_to(asset_id, task.inputs[asset_id], context.checkpoint)
        heard.append(fact.model_copy(update={"said": _words_of(fact, task.inputs[asset_id], context)}))
    path = context.workdir / "heard.json"
    path.write_text(Listened(sounds=tuple(heard)).model_dump_json())
    context.log(f"Listened to {len(heard)} sounds.")
    return Done([Output(HEARD, path, "heard.json", "application/json", intermediate=True)], _told(heard))


def _told(heard: Sequence[Heard]) -> dict[str, JsonValue]:
    """What the job says of the sounds."""
    sounds: list[JsonValue] = [
        {
            "asset_id": fact.asset_id,
            "loudness_lufs": fact.loudness_lufs,
            "bpm": fact.bpm,
            "speech_s": round(sum(end - begin for begin, end in fact.speech), 1),
        }
        for fact in heard[:_MOST_TOLD]
    ]
    return {"sounds": sounds}


def _listened_to(asset_id: str, file: InputFile, checkpoint: Callable[[], None]) -> Heard:
    info = probe(file.path, file.file_name)
    duration_s = float(info.duration or 0)
    if not info.has_audio:
        return Heard(asset_id=asset_id, duration_s=duration_s)
    meter = Meter(SAMPLE_RATE)
    with SoundReader(file.path, sample_rate=SAMPLE_RATE, name=file.file_name) as reader:
        speech = speech_in(_metered(reader, meter, checkpoint))
    meter.finish()
    loudness = integrated(meter.energies)
    beats = beats_of(file.path, file.file_name) if info.kind is MediaKind.AUDIO else None
    return Heard(
        asset_id=asset_id,
        duration_s=duration_s,
        loudness_lufs=round(loudness, 1) if loudness > _QUIETEST_LUFS else None,
        speech=speech,
        bpm=round(beats.bpm, 1) if beats is not None else None,
    )


def _words_of(fact: Heard, file: InputFile, context: Context) -> str | None:
    """What is said in a sound. A planner goes without it where the recogniser cannot be had here."""
    recogniser = configured()
    if recogniser is None or not fact.speech or fact.duration_s > LONGEST_S:
        return None
    try:
        told = hear(
            file.path,
            Wish(recogniser=recogniser, is_sharpened=False, file_name=file.file_name),
            lambda _done: context.checkpoint(),
        )
    except TaskFailure as failure:
        if failure.public_code != _NO_RECOGNISER:
            raise
        context.log(failure.message)
        return None
    return " ".join(word.text for word in told.words)[:SAID_CHARACTERS]


def _metered(reader: SoundReader, meter: Meter, checkpoint: Callable[[], None]) -> Iterator[Samples]:
    """The sound in pieces, each measured on its way."""
    left = LONGEST_S * SAMPLE_RATE
    while left > 0 and (chunk := reader.read(min(left, _CHUNK_S * SAMPLE_RATE))).shape[1]:
        checkpoint()
        left -= chunk.shape[1]
        meter.push(chunk)
        yield chunk
