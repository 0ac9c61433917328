"""Texts that a film gets by itself: what is said while it is said, else what there honestly is to write."""

# full-width punctuation is what is looked at

from fractions import Fraction
from itertools import pairwise

import pytest

from farm.timeline import Position
from tasks.media_render import KIND, timeline_of
from tasks.media_render.on_screen import SPOKEN_TRACK, WRITTEN_TRACK
from tasks.media_render.params import SIZES
from tasks.media_render.phrasing import READING_PER_S, columns, folded, phrases
from tests.unit.test_media_render_kind import PICTURES, price, render
from tests.unit.test_media_render_voiceover import laid_out, script
from workers.cpu_render.subtitles import cues_of
from workers.cpu_render.text import template_named
from workers.cpu_render.text.contract import Stage

LONG = (
    "Then the product proves why it matters, and by the end, the workflow feels simple, quick and a little "
    "bit magical for everyone who tried it."
)
NAMED = {"name": "Launch montage", "text_on_screen": True}


def texts(timeline, name=None):
    """(text, start and end in frames, position) of what is written, by hand or not."""
    return [
        (clip.text, clip.start_frame, clip.end_frame_exclusive, clip.position)
        for track in timeline.text
        if name in (None, track.name)
        for clip in track.clips
    ]


def notes_of(params):
    return next(task.params["notes"] for task in KIND.plan(params) if "notes" in task.params)


# --- phrases -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [44, 72])
@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "Hi.",
        "word " * 200,
        "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung ist lang.",
        "本日は新しい製品をご紹介します。とても軽くて、毎日使いやすいデザインになっています。",
        "전 세계에서 가장 가벼운 신제품을 소개합니다, 지금 바로 만나보세요",
        "สินค้าใหม่มาแล้ววันนี้ลดราคาห้าสิบเปอร์เซ็นต์ทุกสาขาทั่วประเทศ",
    ],
)
def test_phrases_are_short_and_in_order_and_lose_nothing(text, most):
    found = list(phrases(text, Fraction(2), Fraction(9), most))
    assert "".join(phrase.text for phrase in found).replace(" ", "") == text.replace(" ", "")
    assert all(columns(phrase.text) <= most for phrase in found)
    assert (found[0].start, found[-1].end) == (2, 9)
    assert all(before.end == after.start and before.start < before.end for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            LONG,
            [
                "Then the product proves why it matters,",
                "and by the end, the workflow feels simple,",
                "quick and a little bit magical",
                "for everyone who tried it.",
            ],
        ),
        (
            "今日は駅前の新しいカフェで友達と長い時間を過ごしました",
            ["今日は駅前の新しいカフェで", "友達と長い時間を過ごしました"],
        ),
        ("Dr. No is here: fine", ["Dr. No is here: fine"]),
    ],
)
def test_phrases_end_where_clauses_do(text, found):
    assert [phrase.text for phrase in phrases(text, Fraction(0), Fraction(9), 44)] == found


def test_a_comma_takes_time():
    first, second = phrases("aaaaaaaaaa, aaaaaaaaaaa", Fraction(0), Fraction(25), 12)
    assert first.end == second.start > Fraction(25, 2)
    assert folded(LONG, 42).count("\n") == 1 and folded("short", 42) == "short"


# --- with a voice ------------------------------------------------------------------------------------


def test_d066_captions_follow_what_is_said_when_it_is_said():
    params = render(*PICTURES, voiceover=script("This is where it starts.", LONG), **NAMED)
    timeline = laid_out(params, 2, 9)
    (first, *rest) = texts(timeline)
    assert first == ("This is where it starts.", 9, 66 + 14, Position.BOTTOM)  # 0.3 s; stays to the next
    assert [text for text, *_ in rest] == [phrase.text for phrase in phrases(LONG, 0, 9, 44)]
    assert rest[0][1] == round((0.3 + 2 + 0.35) * 30)
    assert rest[-1][2] == round((0.3 + 2 + 0.35 + 9 + 0.2) * 30)  # a breath longer than the last word
    assert all(before[2] == after[1] for before, after in pairwise([first, *rest]))
    for text, start, end, _ in texts(timeline):
        assert columns(text) / ((end - start) / 30) <= READING_PER_S
    assert [track.name for track in timeline.text] == [SPOKEN_TRACK]  # and no title


