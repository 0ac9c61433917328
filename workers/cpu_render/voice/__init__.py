"""Speech engines: one file each, declaring `ENGINE`. To add one: a file here, and its voices in
tasks/media_render/voices.py.
"""

from functools import cache

from farm.errors import FailureClass, TaskFailure
from workers.cpu_render.registry import scan, slug
from workers.cpu_render.voice.contract import Engine


@cache
def engines() -> dict[str, Engine]:
    """Every speech engine by its name, whether it is installed here or not."""
    return scan(__name__, "ENGINE", Engine)


def engine_named(name: str) -> Engine:
    """The engine of that name, ready to speak. Raises TaskFailure INTERNAL `voice_engine_missing`."""
    engine = engines().get(slug(name))
    if engine is None or not engine.is_installed():
        mend = f"; {engine.install}" if engine else ""
        raise TaskFailure(
            f"This worker has no speech engine {name}{mend}.",
            FailureClass.INTERNAL,
            code="voice_engine_missing",
        )
    return engine
