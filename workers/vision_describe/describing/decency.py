"""Refuses what a farm's operator does not want: words in texts, and nudity in pictures where nudenet is.

What is refused has cost nothing: a job that fails is not charged.
"""

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache

from farm.catalog import ModerationRules
from farm.errors import FailureClass, TaskFailure
from tasks.describe_scenes import DescribeScenes
from tasks.describe_scenes.policy import CODE, REFUSED, has_forbidden_words
from workers.vision_describe.describing.facts import Seen
from workers.vision_describe.describing.palette import Picture

Bare = Callable[[Picture], float]
"""How surely a picture shows somebody bare, 0 to 1."""


def check_texts(params: DescribeScenes, rules: ModerationRules) -> None:
    """Raise TaskFailure (policy) when a text of the request has a forbidden word."""
    if has_forbidden_words(params.metadata, rules.words):
        raise _refused(REFUSED)


def check_picture(seen: Seen, place: int, rules: ModerationRules, bare: Bare | None = None) -> None:
    """Raise TaskFailure (policy) naming the picture that shows nudity. Sees nothing without nudenet."""
    look = bare or (installed_look() if rules.nudity else None)
    if rules.nudity and look is not None and look(seen.picture()) >= rules.nudity_from:
        raise _refused(f"Image {place + 1} is not allowed here.")


@cache
def installed_look() -> Bare | None:
    """nudenet's eye, where it is installed."""
    if importlib.util.find_spec("nudenet") is None:
        return None
    found: Bare = importlib.import_module("workers.vision_describe.describing.nudity").bare
    return found


def _refused(message: str) -> TaskFailure:
    return TaskFailure(message, FailureClass.POLICY, code=CODE)
