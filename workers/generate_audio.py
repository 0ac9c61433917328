"""Performs `generate-audio`: by the farm's own instruments, or by an engine of the generate pool.

Which of the two is the chosen provider's affair: each is opened only in a worker of its own pool.
"""

import importlib
from collections.abc import Mapping

from farm.catalog import read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.settings import Settings
from workers.context import Context, Done, TaskInput

_PERFORMERS: Mapping[str, str] = {
    "cpu-render": "workers.cpu_render.generate_audio",
    "gpu-generate": "workers.gpu_generate.generate",
}


def perform(task: TaskInput, context: Context) -> Done:
    """Have it played there. Raises TaskFailure INTERNAL `engine_missing` for a pool that plays nothing."""
    provider = read_catalog(Settings()).providers.providers.get(task.provider or "")
    module = _PERFORMERS.get(provider.pool) if provider else None
    if module is None:
        raise TaskFailure(
            f"The provider {task.provider!r} is of no pool that makes sound.",
            FailureClass.INTERNAL,
            code="engine_missing",
        )
    done: Done = importlib.import_module(module).perform(task, context)
    return done
