"""Performs compose-otio: writes the timeline of a manifest."""

from farm.otio import CONTENT_TYPE
from tasks.compose_otio import ComposeOtio, compose
from workers.context import Context, Done, Output, TaskInput


def perform(given: TaskInput, context: Context) -> Done:
    """Write the `.otio`, the same bytes as the API answers. Raises BrokenManifest."""
    made = compose(ComposeOtio.model_validate(given.params).manifest)
    path = context.workdir / made.file_name
    path.write_text(made.otio, encoding="utf-8", newline="\n")
    return Done(
        outputs=[Output("otio", path, made.file_name, CONTENT_TYPE)],
        result={
            "duration_s": made.duration_s,
            "warnings": [finding.model_dump(mode="json", exclude_none=True) for finding in made.warnings],
        },
    )
