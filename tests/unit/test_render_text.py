"""Captions: found by name, set in lines that fit, drawn in fonts that have the letters."""

import numpy as np
import pytest

from farm.errors import BadRequest
from farm.timeline import Position, TextClip
from workers.cpu_render.text import template_named, templates
from workers.cpu_render.text.contract import Stage
from workers.cpu_render.text.layer import TextLayer
from workers.cpu_render.text.prepared import prepare
from workers.cpu_render.text.safe_area import SafeArea
from workers.cpu_render.text.typesetting import typeset, undrawable
from workers.media.planes import Planes

UPRIGHT = Stage(1080, 1920, Position.TOP)
WIDE = Stage(1920, 1080, Position.TOP)


def set_in(stage, text):
    return typeset(text, stage, size=88, smallest=44, most_lines=4)


@pytest.mark.parametrize("name", ["Snapchat Hook", "snapchat-hook", "snapchat_hook", "SNAPCHAT HOOK"])
def test_d_091_the_snapchat_hook_is_found_in_any_spelling(name):
    assert template_named(name).name == "Snapchat Hook"


def test_an_unknown_template_is_refused_naming_the_known_ones():
    with pytest.raises(BadRequest, match="Snapchat Hook") as caught:
        template_named("Comic Burst")
    assert caught.value.param == "templateName"


def test_every_template_draws_within_the_frame():
    for template in templates().values():
        for position in Position:
            drawing = template.draw("The product finally makes sense", Stage(1080, 1920, position))
            seen = drawing.image.getchannel("A").point(lambda alpha: alpha if alpha > 16 else 0)
            left, top, right, bottom = seen.getbbox()  # the last trace of a shade may be cut off
            assert drawing.x + left >= 0 and drawing.x + right <= 1080
            assert drawing.y + top >= 0 and drawing.y + bottom <= 1920


def test_lines_are_of_like_length():
    setting = set_in(UPRIGHT, "one two three four five six seven")
    widths = [line.width for line in setting.shaped]
    assert len(widths) == 2 and min(widths) > 0.6 * max(widths)


def test_line_breaks_of_the_author_are_kept():
    assert set_in(UPRIGHT, "first\n\nsecond line").lines == ("first", "second line")


@pytest.mark.parametrize("stage", [UPRIGHT, WIDE, Stage(320, 320, Position.MIDDLE)])
@pytest.mark.parametrize("text", ["Hi", "word " * 30, "Donaudampfschifffahrtsgesellschaft" * 2, "x" * 300])
def test_any_length_stays_in_the_safe_area(stage, text):
    setting = set_in(stage, text)
    assert setting.width <= SafeArea.of(stage).width
    assert "".join(setting.lines).replace(" ", "") == text.replace(" ", "")


def test_long_text_shrinks_before_it_breaks_words():
    long = set_in(UPRIGHT, "an uncomfortably long sentence that will not fit at its full size " * 2)
    assert long.size < set_in(UPRIGHT, "short").size


def test_symbols_no_font_has_are_left_out_and_said():
    assert prepare("So good \U0001fbc5!").text == "So good !"
    assert undrawable("So good \U0001fbc5 \U0001fbc6!") == "\U0001fbc5 \U0001fbc6"
    assert undrawable("So good \U0001f389!") == ""


@pytest.mark.parametrize(
    "text", ["Tsalagi \u13e3", "\U0001fbc5", "\U0001fbc5\u200d\U0001fbc5", "   ", "\u200b\u2060"]
)
def test_text_that_cannot_be_drawn_is_refused(text):
    with pytest.raises(BadRequest, match="No font at hand draws") as caught:
        typeset(text, UPRIGHT, size=88, smallest=44, most_lines=4)
    assert caught.value.param == "text"


def hook(position=Position.TOP):
    clip = TextClip(
        text="Hello", start_frame=0, end_frame_exclusive=9, template="Snapchat Hook", position=position
    )
    return TextLayer.of(clip, 1080, 1920)


def test_white_letters_come_out_in_limited_range_white():
    canvas = Planes.blank(1080, 1920)
    hook().lay_on(canvas, 1.0)
    assert canvas.y.max() == 235
    rows = np.flatnonzero((canvas.y > 200).any(axis=1))
    assert rows[0] >= 0.12 * 1920 and rows[-1] < 0.2 * 1920
    bright = canvas.y[::2, ::2] > 230
    assert (abs(canvas.u[bright].astype(int) - 128) <= 1).all()


def test_fading_scales_what_is_seen():
    canvas, half = Planes.blank(1080, 1920), Planes.blank(1080, 1920)
    hook().lay_on(canvas, 0.0)
    assert (canvas.y == 16).all()
    hook().lay_on(half, 0.5)
    assert half.y.max() in range(124, 128)  # halfway between 16 and 235


@pytest.mark.parametrize(
    ("position", "low", "high"), [(Position.MIDDLE, 0.4, 0.6), (Position.BOTTOM, 0.7, 0.81)]
)
def test_the_position_is_kept(position, low, high):
    canvas = Planes.blank(1080, 1920)
    hook(position).lay_on(canvas, 1.0)
    rows = np.flatnonzero((canvas.y > 200).any(axis=1))
    assert low * 1920 <= rows[0] and rows[-1] <= high * 1920
