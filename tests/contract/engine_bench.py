"""The engines of remote services, each with its protocol server and a providers.toml that names it."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from farm.errors import TaskFailure
from tests.provider_protocols.comfyui import ComfyServer
from tests.provider_protocols.fal import FalServer
from tests.provider_protocols.openai import OpenAiServer
from tests.provider_protocols.replicate import ReplicateServer
from tests.provider_protocols.server import ProtocolServer
from workers.context import Cancelled, Done, InputFile, TaskInput
from workers.gpu_generate.generate import perform

FILM, FILM_OF_PICTURE, PICTURE = "film", "film of a picture", "picture"
KEY_ENV = "TEST_PROVIDER_KEY"
PROVIDERS = """
[providers.there]
pool = "gpu-generate"
resource = "io"
remote = true
engine = "{engine}"
url = "{url}"
key_env = "TEST_PROVIDER_KEY"
{more}
"""


@dataclass(frozen=True)
class Engine:
    """An engine, the catalog's models that its server sells, and what providers.toml says of them."""

    name: str
    server: Callable[[], ProtocolServer]
    models: Mapping[str, str]
    toml: str
    finds: bool  # it can look up what is in doubt


_SIZES = '["1280x720", "720x1280"]'
_WAN = '{ diffusion_model = "wan.safetensors", text_encoder = "umt5.safetensors", vae = "vae.safetensors" }'
ENGINES = {
    "openai": Engine(
        "openai",
        OpenAiServer,
        {FILM: "kling-o3-pro-t2v", FILM_OF_PICTURE: "kling-o3-pro-i2v", PICTURE: "gpt-image-1"},
        f"""
[providers.there.models.kling-o3-pro-t2v]
name = "sora-2"
lengths_s = [4, 8, 12]
sizes = {_SIZES}
[providers.there.models.kling-o3-pro-i2v]
name = "sora-2"
lengths_s = [4, 8, 12]
sizes = {_SIZES}
""",
        finds=False,
    ),
    "replicate": Engine(
        "replicate",
        ReplicateServer,
        {FILM: "kling-o3-pro-t2v", FILM_OF_PICTURE: "kling-o3-pro-i2v", PICTURE: "flux-pro"},
        """
[providers.there.models.kling-o3-pro-t2v]
name = "kwaivgi/kling:v1"
fields = { negative_prompt = "negative_prompt" }
[providers.there.models.kling-o3-pro-i2v]
name = "kwaivgi/kling:v1"
fields = { image = "start_image", aspect_ratio = "" }
[providers.there.models.flux-pro]
name = "black-forest-labs/flux"
fixed = { output_format = "png" }
""",
        finds=True,
    ),
    "fal": Engine(
        "fal",
        FalServer,
        {FILM: "kling-o3-pro-t2v", FILM_OF_PICTURE: "kling-o3-pro-i2v", PICTURE: "flux-pro"},
        """
[providers.there.models.kling-o3-pro-t2v]
name = "fal-ai/kling-video/o3/text-to-video"
lengths_s = [5, 10]
as_text = ["duration"]
[providers.there.models.kling-o3-pro-i2v]
name = "fal-ai/kling-video/o3/image-to-video"
fields = { aspect_ratio = "" }
lengths_s = [5, 10]
as_text = ["duration"]
[providers.there.models.flux-pro]
name = "fal-ai/flux/dev"
fields = { negative_prompt = "" }
""",
        finds=False,
    ),
    "comfyui": Engine(
        "comfyui",
        ComfyServer,
        {FILM: "wan-t2v", FILM_OF_PICTURE: "wan-i2v", PICTURE: "sd15"},
        f"""
[providers.there.models.wan-t2v]
name = "wan-text-to-video"
fixed = {_WAN}
[providers.there.models.wan-i2v]
name = "wan-image-to-video"
fixed = {_WAN}
[providers.there.models.sd15]
name = "text-to-image"
fixed = {{ checkpoint = "model.safetensors" }}
""",
        finds=True,
    ),
}


