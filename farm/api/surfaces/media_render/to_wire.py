"""From the farm's nouns to the media render document's answers."""

from collections import Counter
from collections.abc import Sequence

from farm.api.surfaces.media_render import wire
from farm.asset import Asset, MediaProject
from farm.job import Job
from farm.money import credits
from farm.states import JobState
from farm.timeline import MediaKind

_ALMOST = 99
_CANCELLED = "The render was cancelled."
_FAILED = "The render failed."


def uploads_answer(
    project: MediaProject, assets: Sequence[Asset], urls: Sequence[str], expires_s: int
) -> wire.UploadsAnswer:
    """The new project with an upload URL per file, and what analyses would count."""
    counts = Counter(asset.media_kind for asset in assets)
    images, videos, sounds = (counts[kind] for kind in (MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.AUDIO))
    return wire.UploadsAnswer(
        project_id=project.id,
        directory_prefix=project.directory_prefix,
        uploads=[_upload(asset, url, expires_s) for asset, url in zip(assets, urls, strict=True)],
        media_counts=wire.MediaCounts(image=images, video=videos, audio=sounds),
        analysis_cost_basis=wire.AnalysisCostBasis(
            vision_analysis=wire.VisionBasis(images=images, videos=videos),
            audio_analysis=wire.AudioBasis(audio_files=sounds, videos=videos),
        ),
    )


def started(project: MediaProject, held_mc: int) -> wire.RenderStarted:
    """The answer to an accepted render."""
    return wire.RenderStarted(project_id=project.id, estimated_credits=credits(held_mc))


def status(project: MediaProject, job: Job) -> wire.RenderStatus:
    """How the render stands; a cancelled one counts as failed, for the document knows no other word."""
    is_done = job.state is JobState.COMPLETED
    return wire.RenderStatus(
        project_id=project.id,
        status=_word(job.state),
        progress=100 if is_done else min(_ALMOST, int(job.progress * 100)),
        output_ready=is_done,
        credits_used=credits(job.charged_mc),
        error_message=failure_of(job),
    )


def failure_of(job: Job) -> str | None:
    """Why the render has no output and never will; None while it may."""
    if job.state is JobState.CANCELLED:
        return _CANCELLED
    if job.state is JobState.FAILED:
        return job.failure.message if job.failure and job.failure.message else _FAILED
    return None


def _word(state: JobState) -> wire.StatusWord:
    match state:
        case JobState.QUEUED:
            return "queued"
        case JobState.RUNNING:
            return "processing"
        case JobState.COMPLETED:
            return "completed"
        case JobState.FAILED | JobState.CANCELLED:
            return "failed"


def _upload(asset: Asset, url: str, expires_s: int) -> wire.UploadTarget:
    return wire.UploadTarget(
        asset_id=asset.id,
        upload_url=url,
        object_key=asset.blob_key,
        media_type=asset.media_kind,
        file_name=asset.file_name,
        expires_in=expires_s,
    )
