"""The engine `fal`: any model behind fal's queue API.

A request's URLs are those that the answer to the order names; their path is what we keep of it. It knows no
idempotency keys and lists no queue: a purchase whose answer was lost stays in doubt, and is not made again.
"""

from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from pydantic import JsonValue

from farm.errors import FailureClass, TaskFailure
from farm.remote_model import Word
from workers.context import Context, Done, TaskInput
from workers.gpu_generate.remote.asked import Asked, asked_of
from workers.gpu_generate.remote.buying import Output, Seen, State, bought
from workers.gpu_generate.remote.calling import Api, Json, Told, failed, text_of, urls_in
from workers.gpu_generate.remote.handing import handed
from workers.gpu_generate.remote.inputs import inputs_of, names_of, unsupported
from workers.gpu_generate.remote.sending import Sendable
from workers.provider_http import Ask, service_of

_NAMES: Mapping[Word, str] = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "image": "image_url",
    "images": "image_urls",
    "mask": "mask_url",
    "audio": "audio_url",
    "video": "video_url",
}
_FILM_NAMES: Mapping[Word, str] = {**_NAMES, "seconds": "duration", "aspect_ratio": "aspect_ratio"}
_PICTURE_NAMES: Mapping[Word, str] = {**_NAMES, "count": "num_images"}
_MOST_INLINE = 24 << 20
_WAITING = ("IN_QUEUE", "IN_PROGRESS")


def perform(task: TaskInput, context: Context) -> Done:
    """Have it made there."""
    asked = asked_of(task, context.workdir)
    service = service_of(task.provider or "")
    api = Api(service, _told, context.checkpoint, scheme="Key", call_s=asked.provider.call_s)
    seen = bought(_Queue(api, asked), task, context)
    return handed(asked, seen.outputs, service, context)


class _Queue:
    """Submits, looks at, fetches and cancels requests."""

    def __init__(self, api: Api, asked: Asked) -> None:
        self.api = api
        self._asked = asked

    def buy(self) -> Seen:
        usual = _PICTURE_NAMES if self._asked.is_picture else _FILM_NAMES
        body: dict[str, JsonValue] = {**inputs_of(self._asked, usual), **self._sent(usual)}
        path, once = f"/{self._asked.name.strip('/')}", {"X-Fal-No-Retry": "1"}
        found = self.api.ask(Ask.of_json(path, body, once, is_purchase=True))
        return Seen(self._ref(found), State.WAITING)

    def find(self) -> Seen | None:
        raise TaskFailure(
            "The provider cannot tell whether it has accepted the request.",
            FailureClass.AMBIGUOUS,
            code="provider_cannot_tell",
        )

    def look(self, ref: str) -> Seen:
        try:
            status = self.api.ask(Ask("GET", f"{ref}/status"))
        except TaskFailure as failure:
            if failure.public_code == "provider_404":
                return Seen(ref, State.GONE)
            raise
        if status.get("status") in _WAITING:
            return Seen(ref, State.WAITING)
        if status.get("status") != "COMPLETED" or status.get("error"):
            told = Told(str(status.get("error") or ""), str(status.get("error_type") or ""))
            return Seen(ref, State.FAILED, failure=failed(told, self.api.service))
        return self._result(ref)

    def call_off(self, ref: str) -> None:
        self.api.reply(Ask("PUT", f"{ref}/cancel"))

    def _result(self, ref: str) -> Seen:
        """What came of a request that has ended: its files, or the refusal that it ended with."""
        try:
            found = self.api.ask(Ask("GET", ref))
        except TaskFailure as failure:
            if failure.public_code in ("connection", "provider_timeout", "no_json", "provider_429"):
                raise
            return Seen(ref, State.FAILED, failure=failure)
        return Seen(ref, State.DONE, 1.0, [Output(url) for url in urls_in(found)])

    def _sent(self, usual: Mapping[Word, str]) -> dict[str, JsonValue]:
        names = names_of(self._asked, usual)
        found: dict[str, JsonValue] = {}
        for word, paths in self._asked.files.items():
            if word in names:
                urls = [_inline(Sendable(path, lossless=word == "mask")) for path in paths]
                found[names[word]] = cast(JsonValue, urls) if word == "images" else urls[0]
        return found

    def _ref(self, found: Json) -> str:
        """The path of the request below the service's URL, as the answer names it."""
        url = text_of(found, "response_url")
        if not self.api.service.is_ours(url):
            raise TaskFailure(
                "The provider's answer leads elsewhere.", FailureClass.AMBIGUOUS, code="answer_incomplete"
            )
        return urlsplit(url).path.removeprefix(urlsplit(self.api.service.url).path)


def _inline(file: Sendable) -> str:
    """The file inside of the request, which is the one way that its queue documents for all models."""
    if len(file.data) > _MOST_INLINE:
        raise unsupported(f"a file of {len(file.data) >> 20} MiB")
    return file.url


def _told(body: JsonValue) -> Told:
    """`detail`: a text, or what is wrong with each field."""
    detail = cast(Json, body).get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], Mapping):
        return Told(str(detail[0].get("msg") or ""), str(detail[0].get("type") or ""))
    kind = cast(Json, body).get("error_type")
    return Told(str(detail or body), str(kind or ""))
