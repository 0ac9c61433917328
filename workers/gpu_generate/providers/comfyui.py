"""The engine `comfyui`: workflows of configs/workflows on a ComfyUI server.

A prompt has an id that we choose, so one in doubt is found again. It is called off by that id: taken out of
the queue, or interrupted when it is the one that runs, and nobody else's.
"""

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from hashlib import blake2b
from typing import cast
from urllib.parse import quote, urlencode
from uuid import UUID

from pydantic import JsonValue

from farm.catalog import read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.remote_model import Word
from farm.settings import Settings
from workers.context import Context, Done, TaskInput
from workers.gpu_generate.previews import Previews
from workers.gpu_generate.remote.asked import Asked, asked_of
from workers.gpu_generate.remote.buying import Output, Seen, State, bought
from workers.gpu_generate.remote.calling import Api, Json, Told, failed, text_of
from workers.gpu_generate.remote.handing import handed
from workers.gpu_generate.remote.inputs import inputs_of
from workers.gpu_generate.remote.listening import Listener
from workers.gpu_generate.remote.sending import Sendable, form
from workers.gpu_generate.remote.workflow import filled, places_of, settings_of, workflow_of
from workers.provider_http import Ask, service_of

_FREE: JsonValue = {"unload_models": True, "free_memory": True}
# Its types of refusals (execution.py): a node or a model's file that this server does not have.
_LACKING = ("prompt_outputs_failed_validation", "invalid_prompt", "missing_node_type")
_FILMS = (".mp4", ".webm", ".mov")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def perform(task: TaskInput, context: Context) -> Done:
    """Have it made there."""
    asked = asked_of(task, context.workdir)
    service = service_of(task.provider or "")
    api = Api(service, _told, context.checkpoint, call_s=asked.provider.call_s)
    with _Prompts(api, asked, Previews.of(context, read_catalog(Settings()))) as prompts:
        seen = bought(prompts, task, context)
    return handed(asked, seen.outputs, service, context)


class _Prompts(ExitStack):
    """Queues, finds, looks at and calls off prompts. While it is open it hears how far they are."""

    def __init__(self, api: Api, asked: Asked, previews: Previews) -> None:
        super().__init__()
        self.api = api
        self._previews = previews
        self._asked = asked
        self._id = str(UUID(bytes=blake2b(asked.key.encode(), digest_size=16).digest()))
        self._listener: Listener | None = None

    def buy(self) -> Seen:
        graph = workflow_of(self._asked, Settings().config_dirs())
        places = places_of(graph)
        inputs_of(self._asked, {cast(Word, word): word for word in places})  # or it cannot take what is asked
        whole = filled(graph, {**settings_of(self._asked), **self._sent(places)})
        listener = Listener(self.api.service, self._id, self._id, len(graph), self._previews)
        self._listener = self.enter_context(listener)
        body: JsonValue = {"prompt": whole, "client_id": self._id, "prompt_id": self._id}
        found = self.api.ask(Ask.of_json("/prompt", body, is_purchase=True))
        return Seen(text_of(found, "prompt_id"), State.WAITING)

    def find(self) -> Seen | None:
        seen = self.look(self._id)
        return None if seen.state is State.GONE else seen

    def look(self, ref: str) -> Seen:
        """Asked of the queue first: what leaves it between the two calls is in the history by then."""
        is_queued = ref in [*self._queue("queue_running"), *self._queue("queue_pending")]
        entry = self.api.ask(Ask("GET", f"/history/{quote(ref, safe='')}")).get(ref)
        if isinstance(entry, Mapping):
            return self._ended(ref, entry)
        if is_queued:
            return Seen(ref, State.WAITING, self._listener.fraction if self._listener else None)
        return Seen(ref, State.GONE)

    def call_off(self, ref: str) -> None:
        self.api.reply(Ask.of_json("/queue", {"delete": [ref]}))
        if ref in self._queue("queue_running"):
            self.api.reply(Ask.of_json("/interrupt", {"prompt_id": ref}))

    def _queue(self, name: str) -> list[str]:
        """The ids of prompts that run, or wait: the second of each entry."""
        listed = self.api.ask(Ask("GET", "/queue")).get(name)
        entries = listed if isinstance(listed, list) else []
        return [str(entry[1]) for entry in entries if isinstance(entry, list) and len(entry) > 1]

    def _sent(self, places: set[str]) -> dict[str, JsonValue]:
        """Upload the files that the workflow has places for; ComfyUI's names for them."""
        found: dict[str, JsonValue] = {}
        for word, paths in self._asked.files.items():
            if word in places:
                names = [self._uploaded(Sendable(path, lossless=word == "mask")) for path in paths]
                found[word] = names[0] if word != "images" else cast(JsonValue, names)
        return found

    def _uploaded(self, file: Sendable) -> str:
        """Under a name of its content, so that the same file is there once."""
        named = f"{blake2b(file.data, digest_size=16).hexdigest()}{file.suffix}"
        body, headers = form(
            {"type": "input", "subfolder": "kinefarm", "overwrite": "true"}, [("image", file.named(named))]
        )
        made = self.api.ask(Ask("POST", "/upload/image", body, headers))
        name, folder = str(made.get("name") or named), str(made.get("subfolder") or "")
        return f"{folder}/{name}" if folder else name

    def _ended(self, ref: str, entry: Mapping[str, JsonValue]) -> Seen:
        status = entry.get("status")
        if isinstance(status, Mapping) and status.get("status_str") == "error":
            return Seen(ref, State.FAILED, failure=self._failed(status.get("messages")))
        endings = _FILMS if self._asked.is_film else _PICTURES
        return Seen(ref, State.DONE, 1.0, _outputs(entry.get("outputs"), endings))

    def _failed(self, messages: JsonValue) -> TaskFailure:
        """Why; after it ran out of memory it is asked to let go of what it holds."""
        failure = failed(_why(messages), self.api.service)
        if failure.failure is FailureClass.OOM:
            with suppress(TaskFailure):
                self.api.reply(Ask.of_json("/free", _FREE))
        return failure


def _outputs(found: JsonValue, endings: tuple[str, ...]) -> list[Output]:
    """What the saving nodes wrote, node by node: files of type `output`, else whatever there is."""
    files = [
        file
        for node in (found.values() if isinstance(found, Mapping) else ())
        for listed in (node.values() if isinstance(node, Mapping) else ())
        for file in (listed if isinstance(listed, list) else ())
        if isinstance(file, Mapping) and str(file.get("filename", "")).lower().endswith(endings)
    ]
    kept = [file for file in files if file.get("type") == "output"]
    return [Output(f"/view?{_query(file)}") for file in kept or files]


def _query(file: Mapping[str, JsonValue]) -> str:
    return urlencode({name: str(file.get(name) or "") for name in ("filename", "subfolder", "type")})


def _why(messages: JsonValue) -> Told:
    """The last execution_error of a history entry's messages: [name, data] each."""
    for message in reversed(messages) if isinstance(messages, list) else ():
        if isinstance(message, list) and len(message) > 1 and message[0] == "execution_error":
            said = cast(Json, message[1])
            words = f"{said.get('exception_type')}: {said.get('exception_message')}"
            return Told(words.strip())
    return Told("it was interrupted")


def _told(body: JsonValue) -> Told:
    """`error` of a refused prompt: this server lacks a node, or a model's file."""
    error = cast(Json, body).get("error")
    said: Json = error if isinstance(error, dict) else {"message": str(error)}
    words = f"{said.get('message') or ''} {said.get('details') or ''}".strip()
    return Told(words, "unsupported_value" if said.get("type") in _LACKING else "")
