"""Charts that move: their scales, and what of them is seen when (C-164 to C-170)."""

from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pydantic import ValidationError

from tasks.generate_chart import AnimationStyle, ChartData, ChartType, GenerateChart
from workers.context import InputFile
from workers.gpu_generate.charts.film import drawn, pictured
from workers.gpu_generate.charts.layout import nice, number_text, scale
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
     (0, 0, True, (-0.6, 0.6)), (7, 7, False, (2, 12)), (1e9, 4.2e9, True, (0, 5e9))],
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
        ({}, "chart or image"),
        ({"chart": REVENUE, "image": "asset_1"}, "chart or image"),
        ({"image": "asset_1"}, "ken_burns or reveal"),
        ({"chart": REVENUE, "length_s": 0.5}, "length_s"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(params: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        GenerateChart.model_validate(params)
