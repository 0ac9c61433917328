"""The seven looks for captions: each in its own manner, within the safe area, legible on anything."""

from math import ceil

import numpy as np
import pytest
from PIL import Image

from farm.errors import BadRequest
from farm.timeline import Position
from tasks.media_render.params import SIZES, TEXT_TEMPLATES
from workers.cpu_render.text import template_named, templates
from workers.cpu_render.text.contract import Drawing, Stage
from workers.cpu_render.text.safe_area import SafeArea

NAMES = list(TEXT_TEMPLATES.values())
STAGES = [Stage(width, height, position) for width, height in SIZES.values() for position in Position]
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitän"
TEXTS = ["A", "Hi", "gypsy jumps", "The product finally makes sense", "First line\nand a second", LONG_WORD]


def drawn(name: str, text: str, stage: Stage) -> Drawing:
    return template_named(name).draw(text, stage)


def over(drawing: Drawing, stage: Stage, ground: str) -> np.ndarray:
    """The frame in RGB with a drawing over one colour."""
    frame = Image.new("RGB", (stage.width, stage.height), ground)
    frame.paste(drawing.image, (drawing.x, drawing.y), drawing.image)
    return np.asarray(frame, np.int32)


def solid(drawing: Drawing) -> tuple[int, int, int, int]:
    """Where it is all but opaque, in the frame: its letters and box without shades around them."""
    mask = drawing.image.getchannel("A").point(lambda alpha: 255 if alpha >= 160 else 0)
    left, top, right, bottom = mask.getbbox()
    return drawing.x + left, drawing.y + top, drawing.x + right, drawing.y + bottom


def white(drawing: Drawing) -> tuple[int, int, int, int]:
    """Where its white letters stand, in the frame."""
    pixels = np.asarray(drawing.image)
    rows, columns = np.nonzero((pixels[..., :3].min(axis=2) > 250) & (pixels[..., 3] > 250))
    return (
        drawing.x + columns.min(),
        drawing.y + rows.min(),
        drawing.x + columns.max() + 1,
        drawing.y + rows.max() + 1,
    )


def test_d089_the_templates_a_caller_may_ask_for_are_those_the_renderer_draws():
    assert {slug: template.name for slug, template in templates().items()} == dict(TEXT_TEMPLATES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stage", STAGES, ids=str)
def test_d090_every_look_stands_in_the_safe_area_at_each_position(name, stage):
    area = SafeArea.of(stage)
    left, top, right, bottom = solid(drawn(name, "The product finally makes sense", stage))
    edge = ceil(0.02 * min(stage.width, stage.height))  # an outline may reach a little over the letters' edge
    if name != "Midnight Strip":
        assert left >= area.left - edge and right <= area.right + edge
        assert abs((left + right) / 2 - stage.width / 2) <= edge
    assert top >= area.top - edge and bottom <= area.bottom + edge
    if stage.position is Position.MIDDLE:
        assert abs((top + bottom) - (area.top + area.bottom)) / 2 <= 1.5 * edge
    else:
        near = top - area.top if stage.position is Position.TOP else area.bottom - bottom
        assert near <= 0.05 * min(stage.width, stage.height)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (320, 320)])
def test_one_letter_two_lines_and_long_words_stay_in_the_frame(name, text, size):
    drawing = drawn(name, text, Stage(*size, Position.MIDDLE))
    left, top, right, bottom = solid(drawing)
    assert left >= 0 and right <= size[0] and top >= 0 and bottom <= size[1]
    assert bottom > top and right > left


@pytest.mark.parametrize("name", NAMES)
def test_a_second_line_makes_it_taller_and_a_long_text_smaller_but_never_too_tall(name):
    stage = Stage(1080, 1920, Position.MIDDLE)
    _, top, _, bottom = solid(drawn(name, "One line", stage))
    _, top2, _, bottom2 = solid(drawn(name, "One line\nand two", stage))
    assert bottom2 - top2 > 1.3 * (bottom - top)
    _, top3, _, bottom3 = solid(drawn(name, "so many words that they must shrink " * 8, stage))
    assert bottom3 - top3 <= 0.42 * stage.height


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["\u13e3\u13b3\u13a9", "\U0001fbc5"])
def test_letters_without_a_font_are_refused_by_name(name, text):
    with pytest.raises(BadRequest, match=f"No font at hand draws .*{text[0]}"):
        drawn(name, text, Stage(1080, 1920, Position.TOP))


def test_d092_the_headline_bar_is_compact_and_white_with_dark_letters():
    stage = Stage(1080, 1920, Position.MIDDLE)
    drawing = drawn("Headline Bar", "Breaking", stage)
    left, top, right, bottom = solid(drawing)
    picture = over(drawing, stage, "#808080")[top:bottom, left:right]
    assert picture[12:-12, 4].min() == picture[4, 12:-12].min() == 255  # to its very edges
    assert picture.min() < 30
    assert right - left < 0.5 * stage.width and bottom - top < 0.08 * stage.height


