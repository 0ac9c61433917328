"""The embedded planner: what it understands of instructions, what it leaves out, and what it admits."""

from typing import Any

import pytest

from farm.timeline import MediaKind
from tasks.media_render import AssetDuration, MediaRender, RenderAsset
from tasks.media_render.planning.brief import brief_of
from tasks.media_render.planning.draft import Draft
from tasks.media_render.planning.findings import Heard, Listened, Looked, Seen
from tasks.media_render.planning.moments import best_start
from tasks.media_render.planning.rules import RulePlanner
from tasks.media_render.planning.words import read

NAMES = (
    "01 ui screenshot.png",
    "02 ui settings.png",
    "03 lifestyle beach.jpg",
    "04 lifestyle park.jpg",
    "05 demo.mp4",
)


def asset(name: str, duration_s: float | None = 10.0) -> RenderAsset:
    kind = MediaKind.VIDEO if name.endswith(".mp4") else MediaKind.IMAGE
    return RenderAsset(
        asset_id=f"asset_{name.split(' ')[0]}",
        file_name=name,
        media_kind=kind,
        duration_s=duration_s if kind is MediaKind.VIDEO else None,
    )


def seen(name: str, **facts: Any) -> Seen:
    kind = MediaKind.VIDEO if name.endswith(".mp4") else MediaKind.IMAGE
    usual = {"width": 640, "height": 480, "sharpness": 0.6, "lightness": 0.45}
    return Seen(asset_id=f"asset_{name.split(' ')[0]}", kind=kind, **(usual | facts))


def drafted(
    words: str,
    *names: str,
    looked: tuple[Seen, ...] = (),
    listened: tuple[Heard, ...] = (),
    **params: Any,
) -> Draft:
    assets = tuple(asset(name) for name in names or NAMES)
    request = MediaRender(assets=assets, ai_analysis=True, instructions=words, **params)
    return RulePlanner().draft(brief_of(request, Looked(visuals=looked), Listened(sounds=listened)))


def order(draft: Draft) -> str:
    """The first digits of the shots' files."""
    return "".join(shot.asset_id.removeprefix("asset_")[1] for shot in draft.shots)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "12345"),
        ("Use the UI screenshots first, then the lifestyle shots.", "13425"),  # 01 alone has both words
        ("Use the lifestyle shots first.", "34125"),
        ("Open with the beach, then cut into the demo clip. End with the settings.", "35142"),
        ("Start with 04 lifestyle park.jpg and finish with the first photo.", "42351"),
        ("the demo goes last", "12345"),
        ("put the demo at the beginning", "51234"),
        ("Begin with clip 1. Close with the third picture.", "51243"),
        ("Only use photos", "1234"),
        ("Skip the settings and the park", "135"),
        ("reverse order", "54321"),
        ("Alternate photos and clips.", "15234"),
        ("Keep the given order", "12345"),
        ("Start with the beach, then the park and then end with the demo.", "34125"),
        ("First the demo. Finally, show the beach.", "51243"),
        ("The demo first; and lastly the settings", "51342"),
        ("Put the demo second.", "15234"),
        ("the demo comes 3rd", "12534"),
        ("Show the beach as the second shot and end with the settings", "13452"),
        ("The second shot should be the park", "14235"),
        ("Second: the demo. Third: the beach.", "15324"),
        ("The park first, the demo second and the beach third", "45312"),
        ("Put the settings last and the demo second", "15342"),
        ("Put the demo last and the beach first", "31245"),
        ("Put the park first and the settings last", "41352"),
        ("First the beach and last the demo", "31245"),
        ("Last the settings, first the park", "41352"),
        ("The beach and the park first", "34125"),
        ("Put the demo 12th.", "12345"),
        ("Show the demo after the settings", "12534"),
        ("Put the demo right before the beach.", "12534"),
        ("The settings come after the park. Start with the demo.", "51342"),
        ("Start with the demo. Put the beach before the demo", "35124"),
        ("Move the screenshot after the photos", "23415"),
        ("Show the settings after the lifestyle shots", "13425"),
        ("Reverse order. Put the beach second", "53421"),
        ("The demo second, the rest in reverse order", "45321"),
        ("Put the demo and the park second", "15423"),
        ("Show the demo second for 3 seconds", "15234"),
        ("Use the second and third photos first", "23145"),
        ("Only the second and the last photo", "24"),
        ("Put the first and third photos at the end", "24513"),
    ],
)
def test_d060_words_of_order_are_followed(words: str, expected: str):
    draft = drafted(words)
    assert order(draft) == expected, draft.notes
    assert not [note for note in draft.notes if "Not understood" in note]


