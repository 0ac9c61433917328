"""The methods that the align benchmark compares: the product with and without weights, and its peers."""

from dataclasses import dataclass

from tests.benchmarks.align_weights import whisper_folder


@dataclass(frozen=True, slots=True)
class Way:
    """A method. `model` is whisper's, "" without weights; `is_told`: it is given the narration's text."""

    name: str
    model: str = ""
    languages: tuple[str, ...] = ("en", "de", "fr", "es")
    is_told: bool = True
    is_peer: bool = False

    def is_here(self) -> bool:
        """Whether its weights are."""
        return not self.model or whisper_folder(self.model) is not None


WAYS = (
    Way("without weights"),
    Way("base + aligned", "base"),
    Way("tiny.en + aligned", "tiny.en", ("en",)),
    Way("base + aligned, cues only", "base", is_told=False),
    Way("plain faster-whisper base", "base", is_told=False, is_peer=True),
    Way("proportional", is_peer=True),
)