def test_d093_the_cloud_tag_is_the_smallest_and_round():
    stage = Stage(1080, 1920, Position.MIDDLE)
    left, top, right, bottom = solid(drawn("Cloud Tag", "Hello there", stage))
    widths = {name: solid(drawn(name, "Hello there", stage)) for name in ("Headline Bar", "Title", "Bold")}
    assert all(right - left < box[2] - box[0] for box in widths.values())
    image = drawn("Cloud Tag", "Hello there", stage)
    y, x = top - image.y, left - image.x
    alpha = np.asarray(image.image.getchannel("A"), np.int32)
    assert alpha[y + 2, x + 2] < 120 < 230 < alpha[y + (bottom - top) // 2, x + 4]  # its corner is cut away


def test_d094_the_midnight_strip_is_dark_from_edge_to_edge():
    stage = Stage(1080, 1920, Position.BOTTOM)
    drawing = drawn("Midnight Strip", "Later that night", stage)
    left, top, right, bottom = solid(drawing)
    assert (left, right) == (0, 1080)
    strip = over(drawing, stage, "#FFFFFF")[top:bottom]
    assert strip[:, 0].max() < 80 and strip[:, -1].max() < 80
    assert strip.max() == 255
    assert white(drawing)[0] >= SafeArea.of(stage).left


def test_d095_the_title_is_the_largest():
    stage = Stage(1080, 1920, Position.MIDDLE)
    heights = {}
    for name in ("Snapchat Hook", "Midnight Strip", "Title", "Simple", "Bold"):
        _, top, _, bottom = white(drawn(name, "Title", stage))
        heights[name] = bottom - top
    assert max(heights, key=heights.__getitem__) == "Title"


def test_d096_simple_is_boxed_and_readable_over_white():
    stage = Stage(1080, 1920, Position.MIDDLE)
    drawing = drawn("Simple", "Readable", stage)
    left, top, right, bottom = solid(drawing)
    box = over(drawing, stage, "#FFFFFF")[top + 4 : bottom - 4, left + 40 : right - 40]
    assert contrast(box.max(), box[2].max()) >= 7  # WCAG's enhanced level


def test_d097_bold_has_a_heavy_black_outline():
    stage = Stage(1080, 1920, Position.MIDDLE)
    drawing = drawn("Bold", "I", stage)
    left, _, right, _ = solid(drawing)
    inner_left, _, inner_right, _ = white(drawing)
    assert min(inner_left - left, right - inner_right) >= 0.08 * 108
    frame = over(drawing, stage, "#FFFFFF")
    assert frame[:, left + 2 : inner_left - 2].min() == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ground", ["#FFFFFF", "#000000", "#808080"])
def test_every_look_is_legible_on_white_grey_and_black(name, ground):
    stage = Stage(1080, 1920, Position.MIDDLE)
    drawing = drawn(name, "HIM", stage)
    left, top, right, bottom = solid(drawing)
    left, right = max(left, 480), min(right, 600)  # of the strip the part with letters
    part = over(drawing, stage, ground)[top:bottom, left:right].mean(axis=2)
    assert contrast(np.percentile(part, 97), np.percentile(part, 6)) >= 4.5


@pytest.mark.parametrize("name", ["Headline Bar", "Cloud Tag", "Midnight Strip", "Simple"])
def test_letters_stand_in_the_middle_of_their_box_as_the_eye_sees_it(name):
    stage = Stage(1080, 1920, Position.MIDDLE)
    drawing = drawn(name, "H", stage)
    left, top, right, bottom = solid(drawing)
    part = over(drawing, stage, "#808080")[top:bottom, left:right].mean(axis=2)
    ground = np.median(part)
    rows, columns = np.nonzero(abs(part[:, 4:-4] - ground) > 90)
    inner = (rows > 6) & (rows < part.shape[0] - 7)
    rows, columns = rows[inner], columns[inner] + 4
    assert abs((rows.min() + rows.max() + 1) / 2 - part.shape[0] / 2) <= 1.5
    assert abs((columns.min() + columns.max() + 1) / 2 - part.shape[1] / 2) <= 2


def test_a_long_word_breaks_into_pieces_of_like_length():
    stage = Stage(1080, 1920, Position.MIDDLE)
    one = solid(drawn("Bold", LONG_WORD, stage))
    assert one[2] - one[0] < 0.75 * stage.width  # two halves, not a full line and a rest


def contrast(light: float, dark: float) -> float:
    """WCAG's contrast of two greys 0..255."""
    return (_luminance(light) + 0.05) / (_luminance(dark) + 0.05)


def _luminance(grey: float) -> float:
    share = grey / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
