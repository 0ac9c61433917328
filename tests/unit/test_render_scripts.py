"""Captions in every script: the right font for each letter, the right order, whole emoji, good breaks."""

# ruff: noqa: RUF001  # full-width punctuation is what is looked at

import shutil
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw

from farm.errors import BadRequest, FarmUnavailable
from farm.timeline import Position
from tasks.media_render.params import TEXT_TEMPLATES
from tests.golden.script_sheet import PREVIEW, SCRIPTS
from workers.cpu_render.text import bidi, emoji, faces, lines, template_named
from workers.cpu_render.text.breaking import atoms
from workers.cpu_render.text.contract import Stage
from workers.cpu_render.text.label import label
from workers.cpu_render.text.lines import line_of
from workers.cpu_render.text.prepared import prepare
from workers.cpu_render.text.safe_area import SafeArea
from workers.cpu_render.text.typesetting import Setting, typeset

UPRIGHT = Stage(1080, 1920, Position.MIDDLE)
FAMILY, ASTRONAUT = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f469\U0001f3fd\u200d\U0001f680"
HEART, KEYCAP = "\u2764\ufe0f", "1\ufe0f\u20e3"
JAPAN, WALES = (
    "\U0001f1ef\U0001f1f5",
    "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
)


def line(text: str) -> lines.Line:
    prepared = prepare(text)
    signs = dict(prepared.pictures)
    return line_of(prepared.text, int(bidi.is_rtl(prepared.text, signs)), prepared)


def fonts(text: str) -> list[str]:
    """The fonts of a line's runs from left to right; `emoji` for pictures."""
    names = [run.face.path.stem.split("-")[0] if run.face else "emoji" for run in line(text).runs]
    return [name for at, name in enumerate(names) if not at or names[at - 1] != name]


def broken(text: str, size: int = 88) -> tuple[str, ...]:
    """The lines of a caption of one size, however many it takes, emoji written as *."""
    setting = typeset(text, UPRIGHT, size=size, smallest=size, most_lines=20)
    signs = {ord(char): "*" for char, _ in prepare(text).pictures}
    return tuple(row.translate(signs) for row in setting.lines)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Plain words, Привет, καλημέρα", ["Inter"]),
        ("日本語 and 한국어", ["NotoSansCJK", "Inter", "NotoSansCJK"]),
        ("中文 2024 年", ["NotoSansCJK", "Inter", "NotoSansCJK"]),
        ("مرحبا iPhone", ["Inter", "NotoSansArabic"]),  # the line runs from the right
        ("Hello שלום", ["Inter", "NotoSansHebrew"]),
        ("ลด 50%", ["NotoSansThai", "Inter"]),
        ("नमस्ते", ["NotoSansDevanagari"]),
        ("বাংলা", ["NotoSansBengali"]),
        ("தமிழ்", ["NotoSansTamil"]),
        ("Հայերեն ქართული", ["DejaVuSans"]),
        ("So good \U0001f389!", ["Inter", "emoji", "Inter"]),
    ],
)
def test_each_letter_is_set_in_the_first_font_that_has_it(text, found):
    assert fonts(text) == found


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_no_letter_is_drawn_as_the_box_for_unknown_ones(text):
    runs = [run for run in line(text).runs if run.face]
    for run in runs:
        font = run.face.at(48)
        box = font.getmask("\U0010ffff")
        for char in run.text:
            if unicodedata.category(char)[0] in "LNPS":
                drawn = font.getmask(char)
                assert drawn.getbbox() and (drawn.size, bytes(drawn)) != (box.size, bytes(box)), char


@pytest.mark.parametrize("name", TEXT_TEMPLATES.values())
@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_d091_to_d097_every_look_sets_every_script_within_the_safe_area(name, text):
    drawing = template_named(name).draw(text, UPRIGHT)
    alpha = np.asarray(drawing.image.getchannel("A"))
    rows, columns = np.nonzero(alpha >= 160)
    area, edge = SafeArea.of(UPRIGHT), 22
    if name != "Midnight Strip":
        assert drawing.x + columns.min() >= area.left - edge
        assert drawing.x + columns.max() <= area.right + edge
    assert drawing.y + rows.min() >= area.top - edge and drawing.y + rows.max() <= area.bottom + edge
    assert 40 <= np.ptp(rows) <= 0.42 * UPRIGHT.height
    assert np.asarray(drawing.image)[rows, columns, :3].std() > 30  # letters on something


