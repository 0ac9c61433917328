"""The operator's numbers: configs/*.toml read into frozen values, each file overridable in FARM_CONFIG_DIR.

A file there replaces only the keys it names; the packaged file supplies the rest and explains each key.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from farm.chat import ChatRules, check_chat
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
from farm.settings import Settings

# As a browser says it: scheme, host and port, no path.
_ORIGIN = r"^(\*|https?://[A-Za-z0-9.\-\[\]:]+)$"
_LOCALE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
SPEECH = "speech"  # the capability of voices that a service has


class Tier(Noun):
    """A customer tier. `weight` is its share under load; `order` its Celery priority (0 first)."""

    order: int = Field(ge=0, le=9)
    weight: float = Field(gt=0)
    max_running: int = Field(gt=0)
    keep_days: float = Field(gt=0)
    monthly_credits: Decimal = Field(default=Decimal(0), ge=0)


class Pool(Noun):
    """Like workers; see configs/pools.toml. `extra` is the install extra that brings the pool's engines."""

    extra: str
    modules: tuple[str, ...] = ()
    default_slots: int = Field(default=1, gt=0)
    device_slots: int = Field(default=0, ge=0)
    io_slots: int = Field(default=0, ge=0)
    interactive_slots: int = Field(default=0, ge=0)
    interactive_min_slots: int = Field(default=8, ge=2)
    interactive_s: float = Field(default=10.0, gt=0)

    @property
    def slots(self) -> dict[str, int]:
        """What a worker announces unless it is told otherwise, by resource."""
        counts = {"cpu": self.default_slots, "device": self.device_slots, "io": self.io_slots}
        return {resource: count for resource, count in counts.items() if count}

    def reserved(self, slots: int) -> int:
        """How many of so many slots of one resource are kept for interactive work."""
        return min(self.interactive_slots, slots - 1) if slots >= self.interactive_min_slots else 0


class Scheduling(Noun):
    """See configs/farm.toml, where each key is explained."""

    lease_s: float = Field(gt=0)
    beat_s: float = Field(gt=0)
    publish_lease_s: float = Field(gt=0)
    sweep_s: float = Field(gt=0)
    look_ahead_s: float = Field(ge=0)
    look_ahead_max: int = Field(ge=0)
    ageing_every: int = Field(gt=1)
    burst_turns: float = Field(ge=0)
    burst_s: float = Field(ge=0)
    warm_jumps: int = Field(ge=0)
    warm_wait_s: float = Field(ge=0)
    refuse_unrunnable: bool = False
    batch: int = Field(gt=0)
    kill_grace_s: float = Field(gt=0)
    worker_gone_s: float = Field(gt=0)
    lead_s: float = Field(gt=0)
    quarantine_after: int = Field(ge=0)
    no_progress_s: float = Field(ge=0)
    auto_retry_rounds: int = Field(ge=1)


class BrokerRules(Noun):
    """See configs/farm.toml, where each key is explained."""

    task_events: bool = True


class LogRules(Noun):
    """See configs/farm.toml, where each key is explained."""

    tail_lines: int = Field(gt=0)
    keep_s: int = Field(gt=0)


class MetricsRules(Noun):
    """See configs/farm.toml, where each key is explained."""

    host: str
    port: int = Field(gt=0, lt=65_536)
    cache_s: float = Field(ge=0)
    cache_dear_s: float = Field(ge=0)


class RetentionRules(Noun):
    """See configs/farm.toml, where each key is explained."""

    enabled: bool = True
    grace_s: float = Field(ge=0)
    segment_days: float = Field(gt=0)
    stray_days: float = Field(gt=0)
    job_days: float = Field(gt=0)
    round_s: float = Field(gt=0)
    rows_per_s: float = Field(gt=0)
    rows_per_round: int = Field(gt=0)
    at_once: int = Field(gt=0)


