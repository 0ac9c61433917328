"""What comes with the pictures of describe-scenes. Shapes only; checks.py says what it means as a whole."""

from typing import Annotated, Literal

from pydantic import Field

from farm.noun import Sent

MAX_IMAGES = 100
MAX_EXTRA_DETAIL = 5
MAX_NARRATION = 20_000
MAX_DESCRIPTION = 500
LEAST_DESCRIPTION = 80  # room for what is always said

Style = Literal["short", "normal", "detailed"]
SceneId = Annotated[str, Field(min_length=1, max_length=200)]


class Hints(Sent):
    """How descriptions shall be. `language_code` is a BCP 47 tag, as `en` or `pt-BR`."""

    language_code: str | None = Field(default=None, min_length=2, max_length=35)
    style: Style = "normal"


class SceneOption(Sent):
    """Wishes for one scene: the one of its own place in the list, or the one with this `scene_id`."""

    scene_id: SceneId | None = None
    extra_detail: bool = False


class Metadata(Sent):
    """`scene_ids` are the caller's own names of the pictures, one each."""

    narration_text: str | None = Field(default=None, max_length=MAX_NARRATION)
    scene_ids: tuple[SceneId, ...] | None = Field(default=None, strict=False, max_length=MAX_IMAGES)
    hints: Hints = Hints()
    scene_options: tuple[SceneOption, ...] = Field(default=(), strict=False, max_length=MAX_IMAGES)

    def in_detail(self, images: int) -> frozenset[int]:
        """The places of the scenes that are marked for more detail."""
        return frozenset(
            place
            for index, option in enumerate(self.scene_options)
            if option.extra_detail and (place := self._place(index, option)) is not None and place < images
        )

    def _place(self, index: int, option: SceneOption) -> int | None:
        if option.scene_id is None:
            return index
        ids = self.scene_ids or ()
        return ids.index(option.scene_id) if option.scene_id in ids else None
