"""The calls of the media render document."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import Path, Query

from farm.account import Account
from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.idempotency import MadeOnce
from farm.api.inputs import inputs_of
from farm.api.own_voices import as_spoken, own_voices
from farm.api.routing import farm_router, rated, submits
from farm.api.surfaces.media_render import to_wire, wire
from farm.api.surfaces.media_render.to_spec import to_spec
from farm.api.surfaces.media_render.voices import VoicesAnswer, voices_answer
from farm.api.uploads import declared, upload_url
from farm.asset import Asset, MediaProject, NewAsset
from farm.doors import assets, jobs
from farm.doors.submit import submit_to_project
from farm.errors import BadRequest, Conflict, FarmError, NotFound
from farm.job import Artifact, Job
from farm.states import JobState
from tasks.media_render.voices import Filters, voices_for

_FIELDS = {"file_name": "fileName", "content_type": "contentType", "size_bytes": "fileSize"}
_OUTPUT_TYPE = "video/mp4"

router = farm_router("/api/v1/media-render", "media render")
ProjectId = Annotated[str, Path(alias="projectId", max_length=64, examples=["mrproj_0123456789abcdefghjkmn"])]

Filter = Annotated[str | None, Query(max_length=35)]


@router.post("/uploads", openapi_extra=submits("uploads"))
def create_uploads(
    body: wire.UploadsRequest, desk: AtDesk, caller: SignedIn, base_url: BaseUrl
) -> wire.UploadsAnswer:
    """Create a project and one upload URL per file."""
    limits = desk.hall.catalog.limits
    if len(body.files) > limits.project_max_files:
        raise BadRequest(f"At most {limits.project_max_files} files in one call.", param="files")
    files = [_declared(desk, file, f"files[{index}]") for index, file in enumerate(body.files)]
    project = assets.create_project(desk.hall, caller.account, body.project_name)
    made = assets.declare(desk.hall, caller.account, files, project)
    urls = [upload_url(desk, asset, base_url) for asset in made]
    return to_wire.uploads_answer(project, made, urls, limits.upload_url_s)


@router.post("/jobs", status_code=202, openapi_extra=submits("job_starts"))
def create_job(
    body: wire.RenderRequest, desk: AtDesk, caller: SignedIn, once: MadeOnce
) -> wire.RenderStarted:
    """Start a project's render, or its next one once the one before has ended."""
    project = _project(desk, caller.account, body)
    held = assets.project_assets(desk.hall, caller.account, project.id)
    spec = to_spec(body, project, held, partial(as_spoken, desk.hall, caller.account))
    _require_uploaded(desk, held, inputs_of(spec))
    return to_wire.started(project, submit_to_project(desk.hall, caller, spec, project.id, once).held_mc)


@router.get("/jobs/{projectId}", openapi_extra=rated("status"))
def show_status(project_id: ProjectId, desk: AtDesk, caller: SignedIn) -> wire.RenderStatus:
    """How the project's latest render stands. Poll every 5 seconds, every 15 for long renders."""
    project = assets.project(desk.hall, caller.account, project_id)
    return to_wire.status(project, _render(desk, project))


@router.get("/jobs/{projectId}/download", openapi_extra=rated("downloads"))
def show_download(
    project_id: ProjectId, desk: AtDesk, caller: SignedIn, base_url: BaseUrl
) -> wire.RenderDownload:
    """A short-lived URL of the MP4. 409 `output_not_ready` while there is none, `render_failed` if never.

    404 `output_expired` once it has been deleted.
    """
    project = assets.project(desk.hall, caller.account, project_id)
    output = _output(desk, project, _render(desk, project))
    expires_s = desk.hall.catalog.limits.download_url_s
    url = desk.blobs.download_url(
        output.blob_key,
        file_name=output.file_name,
        content_type=output.content_type,
        expires_s=expires_s,
        base_url=base_url,
    )
    return wire.RenderDownload(download_url=url, expires_in=expires_s, file_name=output.file_name)


@router.get("/voices", response_model_exclude_none=True, openapi_extra=rated("voices"))
def list_voices(
    desk: AtDesk, caller: SignedIn, language: Filter = None, gender: Filter = None, engine: Filter = None
) -> VoicesAnswer:
    """The voices that a voiceover may have. `language` is `en` or, for one region's, `en-GB`."""
    filters = Filters(language=language or None, gender=gender or None, engine=engine or None)
    saved = own_voices(desk.hall, caller.account, filters)
    return voices_answer(saved, voices_for(filters))


def _declared(desk: Desk, file: wire.UploadFile, field: str) -> NewAsset:
    meta = {"duration_s": file.duration_seconds, "width": file.width, "height": file.height}
    try:
        return declared(desk, file.file_name, file.content_type, file.file_size, meta)
    except FarmError as error:
        error.param = f"{field}.{_FIELDS[error.param or 'file_name']}"
        raise


def _project(desk: Desk, account: Account, body: wire.RenderRequest) -> MediaProject:
    """The project a render is asked of, by id or by folder; both given must mean the same."""
    prefix = body.source_directory_prefix
    if body.project_id is None and not prefix:
        raise BadRequest("Pass projectId or sourceDirectoryPrefix.", param="projectId")
    if not prefix:
        return assets.project(desk.hall, account, body.project_id or "")
    found = assets.project_at(desk.hall, account, prefix)
    if body.project_id not in (None, found.id):
        raise BadRequest(
            "projectId and sourceDirectoryPrefix mean different projects.", param="sourceDirectoryPrefix"
        )
    return found


def _require_uploaded(desk: Desk, held: Sequence[Asset], wanted: Sequence[str]) -> None:
    assets.require_uploaded(desk.hall, desk.blobs, [asset for asset in held if asset.id in wanted])


def _render(desk: Desk, project: MediaProject) -> Job:
    if project.job_id is None:
        raise NotFound("This project has no render yet; start one with POST /jobs.", param="projectId")
    return jobs.job(desk.hall, project.account_id, project.job_id)


def _output(desk: Desk, project: MediaProject, render: Job) -> Artifact:
    if (failure := to_wire.failure_of(render)) is not None:
        raise Conflict(failure, param="projectId", code="render_failed")
    for artifact in jobs.job_artifacts(desk.hall, project.account_id, render.id):
        if artifact.content_type == _OUTPUT_TYPE:
            return artifact
    if render.state is JobState.COMPLETED:
        raise NotFound(
            "The render's output has expired and is deleted.", param="projectId", code="output_expired"
        )
    raise Conflict(
        "The render has no output yet; poll its status.", param="projectId", code="output_not_ready"
    )
