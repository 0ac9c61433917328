"""The farm's settings, from FARM_* variables; anything unset means embedded under FARM_HOME."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from farm.errors import BadRequest
from farm.validation import first_fault

_PACKAGED_CONFIGS = Path(__file__).parent / "configs"
_CHECKOUT_CONFIGS = Path(__file__).parent.parent / "configs"
_WEB = ("http://", "https://")
_SCHEMES = {
    "database_url": ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://"),
    "redis_url": ("redis://", "rediss://", "unix://"),
    "public_url": _WEB,
    "blobs_public_url": _WEB,
}


class Settings(BaseSettings):
    """One process's settings; an empty variable counts as unset. Reading them starts and writes nothing.

    Raises BadRequest naming the variable that makes no sense, never its value, a password perhaps.
    """

    model_config = SettingsConfigDict(env_prefix="FARM_", extra="ignore", frozen=True, env_ignore_empty=True)

    home: Path = Field(default=Path(".farm"), description="Where embedded servers keep their data.")
    database_url: str | None = Field(default=None, description="sqlite:///… or postgresql://…")
    redis_url: str | None = Field(default=None, description="redis://host:port/db; Redis 6.2+ or Valkey")
    blobs_url: str | None = Field(
        default=None, description="A folder, or s3://bucket/prefix?endpoint=…&region=…"
    )
    public_url: str | None = Field(
        default=None, description="Where callers reach the API; default: as they called it"
    )
    blobs_public_url: str | None = Field(
        default=None, description="Where callers reach the S3 endpoint, if elsewhere"
    )
    secret_key: SecretStr | None = Field(
        default=None, description="At least 32 characters; shared by all processes"
    )
    config_dir: Path | None = Field(default=None, description="Files here override the packaged configs")
    flower_auth: SecretStr | None = Field(
        default=None, description="user:password of Flower; needed beyond the loopback address"
    )
    log_format: Literal["json", "text"] | None = Field(
        default=None, description="json or text; default: text on a terminal"
    )

    @model_validator(mode="wrap")
    @classmethod
    def _named(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            fault = first_fault(error)
            name = f"FARM_{str(fault.place[0]).upper()}"
            raise BadRequest(f"{name}: {fault.text}.", param=name) from None

    @field_validator(*_SCHEMES)
    @classmethod
    def _has_its_scheme(cls, url: str | None, info: ValidationInfo) -> str | None:
        schemes = _SCHEMES[info.field_name or ""]
        if url is not None and not url.startswith(schemes):
            raise ValueError(f"it must begin with {' or '.join(schemes)}")
        return url

    @cached_property
    def root(self) -> Path:
        """FARM_HOME, absolute."""
        return self.home.expanduser().absolute()

    @property
    def run_dir(self) -> Path:
        """Where a running farm says how it is reached."""
        return self.root / "run"

    @property
    def embedded_store(self) -> Path:
        """The SQLite file of a farm without FARM_DATABASE_URL."""
        return self.root / "farm.sqlite3"

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the store, with the driver named."""
        url = self.database_url or f"sqlite:///{self.embedded_store}"
        for prefix in ("postgresql://", "postgres://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url.removeprefix(prefix)
        return url

    @property
    def blobs_location(self) -> str:
        """A folder path or an s3:// URL."""
        return self.blobs_url or str(self.root / "blobs")

    def config_dirs(self) -> tuple[Path, ...]:
        """Where config files are looked for: the operator's folder first, then the packaged defaults."""
        packaged = _PACKAGED_CONFIGS if _PACKAGED_CONFIGS.is_dir() else _CHECKOUT_CONFIGS
        return (self.config_dir, packaged) if self.config_dir else (packaged,)

    def environment(self) -> dict[str, str]:
        """These settings as FARM_* variables, for child processes."""
        values = {
            "FARM_HOME": str(self.root),
            "FARM_DATABASE_URL": self.database_url,
            "FARM_REDIS_URL": self.redis_url,
            "FARM_BLOBS_URL": self.blobs_url,
            "FARM_PUBLIC_URL": self.public_url,
            "FARM_BLOBS_PUBLIC_URL": self.blobs_public_url,
            "FARM_SECRET_KEY": self.secret_key.get_secret_value() if self.secret_key else None,
            "FARM_CONFIG_DIR": str(self.config_dir) if self.config_dir else None,
        }
        return os.environ | {name: value for name, value in values.items() if value is not None}