@pytest.mark.parametrize(
    "words",
    [
        "Don't put the demo second.",
        "Never show the demo after the beach.",
        "Skip everything after the park.",
        "Show the beach every second.",
        "Use the second.",
        "Add a title before the end.",
        "Show the man in front of the house.",
        "Put the demo before everything else.",
        "Music should come in after the beach.",
        "Wait a split second.",
    ],
)
def test_d060_other_words_of_order_are_said_not_to_be_understood(words: str):
    draft = drafted(words)
    assert (order(draft), draft.notes) == (
        "12345",
        (f"Not understood, and so not followed: {words[:-1]!r}.",),
    )


@pytest.mark.parametrize(
    "words", ["Put the moon second.", "Show the demo after the moon.", "Put some text last."]
)
def test_d060_what_is_not_there_stands_nowhere(words: str):
    draft = drafted(words)
    assert order(draft) == "12345"
    (note,) = draft.notes
    assert note.startswith("No file is called anything like") and note.endswith("passed over.")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Start with the people.", "13245"),
        ("Use photos of people first, then the rest.", "13245"),
        ("End with faces.", "24513"),
        ("Leave out the portraits.", "245"),
        ("Only faces.", "13"),
    ],
)
def test_d064_people_are_those_with_faces_where_faces_were_counted(words: str, expected: str):
    counted = zip(NAMES, (1, 0, 2, None, 0), strict=True)
    looked = tuple(seen(name, faces=count) for name, count in counted)
    draft = drafted(words, looked=looked)
    assert order(draft) == expected, draft.notes


def test_people_whom_nobody_looked_for_are_said_not_to_be_found():
    draft = drafted("Only people.", looked=tuple(seen(name) for name in NAMES))
    assert order(draft) == "12345"
    assert any("'people'" in note for note in draft.notes)


def test_d065_visuals_are_found_by_what_is_said_in_them_where_words_were_listened_for():
    words = "Start with the part about the launch day."
    heard = Heard(asset_id="asset_05", duration_s=10, said="Welcome, today is launch day for all of us.")
    assert order(drafted(words, listened=(heard,))) == "51234"
    unheard = drafted(words, listened=(heard.model_copy(update={"said": None}),))
    assert order(unheard) == "12345" and any("launch day" in note for note in unheard.notes)


def test_a_shuffle_is_the_same_every_time_and_loses_nothing():
    first, second = order(drafted("Shuffle them.")), order(drafted("Shuffle them."))
    assert first == second != "12345" and sorted(first) == list("12345")


@pytest.mark.parametrize(
    ("words", "seconds", "target", "limit"),
    [
        ("", 3.0, None, None),
        ("Keep it energetic.", 1.6, None, None),
        ("A calm film", 4.5, None, None),
        ("Low energy, please", 4.5, None, None),
        ("Not too fast", 3.0, None, None),
        ("Make it 30 seconds", 3.0, 30.0, None),
        ("a punchy 15-second ad", 1.6, 15.0, None),
        ("two seconds each", 2.0, None, None),
        ("2.5 s per photo, at most 20 seconds", 2.5, None, 20.0),
        ("one and a half minutes", 3.0, None, None),  # not a number it knows
        ("cut at 3 seconds", 3.0, None, None),  # a moment is no length
        ("Let it run for 20 seconds", 3.0, 20.0, None),
        ("Show the whole film for 20 seconds", 3.0, 20.0, None),
    ],
)
def test_d060_words_of_pace_and_length_are_followed(
    words: str, seconds: float, target: float | None, limit: float | None
):
    draft = drafted(words)
    assert {shot.seconds for shot in draft.shots} == {seconds}
    assert (draft.target_s, draft.limit_s) == (target, limit)


