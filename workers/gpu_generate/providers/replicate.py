"""The engine `replicate`: predictions of Replicate's HTTP API.

It knows no idempotency keys: a purchase in doubt is looked for among the latest predictions by its input,
which a seed of its own makes unlike any other.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import quote

from pydantic import JsonValue

from farm.errors import FailureClass, TaskFailure
from farm.remote_model import Word
from workers.context import Context, Done, TaskInput
from workers.gpu_generate.remote.asked import Asked, asked_of
from workers.gpu_generate.remote.buying import Output, Seen, State, bought
from workers.gpu_generate.remote.calling import Api, Json, Told, failed, text_of, urls_in
from workers.gpu_generate.remote.handing import handed
from workers.gpu_generate.remote.inputs import inputs_of, names_of
from workers.gpu_generate.remote.sending import Sendable, form
from workers.provider_http import Ask, service_of

_NAMES: Mapping[Word, str] = {
    "prompt": "prompt",
    "seed": "seed",
    "aspect_ratio": "aspect_ratio",
    "seconds": "duration",
    "count": "num_outputs",
    "image": "image",
    "mask": "mask",
}
_PICTURE_NAMES: Mapping[Word, str] = {word: name for word, name in _NAMES.items() if word != "seconds"}
_INLINE_BYTES = 256 << 10  # what is larger is uploaded first
_LISTED = timedelta(hours=1)  # so far back a purchase in doubt can lie
_PAGES = 10
_LONGEST = "660s"  # Cancel-After: no prediction outlives the task that paid for it
_WAITING = ("starting", "processing")
_STEP = re.compile(r"(\d+)%\|")
_RESETS = re.compile(r"resets in ~?(\d+(?:\.\d+)?)s")


def perform(task: TaskInput, context: Context) -> Done:
    """Have it made there."""
    asked = asked_of(task, context.workdir)
    service = service_of(task.provider or "")
    seen = bought(
        _Predictions(Api(service, _told, context.checkpoint, call_s=asked.provider.call_s), asked),
        task,
        context,
    )
    return handed(asked, seen.outputs, service, context)


class _Predictions:
    """Creates, finds, looks at and cancels predictions."""

    def __init__(self, api: Api, asked: Asked) -> None:
        self.api = api
        self._asked = asked
        self._usual = _PICTURE_NAMES if asked.is_picture else _NAMES

    def buy(self) -> Seen:
        body: JsonValue = {"version": self._asked.name, "input": {**self._plain(), **self._sent()}}
        headers = {"Prefer": "wait=1", "Cancel-After": _LONGEST}
        try:
            return self._seen(self.api.ask(Ask.of_json("/predictions", body, headers, is_purchase=True)))
        except TaskFailure as failure:
            raise _when_it_resets(failure) from failure

    def find(self) -> Seen | None:
        path, since = "/predictions", datetime.now(UTC) - _LISTED
        for _ in range(_PAGES):
            page = self.api.ask(Ask("GET", path))
            listed = page.get("results")
            found = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
            for one in found:
                if self._is_ours(one):
                    return self._seen(one)
            if not page.get("next") or any(_created(one) < since for one in found):
                return None
            path = str(page["next"])
        raise TaskFailure(
            "The provider lists too many predictions.", FailureClass.AMBIGUOUS, code="provider_cannot_tell"
        )

    def look(self, ref: str) -> Seen:
        try:
            return self._seen(self.api.ask(Ask("GET", f"/predictions/{quote(ref, safe='')}")))
        except TaskFailure as failure:
            if failure.public_code == "provider_404":
                return Seen(ref, State.GONE)
            raise

    def call_off(self, ref: str) -> None:
        self.api.reply(Ask("POST", f"/predictions/{quote(ref, safe='')}/cancel"))

    def _plain(self) -> dict[str, JsonValue]:
        return inputs_of(self._asked, self._usual)

    def _sent(self) -> dict[str, JsonValue]:
        """Pictures and the like: small ones inside of the request, others as files of theirs."""
        names = names_of(self._asked, self._usual)
        found: dict[str, JsonValue] = {}
        for word, paths in self._asked.files.items():
            if word in names:
                urls = [self._url(Sendable(path, lossless=word == "mask")) for path in paths]
                found[names[word]] = cast(JsonValue, urls) if word == "images" else urls[0]
        return found

    def _url(self, file: Sendable) -> str:
        if len(file.data) <= _INLINE_BYTES:
            return file.url
        body, headers = form({}, [("content", file)])
        made = self.api.ask(Ask("POST", "/files", body, headers))
        return text_of(made.get("urls"), "get")

    def _is_ours(self, prediction: Mapping[str, JsonValue]) -> bool:
        given = prediction.get("input")
        return isinstance(given, Mapping) and all(
            given.get(name) == value for name, value in self._plain().items()
        )

    def _seen(self, prediction: Json) -> Seen:
        ref = text_of(prediction, "id")
        status = prediction.get("status")
        if status in _WAITING:
            return Seen(ref, State.WAITING, _progress(str(prediction.get("logs") or "")))
        if status == "succeeded":
            return Seen(ref, State.DONE, 1.0, [Output(url) for url in urls_in(prediction.get("output"))])
        told = Told(str(prediction.get("error") or status), str(status))
        return Seen(ref, State.FAILED, failure=failed(told, self.api.service))


def _progress(logs: str) -> float | None:
    """What a progress bar in the logs says last."""
    steps = _STEP.findall(logs)
    return int(steps[-1]) / 100 if steps else None


def _created(prediction: Mapping[str, JsonValue]) -> datetime:
    """When it was made; now, if it does not say."""
    try:
        at = datetime.fromisoformat(str(prediction.get("created_at")))
    except ValueError:
        return datetime.now(UTC)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _when_it_resets(failure: TaskFailure) -> TaskFailure:
    """A 429 says in words when to come back."""
    words = _RESETS.search(failure.message)
    if failure.failure is not FailureClass.CAPACITY or failure.retry_after_s is not None or words is None:
        return failure
    return TaskFailure(
        failure.message, failure.failure, code=failure.public_code, retry_after_s=float(words[1])
    )


def _told(body: JsonValue) -> Told:
    """`detail` of a refusal; `title` where it has none."""
    said = cast(Json, body)
    return Told(str(said.get("detail") or said.get("title") or said))
