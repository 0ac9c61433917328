"""What single editors need of an `.otio`, and what they drop of it, told.

`generic` is the timeline as it is: the manifest's paths unchanged, beginning at 0, no editor's metadata.
"""

from typing import Any

from farm.timeline import Timeline
from tasks.compose_otio.findings import Finding
from tasks.compose_otio.manifest import Manifest


def tailored(document: dict[str, Any], manifest: Manifest, timeline: Timeline) -> tuple[Finding, ...]:
    """Change the document for its target, in place. What the target drops of it is answered."""
    return ()
