"""What calls for pictures say, and what is answered: as OpenAI's clients and the document have it."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from farm.api.surfaces.generations.asked import Switch, ToldAtTheEnd, Url
from farm.errors import BadRequest
from tasks.edit_image import Direction
from tasks.generate_image import MOST_SEED, PROMPT_CHARACTERS

MOST_OF_A_CALL = 4
MOST_REFERENCES = 3
MOST_PARTIAL = 3  # previews that a stream may show
_SIZE = re.compile(r"(\d{2,5})x(\d{2,5})")
_STEP = 16
_LEAST_SIDE = 64
_HD = ("hd", "high", "xhigh", "max")

Prompt = Annotated[str, Field(min_length=1, max_length=PROMPT_CHARACTERS)]
References = Annotated[list[Url], Field(max_length=MOST_REFERENCES)]


class PictureRequest(ToldAtTheEnd):
    """What generations and edits have in common. Null is as good as left out, as some clients send it.

    With `stream` the answer is events, with up to `partial_images` previews before the pictures.
    """

    prompt: Prompt
    model: Annotated[str, Field(min_length=1, max_length=64)] = "auto"
    n: Annotated[int, Field(strict=True, ge=1, le=MOST_OF_A_CALL)] = 1
    size: Annotated[str, Field(max_length=16, examples=["1024x1024", "1536x1024", "1024x1536"])] = "auto"
    quality: Literal["standard", "hd", "auto", "low", "medium", "high", "xhigh", "max"] = "standard"
    background: Literal["auto", "transparent", "opaque"] = "auto"
    response_format: Literal["url", "b64_json"] = "url"
    output_format: Literal["png", "jpeg", "webp"] = "png"
    style_reference_url: Url | None = None
    negative_prompt: Annotated[str, Field(max_length=PROMPT_CHARACTERS)] = ""
    seed: Annotated[int, Field(strict=True, ge=0, le=MOST_SEED)] | None = None
    failover: Switch = True
    stream: Switch = False
    partial_images: Annotated[int, Field(strict=True, ge=0, le=MOST_PARTIAL)] = 0

    @field_validator("*", mode="before")
    @classmethod
    def _left_out(cls, value: object, info: ValidationInfo) -> object:
        """Null is the default."""
        field = cls.model_fields[info.field_name or ""]
        return field.get_default() if value is None and not field.is_required() else value

    @property
    def is_hd(self) -> bool:
        return self.quality in _HD

    @property
    def is_transparent(self) -> bool:
        return self.background == "transparent"


class ImageRequest(PictureRequest):
    """POST /v1/images/generations. `character_references`: up to three pictures of characters to keep alike.

    `size`: two multiples of 16. With a `transparent` background every file is a PNG. `quality` may be said in
    OpenAI's newer words; other fields of its clients are passed over.
    """

    camera_angle: Annotated[str, Field(pattern=r"^[\w' -]{0,64}$", examples=["isometric", "low-angle"])] = ""
    character_reference_url: Url | None = None
    character_references: References = Field(default=[])


class EditRequest(PictureRequest):
    """The texts of POST /v1/images/edits, beside the files `image` (or several `image[]`) and `mask`.

    A mask has the size of the first picture: white is made anew and black is kept, or what is transparent is
    made anew. `outpaint_direction` makes the picture larger there. Further pictures are looked at.
    """

    outpaint_direction: Direction | None = None
    image_url: Annotated[Url | None, Field(description="In place of a file `image`.")] = None


class PictureView(BaseModel):
    """One picture. `url` works for seven days."""

    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str


class PicturesAnswer(BaseModel):
    """As OpenAI answers, and what the farm knows beyond that."""

    created: int
    data: list[PictureView]
    id: str
    model: str
    model_actual: str
    failover_used: bool
    credits: int | float


class UnderwayPictures(BaseModel):
    """With `Prefer: respond-async`: the job, whose end `GET /api/generate/status/{id}` and a webhook tell."""

    id: str
    object: Literal["image.generation"] = "image.generation"
    status: Literal["processing"] = "processing"
    model: str
    model_actual: str
    credits: int | float
    status_url: str


def size_of(size: str) -> tuple[int, int] | None:
    """Width and height in pixels; None for `auto`. Raises BadRequest."""
    if size == "auto":
        return None
    found = _SIZE.fullmatch(size)
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if min(sides) < _LEAST_SIDE or any(side % _STEP for side in sides):
        raise BadRequest(
            f"size: {size!r} is no size: say WIDTHxHEIGHT, both multiples of {_STEP} from {_LEAST_SIDE} on,"
            " such as 1024x1024, or auto.",
            param="size",
        )
    return sides
