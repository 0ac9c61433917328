"""Finds all that is wrong with a request to describe scenes at once.

Like compose-otio's, it reads the JSON itself, so that a field of the wrong shape hides nothing of what is
wrong elsewhere.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from pydantic import JsonValue, ValidationError

from farm.errors import BadRequest
from farm.noun import Noun, Sent
from tasks.compose_otio.findings import Finding, of_shape, pointer, shown
from tasks.compose_otio.look import Look, bounded
from tasks.describe_scenes.metadata import (
    MAX_DESCRIPTION,
    MAX_EXTRA_DETAIL,
    MAX_IMAGES,
    MAX_NARRATION,
    Metadata,
    Style,
)

_MOST_SAID = 20
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_STYLES: tuple[Style, ...] = ("short", "normal", "detailed")
_LENGTHS = {"/metadata/narrationText": "text_too_long", "/metadata/sceneIds": "scene_ids_mismatch"}
_MIB = 1_048_576


class DescribeLimits(Noun):
    """What an account's tier allows; by default what any account may. Sizes are bytes, texts characters."""

    max_images: int = MAX_IMAGES
    max_image_bytes: int = 5 * _MIB
    max_total_bytes: int = 100 * _MIB
    max_narration: int = MAX_NARRATION
    max_description: int = MAX_DESCRIPTION
    max_extra_detail: int = MAX_EXTRA_DETAIL
    styles: tuple[Style, ...] = _STYLES


class BrokenScenes(BadRequest):
    """A request that cannot be described. `faults` are all that is wrong with it."""

    def __init__(self, faults: Sequence[Finding]) -> None:
        self.faults = tuple(faults)
        said = " ".join(f"{fault.path or '/'}: {fault.message}" for fault in self.faults[:_MOST_SAID])
        more = len(self.faults) - _MOST_SAID
        rest = f" And {more} more." if more > 0 else ""
        super().__init__(f"The scenes cannot be described. {said}{rest}", param=self.faults[0].path)


class _Request(Sent):
    """So that pointers into metadata begin at the request."""

    metadata: Metadata


def checked(
    raw: object,
    image_bytes: Sequence[int | None],
    limits: DescribeLimits = DescribeLimits(),  # noqa: B008  # frozen
) -> Metadata:
    """The metadata that this JSON is, of so many images; None for a size that nobody knows yet.

    Raises BrokenScenes with everything that is wrong.
    """
    faults: list[Finding] = []
    request = None
    try:
        request = _Request.model_validate({"metadata": bounded(raw, MAX_IMAGES)})
    except ValidationError as error:
        faults += of_shape(error)
    root = Look({"metadata": raw})["metadata"]
    faults += _images(image_bytes, limits)
    faults += _texts(root, limits)
    faults += _scene_ids(root["sceneIds"], len(image_bytes))
    faults += _options(root, len(image_bytes), limits)
    if faults or request is None:
        raise BrokenScenes(_once(faults))
    return request.metadata


def notes(metadata: Metadata) -> Iterator[Finding]:
    """What a caller should know of a request that is good."""
    often = Counter(metadata.scene_ids or ())
    for index, scene_id in enumerate(metadata.scene_ids or ()):
        if often[scene_id] > 1:
            yield Finding(
                code="duplicate_scene_id",
                path=pointer("metadata", "sceneIds", index),
                message="Another scene has this id; scenes are told apart by their order.",
                got=scene_id,
            )


def _once(faults: Sequence[Finding]) -> list[Finding]:
    """One of each at a place; what the tier says of a length goes before what the shape does."""
    known: dict[tuple[str, str], Finding] = {}
    for fault in faults:
        is_length = fault.code == "out_of_range" and fault.path in _LENGTHS
        code = _LENGTHS[fault.path] if is_length else fault.code
        known[fault.path, code] = fault.model_copy(update={"code": code})
    return list(known.values())


