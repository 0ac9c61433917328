"""Composed frames against floating-point arithmetic: motion, transitions, cuts, captions, colours."""

import numpy as np
import pytest
from PIL import Image

from farm.timeline import Fit, Position, TextClip, Transition, VideoClip, VideoTrack
from tests.golden.render_scenes import (
    HEIGHT,
    MOVING,
    WIDTH,
    crossfade,
    mixed,
    montage,
    moving_still,
    paths_of,
    planes_of,
    psnr,
    still,
)
from tests.media import BLUE, GREEN, RED, YELLOW, corners, quadrants, real_photo, stored_for, write_jpeg
from workers.cpu_render.compose import compose
from workers.cpu_render.plan import SpanKind, plan
from workers.cpu_render.transitions import transitions

pytestmark = pytest.mark.slow

ASTRONAUT, COFFEE, FLOWER = (real_photo(name) for name in ("astronaut", "coffee", "flower"))


def frames_of(timeline, files, start=0, end=None):
    """Every frame as float planes, copied before its buffer is used again."""
    out = []
    for composed in compose(plan(timeline, start, end), timeline, files, buffers=2):
        out += [planes_of(composed.planes.frame)] * composed.frames
    return out


def shares(frame, before, after):
    """How much of each picture is in a frame: the weights that explain its luma best."""
    pictures = np.stack([before[0].ravel() - 16, after[0].ravel() - 16], axis=1)
    return np.linalg.lstsq(pictures, frame[0].ravel() - 16, rcond=None)[0]


@pytest.fixture(scope="module")
def moving():
    timeline = montage((ASTRONAUT, 30, MOVING), (COFFEE, 30, MOVING | {"transition": crossfade()}))
    return timeline, frames_of(timeline, paths_of(ASTRONAUT, COFFEE))


@pytest.mark.parametrize("n", [0, 11, 22])
def test_the_camera_move_is_subpixel_exact(moving, n):
    assert psnr(moving[1][n], moving_still(ASTRONAUT, 0, 38, 30, n)) > 48


@pytest.mark.parametrize("n", [23, 29, 30, 37])
def test_a_crossfade_mixes_both_moving_pictures_around_the_cut(moving, n):
    before, after = moving_still(ASTRONAUT, 0, 38, 30, n), moving_still(COFFEE, 1, 37, 30, n - 23)
    assert psnr(moving[1][n], mixed(before, after, (n - 22) / 16)) > 46


@pytest.mark.parametrize("n", [38, 59])
def test_after_the_crossfade_only_the_second_clip_is_seen(moving, n):
    assert psnr(moving[1][n], moving_still(COFFEE, 1, 37, 30, n - 23)) > 48


def test_the_total_is_the_sum_of_the_clips(moving):
    assert len(moving[1]) == moving[0].end_frame_exclusive == 60


def test_a_segment_has_the_very_frames_of_the_whole(moving):
    part = frames_of(moving[0], paths_of(ASTRONAUT, COFFEE), 20, 45)
    assert all(psnr(a, b) == 99 for a, b in zip(part, moving[1][20:45], strict=True))


def test_a_hard_cut_shows_each_picture_up_to_its_edge():
    cut = Transition(type="none", before_frames=9, after_frames=9)
    timeline = montage((ASTRONAUT, 5, {}), (FLOWER, 5, {"transition": cut}))
    frames = frames_of(timeline, paths_of(ASTRONAUT, FLOWER))
    assert [psnr(f, still(ASTRONAUT)) for f in frames[:5]] == [99] * 5
    assert [psnr(f, still(FLOWER)) for f in frames[5:]] == [99] * 5


def test_a_still_that_stands_is_composed_once():
    text = TextClip(text="Hello", start_frame=0, end_frame_exclusive=60, template="Snapchat Hook")
    timeline = montage((FLOWER, 60, {}), texts=[text])
    pieces = list(compose(plan(timeline), timeline, paths_of(FLOWER), buffers=2))
    assert [piece.frames for piece in pieces] == [1] * 8 + [44] + [1] * 8


@pytest.mark.parametrize("name", sorted(transitions()))
def test_no_transition_touches_what_is_outside_its_frames(name):
    frames = transition_frames(name)
    assert len(frames) == 40
    assert [psnr(frame, still(ASTRONAUT)) for frame in frames[:14]] == [99] * 14
    assert [psnr(frame, still(FLOWER)) for frame in frames[26:]] == [99] * 14


@pytest.mark.parametrize("name", ["none", "crossfade", "fade", "ken-burns", "dip-to-black"])
def test_a_dissolve_changes_over_at_the_cut(name):
    weights = [shares(frame, still(ASTRONAUT), still(FLOWER)) for frame in transition_frames(name)]
    assert [first > second for first, second in weights] == [True] * 20 + [False] * 20


