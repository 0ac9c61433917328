"""Performs scene-timestamps: hears the sound, finds the scenes, and writes what else was asked for."""

from collections.abc import Iterator
from pathlib import Path

from farm.catalog import read_catalog
from farm.errors import BadRequest
from farm.settings import Settings
from tasks.scene_timestamps import price_mc
from tasks.scene_timestamps.captions import as_srt, as_vtt, captions
from tasks.scene_timestamps.heard import Heard
from tasks.scene_timestamps.listed import scenes_in
from tasks.scene_timestamps.outputs import (
    MARKERS,
    SRT,
    TIMESTAMPS,
    VTT,
    WORDS,
    Markers,
    Spoken,
    file_of,
    markers_of,
    words_of,
)
from tasks.scene_timestamps.params import SceneTimestamps, unkept
from tasks.scene_timestamps.placed import Timed
from workers.asr_align.aligning import Wish, configured, heard
from workers.asr_align.placing import placed
from workers.context import Context, Done, InputFile, Output, TaskInput
from workers.media.probe import probe

_SLACK_S, _SLACK = 2.0, 0.1  # by which a header may have told the length wrong: of some MP3 it is a guess
_HEARING = 0.95  # of the work
_JSON = "application/json"


def perform(task: TaskInput, context: Context) -> Done:
    """Time the scenes. Raises AssetUnreadable for a sound that cannot be heard, BadRequest for a long one."""
    params = _with_scenes(SceneTimestamps.model_validate(dict(task.params)), task)
    file = task.inputs[params.audio]
    context.progress(0.0, "listen")
    _check_length(float(probe(file.path, file.file_name).duration or 0), params)
    found = heard(file.path, _wish(params, file), lambda share: context.progress(_HEARING * share, "align"))
    _check_length(found.duration_s, params)
    context.progress(_HEARING, "place")
    timed = placed(found, params)
    context.log(_summary(timed))
    lasted = params.model_copy(update={"max_duration_s": min(found.duration_s, params.max_duration_s)})
    return Done(
        outputs=list(_outputs(found, timed, params, context.workdir)),
        result={**timed.model_dump(mode="json"), "cost_mc": price_mc(lasted, read_catalog(Settings()))},
    )


def _with_scenes(params: SceneTimestamps, task: TaskInput) -> SceneTimestamps:
    """The scenes put in that a file has. Raises BadRequest where it has none, or too many."""
    if params.scenes_from is None:
        return params
    file = task.inputs[params.scenes_from]
    scenes = scenes_in(file.path.read_bytes(), file.file_name)
    if len(scenes) > params.max_scenes:
        raise BadRequest(
            f"{file.file_name} has {len(scenes)} scenes; at most {params.max_scenes} were asked for.",
            param="scenes_from",
            code="too_many_scenes",
        )
    found = params.model_copy(update={"scenes": scenes, "scenes_from": None})
    for index, why in unkept(found.fixed, found.start_offset_ms, found.min_scene_ms).items():
        raise BadRequest(f"{file.file_name}: scene {index}: fixedStartMs {why}", param="scenes_from")
    return found


def _wish(params: SceneTimestamps, file: InputFile) -> Wish:
    texts = (text for scene in params.scenes for text in (scene.start_cue_text, scene.anchor_text))
    return Wish(
        narration=params.narration_text or None,
        cues=tuple(text for text in texts if text),
        language=params.language_code,
        recogniser=configured(),
        file_name=file.file_name,
        longest_s=_longest_s(params),
    )


def _longest_s(params: SceneTimestamps) -> float:
    return params.max_duration_s + max(_SLACK_S, _SLACK * params.max_duration_s)


def _check_length(duration_s: float, params: SceneTimestamps) -> None:
    if duration_s > _longest_s(params):
        raise BadRequest(
            f"audio: The sound lasts {duration_s:.0f} s; at most {params.max_duration_s:.0f} s are taken.",
            param="audio",
            code="audio_too_long",
        )


def _summary(timed: Timed) -> str:
    statuses = [str(scene.status) for scene in timed.scenes]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    return f"Timed {len(statuses)} scenes in {timed.duration_ms / 1000:.1f} s: {counts}."


def _outputs(found: Heard, timed: Timed, params: SceneTimestamps, folder: Path) -> Iterator[Output]:
    told = file_of(timed, params).model_dump_json(indent=2)
    yield _written(folder, TIMESTAMPS, "timestamps.json", _JSON, told)
    shown = captions(found.words, params.start_offset_ms) if {SRT, VTT}.intersection(params.formats) else []
    if SRT in params.formats:
        yield _written(folder, SRT, "captions.srt", "application/x-subrip", as_srt(shown))
    if VTT in params.formats:
        yield _written(folder, VTT, "captions.vtt", "text/vtt", as_vtt(shown))
    if WORDS in params.formats:
        words = Spoken.dump_json(words_of(found.words, params.start_offset_ms)).decode()
        yield _written(folder, WORDS, "words.json", _JSON, words)
    if MARKERS in params.formats:
        markers = Markers.dump_json(markers_of(timed), indent=2).decode()
        yield _written(folder, MARKERS, "markers.json", _JSON, markers)


def _written(folder: Path, name: str, file_name: str, content_type: str, text: str) -> Output:
    path = folder / file_name
    path.write_text(text, encoding="utf-8", newline="\n")
    return Output(name, path, file_name, content_type)
