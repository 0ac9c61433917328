"""How workers run the models whose engine is diffusers: what configs/generate.toml says. Values only."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from farm.models import ModelId
from farm.noun import Noun

Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Offload = Literal["none", "model", "group"]
Quantised = Literal["none", "float8", "int8", "nf4"]


class OwnModel(Noun):
    """What is said of one model alone; see configs/generate.toml. None is what is said for all.

    `parts` says by role where a part lies, or by an empty text that the model does without it.
    """

    folder: str = ""
    variant: str = ""
    dtype: Dtype | None = None
    offload: Offload | None = None
    quantised: Quantised | None = None
    compiled: bool | None = None
    tiled: bool | None = None
    parts: Mapping[str, str] = Field(default_factory=dict)


class DiffusionRules(Noun):
    """See configs/generate.toml, where each key is explained."""

    folder: str = ""
    download: bool = False
    device: Device = "auto"
    dtype: Dtype = "auto"
    threads: int = Field(default=2, gt=0)
    memory_gb: float = Field(default=0.0, ge=0)
    keep_free_gb: float = Field(default=2.0, ge=0)
    offload: Offload = "none"
    quantised: Quantised = "none"
    compiled: bool = False
    tiled: bool = False
    batch_pixels: int = Field(default=0, ge=0)
    preview_every_s: float = Field(default=2.0, ge=0)
    cutout_model: str = ""
    models: Mapping[ModelId, OwnModel] = Field(default_factory=dict)

    def of(self, model_id: str) -> OwnModel:
        """What holds for that model: its own word, else the one for all."""
        own = self.models.get(model_id, OwnModel())
        return own.model_copy(
            update={
                "dtype": own.dtype or self.dtype,
                "offload": own.offload or self.offload,
                "quantised": own.quantised or self.quantised,
                "compiled": self.compiled if own.compiled is None else own.compiled,
                "tiled": self.tiled if own.tiled is None else own.tiled,
            }
        )
