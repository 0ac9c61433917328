"""Performs the steps of generation: hands a task to the engine of the provider that the farm chose.

An engine is a module of `workers.gpu_generate.providers` with `perform(task, context) -> Done`, written as
every performer is. Its heavy libraries are imported with it, in the engine process that first needs them.
"""

import importlib
import pkgutil

from farm.catalog import Catalog, read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.settings import Settings
from workers.context import Context, Done, TaskInput
from workers.gpu_generate import providers
from workers.media.decency import check_files, check_made

_OWN = ("animatic", "charts", "retouch")  # engines that show nothing but what was handed in and looked at


def perform(task: TaskInput, context: Context) -> Done:
    """Do it there. Raises TaskFailure INTERNAL `engine_missing` for an engine that nobody wrote.

    Raises TaskFailure POLICY for what was handed in, or made, and is not allowed here.
    """
    catalog = read_catalog(Settings())
    name = engine_of(task, catalog)
    known = [module.name for module in pkgutil.iter_modules(providers.__path__)]
    if name not in known:
        raise TaskFailure(
            f"There is no engine {name!r} for the provider {task.provider!r}; known: {', '.join(known)}.",
            FailureClass.INTERNAL,
            code="engine_missing",
        )
    check_files(task.inputs.values(), catalog.moderation)
    done: Done = importlib.import_module(f"{providers.__name__}.{name}").perform(task, context)
    if name not in _OWN:
        check_made(done.outputs, catalog.moderation)
    return done


def engine_of(task: TaskInput, catalog: Catalog) -> str:
    """What does the work: the provider's engine, else the model's own."""
    provider = catalog.providers.providers.get(task.provider or "")
    if provider is not None and provider.engine:
        return provider.engine
    model_id = catalog.models.find(task.model or "")
    return catalog.models.models[model_id].engine if model_id else ""