@dataclass
class Attempt:
    """A context that remembers; `stop` is looked at as an engine looks at its worker's word."""

    workdir: Path
    refs: list[str] = field(default_factory=list)
    drops: int = 0
    fractions: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    previews: list[bytes] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def progress(self, fraction: float, stage: str = "") -> None:
        self.fractions.append(fraction)
        self.checkpoint()

    def checkpoint(self) -> None:
        if self.stop.is_set():
            raise Cancelled

    def log(self, message: str) -> None:
        self.lines.append(message)

    def preview(self, jpeg: bytes) -> None:
        self.previews.append(jpeg)

    def warm(self, *models: str) -> None:
        raise AssertionError("nothing lies loaded here")

    def accepted(self, ref: str) -> None:
        self.refs.append(ref)

    def dropped(self) -> None:
        self.drops += 1


class Bench:
    """One engine before its server: makes tasks and performs them."""

    def __init__(self, engine: Engine, server: ProtocolServer, folder: Path) -> None:
        self.engine = engine
        self.server = server
        self.folder = folder

    def toml(self, more: str = "") -> str:
        told = PROVIDERS.format(engine=self.engine.name, url=self.server.url, more=more)
        return told + self.engine.toml

    def next(self, *plans: str) -> Self:
        self.server.next(*plans)
        return self

    def attempt(self) -> Attempt:
        workdir = self.folder / f"attempt-{len(list(self.folder.iterdir()))}"
        workdir.mkdir()
        return Attempt(workdir)

    def task(self, makes: str = FILM, *, files: Sequence[Path] = (), **said: Any) -> TaskInput:
        """`said` are parameters, and of a TaskInput what begins with an underscore."""
        own = {name[1:]: said.pop(name) for name in [*said] if name.startswith("_")}
        inputs = {f"asset-{n}": InputFile(path, path.name, "image/png") for n, path in enumerate(files)}
        if makes == FILM_OF_PICTURE:
            words = ("image", "last_image")
            said |= {word: f"asset-{n}" for n, word in zip(range(len(files)), words, strict=False)}
        kind = said.pop("kind", "generate-image" if makes == PICTURE else "generate-video")
        return TaskInput(
            kind=kind,
            step="generate",
            params={"prompt": "a lighthouse in a storm", **said},
            inputs=inputs,
            provider="there",
            model=self.engine.models[makes],
            idempotency_key=own.pop("key", "kf_one"),
            **own,
        )

    def perform(self, task: TaskInput, attempt: Attempt | None = None) -> Done:
        return perform(task, attempt or self.attempt())


def configure(bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch, more: str = "") -> None:
    """Configs of the bench's own in the folder; they are read once a process."""
    configs = folder / "configs"
    configs.mkdir(exist_ok=True)
    (configs / "providers.toml").write_text(bench.toml(more))
    monkeypatch.setenv("FARM_CONFIG_DIR", str(configs))
    monkeypatch.setenv(KEY_ENV, bench.server.key)


def failure_of(bench: Bench, task: TaskInput, attempt: Attempt | None = None) -> TaskFailure:
    with pytest.raises(TaskFailure) as caught:
        bench.perform(task, attempt)
    assert bench.server.key not in caught.value.message
    return caught.value


def stopped(bench: Bench, task: TaskInput, attempt: Attempt) -> BaseException | Done:
    """What comes of a task that is stopped once it was accepted."""
    came: list[BaseException | Done] = []

    def run() -> None:
        try:
            came.append(bench.perform(task, attempt))
        except (Cancelled, TaskFailure) as error:
            came.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert bench.server.in_call.wait(10)
    attempt.stop.set()
    thread.join(20)
    return came[0]


# Pictures of OpenAI's come with the answer; everything else is ordered and fetched in one way an API.
EACH_WAY = pytest.mark.parametrize(
    ("place", "makes"), [*((name, FILM) for name in ENGINES), ("openai", PICTURE)], indirect=["place"]
)


def of(*names: str) -> pytest.MarkDecorator:
    """For these engines only."""
    return pytest.mark.parametrize("place", names, indirect=True)
