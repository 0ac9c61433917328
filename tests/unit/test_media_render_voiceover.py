"""A voiceover before anybody speaks: scripts, voices, and where its lines come to lie beside the picture."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from farm.catalog import read_catalog
from farm.errors import BadRequest, FailureClass, FarmUnavailable, TaskFailure
from farm.settings import Settings
from tasks.media_render import KIND, Voiceover, timeline_of
from tasks.media_render.params import LINE_CHARACTERS, MAX_LINES
from tasks.media_render.script import lines_of_srt, lines_of_text
from tasks.media_render.voiceover import Speech, estimated, notes, said, until
from tasks.media_render.voices import BUNDLED, ENGINES, UNKNOWN_VOICE, Filters, voices_for, voices_here
from tests.unit.test_media_render_kind import price, render
from workers.cpu_render import narration
from workers.cpu_render.voice import engine_named, engines, espeak_ng
from workers.cpu_render.voice.contract import Engine

WREN = "svoice_espeak_en-us_female"
SR = 48_000


def script(*lines, **changes):
    """Lines as texts, as (start in seconds, text), or as they are."""
    given = [
        {"text": line}
        if isinstance(line, str)
        else line
        if isinstance(line, dict)
        else {"start_s": line[0], "text": line[1]}
        for line in lines
    ]
    return {"voice_id": WREN, "lines": given, **changes}


def speech(*seconds):
    return Speech(lengths=tuple(Fraction(str(length)) for length in seconds))


def laid_out(params, *seconds):
    return timeline_of(params, speech=speech(*seconds))


def heard(timeline):
    """(start, end, start in the file) of every line, in seconds."""
    (track,) = (track for track in timeline.audio if track.is_voice)
    return [
        (clip.start_sample / SR, clip.end_sample_exclusive / SR, float(clip.source_start))
        for clip in track.clips
    ]


def cuts(timeline):
    return [clip.end_frame_exclusive / 30 for clip in timeline.video[0].clips]


# --- scripts -----------------------------------------------------------------------------------------


def test_d125_a_text_is_said_sentence_by_sentence():
    lines = lines_of_text("One  thing.\n\n  Dr. Who? Yes! ... 9 p.m. it is\n...\nÇa va.")
    assert {line.start for line in lines} == {None}
    assert [line.text for line in lines] == ["One thing.", "Dr. Who?", "Yes!", "... 9 p.m. it is", "Ça va."]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("नमस्ते। यह फार्म है।", ["नमस्ते।", "यह फार्म है।"]),
        ("你好！我们开始吧。 「真的吗？！」他说。", ["你好！", "我们开始吧。", "「真的吗？！」他说。"]),  # noqa: RUF001  # as written
        ("هل أنت جاهز؟ لنبدأ.", ["هل أنت جاهز؟", "لنبدأ."]),
    ],
)
def test_d125_sentences_end_as_their_script_ends_them(content, said):
    assert [line.text for line in lines_of_text(content)] == said


def test_d125_a_sentence_that_never_ends_is_said_in_pieces_between_words():
    """As a transcript without punctuation is; it was refused as longer than a line may be."""
    lines = lines_of_text("One.\n\n" + "word-for-word " * 300, LINE_CHARACTERS)
    assert [line.paragraph for line in lines] == [False, True, False, False]
    assert all(len(line.text) <= LINE_CHARACTERS for line in lines)
    assert " ".join(line.text for line in lines[1:]).split() == ["word-for-word"] * 300


def test_d125_a_blank_row_begins_a_paragraph_and_a_longer_pause():
    lines = lines_of_text("\n\nOne. Two.\nThree.\n \n...\n\nFour. Five.")
    assert [line.paragraph for line in lines] == [False, False, False, True, False]
    given = script("One.", {"text": "Two.", "paragraph": True}, "Three.")
    timeline = laid_out(render("1.png", voiceover=given), 1, 1, 1)
    assert [start for start, _, _ in heard(timeline)] == [0.3, 2.1, 3.45]


def test_d127_srt_is_read_as_it_is_found_in_the_wild():
    found = lines_of_srt(
        "\ufeff2\r\n00:00:04,500 --> 00:00:06,000 X1:40\r\n- Then <i>this</i> &amp;\r\n{\\an8}that.\r\n \r\n"
        "1\r\n00:01.25 --> 00:00:02,000\r\nFirst.\r\n\r\n3\r\n00:00:07,000 --> 00:00:08,000\r\n<b>♪</b>\r\n"
    )
    assert [(line.text, line.start) for line in found] == [
        ("First.", Fraction(5, 4)),
        ("- Then this & that.", Fraction(9, 2)),
    ]


@pytest.mark.parametrize(
    ("content", "cue"),
    [
        ("1\nHello.", 1),
        ("1\n00:00:01,000 --> 00:00:02,000\nA.\n\n2\n00:00:05,000 --> 00:00:04,000\nB.", 2),
        ("1\n00:00:01,000 -> 00:00:02,000\nA.", 1),
        ("1\n00:00:99,000 --> 00:00:02,000\nA.", 1),
        ("1", 1),
    ],
)
def test_d127_what_is_no_srt_is_refused_with_the_number_of_the_cue(content, cue):
    with pytest.raises(BadRequest, match=f"Cue {cue} "):
        lines_of_srt(content)


@pytest.mark.parametrize(
    "given",
    [
        script(),
        script("  "),
        script("..."),
        script(*["x" * LINE_CHARACTERS] * 10, "y"),
        script("x" * (LINE_CHARACTERS + 1)),
        script(*["x"] * (MAX_LINES + 1)),
        script((-1, "x")),
        {"lines": [{"text": "x"}]},
    ],
)
def test_d124_a_script_has_words_and_limits(given):
    with pytest.raises(ValidationError):
        Voiceover.model_validate(given)


# --- the layout --------------------------------------------------------------------------------------


def test_d128_lines_follow_each_other_as_they_were_spoken():
    timeline = laid_out(render("1.png", "2.png", voiceover=script("One.", "Two.")), 1.5, 2)
    assert heard(timeline) == [(0.3, 1.8, 0), (2.15, 4.15, 1.5)]
    assert timeline.medium("voiceover").duration == Fraction(7, 2)
    assert cuts(timeline) == [3, 6]  # longer than the speech: the picture stays as it was


def test_d128_the_visuals_share_a_longer_speech_and_the_last_word_is_said():
    params = render("1.png", "2.png", "3.png", voiceover=script("One.", "Two."))
    assert cuts(laid_out(params, 10, 9.85)) == [7, 14, 21]  # 0.3 + 10 + 0.35 + 9.85, and half a second more


def test_d084_d133_what_was_timed_by_hand_stays_and_only_the_last_picture_is_held():
    set_by_hand = [{"asset_id": "1.png", "duration_s": 2}]
    params = render("1.png", "2.png", "3.png", voiceover=script("One."), durations=set_by_hand)
    assert cuts(laid_out(params, 11.2)) == [2, 7, 12]
    placed = [{"asset_id": "1.png", "duration_s": 2}, {"asset_id": "2.png", "duration_s": 2}]
    params = render("1.png", "2.png", voiceover=script("One."), placements=placed)
    assert cuts(laid_out(params, 11.2)) == [2, 12]


def test_d127_cues_come_at_their_times_and_none_is_cut_short():
    """The second is longer than its place: the third waits for it. Cuts stay, the last picture is held."""
    params = render("1.png", "2.png", voiceover=script((0, "One."), (2, "Two."), (3, "Three."), (9, "Four.")))
    timeline = laid_out(params, 1, 2.5, 1, 3)
    assert heard(timeline) == [(0, 1, 0), (2, 4.5, 1), (4.55, 5.55, 3.5), (9, 12, 4.5)]
    assert cuts(timeline) == [3, 12.5]
    late, longer = notes(params, speech(1, 2.5, 1, 3), Fraction(6))
    assert late.startswith("1 of 4 lines of the voiceover start later than asked, by up to 1.6 s")
    assert longer == "The voiceover ends at 12.0 s: the picture stays until then, instead of 6.0 s."


def test_nothing_is_noted_where_all_found_its_place():
    params = render("1.png", "2.png", voiceover=script((1, "One."), (3, "Two.")))
    assert list(notes(params, speech(1, 1), Fraction(6))) == []


def test_d132_cuts_follow_the_beats_within_a_picture_that_waits_for_the_voice():
    pictures = [f"{n}.png" for n in range(4)]
    params = render(*pictures, bgm_query="neon-run", beat_sync=True, voiceover=script("One."))
    timeline = laid_out(params, 22.2)
    *inner, end = cuts(timeline)
    assert end == 23
    for cut, plain in zip(inner, (5.75, 11.5, 17.25), strict=True):
        beats = cut * 128 / 60
        assert abs(beats - round(beats)) * 60 / 128 <= 1 / 60 + 1e-6
        assert abs(cut - plain) <= 0.5
    assert heard(timeline) == [(0.3, 22.5, 0)]


def test_music_runs_until_the_voice_has_ended():
    params = render("1.png", "m.mp3", bgm_asset_id="m.mp3", voiceover=script("One."))
    music, voice = laid_out(params, 9.2).audio
    assert (music.role, voice.role) == ("music", "voiceover")
    assert music.clips[0].end_sample_exclusive == 10 * SR


def test_d121_a_line_at_which_a_voice_only_hums_fails_the_job(tmp_path, monkeypatch):
    """As Pico does at letters that it does not know: better no film than one that lacks words."""
    hum = np.tile(np.array([100, -100], np.int16), 4000)
    engine = Engine("hum", "", 16_000, is_installed=lambda: True, speak=lambda *asked: hum)
    monkeypatch.setattr(narration, "engine_named", lambda name: engine)
    with pytest.raises(TaskFailure, match="nothing is heard of 'Привет'"):
        narration.narrate(Voiceover.model_validate(script("Привет")), tmp_path / "a.wav", lambda: None)


# --- voices ------------------------------------------------------------------------------------------


def test_every_voice_has_an_engine_and_every_engine_has_voices():
    assert set(ENGINES) == set(engines())
    assert len({voice.id for voice in BUNDLED}) == len(BUNDLED)
    assert all(voice.id.startswith("svoice_") for voice in BUNDLED)  # D-155
    assert set(read_catalog(Settings()).voices.engines) <= set(engines())


def found(**filters):
    return voices_for(Filters(**filters))


def test_d153_d154_voices_are_found_by_language_gender_and_engine():
    assert {voice.locale for voice in found(language="en")} == {"en-US", "en-GB"}
    assert {voice.locale for voice in found(language="EN_gb")} == {"en-GB"}
    (wren,) = found(language="en-US", gender="female", engine="espeak-ng")
    assert wren.id == WREN
    assert found(language="tlh") == ()
    assert found() == voices_here()


def test_the_operator_says_which_engines_speak(tmp_path, monkeypatch):
    (tmp_path / "voices.toml").write_text('[voices]\nengines = ["ttspico"]\n')
    monkeypatch.setenv("FARM_CONFIG_DIR", str(tmp_path))
    assert {voice.engine for voice in voices_here()} == {"ttspico"}
    with pytest.raises(BadRequest) as caught:
        timeline_of(render("1.png", voiceover=script("One.")))
    assert caught.value.public_code == UNKNOWN_VOICE


def test_a_word_that_is_no_engine_is_told_to_the_operator(tmp_path, monkeypatch):
    (tmp_path / "voices.toml").write_text('[voices]\nengines = ["espeak"]\n')
    monkeypatch.setenv("FARM_CONFIG_DIR", str(tmp_path))
    with pytest.raises(FarmUnavailable, match="no speech engine 'espeak'; known: espeak-ng, ttspico"):
        voices_here()


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"voice_id": "dvoice_1"}, "voiceover.voice_id", UNKNOWN_VOICE),  # D-129
        ({"language": "fr-FR"}, "voiceover.language", "invalid_request"),  # D-123
        ({"language": "english, please"}, "voiceover.language", "invalid_request"),
        ({"lines": [{"text": "x", "start_s": 3599.5}]}, "voiceover.lines", "invalid_request"),
    ],
)
def test_what_cannot_be_met_is_refused_when_it_is_asked(changes, param, code):
    with pytest.raises(BadRequest) as caught:
        timeline_of(render("1.png", voiceover=script("One.", **changes)))
    assert (caught.value.param, caught.value.public_code) == (param, code)


def test_d123_a_hint_of_another_region_is_taken():
    timeline_of(render("1.png", voiceover=script("One.", language="en-AU")))


def test_a_gif_has_no_voiceover():
    with pytest.raises(BadRequest, match="no sound"):
        timeline_of(render("1.png", voiceover=script("One."), profile="gif", output_file_name="a.gif"))


# --- the task ----------------------------------------------------------------------------------------


def test_the_task_carries_the_request_and_asks_for_no_file_more():
    params = render("1.png", bgm_query="calm", voiceover=script("One."))
    (task,) = KIND.plan(params)
    assert task.inputs == ("1.png",)
    assert task.params["unspoken"]["voiceover"]["voice_id"] == WREN
    assert task.params["unspoken"]["bgm_query"] == "slow-tide"  # chosen here, for every worker
    assert not [track for track in timeline_of(params).audio if track.is_voice]
    (silent,) = KIND.plan(render("1.png"))
    assert silent.params["unspoken"] is None


def test_d135_chinese_is_not_thought_to_be_said_as_fast_as_it_is_written():
    """A hundred characters take 20 seconds or so; they were estimated, and charged, as eight."""
    voiceover = Voiceover.model_validate(script("今天天气很好我们去公园" * 9 + "。"))
    assert 16 < sum(estimated(voiceover).lengths) < 25


def test_d135_a_voiceover_costs_a_credit_a_minute_as_its_script_is_long():
    """1,195 characters are a hundred seconds; the picture is as long as they are with their pauses."""
    params = render("1.png", voiceover=script("x" * 1196 + "."))
    assert sum(estimated(params.voiceover).lengths) == pytest.approx(100, abs=0.1)
    (item,) = said(params.voiceover, estimated(params.voiceover))
    assert until(params.voiceover, estimated(params.voiceover)) == item.end + Fraction(1, 2)
    assert price(params) == pytest.approx((100.85 / 60 * 5 + 100.05 / 60) * 1000, abs=10)


def test_what_is_said_quicker_is_likely_to_be_shorter():
    plain, quick = (
        estimated(Voiceover.model_validate(script("x" * 120, speed=speed))).lengths[0] for speed in (1.0, 1.6)
    )
    assert (plain, quick) == (Fraction(103, 10), Fraction(100, 16) + Fraction(3, 10))
    for speed in (0.4, 2.1, "1", True):
        with pytest.raises(ValidationError):
            Voiceover.model_validate(script("x", speed=speed))


def test_a_worker_without_the_engine_says_so_by_code(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("espeak-ng", "no-such-engine"):
        with pytest.raises(TaskFailure, match=f"no speech engine {name}") as caught:
            engine_named(name)
        assert (caught.value.failure, caught.value.public_code) == (
            FailureClass.INTERNAL,
            "voice_engine_missing",
        )


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("echo no such voice >&2; exit 1", "no such voice"),
        ("exit 0", "no reason given"),
        ('while [ "$1" != -w ]; do shift; done; echo junk >"$2"', "its file is broken"),
    ],
)
def test_an_engine_that_does_not_speak_says_why(tmp_path, monkeypatch, does, says):
    program = tmp_path / "espeak-ng"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(TaskFailure, match=says) as caught:
        espeak_ng.ENGINE.speak("en-us", "Hello", Path(tmp_path), 1.0)
    assert caught.value.public_code == "speech_failed"
