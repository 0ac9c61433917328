"""POST /api/generate/voice: a text becomes speech."""

from typing import Annotated, Literal

from pydantic import Field

from farm.api.desk import AtDesk, BaseUrl, SignedIn
from farm.api.idempotency import MadeOnce
from farm.api.routing import farm_router, submits
from farm.api.surfaces.generations.asked import ToldAtTheEnd
from farm.api.surfaces.generations.shared_status import GenerationStatus, submitted
from farm.doors.submit import submit
from tasks.generate_voice import GenerateVoice, Text
from tasks.generate_voice.speakers import Language

PREFIX = "voice"

Promised = Literal["alloy", "echo", "fable", "onyx", "nova", "shimmer"]

router = farm_router("/api/generate", "generations")


class SpokenRequest(ToldAtTheEnd):
    """What to say, and who says it. `speed` 1 is how the voice speaks by itself."""

    text: Text
    voice: Promised = "alloy"
    language: Language = "en"
    speed: Annotated[float, Field(strict=True, ge=0.5, le=2)] = 1.0


@router.post("/voice", status_code=202, openapi_extra=submits("generations"))
def generate_voice(
    body: SpokenRequest, desk: AtDesk, caller: SignedIn, base_url: BaseUrl, once: MadeOnce
) -> GenerationStatus:
    """Turn a text into speech: an MP3, in one of six voices and ten languages."""
    made = submit(desk.hall, caller, body.spec(desk, params_of(body), PREFIX), once)
    return submitted(desk, caller.account.id, made.job_id, base_url)


def params_of(body: SpokenRequest) -> GenerateVoice:
    """What is asked of the farm."""
    return GenerateVoice(text=body.text, voice=body.voice, language=body.language, speed=body.speed)
