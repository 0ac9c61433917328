"""A LoRA that has LTX follow a film of depth, edges or poses, and how large it wants to see that film."""

from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from safetensors import safe_open

from farm.model_sources import Source

CONTROL = "control_lora"  # the part's role
_SAID = "reference_downscale_factor"  # in the file: the sides of what is made are so many times as long
_OWN = "_kinefarm_reference_scale"


def note_scale(pipeline: Any, source: Source, *, download: bool) -> None:
    """Read it from the LoRA's file. A source without a file says nothing of it."""
    if source.file is None:
        return
    folder = None if source.revision is not None else Path(source.place)
    path = folder / source.file if folder is not None else _cached(source, download)
    with safe_open(path, "pt") as file:
        setattr(pipeline, _OWN, int((file.metadata() or {}).get(_SAID, 1)))


def scale_of(pipeline: Any) -> int:
    """How many times smaller the film is that it looks at."""
    return int(getattr(pipeline, _OWN, 1))


def _cached(source: Source, download: bool) -> Path:
    assert source.file is not None
    return Path(
        hf_hub_download(source.place, source.file, revision=source.revision, local_files_only=not download)
    )
