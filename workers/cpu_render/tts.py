"""Performs `tts`: as generate-voice, and says what the length that was spoken costs."""

from decimal import Decimal

from farm.catalog import read_catalog
from farm.settings import Settings
from tasks.tts import price_mc
from workers.context import Context, Done, TaskInput
from workers.cpu_render import generate_voice


def perform(task: TaskInput, context: Context) -> Done:
    """Say it. Raises as generate-voice does."""
    done = generate_voice.perform(task, context)
    length_s = Decimal(str(done.result["duration_s"]))
    cost_mc = price_mc(length_s, read_catalog(Settings()))
    return Done(done.outputs, result={**done.result, "cost_mc": cost_mc})
