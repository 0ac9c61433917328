"""Refuses pictures that show somebody bare, where nudenet is installed. What is refused has cost nothing."""

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from functools import cache

from farm.errors import FailureClass, TaskFailure
from farm.moderation import CODE, ModerationRules
from workers.context import InputFile
from workers.media.rgb import Picture, rgb, small
from workers.media.stills import open_still

SIDE_PX = 320  # what the detector looks at
Bare = Callable[[Picture], float]
"""How surely a picture shows somebody bare, 0 to 1."""


@cache
def installed_look() -> Bare | None:
    """nudenet's eye, where it is installed."""
    if importlib.util.find_spec("nudenet") is None:
        return None
    found: Bare = importlib.import_module("workers.media.nudity").bare
    return found


def check_files(files: Iterable[InputFile], rules: ModerationRules, bare: Bare | None = None) -> None:
    """Raise TaskFailure (policy) naming the first picture among the files that shows nudity.

    Sees nothing without nudenet. Raises AssetUnreadable for a picture that is none.
    """
    look = bare or (installed_look() if rules.nudity else None)
    if look is None or not rules.nudity:
        return
    for file in files:
        if file.content_type.startswith("image/"):
            picture = rgb(small(open_still(file.path, file.file_name), SIDE_PX))
            if look(picture) >= rules.nudity_from:
                raise refused(f"{file.file_name} is not allowed here: it shows nudity.")


def refused(message: str) -> TaskFailure:
    """What ends the job: no other provider is asked."""
    return TaskFailure(message, FailureClass.POLICY, code=CODE)
