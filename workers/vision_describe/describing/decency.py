"""Refuses what a farm's operator does not want: words in texts, and nudity in pictures where nudenet is.

What is refused has cost nothing: a job that fails is not charged.
"""

from farm.moderation import ModerationRules
from tasks.describe_scenes import DescribeScenes
from tasks.describe_scenes.policy import REFUSED, has_forbidden_words
from workers.media.decency import Bare, installed_look, refused
from workers.vision_describe.describing.facts import Seen


def check_texts(params: DescribeScenes, rules: ModerationRules) -> None:
    """Raise TaskFailure (policy) when a text of the request has a forbidden word."""
    if has_forbidden_words(params.metadata, rules):
        raise refused(REFUSED)


def check_picture(seen: Seen, place: int, rules: ModerationRules, bare: Bare | None = None) -> None:
    """Raise TaskFailure (policy) naming the picture that shows nudity. Sees nothing without nudenet."""
    look = bare or (installed_look() if rules.nudity else None)
    if rules.nudity and look is not None and look(seen.picture()) >= rules.nudity_from:
        raise refused(f"Image {place + 1} is not allowed here.")
