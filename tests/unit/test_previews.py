"""When a preview of what is generated is made and shown, and what a small JPEG it is (issue 6, Build 3)."""

import math
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm.preview import MOST_BYTES, is_preview
from tests.media import coded, write_jpeg
from workers.gpu_generate.previews import Previews
from workers.media.previewing import ENOUGH_BYTES, jpeg_of, opened, shrunk
from workers.media.rgb import Picture


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def clock() -> list[float]:
    """The time, which only the test moves."""
    return [100.0]


def drawing(clock: list[float], takes_s: float) -> Callable[[], Image.Image]:
    def draw() -> Image.Image:
        clock[0] += takes_s
        return noise(64, 64)

    return draw


def due_in_s(made: Previews, clock: list[float]) -> float:
    """Lets the time pass until the next is due."""
    began = clock[0]
    while not made.are_due:
        clock[0] += 0.5
    return clock[0] - began


def test_a_preview_is_a_small_jpeg_whatever_it_is_of() -> None:
    odd = noise(64, 32).convert("RGBA"), noise(9, 9).convert("L")
    for picture in (noise(1024, 1024), noise(300, 40), *odd):
        data = jpeg_of(shrunk(picture))
        assert is_preview(data) and len(data) <= ENOUGH_BYTES < MOST_BYTES
        with Image.open(BytesIO(data)) as seen:
            assert (seen.format, seen.mode) == ("JPEG", "RGB") and max(seen.size) <= 256
            assert math.isclose(seen.width / seen.height, picture.width / picture.height, rel_tol=0.05)


def test_what_a_service_sends_is_opened_only_as_what_it_should_be(tmp_path: Path) -> None:
    good = write_jpeg(tmp_path / "a.jpg", coded(1, 96, 64)).read_bytes()
    assert opened(good).size == (96, 64)
    gif, png, bomb = BytesIO(), BytesIO(), BytesIO()
    noise(8, 8).save(gif, "GIF")
    noise(64, 64).save(png, "PNG")
    Image.new("1", (8192, 4096)).save(bomb, "PNG")
    assert opened(png.getvalue()).size == (64, 64)
    broken = png.getvalue()[:60] + b"\0" * 2000
    for bad in (b"", b"\xff\xd8\xff", gif.getvalue(), good[:40], broken, bomb.getvalue(), b"<svg/>"):
        with pytest.raises((OSError, ValueError)):
            opened(bad)


def test_previews_come_seldom_and_never_take_more_than_a_fiftieth(clock: list[float]) -> None:
    shown: list[bytes] = []
    made = Previews(shown.append, every_s=2.0, clock=lambda: clock[0])
    assert not made.are_due  # what is drawn within seconds has none
    clock[0] += 2.0
    made.make(drawing(clock, takes_s=1 / 64))
    assert [len(shown), due_in_s(made, clock)] == [1, 2.0]
    made.make(drawing(clock, takes_s=1.0))
    assert [len(shown), due_in_s(made, clock)] == [2, 50.0]


def test_without_an_interval_there_are_none(clock: list[float]) -> None:
    made = Previews(lambda _jpeg: None, every_s=0.0, clock=lambda: clock[0])
    clock[0] += 1000.0
    assert not made.are_due


def test_one_that_fails_is_the_last_and_fails_nothing_else(clock: list[float]) -> None:
    def broken() -> Image.Image:
        raise RuntimeError("CUDA out of memory")

    shown: list[bytes] = []
    made = Previews(shown.append, every_s=1.0, clock=lambda: clock[0])
    made.make(broken)
    clock[0] += 1000.0
    assert not made.are_due and shown == []
    made = Previews(shown.append, every_s=1.0, clock=lambda: clock[0])
    made.make(lambda: None)  # nothing to see yet
    clock[0] += 1000.0
    assert made.are_due and shown == []


def test_what_the_check_of_the_result_would_refuse_is_not_shown_before(clock: list[float]) -> None:
    shown: list[bytes] = []
    looked: list[tuple[int, ...]] = []

    def is_refused(picture: Picture) -> bool:
        looked.append(picture.shape)
        return len(looked) == 2

    made = Previews(shown.append, 1.0, is_refused, lambda: clock[0])
    for _ in range(2):
        made.make(lambda: noise(512, 256))
        clock[0] += 1000.0
    assert len(shown) == 1 and looked == [(128, 256, 3)] * 2
    assert not made.are_due
