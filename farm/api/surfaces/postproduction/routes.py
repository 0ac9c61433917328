"""The calls of the postproduction document. Composing is pure and takes milliseconds, so it is done here."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import Body, Header, Request, Response
from fastapi.responses import JSONResponse

from farm.account import Account
from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.errors import default_shape
from farm.api.idempotency import MadeOnce
from farm.api.routing import farm_router, submits
from farm.api.surfaces.postproduction import rendering, wire
from farm.api.surfaces.postproduction.waiting import is_async
from farm.doors.answered import note_answered
from farm.doors.submit import submit
from farm.job import JobSpec
from farm.money import credits
from farm.otio import CONTENT_TYPE
from tasks.compose_otio import (
    KIND,
    BrokenManifest,
    Composed,
    ComposeOtio,
    File,
    Finding,
    Limits,
    composed,
    require_writable,
)
from tasks.compose_otio.checks import checked
from tasks.compose_otio.zipped import zipped

SURFACE = "postproduction"
_BAD = 400
_LONGEST_HERE_S = 2.0  # of writing files; what takes longer is a worker's, whatever the caller prefers
_MOST_IN_HEADER = 20
_MOST_ERRORS = 1_000
_ZIP = "application/zip"
_FILE = {
    CONTENT_TYPE: {"schema": {"type": "string", "description": "An OpenTimelineIO file (Timeline.1)."}},
    _ZIP: {
        "schema": {"type": "string", "format": "binary", "description": "With `output.formats`: all files."}
    },
}

router = farm_router("/postproduction/v1", "postproduction")


@router.post(
    "/compose-otio",
    response_model=wire.ComposeAnswer,
    openapi_extra=submits("compose"),
    responses={
        200: {"content": _FILE, "description": "The file, or with `responseFormat: json` the wrapper."},
        202: {
            "model": rendering.RenderAnswer | wire.AcceptedAnswer,
            "description": "With `render`, with `Prefer: respond-async`, and for files that take long.",
        },
    },
)
def compose_otio(
    body: Annotated[wire.RawManifest, Body()],
    request: Request,
    desk: AtDesk,
    caller: SignedIn,
    once: MadeOnce,
    prefer: Annotated[str, Header(max_length=200, description="`respond-async`: do not wait.")] = "",
) -> Response:
    """Compose an explicit manifest into an OpenTimelineIO file: the same bytes for the same manifest.

    A refusal names everything that is wrong at once, each with its JSON pointer. `dryRun` checks and prices.
    With `render` it becomes a job that also renders it (202); each item that is used names its `asset`.
    """
    request_id: str = request.state.request_id
    try:
        manifest = checked(body, limits_of(desk, caller.account))
        rendering.require_assets(desk, caller.account, manifest)
        made = composed(manifest)
        is_later = is_async(request) or made.writing_s > _LONGEST_HERE_S
        files = () if is_later or manifest.render else _files(made)
    except BrokenManifest as error:
        return _refused(error, request_id)
    params = ComposeOtio(manifest=manifest.model_dump(mode="json"))
    price_mc = KIND.price_mc(params, desk.hall.catalog)
    is_quick = not manifest.render and made.writing_s <= _LONGEST_HERE_S
    spec = JobSpec(params=params, surface=SURFACE, interactive=is_quick)
    if manifest.dry_run:
        return _wrapped(made, price_mc, _meta(made, request_id), is_dry=True)
    if manifest.render:
        job_id = submit(desk.hall, caller, spec, once).job_id
        return rendering.accepted(job_id, _view(made, price_mc), _meta(made, request_id))
    if is_later:
        job_id = submit(desk.hall, caller, spec, once).job_id
        return _accepted(job_id, _meta(made, request_id), is_asked=is_async(request))
    job_id = note_answered(desk.hall, caller, spec, {"compose": {"duration_s": made.duration_s}}, once)
    if manifest.response_format == "file":
        return _file(made, files)
    meta = _meta(made, request_id).model_copy(update={"job_id": job_id, "credits": credits(price_mc)})
    return _wrapped(made, price_mc, meta, files=files)


def limits_of(desk: Desk, account: Account) -> Limits:
    """What the account's tier allows, by the surface's own words for tiers."""
    catalog = desk.hall.catalog
    found = catalog.compose_limits[catalog.surface_tier(SURFACE, account.tier)]
    return Limits(max_items=found.max_items, max_duration_s=found.max_duration_s)


def _files(made: Composed) -> tuple[File, ...]:
    """The files beside the `.otio`, or none for a dry run. Raises BrokenManifest where they cannot be."""
    if made.manifest.dry_run:
        require_writable(made.manifest)
        return ()
    return made.files()


def _meta(made: Composed, request_id: str) -> wire.Meta:
    return wire.Meta(request_id=request_id, warnings=_views(made.warnings))


def _views(findings: Sequence[Finding]) -> list[wire.FindingView]:
    return [wire.FindingView.of(finding) for finding in findings]


def _file(made: Composed, files: Sequence[File]) -> Response:
    """The `.otio`; where there are files beside it, a zip of all, the same bytes for the same manifest."""
    name, content, content_type = made.file_name, made.otio.encode(), CONTENT_TYPE
    if files:
        content = zipped({name: content, **{file.name: file.content for file in files}})
        name, content_type = f"{PurePosixPath(name).stem}.zip", _ZIP
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if made.warnings:
        told = [f"{warning.code} {warning.path}" for warning in made.warnings[:_MOST_IN_HEADER]]
        headers["X-Compose-Warnings"] = ", ".join(told)
    return Response(content, media_type=content_type, headers=headers)


def _wrapped(
    made: Composed, price_mc: int, meta: wire.Meta, *, files: Sequence[File] = (), is_dry: bool = False
) -> Response:
    data = _view(made, price_mc, is_dry=is_dry)
    data.files = [wire.FileView.of(file) for file in files]
    return JSONResponse(wire.ComposeAnswer(data=data, meta=meta).model_dump(mode="json"))


def _view(made: Composed, price_mc: int, *, is_dry: bool = False) -> wire.ComposedView:
    return wire.ComposedView(
        file_name=made.file_name,
        content_type=CONTENT_TYPE,
        otio=None if is_dry else made.otio,
        duration_sec=made.duration_s,
        frames=made.timeline.end_frame_exclusive,
        fps=str(made.timeline.rate.fps),
        credits=credits(price_mc),
    )


def _accepted(job_id: str, meta: wire.Meta, *, is_asked: bool) -> Response:
    data = wire.AcceptedView(job_id=job_id, status_url=f"/farm/v1/jobs/{job_id}")
    answer = wire.AcceptedAnswer(data=data, meta=meta.model_copy(update={"job_id": job_id}))
    headers = {"Preference-Applied": "respond-async"} if is_asked else {}
    headers["Location"] = data.status_url
    return JSONResponse(answer.model_dump(mode="json"), 202, headers)


def _refused(error: BrokenManifest, request_id: str) -> Response:
    """The shape of every refusal, and in it all faults, or how many more there are than anybody reads."""
    said = dict(default_shape(error.public_code, error.message, error.faults[0].path, _BAD))
    said["error"] |= {
        "errors": [view.model_dump(mode="json") for view in _views(error.faults[:_MOST_ERRORS])],
        "errorCount": len(error.faults),
    }
    said["meta"] = {"requestId": request_id}
    return JSONResponse(said, _BAD, headers={"Cache-Control": "no-store"})