def test_lines_of_tall_scripts_stand_further_apart_and_never_touch():
    latin = typeset("One\ntwo", UPRIGHT, size=100, smallest=100, most_lines=4, leading=1.06)
    thai = typeset("ที่นี้\nกุ้ง\nปู่ที่", UPRIGHT, size=100, smallest=100, most_lines=4, leading=1.06)
    assert latin.leading == 106 < thai.leading
    mask = Image.new("L", (thai.width, thai.height))
    thai.draw(mask, 0, 0)
    inked = (np.asarray(mask) > 64).any(axis=1)
    assert np.count_nonzero(np.diff(inked.astype(int)) == 1) >= 2  # clear rows between the lines


@pytest.mark.parametrize("text", ["正式上线，", "「新作」", "新品。", "(Hello)", "مرحبا"])
def test_a_line_is_centred_by_what_is_seen_of_it(text):
    setting = typeset(text, UPRIGHT, size=100, smallest=100, most_lines=1)
    mask = Image.new("L", (setting.width + 200, setting.height))
    setting.draw(mask, 100, 0)
    inked = np.flatnonzero(np.asarray(mask).max(axis=0) > 64)
    assert abs((inked[0] + inked[-1] + 1) / 2 - mask.width / 2) <= 5


def test_a_box_grows_for_letters_that_reach_further_than_capitals():
    latin, thai = (typeset(text, UPRIGHT, size=100, smallest=100, most_lines=4) for text in ("Ham", "ที่"))
    assert (latin.rise, latin.fall) == (72, 0)
    assert thai.rise > 90 and thai.ascent >= thai.rise


CACHES = (faces.faces, faces.face_of, lines.line_of, lines._cluster_face, prepare)


@pytest.fixture
def own_fonts(tmp_path, monkeypatch):
    """An operator's folder of fonts, and how fonts.toml may say that they go first."""
    configs, folder = tmp_path / "configs", tmp_path / "home" / "fonts"
    configs.mkdir()
    folder.mkdir(parents=True)

    def put(*names: str, first: bool = False):
        for name in names:
            shutil.copy(faces.FOLDER / "DejaVuSans-Bold.ttf", folder / name)
        (configs / "fonts.toml").write_text(f'[fonts]\nfolder = "fonts"\nfirst = {str(first).lower()}\n')
        return folder

    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))
    monkeypatch.setenv("FARM_HOME", str(tmp_path / "home"))
    for cached in CACHES:
        cached.cache_clear()
    yield put
    for cached in CACHES:
        cached.cache_clear()


@pytest.mark.parametrize(("first", "latin"), [(False, "Inter"), (True, "Another")])
def test_an_operators_fonts_come_after_the_bundled_ones_or_before_them(own_fonts, first, latin):
    own_fonts("House-Bold.TTF", "Another.otf", first=first)
    order = [face.path.name for face in faces.faces()]
    assert (order[:2] if first else order[-2:]) == ["Another.otf", "House-Bold.TTF"]
    assert fonts("Plain words") == [latin]
    assert fonts("日本") == ["NotoSansCJK"]


def test_a_folder_that_is_missing_and_a_file_that_is_no_font_are_named(own_fonts):
    (own_fonts() / "broken.ttf").write_text("no font")
    with pytest.raises(FarmUnavailable, match=r"broken\.ttf is not a font"):
        faces.faces()
    shutil.rmtree(own_fonts())
    with pytest.raises(FarmUnavailable, match=r"fonts\.toml: there is no folder .*fonts") as refused:
        faces.faces()
    assert refused.value.param == "fonts.folder"


