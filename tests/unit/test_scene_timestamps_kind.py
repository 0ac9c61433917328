"""The kind scene-timestamps: what it takes, what it costs, the files it writes (rows A-067 to A-081)."""

import json
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from farm.catalog import read_catalog
from farm.errors import BadRequest
from farm.settings import Settings
from tasks.compose_otio.manifest import Marker
from tasks.scene_timestamps import KIND, SceneTimestamps, breakdown, price_mc
from tasks.scene_timestamps.captions import as_srt, as_vtt, captions
from tasks.scene_timestamps.checks import checked
from tasks.scene_timestamps.heard import Word
from tasks.scene_timestamps.listed import scenes_in
from tasks.scene_timestamps.outputs import file_of, markers_of, words_of
from tasks.scene_timestamps.params import MAX_SCENES
from tests.narrations import narration, spoken
from workers.asr_align.placing import placed

CATALOG = read_catalog(Settings())
CUE = {"start_cue_text": "one two", "anchor_text": "two three"}


def asked(**changes: Any) -> SceneTimestamps:
    return SceneTimestamps.model_validate({"audio": "asset_1", "scenes": [CUE], **changes})


@pytest.mark.parametrize(
    ("seconds", "scenes", "credits"),
    [
        (0.5, 1, 9),
        (300, 10, 9),
        (300.01, 10, 12),
        (3600, 10, 42),
        (300, 11, 10),
        (300, 21, 11),
        (3600, 100, 51),
    ],
)
def test_a078_a079_a080_the_price_goes_by_started_blocks(seconds: float, scenes: int, credits: int) -> None:
    params = asked(scenes=[CUE] * scenes, max_duration_s=seconds)
    assert price_mc(params, CATALOG) == credits * 1000
    assert sum(line.amount_mc for line in breakdown(params, CATALOG)) == credits * 1000


def test_a_file_of_scenes_is_held_for_at_its_most() -> None:
    params = asked(scenes=[], scenes_from="seen.scenes", max_scenes=25, max_duration_s=60)
    assert price_mc(params, CATALOG) == 11_000
    (task,) = KIND.plan(params)
    assert (task.pool, task.inputs) == ("asr-align", ("asset_1", "seen.scenes"))


