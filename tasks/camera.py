"""What a camera does, as numbers, and as the words that every model reads. Pure."""

import re
from typing import Annotated

from pydantic import Field

from farm.noun import Noun

_FAR = 10.0
_SLOW, _FAST = 4.0, 7.0
# Each move by its sign: to the right, up and nearer are positive.
_MOVES = {
    "pan": ("pan left", "pan right"),
    "tilt": ("tilt down", "tilt up"),
    "zoom": ("zoom out", "zoom in"),
    "truck": ("truck left", "truck right"),
    "pedestal": ("crane down", "crane up"),
    "roll": ("roll to the left", "roll to the right"),
}
_CALM, _LIVELY = 0.35, 0.65
_NAMES_A_MOVE = re.compile(
    r"\b(?:pan|pans|panning|tilts?|tilting|zoom\w*|truck(?:s|ing)|tracking|doll(?:y|ies)\w*|crane[sd]?|pedestal"
    r"|roll(?:s|ing)|orbit\w*|push(?:es)? in|pull(?:s|ing)?(?: \w+ly)? (?:back|out|away)|fly(?:ing)?(?:over)?"
    r"|follow(?:s|ing)|static|locked.?off|hand.?held|camera)\b",
    re.IGNORECASE,
)

Reach = Annotated[float, Field(strict=True, ge=-_FAR, le=_FAR)]


class Camera(Noun):
    """How far it goes each way, from -10 to 10: right, up and nearer are positive; 0 is not at all.

    `pan` and `tilt` turn it, `truck` and `pedestal` carry it, `roll` turns the picture.
    """

    pan: Reach = 0
    tilt: Reach = 0
    zoom: Reach = 0
    truck: Reach = 0
    pedestal: Reach = 0
    roll: Reach = 0

    @property
    def words(self) -> str:
        """As a prompt says it, the farthest move first; empty where it stands still."""
        said = {name: float(getattr(self, name)) for name in _MOVES}
        moves = sorted((name for name in said if said[name]), key=lambda name: -abs(said[name]))
        return ", then ".join(_phrase(name, said[name]) for name in moves)


def motion_words(motion: float) -> str:
    """How lively a film is, from 0 to 1, as a prompt says it; empty in the middle."""
    if motion < _CALM:
        return "slow motion, calm movement"
    return "fast, dynamic movement" if motion > _LIVELY else ""


def names_a_move(prompt: str) -> bool:
    """Whether a prompt says itself what the camera does."""
    return _NAMES_A_MOVE.search(prompt) is not None


def _phrase(name: str, far: float) -> str:
    move = _MOVES[name][far > 0]
    pace = "slow " if abs(far) < _SLOW else "fast " if abs(far) > _FAST else ""
    return f"{pace}{move}"
