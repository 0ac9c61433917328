"""Texts of a media render: exact times, looks by name or id, positions, and what is refused by name."""

from itertools import pairwise

import pytest
from pydantic import ValidationError

from farm.errors import BadRequest
from farm.timeline import Position
from tasks.media_render import MediaRender, timeline_of
from tasks.media_render.captions import MOST_AT_ONCE
from tasks.media_render.params import MAX_OVERLAYS, TEXT_TEMPLATES
from tests.unit.test_media_render_kind import PICTURES, price, render


def overlay(**changes):
    return {"text": "Now the proof is clear", "start_s": 3, **changes}


def overlays_of(params):
    (track,) = (track for track in timeline_of(params).text if track.name == "overlays")
    return track.clips


def test_d088_overlays_stand_at_their_exact_times():
    texts = [
        overlay(text="This is the hook", start_s=0, duration_s=2.8),
        overlay(template="Headline Bar", position="middle"),
        overlay(text=" The result ", start_s=7, duration_s=1.5, template="simple", position="bottom"),
    ]
    first, second, third = overlays_of(render(*PICTURES, text_overlays=texts))
    assert (first.start_frame, first.end_frame_exclusive) == (0, 84)
    assert (second.start_frame, second.end_frame_exclusive) == (90, 180)  # 3 s where nothing else is said
    assert (third.start_frame, third.end_frame_exclusive, third.text) == (210, 255, "The result")
    assert [clip.template for clip in (first, second, third)] == ["snapchat-hook", "headline-bar", "simple"]
    assert [clip.position for clip in (first, second, third)] == list(Position)  # D-090


@pytest.mark.parametrize(("slug", "name"), TEXT_TEMPLATES.items())
def test_d089_a_look_is_asked_for_by_name_or_id_in_any_case(slug, name):
    spellings = (name, slug, name.upper(), slug.replace("-", "_"), f" {name.lower()} ")
    texts = [overlay(template=spelling) for spelling in spellings]
    assert {clip.template for clip in overlays_of(render(*PICTURES, text_overlays=texts))} == {slug}


def test_an_overlay_ends_with_the_video():
    (clip,) = overlays_of(render(*PICTURES, text_overlays=[overlay(start_s=8, duration_s=60)]))
    assert (clip.start_frame, clip.end_frame_exclusive) == (240, 270)


def test_edges_are_snapped_one_by_one():
    texts = [overlay(start_s=0.1 * n, duration_s=0.1) for n in range(10)]
    clips = overlays_of(render(*PICTURES, text_overlays=texts, fps=29.97))
    assert all(a.end_frame_exclusive == b.start_frame for a, b in pairwise(clips))


def test_d134_d067_the_hook_and_overlays_share_the_video():
    params = render(*PICTURES, hook_text="Look", text_overlays=[overlay(start_s=1)])
    assert [track.name for track in timeline_of(params).text] == ["hook", "overlays"]
    assert price(params) == price(render(*PICTURES))  # texts cost nothing
    assert not timeline_of(render(*PICTURES, hook_text=" \u200b\ufeff")).text


def test_a_thousand_overlays_are_taken_and_one_more_is_not():
    texts = [overlay(start_s=n * 0.3, duration_s=0.3) for n in range(MAX_OVERLAYS)]
    durations = [{"asset_id": PICTURES[0], "duration_s": 300}]
    params = render(*PICTURES, durations=durations, text_overlays=texts)
    assert len(overlays_of(params)) == MAX_OVERLAYS
    assert price(params) == price(render(*PICTURES, durations=durations))
    with pytest.raises(ValidationError, match="text_overlays"):
        render(*PICTURES, durations=durations, text_overlays=[*texts, overlay()])


def test_texts_may_overlap_until_it_is_a_crowd():
    crowd = [overlay(start_s=0.1 * n, duration_s=5) for n in range(MOST_AT_ONCE)]
    assert len(overlays_of(render(*PICTURES, text_overlays=crowd))) == MOST_AT_ONCE
    crowd.insert(4, overlay(start_s=4))
    with pytest.raises(BadRequest, match="at once") as refused:
        timeline_of(render(*PICTURES, text_overlays=crowd))
    assert refused.value.param == "text_overlays[4]"


@pytest.mark.parametrize(
    ("text", "param"),
    [
        (overlay(start_s=9), "text_overlays[1].start_s"),
        (overlay(start_s=3600), "text_overlays[1].start_s"),
        (overlay(duration_s=0.01), "text_overlays[1]"),
    ],
    ids=["after the end", "long after it", "less than a frame"],
)
def test_a_text_that_would_not_be_seen_is_refused_by_name(text, param):
    with pytest.raises(BadRequest) as refused:
        timeline_of(render(*PICTURES, text_overlays=[overlay(), text]))
    assert refused.value.param == param


@pytest.mark.parametrize(
    "text",
    [
        {"start_s": 0},
        {"text": "x"},
        overlay(text="  "),
        overlay(text="\u200b\u2060"),  # which no eye sees, and no font draws
        overlay(text="x" * 301),
        overlay(start_s=-1),
        overlay(start_s=float("nan")),
        overlay(start_s="3"),
        overlay(duration_s=0),
        overlay(template="Comic Burst"),
        overlay(template=""),
        overlay(template=7),
        overlay(position="left"),
        overlay(colour="red"),
    ],
)
def test_overlays_are_checked(text):
    with pytest.raises(ValidationError, match="text_overlays"):
        render(*PICTURES, text_overlays=[text])


def test_an_unknown_look_is_told_the_known_ones():
    with pytest.raises(ValidationError, match="'Comic Burst'; known: Snapchat Hook, Headline Bar") as refused:
        render(*PICTURES, text_overlays=[overlay(template="Comic Burst")])
    assert refused.value.errors()[0]["loc"] == ("text_overlays", 0, "template")


def test_overlays_survive_the_store():
    params = render(*PICTURES, text_overlays=[overlay(template="Bold", position="bottom")])
    assert MediaRender.model_validate(params.model_dump(mode="json")) == params
