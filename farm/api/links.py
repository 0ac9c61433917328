"""The URLs of finished files, as surfaces give them: signed, and good for as long as those in webhooks."""

from farm.api.desk import Desk
from farm.doors import jobs
from farm.job import Artifact, Job


def link(desk: Desk, artifact: Artifact, base_url: str) -> str:
    """A URL that gives the file to whoever has it, for `webhooks.link_s` seconds."""
    return desk.blobs.download_url(
        artifact.blob_key,
        file_name=artifact.file_name,
        content_type=artifact.content_type,
        expires_s=desk.hall.catalog.webhooks.link_s,
        base_url=base_url,
    )


def first_link(desk: Desk, job: Job, base_url: str) -> str | None:
    """The URL of the job's first file by name; None while it has none, and once it has expired."""
    found = jobs.job_artifacts(desk.hall, job.account_id, job.id)
    return link(desk, found[0], base_url) if found else None
