"""What was said in a sound and when, as it is kept, and as OpenAI's clients and players read it. Pure."""

from collections.abc import Sequence

from farm.noun import Noun
from tasks.scene_timestamps.captions import Caption, as_srt, as_vtt, captions
from tasks.scene_timestamps.heard import Word


class SpokenWord(Noun):
    """A word in seconds of the sound. `certainty` 0 to 1, None where nobody tells."""

    word: str
    start: float
    end: float
    certainty: float | None = None


class Segment(Noun):
    """What is read at a glance: a sentence, or as much of it as fits; seconds."""

    start: float
    end: float
    text: str


class Transcript(Noun):
    """`language` as ISO 639-1, or as a service named it."""

    text: str
    language: str
    duration_s: float
    segments: tuple[Segment, ...] = ()
    words: tuple[SpokenWord, ...] = ()

    @classmethod
    def of(cls, words: Sequence[Word], language: str, duration_s: float) -> "Transcript":
        """Of words that were recognised, in order."""
        segments = [
            Segment(start=one.start_ms / 1000, end=one.end_ms / 1000, text=" ".join(one.text.split()))
            for one in captions(words)
        ]
        spoken = [
            SpokenWord(word=word.text, start=word.start_s, end=word.end_s, certainty=word.certainty)
            for word in words
        ]
        return cls(
            text=" ".join(segment.text for segment in segments),
            language=language,
            duration_s=duration_s,
            segments=tuple(segments),
            words=tuple(spoken),
        )

    def srt(self) -> str:
        """SubRip."""
        return as_srt(self._captions())

    def vtt(self) -> str:
        """WebVTT."""
        return as_vtt(self._captions())

    def _captions(self) -> list[Caption]:
        shown = self.segments or (
            (Segment(start=0, end=self.duration_s, text=self.text),) if self.text else ()
        )
        return [Caption(round(one.start * 1000), round(one.end * 1000), one.text) for one in shown]
