"""From a media render request to a job: names become asset ids, camelCase becomes the kind's parameters.

Every refusal names the field as the caller wrote it.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from pydantic import ValidationError

from farm.api.errors import refused_params
from farm.api.surfaces.media_render import wire
from farm.api.surfaces.media_render.voices import voiceover_of
from farm.asset import Asset, MediaProject
from farm.errors import BadRequest
from farm.job import JobSpec
from farm.timeline import MediaKind, Position
from tasks.media_render import (
    AssetDuration,
    MediaRender,
    Placement,
    RenderAsset,
    SfxPlacement,
    TextOverlay,
    Voiceover,
    likely_timeline,
)
from tasks.media_render.params import (
    DEFAULT_BGM_VOLUME,
    DEFAULT_SFX_TYPES,
    DEFAULT_SFX_VOLUME,
    DEFAULT_TEMPLATE,
    TransitionType,
    exact,
)

SURFACE = "media-render"
_OUTPUT_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]+\.mp4", re.IGNORECASE)
_OUTPUT_CHARACTERS = 128
_DEFAULT_OUTPUT = "rendered.mp4"
_WIRE_NAMES = {
    "assets": "projectId",
    "durations": "assetDurations",
    "placements": "clipPlacements",
    "bgm_asset_id": "bgmAssetId",
    "bgm_query": "bgmQuery",
    "target_duration_s": "targetDurationSeconds",
    "transition_types": "transitionTypes",
    "hook_text": "hookText",
    "text_overlays": "textOverlays",
    "sfx_types": "sfxTypes",
    "sfx_placements": "sfxPlacements",
    "start_s": "startTime",
    "offset_s": "offsetSeconds",
    "clip_asset_id": "clipAssetId",
    "voiceover.voice_id": "voiceoverVoiceId",
    "voiceover.language": "voiceoverLanguage",
    "voiceover.lines": "voiceoverScript",
}


def to_spec(
    body: wire.RenderRequest,
    project: MediaProject,
    assets: Sequence[Asset],
    as_spoken: Callable[[Voiceover], Voiceover] = lambda voiceover: voiceover,
) -> JobSpec:
    """The job this asks for; `as_spoken` knows the account's own voices.

    Raises BadRequest naming the field that cannot be met.
    """
    if not assets:
        raise BadRequest("The project has no files, or they have expired; upload some.", param="projectId")
    try:
        params = MediaRender(
            assets=tuple(_asset(asset) for asset in assets),
            name=body.project_name or project.name,
            aspect_ratio=body.aspect_ratio,
            durations=tuple(_durations(body, assets)),
            placements=tuple(_placements(body, assets)),
            target_duration_s=body.target_duration_seconds,
            ai_analysis=bool(body.ai_analysis),
            vision_analysis=bool(body.vision_analysis),
            audio_analysis=bool(body.audio_analysis),
            instructions=(body.instructions or "").strip() or None,
            **_transitions(body),
            hook_text=(body.hook_text or "").strip() or None,
            text_overlays=tuple(_overlays(body)),
            text_on_screen=bool(body.text_on_screen),
            bgm_asset_id=_music(body, assets),
            bgm_query=_query(body),
            bgm_volume=DEFAULT_BGM_VOLUME if body.bgm_volume is None else body.bgm_volume,
            beat_sync=body.beat_sync is not False,
            sfx=bool(body.sfx_types) if body.sfx is None else body.sfx,
            sfx_types=tuple(body.sfx_types or DEFAULT_SFX_TYPES),
            sfx_volume=DEFAULT_SFX_VOLUME if body.sfx_volume is None else body.sfx_volume,
            sfx_placements=tuple(_effects(body, assets)),
            voiceover=voiceover_of(body, as_spoken),
            clip_volume=1.0 if body.clip_volume is None else body.clip_volume,
            copy_untouched=body.copy_untouched is not False,
            output_file_name=_output_name(body.output_file_name),
        )
    except ValidationError as error:
        raise _in_wire_names(refused_params(error, "")) from None
    try:
        likely_timeline(params)
    except BadRequest as error:
        raise _as_written(_in_wire_names(error), body) from None
    return JobSpec(params=params, surface=SURFACE, project_id=project.id)


def _asset(asset: Asset) -> RenderAsset:
    return RenderAsset(
        asset_id=asset.id,
        file_name=asset.file_name,
        media_kind=MediaKind(asset.media_kind),
        duration_s=asset.meta.get("duration_s"),
    )


def _durations(body: wire.RenderRequest, assets: Sequence[Asset]) -> Iterator[AssetDuration]:
    for index, item in enumerate(body.asset_durations):
        asset = _named(assets, item.asset_id, item.file_name, f"assetDurations[{index}]")
        yield AssetDuration(asset_id=asset.id, duration_s=item.duration_seconds)


def _placements(body: wire.RenderRequest, assets: Sequence[Asset]) -> Iterator[Placement]:
    for index, item in enumerate(body.clip_placements):
        field = f"clipPlacements[{index}]"
        start, end = item.source_start_time or 0.0, item.source_end_time
        if end is not None and end <= start:
            raise BadRequest("sourceEndTime must be after sourceStartTime.", param=f"{field}.sourceEndTime")
        yield Placement(
            asset_id=_named(assets, item.asset_id, item.file_name, field).id,
            start_s=item.start_time,
            duration_s=item.duration_seconds,
            source_start_s=start,
            source_end_s=end,
            transition_type=item.transition_type,
        )


def _transitions(body: wire.RenderRequest) -> dict[str, tuple[TransitionType, ...]]:
    """What was named; where nothing was, the default is the kind's and a planner may choose."""
    return {"transition_types": tuple(body.transition_types)} if body.transition_types else {}


