"""The kind `edit-image`: a picture changed as a prompt says, within a mask, beyond its edges, in a style."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from farm.kinds import Kind
from farm.models import Capability
from tasks.generate_image import (
    PERFORMER,
    STEP,
    PictureParams,
    plan_picture,
    price_picture_mc,
    told_of_picture,
)

MOST_IMAGES = 8
Direction = Literal["all", "left", "right", "up", "down"]


class EditImage(PictureParams):
    """The first of `images` is changed, the others are looked at. All pictures are ids of assets.

    `mask` has the size of the first: white is made anew and black is kept; in one with transparency,
    what is transparent is made anew. `outpaint` makes the picture larger on these sides. Without a size the
    picture's own is kept.
    """

    kind: ClassVar[str] = "edit-image"
    capability: ClassVar[Capability] = Capability.IMAGE_EDIT

    images: tuple[str, ...] = Field(min_length=1, max_length=MOST_IMAGES)
    mask: str | None = Field(default=None, min_length=1)
    outpaint: Direction | None = None

    @property
    def pictures(self) -> tuple[str, ...]:
        masks = () if self.mask is None else (self.mask,)
        return (*self.images, *masks, *super().pictures)

    @model_validator(mode="after")
    def _is_sized_as_a_whole(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height come together or not at all")
        return self


KIND = Kind(
    name=EditImage.kind,
    version=1,
    params=EditImage,
    plan=plan_picture,
    price_mc=price_picture_mc,
    steps={STEP: PERFORMER},
    summary="Change a picture: within a mask, beyond its edges, in another style.",
    told=told_of_picture,
)
