"""Pictures as server-sent events, as OpenAI's clients read them: what they look like on the way, then each.

A partial picture is a preview: a small JPEG, whatever the size and format of what is made. There are as many
as the worker shows, and no more than were asked for; what is drawn within seconds has none.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Literal

from fastapi.concurrency import run_in_threadpool

from farm.api.desk import Desk
from farm.api.native.sse import frame
from farm.api.picture_size import picture_size
from farm.api.surfaces.generations.images_wire import PictureRequest
from farm.doors import jobs, watch
from farm.errors import NotFound
from farm.job import Artifact, Job
from farm.preview import PreviewNote
from farm.states import JobState

Family = Literal["image_generation", "image_edit"]
_UNCOUNTED = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
}


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a call wants of its events; `common` is what each of them repeats."""

    family: Family
    most_partial: int
    common: Mapping[str, str]


def streamed(family: Family, body: PictureRequest) -> Streamed | None:
    """None where the answer is to come in one piece."""
    if not body.stream:
        return None
    quality = {"hd": "high", "standard": "auto"}.get(body.quality, body.quality)
    return Streamed(family, body.partial_images, {"quality": quality, "background": body.background})


class PictureStream:
    """The events of one job, until it has ended or `until_s` from now."""

    def __init__(self, desk: Desk, account_id: int, job_id: str, wish: Streamed, until_s: float) -> None:
        self._desk = desk
        self._account_id = account_id
        self._job_id = job_id
        self._wish = wish
        self._until = asyncio.get_running_loop().time() + until_s

    async def partial(self) -> AsyncIterator[str]:
        """An event for each preview, as it comes."""
        number = 0
        follow = watch.follow_closely(self._desk.hall, self._account_id, self._job_id)
        with suppress(TimeoutError, StopAsyncIteration):
            async with aclosing(follow) as seen:
                while True:
                    left_s = self._until - asyncio.get_running_loop().time()
                    what = await asyncio.wait_for(anext(seen), max(0.0, left_s))
                    if isinstance(what, PreviewNote) and number < self._wish.most_partial:
                        with suppress(NotFound):  # the job has ended since
                            yield await run_in_threadpool(self._preview, number)
                            number += 1

    def completed(self, job: Job) -> list[str]:
        """An event for each picture of a job that is done."""
        assert job.state is JobState.COMPLETED
        return [
            self._picture(job, file) for file in jobs.job_artifacts(self._desk.hall, job.account_id, job.id)
        ]

    def _preview(self, number: int) -> str:
        found = watch.preview(self._desk.hall, self._account_id, self._job_id)
        said = self._said("partial_image", found.jpeg, found.at, "jpeg")
        return _event({**said, "partial_image_index": number})

    def _picture(self, job: Job, file: Artifact) -> str:
        content = self._desk.blobs.read(file.blob_key, 0, file.size_bytes)
        kind = file.content_type.removeprefix("image/")
        return _event({**self._said("completed", content, job.created_at, kind), "usage": _UNCOUNTED})

    def _said(self, what: str, content: bytes, at: float, kind: str) -> dict[str, Any]:
        size = picture_size(content)
        return {
            "type": f"{self._wish.family}.{what}",
            "b64_json": b64encode(content).decode(),
            "created_at": int(at),
            "size": f"{size[0]}x{size[1]}" if size else "auto",
            "output_format": kind,
            **self._wish.common,
        }


def refused(body: Mapping[str, Any]) -> str:
    """The event that ends a stream without its pictures; clients raise what it says."""
    return frame("error", json.dumps({"type": "error", **body}))


def _event(said: Mapping[str, Any]) -> str:
    return frame(said["type"], json.dumps(said))