def _overlays(body: wire.RenderRequest) -> Iterator[TextOverlay]:
    for index, item in enumerate(body.text_overlays):
        field = f"textOverlays[{index}]"
        template = item.template_name or item.template_id or DEFAULT_TEMPLATE
        if item.template_id not in (None, template):
            raise BadRequest("templateName and templateId mean different looks.", param=f"{field}.templateId")
        yield TextOverlay(
            text=item.text,
            start_s=item.start_time,
            duration_s=_overlay_length(item, field),
            template=template,
            position=Position(item.position),
        )


def _overlay_length(item: wire.TextOverlay, field: str) -> float | None:
    if item.end_time is None:
        return item.duration_seconds
    if item.duration_seconds is not None:
        raise BadRequest("Pass endTime or durationSeconds, not both.", param=f"{field}.durationSeconds")
    if item.end_time <= item.start_time:
        raise BadRequest("endTime must be after startTime.", param=f"{field}.endTime")
    return float(exact(item.end_time) - exact(item.start_time))


def _music(body: wire.RenderRequest, assets: Sequence[Asset]) -> str | None:
    """The asset id of music that is a file. `bgm: false` switches off whatever is named."""
    is_named = body.bgm_asset_id is not None or body.bgm_file_name is not None
    if body.bgm is False or (not is_named and (body.bgm is None or _query(body))):
        return None
    if not is_named:
        raise BadRequest("With bgm, pass bgmAssetId, bgmFileName or bgmQuery.", param="bgm")
    field = "bgmAssetId" if body.bgm_asset_id is not None else "bgmFileName"
    asset = _named(assets, body.bgm_asset_id, body.bgm_file_name, "", field)
    if asset.media_kind != MediaKind.AUDIO:
        raise BadRequest(f"{asset.file_name} is not an audio file.", param=field)
    return asset.id


def _query(body: wire.RenderRequest) -> str | None:
    """The words for music, unless it is switched off or they are blank; whether a file wins is the kind's."""
    words = (body.bgm_query or "").strip()
    return words if words and body.bgm is not False else None


