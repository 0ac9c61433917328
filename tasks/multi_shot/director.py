"""What a director adds where a request is silent: how shots follow each other, what cameras do. Pure."""

import re
from collections.abc import Sequence

from tasks.camera import Camera, names_a_move
from tasks.multi_shot.layout import Transition

_CUTS = re.compile(
    r"\s*(?:hard |smash |jump |match )?cuts? (?:to|back|in)\b|\s*(?:suddenly|bang)\b", re.IGNORECASE
)
_GOES_ON = re.compile(
    r"\s*(?:without a cut|continu\w+|(?:then )?the camera (?:\w+ )?(?:pulls?|push(?:es)?|follows?|keeps?"
    r"|pans?|tilts?|rises|moves?|drifts?|turns?|circles|reveals?))\b",
    re.IGNORECASE,
)
_CAMERAS = (
    Camera(zoom=3),
    Camera(truck=3),
    Camera(pedestal=3),
    Camera(pan=-3),
    Camera(zoom=-3),
    Camera(truck=-3),
)


def transition_into(prompt: str) -> Transition:
    """How a shot begins, by its own first words: "Cut to …" cuts, "The camera pulls back …" goes on."""
    if _CUTS.match(prompt):
        return Transition.CUT
    return Transition.CONTINUOUS if _GOES_ON.match(prompt) else Transition.CROSSFADE


def transitions_of(prompts: Sequence[str]) -> list[Transition]:
    """Those between the shots."""
    return [transition_into(prompt) for prompt in prompts[1:]]


def cameras_of(prompts: Sequence[str]) -> list[Camera | None]:
    """A gentle move for each shot that names none, each another."""
    return [
        None if names_a_move(prompt) else _CAMERAS[number % len(_CAMERAS)]
        for number, prompt in enumerate(prompts)
    ]
