"""Performs compose-otio: writes the timeline of a manifest, and the files beside it."""

from collections.abc import Iterator

from farm.otio import CONTENT_TYPE
from tasks.compose_otio import Composed, ComposeOtio, compose
from workers.context import Context, Done, Output, TaskInput


def perform(given: TaskInput, context: Context) -> Done:
    """Write the files, the same bytes as the API answers. Raises BrokenManifest."""
    made = compose(ComposeOtio.model_validate(given.params).manifest)
    return Done(
        outputs=list(_written(made, context)),
        result={
            "duration_s": made.duration_s,
            "warnings": [finding.model_dump(mode="json", exclude_none=True) for finding in made.warnings],
        },
    )


def _written(made: Composed, context: Context) -> Iterator[Output]:
    """The `.otio`, then what stands beside it: `fcpxml`, `edl-v1`."""
    path = context.workdir / made.file_name
    path.write_bytes(made.otio.encode())
    yield Output("otio", path, made.file_name, CONTENT_TYPE)
    for file in made.files():
        path = context.workdir / file.name
        path.write_bytes(file.content)
        name = f"{file.format}-{file.part}" if file.part else file.format
        yield Output(name, path, file.name, file.content_type)
