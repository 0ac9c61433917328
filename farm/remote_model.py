"""How a service on the internet calls a model and its options, as providers.toml says. Values only."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from farm.noun import Noun

Word = Literal[
    "prompt",
    "negative_prompt",
    "width",
    "height",
    "size",
    "resolution",
    "aspect_ratio",
    "frames",
    "frame_rate",
    "seconds",
    "seed",
    "steps",
    "cfg",
    "count",
    "quality",
    "background",
    "strength",
    "sound",
    "image",
    "last_image",
    "images",
    "style_image",
    "mask",
    "audio",
    "video",
]


class RemoteModel(Noun):
    """See configs/providers.toml, where each key is explained. `name` empty: the same as here."""

    name: str = ""
    fields: Mapping[Word, str] = Field(default_factory=dict)
    fixed: Mapping[str, JsonValue] = Field(default_factory=dict)
    as_text: tuple[str, ...] = ()
    lengths_s: tuple[int, ...] = ()
    sizes: tuple[Annotated[str, Field(pattern=r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$")], ...] = ()
