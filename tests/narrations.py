"""Narrations with exactly known words and times, and what a recogniser might make of them. No sound."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.scene_timestamps.heard import Heard, Method, SpeechSpan, Word
from tasks.scene_timestamps.params import SceneCue, SceneTimestamps

_WHO = "the old ferryman|a young engineer|our guide|the baker's daughter|an early commuter|the night watch|"
_WHO += "a flock of starlings|the harbour master|two cyclists|the museum's keeper|a fisherman|the orchestra"
_DOES = "crosses|repairs|remembers|paints|watches|describes|leaves|measures|follows|opens|photographs|guards"
_WHAT = "the wooden bridge|a crowded market|the silver river|every lantern|the northern lighthouse|an empty "
_WHAT += "square|the last tram|seven copper bells|a field of barley|the glass pavilion|the winding stairs"
_WHEN = "before sunrise|in 1984|without a word|by half past nine|as the fog rolls in|every winter|at noon|"
_WHEN += "for almost 30 years|while the city sleeps|on the first day of spring|after the storm|once again"
_LEAD = "|And so|Meanwhile|Later that day|Today|But|Now|In the end"
_PER_S = 2.6  # words
_PAUSES = (0.02, 0.05, 0.3, 0.6, 1.1)
_MISHEARD = "the of boat lamp red seven hill very under market sea old and a to in every".split()  # noqa: SIM905


@dataclass(frozen=True)
class Narration:
    """Scenes as spoken; `starts[k]` is the index of scene k's first word in `words`."""

    scenes: tuple[str, ...]
    words: tuple[Word, ...]
    starts: tuple[int, ...]

    @property
    def text(self) -> str:
        return " ".join(self.scenes)

    @property
    def starts_ms(self) -> list[int]:
        return [round(self.words[at].start_s * 1000) for at in self.starts]

    @property
    def duration_s(self) -> float:
        return self.words[-1].end_s + 0.8

    def heard(self, words: Sequence[Word] | None = None, *, known: bool = False) -> Heard:
        said = self.words if words is None else words
        return Heard(
            words=tuple(said),
            speech=tuple(SpeechSpan(start_s=word.start_s, end_s=word.end_s) for word in self.words),
            duration_s=self.duration_s,
            language="en",
            method=Method.ALIGNED if known else Method.RECOGNISED,
            is_known_text=known,
            fit=1.0,
        )

    def asked(self, **changes: object) -> SceneTimestamps:
        """Each scene by its first six words and by six from its middle."""
        cues = [cue_of(scene) for scene in self.scenes]
        return SceneTimestamps.model_validate({"audio": "asset_1", "scenes": cues, **changes})


def cue_of(scene: str, **changes: object) -> SceneCue:
    words = scene.split()
    middle = max(0, len(words) // 2 - 3)
    texts = {"start_cue_text": " ".join(words[:6]), "anchor_text": " ".join(words[middle : middle + 6])}
    return SceneCue.model_validate(texts | changes)


def narration(seed: int, scenes: int = 12) -> Narration:
    rng = random.Random(seed)
    told = tuple(" ".join(_sentence(rng) for _ in range(rng.randint(1, 3))) for _ in range(scenes))
    return spoken(told, rng)


def spoken(scenes: Sequence[str], rng: random.Random) -> Narration:
    words: list[Word] = []
    starts, at = [], rng.uniform(0.1, 0.9)
    for scene in scenes:
        starts.append(len(words))
        for text in scene.split():
            length = (1 + len(text)) / 6.5 / _PER_S
            words.append(
                Word(text=text, start_s=at, end_s=at + length * 0.95, certainty=0.95, half_width_s=0.03)
            )
            at += length + (rng.choice(_PAUSES[2:]) if text[-1] in ".!?" else 0.0)
        at += rng.choice(_PAUSES)
    return Narration(tuple(scenes), tuple(words), tuple(starts))


def misheard(words: Sequence[Word], share: float, rng: random.Random) -> tuple[Word, ...]:
    """As a recogniser with that word error rate: 60 % substituted, 20 % left out, 20 % put in."""
    found = []
    for word in words:
        drawn = rng.random()
        if drawn < share * 0.6:
            found.append(word.model_copy(update={"text": rng.choice(_MISHEARD), "certainty": 0.6}))
        elif drawn < share * 0.8:
            continue
        else:
            found.append(word)
            if drawn < share:
                found.append(word.model_copy(update={"text": rng.choice(_MISHEARD), "certainty": 0.6}))
    return tuple(found)


def _sentence(rng: random.Random) -> str:
    lead = rng.choice(_LEAD.split("|"))
    parts = [lead, *(rng.choice(some.split("|")) for some in (_WHO, _DOES, _WHAT, _WHEN))]
    text = " ".join(part for part in parts if part)
    return text[0].upper() + text[1:] + "."