def _effects(body: wire.RenderRequest, assets: Sequence[Asset]) -> Iterator[SfxPlacement]:
    for index, item in enumerate(body.sfx_placements):
        field = f"sfxPlacements[{index}]"
        yield SfxPlacement(
            sfx_type=item.sfx_type,
            start_s=item.start_time,
            clip_asset_id=_effect_clip(item, assets, field),
            offset_s=item.offset_seconds or 0.0,
            duration_s=item.duration_seconds,
            volume=item.volume,
        )


def _effect_clip(item: wire.SfxPlacement, assets: Sequence[Asset], field: str) -> str | None:
    """The id of the clip it starts with, unless it has a time of its own."""
    param = f"{field}.{'clipFileName' if item.clip_asset_id is None else 'clipAssetId'}"
    if item.clip_asset_id is not None or item.clip_file_name is not None:
        if item.start_time is not None:
            raise BadRequest("Pass startTime or a clip, not both.", param=param)
        return _named(assets, item.clip_asset_id, item.clip_file_name, field, param).id
    if item.start_time is None:
        raise BadRequest(f"{field} needs startTime, clipAssetId or clipFileName.", param=field)
    if item.offset_seconds:
        raise BadRequest(
            "offsetSeconds is counted from the start of a clip; pass clipAssetId or clipFileName.",
            param=f"{field}.offsetSeconds",
        )
    return None


def _named(
    assets: Sequence[Asset], asset_id: str | None, file_name: str | None, field: str, param: str | None = None
) -> Asset:
    """The one asset with this id and this name, whichever were given."""
    param = param or (f"{field}.assetId" if asset_id is not None else f"{field}.fileName")
    if asset_id is None and file_name is None:
        raise BadRequest(f"{field} needs assetId or fileName.", param=field)
    found = [
        asset for asset in assets if asset_id in (None, asset.id) and file_name in (None, asset.file_name)
    ]
    if not found:
        raise BadRequest(_unknown(assets, asset_id, file_name), param=param)
    if len(found) > 1:
        raise BadRequest(
            f"The project has {len(found)} files named {file_name!r}; pass assetId.", param=param
        )
    return found[0]


def _unknown(assets: Sequence[Asset], asset_id: str | None, file_name: str | None) -> str:
    """Why nothing was found: there is no such file, or the id is that of another one."""
    other = next((asset.file_name for asset in assets if asset.id == asset_id), None)
    if other is not None:
        return f"{asset_id} is {other!r}, not {file_name!r}; pass one of the two."
    return f"The project has no file {asset_id or file_name!r}."


def _output_name(name: str | None) -> str:
    """A plain name that ends in .mp4; the ending is added when there is none."""
    if name is None:
        return _DEFAULT_OUTPUT
    full = name if "." in name else f"{name}.mp4"
    if not _OUTPUT_NAME.fullmatch(full) or len(full) > _OUTPUT_CHARACTERS or full != full.strip():
        raise BadRequest(
            f"outputFileName is a file name that ends in .mp4, of at most {_OUTPUT_CHARACTERS} characters.",
            param="outputFileName",
        )
    return full[: -len(".mp4")] + ".mp4"


def _in_wire_names(error: BadRequest) -> BadRequest:
    name = error.param or ""
    param = _WIRE_NAMES.get(name) or re.sub(r"[a-z_]+", lambda word: _WIRE_NAMES.get(word[0], word[0]), name)
    return BadRequest(error.message, param=param or None, code=error.public_code)


def _as_written(error: BadRequest, body: wire.RenderRequest) -> BadRequest:
    """A clip that was named by its file is refused by that name."""
    found = re.fullmatch(r"(sfxPlacements\[([0-9]+)\])\.clipAssetId", error.param or "")
    if found is None or body.sfx_placements[int(found[2])].clip_asset_id is not None:
        return error
    return BadRequest(error.message, param=f"{found[1]}.clipFileName")
