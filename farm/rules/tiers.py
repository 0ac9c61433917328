"""What customers of a tier may have: what configs/tiers.toml and prices.toml say. Values only."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import Field

from farm.noun import Noun


class Tier(Noun):
    """A customer tier. `weight` is its share under load; `order` its Celery priority (0 first)."""

    order: int = Field(ge=0, le=9)
    weight: float = Field(gt=0)
    max_running: int = Field(gt=0)
    keep_days: float = Field(gt=0)
    monthly_credits: Decimal = Field(default=Decimal(0), ge=0)


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


class ComposeLimits(Noun):
    """See configs/tiers.toml, where each key is explained."""

    max_items: int = Field(gt=0)
    max_duration_s: float = Field(gt=0)


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


class Promo(Noun):
    """See configs/prices.toml, where each key is explained."""

    credits: Decimal = Field(ge=0)
    until: date | None = None
    new_key_days: float | None = Field(default=None, gt=0)
