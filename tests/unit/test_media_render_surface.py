"""Words and conflicts of seed 004 on their way to a job, without a server: taken, or refused by name."""

import json
import re
from dataclasses import replace
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from farm.api.errors import refused_params
from farm.api.surfaces.media_render import to_wire, wire
from farm.api.surfaces.media_render.to_spec import to_spec
from farm.asset import Asset, AssetState, MediaProject
from farm.errors import BadRequest
from farm.job import Job
from farm.media_types import CONTENT_TYPES, check_upload
from farm.states import JobState
from farm.timeline import Timeline
from tasks.media_render import MediaRender, timeline_of
from tasks.media_render.params import MAX_OVERLAYS, TEXT_TEMPLATES, SfxType, TransitionType
from tests.unit.test_media_types import GOOD

FILES = ("a.png", "b.png", "c.mp4", "song.mp3")
PROJECT = MediaProject("mrproj_1", 1, "Trip", "ada/media-render/mrproj_1/", None, 0, 0.0, None)
KINDS = {"png": "image/png", "mp4": "video/mp4", "mp3": "audio/mpeg"}


def held(*names: str) -> list[Asset]:
    """A project's files; the id is the name behind `asset_`."""
    made = []
    for name in names:
        kind = KINDS[name[-3:]]
        media, state = kind.partition("/")[0], AssetState.READY
        made.append(Asset(f"asset_{name}", 1, PROJECT.id, name, kind, media, 1, "key", state, {}, 0.0, None))
    return made


def asked(*names: str, **body: Any) -> MediaRender:
    """What a request comes to, for these files. Raises BadRequest as the API would answer."""
    text = json.dumps({"projectId": PROJECT.id, **body})
    try:
        request = wire.RenderRequest.model_validate_json(text)
    except ValidationError as error:
        raise refused_params(error, "") from None
    params = to_spec(request, PROJECT, held(*(names or FILES))).params
    assert isinstance(params, MediaRender)
    return params


def rendered(*names: str, **body: Any) -> Timeline:
    return timeline_of(asked(*names, **body))


def rows(table: str) -> list[Any]:
    """One test a line: `D-016 image/jpeg` is the word and its id."""
    found = re.findall(r"(D-\d{3}) (.+)", table)
    return [pytest.param(word, id=f"{row} {word}") for row, word in found]


def words(table: list[Any]) -> list[str]:
    return [row.values[0] for row in table]


# --- the words of the document, row by row -----------------------------------------------------------

UPLOAD_TYPES = rows("""
D-016 image/jpeg
D-017 image/png
D-018 image/gif
D-019 image/webp
D-020 image/svg+xml
D-021 image/heic
D-022 image/heif
D-023 video/mp4
D-024 video/mpeg
D-025 video/quicktime
D-026 video/x-msvideo
D-027 video/webm
D-028 video/x-matroska
D-029 audio/mpeg
D-030 audio/mp3
D-031 audio/mp4
D-032 audio/m4a
D-033 audio/x-m4a
D-034 audio/wav
D-035 audio/x-wav
D-036 audio/webm
D-037 audio/ogg
D-038 audio/aac
""")
TEMPLATES = rows("""
D-091 Snapchat Hook
D-092 Headline Bar
D-093 Cloud Tag
D-094 Midnight Strip
D-095 Title
D-096 Simple
D-097 Bold
""")
EFFECTS = rows("""
D-098 click
D-099 camera-shutter
D-100 whoosh
D-101 pop
D-102 hit
D-103 riser
D-104 glitch
D-105 notification
D-106 typing
D-107 processing
""")
TRANSITIONS = rows("""
D-108 none
D-109 crossfade
D-110 fade
D-111 light-leak
D-112 zoom-in
D-113 zoom-out
D-114 ken-burns
D-115 dip-to-black
D-116 slide
D-117 wipe
D-118 flip
D-119 clock-wipe
D-120 iris
""")


@pytest.mark.parametrize("word", UPLOAD_TYPES)
def test_d012_an_upload_type_takes_a_file_of_its_own_format(word):
    check_upload("a.bin", word, GOOD[word])
    assert word.startswith(CONTENT_TYPES[word].value)


@pytest.mark.parametrize("word", TEMPLATES)
def test_d089_a_template_is_the_look_of_its_text(word):
    (track,) = rendered(textOverlays=[{"text": "x", "startTime": 0, "templateName": word}]).text
    assert TEXT_TEMPLATES[track.clips[0].template] == word


@pytest.mark.parametrize("word", EFFECTS)
def test_d073_d076_an_effect_is_heard_on_cuts_and_where_it_is_placed(word):
    for body in ({"sfxTypes": [word]}, {"sfxPlacements": [{"sfxType": word, "startTime": 1}]}):
        sounds = {medium.builtin for medium in rendered(**body).media} - {None}
        assert sounds == {f"sfx/{word}"}


