"""The files of a timed narration, by name, and what stands in those that are JSON. Pure."""

from collections.abc import Sequence
from typing import Literal

from pydantic import ConfigDict, TypeAdapter

from farm.noun import Sent
from tasks.scene_timestamps.heard import Method, Word
from tasks.scene_timestamps.params import SceneTimestamps
from tasks.scene_timestamps.placed import SceneTime, Status, Timed

TIMESTAMPS = "timestamps"  # always written
SRT, VTT, WORDS, MARKERS = "srt", "vtt", "words", "markers"
_COLOURS = {Status.MATCHED: "GREEN", Status.FIXED: "BLUE", Status.FUZZY: "YELLOW", Status.INTERPOLATED: "RED"}


class Row(Sent):
    """Base of what stands in the files: camelCase, as callers get it."""

    model_config = ConfigDict(validate_by_name=True)


class SpokenWord(Row):
    """One word, in milliseconds of the final timeline."""

    text: str
    start_ms: int
    end_ms: int
    certainty: float


class SceneMarker(Row):
    """A marker as compose-otio takes it; red ones are guesses."""

    at_sec: float
    name: str
    comment: str
    color: str


class IntervalView(Row):
    """Where the true start lies, as far as is known: for a matched scene nine times of ten."""

    from_ms: int
    to_ms: int


class TransitionView(Row):
    """How the scene before becomes this one. `interval` is where its end may lie; `review`: have a look."""

    type: Literal["cut", "dissolve", "dip"]
    start_ms: int
    duration_ms: int
    review: bool
    interval: IntervalView


class SceneView(Row):
    """A scene, at the place of the one that was sent. `startFrame` where `fps` was given."""

    index: int
    scene_id: str | None
    start_ms: int
    start_frame: int | None
    status: Literal["matched", "fuzzy", "interpolated", "fixed"]
    confidence: float
    interval: IntervalView
    transition: TransitionView

    @classmethod
    def of(cls, index: int, scene: SceneTime) -> "SceneView":
        """As it was placed."""
        interval = IntervalView(from_ms=scene.interval.from_ms, to_ms=scene.interval.to_ms)
        cut = scene.transition
        return cls(
            index=index,
            scene_id=scene.scene_id,
            start_ms=scene.start_ms,
            start_frame=scene.start_frame,
            status=scene.status.value,
            confidence=scene.confidence,
            interval=interval,
            transition=TransitionView(
                type=cut.type.value,
                start_ms=cut.start_ms,
                duration_ms=cut.duration_ms,
                review=cut.review,
                interval=interval,
            ),
        )


class TimestampsFile(Row):
    """What `timestamps.json` says. The sound, `duration_ms` long, begins at `start_offset_ms`."""

    scenes: tuple[SceneView, ...]
    start_offset_ms: int
    duration_ms: int
    fps: str | None
    method: Method
    language: str


Spoken = TypeAdapter(tuple[SpokenWord, ...])
Markers = TypeAdapter(tuple[SceneMarker, ...])


def words_of(words: Sequence[Word], offset_ms: int) -> tuple[SpokenWord, ...]:
    """The word stream."""
    return tuple(
        SpokenWord(
            text=word.text,
            start_ms=offset_ms + round(word.start_s * 1000),
            end_ms=offset_ms + round(max(word.end_s, word.start_s) * 1000),
            certainty=round(word.certainty, 3),
        )
        for word in words
    )


def markers_of(timed: Timed) -> tuple[SceneMarker, ...]:
    """A marker at each scene's start, coloured by how it was found."""
    return tuple(
        SceneMarker(
            at_sec=scene.start_ms / 1000,
            name=scene.scene_id or f"Scene {number}",
            comment=f"{scene.status}, confidence {scene.confidence:.2f}",
            color=_COLOURS[scene.status],
        )
        for number, scene in enumerate(timed.scenes, 1)
    )


def views_of(timed: Timed) -> list[SceneView]:
    """The scenes as callers get them."""
    return [SceneView.of(index, scene) for index, scene in enumerate(timed.scenes)]


def file_of(timed: Timed, params: SceneTimestamps) -> TimestampsFile:
    """All of it, as a file."""
    rate = params.rate
    return TimestampsFile(
        scenes=tuple(views_of(timed)),
        start_offset_ms=params.start_offset_ms,
        duration_ms=timed.duration_ms,
        fps=None if rate is None else str(rate.fps),
        method=timed.method,
        language=timed.language,
    )
