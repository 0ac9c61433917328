"""The operator's numbers: configs/*.toml read into frozen values, each file overridable in FARM_CONFIG_DIR.

A file there replaces only the keys it names; the packaged file supplies the rest and explains each key.
"""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from farm.chat import ChatRules, check_chat
from farm.config_errors import Told, require_folder, wrong_key
from farm.config_files import merge as _merge
from farm.config_files import read_toml as _toml
from farm.diffusing import DiffusionRules
from farm.encoders import EncoderProfile
from farm.errors import BadRequest, FarmUnavailable
from farm.model_book import ModelBook
from farm.model_files import read_models
from farm.moderation import ModerationRules
from farm.noun import Noun
from farm.providers import ProviderBook
from farm.rules.films import FontRules, SegmentRules, TuneRules
from farm.rules.pools import Pool
from farm.rules.running import (
    ApiRules,
    BrokerRules,
    Idempotency,
    Limits,
    LogRules,
    MetricsRules,
    OutboundRules,
    RetentionRules,
    RetryRule,
    Scheduling,
    WebhookRules,
)
from farm.rules.senses import AlignRules, DescribeRules
from farm.rules.tiers import ComposeLimits, DescribeTier, GenerationTier, Promo, Tier, TimestampsTier
from farm.rules.voices import StudioVoice, VoiceRules
from farm.settings import Settings

SPEECH = "speech"  # the capability of voices that a service has


class Catalog(Noun):
    """All of it, read once per process."""

    tiers: Mapping[str, Tier]
    surface_tiers: Mapping[str, Mapping[str, tuple[str, ...]]] = Field(default_factory=dict)
    pools: Mapping[str, Pool]
    scheduling: Scheduling
    broker: BrokerRules
    logs: LogRules
    metrics: MetricsRules
    retry: Mapping[str, RetryRule]
    limits: Limits
    retention: RetentionRules
    idempotency: Idempotency
    outbound: OutboundRules
    webhooks: WebhookRules
    api: ApiRules
    rates: Mapping[str, str]
    tier_rates: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    key_rates: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    render_prices: Mapping[str, str]
    postproduction_prices: Mapping[str, str]
    promos: Mapping[str, Promo] = Field(default_factory=dict)
    generation_prices: Mapping[str, str] = Field(default_factory=dict)
    studio_prices: Mapping[str, str]
    compose_limits: Mapping[str, ComposeLimits]
    describe_limits: Mapping[str, DescribeTier]
    timestamps_limits: Mapping[str, TimestampsTier]
    generation_limits: Mapping[str, GenerationTier] = Field(min_length=1)
    encoders: Mapping[str, EncoderProfile]
    segments: SegmentRules
    tunes: TuneRules
    fonts: FontRules
    voices: VoiceRules
    studio_voices: Mapping[str, StudioVoice] = Field(default_factory=dict)
    align: AlignRules = AlignRules()
    describe: DescribeRules = DescribeRules()
    generate: DiffusionRules = DiffusionRules()
    moderation: ModerationRules = ModerationRules()
    chat: ChatRules = ChatRules()
    providers: ProviderBook

    @property
    def models(self) -> ModelBook:
        """All models that may be asked for; see configs/models."""
        return self.providers.models

    def check_surface_tiers(self) -> None:
        """Raise FarmUnavailable naming the word that leads nowhere, or the tier that has two."""
        for surface, words in self.surface_tiers.items():
            seen: dict[str, str] = {}
            for word, tiers in words.items():
                where = f"surface_tiers.{surface}.{word}"
                for tier in tiers:
                    if tier not in self.tiers:
                        raise _wrong(where, f"names the tier {tier!r}, which is not there")
                    if tier in seen:
                        raise _wrong(where, f"has the tier {tier!r}, which {seen[tier]!r} has as well")
                    seen[tier] = word
                if not tiers:
                    raise _wrong(where, "names no tier")
        for word in self.surface_tiers.get("postproduction", {}):
            if word not in self.compose_limits:
                raise _wrong(f"compose_limits.{word}", "is missing")
            if word not in self.describe_limits:
                raise _wrong(f"describe_limits.{word}", "is missing")
            if word not in self.timestamps_limits:
                raise _wrong(f"timestamps_limits.{word}", "is missing")

    def check_voices(self) -> None:
        """Raise FarmUnavailable naming the voice whose model nobody serves."""
        served = self.providers.routes.get(SPEECH, {})
        for name, voice in self.voices.remote.items():
            if voice.model not in served:
                where = f"voices.remote.{name}.model"
                what = f"names {voice.model!r}, and providers.toml has no such model under routes.{SPEECH}"
                raise FarmUnavailable(f"voices.toml: {where} {what}.", param=where)

    def check_rates(self) -> None:
        """Raise FarmUnavailable naming the rate whose class or tier is not there."""
        for name, by_tier in self.tier_rates.items():
            _require_known(f"tier_rates.{name}", name, self.rates)
            for tier in by_tier:
                _require_known(f"tier_rates.{name}.{tier}", tier, self.tiers)
        for prefix, own in self.key_rates.items():
            for name in own:
                _require_known(f"key_rates.{prefix}.{name}", name, self.rates)

    def check_own_models(self) -> None:
        """Raise FarmUnavailable naming the model of generate.toml that the catalog does not have."""
        for name in self.generate.models:
            if name not in self.models.models:
                where = f"generate.models.{name}"
                raise FarmUnavailable(f"generate.toml: {where} is no model of the catalog.", param=where)

    def surface_tier(self, surface: str, tier: str) -> str:
        """The surface's own word for an account's tier: the first, its strictest, for one it does not name.

        A surface without words of its own has the farm's.
        """
        words = self.surface_tiers.get(surface)
        if not words:
            return tier
        return next((word for word, tiers in words.items() if tier in tiers), next(iter(words)))

    def farm_tier(self, surface: str, word: str) -> str:
        """The tier that a surface's word means. Raises BadRequest naming its words."""
        words = self.surface_tiers.get(surface, {})
        if word not in words:
            raise BadRequest(f"There is no tier {word!r}; known: {', '.join(words)}.", param="tier")
        return words[word][0]

    def tier(self, name: str) -> Tier:
        """The tier of that name. Raises FarmUnavailable naming the file to mend."""
        try:
            return self.tiers[name]
        except KeyError:
            raise FarmUnavailable(
                f"No tier {name!r} in tiers.toml; it has {', '.join(self.tiers)}."
            ) from None