@pytest.mark.parametrize("word", TRANSITIONS)
def test_d082_d087_a_transition_is_seen_at_every_cut_and_at_its_own(word):
    places = [{"fileName": "a.png"}, {"fileName": "b.png", "transitionType": word}]
    every, own = rendered(transitionTypes=[word]), rendered(clipPlacements=places, transitionTypes=["fade"])
    seen = [clip.transition and clip.transition.type for clip in (*every.video[0].clips, *own.video[0].clips)]
    meant = None if word == "none" else word
    assert seen == [None, meant, meant, None, meant]


def test_d012_d073_d082_d089_the_document_has_no_other_words():
    assert words(UPLOAD_TYPES) == list(CONTENT_TYPES)
    assert words(TEMPLATES) == list(TEXT_TEMPLATES.values())
    assert words(EFFECTS) == list(get_args(SfxType))
    assert words(TRANSITIONS) == list(get_args(TransitionType))


# --- conflicts, limits, edges ------------------------------------------------------------------------

TWICE = [{"fileName": "a.png", "durationSeconds": 1}, {"assetId": "asset_a.png", "durationSeconds": 5}]
OTHER = {"assetId": "asset_a.png", "fileName": "b.png"}
SAID = {"voiceover": True, "voiceoverVoiceId": "svoice_espeak_en-us_female"}
TEXT = {"format": "text", "content": "Hello."}


def effect(**changes: Any) -> dict[str, Any]:
    return {"sfxPlacements": [{"sfxType": "click", **changes}]}


def overlay(**changes: Any) -> dict[str, Any]:
    return {"textOverlays": [{"text": "x", "startTime": 0, **changes}]}


def placed(*clips: dict[str, Any]) -> dict[str, Any]:
    return {"clipPlacements": list(clips)}


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({"assetDurations": TWICE}, "assetDurations[1]", "a.png has another duration already"),
        (
            {"assetDurations": [{**OTHER, "durationSeconds": 1}]},
            "assetDurations[0].assetId",
            "is 'a.png', not",
        ),
        (placed(OTHER), "clipPlacements[0].assetId", "is 'a.png', not 'b.png'"),
        (
            {"bgmAssetId": "asset_song.mp3", "bgmFileName": "b.mp3"},
            "bgmAssetId",
            "asset_song.mp3 is 'song.mp3', not 'b.mp3'; pass one of the two",
        ),
        ({"bgm": True}, "bgm", "pass bgmAssetId, bgmFileName or bgmQuery"),
        (
            effect(clipAssetId="asset_a.png", clipFileName="b.png"),
            "sfxPlacements[0].clipAssetId",
            "is 'a.png', not 'b.png'",
        ),
        (effect(clipFileName="a.png", startTime=1), "sfxPlacements[0].clipFileName", "not both"),
        (effect(), "sfxPlacements[0]", "needs startTime, clipAssetId or clipFileName"),
        (overlay(endTime=1, durationSeconds=1), "textOverlays[0].durationSeconds", "not both"),
        (overlay(text="\u200b"), "textOverlays[0].text", "nothing to see"),
        (overlay(templateName="Bold", templateId="title"), "textOverlays[0].templateId", "different looks"),
        ({"voiceover": True, "voiceoverScript": TEXT}, "voiceoverVoiceId", "pass a voiceoverVoiceId"),
        (SAID, "voiceoverScript", "pass voiceoverScript"),
        (
            {**SAID, "voiceoverScript": {**TEXT, "segments": [{"text": "Hello."}]}},
            "voiceoverScript.segments",
            "for a script in json",
        ),
        (
            placed({"fileName": "a.png", "startTime": 0}, {"fileName": "b.png", "startTime": 2.9}),
            "clipPlacements[1]",
            "b.png at 2.9 s overlaps a.png, which ends at 3 s",
        ),
        (
            placed({"fileName": "b.png", "startTime": 2.9}, {"fileName": "a.png", "startTime": 0}),
            "clipPlacements[0]",
            "b.png at 2.9 s overlaps a.png",
        ),
        (
            placed({"fileName": "c.mp4", "sourceStartTime": 2, "sourceEndTime": 1}),
            "clipPlacements[0].sourceEndTime",
            "must be after sourceStartTime",
        ),
        (placed({"fileName": "a.png", "startTime": 3598}), "clipPlacements", "longer than 60 minutes"),
        (
            {"assetDurations": [{"fileName": "a.png", "durationSeconds": 3598}]},
            "assetDurations",
            "longer than 60 minutes",
        ),
        ({"targetDurationSeconds": 0.05}, "targetDurationSeconds", "3 visuals"),
    ],
)
def test_d003_what_contradicts_itself_is_refused_in_clear_words(body, param, said):
    with pytest.raises(BadRequest) as refused:
        asked(**body)
    assert (refused.value.public_code, refused.value.param) == ("invalid_request", param)
    assert said in refused.value.message


