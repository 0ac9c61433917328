"""Both roads lead to one timeline: the compose-otio manifest, and media render's clipPlacements."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from farm.api.surfaces.media_render import wire
from farm.api.surfaces.media_render.to_spec import to_spec
from farm.asset import Asset, AssetState, MediaProject
from farm.manifest import Manifest, timeline_of
from farm.timeline import Rate, Timeline
from tasks.media_render import MediaRender
from tasks.media_render import timeline_of as render_timeline

# Seed 000, "Compose an OTIO timeline", the request body.
EXAMPLE: dict[str, Any] = {
    "project": {
        "name": "Forest Morning Cut",
        "fps": 24,
        "resolution": {"w": 1920, "h": 1080},
        "audioSampleRate": 48000,
    },
    "folder": {
        "items": [
            {
                "id": "img-opening",
                "kind": "image",
                "path": "storyboards/forest-opening.png",
                "meta": {"w": 1920, "h": 1080},
            },
            {
                "id": "vid-stream",
                "kind": "video",
                "path": "rushes/stream-walk.mp4",
                "meta": {"durationSec": 8, "fps": 24, "hasAudio": True},
            },
            {
                "id": "aud-music",
                "kind": "audio",
                "path": "audio/forest-piano.wav",
                "meta": {"durationSec": 6, "sampleRate": 48000, "channels": 2},
            },
        ]
    },
    "intent": {
        "kind": "explicit",
        "videoSequence": [
            {"itemId": "img-opening", "fromSec": 0, "toSec": 2, "clipNameHint": "Opening Still"},
            {"itemId": "vid-stream", "fromSec": 1, "toSec": 5, "clipNameHint": "Forest Walk"},
        ],
        "audioLayers": [
            {"itemId": "aud-music", "fromSec": 0, "toSec": 5, "placement": "trimToFit", "role": "music"}
        ],
    },
    "output": {"includeClipNames": True, "otioSchema": "Timeline.1"},
}

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


def manifest_timeline(**changes: Any) -> Timeline:
    body = copy.deepcopy(EXAMPLE)
    for path, value in changes.items():
        *parents, last = path.split("__")
        part: Any = body
        for parent in parents:
            part = part[int(parent) if parent.isdigit() else parent]
        part[last] = value
    return timeline_of(Manifest.model_validate(body))


def test_a010_to_a034_the_manifest_of_seed_000_builds_a_timeline():
    timeline = manifest_timeline()
    assert (timeline.name, timeline.rate, timeline.width, timeline.height) == (
        "Forest Morning Cut",
        Rate(num=24),
        1920,
        1080,
    )
    opening, walk = timeline.video[0].clips
    assert (opening.media, opening.start_frame, opening.end_frame_exclusive, opening.name) == (
        "img-opening",
        0,
        48,
        "Opening Still",
    )
    assert (walk.start_frame, walk.end_frame_exclusive, walk.source_start, walk.source_end) == (48, 144, 1, 5)
    music = timeline.audio[0].clips[0]
    assert (music.start_sample, music.end_sample_exclusive, timeline.audio[0].role) == (0, 240_000, "music")
    assert timeline.medium("vid-stream").duration == 8


def test_a_layer_longer_than_the_picture_is_trimmed_to_fit():
    timeline = manifest_timeline(
        intent__videoSequence=[{"itemId": "img-opening", "fromSec": 0, "toSec": 2}],
        output={"includeClipNames": False},
    )
    assert timeline.audio[0].clips[0].end_sample_exclusive == 96_000
    assert timeline.video[0].clips[0].name is None


@pytest.mark.parametrize(
    "change",
    [
        {"intent__videoSequence__0__itemId": "nobody"},
        {"intent__videoSequence__1__toSec": 9},
        {"intent__videoSequence__1__toSec": 1},
        {"folder__items__1__id": "img-opening"},
        {"project__fps": 0},
        {"intent__kind": "guess"},
        {"surprise": 1},
    ],
)
def test_a026_a027_a_manifest_that_cannot_be_met_is_refused(change):
    with pytest.raises(ValidationError):
        manifest_timeline(**change)


def test_the_placements_of_seed_004_build_the_same_type():
    spec = to_spec(wire.RenderRequest.model_validate(PLACEMENTS), project(), files())
    assert isinstance(spec.params, MediaRender)
    timeline = render_timeline(spec.params)
    assert type(timeline) is type(manifest_timeline()) is Timeline
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
