"""The engine `diffusers`: draws with a model that this process loads (configs/generate.toml)."""

import importlib
from types import ModuleType

from farm.errors import FailureClass, TaskFailure
from workers.context import Context, Done, TaskInput


def perform(task: TaskInput, context: Context) -> Done:
    """Draw pictures or a film. Raises TaskFailure `not_installed` on a worker without the extra."""
    done: Done = _making().make(task, context)
    return done


def _making() -> ModuleType:
    """The module that imports torch and diffusers, which not every worker has."""
    try:
        return importlib.import_module("workers.gpu_generate.diffusing.making")
    except ModuleNotFoundError as error:
        said = f"This worker lacks {error.name}: pip install 'kinefarm[generate,diffusers]'."
        raise TaskFailure(said, FailureClass.INTERNAL, code="not_installed") from error
