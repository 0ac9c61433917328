"""What a worker and its engine process say to each other: JSON lines, checked on both sides. No pickle."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from farm.errors import FailureClass
from farm.noun import Noun
from farm.preview import is_preview
from workers.context import Done, TaskInput


def _a_preview(data: bytes) -> bytes:
    if not is_preview(data):
        raise ValueError("no JPEG, or too large")
    return data


class Perform(Noun):
    """To the engine: perform this. `performer` is `"module:function"` from the kind's own declaration."""

    say: Literal["perform"] = "perform"
    performer: str
    task: TaskInput
    workdir: Path


class Stop(Noun):
    """To the engine: raise Cancelled at the next checkpoint of what is being performed."""

    say: Literal["stop"] = "stop"


class Noted(Noun):
    """To the engine: what it said about its purchase is committed."""

    say: Literal["noted"] = "noted"


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


class Shown(Noun):
    """From the engine: what it makes looks like this by now."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    say: Literal["shown"] = "shown"
    jpeg: Annotated[bytes, AfterValidator(_a_preview)]


class Accepted(Noun):
    """From the engine, which waits until it is Noted: a provider has accepted the work under this id."""

    say: Literal["accepted"] = "accepted"
    ref: str


class Dropped(Noun):
    """From the engine, which waits until it is Noted: nothing will come of what was accepted."""

    say: Literal["dropped"] = "dropped"


class Warm(Noun):
    """From the engine: the models that lie loaded in it, from now on."""

    say: Literal["warm"] = "warm"
    models: tuple[str, ...]


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
    retry_after_s: float | None = None


class Stopped(Noun):
    """From the engine: it stopped because it was asked to."""

    say: Literal["stopped"] = "stopped"


Order = Annotated[Perform | Stop | Noted, Field(discriminator="say")]
Answer = Annotated[
    Begun | Progress | LogLine | Shown | Warm | Accepted | Dropped | Finished | Failed | Stopped,
    Field(discriminator="say"),
]
ORDER: TypeAdapter[Perform | Stop | Noted] = TypeAdapter(Order)
ANSWER: TypeAdapter[
    Begun | Progress | LogLine | Shown | Warm | Accepted | Dropped | Finished | Failed | Stopped
] = TypeAdapter(Answer)


def line(said: Noun) -> bytes:
    """One message as it travels."""
    return said.model_dump_json().encode() + b"\n"