def test_of_two_durations_the_nearer_one_counts():
    """A placement's own length, then the span of its source, then the asset's duration (D-084 to D-086)."""
    clips = (
        {"fileName": "c.mp4", "durationSeconds": 2, "sourceStartTime": 1, "sourceEndTime": 5},
        {"fileName": "c.mp4", "sourceStartTime": 1, "sourceEndTime": 5},
        {"fileName": "c.mp4", "sourceStartTime": 1},
        {"fileName": "a.png"},
    )
    durations = [{"fileName": "c.mp4", "durationSeconds": 6}] * 2  # said twice alike is no conflict
    shown = rendered(**placed(*clips), assetDurations=durations).video[0].clips
    assert [clip.frames / 30 for clip in shown] == [2, 4, 6, 3]


VOLUMES = {
    "bgmVolume": lambda volume: {"bgmQuery": "calm", "bgmVolume": volume},  # D-071
    "sfxVolume": lambda volume: {"sfx": True, "sfxVolume": volume},  # D-074
    "sfxPlacements[0].volume": lambda volume: effect(startTime=1, volume=volume),  # D-081
    "clipVolume": lambda volume: {"clipVolume": volume},
}


@pytest.mark.parametrize("field", VOLUMES)
def test_d071_d074_d081_a_volume_is_a_number_from_0_to_1(field):
    for volume in (0, 1, 0.18):
        assert rendered(**VOLUMES[field](volume)).duration == 9
    for volume in (-0.001, 1.001, 18, True, "0.5", [0.5]):
        with pytest.raises(BadRequest) as refused:
            asked(**VOLUMES[field](volume))
        assert refused.value.param == field


def test_d085_200_clips_of_one_frame_with_sound_and_texts_are_laid_out_exactly():
    names = [f"{number}.png" for number in range(200)]
    frames = [{"fileName": name, "durationSeconds": 1 / 30} for name in names]
    texts = [{"text": name, "startTime": n / 30, "durationSeconds": 1 / 30} for n, name in enumerate(names)]
    timeline = rendered(*names, assetDurations=frames, textOverlays=texts, sfx=True, bgmQuery="calm")
    spans = [(n, n + 1) for n in range(200)]
    for track in (timeline.video[0], timeline.text[0]):
        assert [(clip.start_frame, clip.end_frame_exclusive) for clip in track.clips] == spans
    assert not any(clip.transition for clip in timeline.video[0].clips)  # there is no room for one
    sounds = [clip for track in timeline.audio for clip in track.clips]
    assert max(clip.end_sample_exclusive for clip in sounds) == timeline.samples_at(200)


def test_d088_a_thousand_overlays_are_taken_and_one_more_is_refused():
    short = {"text": "x", "durationSeconds": 0.1}
    texts = [{**short, "startTime": n * 0.0089} for n in range(MAX_OVERLAYS)]
    assert len(rendered(textOverlays=texts).text[0].clips) == 1000
    with pytest.raises(BadRequest, match="at most 1000") as refused:
        asked(textOverlays=[*texts, texts[0]])
    assert refused.value.param == "textOverlays"


def test_d131_without_a_visual_or_without_any_file_nothing_is_rendered():
    for names in (("song.mp3",), ("song.mp3", "b.mp3")):
        with pytest.raises(BadRequest, match="no image or video to render") as refused:
            asked(*names)
        assert refused.value.param == "projectId"
    request = wire.RenderRequest.model_validate({"projectId": PROJECT.id})
    with pytest.raises(BadRequest, match="no files, or they have expired") as refused:
        to_spec(request, replace(PROJECT, name="Old"), [])
    assert refused.value.param == "projectId"


@pytest.mark.parametrize(
    ("state", "progress", "told"),
    [
        (JobState.QUEUED, 0.0, ("queued", 0, False)),
        (JobState.RUNNING, 0.0, ("processing", 0, False)),
        (JobState.RUNNING, 0.456, ("processing", 45, False)),
        (JobState.RUNNING, 1.0, ("processing", 99, False)),  # 100 is a finished file
        (JobState.COMPLETED, 1.0, ("completed", 100, True)),
        (JobState.FAILED, 0.5, ("failed", 50, False)),
        (JobState.CANCELLED, 0.5, ("failed", 50, False)),
    ],
)
def test_d139_to_d143_a_status_is_one_of_four_words_with_whole_percents(state, progress, told):
    kind = "media-render"
    job = Job("job_1", 1, 1, kind, kind, state, progress, "", {}, {}, None, 0, 0, 0.0, None, None)
    shown = to_wire.status(PROJECT, job)
    assert (shown.status, shown.progress, shown.output_ready) == told
    assert (shown.error_message is not None) == (shown.status == "failed")  # D-145


def test_untouched_clips_are_copied_unless_it_is_forbidden():
    assert asked().copy_untouched and asked(copyUntouched=None).copy_untouched
    assert asked(copyUntouched=True).copy_untouched and not asked(copyUntouched=False).copy_untouched
    with pytest.raises(BadRequest) as refused:
        asked(copyUntouched="no")
    assert refused.value.param == "copyUntouched"
