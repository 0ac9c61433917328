"""Animatics as they are drawn: places, weather, subjects, pictures that were handed in, and the words."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.media import real_photo
from workers.context import InputFile
from workers.gpu_generate.animatic.film import film, still
from workers.gpu_generate.animatic.kernels import look
from workers.gpu_generate.animatic.pictured import pictured
from workers.gpu_generate.animatic.scene import describe
from workers.gpu_generate.animatic.shapes import SHAPES
from workers.gpu_generate.animatic.words import Mood, Place, Weather
from workers.media.planes import Planes

pytestmark = pytest.mark.slow  # kernels are compiled on a machine's first run

Picture = npt.NDArray[np.uint8]
SIZE = (256, 144)


def drawn(prompt: str, *, seed: int = 1, frames: int = 3, size: tuple[int, int] = SIZE) -> list[Planes]:
    return [shown.planes for shown in film(describe(prompt, seed), *size, frames, 24)]


def bytes_of(pictures: Sequence[Planes]) -> list[bytes]:
    return [b"".join(plane.tobytes() for plane in picture) for picture in pictures]


def test_the_same_seed_draws_the_same_frames_and_another_others() -> None:
    prompt = "A red fox runs through a snowy forest at night, camera pans left, fireflies"
    first = bytes_of(drawn(prompt))
    assert first == bytes_of(drawn(prompt))
    assert first[0] != first[1] != first[2]
    assert first[0] != bytes_of(drawn(prompt, seed=2))[0]


@pytest.mark.parametrize("place", Place)
def test_every_place_is_drawn_by_day_and_night(place: Place) -> None:
    seen = set()
    for mood in (Mood.DAY, Mood.SUNSET, Mood.NIGHT):
        (picture,) = drawn(f"{place}, {mood}, static", frames=1, size=(160, 90))
        y = picture.y[20:70].astype(int)
        assert y.min() >= 16 and y.max() <= 235
        assert y.std() > 4  # no blank sheet
        seen.add(bytes_of([picture])[0])
    assert len(seen) >= 2


@pytest.mark.parametrize("shape", SHAPES)
def test_every_subject_is_seen(shape: str) -> None:
    word = {"box": "package", "balloon": "hot air balloon", "bird": "eagle"}.get(shape, shape)
    with_it, without = (
        still(describe(f"a {what} in the desert, static", 4), *SIZE) for what in (word, "thing")
    )
    assert (np.abs(with_it.astype(int) - without.astype(int)).max(axis=-1) > 12).mean() > 0.004


@pytest.mark.parametrize(
    "weather", [Weather.SNOW, Weather.RAIN, Weather.EMBERS, Weather.PETALS, Weather.LEAVES]
)
def test_weather_moves(weather: Weather) -> None:
    words = {Weather.EMBERS: "sparks", Weather.LEAVES: "falling leaves"}.get(weather, weather)
    first, second = drawn(f"a desert, {words}, static", frames=2)
    assert (np.abs(first.y.astype(int) - second.y.astype(int)) > 12).mean() > 0.0005


def test_the_badge_is_on_every_frame_and_can_be_read_on_any_ground() -> None:
    for prompt in ("bright sunny day at the beach", "starry night in the mountains"):
        for picture in drawn(prompt, frames=2, size=(832, 480)):
            corner = picture.y[20:44, 24:230].astype(int)
            assert corner.max() > 200  # letters
            assert np.percentile(corner, 20) < 150  # on something darker


def first_frame(picture: Planes) -> Picture:
    return np.asarray(picture.frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray())


def test_c092_c059_a_picture_that_is_handed_in_is_the_first_frame_and_the_last_one_the_last(
    tmp_path: Path,
) -> None:
    size = (320, 192)
    files = [real_photo("coffee"), real_photo("astronaut")]
    given = [InputFile(path, path.name, "image/png") for path in files]
    film = list(pictured(describe("pan right, zoom in", 1), *given, *size, 9, 24))
    for path, shown in zip(files, (film[0], film[-1]), strict=True):
        with Image.open(path) as image:
            scale = max(size[0] / image.width, size[1] / image.height)
            whole = image.convert("RGB").resize((round(image.width * scale), round(image.height * scale)))
        left, top = (whole.width - size[0]) // 2, (whole.height - size[1]) // 2
        wanted = np.asarray(whole.crop((left, top, left + size[0], top + size[1]))).astype(int)
        away = np.abs(first_frame(shown.planes)[40:130].astype(int) - wanted[40:130])
        assert np.median(away) <= 6
    middle = [film[number].planes.y[40:130].astype(int) for number in (0, 3, 5)]
    assert np.abs(middle[1] - middle[0]).mean() > 3  # it moves
    assert np.abs(middle[2] - middle[1]).mean() > 3


def test_large_pictures_are_drawn_smaller_and_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.gpu_generate.animatic.film.LARGEST", 320)
    (picture,) = drawn("mountains at dawn", frames=1, size=(640, 360))
    assert (picture.width, picture.height) == (640, 360)
    assert picture.y.std() > 10


def test_sheets_cover_shine_and_fade_as_they_should() -> None:
    sheets = np.zeros((3, 8, 8), np.uint32)
    sheets[2] = 0xFF_00_00_C8  # behind all: red 200
    sheets[1, :, 4:] = 0xFF_00_C8_00  # the right half: green 200, opaque
    sheets[0, :4] = 0x00_C8_00_00  # the upper half: blue 200, only light
    tiles = np.ones((3, 1, 1), np.uint8)
    straight = np.tile(np.array([0, 1, 0, 0, 0, 1], np.float32), (3, 1))
    out = Planes.blank(8, 8)
    nothing = np.zeros((4, 4), np.int8)
    shades = np.array([1, 1, 1, 1, 1, 1, 0.5, 0.5], np.float32)
    gains = np.ones(3, np.float32)
    look(sheets, tiles, straight, np.zeros((3, 8), np.float32), gains, shades, 0.0, nothing, 0, 0, 0.0, *out)

    def luma(red: float, green: float, blue: float) -> int:
        return round(16 + 0.18259 * red + 0.61423 * green + 0.06201 * blue)

    assert out.y[1, 1] == pytest.approx(luma(200, 0, 200), abs=1)
    assert out.y[1, 6] == pytest.approx(luma(0, 200, 200), abs=1)
    assert out.y[5, 1] == pytest.approx(luma(200, 0, 0), abs=1)
    assert out.y[7, 6] == pytest.approx(luma(0, 100, 0), abs=1)  # shaded
    assert (out.u[0, 0] > 128) and (out.v[2, 0] > 200) and (out.v[2, 3] < 90)
