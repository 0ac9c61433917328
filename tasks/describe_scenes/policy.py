"""Which texts of a request are not allowed here: those with the operator's words. Pure."""

from collections.abc import Sequence

from tasks.describe_scenes.metadata import Metadata
from tasks.describe_scenes.scenes import forbidden

CODE = "content_policy_violation"
REFUSED = "The request has words that are not allowed here."


def has_forbidden_words(metadata: Metadata, words: Sequence[str]) -> bool:
    """Whether one of these words is in the narration or in an id."""
    return forbidden([metadata.narration_text, *(metadata.scene_ids or ())], words)
