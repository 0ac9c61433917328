"""transcribe-audio: what is said in a sound, by the recogniser of asr-align or by a service.

The price goes by started minutes: what is held covers `max_duration_s`, what is charged goes by the true
length.
"""

from collections.abc import Sequence

from farm.catalog import Catalog
from farm.errors import ModelNotOffered
from farm.kinds import Kind, TaskSpec
from farm.moderation import Told
from farm.money import milli
from tasks.transcribe_audio.params import CAPABILITY, LONGEST_S, PROMPT_CHARACTERS, TranscribeAudio
from tasks.transcribe_audio.transcript import Transcript

__all__ = [
    "CAPABILITY",
    "KIND",
    "LONGEST_S",
    "PROMPT_CHARACTERS",
    "STEP",
    "TRANSCRIPT",
    "TranscribeAudio",
    "Transcript",
    "price_mc",
]

STEP = "transcribe"
TRANSCRIPT = "transcript"  # the artifact: a Transcript as JSON
PRICE = "transcription_minute"
_START_S, _SLOWEST = 300, 4  # times the sound's own length


def _plan(params: TranscribeAudio) -> Sequence[TaskSpec]:
    soft_s = _START_S + _SLOWEST * params.max_duration_s
    return (
        TaskSpec(
            name=STEP,
            step=STEP,
            params=params.model_dump(mode="json"),
            inputs=(params.audio,),
            route=params.route,
            soft_s=soft_s,
            hard_s=soft_s + 60,
        ),
    )


def price_mc(params: TranscribeAudio, catalog: Catalog) -> int:
    """For `max_duration_s`; on top of the farm's own what the first candidate asks.

    Raises ModelNotOffered where nobody here recognises words, naming the settings.
    """
    first = catalog.providers.candidates(params.route)[0]
    if catalog.providers.providers[first.provider].url is None and not catalog.align.model:
        raise ModelNotOffered(
            "This farm recognises no words. Its operator can name a Whisper model in align.toml, under"
            f" align.model, or offer a service in providers.toml, under routes.{CAPABILITY}.{first.model}.",
            param="model",
        )
    return params.minutes * milli(catalog.generation_prices[PRICE]) + first.price_mc


def _told(params: TranscribeAudio) -> Told:
    return Told(capability=CAPABILITY, texts={"prompt": params.prompt})


KIND = Kind(
    name=TranscribeAudio.kind,
    version=1,
    params=TranscribeAudio,
    plan=_plan,
    price_mc=price_mc,
    steps={STEP: "workers.asr_align.transcribe:perform"},
    summary="Write down what is said in a sound, with the times of its words.",
    told=_told,
)
