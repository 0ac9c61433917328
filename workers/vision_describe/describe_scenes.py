"""Performs a `describe` task: describes pictures in their order, and finds each one's words in the narration.

Who describes is the task's model: one that this worker loads (configs/describe.toml), one behind the
provider's url, else the embedded measured description.
"""

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from farm.catalog import Catalog, read_catalog
from farm.errors import FailureClass, TaskFailure
from farm.settings import Settings
from tasks.describe_scenes import MEASURED, SCENES, Described, DescribeScenes
from workers.context import Context, Done, InputFile, Output, TaskInput
from workers.vision_describe.describing.decency import check_picture, check_texts
from workers.vision_describe.describing.facts import Seen, see
from workers.vision_describe.describing.measured import MeasuredDescriber
from workers.vision_describe.describing.service import ServiceDescriber
from workers.vision_describe.describing.telling import Describer, Telling


def perform(task: TaskInput, context: Context) -> Done:
    """Describe the scenes. Raises AssetUnreadable, and TaskFailure: refused, or from a provider."""
    params = DescribeScenes.model_validate(dict(task.params))
    catalog = read_catalog(Settings())
    check_texts(params, catalog.moderation)
    with _describer(task, context, catalog) as describer:
        telling = Telling(params, describer, catalog.moderation)
        count = len(params.images)
        for place, image in enumerate(params.images):
            context.progress(place / count, f"describe {place + 1} of {count}")
            seen = _seen(task.inputs[image.asset_id], image.file_name)
            check_picture(seen, place, catalog.moderation)
            telling.add(seen)
    described = telling.all()
    context.log(f"Described {count} scenes.")
    return Done([_output(described, context)], described.model_dump(mode="json", exclude_none=True))


@contextmanager
def _describer(task: TaskInput, context: Context, catalog: Catalog) -> Iterator[Describer]:
    """Who describes. Raises TaskFailure where the configs name nobody."""
    provider, own = catalog.providers.providers.get(task.provider or ""), catalog.describe.models
    if provider is not None and provider.url is not None:
        yield ServiceDescriber(task, context, catalog.describe)
    elif task.model is not None and task.model in own:
        context.progress(0.0, "load the model")
        spec = own[task.model]
        with _transformers().own_describer(task.model, spec, catalog.describe, context) as describer:
            yield describer
    elif task.model in (None, MEASURED):
        yield MeasuredDescriber()
    else:
        said = f"describe.toml has no model {task.model!r}, and its provider has no url."
        raise TaskFailure(said, FailureClass.INTERNAL, code="model_unknown")


def _transformers() -> ModuleType:
    """The module that imports transformers, which not every worker has. Raises TaskFailure."""
    try:
        return importlib.import_module("workers.vision_describe.describing.own_model")
    except ModuleNotFoundError as error:
        said = f"This worker lacks {error.name}: pip install 'kinefarm[vlm]'."
        raise TaskFailure(said, FailureClass.INTERNAL, code="not_installed") from error


def _seen(file: InputFile, name: str) -> Seen:
    return see(file.path, name or file.file_name)


def _output(described: Described, context: Context) -> Output:
    """The scenes as a file, in the form in which scene-timestamps takes them."""
    path = context.workdir / "scenes.json"
    scenes = [scene.model_dump(mode="json", by_alias=True, exclude_none=True) for scene in described.scenes]
    path.write_text(json.dumps({"scenes": scenes}, ensure_ascii=False, indent=1), encoding="utf-8")
    return Output(SCENES, path, "scenes.json", "application/json")
