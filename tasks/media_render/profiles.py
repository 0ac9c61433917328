"""The ways in which a film may be written. How each is encoded is the operator's: configs/encode.toml.

Pure; knows no codec.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from farm.noun import Noun

ProfileName = Literal["standard", "quality", "preview", "nvenc", "vp9", "av1", "prores", "gif"]


class Profile(Noun):
    """What a profile means to whoever asks. `suffix` is the ending of its file.

    `requires` is what workers must announce, `most_s` the longest film it is good for (seconds; None: any),
    `least_side` its narrowest in pixels, `cost` its time beside `standard`, roughly.
    """

    suffix: str = ".mp4"
    requires: dict[str, str] = Field(default_factory=dict)
    most_s: int | None = None
    least_side: int = 16
    cost: float = 1.0
    has_chapters: bool = True


DEFAULT_PROFILE: ProfileName = "standard"
PROFILES: Mapping[ProfileName, Profile] = {
    "standard": Profile(),
    "quality": Profile(cost=3.5),
    "preview": Profile(cost=0.25),
    "nvenc": Profile(requires={"encoder": "nvenc"}, cost=0.3),
    "vp9": Profile(suffix=".webm", cost=4.0),
    "av1": Profile(cost=1.4, least_side=64),  # SVT-AV1 4.1 hangs for good at 1920x16
    "prores": Profile(suffix=".mov", cost=2.5),
    "gif": Profile(suffix=".gif", most_s=60, cost=0.8, has_chapters=False),
}
SUFFIXES = tuple(dict.fromkeys(profile.suffix for profile in PROFILES.values()))


def profile_for(suffix: str) -> ProfileName | None:
    """The profile that a file's ending stands for: the first with that ending. None where there is none."""
    return next((name for name, profile in PROFILES.items() if profile.suffix == suffix.lower()), None)
