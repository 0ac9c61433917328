"""`farm align`: a narration and its scenes in, when each scene begins out, by a farm's scene-timestamps."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import JsonValue, ValidationError

from farm.audio_length import audio_length_s
from farm.cli import console
from farm.cli.client import FarmClient
from farm.cli.embedded import some_farm
from farm.cli.following import completed, upload
from farm.cli.footage import MediaFile, checked_file
from farm.cli.outputs import checked_outputs
from farm.cli.progress import Show, new_show
from farm.cli.texts import read_text
from farm.errors import BadRequest, FarmError
from farm.settings import Settings
from farm.timeline import MediaKind
from farm.validation import first_fault
from tasks.scene_timestamps import KIND, STEP, SceneTimestamps
from tasks.scene_timestamps.listed import read, scenes_in
from tasks.scene_timestamps.outputs import SRT, TIMESTAMPS, VTT
from tasks.scene_timestamps.params import LONGEST_S, MAX_FPS, MAX_MIN_SCENE_MS

app = typer.Typer()

_POOL = "asr-align"
_LARGEST = 8_000_000
_STAND_IN = "asset_1"
_COLUMNS = {
    "scene": "Scene",
    "start": "Start",
    "frame": "Frame",
    "status": "Found",
    "confidence": "Sure",
    "within": "Within",
    "transition": "Transition",
    "cue": "First words",
}
_SCENES = "A JSON list of scenes with startCueText and anchorText, or what farm describe -o wrote."
# What a file of scenes may say of all of them, as the API's metadata does, and what the kind calls it.
_OF_ALL = {
    "narrationText": "narration_text",
    "languageCode": "language_code",
    "startOffsetMs": "start_offset_ms",
    "minSceneMs": "min_scene_ms",
    "fps": "fps",
}


class AlignFailed(FarmError):
    """The job ended without timestamps."""

    code = "align_failed"


@app.command("align", rich_help_panel="Use the farm")
def align_command(
    audio: Annotated[Path, typer.Argument(help="The narration: a sound, or a clip with one.")],
    scenes: Annotated[Path, typer.Argument(help=_SCENES)],
    narration: Annotated[
        Path | None, typer.Option(help="What is said, as text; times are much more exact with it.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Of the narration, as en or de-AT.")] = None,
    fps: Annotated[
        float | None, typer.Option(min=1, max=MAX_FPS, help="Also tell frames at this rate.")
    ] = None,
    offset_ms: Annotated[
        int | None, typer.Option(min=0, help="Where on the final timeline the sound begins, in ms.")
    ] = None,
    min_scene_ms: Annotated[
        int | None, typer.Option(min=0, max=MAX_MIN_SCENE_MS, help="No scene is shorter than this.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Also write the timestamps as JSON.")
    ] = None,
    srt: Annotated[Path | None, typer.Option(help="Also write what is said as SubRip.")] = None,
    vtt: Annotated[Path | None, typer.Option(help="Also write what is said as WebVTT.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Find when each scene of a narration begins, with transitions, and how sure that is.

    Uses the farm that FARM_URL names or that runs here, else starts one for this call.
    """
    file = _sound(audio.expanduser())
    given: dict[str, JsonValue] = {
        "narration_text": None if narration is None else read_text(narration, "narration"),
        "language_code": language,
        "fps": fps,
        "start_offset_ms": offset_ms,
        "min_scene_ms": min_scene_ms,
    }
    files = checked_outputs({TIMESTAMPS: output, SRT: srt, VTT: vtt})
    given["max_duration_s"] = _length_s(file)
    order = _order(scenes.expanduser(), given, [name for name in (SRT, VTT) if name in files])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cancels the job, as Ctrl-C does
    with some_farm(Settings(), _POOL) as client, new_show() as show:
        job = _aligned(client, file, order, show)
        for name, path in files.items():
            client.download(client.artifact_url(job["id"], name), path, _unheard)
    _tell(job, order, [str(path) for path in files.values()], as_json=as_json)


def _sound(path: Path) -> MediaFile:
    file = checked_file(path)
    if file.kind is MediaKind.IMAGE:
        raise BadRequest(f"{path} is no sound.", param="audio")
    return file