def _images(image_bytes: Sequence[int | None], limits: DescribeLimits) -> Iterator[Finding]:
    count = len(image_bytes)
    if not count:
        yield _wrong("missing_field", "/images", "Send at least one picture.", 0, {"ge": 1})
    if count > limits.max_images:
        said = f"Are {count} pictures; your tier allows {limits.max_images}."
        yield _wrong("too_many_files", "/images", said, count, limits.max_images)
    for index, size in enumerate(image_bytes):
        if size is not None and size > limits.max_image_bytes:
            said = f"Has {size} bytes; your tier allows {limits.max_image_bytes}."
            yield _wrong("file_too_large", pointer("images", index), said, size, limits.max_image_bytes)
    total = sum(size or 0 for size in image_bytes)
    if total > limits.max_total_bytes:
        said = f"Have {total} bytes together; your tier allows {limits.max_total_bytes}."
        yield _wrong("files_too_large", "/images", said, total, limits.max_total_bytes)


def _texts(root: Look, limits: DescribeLimits) -> Iterator[Finding]:
    text, hints = root["narrationText"], root["hints"]
    if text.text is not None and len(text.text) > limits.max_narration:
        said = f"Has {len(text.text)} characters; your tier allows {limits.max_narration}."
        yield _wrong("text_too_long", text.at, said, len(text.text), limits.max_narration)
    style = hints["style"]
    if style.text in _STYLES and style.text not in limits.styles:
        allowed: list[JsonValue] = [*limits.styles]
        yield style.wrong("not_in_tier", "Your tier does not have this style.", allowed=allowed)
    language = hints["languageCode"]
    if language.text and not _LANGUAGE.fullmatch(language.text):
        yield language.wrong(
            "unsupported_language", "Is not a language tag.", allowed="BCP 47, as en or pt-BR"
        )


def _scene_ids(ids: Look, images: int) -> Iterator[Finding]:
    if isinstance(ids.value, list | tuple) and len(ids.all) != images:
        said = f"Has {len(ids.all)} ids for {images} pictures."
        yield _wrong("scene_ids_mismatch", ids.at, said, len(ids.all), images)


def _options(root: Look, images: int, limits: DescribeLimits) -> Iterator[Finding]:
    """Of the first ones, as many as there may be: a longer list is a fault as it is."""
    at, options = root["sceneOptions"].at, root["sceneOptions"].all[:MAX_IMAGES]
    known = Counter(found.text for found in root["sceneIds"].all)
    seen = set[str]()
    for index, option in enumerate(options):
        scene_id = option["sceneId"]
        if scene_id.text is None:
            if index >= images:
                yield _wrong("unknown_scene", option.at, "There is no picture at this place.", index, images)
            continue
        if scene_id.text not in known:
            ids: list[JsonValue] = [shown(name) for name in islice(known, _MOST_SAID)]
            yield scene_id.wrong("unknown_scene", "No scene has this id.", allowed=ids)
        elif known[scene_id.text] > 1 or scene_id.text in seen:
            yield scene_id.wrong("ambiguous_scene", "More than one scene or option has this id.")
        seen.add(scene_id.text)
    yield from _extra_detail(at, options, limits)


def _extra_detail(at: str, options: Sequence[Look], limits: DescribeLimits) -> Iterator[Finding]:
    marked = [option["extraDetail"] for option in options if option["extraDetail"].value is True]
    if not limits.max_extra_detail:
        for mark in marked:
            yield mark.wrong("not_in_tier", "Your tier does not have extra detail.", allowed=False)
    elif len(marked) > limits.max_extra_detail:
        said = f"Marks {len(marked)} scenes for extra detail; {limits.max_extra_detail} are allowed."
        yield _wrong("too_many_extra_details", at, said, len(marked), limits.max_extra_detail)


def _wrong(code: str, path: str, message: str, got: JsonValue, allowed: JsonValue) -> Finding:
    return Finding(code=code, path=path, message=message, got=got, allowed=allowed)
