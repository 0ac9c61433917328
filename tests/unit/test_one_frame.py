"""The frame of a shot that the next one begins with: the one that is seen last, as a picture."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from farm.errors import AssetUnreadable
from farm.timeline import Rate
from tests.media import read_code, write_clip
from workers.cpu_render.one_frame import write_frame


def code_in(path: Path) -> int:
    with Image.open(path, formats=("PNG",)) as picture:
        return read_code(av.VideoFrame.from_ndarray(np.asarray(picture.convert("RGB")), format="rgb24"))


@pytest.mark.parametrize(
    ("rate", "asked", "shown"),
    [
        (Fraction(24), 11, 11),
        (Fraction(24), 71, 19),  # the shot came out shorter: its last one
        (Fraction(12), 11, 5),  # by the film's own rate, whatever the shot's is
    ],
)
def test_c075_the_frame_that_is_seen_last_is_handed_on(
    tmp_path: Path, rate: Fraction, asked: int, shown: int
) -> None:
    clip = write_clip(tmp_path / "shot.mp4", frames=20, rate=rate)
    write_frame(clip, tmp_path / "frame.png", asked, Rate(num=24))
    assert code_in(tmp_path / "frame.png") == shown


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "shot.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(AssetUnreadable):
        write_frame(tmp_path / "shot.mp4", tmp_path / "frame.png", 0, Rate(num=24))
