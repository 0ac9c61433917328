"""Refuses pictures and films that show somebody bare, where nudenet is installed: handed in, and made.

What is refused has cost nothing. Of a film, a few pictures are looked at.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

from farm.errors import FailureClass, TaskFailure
from farm.moderation import CODE, ModerationRules
from farm.timeline import Rate
from workers.context import InputFile, Output
from workers.media.probe import probe
from workers.media.rgb import Picture, rgb, small
from workers.media.stills import open_still
from workers.media.video import VideoReader

SIDE_PX = 320  # what the detector looks at
LOOKS = 8  # pictures of a film that are looked at
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
    """Raise TaskFailure (policy) naming the first picture or film among the files that shows nudity.

    Sees nothing without nudenet. Raises AssetUnreadable for a picture or a film that is none.
    """
    for file in files:
        if _shows(file, file.file_name, rules, bare):
            raise refused(f"{file.file_name} is not allowed here: it shows nudity.")


def check_made(outputs: Iterable[Output], rules: ModerationRules, bare: Bare | None = None) -> None:
    """Raise TaskFailure (policy) for the first picture or film that was made and shows nudity."""
    for output in outputs:
        if not output.intermediate and _shows(output, output.file_name, rules, bare):
            raise refused(f"What was made ({output.file_name}) is not allowed here: it shows nudity.")


def pictures_of(path: Path, name: str | None = None, count: int = LOOKS) -> Iterator[Picture]:
    """So many small pictures, spread evenly over a film. Raises AssetUnreadable."""
    step = (probe(path, name).duration or Fraction(count)) / count
    with VideoReader(path, rate=Rate(num=1), source_start=step / 2, speed=step, name=name) as reader:
        for number in range(count):
            yield rgb(small(reader.frame(number), SIDE_PX))


def refused(message: str) -> TaskFailure:
    """What ends the job: no other provider is asked."""
    return TaskFailure(message, FailureClass.POLICY, code=CODE)


def looker(rules: ModerationRules, bare: Bare | None = None) -> Callable[[Picture], bool] | None:
    """Tells of a picture whether it shows nudity; None where nobody looks."""
    look = bare or (installed_look() if rules.nudity else None)
    if look is None or not rules.nudity:
        return None
    return lambda picture: look(picture) >= rules.nudity_from


def _shows(file: InputFile | Output, name: str, rules: ModerationRules, bare: Bare | None) -> bool:
    shows = looker(rules, bare)
    return shows is not None and any(map(shows, _seen(file.path, name, file.content_type)))


def _seen(path: Path, name: str, content_type: str) -> Iterator[Picture]:
    """What there is to look at: nothing of a sound."""
    if content_type.startswith("image/"):
        yield rgb(small(open_still(path, name), SIDE_PX))
    elif content_type.startswith("video/"):
        yield from pictures_of(path, name)