def test_a_caption_stays_until_it_is_read_if_the_next_one_lets_it():
    quick = script({"text": "So much said in so little time.", "start_s": 1}, {"text": "Yes.", "start_s": 6})
    (first, second) = texts(laid_out(render(*PICTURES, voiceover=quick, **NAMED), 0.5, 0.5))
    assert first[1:3] == (30, 30 + round(31 / READING_PER_S * 30))
    assert second[1] == 180


def test_wide_films_have_longer_captions():
    tall, wide = (
        texts(laid_out(render(*PICTURES, voiceover=script(LONG), aspect_ratio=shape, **NAMED), 9))
        for shape in ("9:16", "16:9")
    )
    assert len(tall) == 4 and len(wide) == 2


def test_before_anybody_has_spoken_there_are_no_captions_and_nothing_is_dearer():
    said = {"voiceover": script(LONG)}
    assert not timeline_of(render(*PICTURES, **said, **NAMED)).text
    assert price(render(*PICTURES, **said, **NAMED)) == price(render(*PICTURES, **said))


def test_d134_captions_make_way_for_texts_placed_by_hand():
    overlay = {"text": "By hand", "start_s": 3, "duration_s": 2, "position": "bottom", "template": "Bold"}
    params = render(*PICTURES, voiceover=script(LONG), text_overlays=[overlay], hook_text="Hook", **NAMED)
    timeline = laid_out(params, 9)
    by_hand = texts(timeline, "hook") + texts(timeline, "overlays")
    assert [item[0] for item in by_hand] == ["Hook", "By hand"]
    captions = texts(timeline, SPOKEN_TRACK)
    assert {place for *_, place in captions} == {Position.BOTTOM, Position.MIDDLE}
    for text, start, end, place in captions:
        met = [item for item in by_hand if item[3] is place and item[1] < end and start < item[2]]
        assert not met, text


def test_where_every_place_is_taken_a_caption_is_left_out():
    taken = [{"text": place, "start_s": 0, "duration_s": 20, "position": place} for place in Position]
    params = render(*PICTURES, voiceover=script(LONG), text_overlays=taken, **NAMED)
    assert not texts(laid_out(params, 9), SPOKEN_TRACK)


def test_subtitles_have_what_is_said_once_and_in_two_lines():
    params = render(*PICTURES, voiceover=script("First.", LONG), hook_text="Hook", **NAMED)
    cues = cues_of(laid_out(params, 1, 9))
    assert [cue.text for cue in cues[:2]] == ["Hook", "First."]
    assert " ".join(cue.text for cue in cues[2:]).replace("\n", " ") == LONG
    assert all(cue.text.count("\n") <= 1 and columns(cue.text) <= 85 for cue in cues)
    assert (cues[1].start_ms, cues[1].end_ms, cues[2].start_ms, cues[-1].end_ms) == (300, 1300, 1650, 10650)
    assert cues == cues_of(laid_out(params.model_copy(update={"text_on_screen": False}), 1, 9))


# --- without one -------------------------------------------------------------------------------------


def test_d066_without_a_voice_the_film_has_its_name_as_a_title():
    (title,) = texts(timeline_of(render(*PICTURES, **NAMED)), WRITTEN_TRACK)
    assert title == ("Launch montage", 0, 90, Position.MIDDLE)
    assert not timeline_of(render(*PICTURES, name="Launch montage")).text


@pytest.mark.parametrize("name", ["", "Untitled", "IMG_0042.mp4", "2026", "  "])
def test_a_name_that_nobody_gave_is_not_written(name):
    params = render(*PICTURES, name=name, text_on_screen=True)
    assert not timeline_of(params).text
    assert any("nothing to write" in note for note in notes_of(params))


