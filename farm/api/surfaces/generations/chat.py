"""POST /v1/chat/completions and /v1/completions: handed on to the models that providers.toml names."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from farm.api.desk import AtDesk, Desk, SignedIn
from farm.api.idempotency import MadeOnce
from farm.api.llm.calling import Calling, Wanted
from farm.api.llm.exchange import Asked, Exchange
from farm.api.llm.meter import tokens_in
from farm.api.llm.streaming import MEDIA_TYPE
from farm.api.routing import LARGE_BODY, farm_router, submits
from farm.api.surfaces.generations.chat_wire import (
    ChatRequest,
    CompletionRequest,
    pictures_in,
    text_bytes,
)
from farm.chat import CHAT
from farm.errors import BadRequest
from farm.generation import SURFACE
from farm.moderation import Told, check
from tasks.chat import Chat

_MOST_URLS = 50  # each is looked up
_DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The model's answer; with `stream` server-sent events, each as it comes. "
        "`x-model-actual` and `x-failover-used` tell who answered.",
        "content": {"application/json": {}, MEDIA_TYPE: {}},
    }
}
_TAKEN = submits("generations") | {LARGE_BODY: True}

router = farm_router("/v1", "generations")


async def _exchange(request: Request) -> Exchange:
    exchange = request.app.state.exchange
    assert isinstance(exchange, Exchange)
    return exchange


AtExchange = Annotated[Exchange, Depends(_exchange)]


@router.post("/chat/completions", openapi_extra=_TAKEN, responses=_DOCUMENT)
async def chat_completions(
    body: ChatRequest, request: Request, desk: AtDesk, caller: SignedIn, exchange: AtExchange, once: MadeOnce
) -> Response:
    """Ask a language model, as OpenAI's clients do."""
    limit_field = desk.hall.catalog.chat.limit_field
    wanted = await run_in_threadpool(_wanted, desk, body, "chat/completions", limit_field)
    return await Calling(request, desk, caller, exchange, SURFACE, once).answer(wanted)


@router.post("/completions", openapi_extra=_TAKEN, responses=_DOCUMENT)
async def completions(
    body: CompletionRequest,
    request: Request,
    desk: AtDesk,
    caller: SignedIn,
    exchange: AtExchange,
    once: MadeOnce,
) -> Response:
    """Have a language model go on with a text."""
    wanted = await run_in_threadpool(_wanted, desk, body, "completions", "max_tokens")
    return await Calling(request, desk, caller, exchange, SURFACE, once).answer(wanted)


def _wanted(
    desk: Desk,
    body: ChatRequest | CompletionRequest,
    endpoint: Literal["chat/completions", "completions"],
    limit_field: str,
) -> Wanted:
    """What is asked of a service.

    Raises ContentRefused, and BadRequest for too long an answer and for URLs that no service should fetch.
    """
    rules = desk.hall.catalog.chat
    check(desk.hall.catalog.moderation, Told(capability=CHAT, texts=body.texts))
    _look(desk, body.urls)
    handed_on = body.handed_on(limit_field, rules)
    said, pictures = text_bytes(handed_on), pictures_in(handed_on)
    record = Chat(
        model=body.model,
        endpoint=endpoint,
        failover=body.failover,
        stream=body.stream,
        input_tokens=said + pictures * rules.picture_tokens,
        output_tokens=body.output_tokens(rules),
    )
    estimate = tokens_in(said, pictures, rules.picture_tokens)
    return Wanted(Asked(endpoint, handed_on), record, estimate, tells_usage=body.wants_usage)


def _look(desk: Desk, urls: Iterable[tuple[str, str]]) -> None:
    """A service in the operator's own network must not be led to what lies there."""
    for count, (param, url) in enumerate(urls, 1):
        if count > _MOST_URLS:
            raise BadRequest(f"{param}: a call has {_MOST_URLS} URLs at most.", param=param)
        try:
            desk.hall.guard.look(url)
        except BadRequest as error:
            raise BadRequest(f"{param}: {error.message}", param=param, code=error.public_code) from None
