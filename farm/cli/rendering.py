"""Renders local files through a farm: upload, submit, follow, download. Opens no media."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from farm.cli.client import FarmClient
from farm.cli.cut import renamed
from farm.cli.following import Sent, completed, upload
from farm.cli.footage import Footage, MediaFile, as_text
from farm.cli.progress import Show
from farm.errors import BadRequest, FarmError
from farm.otio import as_otio
from farm.timeline import Timeline
from farm.validation import first_fault
from tasks.media_render import MediaRender, as_planned, timeline_of
from tasks.media_render.params import AspectRatio
from tasks.media_render.planning.stage import PLAN
from tasks.media_render.profiles import DEFAULT_PROFILE, PROFILES, ProfileName
from tasks.media_render.segments import RENDER, SEGMENT

_FILM = "video"
_LONGEST_NAME, _LONGEST_STEM = 200, 120
# What may be had beside the film: the artifact's name, and the parameter that asks for it.
EXTRAS: Mapping[str, str] = {
    "contact-sheet": "contact_sheet",
    "poster": "poster",
    "subtitles-srt": "subtitles",
    "subtitles-vtt": "subtitles",
    "otio": "otio",
}
_ANALYSES = ("ai_analysis", "vision_analysis", "audio_analysis")
# What the user said that became a parameter, where it goes by another name.
_OPTIONS: Mapping[str, str] = {
    "cuts": "--seconds",
    "target_duration_s": "--length",
    "instructions": "--instructions",
    "transition_types": "--transition",
    "hook_text": "--text",
    "bgm_query": "--music-like",
}


class RenderFailed(FarmError):
    """The job ended without a film."""

    code = "render_failed"


@dataclass(frozen=True, slots=True)
class Wish:
    """How the film shall be. `seconds` is how long each picture and clip is shown, volumes are 0..1.

    `seconds` None is the usual length; `transitions` None leaves them to the farm. `length_s` is that of the
    whole film, `instructions` are for the planner. `music_like` are words for a tune; they go before a sound
    that lay in the folder. `incremental` films will be rendered again after small changes. `encode_all`
    forbids copying of clips.
    """

    aspect: AspectRatio
    seconds: float | None
    transitions: tuple[str, ...] | None
    fps: float
    text: str | None
    music_volume: float
    profile: ProfileName = DEFAULT_PROFILE
    chapters: bool = False
    music_like: str | None = None
    incremental: bool = False
    encode_all: bool = False
    length_s: float | None = None
    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """A finished render. `extras` are the files beside it that were asked for and made, by artifact name.

    `missing` are those that the film had nothing for. `music` tells of the tune that was chosen for words,
    `notes` of what did not come as it was asked for. Of `segments`, where it has any, `rendered` were made
    for it; the others were there from a render before.
    """

    path: Path
    extras: Mapping[str, Path]
    job_id: str
    duration_s: float
    size_bytes: int
    music: dict[str, Any] | None = None
    missing: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    segments: int = 0
    rendered: int = 0


def params_of(
    footage: Footage, asset_ids: Sequence[str], wish: Wish, output: Path, extras: Collection[str]
) -> MediaRender:
    """The job's parameters; `asset_ids` are those of `footage.files`. Raises BadRequest."""
    named = list(zip(footage.files, asset_ids, strict=True))
    try:
        params = MediaRender.model_validate(
            {
                "assets": list({asset_id: _asset(file, asset_id) for file, asset_id in named}.values()),
                "name": as_text(output.stem)[:_LONGEST_NAME],
                "aspect_ratio": wish.aspect,
                "fps": wish.fps,
                **_order(footage, named, wish),
                **({} if wish.transitions is None else {"transition_types": wish.transitions}),
                "voiceover": footage.voiceover,
                "hook_text": wish.text,
                "bgm_asset_id": None if wish.music_like else _music(footage, named),
                "bgm_query": wish.music_like,
                "bgm_volume": wish.music_volume,
                "output_file_name": f"{_stem(output)}{PROFILES[wish.profile].suffix}",
                "profile": wish.profile,
                "chapters": wish.chapters,
                "incremental": wish.incremental,
                "copy_untouched": not wish.encode_all,
                **{EXTRAS[name]: True for name in extras},
            }
        )
    except ValidationError as error:
        fault = first_fault(error)
        where = _OPTIONS.get(str(fault.place[0])) or fault.where
        raise BadRequest(f"{where}: {fault.text}.", param=where) from error
    _laid_out(params)  # refuses now what the farm would refuse after the upload
    return params


