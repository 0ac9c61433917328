"""Plays worker and scheduler for jobs of scene-timestamps: what was heard is told, no sound is read."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert, select, update

from farm.store.schema import artifacts, jobs, tasks
from tasks.scene_timestamps import STEP, price_mc
from tasks.scene_timestamps.params import SceneTimestamps
from tests.api import Api, as_wav
from tests.narrations import Narration, narration
from workers.asr_align.placing import placed

TIMESTAMPS = "/postproduction/v1/scene-timestamps"
TOLD = narration(12, scenes=6)


def wav(seconds: float, rate: int = 8000) -> bytes:
    """A real WAV, a quiet tone."""
    period = [round(3000 * math.sin(2 * math.pi * n / 40)) for n in range(40)]
    data = struct.pack("<40h", *period) * (int(seconds * rate) // 40 + 1)
    data = data[: int(seconds * rate) * 2]
    return as_wav(data, rate)


def metadata(told: Narration = TOLD, **changes: Any) -> dict[str, Any]:
    """As a caller writes it, with an id for each scene."""
    scenes = [
        {"sceneId": f"scene-{number}", "anchorText": cue.anchor_text, "startCueText": cue.start_cue_text}
        for number, cue in enumerate(told.asked().scenes, 1)
    ]
    return {"scenes": scenes, **changes}


def call(
    api: Api,
    said: object,
    sound: bytes | None = None,
    *,
    name: str = "narration.wav",
    files: list[tuple[str, Any]] | None = None,
    **headers: str,
) -> httpx.Response:
    """The document's form: `audio` and `metadata`."""
    sent = {"X-API-Key": api.key, **{key.replace("_", "-"): value for key, value in headers.items()}}
    text = said if isinstance(said, str) else json.dumps(said)
    parts = files if files is not None else [("audio", (name, wav(60) if sound is None else sound))]
    return httpx.post(api.url + TIMESTAMPS, data={"metadata": text}, files=parts, headers=sent, timeout=60)


def hear(api: Api, job_id: str, told: Narration, folder: Path) -> None:
    """The worker has heard that narration, and the scheduler has settled the job."""
    with api.hall.store.write() as connection:
        job = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
        params = SceneTimestamps.model_validate(job.params)
        timed = placed(told.heard(known=True), params)
        cost = price_mc(params.model_copy(update={"max_duration_s": told.duration_s}), api.hall.catalog)
        (folder / "captions.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
        (folder / "words.json").write_text(
            json.dumps([{"text": "Hello", "startMs": 0, "endMs": 900, "certainty": 0.9}])
        )
        for name in [name for name in ("srt", "words") if name in params.formats]:
            path = folder / {"srt": "captions.srt", "words": "words.json"}[name]
            key = f"attempts/{job.account_id}/{job.id}/1/{path.name}"
            api.app.state.desk.blobs.put(key, path, "text/plain")
            connection.execute(insert(artifacts).values(_artifact(job, name, path, key)))
        result = {STEP: {**timed.model_dump(mode="json"), "cost_mc": cost}}
        ended = {
            "state": "completed",
            "result": result,
            "charged_mc": min(cost, job.held_mc),
            "ended_at": 1.0,
        }
        connection.execute(update(jobs).where(jobs.c.seq == job.seq).values(ended))
        connection.execute(update(tasks).where(tasks.c.job_seq == job.seq).values(state="succeeded"))


def end(api: Api, job_id: str, **values: Any) -> None:
    """The job has ended otherwise."""
    with api.hall.store.write() as connection:
        ended = {"state": "failed", "ended_at": 1.0, **values}
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(ended))


def _artifact(job: Any, name: str, path: Path, key: str) -> dict[str, Any]:
    return {
        "id": f"art_{job.id}_{name}",
        "account_id": job.account_id,
        "job_seq": job.seq,
        "task_id": 1,
        "attempt_id": 1,
        "name": name,
        "file_name": f"{job.id}-{path.name}",
        "display_name": path.name,
        "content_type": "text/plain",
        "size_bytes": path.stat().st_size,
        "blob_key": key,
        "created_at": job.created_at,
    }
