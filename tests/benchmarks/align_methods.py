"""Places the scenes of narrations by one method, in a process of its own, for its memory and its speed.

`python -m tests.benchmarks.align_methods METHOD NARRATIONS.json FOUND.json`. The product is called by the
functions that its own performer calls; its peers' words are placed by the product's own hand.
"""

import importlib
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from farm.errors import FarmError
from farm.rules.senses import AlignRules
from tasks.scene_timestamps.heard import Heard, Method, Word
from tasks.scene_timestamps.params import SceneCue, SceneTimestamps
from tests.benchmarks.align_facts import Narration, read
from tests.benchmarks.align_found import Found, Run
from tests.benchmarks.align_scores import Placed
from tests.benchmarks.align_ways import WAYS, Way
from tests.benchmarks.align_weights import whisper_folder
from workers.asr_align.aligning import Wish, heard
from workers.asr_align.aligning.script import words_of
from workers.asr_align.placing import placed
from workers.asr_align.speech import SAMPLE_RATE, speech_in
from workers.media.sound import Samples, SoundReader

_THREADS = 2


class _Watch:
    """Hears of progress, which must never go back."""

    def __init__(self) -> None:
        self._last_s, self._done = time.perf_counter(), 0.0
        self.longest_wait_s = 0.0

    def report(self, done: float) -> None:
        now = time.perf_counter()
        assert self._done <= done <= 1, f"progress went from {self._done} to {done}"
        self.longest_wait_s = max(self.longest_wait_s, now - self._last_s)
        self._last_s, self._done = now, done


def found_by(way: Way, narration: Narration) -> Found:
    """The narration's scenes by this method, with what that took of this process and its children."""
    wall, cpu, watch = time.perf_counter(), _cpu_s(), _Watch()
    try:
        told = hear(way, narration, watch.report)
        fit, scenes = told.fit, _scenes(way, narration, told)
    except FarmError as error:
        print(f"{way.name}: {narration.name}: {error}", file=sys.stderr)
        fit, scenes = 0.0, _refused(narration)
    return Found(
        narration=narration.name,
        language=narration.language,
        voice=narration.voice,
        engine=narration.engine,
        condition=narration.condition,
        duration_s=narration.duration_s,
        wall_s=time.perf_counter() - wall,
        cpu_s=_cpu_s() - cpu,
        longest_wait_s=watch.longest_wait_s,
        fit=fit,
        scenes=scenes,
    )


def _refused(narration: Narration) -> tuple[Placed, ...]:
    return tuple(Placed(1_000 * scene.start_s, None, 0, 0, "refused", 0) for scene in narration.scenes)


def hear(way: Way, narration: Narration, report: Callable[[float], None]) -> Heard:
    """The narration's words by this method."""
    if way.name == "proportional":
        return _by_letters(narration)
    if way.is_peer:
        return _plain(_whisper(way.model), narration)
    wish = Wish(
        narration=narration.text if way.is_told else None,
        cues=tuple(text for scene in narration.scenes for text in (scene.start_cue, scene.anchor)),
        language=narration.language,
        recogniser=AlignRules(model=str(whisper_folder(way.model)), threads=_THREADS) if way.model else None,
    )
    return heard(Path(narration.path), wish, report)


def _scenes(way: Way, narration: Narration, told: Heard) -> tuple[Placed, ...]:
    """As the kind places them, from what its caller would give."""
    params = SceneTimestamps(
        audio="narration",
        scenes=tuple(
            SceneCue(start_cue_text=scene.start_cue, anchor_text=scene.anchor) for scene in narration.scenes
        ),
        narration_text=narration.text if way.is_told else None,
        language_code=narration.language,
    )
    timed = placed(told, params)
    return tuple(
        Placed(
            true_ms=1_000 * scene.start_s,
            said_ms=said.start_ms,
            from_ms=said.interval.from_ms,
            to_ms=said.interval.to_ms,
            status=said.status,
            confidence=said.confidence,
        )
        for scene, said in zip(narration.scenes, timed.scenes, strict=True)
    )


@cache
def _whisper(model: str) -> Any:
    """faster-whisper as its users call it."""
    folder = str(whisper_folder(model))
    return importlib.import_module("faster_whisper").WhisperModel(
        folder, device="cpu", compute_type="int8", cpu_threads=_THREADS
    )


def _plain(whisper: Any, narration: Narration) -> Heard:
    """The recogniser's own word times, as they come."""
    segments, _ = whisper.transcribe(
        narration.path,
        language=narration.language,
        word_timestamps=True,
        vad_filter=True,
        condition_on_previous_text=False,
    )
    words = [word for segment in segments for word in segment.words]
    starts = accumulate((max(0.0, word.start) for word in words), max)
    return _heard(
        narration,
        [
            Word(
                text=word.word.strip() or "-",
                start_s=start,
                end_s=max(start, word.end),
                certainty=word.probability,
                half_width_s=0.1,
            )
            for word, start in zip(words, starts, strict=True)
        ],
        Method.RECOGNISED,
    )


def _by_letters(narration: Narration) -> Heard:
    """The text laid along what is spoken, every letter as long as the other."""
    with SoundReader(Path(narration.path), sample_rate=SAMPLE_RATE) as sound:
        spans = speech_in(_chunks(sound))
    begin, end = (spans[0][0], spans[-1][1]) if spans else (0.0, narration.duration_s)
    words = words_of(narration.text)
    letters = list(accumulate((len(word.text) for word in words), initial=0))
    at = [begin + (end - begin) * count / letters[-1] for count in letters]
    return _heard(
        narration,
        [
            Word(
                text=word.text,
                start_s=at[place],
                end_s=at[place + 1],
                certainty=0.1,
                half_width_s=1.0,
                text_start=word.start,
                text_end_exclusive=word.end_exclusive,
            )
            for place, word in enumerate(words)
        ],
        Method.PROPORTIONAL,
    )


def _chunks(sound: SoundReader) -> Iterator[Samples]:
    while (piece := sound.read(10 * SAMPLE_RATE)).shape[1]:
        yield piece


def _heard(narration: Narration, words: Sequence[Word], method: Method) -> Heard:
    return Heard(
        words=tuple(words),
        speech=(),
        duration_s=narration.duration_s,
        language=narration.language,
        method=method,
        is_known_text=method is Method.PROPORTIONAL,
        fit=1.0,
    )


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(name: str, narrations: str, out: str) -> None:
    way = next(one for one in WAYS if one.name == name)
    todo = [one for one in read(Path(narrations)) if one.language in way.languages]
    found = tuple(found_by(way, narration) for narration in todo)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Run(found, peak_mb).write(Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
