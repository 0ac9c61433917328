"""`farm jobs` and `farm submit`: over HTTP, to any farm."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from farm.choices import Decision
from farm.cli import console
from farm.cli.client import FarmClient
from farm.cli.embedded import any_farm
from farm.cli.progress import new_show
from farm.errors import BadRequest
from farm.provider_facts import said_of
from farm.settings import Settings
from farm.states import JobState

app = typer.Typer(no_args_is_help=True)
submit_app = typer.Typer()

WebhookAutoRetry = Annotated[
    bool,
    typer.Option(
        "--webhook-auto-retry",
        help="Where a job would fail by what may pass, try it once more before saying so.",
    ),
]
JobId = Annotated[str, typer.Argument(help="As `farm jobs ls` shows it.")]

_JOBS = {
    "id": "Job",
    "kind": "Kind",
    "state": "State",
    "done": "Done",
    "created": "Created",
    "took": "Took",
    "why": "Failure",
}
_TASKS = {
    "name": "Task",
    "pool": "Pool",
    "state": "State",
    "done": "Done",
    "attempts": "Attempts",
    "stage": "Stage",
}
_ATTEMPTS = {"task": "Task", "worker": "Worker", "outcome": "Outcome", "started": "Started", "why": "Failure"}
_CALLS = {"provider": "Provider", "model": "Model", "decision": "Decision"}
_ARTIFACTS = {"name": "Artifact", "file_name": "File", "content_type": "Type", "size": "Size"}


@app.command()
def ls(
    state: Annotated[JobState | None, typer.Option(help="Only these.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    as_json: console.AsJson = False,
) -> None:
    """List jobs, newest first."""
    with _farm() as farm:
        found = farm.jobs(state=state, kind=kind, limit=limit)
    console.print_listing(
        found if as_json else [_job_row(job) for job in found], _JOBS, as_json=as_json, empty="No jobs."
    )


@app.command()
def show(job_id: JobId, as_json: console.AsJson = False) -> None:
    """Show a job with its tasks, attempts and files."""
    with _farm() as farm:
        job, attempts, artifacts = farm.job(job_id), farm.attempts(job_id), farm.artifacts(job_id)
    if as_json:
        console.print_json(job | {"attempts": attempts, "artifacts": artifacts})
        return
    out = console.out()
    out.print(console.table([_job_row(job)], _JOBS))
    for warning in job["warnings"]:
        console.say(warning, style="yellow")
    files = [file | {"size": console.bytes_text(file["size_bytes"])} for file in artifacts]
    for rows, columns in (
        ([_with_done(task) for task in job["tasks"]], _TASKS),
        ([_attempt_row(attempt) for attempt in attempts], _attempt_columns(attempts)),
        (files, _ARTIFACTS),
    ):
        if rows:
            out.print()
            out.print(console.table(rows, columns))


@app.command()
def why(job_id: JobId, as_json: console.AsJson = False) -> None:
    """Say what a job waits for."""
    with _farm() as farm:
        sentences = farm.why(job_id)
    if as_json:
        console.print_json(sentences)
        return
    for sentence in sentences:
        console.say(sentence)


@app.command()
def cancel(job_id: JobId) -> None:
    """Ask a job to stop."""
    with _farm() as farm:
        job = farm.cancel(job_id)
    ended = job["ended_at"] is not None
    console.say(f"{job_id} had ended: {job['state']}." if ended else f"{job_id} is asked to stop.")


@app.command()
def retry(job_id: JobId) -> None:
    """Submit an ended job again, as a new one; prints its id."""
    with _farm() as farm:
        console.say(farm.retry(job_id)["id"])


@app.command()
def priority(
    job_id: JobId,
    number: Annotated[int, typer.Argument(min=0, max=9, help="Lower runs earlier within its account.")],
) -> None:
    """Let what has not started of a job run earlier or later."""
    with _farm() as farm:
        farm.set_priority(job_id, number)
    console.say(f"{job_id} has priority {number}.")


@app.command()
def logs(
    job_id: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until the job has ended.")] = False,
    tail: Annotated[int, typer.Option(min=1, max=10_000, help="How many lines, without -f.")] = 100,
    as_json: console.AsJson = False,
) -> None:
    """Print what a job says while it runs. Lines are kept for a while only."""
    with _farm() as farm:
        for line in farm.follow_logs(job_id) if follow else farm.logs(job_id, tail):
            console.print_line(line if as_json else _log_line(line))


@app.command()
def preview(
    job_id: JobId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The JPEG's path; else the job's id with .jpg.")
    ] = None,
) -> None:
    """Save a small picture of what a job draws, as it looks by now."""
    path = output or Path(f"{job_id}.jpg")
    with _farm() as farm:
        path.write_bytes(b"".join(farm.stream(f"/jobs/{job_id}/preview")))
    console.say(str(path))


@submit_app.command("submit", rich_help_panel="Use the farm")
def submit(
    kind: Annotated[str, typer.Argument(help="For example media-render, or probe.")],
    params: Annotated[str, typer.Option(help="The kind's parameters as JSON, or @file.")] = "{}",
    webhook_url: Annotated[str | None, typer.Option(help="Told when the job has ended.")] = None,
    webhook_auto_retry: WebhookAutoRetry = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow it to its end; exit 1 unless it completes.")
    ] = False,
) -> None:
    """Submit a job of any kind; prints its id."""
    values = params_in(params)
    with _farm() as farm:
        job = farm.submit(kind, values, webhook_url=webhook_url, webhook_auto_retry=webhook_auto_retry)
        for warning in job["warnings"]:
            console.remark(warning)
        console.say(job["id"])
        if watch and not _completes(farm, job):
            raise typer.Exit(1)


def params_in(text: str) -> dict[str, Any]:
    """JSON text, or the JSON of `@file`, as an object. Raises BadRequest."""
    if text.startswith("@"):
        path = Path(text[1:]).expanduser()
        if not path.is_file():
            raise BadRequest(f"There is no file {path}.", param="params")
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    try:
        values = json.loads(text)
    except ValueError as error:
        raise BadRequest(f"The parameters are not JSON: {error}.", param="params") from error
    if not isinstance(values, dict):
        raise BadRequest("The parameters are a JSON object.", param="params")
    return values


def _completes(farm: FarmClient, job: dict[str, Any]) -> bool:
    """Follow a job to its end, and say on stderr how it ended."""
    with new_show() as show:
        show.step(job["kind"])
        for seen in farm.follow(job["id"]):
            show.at(seen["progress"], seen["state"] if seen["ended_at"] else seen["stage"] or seen["state"])
            job = seen
    if job["state"] == JobState.COMPLETED:
        console.remark(f"completed in {_took(job)}", style="green")
    elif job["failure"]:
        console.complain(f"{job['state']}: {job['failure']['code']}: {job['failure']['message']}")
    else:
        console.complain(str(job["state"]))
    return bool(job["state"] == JobState.COMPLETED)


def _farm() -> FarmClient:
    return any_farm(Settings())


def _took(job: dict[str, Any]) -> str:
    return f"{job['ended_at'] - job['created_at']:.1f} s" if job["ended_at"] else ""


def _job_row(job: dict[str, Any]) -> dict[str, Any]:
    return _with_done(job) | {
        "created": console.when(job["created_at"]),
        "took": _took(job),
        "why": (job["failure"] or {}).get("message", ""),
    }


def _log_line(line: dict[str, Any]) -> str:
    return f"{console.when(line['at'])} {line['task']}#{line['attempt']} {line['line']}"


def _attempt_row(attempt: dict[str, Any]) -> dict[str, Any]:
    return attempt | {
        "started": console.when(attempt["started_at"]),
        "outcome": attempt["outcome"] or attempt["state"],
        "why": (attempt["failure"] or {}).get("message", ""),
        "decision": said_of(Decision.model_validate(attempt["decision"])) if attempt["decision"] else "",
    }


def _attempt_columns(attempts: Sequence[dict[str, Any]]) -> dict[str, str]:
    return _ATTEMPTS | (_CALLS if any(attempt["provider"] for attempt in attempts) else {})


def _with_done(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"done": f"{item['progress']:.0%}"}
