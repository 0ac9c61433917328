"""POST and GET of scene-timestamps: a form with one sound and its scenes becomes a job that is waited for."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from farm.account import Account, Caller
from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.idempotency import once
from farm.api.routing import farm_router, rated
from farm.api.surfaces.postproduction.parts import FileRules, Sent, received, store, takes_files
from farm.api.surfaces.postproduction.timestamps_wire import TimestampsAnswer, answer_of
from farm.api.surfaces.postproduction.waiting import (
    UnderwayAnswer,
    answer,
    look,
    refused,
    submit_and_wait,
)
from farm.audio_length import audio_length_s
from farm.doors import jobs
from farm.job import Job, JobSpec
from farm.rules.tiers import TimestampsTier
from farm.states import JobState
from farm.timeline import MediaKind
from tasks.compose_otio import Finding
from tasks.scene_timestamps import KIND, STEP, Timed
from tasks.scene_timestamps.checks import checked
from tasks.scene_timestamps.metadata import Metadata
from tasks.scene_timestamps.outputs import MARKERS, SRT, VTT, WORDS
from tasks.scene_timestamps.params import LONGEST_S

SURFACE = "postproduction"
PATH = "/postproduction/v1/scene-timestamps"
AUDIO = "audio"
_MIB = 1 << 20
_LONGEST_WAIT_S = 60

router = farm_router("/postproduction/v1", "postproduction")
_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"model": UnderwayAnswer, "description": "With `Prefer: respond-async`, or not done in time."}
}


@router.post(
    "/scene-timestamps",
    response_model=TimestampsAnswer,
    responses=_RESPONSES,
    openapi_extra=takes_files("timestamps", AUDIO, Metadata),
)
async def scene_timestamps(
    request: Request,
    desk: AtDesk,
    caller: SignedIn,
    prefer: Annotated[str, Header(max_length=200, description="`respond-async`: do not wait.")] = "",
) -> Response:
    """When each scene begins in a narration: a form with `audio` and `metadata`.

    A refusal names everything that is wrong at once, each with its JSON pointer.
    """
    tier = limits_of(desk, caller.account)
    most = tier.max_audio_mib * _MIB
    rules = FileRules(AUDIO, MediaKind.AUDIO, most=1, file_bytes=most, total_bytes=most)
    async with received(request, rules, desk.hall.catalog.limits.json_max_bytes) as sent:
        length_s, metadata, faults = await run_in_threadpool(_checked, sent, tier)
        if metadata is None or faults:
            return refused(request, faults)
        held_s = min(length_s or tier.max_audio_s, LONGEST_S)
        return await once(request, sent.told, partial(_made, request, desk, caller, sent, metadata, held_s))


@router.get(
    "/scene-timestamps/{job_id}",
    response_model=TimestampsAnswer,
    responses=_RESPONSES,
    openapi_extra=rated("status"),
)
async def scene_timestamps_answer(
    request: Request,
    job_id: Annotated[str, Path(max_length=64)],
    desk: AtDesk,
    caller: SignedIn,
    wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT_S, description="Seconds to wait for its end.")] = 0,
) -> Response:
    """The answer of a call that became a job: as the call itself would have been answered."""
    return await _answered(request, desk, await look(desk, caller, KIND.name, job_id, wait))


def limits_of(desk: Desk, account: Account) -> TimestampsTier:
    """What the account's tier allows, by the surface's own words for tiers."""
    catalog = desk.hall.catalog
    return catalog.timestamps_limits[catalog.surface_tier(SURFACE, account.tier)]


def _checked(sent: Sent, tier: TimestampsTier) -> tuple[float | None, Metadata | None, Sequence[Finding]]:
    """The sound's length as its header tells, the metadata, and all that is wrong with either."""
    length_s = audio_length_s(sent.files[0].path) if sent.files else None
    if any(fault.path == "/metadata" for fault in sent.faults):
        return length_s, None, sent.faults
    metadata, faults = checked(sent.metadata, tier, length_s)
    return length_s, metadata, [*sent.faults, *faults]


async def _made(
    request: Request, desk: Desk, caller: Caller, sent: Sent, metadata: Metadata, held_s: float
) -> Response:
    """The sound stored, the job made and waited for."""
    (audio,) = await run_in_threadpool(store, desk, caller.account, sent.files)
    spec = JobSpec(params=metadata.params(audio, held_s), surface=SURFACE)
    return await _answered(request, desk, await submit_and_wait(request, desk, caller, spec))


async def _answered(request: Request, desk: Desk, job: Job) -> Response:
    files = await run_in_threadpool(_files, desk, job) if job.state is JobState.COMPLETED else {}
    return answer(request, job, PATH, partial(_told, request.state.request_id, files))


def _told(request_id: str, files: dict[str, Any], job: Job) -> TimestampsAnswer:
    result = {name: value for name, value in job.result[STEP].items() if name != "cost_mc"}
    timed = Timed.model_validate(result)
    return answer_of(request_id, job.id, timed, job.params.get("fps"), job.charged_mc, files)


def _files(desk: Desk, job: Job) -> dict[str, Any]:
    """What stands in the files that were asked for and are still there."""
    found: dict[str, Any] = {}
    for artifact in jobs.job_artifacts(desk.hall, job.account_id, job.id):
        if artifact.name in (SRT, VTT, WORDS, MARKERS):
            text = desk.blobs.read(artifact.blob_key, 0, max(1, artifact.size_bytes)).decode()
            is_text = FilePath(artifact.file_name).suffix != ".json"
            found[artifact.name] = text if is_text else json.loads(text)
    return found
