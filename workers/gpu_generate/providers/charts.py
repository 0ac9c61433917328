"""The engine `charts`: draws charts that move."""

from collections.abc import Iterator
from typing import Any

from farm.catalog import read_catalog
from farm.encoders import STANDARD
from farm.models import Fitted
from farm.settings import Settings
from farm.timeline import Rate
from tasks.generate_chart import GenerateChart
from workers.context import Context, Done, Output, TaskInput
from workers.gpu_generate.charts.film import Shown, drawn, pictured
from workers.media.encode import encode
from workers.media.shape import Shape

MODEL = "charts"
VIDEO = "video"
_SAMPLE_RATE = 48_000


def perform(task: TaskInput, context: Context) -> Done:
    """Draw a film of a chart. Raises AssetUnreadable for a picture that is none."""
    params = GenerateChart.model_validate(dict(task.params))
    fitted = read_catalog(Settings()).models.named(MODEL).fitted(params.wish)
    path = context.workdir / "chart.mp4"
    rate = Rate(num=fitted.frame_rate, den=1)
    shape = Shape(fitted.width, fitted.height, rate, fitted.frames, _SAMPLE_RATE, 0)

    def on_frame(done: int) -> None:
        context.progress(done / fitted.frames, "draw")

    encode(_shown(params, task, fitted), [], path, shape, STANDARD, on_frame)
    said: dict[str, Any] = {
        "model": MODEL,
        "width": fitted.width,
        "height": fitted.height,
        "frames": fitted.frames,
        "frame_rate": fitted.frame_rate,
        "duration_s": float(fitted.length_s),
        "normalized": [change.model_dump() for change in fitted.normalized],
    }
    return Done([Output(VIDEO, path, "chart.mp4", "video/mp4", meta=said)], result=said)


def _shown(params: GenerateChart, task: TaskInput, fitted: Fitted) -> Iterator[Shown]:
    size = (fitted.width, fitted.height, fitted.frames)
    if params.chart is not None:
        return drawn(params.chart, params.animation_style, params.title, *size)
    assert params.image is not None
    return pictured(task.inputs[params.image], params.animation_style, params.title, *size)