def test_what_is_not_understood_is_said_and_never_pretended():
    draft = drafted("Make the colours pop. Open with the sunset. Play it for my grandmother, then the demo.")
    said = " ".join(draft.notes)
    assert "Not understood, and so not followed: 'Make the colours pop'" in said
    assert "No file is called anything like 'sunset'" in said
    assert "'Play it for my grandmother'" in said
    assert order(draft) == "51234"


def test_a_name_that_no_file_has_is_taken_for_its_kind_in_an_order_and_never_for_leaving_out():
    draft = drafted("Open with the drone clips. Skip the boring photos.")
    assert order(draft) == "51234"
    assert any("taken for all of that kind" in note for note in draft.notes)
    assert any("'boring photos'" in note and "left out" in note for note in draft.notes)


def test_d064_blurred_and_double_visuals_are_left_out_and_it_is_said():
    looked = (
        seen(NAMES[0], sharpness=0.1),
        seen(NAMES[1]),
        seen(NAMES[2], sharpness=0.4),
        seen(NAMES[3], twin_of="asset_03", sharpness=0.7),
        seen(NAMES[4]),
    )
    draft = drafted("", looked=looked)
    assert order(draft) == "245"  # of the twins the sharper one stays
    assert "Left out, out of focus: 01 ui screenshot.png." in draft.notes
    assert "Left out, shows the same as another: 03 lifestyle beach.jpg." in draft.notes


def test_twins_whose_first_is_blurred_keep_their_sharp_one():
    looked = (seen(NAMES[0], sharpness=0.1), seen(NAMES[1], twin_of="asset_01"), seen(NAMES[2]))
    assert order(drafted("", *NAMES[:3], looked=looked)) == "23"


@pytest.mark.parametrize("words", ["Use all photos.", "Build a story across all assets.", "use everything"])
def test_who_wants_all_gets_all(words: str):
    looked = (seen(NAMES[0], sharpness=0.1), seen(NAMES[1], twin_of="asset_01"))
    assert order(drafted(words, looked=looked)) == "12345"


def test_d133_what_was_named_or_timed_by_hand_is_never_left_out():
    looked = tuple(seen(name, sharpness=0.05, twin_of=None) for name in NAMES[:2])
    draft = drafted(
        "Start with the ui settings.",
        looked=looked,
        durations=(AssetDuration(asset_id="asset_01", duration_s=2.0),),
    )
    assert order(draft) == "21345"


def test_most_are_blurred_is_how_they_are_meant_unless_it_is_said():
    looked = tuple(seen(name, sharpness=0.1) for name in NAMES[:4])
    assert order(drafted("", looked=looked)) == "12345"
    assert order(drafted("Skip blurry pictures.", looked=looked)) == "5"


def test_faults_that_nobody_looked_for_are_not_pretended_to_be_found():
    draft = drafted("No blurry or dark photos.")
    assert order(draft) == "12345"
    assert any("Nobody looked at the pictures" in note for note in draft.notes)


def test_d062_where_there_is_no_room_the_worst_are_left_out():
    looked = tuple(seen(name, sharpness=0.3 + 0.1 * index) for index, name in enumerate(NAMES))
    draft = drafted("Keep the first photo first.", looked=looked, target_duration_s=4.0)
    assert order(draft) == "134"  # from the beginning to the end: of two neighbours the better one
    assert any(note.startswith("Left out, for there is no room: 02") for note in draft.notes)
    assert order(drafted("use only the best 2 visuals", looked=looked)) == "45"
    assert order(drafted("use only the best 4 visuals", looked=looked, target_duration_s=2.0)) == "2345"


def test_d063_without_ai_analysis_nothing_is_arranged():
    assets = tuple(asset(name) for name in NAMES)
    looked = Looked(visuals=tuple(seen(name, sharpness=0.1, twin_of="asset_01") for name in NAMES[1:]))
    request = MediaRender(assets=assets, vision_analysis=True, instructions="Only the demo.")
    assert order(RulePlanner().draft(brief_of(request, looked))) == "12345"


