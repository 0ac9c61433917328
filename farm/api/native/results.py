"""What became of a job: its attempts and its finished files."""

from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import RedirectResponse, Response

from farm.account import Caller
from farm.api.desk import AtDesk, BaseUrl, Desk, SignedIn
from farm.api.native.jobs import JobId, whose
from farm.api.native.paging import Cursor, Limit, page_of
from farm.api.native.wire import ArtifactList, ArtifactView, AttemptList, AttemptView, Download
from farm.api.routing import farm_router, rated
from farm.doors import jobs
from farm.errors import NotFound
from farm.job import Artifact

router = farm_router("/farm/v1", "results")


@router.get("/jobs/{job_id}/attempts", openapi_extra=rated("native_status"))
def attempts(
    job_id: JobId, desk: AtDesk, caller: SignedIn, limit: Limit = 1000, cursor: Cursor = None
) -> AttemptList:
    """Every run of every task, oldest first."""
    names = {task.id: task.name for task in jobs.job(desk.hall, whose(caller), job_id).tasks}
    found = jobs.job_attempts(desk.hall, whose(caller), job_id)
    page, following = page_of(found, lambda attempt: str(attempt.id), limit, cursor)
    return AttemptList(
        data=[AttemptView.of(attempt, names[attempt.task_id]) for attempt in page], next_cursor=following
    )


@router.get("/jobs/{job_id}/artifacts", openapi_extra=rated("native_status"))
def artifacts(
    job_id: JobId, desk: AtDesk, caller: SignedIn, limit: Limit = 1000, cursor: Cursor = None
) -> ArtifactList:
    """The finished files."""
    found = jobs.job_artifacts(desk.hall, whose(caller), job_id)
    page, following = page_of(found, lambda artifact: artifact.id, limit, cursor)
    return ArtifactList(data=[ArtifactView.of(artifact) for artifact in page], next_cursor=following)


@router.get(
    "/jobs/{job_id}/artifacts/{name}",
    response_model=Download,
    openapi_extra=rated("native_status"),
    responses={307: {"description": "With `redirect=1`: to the file itself."}},
)
def download(
    job_id: JobId,
    name: Annotated[str, Path(max_length=100)],
    desk: AtDesk,
    caller: SignedIn,
    base_url: BaseUrl,
    redirect: Annotated[bool, Query(description="Answer 307 with the URL instead of JSON.")] = False,
) -> Download | Response:
    """A short-lived URL of one finished file."""
    given = _download(desk, _artifact(desk, caller, job_id, name), base_url)
    return RedirectResponse(given.download_url, 307) if redirect else given


def _artifact(desk: Desk, caller: Caller, job_id: str, name: str) -> Artifact:
    for artifact in jobs.job_artifacts(desk.hall, whose(caller), job_id):
        if artifact.name == name:
            return artifact
    if jobs.had_output(desk.hall, whose(caller), job_id, name):
        raise NotFound(f"The file {name!r} has expired and is deleted.", param="name", code="output_expired")
    raise NotFound(f"The job has no artifact {name!r}.", param="name")


def _download(desk: Desk, artifact: Artifact, base_url: str) -> Download:
    expires_s = desk.hall.catalog.limits.download_url_s
    url = desk.blobs.download_url(
        artifact.blob_key,
        file_name=artifact.file_name,
        content_type=artifact.content_type,
        expires_s=expires_s,
        base_url=base_url,
    )
    return Download(
        download_url=url,
        expires_in=expires_s,
        file_name=artifact.file_name,
        content_type=artifact.content_type,
        size_bytes=artifact.size_bytes,
    )