def _length_s(file: MediaFile) -> float | None:
    """What is held for; where the header does not tell, the longest. Raises BadRequest for what is longer."""
    told_s = audio_length_s(file.path)
    if told_s is not None and told_s > LONGEST_S + 1:
        raise BadRequest(f"{file.path} lasts {told_s:.0f} s; at most {LONGEST_S} s are taken.", param="audio")
    return told_s and min(told_s, LONGEST_S)


def _bytes(path: Path, param: str) -> bytes:
    if not path.is_file() or path.stat().st_size > _LARGEST:
        raise BadRequest(f"There is no file {path}, or it is too large.", param=param)
    return path.read_bytes()


def _order(path: Path, given: Mapping[str, JsonValue], formats: list[str]) -> SceneTimestamps:
    """The job's parameters, with a stand-in for the sound. Raises BadRequest before anything is sent."""
    raw = _bytes(path, "scenes")
    scenes, said = scenes_in(raw, str(path)), read(raw, str(path))
    whole = said if isinstance(said, dict) else {}
    known = {ours: whole[theirs] for theirs, ours in _OF_ALL.items() if theirs in whole}
    asked = {name: value for name, value in given.items() if value is not None}
    values = {"audio": _STAND_IN, "formats": formats, **known, **asked}
    try:
        return SceneTimestamps.model_validate({**values, "scenes": scenes})
    except ValidationError as error:
        fault = first_fault(error)
        at = f"{fault.where}: " if fault.where else ""
        raise BadRequest(f"{at}{fault.text}.", param=fault.where) from error


def _aligned(client: FarmClient, file: MediaFile, order: SceneTimestamps, show: Show) -> dict[str, Any]:
    """The job, completed. Raises AlignFailed with the farm's words."""
    (audio,) = upload(client, [file], show, {})
    sent = order.model_copy(update={"audio": audio})
    job = client.submit(KIND.name, sent.model_dump(mode="json", exclude_defaults=True))
    return completed(client, job, show, "align", AlignFailed)


def _tell(job: Mapping[str, Any], order: SceneTimestamps, files: list[str], *, as_json: bool) -> None:
    told = job["result"][STEP]
    if as_json:
        answer = {name: told[name] for name in ("scenes", "duration_ms", "method", "language", "warnings")}
        console.print_json({**answer, "files": files, "job_id": job["id"], "credits": job["credits_charged"]})
        return
    rows = list(_rows(told, order))
    columns = {key: name for key, name in _COLUMNS.items() if any(row[key] is not None for row in rows)}
    console.out().print(console.table(rows, columns))
    for warning in told["warnings"]:
        where = "" if warning["scene"] is None else f"scene {warning['scene'] + 1}: "
        console.remark(f"{where}{warning['message']}")
    console.say(f"{len(rows)} scenes in {_time(told['duration_ms'])}, {told['method']}", style="bold")
    for path in files:
        console.say(path)


def _rows(told: Mapping[str, Any], order: SceneTimestamps) -> Iterator[dict[str, Any]]:
    for number, (scene, asked) in enumerate(zip(told["scenes"], order.scenes, strict=True), 1):
        low, high = scene["interval"]["from_ms"], scene["interval"]["to_ms"]
        half = max(scene["start_ms"] - low, high - scene["start_ms"])
        yield {
            "scene": scene["scene_id"] or str(number),
            "start": _time(scene["start_ms"]),
            "frame": scene["start_frame"],
            "status": scene["status"],
            "confidence": f"{scene['confidence']:.0%}",
            "within": f"± {half / 1000:.2f} s",
            "transition": _transition(scene["transition"]),
            "cue": asked.start_cue_text,
        }


def _transition(cut: Mapping[str, Any]) -> str:
    lasts = f" {cut['duration_ms']} ms" if cut["duration_ms"] else ""
    return f"{cut['type']}{lasts} at {_time(cut['start_ms'])}{', look' if cut['review'] else ''}"


def _time(at_ms: int) -> str:
    """Milliseconds for people: `1:02.500`."""
    return f"{at_ms // 60_000}:{at_ms // 1000 % 60:02}.{at_ms % 1000:03}"


def _unheard(_size_bytes: int) -> None:
    """Such files are small: nobody waits for their bytes one by one."""