class RetryRule(Noun):
    """What follows a failure of one class: how many attempts in all, and the pause before the next."""

    max_attempts: int = Field(ge=1)
    backoff_s: float = Field(ge=0)
    backoff_max_s: float = Field(ge=0)


class Idempotency(Noun):
    """See configs/farm.toml, where each key is explained. Seconds."""

    keep_s: float = Field(gt=0)
    sdk_retry_s: float = Field(gt=0)
    lease_s: float = Field(gt=0)


class Limits(Noun):
    """Sizes, lifetimes and rates; see configs/farm.toml."""

    upload_url_s: int = Field(gt=0)
    download_url_s: int = Field(gt=0)
    upload_max_bytes: int = Field(gt=0)
    project_max_files: int = Field(gt=0)
    studio_image_bytes: int = Field(gt=0)
    json_max_bytes: int = Field(gt=0)
    asset_days: float = Field(gt=0)
    fetch_s: float = Field(gt=0)
    fetch_picture_bytes: int = Field(gt=0)
    fetch_media_bytes: int = Field(gt=0)


class OutboundRules(Noun):
    """Where customers' URLs may lead; see configs/farm.toml. The defaults let nobody in but the internet."""

    ports: tuple[int, ...] = (80, 443)
    allow_hosts: tuple[str, ...] = ()
    allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    connect_s: float = Field(default=3.0, gt=0)
    total_s: float = Field(default=15.0, gt=0)
    read_bytes: int = Field(default=65_536, gt=0)


class ApiRules(Noun):
    """See configs/farm.toml, where each key is explained."""

    answer_s: float = Field(default=30.0, ge=0, le=300)
    video_s: float = Field(default=600.0, ge=0)
    pictures_s: float = Field(default=590.0, ge=0, le=3600)
    audio_s: float = Field(default=590.0, ge=0, le=3600)
    cors_origins: tuple[Annotated[str, Field(pattern=_ORIGIN)], ...] = ()
    max_keys: int = Field(default=100, gt=0)


class WebhookRules(Noun):
    """See configs/farm.toml, where each key is explained."""

    job_retry_after_s: tuple[float, ...]
    endpoint_retry_after_s: tuple[float, ...]
    disable_after_s: float = Field(gt=0)
    lease_s: float = Field(gt=0)
    at_once: int = Field(gt=0)
    per_account: int = Field(gt=0)
    look_s: float = Field(gt=0)
    max_endpoints: int = Field(gt=0)
    rotate_s: float = Field(ge=0)
    link_s: int = Field(gt=0, le=604_800)


class SegmentRules(Noun):
    """See configs/encode.toml, where each key is explained."""

    film_s: float = Field(ge=0)
    segment_s: float = Field(gt=0)
    most: int = Field(gt=0)
    incremental_film_s: float = Field(ge=0)
    incremental_segment_s: float = Field(gt=0)


class TuneRules(Noun):
    """See configs/tunes.toml, where each key is explained."""

    folder: str = ""
    bundled: bool = True
    fallback: str = ""


class FontRules(Noun):
    """See configs/fonts.toml, where each key is explained."""

    folder: str = ""
    first: bool = False


class RemoteVoice(Noun):
    """A voice of a speech service; see configs/voices.toml, where each key is explained."""

    model: str
    code: str = Field(min_length=1)
    name: str = Field(min_length=1)
    locale: str = Field(pattern=_LOCALE)
    also: tuple[Annotated[str, Field(pattern=_LOCALE)], ...] = ()
    gender: Literal["female", "male"]
    accent: str = ""
    tags: tuple[str, ...] = ()
    takes_speed: bool = True


class VoiceRules(Noun):
    """See configs/voices.toml, where each key is explained."""

    engines: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    kokoro: str = ""
    max_saved: int = Field(default=100, ge=0)
    response_format: Literal["wav", "mp3", "opus", "aac"] = "wav"
    call_s: float = Field(default=120.0, gt=0)
    remote: Mapping[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")], RemoteVoice] = Field(
        default_factory=dict
    )


