"""POST /v1/images/generations: pictures from a prompt, in OpenAI's shape, answered when they are there."""

from typing import Any

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import Request

from farm.api.desk import AtDesk, BaseUrl, SignedIn
from farm.api.fetched import fetched
from farm.api.routing import ErrorAnswer, farm_router, submits
from farm.api.surfaces.generations import images_spec as specs
from farm.api.surfaces.generations.images_answer import held
from farm.api.surfaces.generations.images_stream import streamed
from farm.api.surfaces.generations.images_wire import ImageRequest, PicturesAnswer, UnderwayPictures

router = farm_router("/v1", "generations")

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {}},
        "description": "With `stream`: events, as OpenAI's.",
    },
    202: {"model": UnderwayPictures, "description": "With `Prefer: respond-async`."},
    504: {"model": ErrorAnswer, "description": "Not done in time: the job goes on, and its id is told."},
}


@router.post(
    "/images/generations",
    response_model=PicturesAnswer,
    openapi_extra=submits("generations"),
    responses=ANSWERS,
)
async def generate(
    body: ImageRequest, request: Request, desk: AtDesk, caller: SignedIn, base_url: BaseUrl
) -> Response:
    """Generate one to four pictures: the answer comes with them, within ten minutes.

    With `stream` it is events: `image_generation.partial_image`, then `image_generation.completed` for each.
    """
    wanted = specs.wanted_of(body)
    characters, style = specs.sorted_out(body, [specs.PENDING] * len(wanted))
    params = specs.generation(body, characters, style)
    # What is wrong with the rest is told before anything is fetched.
    spec = await run_in_threadpool(specs.spec_of, desk, caller.account, body, params, specs.IMAGE)
    if wanted:
        found = specs.ids_of(await fetched(desk, caller.account, wanted, base_url))
        characters, style = specs.sorted_out(body, found)
        spec = specs.with_pictures(spec, images=tuple(characters), style_image=style)
    events = streamed("image_generation", body)
    return await held(request, desk, caller, spec, base_url, body.response_format, events)
