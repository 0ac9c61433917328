"""What `farm render` asks of a farm: lengths, words for the planner, a script. Issue 4 items 4 and 5."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from farm.cli import render
from farm.cli.footage import gather
from farm.cli.rendering import Wish, params_of
from farm.cli.texts import read_script
from farm.errors import BadRequest
from tasks.media_render import MediaRender, Voiceover, timeline_of

VOICE = "svoice_espeak_en-us_female"


@pytest.fixture
def trip(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (32, 18)).save(tmp_path / name)
    return tmp_path


def asked(trip: Path, voiceover: Voiceover | None = None, **wish: Any) -> MediaRender:
    """What is asked for b.png and a.png, in this order."""
    known: dict[str, Any] = {"aspect": "1:1", "seconds": None, "transitions": None, "fps": 30.0}
    given = Wish(**{**known, "text": None, "music_volume": 0.5, **wish})
    footage = replace(gather([trip / "b.png", trip / "a.png"], None), voiceover=voiceover)
    return params_of(footage, ["asset_b", "asset_a"], given, Path("film.mp4"), ())


def lengths(params: MediaRender) -> list[tuple[str, int]]:
    clips = timeline_of(params).video[0].clips
    return [(clip.media, clip.end_frame_exclusive - clip.start_frame) for clip in clips]


def test_pictures_come_in_the_order_given_for_three_seconds_or_as_long_as_was_said(trip: Path) -> None:
    assert lengths(asked(trip)) == [("asset_b", 90), ("asset_a", 90)]
    assert lengths(asked(trip, seconds=1.5)) == [("asset_b", 45), ("asset_a", 45)]
    assert lengths(asked(trip, length_s=5.0)) == [("asset_b", 75), ("asset_a", 75)]


def test_instructions_go_to_a_planner_who_may_choose_the_transitions_unless_they_were_named(
    trip: Path,
) -> None:
    params = asked(trip, instructions="a first, 2 seconds each", length_s=4.0)
    assert params.ai_analysis and params.vision_analysis and params.audio_analysis
    assert (params.instructions, params.target_duration_s) == ("a first, 2 seconds each", 4.0)
    assert not params.cuts and not params.placements
    assert "transition_types" not in params.model_fields_set
    named = asked(trip, instructions="calm", transitions=("fade",))
    assert named.transition_types == ("fade",) and "transition_types" in named.model_fields_set


def test_a_script_is_spoken_sentence_by_sentence_or_cue_by_cue(trip: Path) -> None:
    (trip / "script.txt").write_text("\ufeffOne day. Two days.\n\nThe end.\n")
    (trip / "script.SRT").write_text("1\n00:00:01,500 --> 00:00:02,000\n<i>Hello</i> there\n")
    plain = read_script(trip / "script.txt", VOICE)
    assert [(line.text, line.start_s, line.paragraph) for line in plain.lines] == [
        ("One day.", None, False),
        ("Two days.", None, False),
        ("The end.", None, True),
    ]
    timed = read_script(trip / "script.SRT", VOICE)
    assert [(line.text, line.start_s) for line in timed.lines] == [("Hello there", 1.5)]
    params = asked(trip, voiceover=timed)
    assert params.voiceover == timed
    # A voice that only the farm knows is the farm's affair.
    elsewhere = read_script(trip / "script.txt", "dvoice_01")
    assert asked(trip, voiceover=elsewhere).voiceover == elsewhere


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b" \n", "says nothing"),
        ("a.txt", b"...", "says nothing"),
        ("a.txt", b"caf\xe9", "is not UTF-8 text"),
        ("a.srt", b"1\nHello", "Cue 1 has no line of times"),
        ("a.txt", b"word " * 4_100, r"a\.txt: a script has at most 20000 characters"),
    ],
)
def test_a_script_that_cannot_be_spoken_is_told_at_once(
    trip: Path, name: str, content: bytes, said: str
) -> None:
    (trip / name).write_bytes(content)
    with pytest.raises(BadRequest, match=said) as refused:
        read_script(trip / name, VOICE)
    assert refused.value.param == "script"
    with pytest.raises(BadRequest, match="There is no script"):
        read_script(trip / "none.txt", VOICE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seconds", "1", "--length", "9"], "Pass --seconds or --length, not both."),
        (["--seconds", "1", "--instructions", "calm"], "Pass --seconds or --instructions, not both."),
        (["--length", "0"], "--length: Input should be greater than 0."),
        (["--seconds", "-1"], "--seconds: Input should be greater than 0."),
        (["--length", "0.3"], "2 visuals take 0.4 s at least"),
        (["--voice", "svoice_espeak_de_female"], "--voice speaks a --script; pass one."),
    ],
)
def test_options_that_cannot_be_are_refused_by_their_names(trip: Path, words: list[str], said: str) -> None:
    done = CliRunner().invoke(render.app, ["render", str(trip), "-o", str(trip / "film.mp4"), *words])
    assert isinstance(done.exception, BadRequest), done.exception
    assert said in done.exception.message
