"""The kind `tts`: a text spoken, for so much a minute. It is `generate-voice` under the studio's price."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import ClassVar
from unicodedata import east_asian_width

from farm.catalog import Catalog
from farm.kinds import Kind, TaskSpec
from farm.money import milli
from tasks.generate_voice import KIND as VOICE_KIND
from tasks.generate_voice import STEP, GenerateVoice

PRICE = "speech_per_minute"
_MINUTE_S = 60
_SLOWEST = 9  # letters a second that the slowest voice says, its pauses included
# How many letters' time others take: a figure is said as a word, and slow engines say signs at two a second.
_FIGURE, _SYLLABLE, _SIGN = 4, 2, 6


class Tts(GenerateVoice):
    """As `generate-voice`."""

    kind: ClassVar[str] = "tts"

    @property
    def longest_s(self) -> Decimal:
        """So long it will hardly become: what is held covers that."""
        letters = sum(map(_letters, self.text))
        return Decimal(letters + _SLOWEST) / _SLOWEST / Decimal(str(self.speed))


def _letters(sign: str) -> int:
    if sign.isdecimal():
        return _FIGURE
    if "\uac00" <= sign <= "\ud7a3":  # Hangul
        return _SYLLABLE
    return _SIGN if east_asian_width(sign) in ("W", "F") else 1


def price_mc(length_s: Decimal, catalog: Catalog) -> int:
    """Milli-credits for so many seconds: whole credits, one at least."""
    share = Decimal(catalog.studio_prices[PRICE]) * length_s / _MINUTE_S
    return milli(max(Decimal(1), share.quantize(Decimal(1), ROUND_CEILING)))


def _plan(params: Tts) -> Sequence[TaskSpec]:
    return VOICE_KIND.plan(params)


def _price_mc(params: Tts, catalog: Catalog) -> int:
    """What is held; charged by the length that was spoken, and never more."""
    return price_mc(params.longest_s, catalog)


KIND = Kind(
    name=Tts.kind,
    version=1,
    params=Tts,
    plan=_plan,
    price_mc=_price_mc,
    steps={STEP: "workers.cpu_render.tts:perform"},
    summary="Say a text, for a price by the minute.",
    told=VOICE_KIND.told,
)
