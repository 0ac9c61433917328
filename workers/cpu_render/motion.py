"""The slow camera move over a still picture, as a pure function of time.

The view starts or ends on the whole picture and travels towards a point off its centre, eased
gently, with a steady sense of speed. Neighbouring clips move differently: in and out in turn, and
each to another side.
"""

from dataclasses import dataclass

# How much closer the camera comes, per second of clip and at most; a short clip still moves visibly.
_ZOOM_PER_S = 0.045
_ZOOM_LEAST, _ZOOM_MOST = 0.06, 0.20
# How far of the room that the zoom opens the view travels sideways (±1 is the picture's edge).
_TRAVEL = 0.55
_DIRECTIONS = ((-0.6, -1.0), (1.0, 0.4), (0.6, -0.8), (-1.0, 0.4))
MOVES = 2 * len(_DIRECTIONS)  # after so many clips the camera moves as before
# Share of the move that is eased; the rest runs evenly, so that no clip seems to stand still.
_EASED = 0.3


@dataclass(frozen=True, slots=True)
class View:
    """The part of a picture in sight, in fractions of its width and height."""

    left: float
    top: float
    size: float  # of both sides; 1 is the whole picture


@dataclass(frozen=True, slots=True)
class Move:
    """A camera move over `frames` frames. `zoom` is the closest it comes; 1 is the whole picture."""

    frames: int
    zoom: float
    inward: bool
    towards: tuple[float, float]

    @classmethod
    def ken_burns(cls, index: int, frames: int, seconds: float) -> "Move":
        """The move of a track's clip number `index`, seen for `frames` frames in `seconds`."""
        zoom = 1 + min(_ZOOM_MOST, max(_ZOOM_LEAST, _ZOOM_PER_S * seconds))
        return cls(frames, zoom, index % 2 == 0, _DIRECTIONS[index // 2 % len(_DIRECTIONS)])

    def view(self, frame: int) -> View:
        """What is in sight at frame 0 … frames-1."""
        along = frame / max(1, self.frames - 1)
        eased = _EASED * along * along * (3 - 2 * along) + (1 - _EASED) * along
        zoom: float = self.zoom ** (eased if self.inward else 1 - eased)
        size = 1 / zoom
        room = (1 - size) / 2
        left, top = (room * (1 + _TRAVEL * side) for side in self.towards)
        return View(left, top, size)
