"""The kind `chat`: a call to a language model, handed on by the API itself. A record of it, without words.

Its job is made by the call (farm/doors/direct.py) and has no task. Nothing of what was said is in it; an
answer is kept for a while where its caller may ask again (farm/doors/idempotency.py).
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from farm.catalog import Catalog
from farm.chat import Usage, lines_of
from farm.errors import BadRequest
from farm.kinds import Kind, Params, TaskSpec


class Chat(Params):
    """What was asked for. Tokens are the most that there may be."""

    kind: ClassVar[str] = "chat"

    model: str = Field(min_length=1, max_length=128)
    endpoint: Literal["chat/completions", "completions"] = "chat/completions"
    failover: bool = True
    stream: bool = False
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)

    @property
    def most(self) -> Usage:
        return Usage(input_tokens=self.input_tokens, output_tokens=self.output_tokens)


def _plan(_params: Chat) -> Sequence[TaskSpec]:
    raise BadRequest("Chat is answered at once: POST /v1/chat/completions.", param="kind")


def _price_mc(params: Chat, catalog: Catalog) -> int:
    """As the first that may answer asks."""
    first = lines_of(catalog.providers, params.model, failover=params.failover)[0]
    return first.price_mc(catalog.chat, params.most)


KIND = Kind(
    name=Chat.kind,
    version=1,
    params=Chat,
    plan=_plan,
    price_mc=_price_mc,
    steps={},
    summary="A call to a language model, handed on by the API.",
    for_operators=True,  # nobody submits it: the call makes it
)
