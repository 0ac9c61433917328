"""Pictures of any matrix and range become BT.709, limited, to the step that arithmetic says."""

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from workers.media.colour import Converter
from workers.media.planes import Planes

RANDOM = np.random.default_rng(11)
# AVCOL_SPC_*: the weights of red and blue in luma.
WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
SPREADS = {ColorRange.MPEG: (16, 219, 224), ColorRange.JPEG: (0, 255, 255)}


def from_rgb(weights):
    """The matrix that makes Y, Cb and Cr of red, green and blue."""
    red, blue = weights
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack([luma, ([0, 0, 1] - luma) / (2 - 2 * blue), ([1, 0, 0] - luma) / (2 - 2 * red)])


def flat_blocks(matrix, spread, width=64, height=48):
    """A frame of 4:2:0 in which luma is even within each chroma pixel."""
    frame = av.VideoFrame(width, height, "yuv420p")
    frame.colorspace, frame.color_range = matrix, spread
    planes = Planes.of(frame)
    planes.y[:] = np.kron(RANDOM.integers(60, 190, planes.u.shape), np.ones((2, 2)))
    for chroma in (planes.u, planes.v):
        chroma[:] = RANDOM.integers(110, 146, chroma.shape)
    return frame


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("matrix", WEIGHTS)
def test_a_picture_keeps_its_light_whatever_its_matrix(matrix, spread):
    """Through 8-bit BGR, as swscale has it, photos came out 1.6 steps too dark."""
    frame = flat_blocks(matrix, spread)
    black, luma_steps, chroma_steps = SPREADS[spread]
    y, u, v = (plane.astype(float) for plane in Planes.of(frame))
    colour = np.stack(
        [(y[::2, ::2] - black) / luma_steps, (u - 128) / chroma_steps, (v - 128) / chroma_steps]
    )
    turned = np.einsum("ij,jyx->iyx", from_rgb(WEIGHTS[1]) @ np.linalg.inv(from_rgb(WEIGHTS[matrix])), colour)
    wanted = 16 + 219 * turned[0], 128 + 224 * turned[1], 128 + 224 * turned[2]
    shown = Planes.of(Converter().convert(frame, frame.width, frame.height))
    for plane, right in zip((shown.y[::2, ::2], shown.u, shown.v), wanted, strict=True):
        assert np.abs(plane - right).max() < 1.01
        assert abs((plane - right).mean()) < 0.1


def test_a_change_of_matrix_or_size_on_the_way_is_followed():
    converter = Converter()
    for matrix, (width, height) in (
        (5, (64, 48)),
        (7, (64, 48)),
        (7, (32, 24)),
        (5, (31, 17)),
        (1, (64, 48)),
    ):
        frame = flat_blocks(matrix, ColorRange.MPEG)
        again, alone = (each.convert(frame, width, height) for each in (converter, Converter()))
        assert (again.width, again.height) == (width, height)
        for one, other in zip(Planes.of(again), Planes.of(alone), strict=True):
            np.testing.assert_array_equal(one, other)