def _laid_out(params: MediaRender) -> Timeline:
    """How long it is likely to be, and of what. Voices are the farm's affair: it may have others than are
    known here."""
    return timeline_of(as_planned(params).model_copy(update={"voiceover": None}))


def render(
    client: FarmClient,
    footage: Footage,
    wish: Wish,
    output: Path,
    extras: Mapping[str, Path],
    show: Show,
    sent: Sent | None = None,
) -> Film:
    """Render the footage to `output`, which appears whole or not at all, and `extras` (by artifact name).

    Files that are in `sent` are not sent again; those that are sent are noted in it.
    Ctrl-C cancels the job. Raises RenderFailed with the farm's words, Refused, FarmUnavailable, BadRequest.
    """
    if footage.voiceover is not None:
        client.voice(footage.voiceover.voice_id)  # one that is not there is refused before the upload
    asset_ids = upload(client, footage.files, show, {} if sent is None else sent)
    params = params_of(footage, asset_ids, wish, output, extras)
    job = client.submit(params.kind, params.model_dump(mode="json", exclude_unset=True))
    job = completed(client, job, show, "render", RenderFailed)
    film = _download(client, job["id"], float(_laid_out(params).duration), output, extras, show)
    made = [task["attempts"] > 0 for task in job["tasks"] if task["name"].startswith(f"{SEGMENT}-")]
    told = (job["result"].get(step, {}).get("notes", ()) for step in (PLAN, RENDER))
    notes = tuple(dict.fromkeys(chain.from_iterable(told)))
    return replace(film, notes=notes, segments=len(made), rendered=sum(made))


def _stem(output: Path) -> str:
    """What the farm calls the film: not every system takes all letters that this one does."""
    return re.sub(r"[\\\x00-\x1f]", "_", as_text(output.stem))[:_LONGEST_STEM]


def _order(footage: Footage, named: Sequence[tuple[MediaFile, str]], wish: Wish) -> dict[str, Any]:
    """What is shown when: as the cut says, as a planner will say, else in the order the user gave."""
    if footage.cut is not None:
        ids = {str(file.path): asset_id for file, asset_id in named}
        return {"timeline": json.loads(as_otio(renamed(footage.cut, ids)))}
    whole = {} if wish.length_s is None else {"target_duration_s": wish.length_s}
    if wish.instructions is not None:
        return {"instructions": wish.instructions, **dict.fromkeys(_ANALYSES, True), **whole}
    shown = [asset_id for file, asset_id in named if file != footage.music]
    return {"cuts": [{"asset_id": asset_id, "duration_s": wish.seconds} for asset_id in shown], **whole}


def _music(footage: Footage, named: Sequence[tuple[MediaFile, str]]) -> str | None:
    """The asset id of the footage's sound, if it has one."""
    return next((asset_id for file, asset_id in named if file == footage.music), None)


def _asset(file: MediaFile, asset_id: str) -> dict[str, str]:
    return {"asset_id": asset_id, "file_name": file.name, "media_kind": file.kind.value}


def _download(
    client: FarmClient,
    job_id: str,
    duration_s: float,
    output: Path,
    extras: Mapping[str, Path],
    show: Show,
) -> Film:
    found = {artifact["name"]: artifact for artifact in client.artifacts(job_id)}
    if _FILM not in found:
        raise RenderFailed(f"The job ended well and has no film ({job_id}).")
    beside = {name: path for name, path in extras.items() if name in found}
    wanted = [(found[name], path) for name, path in {_FILM: output, **beside}.items()]
    total, done = sum(artifact["size_bytes"] for artifact, _ in wanted), 0
    show.step("download")

    def got(size_bytes: int) -> None:
        nonlocal done
        done += size_bytes
        show.at(done / total)

    for artifact, path in wanted:
        client.download(client.artifact_url(job_id, artifact["name"]), path, got)
    meta, size_bytes = found[_FILM]["meta"], found[_FILM]["size_bytes"]
    measured = float(meta.get("duration_s", duration_s))
    missing = {name: path for name, path in extras.items() if name not in found}
    return Film(output, beside, job_id, measured, size_bytes, meta.get("music"), missing)
