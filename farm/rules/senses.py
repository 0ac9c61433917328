"""The models that hear and see: what configs/align.toml and describe.toml say. Values only."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from farm.noun import Noun


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
