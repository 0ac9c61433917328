"""Charts that move: their scales, and what of them is seen when (C-164 to C-170)."""

from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pydantic import ValidationError

from tasks.generate_chart import AnimationStyle, ChartData, ChartType, Dataset, GenerateChart
from workers.context import InputFile
from workers.gpu_generate.charts import letters
from workers.gpu_generate.charts.film import drawn, pictured
from workers.gpu_generate.charts.ground import ground
from workers.gpu_generate.charts.layout import layout_of, nice, number_text, scale, told_apart
from workers.gpu_generate.charts.look import series, yuv
from workers.media.planes import Planes

SIZE = (640, 360)
REVENUE: dict[str, Any] = {  # the document's own example
    "labels": ["Q1", "Q2", "Q3", "Q4"],
    "datasets": [{"label": "Revenue", "data": [1.2, 1.8, 2.4, 3.1]}],
}


def film(
    kind: str = "bar", style: AnimationStyle = "build_up", frames: int = 20, **data: Any
) -> list[Planes]:
    chart = ChartData(**{**REVENUE, **data, "type": kind})
    return [shown.planes for shown in drawn(chart, style, "Revenue", *SIZE, frames)]


def ink(picture: Planes) -> npt.NDArray[np.bool_]:
    """Pixels of chroma that have the colour of the first series."""
    _, u, v = yuv(series(0))
    return (np.abs(picture.u.astype(int) - u) < 6) & (np.abs(picture.v.astype(int) - v) < 6)


def inked(picture: Planes) -> int:
    return int(ink(picture).sum())


@pytest.mark.parametrize(
    ("least", "most", "from_zero", "ends"),
    [(1.2, 3.1, True, (0, 4)), (1.2, 3.1, False, (0, 4)), (96, 104, False, (96, 104)), (-3, 5, True, (-4, 6)),
     (0, 0, True, (-0.6, 0.6)), (7, 7, False, (0, 8)), (1e9, 4.2e9, True, (0, 5e9))],
)  # fmt: skip
def test_scales_have_round_ends_around_all_numbers(
    least: float, most: float, from_zero: bool, ends: tuple[float, float]
) -> None:
    low, high, ticks = scale(least, most, from_zero=from_zero)
    assert (low, high) == pytest.approx(ends)
    assert low <= least and most <= high
    assert len(ticks) <= 9 and ticks == sorted(ticks)


def test_numbers_are_written_short() -> None:
    written = [
        number_text(value, step) for value, step in ((1200, 200), (35_000, 5000), (0.25, 0.05), (-0.0, 1))
    ]
    assert written == ["1,200", "35K", "0.25", "0"]
    steps = ((0, 2e6), (2e-9, 1e-9), (-2.5e23, 2.5e23), (1e12, 1e12))
    far = [number_text(value, step) for value, step in steps]
    assert far == ["0", "2e-9", "-2.5e23", "1T"]
    assert [nice(step) for step in (0.7, 1.1, 2.2, 30)] == [1, 2, 2.5, 50]


@pytest.mark.slow
@pytest.mark.parametrize("kind", get_args(ChartType))
@pytest.mark.parametrize("style", get_args(AnimationStyle))
def test_c166_c168_every_kind_moves_in_every_style_and_ends_whole(kind: str, style: AnimationStyle) -> None:
    pictures = film(kind, style)
    assert len({picture.y.tobytes() for picture in pictures}) >= 6
    whole = film(kind, "reveal")[-1]
    assert inked(pictures[-1]) == pytest.approx(inked(whole), rel=0.02)
    assert inked(whole) > 100


@pytest.mark.slow
def test_building_up_and_revealing_begin_with_nothing_and_only_add() -> None:
    for kind in ("bar", "line", "pie", "area"):
        for style in ("build_up", "reveal"):
            shown = [inked(picture) for picture in film(kind, style)]
            assert shown[0] <= 40
            assert all(later >= before - 12 for before, later in pairwise(shown))


