"""What scene-timestamps is asked: a narration's sound, and the scenes that are to be found in it."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from farm.kinds import Params
from farm.noun import Noun
from farm.timeline import Rate

MAX_SCENES = 500
MAX_TEXT = 2_000
MAX_NARRATION = 200_000
MAX_FPS = 120
LONGEST_S = 3_600
MAX_MIN_SCENE_MS = 600_000
LANGUAGE = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$"
_DAY_MS = 86_400_000

Format = Literal["srt", "vtt", "markers", "words"]
Ms = Annotated[int, Field(ge=0, le=_DAY_MS)]
CueText = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S")]


class SceneCue(Noun):
    """A scene by how it begins (`start_cue_text`) and by what only it says (`anchor_text`).

    With `fixed_start_ms`, on the final timeline, it begins there whatever is heard. One without a cue lies
    between its neighbours.
    """

    scene_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    start_cue_text: CueText | None = None
    anchor_text: CueText | None = None
    fixed_start_ms: Ms | None = None


class SceneTimestamps(Params):
    """The scenes in the order in which they are told, by asset id of the sound.

    Instead of `scenes` a file may be named that has them, as describe-scenes writes it (`scenes_from`), with
    `max_scenes` at most. `start_offset_ms`: where on the final timeline the sound begins; all times are told
    there. `fps` asks for frames as well. `max_duration_s` is what is held for: a longer sound is refused, a
    shorter one costs less.
    """

    kind: ClassVar[str] = "scene-timestamps"

    audio: str = Field(min_length=1, max_length=300, description="The asset id of the narration's sound.")
    scenes: tuple[SceneCue, ...] = Field(default=(), max_length=MAX_SCENES)
    scenes_from: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    max_scenes: int = Field(default=100, ge=1, le=MAX_SCENES)
    narration_text: Annotated[str, Field(max_length=MAX_NARRATION)] | None = None
    language_code: Annotated[str, Field(pattern=LANGUAGE)] | None = None
    start_offset_ms: Ms = 0
    fps: float | None = Field(default=None, ge=1, le=MAX_FPS)
    min_scene_ms: Annotated[int, Field(ge=0, le=MAX_MIN_SCENE_MS)] = 0
    formats: tuple[Format, ...] = Field(default=(), max_length=4)
    max_duration_s: float = Field(default=LONGEST_S, gt=0, le=LONGEST_S)

    @property
    def rate(self) -> Rate | None:
        """The exact frame rate, if frames were asked for."""
        return None if self.fps is None else Rate.of(self.fps)

    @property
    def fixed(self) -> dict[int, int]:
        """The scenes that begin where the caller says, by index, in milliseconds of the final timeline."""
        found = enumerate(scene.fixed_start_ms for scene in self.scenes)
        return {index: at for index, at in found if at is not None}

    @property
    def most_scenes(self) -> int:
        """How many there are, or may be."""
        return self.max_scenes if self.scenes_from else len(self.scenes)

    @model_validator(mode="after")
    def _can_be_kept(self) -> "SceneTimestamps":
        if bool(self.scenes) == bool(self.scenes_from):
            raise ValueError("send scenes or scenes_from, one of them")
        if self.fps is not None and not is_known_rate(self.fps):
            raise ValueError(f"fps: {self.fps:g} is not supported; {KNOWN_RATES}")
        for index, why in unkept(self.fixed, self.start_offset_ms, self.min_scene_ms).items():
            raise ValueError(f"scenes[{index}].fixed_start_ms: {why}")
        return self


KNOWN_RATES = f"known are whole numbers from 1 to {MAX_FPS}, 23.976, 29.97, 47.952, 59.94 and 119.88"


def is_known_rate(fps: float) -> bool:
    """Whether editors know this rate: whole frames a second, or an NTSC rate."""
    rate = Rate.of(fps)
    return rate.den == 1 or (rate.den == 1001 and rate.num % 1000 == 0)


def unkept(fixed: Mapping[int, int], offset_ms: int, min_scene_ms: int) -> dict[int, str]:
    """Which fixed starts cannot all be kept, by scene, and why: each needs room after the one before."""
    wrong = {}
    before, begins = -1, offset_ms
    for index, at in sorted(fixed.items()):
        room = (index - max(before, 0)) * max(min_scene_ms, 1)
        if at < begins + room:
            wrong[index] = f"{at} is too early; it must be {begins + room} at least."
        else:
            before, begins = index, at
    return wrong
