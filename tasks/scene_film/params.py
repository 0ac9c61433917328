"""What scene-film is asked: the pictures and the narration, and the file that tells when which is shown."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from farm.kinds import Params
from farm.noun import Noun
from tasks.compose_otio.formats import FormatName
from tasks.compose_otio.manifest import MAX_FPS, MAX_ITEMS, Target


class SceneFile(Noun):
    """An upload, and what it is called in the cut."""

    asset_id: str = Field(min_length=1, max_length=300)
    file_name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^/\\]+$")]


class SceneFilm(Params):
    """`timestamps` names the file that scene-timestamps writes: its n-th scene shows the n-th picture.

    What is held is for `max_duration_s` of film; a longer one is refused, a shorter one costs less.
    """

    kind: ClassVar[str] = "scene-film"

    images: tuple[SceneFile, ...] = Field(min_length=1, max_length=MAX_ITEMS - 1)
    narration: SceneFile
    timestamps: str = Field(min_length=1, max_length=300)
    name: str = Field(default="Film", min_length=1, max_length=200)
    fps: float = Field(default=25.0, ge=1, le=MAX_FPS)
    width: int = Field(default=1920, ge=16, le=8192, multiple_of=2)
    height: int = Field(default=1080, ge=16, le=8192, multiple_of=2)
    transitions: Literal["suggested", "cut"] = "suggested"
    target_consumer: Target = "generic"
    formats: tuple[FormatName, ...] = Field(default=(), max_length=16)
    render: bool = True
    max_duration_s: float = Field(default=600.0, gt=0, le=3_600)