def in_one_font(text: str, base: int) -> np.ndarray:
    """How raqm lays a line out that one font sets."""
    font = faces.faces()[0].at(60)
    mask = Image.new("L", (900, 120))
    way = faces.direction(base == 1)
    ImageDraw.Draw(mask).text((20, 80), text, "white", font, "ls", direction=way)
    return np.asarray(mask, np.float32)


@pytest.mark.parametrize(
    "text",
    [
        "Hello שלום 2024!",
        "שלום (iPhone 15) 50% הנחה",
        "مرحبا (Hello) ١٢٣ و 45.6 ثم",
        "a (ב) c [ד] 3-4, ה",
        "עברית \u200fabc\u200e 7:30",
    ],
)
@pytest.mark.parametrize("base", [0, 1])
def test_mixed_directions_are_ordered_as_raqm_orders_them(monkeypatch, text, base):
    only = tuple(face for face in faces.faces() if face.path.stem == "DejaVuSans-Bold")
    caches = CACHES[1:]
    with monkeypatch.context() as patch:
        for module in (faces, lines):
            patch.setattr(module, "faces", lambda: only)
        for cached in caches:
            cached.cache_clear()
        shaped = line_of(text, base, prepare(text))
        mask, setting = Image.new("L", (900, 120)), Setting(60, (shaped,), (text,), 60)
        setting.draw(mask, 20, 80 - setting.ascent)
        whole = in_one_font(text, base)
    for cached in caches:
        cached.cache_clear()
    mine = np.asarray(mask, np.float32)
    assert np.abs(mine - whole).mean() < 0.08 * whole.mean()  # edges of runs lie between pixels


def test_the_first_strong_letter_says_which_way_a_line_runs():
    assert bidi.is_rtl("123 שלום hello") and not bidi.is_rtl("123 hello שלום")
    assert [run.is_rtl for run in line("\U0001f680 مرحبا iPhone").runs if run.face] == [False, True]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("\U0001f389", ["1f389"]),
        (FAMILY, ["1f468-200d-1f469-200d-1f467"]),
        (ASTRONAUT, ["1f469-1f3fd-200d-1f680"]),
        (HEART, ["2764"]),
        (KEYCAP, ["0031-20e3"]),
        (JAPAN, ["1f1ef-1f1f5"]),
        (WALES, ["1f3f4-e0067-e0062-e0077-e006c-e0073-e007f"]),
        ("\U0001f44d\U0001f3ff\U0001f44d", ["1f44d-1f3ff", "1f44d"]),
        # Degraded: a tone nobody drew to none, what nobody joined to its parts, a region to a black flag.
        ("\U0001f98a\U0001f3fb", ["1f98a"]),
        ("\U0001f680\u200d\U0001f389", ["1f680", "1f389"]),
        ("\U0001f3f4\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f", ["1f3f4"]),
        ("\u270a\u2600\ufe0e", ["270a"]),  # what is asked for as text is no picture
        ("\u00a9 2024 \u2122 \u2764", []),
    ],
)
def test_an_emoji_stays_whole_or_falls_to_what_there_is(text, keys):
    found = dict(prepare(f"x{text}").pictures)
    assert list(found.values()) == keys
    for key in keys:
        image = emoji.picture(key, 64)
        colours = np.asarray(image.convert("RGB"))[np.asarray(image.getchannel("A")) > 200]
        assert image.size == (64, 64) and len(colours) > 400


def test_a_flag_of_no_country_is_its_two_letters():
    assert prepare("in \U0001f1fd\U0001f1fd").text == "in XX"


def test_emoji_keep_their_colours_in_every_look():
    for name in TEXT_TEMPLATES.values():
        pixels = np.asarray(template_named(name).draw("Go \U0001f534", UPRIGHT).image, np.int32)
        red = (pixels[..., 0] > 180) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90) & (pixels[..., 3] > 250)
        assert red.sum() > 300, name


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("本日限定「新作スニーカー」がついに登場", ("本日限定", "「新作スニーカー」が", "ついに登場")),
        ("今日は、天気が良いですね。", ("今日は、天気が", "良いですね。")),
        ("신제품이 드디어 출시되었습니다", ("신제품이 드디어", "출시되었습니다")),
        ("So good that nobody \U0001f389\U0001f389", ("So good that", "nobody **")),
        ("soft\u200bbreaks help long\u200bwords", ("softbreaks", "help longwords")),
    ],
)
def test_lines_break_where_their_readers_would(text, rows):
    assert broken(text) == rows


