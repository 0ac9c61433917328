"""D-060: instructions as people write them: lengths, what is not wanted, orders, exceptions, file names."""

from itertools import pairwise

import pytest

from farm.timeline import MediaKind
from tasks import media_render
from tasks.media_render import MediaRender, RenderAsset
from tasks.media_render.planning.brief import Visual
from tasks.media_render.planning.stage import likely_plan
from tests.unit.test_planning_rules import NAMES, drafted, order, seen


@pytest.mark.parametrize(
    ("words", "target", "limit"),
    [
        ("Make it one minute long", 60, None),
        ("half a minute, please", 30, None),
        ("Keep it under a minute", None, 60),
        ("1 minute 30 seconds", 90, None),
        ("Make it 1:30 minutes", 90, None),
        ("twenty-five seconds", 25, None),
        ("30 seconds max", None, 30),
        ("30 seconds or less", None, 30),
        ("Not longer than 20 seconds", None, 20),
        ("Only 30 seconds.", 30, None),
        ("The video should last 40 seconds", 40, None),
        ("Use 60 seconds of footage", 60, None),
        ("Create a 30-second video with a cut between each clip.", 30, None),
        ("A 20 second montage that shows every photo.", 20, None),
        ("Use only 20 seconds", 20, None),
        ("30 seconds, energetic, with captions", 30, None),
        ("A 30-second music video", 30, None),
        ("20 seconds with titles", 20, None),
        ("The music video should be 30 seconds", 30, None),
        ("Use wipe transitions for a 30 second video", 30, None),
        ("Use the photos for a 30-second ad", 30, None),
        ("Keep the music video to about 30 seconds", 30, None),
        ("Use wipe transitions, 15 seconds", 15, None),
        ("Use fades and keep it under 20 seconds", None, 20),
        # What is no length of the whole, or no number that is known, is taken for none.
        ("1,5 minutes", None, None),
        ("1/2 minute", None, None),
        ("a minute and a half", None, None),
        ("a hundred and twenty seconds", None, None),
        ("A 9:16 video", None, None),
        ("The first 5 seconds should be calm", None, None),
        ("Skip the first 3 seconds of the demo", None, None),
        ("Remove the dark ones", None, None),
        ("Use clips longer than 5 seconds", None, None),
    ],
)
def test_d060_d062_the_length_of_the_whole(words: str, target: float | None, limit: float | None):
    draft = drafted(words)
    assert (draft.target_s, draft.limit_s) == (target, limit), draft.notes
    assert {shot.is_asked for shot in draft.shots} == {False}
    assert not any("No file" in note for note in draft.notes)


@pytest.mark.parametrize(
    ("words", "expected", "lengths"),
    [
        ("Use 2-second shots", "12345", [2, 2, 2, 2, 2]),
        ("Make each shot two seconds", "12345", [2, 2, 2, 2, 2]),
        ("A new photo every 2 seconds", "12345", [2, 2, 2, 2, 2]),
        ("One second each", "12345", [1, 1, 1, 1, 1]),
        ("End with the beach for 6 seconds.", "12453", [3, 3, 3, 3, 6]),
        ("Start with 6 seconds of the demo", "51234", [6, 3, 3, 3, 3]),
        ("Show 6 seconds of the beach", "12345", [3, 3, 6, 3, 3]),
        ("The beach stays for 6 seconds", "12345", [3, 3, 6, 3, 3]),
        ("Give the beach 6 seconds", "12345", [3, 3, 6, 3, 3]),
        ("Start on the beach for 2s then the demo for 4s", "35124", [2, 4, 3, 3, 3]),
        ("Show the photos for two seconds and the demo for 6 s", "12345", [2, 2, 2, 2, 6]),
        ("Show every photo for at least 4 seconds", "12345", [4, 4, 4, 4, 4]),
        ("Keep clips under 4 seconds", "12345", [4, 4, 4, 4, 4]),
        ("Show the beach last for 6 seconds", "12453", [3, 3, 3, 3, 6]),
        ("Show the beach second for 6 seconds", "13245", [3, 6, 3, 3, 3]),
        ("Show the beach for a second", "12345", [3, 3, 1, 3, 3]),
        ("Half a second each", "12345", [0.5, 0.5, 0.5, 0.5, 0.5]),
    ],
)
def test_d060_a_length_of_a_part_is_none_of_the_whole(words: str, expected: str, lengths: list[float]):
    draft = drafted(words)
    assert (order(draft), [shot.seconds for shot in draft.shots]) == (expected, lengths), draft.notes
    assert (draft.target_s, draft.limit_s, draft.notes) == (None, None, ())


