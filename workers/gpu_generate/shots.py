"""Performs a shot of multi-shot: a video as any other, which only the tasks that join it get to see."""

from dataclasses import replace

from tasks.generate_video import STEP, GenerateVideo
from workers.context import Context, Done, TaskInput
from workers.gpu_generate import generate


def perform(task: TaskInput, context: Context) -> Done:
    """As generate-video's. What it makes expires with its job."""
    done = generate.perform(replace(task, kind=GenerateVideo.kind, step=STEP), context)
    return Done([replace(output, intermediate=True) for output in done.outputs], result=done.result)
