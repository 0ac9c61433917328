"""`farm render` on a folder as people have them: photos, clips of every rate, sideways shots, music."""

import json
import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from tests import media
from tests.running import FARM, RunningFarm

pytestmark = pytest.mark.slow

FPS, SECONDS, WIDTH, HEIGHT = 30, 3, 1080, 1920
NTSC = Fraction(24000, 1001)
PHOTOS = ("astronaut", "coffee", "chelsea", "china", "flower")
TURNS = (Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM)
Plane = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten visuals in the order of their names, and music."""
    made = tmp_path_factory.mktemp("trip")
    for number, name in enumerate(PHOTOS):
        source = media.real_photo(name)
        shutil.copy(source, made / f"{number:02}-{source.name}")
    shutil.copy(media.real_clip("bikes"), made / "05-bikes.mp4")
    shutil.copy(media.real_clip("bigbuckbunny"), made / "06-bigbuckbunny.mp4")
    upright = np.asarray(Image.open(media.real_photo("coffee")).convert("RGB"))
    media.write_jpeg(made / "07-exif.jpg", media.stored_for(upright, 6), orientation=6)
    portrait = [np.ascontiguousarray(media.coded(n, 320, 568)) for n in range(90)]
    sideways = [np.ascontiguousarray(np.rot90(picture)) for picture in portrait]
    media.write_clip(made / "08-portrait.mp4", frames=90, pictures=sideways, rotation=-90)
    media.write_clip(made / "09-ntsc.mp4", frames=72, rate=NTSC)
    tone = np.sin(2 * np.pi * 220 * np.arange(48_000 * 12) / 48_000).astype(np.float32) * 0.4
    media.write_sound(made / "music.mp3", np.stack([tone, tone]))
    return made


@pytest.fixture(scope="module")
def film(running_farm: RunningFarm, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `farm render` makes of it."""
    out = tmp_path_factory.mktemp("film") / "out.mp4"
    environment = os.environ | dict(running_farm.environment)
    command = [*FARM, "render", str(folder), "-o", str(out), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["duration_s"] == 10 * SECONDS
    return out


@pytest.fixture(scope="module")
def frames(film: Path) -> dict[int, VideoFrame]:
    """Every frame around the middle of each visual, and all of the NTSC clip's."""
    wanted = {n * SECONDS * FPS + SECONDS * FPS // 2 for n in range(10)} | set(range(9 * 90 + 20, 900))
    with av.open(str(film)) as container:
        found = {n: f for n, f in enumerate(container.decode(video=0)) if n in wanted or n == 899}
        assert container.streams.video[0].frames == 10 * SECONDS * FPS
    return found


def test_it_is_h264_and_aac_of_exactly_the_sum_of_its_visuals(film: Path) -> None:
    with av.open(str(film)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.average_rate) == (WIDTH, HEIGHT, FPS)
        assert sum(1 for _ in container.decode(video)) == 10 * SECONDS * FPS


@pytest.mark.parametrize("number", range(5))
def test_photos_are_upright_sharp_and_true(frames: dict[int, VideoFrame], folder: Path, number: int) -> None:
    shown = middle(frames, number)
    check_picture(shown, Image.open(next(folder.glob(f"{number:02}-*"))).convert("L"))


def test_an_exif_rotated_photo_is_upright(frames: dict[int, VideoFrame]) -> None:
    check_picture(middle(frames, 7), Image.open(media.real_photo("coffee")).convert("L"))


@pytest.mark.parametrize(("number", "name"), [(5, "bikes"), (6, "bigbuckbunny")])
def test_real_clips_show_the_frame_of_their_time(
    frames: dict[int, VideoFrame], number: int, name: str
) -> None:
    at = Fraction(SECONDS, 2)
    with av.open(str(media.real_clip(name))) as container:
        source = next(f for f in container.decode(video=0) if f.time + 1 / 25 > float(at))
    reference = Image.fromarray(media.rgb(source)).convert("L")
    check_picture(middle(frames, number), reference, floor_db=24)


def test_a_sideways_portrait_clip_stands_upright(frames: dict[int, VideoFrame]) -> None:
    shown = frames[8 * 90 + 45]
    assert media.read_code(cropped(shown, 320, 568)) == 45


def test_a_23_976_clip_is_timed_right(frames: dict[int, VideoFrame]) -> None:
    """Each frame shows the source frame of its moment (a quarter frame of grace), to the end."""
    for n, frame in frames.items():
        at = n - 9 * 90
        if at < 20:
            continue
        shown = media.read_code(cropped(frame, 320, 192))
        exact = Fraction(at, FPS) * NTSC
        assert exact - 1 < shown <= exact + Fraction(1, 4), (at, shown, float(exact))


def test_sound_has_no_gap_from_first_to_last(film: Path) -> None:
    with av.open(str(film)) as container:
        rate = container.streams.audio[0].rate
        sound = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1).mean(axis=0)
    assert abs(len(sound) / rate - 10 * SECONDS) < 0.05
    step = rate // 20
    loudness = np.sqrt((sound[: len(sound) // step * step].reshape(-1, step) ** 2).mean(axis=1))
    assert loudness[5:-60].min() > 0.01  # the first quarter of a second fades in, the last three seconds out
    assert np.abs(sound).max() <= 1.0


def middle(frames: dict[int, VideoFrame], number: int) -> VideoFrame:
    return frames[number * SECONDS * FPS + SECONDS * FPS // 2]


def cropped(frame: VideoFrame, width: int, height: int) -> VideoFrame:
    """The part of the film's frame in which a picture of this shape lies."""
    return VideoFrame.from_ndarray(np.ascontiguousarray(picture_area(media.rgb(frame), width, height)))


def picture_area(pixels: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    cover = max(WIDTH / width, HEIGHT / height)
    if WIDTH * HEIGHT / (cover**2 * width * height) >= 2 / 3:
        return pixels  # near enough to the film's shape: it covers the frame
    scale = min(WIDTH / width, HEIGHT / height)
    shown_w, shown_h = round(width * scale), round(height * scale)
    x, y = (WIDTH - shown_w) // 2, (HEIGHT - shown_h) // 2
    return pixels[y : y + shown_h, x : x + shown_w]


def check_picture(frame: VideoFrame, source: Image.Image, floor_db: float = 26) -> None:
    """Nearer to the source as it is than to any turned or mirrored copy of it, and about as sharp."""
    grey = media.rgb(frame).mean(axis=2).astype(np.uint8)
    shown = picture_area(grey, *source.size).astype(np.float32)
    reference = source.resize((shown.shape[1], shown.shape[0]), Image.Resampling.BICUBIC)
    inner = (slice(200, -20), slice(20, -20)) if shown.shape[0] > 900 else (slice(8, -8), slice(8, -8))
    likeness = psnr(shown[inner], np.asarray(reference, np.float32)[inner])
    assert likeness > floor_db
    for turn in TURNS:
        turned = np.asarray(reference.transpose(turn), np.float32)
        assert psnr(shown[inner], turned[inner]) < likeness - 3
    assert detail(shown[inner]) > 0.5 * detail(np.asarray(reference, np.float32)[inner])


def psnr(one: Plane, other: Plane) -> float:
    return float(10 * np.log10(255**2 / ((one - other) ** 2).mean()))


def detail(plane: Plane) -> float:
    """The mean difference between neighbours: blur lowers it."""
    return float(np.abs(np.diff(plane, axis=0)).mean() + np.abs(np.diff(plane, axis=1)).mean())