def transition_frames(name):
    """Two photos of twenty frames each, the transition over twelve of them."""
    transition = Transition(type=name, before_frames=6, after_frames=6)
    timeline = montage((ASTRONAUT, 20, {}), (FLOWER, 20, {"transition": transition}))
    return frames_of(timeline, paths_of(ASTRONAUT, FLOWER))


def test_an_upper_track_covers_the_lower_and_a_gap_is_black():
    timeline = montage((ASTRONAUT, 10, {}))
    upper = VideoClip(media=FLOWER.name, start_frame=4, end_frame_exclusive=6)
    late = VideoClip(media=FLOWER.name, start_frame=12, end_frame_exclusive=14)
    media = montage((ASTRONAUT, 1, {}), (FLOWER, 1, {})).media
    tracks = (*timeline.video, VideoTrack(clips=(upper, late)))
    frames = frames_of(
        timeline.model_copy(update={"video": tracks, "media": media}), paths_of(ASTRONAUT, FLOWER)
    )
    black = [np.full((HEIGHT, WIDTH), 16.0), *[np.full((HEIGHT // 2, WIDTH // 2), 128.0)] * 2]
    expected = (
        [still(ASTRONAUT)] * 4
        + [still(FLOWER)] * 2
        + [still(ASTRONAUT)] * 4
        + [black] * 2
        + [still(FLOWER)] * 2
    )
    assert [psnr(a, b) for a, b in zip(frames, expected, strict=True)] == [99] * 14


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_stands_upright(tmp_path, orientation):
    upright = quadrants(480, 640)
    photo = write_jpeg(tmp_path / "photo.jpg", stored_for(upright, orientation), orientation=orientation)
    timeline = montage((photo, 1, {"fit": Fit.CONTAIN}), width=240, height=320)
    composed = next(iter(compose(plan(timeline), timeline, paths_of(photo), buffers=2)))
    frame = composed.planes.frame
    frame.colorspace, frame.color_range = 1, 1
    assert corners(frame) == [RED, GREEN, BLUE, YELLOW]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif"])
@pytest.mark.parametrize(
    ("rgb", "yuv"),
    [
        ((255, 0, 0), (63, 102, 240)),
        ((0, 0, 255), (32, 240, 118)),
        ((255, 255, 255), (235, 128, 128)),
        ((0, 0, 0), (16, 128, 128)),
    ],
)
@pytest.mark.parametrize("options", [{}, MOVING])
def test_colours_come_out_in_bt_709_limited_range(tmp_path, suffix, rgb, yuv, options):
    path = tmp_path / f"plain.{suffix}"
    Image.new("RGB", (90, 160), rgb).save(path, quality=95)
    frame = frames_of(montage((path, 1, options)), paths_of(path))[0]
    assert [abs(plane.mean() - value) <= 2 for plane, value in zip(frame, yuv, strict=True)] == [True] * 3


def test_a_picture_of_another_shape_stands_on_a_blurred_darker_copy_of_itself(tmp_path):
    photo = write_jpeg(tmp_path / "wide.jpg", quadrants(1600, 900))
    y = frames_of(montage((photo, 1, {})), paths_of(photo))[0][0]
    inner = WIDTH * 900 // 1600
    top = (HEIGHT - inner) // 2
    steps = np.abs(np.diff(y[top // 2]))  # across the middle of the backdrop
    assert steps.max() <= 4  # no edge is left in it
    assert y[:top].mean() < 0.8 * y[top : top + inner].mean()


def test_covering_leaves_no_backdrop(tmp_path):
    photo = write_jpeg(tmp_path / "wide.jpg", quadrants(1600, 900))
    timeline = montage((photo, 1, {"fit": Fit.COVER}))
    y = frames_of(timeline, paths_of(photo))[0][0]
    assert np.abs(np.diff(y[10])).max() > 20  # the edge between the quadrants reaches the top


def test_a_caption_lies_over_the_picture_and_leaves_the_rest_alone():
    text = TextClip(
        text="Hi", start_frame=0, end_frame_exclusive=30, template="Snapchat Hook", position=Position.MIDDLE
    )
    timeline = montage((FLOWER, 30, {}), texts=[text])
    assert plan(timeline).spans[1].kind is SpanKind.STATIC
    frames = frames_of(timeline, paths_of(FLOWER))
    picture = still(FLOWER)
    changed = frames[15][0] != picture[0]
    rows = np.flatnonzero(changed.any(axis=1))
    assert rows[0] > 0.35 * HEIGHT and rows[-1] < 0.6 * HEIGHT
    assert frames[15][0].max() == 235
    assert psnr(frames[0], picture) > psnr(frames[4], picture) > psnr(frames[15], picture)
