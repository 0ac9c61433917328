"""A long film's tasks performed one after the other in this process: what grows, and what is made of it.

Stands in for scheduler and workers where only the engine is meant: tasks travel as JSON, files by their
names, and what is in `kept` by its key is not made again.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from farm.kinds import TaskSpec, kind_named
from workers.context import Context, Done, InputFile, Output, TaskInput


@dataclass
class Attempt:
    """What a performer holds. `fractions` and `stages` are what it told of its progress."""

    workdir: Path
    fractions: list[float] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workdir.mkdir(parents=True)

    def progress(self, fraction: float, stage: str = "") -> None:
        self.fractions.append(fraction)
        self.stages.append(stage)

    def checkpoint(self) -> None:
        pass

    def log(self, message: str) -> None:
        self.lines.append(message)

    def preview(self, jpeg: bytes) -> None:
        pass

    def warm(self, *models: str) -> None:
        pass

    def accepted(self, ref: str) -> None:
        raise AssertionError("nothing is bought here")

    def dropped(self) -> None:
        raise AssertionError("nothing is bought here")


@dataclass
class Rig:
    """`files` are the customer's, by id. `done` has each task's end by its name, `made` those performed."""

    folder: Path
    files: Mapping[str, Path]
    kept: dict[str, Path] = field(default_factory=dict)
    done: dict[str, Done] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    def run(self, first: TaskSpec) -> Done:
        """Perform a task and all that it grows. Returns the end of the last one."""
        waiting, last = [first], Done()
        while waiting:
            task = waiting.pop(0)
            last = self.done[task.name] = self._done(task)
            waiting += [TaskSpec.model_validate_json(grown.model_dump_json()) for grown in last.tasks]
        return last

    def input_of(self, task: TaskSpec) -> TaskInput:
        """The task as a worker has it."""
        inputs = {name: InputFile(self.files[name], self.files[name].name, "-") for name in task.inputs}
        for need in task.needs:
            for output in self.done[need].outputs:
                inputs[f"{need}.{output.name}"] = InputFile(output.path, output.file_name, "-")
        return TaskInput("media-render", task.step, task.params, inputs)

    def _done(self, task: TaskSpec) -> Done:
        if task.cached is not None and task.cached.key in self.kept:
            made = task.cached
            return Done([Output(made.name, self.kept[made.key], made.file_name, made.content_type)])
        self.made.append(task.name)
        attempt = self.attempts[task.name] = Attempt(self.folder / task.name)
        done = performer(task.step)(self.input_of(task), attempt)
        for output in done.outputs:
            if output.cache_key is not None:
                assert task.cached is not None and output.cache_key == task.cached.key
                self.kept.setdefault(output.cache_key, output.path)
        return done


def performer(step: str) -> Callable[[TaskInput, Context], Done]:
    """Who performs a step of media-render."""
    module, _, function = kind_named("media-render").steps[step].partition(":")
    found: Callable[[TaskInput, Context], Done] = getattr(importlib.import_module(module), function)
    return found
