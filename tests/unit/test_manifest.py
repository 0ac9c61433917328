"""Both roads lead to one timeline: the compose-otio manifest, and media render's clipPlacements."""

import json
from fractions import Fraction
from typing import Any

from farm.api.surfaces.media_render import wire
from farm.api.surfaces.media_render.to_spec import to_spec
from farm.asset import Asset, AssetState, MediaProject
from farm.kinds import kind_named
from farm.timeline import MediaKind, Timeline
from tasks.compose_otio import ComposeOtio, compose
from tasks.media_render import MediaRender, RenderAsset
from tasks.media_render import timeline_of as render_timeline
from tasks.media_render.imported import imported
from tests.manifests import EXAMPLE, example

# Seed 004, "Exact clip timing", without its light-leak and its sound effects, which come later.
PLACEMENTS: dict[str, Any] = {
    "projectId": "mrproj_1",
    "aspectRatio": "9:16",
    "aiAnalysis": False,
    "clipPlacements": [
        {"fileName": "01-hook.png", "startTime": 0, "durationSeconds": 3, "transitionType": "none"},
        {
            "fileName": "02-proof.mp4",
            "startTime": 3,
            "durationSeconds": 4,
            "sourceStartTime": 1,
            "sourceEndTime": 5,
            "transitionType": "crossfade",
        },
        {"fileName": "03-result.png", "startTime": 7, "durationSeconds": 3, "transitionType": "fade"},
    ],
}


def test_the_placements_of_seed_004_build_the_same_type():
    spec = to_spec(wire.RenderRequest.model_validate(PLACEMENTS), project(), files())
    assert isinstance(spec.params, MediaRender)
    timeline = render_timeline(spec.params)
    assert type(timeline) is type(compose(EXAMPLE).timeline) is Timeline
    assert [(c.name, c.start_frame, c.end_frame_exclusive) for c in timeline.video[0].clips] == [
        ("01-hook.png", 0, 90),
        ("02-proof.mp4", 90, 210),
        ("03-result.png", 210, 300),
    ]
    proof = timeline.video[0].clips[1]
    assert (proof.source_start, proof.source_end) == (1, 5)
    assert proof.transition is not None and proof.transition.type == "crossfade"


def project() -> MediaProject:
    return MediaProject("mrproj_1", 1, "Trip", "acct_1/media-render/mrproj_1/", None, 0, 0.0, None)


def files() -> list[Asset]:
    names = {"01-hook.png": "image", "02-proof.mp4": "video", "03-result.png": "image"}
    return [
        Asset(f"asset_{name}", 1, "mrproj_1", name, kind, kind, 1, name, AssetState.READY, {}, 0.0, None)
        for name, kind in names.items()
    ]


def test_what_was_composed_can_be_rendered_at_its_speeds():
    kinds = {"forest-opening.png": MediaKind.IMAGE, "stream-walk.mp4": MediaKind.VIDEO}
    files_ = [*kinds.items(), ("forest-piano.wav", MediaKind.AUDIO)]
    assets = tuple(RenderAsset(asset_id=f"a_{n}", file_name=n, media_kind=kind) for n, kind in files_)
    body = example(intent__videoSequence__1__speed=0.5)
    shown = imported(MediaRender(assets=assets, timeline=json.loads(compose(body).otio)))
    assert shown.notes == ()
    cut = shown.timeline
    assert [(c.media, c.start_frame, c.end_frame_exclusive) for c in cut.video[0].clips] == [
        ("a_forest-opening.png", 0, 48),
        ("a_stream-walk.mp4", 48, 240),
    ]
    assert cut.video[0].clips[1].speed == Fraction(1, 2)
    assert cut.audio[0].clips[0].end_sample_exclusive == 240_000


def test_a_long_cut_is_rendered_in_segments_by_the_same_job():
    kind = kind_named("compose-otio")
    clips = [{"itemId": "vid-stream", "fromSec": 0, "toSec": 8, "speed": 0.1}] * 8
    assets = {f"folder__items__{number}__asset": f"asset_{number}" for number in range(3)}
    body = example(render=True, intent__videoSequence=clips, **assets)
    first, laid_out = kind.plan(ComposeOtio(manifest=body))
    assert (first.step, laid_out.step) == ("compose", "timeline")
    assert {"segment", "sound", "join"} <= kind.steps.keys()  # which it grows
    assert laid_out.inputs == ("asset_1", "asset_2")
