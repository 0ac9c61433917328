"""The engine `openai`: pictures and films of any service with OpenAI's images and videos API.

Pictures come with the answer, so there is nothing to resume: a purchase whose answer was lost is asked for
again only of a service that keeps our keys (`keeps_keys`). Videos are ordered, looked at, fetched.
"""

import time
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from pydantic import JsonValue

from farm.errors import FailureClass, TaskFailure
from farm.remote_model import Word
from workers.context import Context, Done, TaskInput
from workers.gpu_generate.remote.asked import Asked, asked_of
from workers.gpu_generate.remote.buying import Output, Seen, State, bought
from workers.gpu_generate.remote.calling import Api, Json, Told, failed, text_of
from workers.gpu_generate.remote.handing import data_url, handed
from workers.gpu_generate.remote.inputs import inputs_of, sides_of, unsupported
from workers.gpu_generate.remote.sending import Sendable, form
from workers.provider_http import Ask, service_of

_PICTURES_S = 280.0  # for one answer; less than `scheduling.no_progress_s`
_LISTED_S = 3600.0  # so far back a purchase in doubt can lie
_PICTURE_NAMES: Mapping[Word, str] = {
    "prompt": "prompt",
    "size": "size",
    "count": "n",
    "quality": "quality",
    "background": "background",
    "image": "image",
    "images": "image",
    "style_image": "image",
    "mask": "mask",
}
_FILM_NAMES: Mapping[Word, str] = {
    "prompt": "prompt",
    "seconds": "seconds",
    "size": "size",
    "image": "input_reference",
}
_WAITING = ("queued", "in_progress")


def perform(task: TaskInput, context: Context) -> Done:
    """Have it made there."""
    asked = asked_of(task, context.workdir)
    service = service_of(task.provider or "")
    api = Api(service, _told, context.checkpoint, call_s=asked.provider.call_s)
    if asked.is_sound:
        raise unsupported("a request for music or effects")
    if asked.is_film:
        outputs = bought(_Videos(api, asked), task, context).outputs
    else:
        outputs = _pictures(api, asked, task, context)
    return handed(asked, outputs, service, context)


def _pictures(api: Api, asked: Asked, task: TaskInput, context: Context) -> list[Output]:
    if task.in_doubt and not asked.provider.keeps_keys:
        raise TaskFailure(
            "The provider cannot tell whether it has made the pictures.",
            FailureClass.AMBIGUOUS,
            code="provider_cannot_tell",
        )
    context.progress(0.1, "waiting for the provider")
    found = api.ask(_order(asked), _PICTURES_S, may_stop=True).get("data")
    return [_output(one) for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _order(asked: Asked) -> Ask:
    """With pictures handed in it is an edit, else a generation."""
    inputs: dict[str, JsonValue] = {"model": asked.name, **inputs_of(asked, _PICTURE_NAMES)}
    headers = {"Idempotency-Key": asked.key}
    if not asked.files:
        return Ask.of_json("/images/generations", inputs, headers, is_purchase=True)
    pictures = [path for word in ("image", "images", "style_image") for path in asked.files.get(word, ())]
    name = "image" if len(pictures) == 1 else "image[]"
    files = [(name, Sendable(path, number)) for number, path in enumerate(pictures, 1)]
    if asked.edit is not None and asked.edit.alpha_mask is not None:
        files.append(("mask", Sendable(asked.edit.alpha_mask, len(files) + 1)))
    body, kind = form({name: str(value) for name, value in inputs.items()}, files)
    return Ask("POST", "/images/edits", body, {**headers, **kind}, is_purchase=True)


def _output(found: Mapping[str, JsonValue]) -> Output:
    inline = found.get("b64_json")
    return Output(data_url(inline) if isinstance(inline, str) else str(found.get("url") or ""))


class _Videos:
    """POST, GET and DELETE /videos."""

    def __init__(self, api: Api, asked: Asked) -> None:
        self.api = api
        self._asked = asked

    def buy(self) -> Seen:
        inputs = inputs_of(self._asked, _FILM_NAMES)
        size = sides_of(self._asked)  # what begins the film must have exactly its size
        first = self._asked.files.get("image", ())
        files = [("input_reference", Sendable(path, size=size)) for path in first]
        if len(self._asked.files) > len(files):
            raise unsupported("more than one picture")
        texts = {name: str(value) for name, value in {"model": self._asked.name, **inputs}.items()}
        body, kind = form(texts, files)
        headers = {"Idempotency-Key": self._asked.key, **kind}
        return _seen(self.api.ask(Ask("POST", "/videos", body, headers, is_purchase=True)), self.api)

    def find(self) -> Seen | None:
        """With keys kept the order is simply made again; else the list can tell only that it is not there."""
        if self._asked.provider.keeps_keys:
            return None
        page = self.api.ask(Ask("GET", "/videos?limit=100&order=desc"))
        listed = page.get("data")
        videos = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
        since = time.time() - _LISTED_S
        recent = [one for one in videos if _created(one) >= since]
        is_whole = not page.get("has_more") or len(recent) < len(videos)
        prompt = self._asked.values["prompt"]
        if is_whole and all(one.get("prompt") not in (None, prompt) for one in recent):
            return None
        raise TaskFailure(
            "The provider cannot tell which of its videos was ours.",
            FailureClass.AMBIGUOUS,
            code="provider_cannot_tell",
        )

    def look(self, ref: str) -> Seen:
        try:
            return _seen(self.api.ask(Ask("GET", f"/videos/{quote(ref, safe='')}")), self.api)
        except TaskFailure as failure:
            if failure.public_code == "provider_404":
                return Seen(ref, State.GONE)
            raise

    def call_off(self, ref: str) -> None:
        self.api.reply(Ask("DELETE", f"/videos/{quote(ref, safe='')}"))


def _seen(video: Json, api: Api) -> Seen:
    ref = text_of(video, "id")
    progress = video.get("progress")
    done = progress / 100 if isinstance(progress, int | float) else None
    if video.get("status") in _WAITING:
        return Seen(ref, State.WAITING, done)
    if video.get("status") == "completed":
        return Seen(ref, State.DONE, 1.0, [Output(f"/videos/{quote(ref, safe='')}/content")])
    return Seen(ref, State.FAILED, failure=failed(_told(video), api.service))


def _created(video: Mapping[str, JsonValue]) -> float:
    at = video.get("created_at")
    return float(at) if isinstance(at, int | float) else float("inf")


def _told(body: JsonValue) -> Told:
    """`error` of a refusal, or of a video that failed."""
    error = cast(Json, body)["error"]
    if not isinstance(error, Mapping):
        return Told(str(error or ""))
    return Told(str(error.get("message") or ""), str(error.get("code") or error.get("type") or ""))
