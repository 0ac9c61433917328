"""The call describe-scenes: pictures and metadata come as a form, descriptions go in the pictures' order."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import JsonValue, SerializerFunctionWrapHandler, model_serializer

from farm.account import Account
from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.errors import default_shape
from farm.api.idempotency import once
from farm.api.routing import farm_router, rated
from farm.api.surfaces.postproduction import parts, waiting
from farm.api.surfaces.postproduction.wire import Answer, FindingView, Meta
from farm.job import Job, JobSpec
from farm.moderation import CODE
from farm.money import credits
from farm.timeline import MediaKind
from tasks.compose_otio.findings import Finding
from tasks.describe_scenes import (
    KIND,
    STEP,
    BrokenScenes,
    Described,
    DescribeLimits,
    DescribeScenes,
    Metadata,
    SceneImage,
    SceneText,
)
from tasks.describe_scenes.checks import checked
from tasks.describe_scenes.policy import REFUSED, has_forbidden_words

PATH = "/postproduction/v1/describe-scenes"
_SURFACE = "postproduction"
_FIELD = "images"
_MIB = 1_048_576
_METADATA_BYTES = 512 * 1024  # 20,000 characters, however they are escaped, and a hundred ids
_OF_ONE = re.compile(rf"/{_FIELD}/\d+")

router = farm_router("/postproduction/v1", "postproduction")


class DescribedSceneView(Answer):
    """One scene. The cues are slices of the narration; a field that has nothing to say is left out."""

    scene_id: str | None = None
    description: str
    anchor_text: str | None = None
    start_cue_text: str | None = None
    description_source: str

    @classmethod
    def of(cls, scene: SceneText) -> "DescribedSceneView":
        return cls(**scene.model_dump())

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]  # its return type would be the schema
        return {name: value for name, value in handler(self).items() if value is not None}


class ScenesView(Answer):
    """The scenes in the order of their pictures."""

    scenes: list[DescribedSceneView]


class DescribeAnswer(Answer):
    """What a call that was waited for answers."""

    data: ScenesView
    meta: Meta


@router.post(
    "/describe-scenes",
    response_model=DescribeAnswer,
    openapi_extra=parts.takes_files("describe", _FIELD, Metadata, many=True),
    responses={202: {"model": waiting.UnderwayAnswer, "description": "Not done in time, or not waited for."}},
)
async def describe_scenes(
    request: Request,
    desk: AtDesk,
    caller: SignedIn,
    prefer: Annotated[str, Header(max_length=200, description="`respond-async`: do not wait.")] = "",
) -> Response:
    """Describe ordered pictures, each in its place; with a narration, find the words that go with it.

    A refusal names everything that is wrong at once, each with its JSON pointer.
    """
    limits = limits_of(desk, caller.account)
    async with parts.received(request, _rules(limits), _METADATA_BYTES) as sent:
        faults, metadata = await run_in_threadpool(_checked, sent, limits)
        if metadata is None:
            return waiting.refused(request, faults)
        if has_forbidden_words(metadata, desk.hall.catalog.moderation):
            return _forbidden(request)

        async def make() -> Response:
            ids = await run_in_threadpool(parts.store, desk, caller.account, sent.files)
            spec = JobSpec(params=_params(ids, sent, metadata, limits), surface=_SURFACE)
            job = await waiting.submit_and_wait(request, desk, caller, spec)
            return waiting.answer(request, job, PATH, partial(_answer, request))

        return await once(request, sent.told, make)


@router.get(
    "/describe-scenes/{job_id}",
    response_model=DescribeAnswer,
    openapi_extra=rated("status"),
    responses={202: {"model": waiting.UnderwayAnswer, "description": "Not done yet."}},
)
async def described_scenes(
    request: Request,
    desk: AtDesk,
    caller: SignedIn,
    job_id: Annotated[str, Path(max_length=64)],
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds to wait for its end.")] = 0.0,
) -> Response:
    """The answer of a call that was not waited for."""
    job = await waiting.look(desk, caller, KIND.name, job_id, wait)
    return waiting.answer(request, job, PATH, partial(_answer, request))


def limits_of(desk: Desk, account: Account) -> DescribeLimits:
    """What the account's tier allows, by the surface's own words for tiers."""
    catalog = desk.hall.catalog
    found = catalog.describe_limits[catalog.surface_tier(_SURFACE, account.tier)]
    return DescribeLimits(
        max_images=found.max_images,
        max_image_bytes=found.max_image_mib * _MIB,
        max_total_bytes=found.max_total_mib * _MIB,
        max_narration=found.max_narration,
        max_description=found.max_description,
        max_extra_detail=found.max_extra_detail,
        styles=found.styles,
    )


def _rules(limits: DescribeLimits) -> parts.FileRules:
    return parts.FileRules(
        name=_FIELD,
        kind=MediaKind.IMAGE,
        most=limits.max_images,
        file_bytes=limits.max_image_bytes,
        total_bytes=limits.max_total_bytes,
    )


def _checked(sent: parts.Sent, limits: DescribeLimits) -> tuple[Sequence[Finding], Metadata | None]:
    """All that is wrong with files and metadata together, or the metadata. None was sent: all defaults."""
    faults = list(sent.faults)
    metadata = None
    is_read = not any(fault.path == f"/{parts.METADATA}" for fault in faults)
    if is_read:
        raw: JsonValue = {} if sent.metadata is None else sent.metadata
        try:
            metadata = checked(raw, [None] * _count(sent), limits)
        except BrokenScenes as error:
            told = {fault.path for fault in faults}
            faults += [fault for fault in error.faults if fault.path not in told]
    return (faults, None) if faults else ((), metadata)


def _count(sent: parts.Sent) -> int:
    """How many pictures came, those that will not do too."""
    bad = {fault.path for fault in sent.faults if _OF_ONE.fullmatch(fault.path)}
    counted = [fault.got for fault in sent.faults if fault.code == "too_many_files"]
    return next((count for count in counted if isinstance(count, int)), len(sent.files) + len(bad))


def _params(
    ids: Sequence[str], sent: parts.Sent, metadata: Metadata, limits: DescribeLimits
) -> DescribeScenes:
    images = [
        SceneImage(asset_id=asset_id, file_name=file.file_name, size_bytes=file.size_bytes)
        for asset_id, file in zip(ids, sent.files, strict=True)
    ]
    return DescribeScenes(images=tuple(images), metadata=metadata, max_description=limits.max_description)


def _answer(request: Request, job: Job) -> DescribeAnswer:
    described = Described.model_validate(job.result[STEP])
    meta = Meta(
        request_id=request.state.request_id,
        job_id=job.id,
        credits=credits(job.charged_mc),
        warnings=[FindingView.of(warning) for warning in described.warnings],
    )
    return DescribeAnswer(
        data=ScenesView(scenes=[DescribedSceneView.of(scene) for scene in described.scenes]), meta=meta
    )


def _forbidden(request: Request) -> Response:
    said = dict(default_shape(CODE, REFUSED, parts.METADATA, 400))
    said["meta"] = {"requestId": request.state.request_id}
    return JSONResponse(said, 400, headers={"Cache-Control": "no-store"})