def read_catalog(settings: Settings) -> Catalog:
    """Read every config file. Raises FarmUnavailable naming the file and key that is wrong."""
    require_folder(settings.config_dir)
    return _read(settings.config_dirs())


_FILES = (
    "farm.toml",
    "tiers.toml",
    "pools.toml",
    "prices.toml",
    "encode.toml",
    "tunes.toml",
    "fonts.toml",
    "voices.toml",
    "align.toml",
    "describe.toml",
    "generate.toml",
    "moderation.toml",
    "chat.toml",
)


@cache
def _read(dirs: tuple[Path, ...]) -> Catalog:
    merged: dict[str, Any] = {}
    files: list[Told] = []
    for folder in reversed(dirs):  # an operator's word counts in whichever of the files it stands
        for name in _FILES:
            files.append(Told(folder / name, _toml(folder / name)))
            _merge(merged, files[-1].values)
    merged["providers"] = book = dict[str, Any]()
    for folder in reversed(dirs):
        files.append(Told(folder / "providers.toml", _toml(folder / "providers.toml"), ("providers",)))
        _merge(book, files[-1].values)
    book["models"] = read_models(dirs)
    try:
        catalog = Catalog.model_validate(merged)
        catalog.providers.check(catalog.pools)
        catalog.check_surface_tiers()
        catalog.check_voices()
        catalog.check_rates()
        catalog.check_own_models()
        catalog.moderation.check()
        check_chat(catalog.providers)
        return catalog
    except ValidationError as error:
        raise wrong_key(error, files) from error


def _wrong(where: str, what: str) -> FarmUnavailable:
    return FarmUnavailable(f"tiers.toml: {where} {what}.", param=where)


def _require_known(where: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise FarmUnavailable(f"farm.toml: {where}: there is no {name!r}.", param=where)