@pytest.mark.slow
def test_a_camera_never_leaves_out_title_and_axis() -> None:
    """C-169: what is written at the left edge stays in the picture, from the first frame on."""
    for picture in film(style="ken_burns"):
        head = picture.y[: picture.height // 6] > 150  # the title's letters are light
        assert head.any() and not head[:, : picture.width // 40].any()


def test_bars_are_as_high_as_their_numbers_and_hang_down_below_zero() -> None:
    picture = film("bar", labels=["a", "b", "c"], datasets=[{"data": [4, -2, 1]}])[-1]
    columns = ink(picture).sum(axis=0)
    heights = [int(columns[start : start + 90].max()) for start in (30, 125, 215)]
    assert heights[0] / heights[1] == pytest.approx(2, rel=0.08)
    assert heights[0] / heights[2] == pytest.approx(4, rel=0.12)


def test_numbers_below_zero_colour_nothing_outside_the_plot() -> None:
    chart = ChartData(labels=("a", "b", "c"), datasets=(Dataset(data=(-10, -20, -15)),))
    layout = layout_of(chart, *SIZE, has_title=False)
    *_, last = drawn(chart, "build_up", "", *SIZE, 4)
    changed = np.abs(last.planes.v.astype(int) - ground(chart, layout, "").v) > 2
    assert changed[layout.top // 2 + 8 : layout.bottom // 2].any()
    assert not changed[: layout.top // 2 - 4].any()


def test_a_chart_as_chart_js_has_it_is_drawn_with_its_gaps() -> None:
    """Years as labels, null where a number is missing, and colours and options that nobody here looks at."""
    chart = ChartData.model_validate(
        {
            "labels": [2021, 2022, 2023, 2024, None],
            "datasets": [{"label": "Actual", "data": [4, 4, None, 4, None], "borderColor": "#f00"}],
            "options": {"responsive": True},
        }
    )
    assert chart.labels == ("2021", "2022", "2023", "2024", "")
    picture = film("line", labels=chart.labels, datasets=chart.datasets)[-1]
    columns = ink(picture).any(axis=0)
    room = (0.955 - 0.085) * SIZE[0] / 2 / 5
    left = 0.085 * SIZE[0] / 2
    seen = [columns[int(left + room * place)] for place in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.5)]
    assert seen == [True, True, True, False, False, False, True, False]
    bars = film("bar", labels=chart.labels, datasets=chart.datasets)[-1]
    assert inked(bars) > 3 * inked(picture)
    shares = ChartData(type="pie", labels=("a", "b"), datasets=(Dataset(data=(3, None)),)).shares
    assert shares == (3, 0)


def test_one_of_ten_thousand_points_is_seen() -> None:
    data = [0.0] * 10_000
    data[5_003] = 100.0
    labels = [str(number) for number in range(len(data))]
    picture = film("line", labels=labels, datasets=[{"data": data}], frames=2)[-1]
    peak = (picture.y[:, 300:360] > 120).any(axis=1).sum()
    assert peak > 220  # of the 250 rows of the plot
    with pytest.raises(ValidationError, match="200 labels at most"):
        ChartData(type="bar", labels=("x",) * 201, datasets=(Dataset(data=(1,) * 201),))


def test_of_many_slices_the_largest_keep_their_names_and_the_rest_is_one() -> None:
    data = [float(number) for number in range(1, 41)]
    chart = ChartData(type="pie", labels=[str(one) for one in data], datasets=(Dataset(data=data),))
    few = told_apart(chart)
    assert few.labels == (*(str(one) for one in data[-13:]), "27 more")
    assert sum(few.datasets[0].data) == sum(data)
    assert told_apart(few) is few


LONG = "A label of the longest sort that somebody could write for it"


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (400, 400)])
@pytest.mark.parametrize("kind", ["bar", "pie"])
def test_words_however_long_stay_in_the_picture(kind: str, size: tuple[int, int]) -> None:
    """C-169: a title too."""
    rows = (Dataset(label=LONG, data=(1, 2, 3)), Dataset(label=LONG, data=(3, 2, 1)))
    chart = ChartData(type=kind, labels=(LONG, "", LONG), datasets=rows)
    layout = layout_of(chart, *size, has_title=True)
    bare = ground(ChartData(type="pie", labels=("",), datasets=(Dataset(data=(1,)),)), layout, "")
    full = ground(chart, layout, f"{LONG} {LONG}"[:120])
    wrote = np.abs(full.y.astype(int) - bare.y) > 30
    edge = size[0] // 60
    assert wrote.any() and not wrote[:, :edge].any() and not wrote[:, -edge:].any()


def test_words_are_set_script_by_script_and_what_no_font_has_is_left_out() -> None:
    whole = letters.pieces("café 富士山\n📈 العربية هنا", 20)
    assert "".join(piece.text for piece in whole).split() == ["café", "富士山", "العربية", "هنا"]
    assert whole[-1].text.strip() == "العربية هنا"  # its letters are joined, and read from the right
    assert all(piece.font.getmask(piece.text).getbbox() for piece in whole)


def test_words_are_cut_to_the_room_there_is() -> None:
    assert letters.cut("short", 20, 200) == "short"
    cut = letters.cut(LONG, 20, 200)
    assert cut.endswith("…") and letters.width_of(cut, 20) <= 200 < letters.width_of(cut[:-1] + "xx…", 20)
    found = letters.lines(LONG, 20, 300, 2)
    assert len(found) == 2 and all(letters.width_of(line, 20) <= 300 for line in found)
    assert letters.lines("x" * 200, 20, 300, 2)[0].endswith("…")


@pytest.mark.slow
def test_a_pie_of_one_slice_is_a_whole_ring_and_empty_slices_are_no_harm() -> None:
    assert inked(film("pie", labels=["all", "none"], datasets=[{"data": [5, 0]}])[-1]) > 3000


@pytest.mark.slow
def test_c165_a_picture_is_shown_below_its_title(tmp_path: Path) -> None:
    path = tmp_path / "chart.png"
    Image.new("RGB", (400, 300), (200, 60, 40)).save(path)
    file = InputFile(path, path.name, "image/png")
    for style in ("reveal", "ken_burns"):
        pictures = [shown.planes for shown in pictured(file, style, "Q4 Revenue Growth", *SIZE, 8)]
        red = [(picture.v > 160).mean() for picture in pictures]
        assert red[-1] > 0.2
        assert red[0] == 0 if style == "reveal" else red[0] > red[-1]


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"chart": {**REVENUE, "type": "donut"}}, "chart.type"),
        ({"chart": {"labels": ["a"], "datasets": [{"data": [1, 2]}]}}, "2 numbers for 1 labels"),
        ({"chart": {"type": "pie", "labels": ["a", "b"], "datasets": [{"data": [1, -2]}]}}, "none below 0"),
        ({"chart": {"labels": ["a"], "datasets": [{"data": [float("nan")]}]}}, "finite"),
        ({"chart": {"labels": ["a"], "datasets": [{"data": [None]}]}}, "no number"),
        ({}, "chart or image"),
        ({"chart": REVENUE, "image": "asset_1"}, "chart or image"),
        ({"image": "asset_1"}, "ken_burns or reveal"),
        ({"chart": REVENUE, "length_s": 0.5}, "length_s"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(params: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        GenerateChart.model_validate(params)