@pytest.mark.parametrize(
    "words",
    [
        "Fade in for 2 seconds",
        "End with a 3 second fade out",
        "With 1 second transitions",
        "Keep transitions under 1 second",
        "Add a title for 3 seconds",
        "Leave 2 seconds of black at the end",
        "Add 2 seconds of silence",
        "Pause for a second",
        "The music is 60 seconds long",
        "Fade the video in over 2 seconds",
        "Fade out at the end of the film over 3 seconds",
        "A 1 second fade on the first clip",
        "Pause the clip for 2 seconds",
    ],
)
def test_d060_d062_what_is_no_visual_has_no_length_and_the_whole_keeps_its_own(words: str):
    draft = drafted(words)
    assert (draft.target_s, draft.limit_s, order(draft)) == (None, None, "12345")
    assert draft.notes == (f"Not understood, and so not followed: {words!r}.",)


def test_d060_what_is_followed_but_for_a_length_is_said():
    draft = drafted("Use 2 second crossfades.")
    assert {shot.transition for shot in draft.shots[1:]} == {"crossfade"}
    assert (draft.target_s, order(draft)) == (None, "12345")
    assert draft.notes == ("Followed but for a length in it: 'use 2 second crossfades'.",)
    words = "a 30 second film with a 2 second fade in"
    draft = drafted(words)
    assert (draft.target_s, draft.notes) == (30.0, (f"Followed but for a length in it: {words!r}.",))


@pytest.mark.parametrize(
    "words",
    ["Don't make it too fast.", "No fast cuts.", "Skip the slow parts.", 'Write "Fast. Simple. Yours."'],
)
def test_d060_a_pace_that_is_not_wanted_is_not_taken(words: str):
    assert {shot.seconds for shot in drafted(words).shots} == {3.0}


def test_d060_a_film_may_begin_slowly_and_end_fast():
    for words in ("Start slow and end fast.", "Start slow, then get faster."):
        lengths = [shot.seconds or 0 for shot in drafted(words).shots]
        assert lengths[0] == 4.5 and lengths[-1] == pytest.approx(1.6)
        assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Avoid wipes.", {None}),
        ("No zoom transitions.", {None}),
        ("No crossfades.", {"none"}),
        ("Don't use any transitions.", {"none"}),
        ("End with a fade to black.", {None}),
        ("Start with the baby wipes.", {None}),
        ("Use clock wipes.", {"clock-wipe"}),
        ("Use crossfade and wipe transitions.", {"crossfade", "wipe"}),
        ("Fade between the photos.", {"fade"}),
        ("Use iris and flip transitions.", {"iris", "flip"}),
    ],
)
def test_d060_d108_to_d120_transitions_are_those_that_are_wanted(words: str, expected: set[str | None]):
    assert {shot.transition for shot in drafted(words).shots[1:]} == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Use the beach first\nSkip the park", "3125"),
        ("- Use the beach first\n- Skip the park", "3125"),
        ("1. Beach\n2. Demo\n3. Make it fast", "35124"),
        ("Use this order: demo, park, beach", "54312"),
        ("Order: demo -> park -> beach", "54312"),
        ("Don't shuffle.", "12345"),
        ("Use the beach first, skip the park, end with the settings.", "3152"),
        ("First, the beach. And finally, the settings", "31452"),
        ("Start: beach. End: settings.", "31452"),
        ("The opening shot should be the beach. Use the settings as the final shot.", "31452"),
        ("Fade in at the start and fade out at the end", "12345"),
        ("Use all photos but skip the park.", "1235"),
        ("Use everything except the park.", "1235"),
        ("Everything but the park.", "1235"),
        ("Don't include the park.", "1235"),
        ("Don't use the park first.", "12345"),
        ("Start with the last two photos.", "34125"),
        ("Start with the beach, then the rest.", "31245"),
        ("Only the best 2 photos", "34"),
        ("Use the 2 best photos", "345"),  # the clip is no photo
        ("No more than 2 photos", "145"),
        ("Start with the sharpest photo", "41235"),
        ("Just 3 seconds per photo.", "12345"),
        ("Use only photos, 20 seconds, with crossfades.", "1234"),
    ],
)
def test_d060_orders_choices_and_exceptions(words: str, expected: str):
    looked = tuple(seen(name, sharpness=0.5 + 0.05 * index) for index, name in enumerate(NAMES[:4]))
    looked = (seen(NAMES[0], sharpness=0.59), *looked[1:])
    draft = drafted(words, looked=looked)
    assert order(draft) == expected, draft.notes
    assert not any("No file" in note for note in draft.notes)


