"""What a worker and its engine process say to each other: JSON lines, checked on both sides. No pickle."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from farm.errors import FailureClass
from farm.noun import Noun
from workers.context import Done, TaskInput


class Perform(Noun):
    """To the engine: perform this. `performer` is `"module:function"` from the kind's own declaration."""

    say: Literal["perform"] = "perform"
    performer: str
    task: TaskInput
    workdir: Path


class Stop(Noun):
    """To the engine: raise Cancelled at the next checkpoint of what is being performed."""

    say: Literal["stop"] = "stop"


class Begun(Noun):
    """From the engine: the order has come."""

    say: Literal["begun"] = "begun"


class Progress(Noun):
    """From the engine: how far it is, 0..1."""

    say: Literal["progress"] = "progress"
    fraction: float
    stage: str


class LogLine(Noun):
    """From the engine: a line for the attempt's log tail. A `private` one is for operators only."""

    say: Literal["log"] = "log"
    line: str
    private: bool = False


class Finished(Noun):
    """From the engine: it is done, and the files lie in the workdir."""

    say: Literal["finished"] = "finished"
    done: Done


class Failed(Noun):
    """From the engine: it raised."""

    say: Literal["failed"] = "failed"
    failure: FailureClass
    code: str
    message: str


class Stopped(Noun):
    """From the engine: it stopped because it was asked to."""

    say: Literal["stopped"] = "stopped"


Order = Annotated[Perform | Stop, Field(discriminator="say")]
Answer = Annotated[Begun | Progress | LogLine | Finished | Failed | Stopped, Field(discriminator="say")]
ORDER: TypeAdapter[Perform | Stop] = TypeAdapter(Order)
ANSWER: TypeAdapter[Begun | Progress | LogLine | Finished | Failed | Stopped] = TypeAdapter(Answer)


def line(said: Noun) -> bytes:
    """One message as it travels."""
    return said.model_dump_json().encode() + b"\n"
