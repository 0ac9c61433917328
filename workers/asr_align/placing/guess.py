"""A scene's start while it is being worked out, in seconds of the sound."""

from dataclasses import dataclass, replace

from tasks.scene_timestamps.placed import Status


@dataclass(frozen=True, slots=True)
class Guess:
    """`[low_s, high_s]` holds `at_s`. `word` is the heard word that it begins with, where one was found."""

    at_s: float
    low_s: float
    high_s: float
    status: Status
    confidence: float
    word: int | None = None

    def moved(self, at_s: float) -> "Guess":
        """The same at another time, which its interval holds too."""
        return replace(self, at_s=at_s, low_s=min(self.low_s, at_s), high_s=max(self.high_s, at_s))
