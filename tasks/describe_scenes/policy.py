"""Which texts of a request are not allowed here: those with the operator's words. Pure."""

from farm.moderation import ModerationRules, forbids
from tasks.describe_scenes.metadata import Metadata

CAPABILITY = "scene-description"
REFUSED = "The request has words that are not allowed here."


def has_forbidden_words(metadata: Metadata, rules: ModerationRules) -> bool:
    """Whether one of the operator's words is in the narration or in an id."""
    return forbids(rules, CAPABILITY, [metadata.narration_text, *(metadata.scene_ids or ())])
