"""The shapes of subjects, each drawn standing at (0, 0) and about 1 high; y points up."""

from collections.abc import Callable, Mapping

from workers.gpu_generate.animatic.shapes import living, moving, things
from workers.gpu_generate.animatic.shapes.pen import Pen

SHAPES: Mapping[str, Callable[[Pen], None]] = {**living.SHAPES, **moving.SHAPES, **things.SHAPES}
# The colour of what has one by nature; the others take the scene's.
NATURAL: Mapping[str, str] = {
    "astronaut": "#e9e6df",
    "robot": "#9aa6b5",
    "person": "#4a3a46",
    "dancer": "#b0485c",
    "fox": "#c9652c",
    "cat": "#3a3038",
    "horse": "#6b4632",
    "deer": "#8a5c3a",
    "elephant": "#6f7178",
    "bird": "#2b2a33",
    "whale": "#3d5f7c",
    "jellyfish": "#c9a2e8",
    "butterfly": "#e08a3c",
    "car": "#b23a3a",
    "train": "#8a3a34",
    "sailboat": "#f3ead8",
    "lighthouse": "#efe8dc",
    "balloon": "#d5533f",
    "rocket": "#e6e3dc",
    "plane": "#e2e4e6",
    "cabin": "#6b4a38",
    "castle": "#7c7488",
    "tree": "#6a9450",
    "flower": "#e06a86",
    "mug": "#e7dccb",
    "bottle": "#2f6d5e",
    "shoe": "#d9d3c8",
    "watch": "#c9a45c",
    "phone": "#23262d",
    "lamp": "#5a4632",
    "box": "#c79a63",
}
