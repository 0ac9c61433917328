"""What a text template is to the compositor."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from farm.timeline import Position


@dataclass(frozen=True, slots=True)
class Stage:
    """The frame a caption is set for, in pixels, and where it was asked to stand."""

    width: int
    height: int
    position: Position


@dataclass(frozen=True, slots=True)
class Drawing:
    """An RGBA picture with straight alpha, and where its top left corner goes in the frame."""

    image: Image.Image
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Template:
    """A look for captions. `draw(text, stage)` sets the text within the stage's safe area."""

    name: str
    draw: Callable[[str, Stage], Drawing]
    summary: str