def test_d067_d134_a_hook_or_an_overlay_stands_alone():
    hook = timeline_of(render(*PICTURES, hook_text="Look", **NAMED))
    overlaid = timeline_of(render(*PICTURES, text_overlays=[{"text": "Here", "start_s": 5}], **NAMED))
    assert [text for text, *_ in texts(hook)] == ["Look"]
    assert [text for text, *_ in texts(overlaid)] == ["Here"]
    assert notes_of(render(*PICTURES, hook_text="Look", **NAMED)) == []


def test_words_in_quotes_that_are_to_be_shown_are_shown():
    asked = 'Add the text "Big sale" first, use "1-a" as the opener and end with the caption “Only today”.'
    params = render(*PICTURES, instructions=asked, **NAMED)
    assert texts(timeline_of(params)) == [
        ("Big sale", 0, 90, Position.TOP),
        ("Only today", 90, 180, Position.TOP),
    ]
    assert "Of the instructions only words in quotes were taken, to be shown." in notes_of(params)
    hooked = params.model_copy(update={"hook_text": "Look"})
    assert texts(timeline_of(hooked), WRITTEN_TRACK) == [("Only today", 90, 180, Position.TOP)]


def test_more_quotes_than_visuals_follow_each_other():
    asked = "Show " + ", ".join(f'the words "Line {n}"' for n in range(4))
    found = texts(timeline_of(render(PICTURES[0], instructions=asked, text_on_screen=True)))
    assert [item[0] for item in found] == ["Line 0"]  # three seconds have room for one
    longer = [{"asset_id": PICTURES[0], "duration_s": 10}]
    params = render(*PICTURES[:2], durations=longer, instructions=asked, text_on_screen=True)
    spans = [item[1:3] for item in texts(timeline_of(params))]
    assert len(spans) >= 2 and all(before[1] <= after[0] for before, after in pairwise(spans))


def test_what_a_plan_wrote_stands_on_its_cuts():
    cuts = [
        {"asset_id": PICTURES[0], "duration_s": 4, "text": "First"},
        {"asset_id": PICTURES[1], "duration_s": 2},
        {"asset_id": PICTURES[2], "duration_s": 5, "text": "Last"},
    ]
    params = render(*PICTURES, cuts=cuts, **NAMED)
    assert texts(timeline_of(params)) == [
        ("First", 0, 90, Position.TOP),
        ("Last", 180, 270, Position.TOP),
    ]
    overlay = {"text": "By hand", "start_s": 0, "duration_s": 1.5, "position": "top"}
    covered = render(*PICTURES, cuts=cuts, text_overlays=[overlay], **NAMED)
    assert texts(timeline_of(covered), WRITTEN_TRACK)[0] == ("First", 45, 90, Position.TOP)
    assert not timeline_of(render(*PICTURES, cuts=cuts, name="Launch montage")).text


def test_placements_by_hand_leave_a_plan_without_texts():
    params = render(*PICTURES, placements=[{"asset_id": PICTURES[0]}], text_on_screen=True, name="Launch")
    assert [text for text, *_ in texts(timeline_of(params))] == ["Launch"]


# --- drawn -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize(
    "text",
    [
        LONG,
        "WHEN EVERYTHING IS WRITTEN IN CAPITALS, AND MOST OF IT IS WIDE: WOMEN WHO WOW. " * 2,
        "本日は新しい製品をご紹介します。とても軽くて、毎日使いやすいデザインになっています。",
        "전 세계에서 가장 가벼운 신제품을 소개합니다, 지금 바로 만나보세요. 오늘만 할인합니다.",
    ],
)
def test_captions_have_two_lines_in_every_shape_of_film(shape, text):
    params = render(*PICTURES, voiceover=script(text), aspect_ratio=shape, **NAMED)
    timeline = laid_out(params, 12)
    stage = Stage(timeline.width, timeline.height, Position.BOTTOM)
    simple = template_named("simple")
    two_lines = simple.draw("字\n字", stage).image.height
    for caption, *_ in texts(timeline):
        assert simple.draw(caption, stage).image.height <= two_lines + 2, caption