@pytest.mark.parametrize(
    "changes",
    [
        {"scenes": []},
        {"scenes_from": "seen.scenes"},
        {"fps": 23.5},
        {"fps": 0},
        {"scenes": [{**CUE, "start_cue_text": " "}]},
        {"scenes": [{**CUE, "fixed_start_ms": 5}], "start_offset_ms": 6},
        {"scenes": [{**CUE, "fixed_start_ms": 500}, {**CUE, "fixed_start_ms": 900}], "min_scene_ms": 401},
        {"formats": ["pdf"]},
        {"language_code": "english, please"},
        {"surprise": 1},
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        asked(**changes)
    assert asked(scenes=[{**CUE, "fixed_start_ms": 500}, {**CUE, "fixed_start_ms": 900}], min_scene_ms=400)


@pytest.mark.parametrize(
    "listed",
    [
        [{"startCueText": "a", "anchorText": "b", "id": "x", "description": "passed over"}],
        {"scenes": [{"startCueText": "a", "anchorText": "b", "sceneId": "x"}]},
        {"data": {"scenes": [{"startCueText": "a", "anchorText": "b", "sceneId": "x"}]}, "meta": {}},
    ],
)
def test_scenes_are_read_however_they_are_listed(listed: Any) -> None:
    (scene,) = scenes_in(json.dumps(listed).encode(), "scenes.json")
    assert (scene.scene_id, scene.start_cue_text, scene.anchor_text) == ("x", "a", "b")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("{", "is not JSON"),
        ("{}", "no list of 1 to 500 scenes"),
        ("[]", "no list of 1 to 500 scenes"),
        ('[{"startCueText": 7}]', r"scenes\[0\].startCueText"),
        ('[{}, {"fixedStartMs": -1}]', r"scenes\[1\].fixedStartMs"),
        ('[{}, "the lamp is lit"]', r"scenes\[1\] is no object"),
    ],
)
def test_a_broken_list_is_told_by_its_field(raw: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        scenes_in(raw.encode(), "scenes.json")


def test_a069_a_hostile_list_of_scenes_is_not_looked_at_to_its_end() -> None:
    """Each of so many broken scenes told of would be seconds of the API's time, and its memory."""
    tier = CATALOG.timestamps_limits["enterprise"]
    metadata, found = checked({"scenes": [{}] * 50_000}, tier, 60.0)
    assert metadata is None
    assert ("too_many_scenes", "/metadata/scenes") in {(fault.code, fault.path) for fault in found}
    assert len(found) == 1 + 2 * (MAX_SCENES + 1)
    good = {"anchorText": "a lamp", "startCueText": "the lamp"}
    metadata, found = checked({"scenes": [good] * 1_000}, tier, 60.0)
    assert metadata is None
    assert [(fault.code, fault.got, fault.allowed) for fault in found] == [
        ("too_many_scenes", 1_000, tier.max_scenes)
    ]


def test_a_scene_without_a_cue_lies_between_its_neighbours() -> None:
    told = narration(1, scenes=3)
    cues = told.asked().scenes
    params = told.asked(scenes=(cues[0], {}, cues[2]))
    timed = placed(told.heard(known=True), params)
    assert [str(scene.status) for scene in timed.scenes] == ["matched", "interpolated", "matched"]


def word(text: str, start_s: float, end_s: float) -> Word:
    return Word(text=text, start_s=start_s, end_s=end_s, certainty=1, half_width_s=0)


def test_captions_end_where_sentences_and_pauses_are_and_never_overlap() -> None:
    told = narration(7, scenes=8)
    found = captions(told.words, offset_ms=2000)
    assert [" ".join(one.text.split()) for one in found] and found[0].start_ms == 2000 + told.starts_ms[0]
    said = " ".join(" ".join(one.text.split()) for one in found)
    assert said == told.text
    for before, after in pairwise(found):
        assert before.start_ms < before.end_ms <= after.start_ms
    assert all(len(line) <= 60 for one in found for line in one.text.splitlines())
    assert all(one.text.count("\n") <= 1 for one in found)


def test_captions_of_scripts_without_spaces_have_none() -> None:
    found = captions([word("港は朝早く", 0, 1), word("目を覚ます。", 1, 2), word("OK", 2.1, 2.4)])
    assert [one.text for one in found] == ["港は朝早く目を覚ます。", "OK"]
    long = captions([word("あ" * 200, 0.0, 60.0)])
    assert len(long) > 3 and "".join("".join(one.text.split()) for one in long) == "あ" * 200


def test_captions_never_overlap_where_words_begin_at_once() -> None:
    found = captions([word("a" * 50, 1.0, 1.0), word("b" * 50, 1.0, 1.0), word("c" * 50, 1.0, 2.0)])
    assert "".join("".join(one.text.split()) for one in found) == "a" * 50 + "b" * 50 + "c" * 50
    for before, after in pairwise(found):
        assert before.start_ms < before.end_ms <= after.start_ms
    assert (found[0].start_ms, found[-1].end_ms) == (1000, 2300)


def test_subrip_and_webvtt_are_written_as_players_read_them() -> None:
    shown = captions([word("a", 0.0, 1.0), word("<b> & c", 3.5, 4.0), word("-->", 3_661.25, 3_662.0)])
    assert as_srt(shown).startswith("1\n00:00:00,000 --> 00:00:01,300\na\n\n2\n00:00:03,500 --> ")
    assert "01:01:01,250" in as_srt(shown) and as_srt(shown).count("-->") == 3
    assert as_vtt(shown).startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.300\na\n")
    assert "&lt;b&gt; &amp; c" in as_vtt(shown)
    assert (captions([]), as_srt([]), as_vtt([])) == ([], "", "WEBVTT\n")


def test_markers_words_and_timestamps_are_files_others_can_read() -> None:
    told = narration(2, scenes=3)
    params = told.asked(fps=29.97, start_offset_ms=1000)
    timed = placed(told.heard(known=True), params)
    for marker, start_ms in zip(markers_of(timed), told.starts_ms, strict=True):
        read = Marker.model_validate(marker.model_dump(by_alias=True))
        assert read.at_sec == (start_ms + 1000) / 1000 and read.color == "GREEN"
    words = words_of(told.words, 1000)
    assert [word.text for word in words] == told.text.split()
    assert words[0].model_dump(by_alias=True).keys() == {"text", "startMs", "endMs", "certainty"}
    file = json.loads(file_of(timed, params).model_dump_json(by_alias=True))
    assert (file["fps"], file["method"], file["durationMs"]) == ("30000/1001", "aligned", timed.duration_ms)
    first = file["scenes"][0]
    assert Fraction(first["startFrame"] * 1001, 30_000) == pytest.approx(first["startMs"] / 1000, abs=0.02)


def test_repeated_narration_is_told_apart_by_order() -> None:
    told = spoken(["The bell rings once.", "The bell rings once.", "The bell rings once."], Random(1))
    timed = placed(told.heard(known=True), told.asked())
    assert [scene.start_ms for scene in timed.scenes] == told.starts_ms
