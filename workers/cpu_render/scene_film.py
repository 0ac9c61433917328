"""Performs the first task of scene-film: lays the cut out, and grows the tasks that compose and render it."""

import json

from farm.catalog import read_catalog
from farm.settings import Settings
from tasks import compose_otio
from tasks.compose_otio import ComposeOtio
from tasks.scene_film import SceneFilm
from tasks.scene_film.manifest import manifest_of, read
from workers.context import Context, Done, Output, TaskInput


def perform(task: TaskInput, context: Context) -> Done:
    """Write the manifest. Raises BadRequest where the timestamps do not fit the pictures."""
    params = SceneFilm.model_validate(dict(task.params))
    file = task.inputs[params.timestamps]
    manifest = manifest_of(params, read(file.path.read_bytes(), file.file_name))
    order = ComposeOtio(manifest=manifest)
    path = context.workdir / "manifest.json"
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    context.log(f"Laid out {len(params.images)} scenes.")
    return Done(
        outputs=[Output("manifest", path, path.name, "application/json")],
        result={"cost_mc": compose_otio.price_mc(order, read_catalog(Settings()))},
        tasks=compose_otio.KIND.plan(order),
    )
