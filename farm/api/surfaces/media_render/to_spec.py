"""From a media render request to a job: names become asset ids, camelCase becomes the kind's parameters.

Every refusal names the field as the caller wrote it.
"""

import re
from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from farm.api.errors import refused_params
from farm.api.surfaces.media_render import wire
from farm.asset import Asset, MediaProject
from farm.errors import BadRequest
from farm.job import JobSpec
from farm.timeline import MediaKind, Position
from tasks.media_render import (
    AssetDuration,
    MediaRender,
    Placement,
    RenderAsset,
    TextOverlay,
    timeline_of,
)
from tasks.media_render.params import DEFAULT_BGM_VOLUME, DEFAULT_TEMPLATE, exact

SURFACE = "media-render"
_OUTPUT_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]+\.mp4", re.IGNORECASE)
_OUTPUT_CHARACTERS = 128
_DEFAULT_OUTPUT = "rendered.mp4"
_WIRE_NAMES = {
    "assets": "projectId",
    "durations": "assetDurations",
    "placements": "clipPlacements",
    "bgm_asset_id": "bgmAssetId",
    "transition_types": "transitionTypes",
    "hook_text": "hookText",
    "text_overlays": "textOverlays",
    "start_s": "startTime",
}


def to_spec(body: wire.RenderRequest, project: MediaProject, assets: Sequence[Asset]) -> JobSpec:
    """The job this asks for. Raises BadRequest naming the field that cannot be met."""
    try:
        params = MediaRender(
            assets=tuple(_asset(asset) for asset in assets),
            name=body.project_name or project.name,
            aspect_ratio=body.aspect_ratio,
            durations=tuple(_durations(body, assets)),
            placements=tuple(_placements(body, assets)),
            transition_types=tuple(body.transition_types or ("crossfade",)),
            hook_text=(body.hook_text or "").strip() or None,
            text_overlays=tuple(_overlays(body)),
            bgm_asset_id=_music(body, assets),
            bgm_volume=DEFAULT_BGM_VOLUME if body.bgm_volume is None else body.bgm_volume,
            output_file_name=_output_name(body.output_file_name),
        )
    except ValidationError as error:
        raise _in_wire_names(refused_params(error, "")) from None
    try:
        timeline_of(params)
    except BadRequest as error:
        raise _in_wire_names(error) from None
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
    """The music's asset id. `bgm: false` switches a named file off."""
    is_named = body.bgm_asset_id is not None or body.bgm_file_name is not None
    if body.bgm is False or (body.bgm is None and not is_named):
        return None
    if not is_named:
        raise BadRequest("With bgm, pass bgmAssetId or bgmFileName.", param="bgm")
    field = "bgmAssetId" if body.bgm_asset_id is not None else "bgmFileName"
    asset = _named(assets, body.bgm_asset_id, body.bgm_file_name, "", field)
    if asset.media_kind != MediaKind.AUDIO:
        raise BadRequest(f"{asset.file_name} is not an audio file.", param=field)
    return asset.id


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
        raise BadRequest(f"The project has no file {asset_id or file_name!r}.", param=param)
    if len(found) > 1:
        raise BadRequest(
            f"The project has {len(found)} files named {file_name!r}; pass assetId.", param=param
        )
    return found[0]


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
    param = re.sub(r"[a-z_]+", lambda name: _WIRE_NAMES.get(name[0], name[0]), error.param or "")
    return BadRequest(error.message, param=param or None)
