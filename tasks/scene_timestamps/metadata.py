"""The part `metadata` of a call of scene-timestamps: its shape, in the caller's camelCase.

The document promises frames and options without naming them; they are named here.
"""

from typing import Annotated

from pydantic import Field

from farm.noun import Sent
from tasks.scene_timestamps.params import (
    LANGUAGE,
    MAX_FPS,
    MAX_MIN_SCENE_MS,
    CueText,
    Format,
    Ms,
    SceneCue,
    SceneTimestamps,
)


class SceneIn(Sent):
    """One scene. `startCueText` are the words it begins with, `anchorText` words that only it says.

    `fixedStartMs` pins its start on the final timeline. `sceneId` (or `id`) comes back with it.
    """

    anchor_text: CueText
    start_cue_text: CueText
    scene_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    fixed_start_ms: Ms | None = None

    @property
    def cue(self) -> SceneCue:
        """As the kind takes it."""
        return SceneCue(
            scene_id=self.scene_id or self.id,
            start_cue_text=self.start_cue_text,
            anchor_text=self.anchor_text,
            fixed_start_ms=self.fixed_start_ms,
        )


class Metadata(Sent):
    """The part `metadata`. `startOffsetMs`: where on the final timeline the sound begins.

    `fps` asks for frames as well; `minSceneMs` keeps scenes so long at least; `formats` asks for subtitles
    (`srt`, `vtt`), `markers` as compose-otio takes them, and the `words` with their times.
    """

    scenes: tuple[SceneIn, ...] = Field(strict=False, min_length=1)
    narration_text: str | None = None
    language_code: Annotated[str, Field(pattern=LANGUAGE)] | None = None
    start_offset_ms: Ms = 0
    fps: Annotated[float, Field(ge=1, le=MAX_FPS)] | None = None
    min_scene_ms: Annotated[int, Field(ge=0, le=MAX_MIN_SCENE_MS)] = 0
    formats: Annotated[tuple[Format, ...], Field(strict=False, max_length=4)] = ()

    def params(self, audio: str, max_duration_s: float) -> SceneTimestamps:
        """What the kind is asked for a stored sound."""
        return SceneTimestamps(
            audio=audio,
            scenes=tuple(scene.cue for scene in self.scenes),
            narration_text=self.narration_text or None,
            language_code=self.language_code,
            start_offset_ms=self.start_offset_ms,
            fps=self.fps,
            min_scene_ms=self.min_scene_ms,
            formats=tuple(dict.fromkeys(self.formats)),
            max_duration_s=max_duration_s,
        )
