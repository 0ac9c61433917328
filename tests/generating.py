"""What tests of the engine `diffusers` share: a performer's context, tasks, and what they hand in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from workers.context import Cancelled, Done, InputFile, TaskInput
from workers.gpu_generate.providers.diffusers import perform

PROMPT = "a red fox runs over the snow, pan left"


class Watching:
    """A performer's context that notes what it is told, and stops the attempt as soon as `until` says so."""

    def __init__(
        self, workdir: Path, until: Callable[[float, str], bool] = lambda _fraction, _stage: False
    ) -> None:
        workdir.mkdir(parents=True, exist_ok=True)
        self.workdir = workdir
        self.told: list[tuple[float, str]] = []
        self.lines: list[str] = []
        self.previews: list[bytes] = []
        self.models: tuple[str, ...] = ()
        self._until = until
        self._stopped = False

    @property
    def stages(self) -> list[str]:
        return list(dict.fromkeys(stage for _, stage in self.told))

    def progress(self, fraction: float, stage: str = "") -> None:
        self.checkpoint()
        self.told.append((fraction, stage))
        self._stopped = self._stopped or self._until(fraction, stage)

    def checkpoint(self) -> None:
        if self._stopped:
            raise Cancelled

    def log(self, message: str) -> None:
        self.lines.append(message)

    def preview(self, jpeg: bytes) -> None:
        self.previews.append(jpeg)

    def warm(self, *models: str) -> None:
        self.models = models

    def accepted(self, ref: str) -> None:
        raise AssertionError("nothing is bought here")

    def dropped(self) -> None:
        raise AssertionError("nothing is bought here")


def order(model: str, inputs: dict[str, Path] | None = None, **params: Any) -> TaskInput:
    """A task for a model of the catalog, of the kind that it makes."""
    files = {name: InputFile(path, path.name, _type(path)) for name, path in (inputs or {}).items()}
    is_picture = model in ("sd15", "flux", "z-image")
    kind = "edit-image" if "images" in params else "generate-image" if is_picture else "generate-video"
    return TaskInput(kind, "generate", {"prompt": PROMPT, "model": model, **params}, files, model=model)


def made(task: TaskInput, context: Watching) -> Done:
    return perform(task, context)


def file_of(done: Done, number: int = 0) -> bytes:
    return done.outputs[number].path.read_bytes()


def frames_of(path: Path) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """All pictures of a film, as RGB."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def gradient(path: Path, side: int = 48) -> Path:
    """A picture: dark at the left, red at the right, brighter below."""
    across, down = np.meshgrid(np.linspace(0, 255, side), np.linspace(0, 255, side))
    Image.fromarray(np.dstack([across, down, down * 0.4]).astype(np.uint8)).save(path)
    return path


def _type(path: Path) -> str:
    return "video/mp4" if path.suffix == ".mp4" else "image/png"
