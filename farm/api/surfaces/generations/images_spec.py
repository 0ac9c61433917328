"""From a call for pictures to the farm's parameters, and back to its own words where they are refused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from farm.account import Account
from farm.api.desk import Desk
from farm.api.fetched import Wanted
from farm.api.generation import within_tier
from farm.api.surfaces.generations.images_wire import EditRequest, ImageRequest, PictureRequest, size_of
from farm.asset import Asset
from farm.doors.submit import order
from farm.errors import BadRequest, FarmError, ModelNotOffered, NotAllowed
from farm.job import JobSpec
from tasks.edit_image import EditImage
from tasks.generate_image import GenerateImage, PictureParams

IMAGE, EDIT = "img", "edit"  # how their jobs' ids begin
PENDING = "asset_pending"  # stands for a picture that has not come yet
_SIZE = (1024, 1024)  # where none is asked for

# What the farm's own fields are called here.
_FIELDS = {
    "width": "size",
    "height": "size",
    "count": "n",
    "images": "character_references",
    "style_image": "style_reference_url",
    "outpaint": "outpaint_direction",
    "capability": "model",
}


def generation(body: ImageRequest, images: Sequence[str], style: str | None) -> GenerateImage:
    """The parameters, with the assets that its URLs led to. Raises BadRequest."""
    angle = body.camera_angle.strip()
    size = size_of(body.size) or _SIZE
    return GenerateImage(**_shared(body, size), images=tuple(images), style_image=style, camera_angle=angle)


def edit(body: EditRequest, images: Sequence[str], mask: str | None, style: str | None) -> EditImage:
    """As `generation`; without a size the picture keeps its own."""
    return EditImage(
        **_shared(body, size_of(body.size)),
        images=tuple(images),
        mask=mask,
        outpaint=body.outpaint_direction,
        style_image=style,
    )


def _shared(body: PictureRequest, size: tuple[int, int] | None) -> dict[str, Any]:
    """The fields of PictureParams."""
    return {
        "prompt": body.prompt,
        "negative_prompt": body.negative_prompt,
        "model": body.model,
        "failover": body.failover,
        "count": body.n,
        "width": size[0] if size else None,
        "height": size[1] if size else None,
        "seed": body.seed,
        "quality": "hd" if body.is_hd else "standard",
        "background": "transparent" if body.is_transparent else "auto",
        "output_format": body.output_format,
    }


def spec_of(
    desk: Desk, account: Account, body: PictureRequest, params: PictureParams, prefix: str
) -> JobSpec:
    """The job within the account's tier, checked as its submit does: raises the same, in the call's words.

    May look up the name in its webhook_url, so it blocks.
    """
    with wire_names():
        spec = body.spec(desk, within_tier(desk.hall.catalog, account, params), prefix)
        order(desk.hall, spec)
    return spec


def with_pictures(spec: JobSpec, **pictures: str | tuple[str, ...] | None) -> JobSpec:
    """The same job, reading these assets in place of those that were PENDING."""
    return replace(spec, params=spec.params.model_copy(update=pictures))


def wanted_of(body: PictureRequest) -> list[Wanted]:
    """The pictures that a call names by URL: characters first, then the style."""
    named: list[tuple[str | None, str]] = []
    if isinstance(body, ImageRequest):
        many = enumerate(body.character_references)
        named.append((body.character_reference_url, "character_reference_url"))
        named += [(url, f"character_references[{index}]") for index, url in many]
    named.append((body.style_reference_url, "style_reference_url"))
    return [Wanted(url, field) for url, field in named if url is not None]


def sorted_out(body: PictureRequest, ids: Sequence[str]) -> tuple[list[str], str | None]:
    """What `wanted_of` led to: the characters, and the style."""
    if body.style_reference_url is None:
        return list(ids), None
    return list(ids[:-1]), ids[-1]


def ids_of(found: Sequence[Asset]) -> list[str]:
    return [asset.id for asset in found]


@contextmanager
def wire_names() -> Iterator[None]:
    """Refusals name the call's own fields."""
    try:
        yield
    except (BadRequest, NotAllowed) as error:
        field = _FIELDS.get(error.param or "")
        if field is None or isinstance(error, ModelNotOffered):
            raise
        raise _renamed(error, field) from None


def _renamed(error: FarmError, field: str) -> FarmError:
    message = error.message.replace(f"{error.param}:", f"{field}:", 1)
    return type(error)(message, param=field, code=error.public_code)
