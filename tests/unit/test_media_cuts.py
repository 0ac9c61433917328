"""Cuts are found where people see them, and the encoder begins afresh there and nowhere else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.frame import PictureType

from farm.encoders import STANDARD, EncoderProfile
from farm.timeline import Rate
from tests.media import real_clip
from workers.media.cuts import CutFinder
from workers.media.encode import encode
from workers.media.frames import frames_of
from workers.media.planes import Planes
from workers.media.shape import Shape

Luma = npt.NDArray[np.uint8]

BIKES_CUTS = [30, 76, 137, 187, 242]  # as a person sees them, and as x264's own search finds them
RATE = Rate(num=25)


@dataclass(frozen=True, slots=True)
class Shown:
    planes: Planes
    frames: int


def cuts_in(pictures: Iterable[Luma]) -> list[int]:
    finder = CutFinder()
    return [number for number, luma in enumerate(pictures) if finder.begins_shot(luma)]


def decoded(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


def lumas(name: str) -> list[Luma]:
    return [Planes.of(frame).y.copy() for frame in decoded(real_clip(name))]


def scene(number: int, *, shift: int = 0, gain: float = 1.0, light: float = 0.0, noise: float = 1.0) -> Luma:
    """A picture of soft shapes, its own for each number, moved to the left by some pixels."""
    random = np.random.default_rng(number)
    coarse = random.uniform(30, 220, (12, 60)).repeat(15, axis=0).repeat(15, axis=1)
    kernel = np.ones(21) / 21
    smooth = np.apply_along_axis(np.convolve, 1, coarse, kernel, "same")[:, 30 + shift : 350 + shift]
    grain = np.random.default_rng((number, shift)).standard_normal(smooth.shape) * noise
    return (smooth * gain + light + grain).clip(0, 255).astype(np.uint8)


def test_cuts_of_real_footage_are_found_and_its_motion_is_none() -> None:
    assert cuts_in(lumas("bikes")) == BIKES_CUTS
    assert cuts_in(lumas("bigbuckbunny")) == []


@pytest.mark.parametrize("gain", [1.0, 0.3, 0.15], ids=["day", "dusk", "night"])
@pytest.mark.parametrize("pan", [0, 1, 4], ids=["still", "slow", "quick"])
def test_each_new_scene_is_a_cut_in_any_light_and_motion(gain: float, pan: int) -> None:
    film = [scene(n, shift=pan * t, gain=gain) for n in range(6) for t in range(10)]
    assert cuts_in(film) == [10, 20, 30, 40, 50]


def test_light_that_changes_is_no_cut() -> None:
    flash = [scene(1, gain=0.8 if n == 10 else 1, light=60 if n == 10 else 0) for n in range(20)]
    fade = [scene(1, gain=abs(n - 20) / 20) for n in range(40)]
    dissolve = [
        (scene(1) * (1 - share) + scene(2) * share).astype(np.uint8) for share in np.linspace(0, 1, 12)
    ]
    assert (cuts_in(flash), cuts_in(fade), cuts_in(dissolve)) == ([], [], [])


def test_flicker_between_pictures_is_left_to_the_encoder() -> None:
    assert cuts_in(scene(n // 2 % 2) for n in range(40)) == []


def test_pictures_that_stand_are_compared_frame_by_frame() -> None:
    """Each stands for half a second, and the next is as much of a cut as the first was."""
    stills = [Shown(still(n), 12) for n in range(4)]
    frames = frames_of(stills, 100, RATE, STANDARD)
    told = [(frame.pts, frame.pict_type) for frame in frames]
    assert [pts for pts, _ in told] == list(range(100, 148))
    assert [pts for pts, kind in told if kind == PictureType.I] == [112, 124, 136]
    assert all(kind in (PictureType.I, PictureType.NONE) for _, kind in told)


def still(number: int) -> Planes:
    planes = Planes.blank(320, 180)
    planes.y[:] = scene(number)
    return planes


@pytest.mark.parametrize(
    "profile",
    [
        EncoderProfile(options={"preset": "medium"}),
        EncoderProfile(encoder="libvpx-vp9", options={"sc_threshold": "0"}),
    ],
    ids=["x264 that searches", "another encoder"],
)
def test_encoders_that_find_cuts_are_told_none(profile: EncoderProfile) -> None:
    stills = [Shown(still(n), 12) for n in range(3)]
    assert {frame.pict_type for frame in frames_of(stills, 0, RATE, profile)} == {PictureType.NONE}


def test_a_film_can_be_entered_at_its_cuts(tmp_path: Path) -> None:
    """The standard profile has x264 search for nothing, and it does as it is told."""
    pictures = [Shown(Planes.of(frame), 1) for frame in decoded(real_clip("bikes"))]
    first = pictures[0].planes
    shape = Shape(
        width=first.width, height=first.height, rate=RATE, frames=len(pictures), sample_rate=48_000, samples=0
    )
    film = tmp_path / "film.mp4"
    encode(pictures, [], film, shape, STANDARD, lambda _done: None)
    keys = [number for number, frame in enumerate(decoded(film)) if frame.key_frame]
    assert keys == [0, *BIKES_CUTS]
