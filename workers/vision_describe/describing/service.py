"""Has pictures described by a model behind OpenAI's POST /chat/completions: vLLM, Ollama, or a service.

It is sent one picture at a time, made smaller, without anything else that lay in its file. What it answers is
checked by tasks/describe_scenes/asking.py.
"""

from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO

from PIL import Image
from pydantic import JsonValue

from farm.errors import FailureClass, TaskFailure
from farm.rules.senses import DescribeRules
from tasks.describe_scenes.asking import Said, Wanted, answer_format, messages, read_answer
from tasks.describe_scenes.scenes import Source, TextUnusable
from workers.context import Context, TaskInput
from workers.media.rgb import Picture
from workers.provider_http import post_into, service_of
from workers.vision_describe.describing.facts import Seen

_MOST_BYTES = 1 << 20
_QUALITY = 88
# It has answered, and would answer so again; this one picture may be the reason.
_NO_USE = frozenset({FailureClass.INVALID_INPUT, FailureClass.POLICY, FailureClass.CORRUPT_OUTPUT})


class ServiceDescriber:
    """Asks the model of a task's provider, twice where its first answer is of no use."""

    source = Source.MODEL

    def __init__(self, task: TaskInput, context: Context, rules: DescribeRules) -> None:
        self._service = service_of(task.provider or "")
        self._model = task.model
        self._context = context
        self._rules = rules
        self._takes_schema = True

    def describe(self, wanted: Wanted, seen: Seen) -> Said:
        """What the model says of the picture. Raises TextUnusable, and TaskFailure where no answer came."""
        url = _data_url(seen.picture(self._rules.image_px))
        try:
            return read_answer(self._asked(messages(wanted, url)), wanted)
        except TextUnusable:
            return read_answer(self._asked(messages(wanted, url, again=True)), wanted)

    def _asked(self, said: list[JsonValue]) -> bytes:
        """The answer; a service that takes no schema is asked without one from then on."""
        body: dict[str, JsonValue] = {"model": self._model, "messages": said, "temperature": 0}
        if self._takes_schema:
            try:
                return self._posted({**body, "response_format": answer_format()})
            except TaskFailure as failure:
                if failure.failure is not FailureClass.INVALID_INPUT:
                    raise _as_unusable(failure) from failure
        try:
            answer = self._posted(body)
        except TaskFailure as failure:
            raise _as_unusable(failure) from failure
        self._takes_schema = False
        return answer

    def _posted(self, body: Mapping[str, JsonValue]) -> bytes:
        into = self._context.workdir / "answer"
        post_into(
            self._service,
            "/chat/completions",
            body,
            into,
            call_s=self._rules.call_s,
            most_bytes=_MOST_BYTES,
            checkpoint=self._context.checkpoint,
        )
        return into.read_bytes()


def _as_unusable(failure: TaskFailure) -> Exception:
    return TextUnusable("the service refused a picture") if failure.failure in _NO_USE else failure


def _data_url(picture: Picture) -> str:
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode()}"
