"""`render: true`: the composed cut as a film of the account's own files, by the road of any other render.

Pure. The render gets the timeline itself, not what was changed of it for an editor; each item that the cut
uses is the upload that its `asset` names.
"""

import json

from farm.otio import as_otio
from farm.timeline import MediaKind, Timeline
from tasks.compose_otio.layout import base_name, file_stem, timeline_of
from tasks.compose_otio.manifest import Item, Manifest
from tasks.media_render import MediaRender, RenderAsset

_LONGEST_NAME = 300


def render_of(manifest: Manifest) -> MediaRender:
    """What is to be rendered of a manifest that has been checked, and asks for it."""
    return MediaRender(
        assets=tuple(_asset(item, asset_id) for asset_id, item in _files(manifest).items()),
        name=manifest.project.name,
        timeline=json.loads(as_otio(_of_assets(timeline_of(manifest), manifest))),
        output_file_name=f"{file_stem(manifest)}.mp4",
    )


def used_items(manifest: Manifest) -> dict[int, Item]:
    """The items that are seen or heard, by their places in the manifest."""
    intent = manifest.intent
    used = {span.item_id for span in (*intent.video_sequence, *intent.audio_layers)}
    return {index: item for index, item in enumerate(manifest.folder.items) if item.id in used}


def _files(manifest: Manifest) -> dict[str, Item]:
    """The first item of each asset, by its id."""
    found: dict[str, Item] = {}
    for item in used_items(manifest).values():
        found.setdefault(item.asset or item.id, item)
    return found


def _asset(item: Item, asset_id: str) -> RenderAsset:
    return RenderAsset(
        asset_id=asset_id,
        file_name=base_name(item)[-_LONGEST_NAME:],
        media_kind=MediaKind(item.kind),
        duration_s=item.meta.duration_sec,
    )


def _of_assets(timeline: Timeline, manifest: Manifest) -> Timeline:
    """The timeline with assets' ids in the place of items'."""
    asset_of = {item.id: item.asset or item.id for item in manifest.folder.items}
    media = {
        asset_id: timeline.medium(item.id).model_copy(update={"id": asset_id})
        for asset_id, item in _files(manifest).items()
    }
    pictures, sounds = (
        tuple(
            track.model_copy(
                update={
                    "clips": tuple(
                        clip.model_copy(update={"media": asset_of[clip.media]}) for clip in track.clips
                    )
                }
            )
            for track in tracks
        )
        for tracks in (timeline.video, timeline.audio)
    )
    return timeline.model_copy(update={"media": tuple(media.values()), "video": pictures, "audio": sounds})