def test_what_was_named_with_others_goes_where_it_is_said_so_and_what_was_named_alone_stays_and_it_is_said():
    words = "Use the photos first, then the clips. Skip the park."
    assert order(drafted(words)) == "1235"
    blurred = tuple(seen(name, sharpness=0.1 if name in NAMES[2:4] else 0.6) for name in NAMES)
    assert order(drafted("Lifestyle shots first.", looked=blurred)) == "34125"
    assert order(drafted("Lifestyle shots first. Skip blurry pictures.", looked=blurred)) == "125"
    draft = drafted("Start with the beach. Skip blurry pictures.", looked=blurred)
    assert order(draft) == "3125"
    assert "Kept though out of focus, for it was placed or timed: 03 lifestyle beach.jpg." in draft.notes


def test_d064_twins_are_found_whatever_the_order_in_which_the_files_came():
    request = MediaRender(
        assets=tuple(
            RenderAsset(asset_id=name, file_name=f"{name}.jpg", media_kind=MediaKind.IMAGE) for name in "cab"
        ),
        vision_analysis=True,
    )
    look = media_render.plan(request)[0]
    assert look.params["visuals"] == ["a", "b", "c"]  # whoever looks compares in the order that is planned


def test_d060_files_are_found_by_their_names_and_by_no_part_of_them():
    assert order_of("Start with 11.jpg", "1.jpg", "2.jpg", "11.jpg") == ["11.jpg", "1.jpg", "2.jpg"]
    assert order_of("End with café", "a.jpg", "cafe\u0301.jpg", "z.jpg")[-1] == "cafe\u0301.jpg"
    assert order_of("Use 2 and 3 first", "img_01.jpg", "img_02.jpg", "img_03.jpg")[:2] == [
        "img_02.jpg",
        "img_03.jpg",
    ]


def order_of(words: str, *names: str) -> list[str]:
    return [shot.asset_id.removeprefix("asset_") for shot in drafted(words, *names).shots]


def test_d062_where_there_is_no_room_what_is_kept_is_from_all_of_it():
    names = [f"{number:02d}" for number in range(40)]
    short = order_of("", *names[:1]) and drafted("", *names, target_duration_s=12.0)
    numbers = [int(shot.asset_id.removeprefix("asset_")) for shot in short.shots]
    assert len(numbers) == 10 and numbers[0] < 4 and numbers[-1] >= 36
    each = drafted("2.5 s per photo, at most 20 seconds", *names)
    assert len(each.shots) == 8  # rather than more of them, each shown for less than was asked for


def test_d062_a_long_clip_is_shown_at_several_moments_where_the_film_would_drag():
    clip = seen("05 demo.mp4", duration_s=60.0, step_s=0.25, sharp=(0.5,) * 240, light=(0.5,) * 240)
    draft = drafted("fast", "01 a.jpg", "05 demo.mp4", looked=(clip,), target_duration_s=16.0)
    spans = [shot.within for shot in draft.shots if shot.asset_id == "asset_05"]
    assert len(spans) == 9 and all(a and b and a[1] == b[0] for a, b in pairwise(spans))
    assert order(drafted("fast", "01 a.jpg", "05 demo.mp4", target_duration_s=16.0)) == "15"  # nobody looked


@pytest.mark.parametrize("words", ["skip photo, ", "start with photo and clip 3 and x. ", "only 2 s of a. "])
def test_many_words_and_many_files_are_read_without_comparing_each_with_each(
    words: str, monkeypatch: pytest.MonkeyPatch
):
    """A submit waits for it: comparing the visuals of each phrase with all others took a minute."""
    assets = tuple(
        RenderAsset(asset_id=f"a{n}", file_name=f"photo {n}.jpg", media_kind=MediaKind.IMAGE)
        for n in range(100)
    )
    request = MediaRender(assets=assets, ai_analysis=True, instructions=(words * 400)[:4000])
    compared = []
    monkeypatch.setattr(Visual, "__eq__", lambda one, other: compared.append(one) or one is other)
    assert likely_plan(request).cuts
    assert compared == []