def test_no_line_starts_with_what_closes_or_ends_with_what_opens():
    text = "これは「とても」長い、長い文章です。（本当に）長いですよ！そうですね？はい、ー」ですっ。" * 3
    rows = broken(text, size=60)
    assert len(rows) > 5 and "".join(rows) == text
    for before, after in pairwise(rows):
        assert before[-1] not in "「（" and after[0] not in "」）、。！？っー"


def test_words_of_other_scripts_are_not_broken_inside():
    cut = [atom.text for atom in atoms("新しいiPhone15を 100%使う", "ja", ())]
    assert "".join(cut) == "新しいiPhone15を100%使う"
    assert any("iPhone15" in part for part in cut) and any("100%" in part for part in cut)


def test_thai_is_broken_between_its_words():
    cut = [atom.text for atom in atoms("สินค้าใหม่มาแล้ว", None, ())]
    assert len(cut) > 1 and cut[0] == "สินค้า"


def test_a_long_text_without_spaces_shrinks_and_loses_nothing():
    text = "全新产品今天正式上线快来看看吧" * 6
    setting = typeset(text, UPRIGHT, size=108, smallest=45, most_lines=4)
    assert setting.size < 108 and "".join(setting.lines) == text
    assert setting.width <= SafeArea.of(UPRIGHT).width


def test_han_letters_have_their_japanese_forms_beside_kana():
    chinese, japanese = (line(text).runs[0] for text in ("直", "直の"))
    masks = [
        chinese.face.at(64).getmask("直", language=language) for language in (None, line("直の").language)
    ]
    assert chinese.face == japanese.face and bytes(masks[0]) != bytes(masks[1])


def test_what_no_font_has_is_refused_or_left_out_by_name():
    with pytest.raises(BadRequest, match="No font at hand draws \u13e3") as refused:
        prepare("Tsalagi \u13e3")
    assert refused.value.param == "text"
    assert prepare("Go \U0001fbc5 now").lost == ("\U0001fbc5",)
    assert prepare("Go \U000f0000 now").lost == ("\U000f0000",)  # a private letter stands for no emoji


def test_a_worker_without_fribidi_says_what_it_lacks_and_sets_the_rest(monkeypatch):
    prepare.cache_clear()
    monkeypatch.setattr(faces.features, "check", lambda name: False)
    with pytest.raises(FarmUnavailable, match="libfribidi0"):
        prepare("مرحبا")
    assert faces.direction(True) is None and faces.variant("ja") is None
    assert typeset("Plain 日本の \U0001f389", UPRIGHT, size=88, smallest=44, most_lines=4).width > 400
    prepare.cache_clear()


@pytest.mark.parametrize(
    "text", ["東京 مرحبا \U0001f389.mp4", "x" * 300, "Tsalagi \u13e3.mp4", "\u13e3", "", " "]
)
def test_a_label_is_written_whatever_it_says(text):
    sheet = Image.new("RGB", (400, 60), "#101216")
    label(sheet, (10, 10), text, 24, "#ffffff", 300)
    inked = np.flatnonzero(np.asarray(sheet).max(axis=(0, 2)) > 100)
    assert inked[0] >= 10 and inked[-1] <= 312


def test_marks_that_turn_letters_by_hand_are_taken_out():
    assert prepare("abc \u202egpj.exe\u202c").text == "abc gpj.exe"


def test_controls_that_a_wrong_decoding_leaves_behind_make_no_gaps():
    assert prepare("It\x92s \x80here\ufff9\ufffb").text == "Its here"
    assert typeset("one\x85two", UPRIGHT, size=88, smallest=44, most_lines=4).lines == ("one", "two")


def test_the_preview_is_small_enough_for_the_docs():
    assert PREVIEW.stat().st_size <= 200_000
