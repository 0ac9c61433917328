"""How the farm runs: what configs/farm.toml says, where each key is explained. Values only."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field

from farm.noun import Noun

# As a browser says it: scheme, host and port, no path.
_ORIGIN = r"^(\*|https?://[A-Za-z0-9.\-\[\]:]+)$"


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
    warm_wait_s_per_gb: float = Field(ge=0)
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