class StudioVoice(Noun):
    """See configs/voices.toml, where each key is explained."""

    name: str = Field(min_length=1)
    voice: str = Field(min_length=1)


class AlignRules(Noun):
    """The recogniser of asr-align; see configs/align.toml, where each key is explained."""

    model: str = ""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compute_type: str = "int8"
    threads: int = Field(default=2, gt=0)
    batch: int = Field(default=1, gt=0)
    beam: int = Field(default=5, gt=0)
    keep_free_mb: int = Field(default=1500, ge=0)


class VisionModel(Noun):
    """A model that describes pictures; see configs/describe.toml, where each key is explained."""

    repository: str = ""
    revision: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")
    folder: str = ""
    ask: Literal["chat", "caption"] = "chat"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"

    @model_validator(mode="after")
    def _is_pinned(self) -> Self:
        if bool(self.repository) == bool(self.folder):
            raise ValueError("a model needs repository or folder, not both")
        if self.repository and not self.revision:
            raise ValueError("a repository needs its revision: the whole commit")
        return self


class DescribeRules(Noun):
    """See configs/describe.toml, where each key is explained."""

    call_s: float = Field(default=60.0, gt=0)
    image_px: int = Field(default=1024, ge=64, le=4096)
    threads: int = Field(default=2, gt=0)
    keep_free_mb: int = Field(default=1500, ge=0)
    models: Mapping[str, VisionModel] = Field(default_factory=dict)


class DescribeTier(Noun):
    """See configs/tiers.toml, where each key is explained."""

    max_images: int = Field(gt=0)
    max_image_mib: int = Field(gt=0)
    max_total_mib: int = Field(gt=0)
    max_narration: int = Field(ge=0)
    max_description: int = Field(gt=0)
    max_extra_detail: int = Field(ge=0)
    styles: tuple[Literal["short", "normal", "detailed"], ...]


class TimestampsTier(Noun):
    """See configs/tiers.toml, where each key is explained."""

    max_audio_mib: int = Field(gt=0)
    max_audio_s: float = Field(gt=0)
    max_scenes: int = Field(gt=0)
    max_narration: int = Field(ge=0)
    max_field: int = Field(gt=0)
    max_scene_text: int = Field(gt=0)


class Feature(StrEnum):
    """What only some tiers open."""

    STOCK = "stock"
    TTS = "tts"
    HOSTING = "hosting"
    ORGS = "orgs"
    BRAND_KITS = "brand_kits"
    SUBTITLE_TRANSLATION = "subtitle_translation"
    UPSCALE = "upscale"
    FACE_SWAP = "face_swap"


class GenerationTier(Noun):
    """See configs/tiers.toml, where each key is explained."""

    video_side: int = Field(gt=0)
    picture_side: int = Field(gt=0)
    frames: int = Field(gt=0)
    steps: int | None = Field(default=None, gt=0)
    watermark: bool = False
    features: tuple[Feature, ...] = ()


class Promo(Noun):
    """See configs/prices.toml, where each key is explained."""

    credits: Decimal = Field(ge=0)
    until: date | None = None
    new_key_days: float | None = Field(default=None, gt=0)


class ComposeLimits(Noun):
    """See configs/tiers.toml, where each key is explained."""

    max_items: int = Field(gt=0)
    max_duration_s: float = Field(gt=0)


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
    for folder in reversed(dirs):  # an operator's word counts in whichever of the files it stands
        for name in _FILES:
            _merge(merged, _toml(folder / name))
    merged["providers"] = book = dict[str, Any]()
    for folder in reversed(dirs):
        _merge(book, _toml(folder / "providers.toml"))
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
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FarmUnavailable(
            f"The configuration is wrong at {where}: {first['msg']}.", param=where
        ) from error


def _wrong(where: str, what: str) -> FarmUnavailable:
    return FarmUnavailable(f"tiers.toml: {where} {what}.", param=where)


def _require_known(where: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise FarmUnavailable(f"farm.toml: {where}: there is no {name!r}.", param=where)
