"""Who speaks: what configs/voices.toml says. Values only."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from farm.noun import Noun

_LOCALE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


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