def test_the_documents_own_instructions_are_read():
    cook = read(
        "Create an energetic product launch montage. Build a story across all assets. Add Snapchat-style "
        "text on each clip transition so the message continues until the end. Use the UI screenshots first, "
        "then the lifestyle shots."
    )
    assert (cook.pace, cook.keep_all) == ("fast", True)
    assert (cook.first, cook.after) == (("ui screenshots",), ("lifestyle shots",))
    assert [clause.split()[0] for clause in cook.not_understood] == ["Add"]


@pytest.mark.parametrize(
    "word",
    [
        "use the ",
        "a",
        "first ",
        "leave out ",
        "any ",
        "then ",
        "2 seconds ",
        "1s, ",
        "1s and ",
        "no ",
        "for 2 s\n",
        "keep the ",
        "not but ",
        "1. a\n",
        'text "a',
        "start with 2 s of the ",
        "is shown for ",
    ],
)
def test_long_and_silly_instructions_are_read_as_any(word: str):
    assert drafted((word * 4000)[:4000]).shots


def clip_seen(**facts: Any) -> Seen:
    return seen("05 demo.mp4", duration_s=10.0, step_s=0.5, **facts)


def moment(*, liking: Any = None, speech: tuple[tuple[float, float], ...] = (), **facts: Any) -> float:
    request = MediaRender(assets=(asset("05 demo.mp4"),), ai_analysis=True)
    listened = Listened(sounds=(Heard(asset_id="asset_05", duration_s=10.0, speech=speech),))
    brief = brief_of(request, Looked(visuals=(clip_seen(**facts),)), listened)
    return best_start(brief.visuals[0], 2.0, liking)


def test_d064_the_moment_of_a_clip_is_sharp_lit_and_of_one_shot():
    even = (0.5,) * 20
    sharp = (0.1,) * 8 + (0.6,) * 12
    assert moment(sharp=sharp, light=even, motion=even) >= 4.0
    dark = (0.01,) * 12 + (0.5,) * 8
    assert moment(sharp=even, light=dark, motion=even) >= 6.0
    start = moment(sharp=even, light=even, motion=even, shots=(1.0, 4.0))
    assert not any(start - 0.25 < shot < start + 2.25 for shot in (1.0, 4.0))  # nor in its transitions


def test_fast_films_like_moments_that_move_and_calm_ones_do_not():
    even, motion = (0.5,) * 20, (0.0,) * 10 + (0.2,) * 10
    assert moment(sharp=even, light=even, motion=motion, liking="fast") >= 5.0
    assert moment(sharp=even, light=even, motion=motion, liking="slow") <= 3.0


def test_d065_a_moment_does_not_begin_within_a_sentence():
    even = (0.5,) * 20
    start = moment(sharp=even, light=even, motion=even, speech=((0.0, 3.0), (3.6, 5.2)))
    assert not 0.2 < start < 2.8 and not 3.8 < start < 5.0


def test_d065_lengths_are_whole_beats_of_the_music_where_its_tempo_is_known():
    music = RenderAsset(asset_id="music", file_name="m.mp3", media_kind=MediaKind.AUDIO)
    assets = (*(asset(name) for name in NAMES), music)
    request = MediaRender(assets=assets, ai_analysis=True, instructions="fast", bgm_asset_id="music")
    heard = Listened(sounds=(Heard(asset_id="music", duration_s=60.0, bpm=100.0),))
    lengths = {shot.seconds for shot in RulePlanner().draft(brief_of(request, None, heard)).shots}
    assert lengths == {2 * 0.6}  # no longer than the 1.6 s that were priced


def test_d065_clips_that_were_only_heard_have_their_length_from_that():
    request = MediaRender(assets=(asset("05 demo.mp4", None),), audio_analysis=True)
    heard = Listened(sounds=(Heard(asset_id="asset_05", duration_s=2.5),))
    assert brief_of(request, None, heard).visuals[0].duration_s == 2.5


def test_d060_a_visual_that_is_named_can_have_a_length_of_its_own():
    draft = drafted("Show the demo for 6 seconds, then hold on the beach for 4 s. 2 seconds each.")
    assert [shot.seconds for shot in draft.shots] == [2.0, 2.0, 4.0, 2.0, 6.0]
    assert draft.target_s is None
