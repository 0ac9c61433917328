"""Films of services get the tier's mark: in the corner, nowhere else, with their sound as it was."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.media import rgb, tone, write_clip
from workers.gpu_generate.remote.marked import shape_of, write_marked, write_picture
from workers.media.probe import probe

pytestmark = pytest.mark.slow


def test_the_mark_is_in_the_corner_and_the_sound_stays(tmp_path: Path) -> None:
    grey = np.full((180, 320, 3), 90, np.uint8)
    sound = tone(440.0, 2.0)
    path = write_clip(tmp_path / "film.mp4", frames=48, rate=Fraction(24), pictures=[grey] * 48, sound=sound)
    shape = shape_of(probe(path))
    assert (shape.width, shape.height, shape.frames) == (320, 180, 48)
    done: list[int] = []
    write_marked(path, shape, tmp_path / "marked.mp4", done.append)
    info = probe(tmp_path / "marked.mp4")
    assert info.has_audio
    assert abs(float(info.duration or 0) - 2.0) < 0.05
    with av.open(str(tmp_path / "marked.mp4")) as container:
        frames = [rgb(frame).astype(int) for frame in container.decode(video=0)]
    assert len(frames) == 48 == done[-1]
    for frame in (frames[0], frames[-1]):  # never laid twice on one that is shown again
        corner, rest = frame[150:, 200:], frame[:140]
        assert corner.max() > 180
        assert np.abs(rest - 90).max() < 8
    assert np.abs(frames[0] - frames[-1]).max() < 12


def test_the_picture_that_another_film_goes_on_from_is_bare(tmp_path: Path) -> None:
    grey = np.full((96, 160, 3), 90, np.uint8)
    path = write_clip(tmp_path / "film.mp4", frames=8, rate=Fraction(8), pictures=[grey] * 8)
    shape = shape_of(probe(path))
    write_picture(path, shape, 99.0, tmp_path / "bare.png")
    assert np.abs(np.asarray(Image.open(tmp_path / "bare.png")).astype(int) - 90).max() < 8
